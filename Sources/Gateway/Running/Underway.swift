import Foundation
import Logging

/// Which message is being taken at this moment, in a file that outlives the process.
///
/// The file is mapped into memory, so noting a message costs two stores and no system call. When the process dies of a
/// message, the kernel still has what was noted, and the next start finds it: once may be chance (somebody killed the
/// process just then), the same packet a second time is the message's fault.
///
/// Not `Sendable`: it belongs to the thread that runs the turns.
public final class Underway {
    static let bytes = 4_096

    private let memory: UnsafeMutableRawPointer
    /// What an earlier run was taking when it ended, if it was taking anything.
    public let found: (packetID: UInt16, hash: UInt64)?

    /// Nil where the file cannot be made, on a full disk for example: then a deadly message is not found.
    public init?(folder: String) {
        let descriptor = open(folder + "/underway", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Allocated now: a store into a hole of the file would end the process when the disk is full.
        guard posix_fallocate(descriptor, 0, off_t(Self.bytes)) == 0,
            let memory = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else { return nil }
        self.memory = memory
        let packetID = memory.load(fromByteOffset: 8, as: UInt64.self)
        found = packetID > 0 && packetID <= UInt64(UInt16.max) ? (UInt16(packetID), memory.load(as: UInt64.self)) : nil
        clear()
    }

    deinit { munmap(memory, Self.bytes) }

    func note(packetID: UInt16, hash: UInt64) {
        memory.storeBytes(of: hash, as: UInt64.self)
        memory.storeBytes(of: UInt64(packetID), toByteOffset: 8, as: UInt64.self)
    }

    func clear() { memory.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self) }
}
