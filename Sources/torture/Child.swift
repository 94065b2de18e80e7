import Glibc
import MQTT
import Synchronization

/// Why a run could not be made or finished. One sentence.
struct TortureProblem: Error, CustomStringConvertible {
    var description: String
    init(_ sentence: String) { description = sentence }
}

/// How a process ended.
enum Ending: Hashable, Sendable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)

    var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number): "signal \(number)"
        }
    }
}

/// A process of ours. It is signalled and waited for under one lock and reaped nowhere else, so that its number can never
/// be another's by then.
final class Child: Sendable {
    let processID: pid_t
    let name: String
    private let ending = Mutex<Ending?>(nil)

    /// Starts `path` with standard output and error appended to `log`, or standard output alone into `output`.
    init(
        _ path: String, _ arguments: [String], environment: [String: String], log: String, output: String? = nil
    ) throws {
        name = path.split(separator: "/").last.map(String.init) ?? path
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        if let output {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 2, 1)
        }
        // Threads of the runtime block signals; a child that inherited that would not hear SIGTERM.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // A group of its own: Ctrl-C is for torture, which then ends it in order.
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let texts = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in texts + variables { free(text) } }
        var id: pid_t = 0
        let result = posix_spawn(&id, path, &actions, &attributes, texts, variables)
        guard result == 0 else { throw TortureProblem("\(path) could not be started (errno \(result)).") }
        processID = id
    }

    /// How it ended; nil while it runs.
    func poll() -> Ending? { ending.withLock { reap(&$0, wait: false) } }

    func signal(_ number: Int32) {
        ending.withLock { if reap(&$0, wait: false) == nil { _ = kill(processID, number) } }
    }

    /// - Returns: nil when it still runs after that time.
    func waitForEnd(seconds: Double) -> Ending? {
        let until = Steady.nanoseconds + Int64(seconds * 1e9)
        while Steady.nanoseconds < until {
            if let ended = poll() { return ended }
            usleep(2_000)
        }
        return poll()
    }

    /// SIGTERM, and SIGKILL when that was not enough. A stopped process is woken up for it.
    @discardableResult
    func stop(seconds: Double = 15) -> Ending {
        signal(SIGTERM)
        signal(SIGCONT)
        if let ended = waitForEnd(seconds: seconds) { return ended }
        return end()
    }

    /// SIGKILL.
    @discardableResult
    func end() -> Ending {
        signal(SIGKILL)
        return ending.withLock { reap(&$0, wait: true) } ?? .signal(SIGKILL)
    }

    private func reap(_ ending: inout Ending?, wait: Bool) -> Ending? {
        if let ending { return ending }
        var status: Int32 = 0
        var result: pid_t
        repeat { result = waitpid(processID, &status, wait ? 0 : WNOHANG) } while result < 0 && errno == EINTR
        guard result == processID else { return nil }
        // The macros of <sys/wait.h> are not imported.
        let number = status & 0x7F
        ending = number == 0 ? .code(status >> 8 & 0xFF) : .signal(number)
        return ending
    }
}

/// The machine's steady time.
enum Steady {
    static var nanoseconds: Int64 { MQTTClient.systemMonotonicNanoseconds() }
}

/// Milliseconds since the run began; shared by everything that notes a time.
struct RunClock: Sendable {
    private let began = Steady.nanoseconds
    var milliseconds: Int { Int((Steady.nanoseconds - began) / 1_000_000) }
}

/// Where an installed program is; nil where it is not.
func tool(_ name: String) -> String? {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}
