import ArgumentParser
import Care
import Devices
import Foundation
import Gateway

/// `caring device try`: what the gateway would make of a message, without a gateway.
struct DeviceTryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "try",
        abstract: "Say what the gateway would make of a message, or of a file of them; no gateway need run.",
        discussion: """
            A file holds one JSON object a line: {"topic": …, "payload": …}, and "convention" where there is no topic. Announcements count for \
            the lines after them. A topic that does not begin with homes/ is taken as if it stood under a home. It ends with 1 when nothing was \
            understood.

            Example: caring device try --topic "zigbee2mqtt/kitchen" --payload '{"temperature": 21.5}'
            Example: caring device try --file messages.jsonl --json
            """)

    /// Lines of a file.
    static let linesMax = 1_000_000
    static let lineBytesMax = 8 * 1_024 * 1_024

    @Option(help: ArgumentHelp("The topic.", valueName: "topic")) var topic: String?
    @Option(help: ArgumentHelp("What is published there (default: what comes on the standard input).", valueName: "text")) var payload: String?
    @Option(help: ArgumentHelp("The convention, where there is no topic.", valueName: "name")) var convention: String?
    @Option(help: ArgumentHelp("A file of messages, - for the standard input.", valueName: "file")) var file: String?
    @Option(help: ArgumentHelp("Device profiles beside those in devices/; may be given several times.", valueName: "dir")) var devices: [String] = []
    @Flag(help: "Print one JSON object a line, in order.") var json = false

    func validate() throws {
        if file != nil, topic != nil || payload != nil { throw ValidationError("Give either --file, or --topic and --payload.") }
        if file == nil, topic == nil, convention == nil { throw ValidationError("Say which topic: --topic \"zigbee2mqtt/kitchen\" --payload '{…}', or give --file.") }
    }

    func run() async throws {
        do { try attempt() } catch let code as ExitCode { throw code } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func attempt() throws {
        let catalogue = try Catalogue.load(folders: [try SharedFiles().devicesFolder(GatewayConfiguration())] + devices)
        var trial = Trial(catalogue)
        let printer = Printer(asJSON: json)
        var isAnyUnderstood = false
        func show(_ result: Trial.Result) {
            if result.convention != nil, result.isUnderstood { isAnyUnderstood = true }
            printer.print(text: json ? result.json.text : result.words)
        }
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        guard let file else {
            let bytes = payload.map { Array($0.utf8) } ?? Array(FileHandle.standardInput.readDataToEndOfFile())
            show(bytes.withUnsafeBytes { trial.take(topic: topic, convention: convention, payload: $0, arrivedAt: now) })
            if !isAnyUnderstood { throw ExitCode.failure }
            return
        }
        guard let data = file == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file) else {
            throw ValidationError("The file \(file) cannot be read.")
        }
        for (number, line) in data.split(separator: UInt8(ascii: "\n"), maxSplits: Self.linesMax).enumerated() {
            guard number < Self.linesMax else { throw ValidationError("The file has more than \(Self.linesMax) lines.") }
            guard let message = Self.message(line) else {
                show(.refused("Line \(number + 1) is not a JSON object with a payload."))
                continue
            }
            show(
                message.payload.withUnsafeBytes {
                    trial.take(topic: message.topic, convention: message.convention ?? convention, payload: $0, arrivedAt: now)
                })
        }
        if !isAnyUnderstood { throw ExitCode.failure }
    }

    /// One line. A payload that is not text, as `{"topic": "x", "payload": {"temperature": 21}}`, is taken as its JSON.
    private static func message(_ line: Data) -> (topic: String?, convention: String?, payload: [UInt8])? {
        guard line.count <= lineBytesMax, let object = try? JSONDecoder().decode(JSON.self, from: line), case .object = object else { return nil }
        func text(_ key: String) -> String? { if case .string(let text) = object[key] { text } else { nil } }
        let payload: [UInt8]
        switch object["payload"] {
        case .string(let text): payload = Array(text.utf8)
        case .null: payload = []
        case let other?: payload = Array(other.text.utf8)
        case nil:
            guard let base64 = text("payloadBase64"), let data = Data(base64Encoded: base64) else { return nil }
            payload = Array(data)
        }
        return (text("topic"), text("convention"), payload)
    }
}

/// `caring device lint`: whether profiles are right, and their samples give what they must.
struct DeviceLintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Check device profiles and their sample messages, with line and column.",
        discussion: "Example: caring device lint devices/ my-profiles/")

    @Argument(help: "Folders with a folder for each convention (default: devices/).") var folders: [String] = []
    @Flag(help: "Print one JSON object a line.") var json = false

    func run() async throws {
        let printer = Printer(asJSON: json)
        do {
            let all = folders.isEmpty ? [try SharedFiles().devicesFolder(GatewayConfiguration())] : folders
            let catalogue = try Catalogue.load(folders: all.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 })
            let problems = catalogue.checkSamples()
            for problem in problems { show(problem, printer) }
            if !problems.isEmpty { throw ExitCode.failure }
            if !json { printer.print(text: "All is well: \(catalogue.sampleCount) sample messages give what they must.") }
        } catch let problem as ProfileError {
            show(problem, printer)
            throw ExitCode.failure
        } catch let code as ExitCode { throw code } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func show(_ problem: ProfileError, _ printer: Printer) {
        guard json else { return printer.print(text: "\(problem)") }
        let object: JSON = .object([
            "file": .string(problem.file), "line": .int(Int64(problem.line)), "column": .int(Int64(problem.column)), "message": .string(problem.message),
        ])
        printer.print(text: object.text)
    }
}

/// `caring device table`: docs/devices.md, made from the profiles.
struct DeviceTableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "table", abstract: "Print docs/devices.md, made from devices/.", shouldDisplay: false)

    @Argument(help: "The folder with the profiles (default: devices/).") var folder: String?

    func run() async throws {
        do {
            let catalogue = try Catalogue.load(folder: try folder ?? SharedFiles().devicesFolder(GatewayConfiguration()))
            // Not through the printer: empty lines are part of it.
            FileHandle.standardOutput.write(Data(catalogue.table.utf8))
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode.failure
        }
    }
}
