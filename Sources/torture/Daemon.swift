import Foundation
import Synchronization

/// The real `caringd`, kept alive as a service manager would: whoever ends it on purpose says so before.
final class Daemon: Sendable {
    private let program: String
    private let environment: [String: String]
    let log: String
    /// How long a service manager waits before it starts it again.
    static let restartMilliseconds = 300

    private struct State: Sendable {
        var child: Child?
        var isWanted = false
        var startAt: Int64 = 0
        var starts = 0
        /// The disk is full: then it may refuse to start.
        var mayRefuse = false
        var refusals = 0
        /// Ended by a poisoned message.
        var poisoned = 0
        /// Ended by itself for no reason of ours: what it said last.
        var crashes: [String] = []
        var isOver = false
        var hasStopped = false
    }
    private let state = Mutex(State())

    init(program: String, environment: [String: String], log: String) {
        self.program = program
        // What it said last is looked at when it has ended; a trace of where it was would stand in the way.
        self.environment = environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        self.log = log
        Thread.detachNewThread { [self] in
            while !state.withLock({ $0.isOver }) {
                watch()
                usleep(10_000)
            }
            state.withLock { $0.hasStopped = true }
        }
    }

    var starts: Int { state.withLock { $0.starts } }
    var refusals: Int { state.withLock { $0.refusals } }
    var poisoned: Int { state.withLock { $0.poisoned } }
    var crashes: [String] { state.withLock { $0.crashes } }

    func start() throws {
        try state.withLock { state in
            state.isWanted = true
            try spawn(&state)
        }
    }

    private func spawn(_ state: inout State) throws {
        state.child = try Child(program, [], environment: environment, log: log)
        state.starts += 1
    }

    private func watch() {
        state.withLock { state in
            guard state.isWanted else { return }
            if let child = state.child, let ending = child.poll() {
                Preload.cleanUp(after: child.processID)
                state.child = nil
                state.startAt = Steady.nanoseconds + Int64(Self.restartMilliseconds) * 1_000_000
                let said = lastLines()
                if ending == .signal(SIGABRT), said.contains(Preload.killSentence) {
                    state.poisoned += 1
                } else if case .code(let code) = ending, code != 0, state.mayRefuse {
                    state.refusals += 1
                } else {
                    state.crashes.append("The daemon ended by itself with \(ending): \(said)")
                }
            } else if state.child == nil, Steady.nanoseconds >= state.startAt {
                do { try spawn(&state) } catch { state.crashes.append("\(error)") }
            }
        }
    }

    func setMayRefuse(_ mayRefuse: Bool) { state.withLock { $0.mayRefuse = mayRefuse } }

    /// SIGKILL; it stays away until `start()`.
    func kill() {
        let child = state.withLock { state in
            state.isWanted = false
            defer { state.child = nil }
            return state.child
        }
        guard let child else { return }
        child.end()
        Preload.cleanUp(after: child.processID)
    }

    func signal(_ number: Int32) { state.withLock { $0.child }?.signal(number) }

    /// SIGTERM. - Returns: how it ended, and after how many seconds.
    func stop() -> (ending: Ending?, seconds: Double) {
        let child = state.withLock { state in
            state.isWanted = false
            defer { state.child = nil }
            return state.child
        }
        let began = Steady.nanoseconds
        let ending = child?.stop()
        if let child { Preload.cleanUp(after: child.processID) }
        return (ending, Double(Steady.nanoseconds - began) / 1e9)
    }

    func close() {
        kill()
        state.withLock { $0.isOver = true }
        while !state.withLock({ $0.hasStopped }) { usleep(2_000) }
    }

    private func lastLines() -> String {
        guard let file = FileHandle(forReadingAtPath: log), let end = try? file.seekToEnd() else { return "" }
        try? file.seek(toOffset: end > 3_000 ? end - 3_000 : 0)
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").suffix(4).joined(separator: " | ")
    }
}
