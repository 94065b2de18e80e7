import Foundation
import MQTT

/// Why a measurement could not be made. One sentence.
struct BenchProblem: Error, CustomStringConvertible {
    var description: String
}

/// A process of ours, ended by its own id. What it writes is kept, each line with the moment it arrived.
///
/// `@unchecked Sendable`: everything that changes is behind `condition`; the reading thread and the one that
/// waits share nothing else.
final class Child: @unchecked Sendable {
    struct Line {
        var text: String
        /// Monotonic.
        var nanoseconds: Int64
    }

    let name: String
    private let process = Process()
    private let condition = NSCondition()
    private var lines: [Line] = []
    private var hasEnded = false

    /// - Parameter takesOutput: reads standard output instead of standard error; otherwise that is /dev/null.
    init(
        _ tool: String, _ arguments: [String], folder: String? = nil, takesOutput: Bool = false, environment: [String: String] = [:]
    ) throws {
        name = URL(fileURLWithPath: tool).lastPathComponent
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = takesOutput ? pipe : FileHandle.nullDevice
        process.standardError = takesOutput ? FileHandle.nullDevice : pipe
        try process.run()
        let descriptor = dup(pipe.fileHandleForReading.fileDescriptor)
        // A thread that does nothing but read: the moment of a line is when it was written, not when somebody looked.
        Thread.detachNewThread { [self] in
            read(descriptor)
            close(descriptor)
        }
    }

    var processID: Int32 { process.processIdentifier }

    private func read(_ descriptor: Int32) {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            let now = MQTTClient.systemMonotonicNanoseconds()
            rest.append(contentsOf: buffer[0..<count])
            let parts = rest.split(separator: 10, omittingEmptySubsequences: false)
            rest = Array(parts.last ?? [])
            condition.withLock {
                for part in parts.dropLast() { lines.append(Line(text: String(decoding: part, as: UTF8.self), nanoseconds: now)) }
                condition.broadcast()
            }
        }
        condition.withLock {
            hasEnded = true
            condition.broadcast()
        }
    }

    /// The number of lines so far: a place to look on from.
    var place: Int { condition.withLock { lines.count } }

    /// Waits for a line that contains all of `parts`, from `place` on.
    @discardableResult
    func wait(for parts: String..., from place: Int = 0, seconds: Double = 60) throws -> Line {
        let ends = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        var next = place
        while true {
            while next < lines.count {
                let line = lines[next]
                next += 1
                if parts.allSatisfy({ line.text.contains($0) }) { return line }
            }
            if hasEnded { throw BenchProblem(description: "\(name) ended: \(lines.last?.text ?? "it said nothing").") }
            if !condition.wait(until: ends) {
                throw BenchProblem(description: "\(name) did not say \(parts) within \(Int(seconds)) s.")
            }
        }
    }

    /// Everything that it wrote; waits until it has ended.
    func allLines(seconds: Double = 600) throws -> [Line] {
        let ends = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while !hasEnded {
            if !condition.wait(until: ends) { throw BenchProblem(description: "\(name) did not end within \(Int(seconds)) s.") }
        }
        return lines
    }

    /// SIGTERM, and SIGKILL when that was not enough.
    func stop() {
        guard process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGTERM)
        let ends = Date(timeIntervalSinceNow: 15)
        while process.isRunning {
            usleep(5_000)
            if Date() > ends {
                Glibc.kill(process.processIdentifier, SIGKILL)
                return
            }
        }
    }

    /// SIGKILL, and waits for its end.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// What it has used of all processors since its start.
    func processorSeconds() throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
        // The second field is the name in parentheses; user and system time are the 14th and 15th.
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
            throw BenchProblem(description: "The processor time of \(name) could not be read.")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The most memory it has had at once, MiB.
    func peakMiB() throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({ Double($0) })
        else { throw BenchProblem(description: "The memory of \(name) could not be read.") }
        return kibibytes / 1_024
    }
}

/// Where an installed program is.
func tool(_ name: String) throws -> String {
    for folder in ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
    where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") { return "\(folder)/\(name)" }
    throw BenchProblem(description: "\(name) is not installed: install mosquitto and mosquitto-clients.")
}
