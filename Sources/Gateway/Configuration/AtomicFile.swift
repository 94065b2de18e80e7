import Foundation

/// Replaces a file as a whole: written beside it, on disk, then renamed over it. Mode 0600.
enum AtomicFile {
    /// One writer at a time: the name of the file in the making is always the same, so that a crash leaves
    /// at most one of them behind, which the next writing replaces.
    static func write(_ text: String, to path: String) throws(BrokerAccessProblem) {
        func failed(_ what: String) -> BrokerAccessProblem {
            let reason = String(cString: strerror(errno))
            return BrokerAccessProblem(sentence: "\(path) cannot be \(what) (\(reason)); check the disk and who may write there.")
        }
        let new = path + ".new"
        unlink(new)
        let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failed("written") }
        guard writeAll(Array(text.utf8), to: file), fsync(file) == 0 else {
            let problem = failed("written")
            close(file)
            unlink(new)
            throw problem
        }
        close(file)
        guard rename(new, path) == 0 else { throw failed("replaced") }
        // The rename itself is on disk only when the folder is.
        let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failed("kept") }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failed("kept") }
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let n = Foundation.write(file, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                if n < 0, errno == EINTR { continue }
                guard n > 0 else { return false }
                done += n
            }
            return true
        }
    }
}
