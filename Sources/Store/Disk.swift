import Care
import Foundation

/// What the files beside the database need: on disk when it is said that they are, and readable by nobody else.
enum Disk {
    /// Waits until the file, or the names in the folder, are on disk.
    static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error("opening", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw error("flushing", path) }
    }

    /// The new name takes the place of what had it, at once or not at all. The folder is not flushed by this.
    static func rename(_ from: String, _ to: String) throws {
        guard Foundation.rename(from, to) == 0 else { throw error("renaming", from) }
    }

    /// The name goes; the folder is not flushed by this. What is not there is no problem.
    static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw error("removing", path) }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// 0 where there is no such file.
    static func bytes(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Names in a folder, sorted; none where it cannot be read.
    static func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    static func create(_ path: String, _ flags: Int32 = O_TRUNC) throws -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0o600)
        guard descriptor >= 0 else { throw error("making", path) }
        return descriptor
    }

    /// Writes all of it, or throws.
    static func write(_ bytes: some Collection<UInt8>, _ descriptor: Int32, _ path: String) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw error("writing", path) }
            rest = rest.dropFirst(written)
        }
    }

    /// A copy that is on disk when this returns; its name is not before the folder is flushed.
    static func copy(_ from: String, to: String) throws {
        let source = open(from, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw error("opening", from) }
        defer { close(source) }
        let target = try create(to)
        defer { close(target) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw error("reading", from) }
            if count == 0 { break }
            try write(buffer[..<count], target, to)
        }
        guard fsync(target) == 0 else { throw error("flushing", to) }
    }

    /// What the system said last, as a sentence about what to do.
    static func error(_ doing: String, _ path: String, _ number: Int32 = errno) -> StoreError {
        let problem: StoreProblem =
            switch number {
            case ENOSPC, EDQUOT: .diskFull
            case EROFS, EACCES, EPERM: .readOnly
            case EIO: .inputOutput
            default: .other
            }
        return StoreError(problem.sentence, detail: "\(doing) \(path): errno \(number)", problem: problem)
    }

    /// `20261121T031500Z`: sorts by time and may stand in the name of a file.
    static func stamp(_ at: Instant) -> String {
        let whole = Instant(milliseconds: at.milliseconds - (at.milliseconds % 1_000 + 1_000) % 1_000)
        return whole.iso.filter { $0 != "-" && $0 != ":" }
    }

    static func instant(stamp: some StringProtocol) -> Instant? {
        let c = Array(stamp)
        guard c.count == 16 else { return nil }
        func part(_ range: Range<Int>) -> String { String(c[range]) }
        return Instant(
            iso: "\(part(0..<4))-\(part(4..<6))-\(part(6..<11)):\(part(11..<13)):\(part(13..<16))")
    }
}
