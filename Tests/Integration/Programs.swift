import Care
import Foundation
import Testing

/// All tests of this target, one after the other: each starts processes of its own, and there are few cores.
@Suite(.serialized) struct RealProcesses {}

struct Failure: Error, CustomStringConvertible {
    var description: String
}

/// Where the sources and the built programs are.
enum Places {
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// `caringd` and `caring` are built into the folder that holds the test program, or one above it.
    static func program(_ name: String) throws -> URL {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var folder = URL(fileURLWithPath: own).deletingLastPathComponent()
        for _ in 0..<4 {
            let path = folder.appendingPathComponent(name)
            if FileManager.default.isExecutableFile(atPath: path.path) { return path }
            folder.deleteLastPathComponent()
        }
        // Another toolchain may run the tests from a program of its own.
        let usual = repository.appendingPathComponent(".build/debug/\(name)")
        if FileManager.default.isExecutableFile(atPath: usual.path) { return usual }
        throw Failure(description: "\(name) is not built beside the tests: run swift build first.")
    }

    static func tool(_ name: String) throws -> URL {
        for folder in ["/usr/bin", "/usr/sbin", "/bin", "/usr/local/bin"] {
            let path = "\(folder)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return URL(fileURLWithPath: path) }
        }
        throw Failure(description: "\(name) is not installed: scripts/test installs what the tests need.")
    }

    /// The first of these programs that the search path has.
    static func onPath(_ names: String...) throws -> URL {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        for name in names {
            for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
                return URL(fileURLWithPath: "\(folder)/\(name)")
            }
        }
        throw Failure(description: "None of \(names.joined(separator: ", ")) is installed.")
    }

    /// A folder with a short path, because a socket's path may have 107 bytes.
    static func newFolder() throws -> URL {
        var template = Array("/tmp/street-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
        return URL(fileURLWithPath: String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
}

/// What a program that has ended has left.
struct Ran {
    var code: Int32
    var out: String
    var err: String

    /// The lines of the standard output as JSON; throws where one is none.
    func items() throws -> [JSON] {
        try out.split(separator: "\n").map { line in
            do {
                return try JSONDecoder().decode(JSON.self, from: Data(line.utf8))
            } catch {
                throw Failure(description: "This line is no JSON: \(line)")
            }
        }
    }
}

/// A process with its output in files, so that nobody has to read along for it to get on.
final class Running {
    let process = Process()
    private let outFile: URL
    private let errFile: URL
    var processID: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var out: String { (try? String(contentsOf: outFile, encoding: .utf8)) ?? "" }
    var err: String { (try? String(contentsOf: errFile, encoding: .utf8)) ?? "" }

    init(
        _ program: URL, _ arguments: [String], environment: [String: String] = [:], folder: URL, name: String
    ) throws {
        outFile = folder.appendingPathComponent("\(name).out")
        errFile = folder.appendingPathComponent("\(name).err")
        for file in [outFile, errFile] { try Data().write(to: file) }
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        // What is set where the tests run must not change what is tested.
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARING_") }
        variables.merge(environment) { $1 }
        process.environment = variables
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: outFile)
        process.standardError = try FileHandle(forWritingTo: errFile)
        // Tests run on threads that block signals, and a child inherits what is blocked: it would not hear SIGTERM.
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    func signal(_ number: Int32) {
        if process.isRunning { _ = kill(process.processIdentifier, number) }
    }

    /// Waits until it has ended. - Returns: how many seconds that took.
    @discardableResult
    func waitForEnd(secondsMax: Double = 30) throws -> Double {
        let began = Date()
        do {
            try eventually("the program to end", secondsMax: secondsMax) { !process.isRunning }
        } catch {
            signal(SIGKILL)
            throw error
        }
        return Date().timeIntervalSince(began)
    }

    /// The process is gone and what it wrote is complete.
    func ended(secondsMax: Double = 30) throws -> Ran {
        try waitForEnd(secondsMax: secondsMax)
        return Ran(code: process.terminationStatus, out: out, err: err)
    }
}

/// Asks again and again until something is so. A test that waits for half a minute has failed.
func eventually(
    _ what: String, secondsMax: Double = 30, _ isTrue: () throws -> Bool
) throws {
    let deadline = Date().addingTimeInterval(secondsMax)
    while try !isTrue() {
        if Date() > deadline { throw Failure(description: "Waited in vain for \(what).") }
        usleep(5_000)
    }
}
