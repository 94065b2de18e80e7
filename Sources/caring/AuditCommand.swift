import ArgumentParser
import Audit
import Care
import Foundation

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Verify that nothing was changed, left out or put in order anew.",
        discussion: """
            What you permitted, what was told about you and which alerts there were form a chain of your own: each entry vouches for \
            the one before it. Once a day the gateway signs how far all chains have come and gives you the proof of yours. Keep \
            some of those proofs elsewhere: with them nobody can write your chain anew without its being found.
            """,
        subcommands: [Verify.self, Proof.self, Export.self, Key.self])

    struct Key: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Print the public key that proofs are signed with.", discussion: "Example: caring audit key > gateway.key")
        @OptionGroup var globals: Globals
        var command: Command { .audit(.key) }
    }

    struct Proof: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Print your newest proof, as JSON to be saved.", discussion: "Example: caring audit proof > proof-of-today.json")
        @Option(help: "Whose; nobody named: yours.") var citizen: String?
        @OptionGroup var globals: Globals
        var command: Command { .audit(.proof(citizen: citizen)) }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write your chain and its proofs to a file, which can be verified without a gateway.",
            discussion: "Example: caring audit export --out my-chain.jsonl")
        @Option(help: ArgumentHelp("The file; what stands there is replaced.", valueName: "file")) var out: String
        @Option(help: "Whose; nobody named: yours.") var citizen: String?
        @OptionGroup var globals: Globals

        func run() async throws {
            let printer = Printer(asJSON: globals.call.json)
            do {
                let file = try WholeFile(out)
                var entries: Int64 = 0
                try await AuditLines(globals: globals, citizen: citizen).forEach { piece in
                    guard case .line(let line) = piece else { return }
                    try file.write(line.text)
                    if case .entry = line { entries += 1 }
                }
                try file.finish()
                printer.print(
                    text: globals.call.json
                        ? JSON.object(["file": .string(out), "entries": .int(entries)]).text
                        : "\(entries) \(entries == 1 ? "entry is" : "entries are") in \(safeText(out)) now. Verify them with: caring audit verify --file \(safeText(out))")
            } catch {
                try complain(error, printer)
            }
        }
    }
}

/// Ends the command with what went wrong.
func complain(_ error: any Error, _ printer: Printer) throws -> Never {
    switch error {
    case let code as ExitCode: throw code
    case let problem as GatewayProblem: printer.print(problem)
    default: printer.print(GatewayProblem(sentence: "\(error)", mayPass: false))
    }
    throw ExitCode.failure
}

/// A file that is there whole or not at all, readable by its owner only: what is in it is personal.
final class WholeFile {
    private let path: String
    private let descriptor: Int32
    private var waiting: [UInt8] = []
    private var isFinished = false

    struct Problem: Error, CustomStringConvertible { var description: String }

    init(_ path: String) throws {
        self.path = path
        unlink(path + ".part")
        descriptor = open(path + ".part", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Problem(description: "\(safeText(path)) cannot be written (\(String(cString: strerror(errno)))); choose another place.") }
    }

    func write(_ line: String) throws {
        waiting.append(contentsOf: line.utf8)
        waiting.append(10)
        if waiting.count > 1 << 16 { try flush() }
    }

    private func flush() throws {
        var rest = waiting[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Problem(description: "\(safeText(path)) cannot be written (\(String(cString: strerror(errno)))); make room on the disk.") }
            rest = rest.dropFirst(count)
        }
        waiting.removeAll(keepingCapacity: true)
    }

    func finish() throws {
        try flush()
        guard fsync(descriptor) == 0, rename(path + ".part", path) == 0 else {
            throw Problem(description: "\(safeText(path)) cannot be written (\(String(cString: strerror(errno)))); choose another place.")
        }
        isFinished = true
    }

    deinit {
        close(descriptor)
        if !isFinished { unlink(path + ".part") }
    }
}
