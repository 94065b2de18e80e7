import Foundation

/// Room on the data folder's disk that is kept for the day on which the disk is full: the file `reserve`, really
/// allocated. Released then, it lets alerts in progress and new calls for help be written.
///
/// Not `Sendable`: it belongs to the thread that runs the turns.
public final class Reserve {
    private let folder: String
    private let path: String
    private let bytes: Int64

    /// Makes nothing yet; see `hold`.
    ///
    /// - Parameter bytes: how much room to keep; with 0 there is no reserve.
    public init(folder: String, bytes: Int64) {
        self.folder = folder
        path = folder + "/reserve"
        self.bytes = bytes
    }

    /// The file is there in its whole size, with room on disk for each byte of it.
    public var isHeld: Bool {
        var status = stat()
        guard bytes > 0, stat(path, &status) == 0 else { return false }
        return Int64(status.st_size) == bytes && Int64(status.st_blocks) * 512 >= bytes
    }

    /// Makes the reserve where that leaves at least as much room to everybody else.
    ///
    /// - Returns: whether it is held afterwards.
    public func hold() -> Bool {
        if isHeld { return true }
        // One of another size, or one that a kill has left half made.
        release()
        guard bytes > 0, let free = Self.freeBytes(folder: folder), free / 2 >= bytes else { return false }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        if allocate(descriptor), fsync(descriptor) == 0, isHeld { return true }
        release()
        return false
    }

    /// Gives the room back at once.
    public func release() { unlink(path) }

    /// Room on the disk of this folder for those who are not root; nil where it cannot be told.
    public static func freeBytes(folder: String) -> Int64? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        return Int64(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    }

    private func allocate(_ descriptor: Int32) -> Bool {
        let result = posix_fallocate(descriptor, 0, off_t(bytes))
        guard result == EINVAL || result == EOPNOTSUPP || result == ENOSYS else { return result == 0 }
        // A file system that cannot set room aside does so for bytes that are written.
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        var left = bytes
        while left > 0 {
            let written = write(descriptor, zeros, min(zeros.count, Int(clamping: left)))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return false }
            left -= Int64(written)
        }
        return true
    }
}
