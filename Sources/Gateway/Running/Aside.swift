import Care
import Dispatch
import Synchronization

/// Works out answers beside the thread of the turns.
final class Aside: Sendable {
    /// At once: each may hold a copy of the world and a processor for seconds.
    static let workMax = 2
    /// Waiting for one of those places. Each waits for no longer than the work before it may take.
    static let waitingMax = 16

    private struct Waiting: Sendable {
        var work: @Sendable () -> Reply
        var continuation: CheckedContinuation<Reply, Never>
    }
    private struct State: Sendable {
        var underWay = 0
        var waiting: [Waiting] = []
    }
    private let state = Mutex(State())

    func perform(_ work: @escaping @Sendable () -> Reply, _ continuation: CheckedContinuation<Reply, Never>) {
        let new = Waiting(work: work, continuation: continuation)
        let place = state.withLock { state -> Bool? in
            if state.underWay < Self.workMax {
                state.underWay += 1
                return true
            }
            guard state.waiting.count < Self.waitingMax else { return nil }
            state.waiting.append(new)
            return false
        }
        switch place {
        case true: begin(new)
        case false: break
        case nil: continuation.resume(returning: .failed("Other answers are being worked out; try again in a moment."))
        }
    }

    /// One after the other on the place that was taken, until nobody waits.
    private func begin(_ first: Waiting) {
        DispatchQueue.global(qos: .utility).async { [self] in
            var next: Waiting? = first
            while let now = next {
                now.continuation.resume(returning: now.work())
                next = state.withLock { state in
                    guard !state.waiting.isEmpty else {
                        state.underWay -= 1
                        return nil
                    }
                    return state.waiting.removeFirst()
                }
            }
        }
    }
}

/// For how long something may be worked out beside the turns: what is not done by then is left out, and that is said.
struct TimeLimit: Sendable {
    private let stopwatch: @Sendable () -> Int64
    private let end: Int64

    /// Begins now.
    ///
    /// - Parameter stopwatch: nanoseconds that only go forward.
    init(seconds: Int64, _ stopwatch: @escaping @Sendable () -> Int64) {
        self.stopwatch = stopwatch
        end = stopwatch() + seconds * 1_000_000_000
    }

    var isUp: Bool { stopwatch() >= end }
}
