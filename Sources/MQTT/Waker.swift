import Glibc

/// Makes the thread that waits in `MQTTClient.pass` return. May be used from any thread, at any time.
///
/// A pipe and no eventfd: the Glibc module of Swift does not export eventfd. Both ends are
/// non-blocking, so `wake` never waits; a full pipe already holds a wake-up.
public final class Waker: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    /// - Throws: `MQTTFailure.system`, when the process has no file descriptor left.
    init() throws(MQTTFailure) {
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) != 0 { throw .system(call: "pipe", errno: errno) }
        readEnd = ends[0]
        writeEnd = ends[1]
        for end in ends where fcntl(end, F_SETFL, O_NONBLOCK) != 0 || fcntl(end, F_SETFD, FD_CLOEXEC) != 0 {
            throw .system(call: "fcntl", errno: errno)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    public func wake() {
        var byte: UInt8 = 1
        // EAGAIN means that the pipe is full of wake-ups, EINTR cannot happen on a non-blocking pipe.
        _ = write(writeEnd, &byte, 1)
    }

    /// Takes all wake-ups at once. Called by the owner of the client, when `readEnd` is readable.
    func drain() {
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            while read(readEnd, buffer.baseAddress, buffer.count) == buffer.count {}
        }
    }
}
