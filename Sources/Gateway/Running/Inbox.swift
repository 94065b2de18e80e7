import Care
import Notify
import Synchronization

/// What other threads have for the thread that runs the turns. Bounded; a full inbox is said at once.
final class Inbox: Sendable {
    /// Commands that may wait.
    static let commandsMax = 256

    enum Item {
        case command(Command, Caller, CheckedContinuation<Reply, Never>)
        case posted(NoticeID, PhoneOutcome)
        case stop
    }

    private struct Waiting {
        var items: [Item] = []
        var commands = 0
        var isClosed = false
    }
    private let waiting = Mutex(Waiting())

    /// - Returns: false when it is full or closed: nothing was put in.
    func put(_ item: Item) -> Bool {
        waiting.withLock { waiting in
            if waiting.isClosed { return false }
            if case .command = item {
                guard waiting.commands < Self.commandsMax else { return false }
                waiting.commands += 1
            }
            waiting.items.append(item)
            return true
        }
    }

    func takeAll() -> [Item] {
        waiting.withLock { waiting in
            let items = waiting.items
            waiting.items.removeAll()
            waiting.commands = 0
            return items
        }
    }

    /// Nothing comes in any more; what is in it is returned.
    func close() -> [Item] {
        waiting.withLock { waiting in
            waiting.isClosed = true
            defer { waiting.items.removeAll() }
            return waiting.items
        }
    }
}

/// Wakes those who wait for something to happen to an alert.
final class HistorySignal: Sendable {
    private struct State {
        var turn = 0
        var next = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var isClosed = false
    }
    private let state = Mutex(State())

    /// Names the present; `wait(after:)` returns at once when something has happened since.
    var turn: Int { state.withLock { $0.turn } }

    func happened() {
        let waiters = state.withLock { state in
            state.turn += 1
            defer { state.waiters.removeAll() }
            return state.waiters.sorted { $0.key < $1.key }.map(\.value)
        }
        for waiter in waiters { waiter.resume() }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        happened()
    }

    /// Returns when something has happened since `turn`, when the task is cancelled, or when all ends.
    func wait(after turn: Int) async {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.turn != turn || state.isClosed || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}
