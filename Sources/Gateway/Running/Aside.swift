import Care
import Dispatch
import Synchronization

/// Works out answers beside the thread of the turns.
final class Aside: Sendable {
    /// At once: each may hold a copy of the world and a processor for seconds.
    static let workMax = 2

    private let underWay = Mutex(0)

    func perform(_ work: @escaping @Sendable () -> Reply, _ continuation: CheckedContinuation<Reply, Never>) {
        let isFree = underWay.withLock { count in
            if count >= Self.workMax { return false }
            count += 1
            return true
        }
        guard isFree else { return continuation.resume(returning: .failed("Other answers are being worked out; try again in a moment.")) }
        DispatchQueue.global(qos: .utility).async { [self] in
            let reply = work()
            underWay.withLock { $0 -= 1 }
            continuation.resume(returning: reply)
        }
    }
}
