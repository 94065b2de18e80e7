import ServiceLifecycle
import Synchronization

/// Opened once, by whoever others wait for.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [AsyncStream<Never>.Continuation] = []
    }
    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Ends when the gate is opened. One for each who waits, since a stream that somebody leaves is over for all.
    func opening() -> AsyncStream<Never> {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let isOpen = state.withLock { state in
            if !state.isOpen { state.waiting.append(continuation) }
            return state.isOpen
        }
        if isOpen { continuation.finish() }
        return stream
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting.removeAll() }
            return state.waiting
        }
        for continuation in waiting { continuation.finish() }
    }
}

/// A service that begins when a gate has been opened; never, where the stop comes first.
struct AfterGate: Service {
    let gate: Gate
    let service: any Service

    func run() async throws {
        for await _ in gate.opening().cancelOnGracefulShutdown() {}
        if gate.isOpen { try await service.run() }
    }
}
