import Care
import Gateway
import ServiceLifecycle
import Synchronization

/// Asks the performer, and does not let it hold up a stop.
struct Answering: Sendable {
    /// How long a command may still take once the gateway is stopping.
    static let stopGraceMilliseconds = 1_500

    let performer: any CommandPerformer

    func answer(_ command: Command, by caller: Caller) async -> Reply {
        let first = FirstReply()
        // A task of its own, since a performer that is slow to end must not hold up the connection's.
        let work = Task { first.settle(await performer.perform(command, by: caller)) }
        return await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await first.value
            } onGracefulShutdown: {
                if case .alertWatch(let after, _) = command {
                    // As if nothing had happened: the caller asks again from where it was, so nothing is missed.
                    first.settle(Reply(next: after))
                    work.cancel()
                } else {
                    Task {
                        try? await Task.sleep(for: .milliseconds(Self.stopGraceMilliseconds))
                        first.settle(Self.stopped)
                    }
                }
            }
        } onCancel: {
            first.settle(Self.stopped)
        }
    }

    private static let stopped = Reply.failed(
        "The gateway is stopping and does not know yet whether this was done: look once it runs again.")
}

/// A reply that is settled once; whoever comes first settles it.
private final class FirstReply: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Reply, Never>)
        case settled(Reply)
    }
    private let state = Mutex(State.open)

    func settle(_ reply: Reply) {
        let waiting: CheckedContinuation<Reply, Never>? = state.withLock { state in
            switch state {
            case .settled: return nil
            case .open:
                state = .settled(reply)
                return nil
            case .awaited(let continuation):
                state = .settled(reply)
                return continuation
            }
        }
        waiting?.resume(returning: reply)
    }

    /// Awaited by one task, once.
    var value: Reply {
        get async {
            await withCheckedContinuation { continuation in
                let settled: Reply? = state.withLock { state in
                    if case .settled(let reply) = state { return reply }
                    state = .awaited(continuation)
                    return nil
                }
                if let settled { continuation.resume(returning: settled) }
            }
        }
    }
}
