import ArgumentParser
import Care
import Foundation
import Gateway

/// One's own data: taken along, and taken in.
struct DataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Take your data along, take them in on another gateway, erase them, or decide how long they are kept.",
        subcommands: [Export.self, Import.self, Past.self, DataErase.self, DataKeep.self])

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write everything that the gateway knows about you into one ZIP file.",
            discussion: """
                Example: caring data export --out my-data.zip

                The file is not locked: whoever has it can read it. README.txt in it says what each part is.
                """)
        @Option(help: ArgumentHelp("The file to write.", valueName: "file.zip")) var out: String
        @Option(help: "Whose; nobody named: yours.") var citizen: String?
        @Flag(help: "Replace the file if there is one.") var force = false
        @OptionGroup var globals: Globals

        func run() async throws {
            let printer = Printer(asJSON: globals.call.json)
            do {
                let file = try ExportFile(path: out, replaces: force)
                var progress = Progress("Writing")
                let answer = try await globals.connection.export(citizen, as: globals.call.person, by: globals.call.delegate) { frame in
                    switch frame {
                    case .bytes(let bytes): try file.write(bytes)
                    case .progress(let done, let all): progress.show(done, of: all)
                    case .failed(let sentence): throw GatewayProblem(sentence: sentence, mayPass: true)
                    case .end: break
                    }
                }
                progress.end()
                guard case .done(let bytes, let sentences) = answer else {
                    if case .reply(let reply) = answer { printer.print(GatewayAnswer(reply: reply, itemTexts: [])) }
                    throw ExitCode.failure
                }
                try file.keep(bytes: bytes)
                let item: JSON = .object(["file": .string(out), "bytes": .int(Int64(bytes))])
                let size = bytes < 1 << 20 ? "\((bytes + 1_023) / 1_024) KiB" : "\((bytes + (1 << 19)) >> 20) MiB"
                printer.print(
                    GatewayAnswer(
                        reply: Reply(say: ["\(out) is written (\(size)). Only you may read it on this machine; a copy elsewhere is as private as the place is."] + sentences),
                        itemTexts: [item.text]))
            } catch let problem as GatewayProblem {
                printer.print(problem)
                throw ExitCode.failure
            }
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take in what was exported from another gateway.",
            discussion: """
                Example: caring data import my-data.zip --citizen ada --check

                Everything in the file is checked first. What was permitted there is not in force here until it is given \
                again. It may be broken off and begun again: nothing is taken in twice.
                """)
        @Argument(help: ArgumentHelp("The file that was exported.", valueName: "file.zip")) var file: String
        @Option(help: "Whose it becomes; nobody named: yours.") var citizen: String?
        @Option(help: "The home that its devices become part of; it must be the citizen's.") var home: String?
        @Flag(help: "Only say what would be done.") var check = false
        @OptionGroup var globals: Globals

        func run() async throws {
            let printer = Printer(asJSON: globals.call.json)
            do {
                let archive = try ImportArchive(path: file)
                var progress = Progress("Checking")
                let manifest = try archive.verify { progress.show($0, of: $1) }
                progress.end()
                progress = Progress(check ? "Looking" : "Taking in")
                var taking = ImportRun(connection: globals.connection, person: globals.call.person, delegate: globals.call.delegate, citizen: citizen, home: home, isCheck: check)
                let reply = try await taking.run(archive, manifest) { progress.show($0, of: $1) }
                progress.end()
                printer.print(GatewayAnswer(reply: reply, itemTexts: reply.items.map(\.text)))
                if reply.outcome != .done { throw ExitCode.failure }
            } catch let problem as GatewayProblem {
                printer.print(problem)
                throw ExitCode.failure
            }
        }
    }

    struct Past: Saying {
        static let configuration = CommandConfiguration(
            abstract: "See what was taken in from another gateway: consents, decisions, who saw what, alerts.",
            discussion: "Example: caring data past --kind consent\n\nNothing of it is in force here.")
        @Option(help: "Whose; nobody named: yours.") var citizen: String?
        @Option(help: "Only these: consent, decision, told or alert.") var kind: String?
        @OptionGroup var globals: Globals
        var command: Command { .dataPast(citizen: citizen, kind: kind) }
    }
}

/// How far something is, on the line where the cursor stands; only where somebody looks at a terminal.
struct Progress {
    private let what: String
    private let isShown = isatty(STDERR_FILENO) == 1 || ProcessInfo.processInfo.environment["CARING_PROGRESS"] == "1"
    private var last: Int64 = -1

    init(_ what: String) { self.what = what }

    mutating func show(_ done: Int64, of all: Int64) {
        let percent = all > 0 ? min(100, done * 100 / all) : 100
        guard isShown, percent != last else { return }
        last = percent
        put("\r\(what): \(percent) %\u{1B}[K")
    }

    func end() { if isShown, last >= 0 { put("\r\u{1B}[K") } }

    private func put(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
