import Care
import Foundation

/// A file that is there whole or not at all: written beside its place, on disk, then put there. Mode 0600.
final class ExportFile {
    private let path: String
    private let part: String
    private let replaces: Bool
    private let file: Int32
    private var written: UInt64 = 0
    private var isKept = false

    /// - Throws: `GatewayProblem`, whose sentence says what to do.
    init(path: String, replaces: Bool) throws {
        self.path = path
        self.replaces = replaces
        let place = URL(fileURLWithPath: path)
        part = place.deletingLastPathComponent().path + "/." + place.lastPathComponent + ".part"
        var facts = stat()
        if lstat(path, &facts) == 0 {
            guard facts.st_mode & S_IFMT == S_IFREG else { throw problem("\(safeText(path)) is no file: name another.") }
            guard replaces else { throw Self.isThere(path) }
        }
        // One that a kill has left is written anew; whoever writes holds its lock.
        file = open(part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw problem("\(safeText(path)) cannot be written (\(String(cString: strerror(errno)))): check the folder.") }
        var (own, named) = (stat(), stat())
        guard flock(file, LOCK_EX | LOCK_NB) == 0, fstat(file, &own) == 0, lstat(part, &named) == 0, own.st_ino == named.st_ino else {
            close(file)
            throw problem("Another export writes \(safeText(path)) at this moment: wait until it is done, or name another file.")
        }
        guard fchmod(file, 0o600) == 0, ftruncate(file, 0) == 0 else {
            let failure = problem("\(safeText(path)) cannot be written (\(String(cString: strerror(errno)))): check the folder.")
            unlink(part)
            close(file)
            throw failure
        }
    }

    deinit {
        if !isKept { unlink(part) }
        close(file)
    }

    func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let n = Foundation.write(file, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                if n < 0, errno == EINTR { continue }
                guard n > 0 else { throw failure() }
                done += n
            }
        }
        written += UInt64(bytes.count)
    }

    /// It is complete: from now on it has its name.
    func keep(bytes: UInt64) throws {
        guard written == bytes else { throw problem("The export did not arrive whole: try again.") }
        guard fsync(file) == 0 else { throw failure() }
        if replaces {
            guard rename(part, path) == 0 else { throw failure() }
        } else if link(part, path) == 0 {
            unlink(part)
        } else if errno == EEXIST {
            throw Self.isThere(path)
        } else {
            // A disk without links. Between this look and the renaming somebody else could be faster.
            guard access(path, F_OK) != 0 else { throw Self.isThere(path) }
            guard rename(part, path) == 0 else { throw failure() }
        }
        isKept = true
        let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private static func isThere(_ path: String) -> GatewayProblem {
        GatewayProblem(sentence: "\(safeText(path)) is there already: name another file, or replace it with --force.", mayPass: false)
    }

    private func failure() -> GatewayProblem {
        switch errno {
        case ENOSPC, EDQUOT: problem("The disk is full, so nothing was kept: make room where \(safeText(path)) belongs, or name a file on another disk.")
        case EFBIG: problem("The disk takes no file as large as this one: name a file on another disk.")
        case let code: problem("\(safeText(path)) cannot be written (\(String(cString: strerror(code)))): check the disk.")
        }
    }
}

