import ArgumentParser
import Care
import Devices
import Foundation
import Gateway

/// Tries rules on the past, before they wake people up.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run a recording through the gateway's turns in virtual time and say what it would have raised.",
        discussion: """
            The recording is CSV (at,topic,payload) or JSON Lines, plain or gzip. Nobody is told anything: there are no \
            helpers in a replay, so an alert that nobody can answer counts as ended after --ends-after, and the next one \
            counts anew. The same file gives the same result, byte for byte.

            Example: caring replay april.csv.gz --rules config/rules.yaml
            """)

    @Argument(help: "The recording.") var file: String
    @Option(help: ArgumentHelp("Rules to try (default: config/rules.yaml).", valueName: "file")) var rules: String?
    @Option(help: ArgumentHelp("Device profiles beside those in devices/; may be given several times.", valueName: "dir")) var devices: [String] = []
    @Option(help: ArgumentHelp("A new folder to keep the replay's data in (default: none is kept).", valueName: "dir")) var data: String?
    @Option(help: "The time zone by whose clocks the homes live.") var zone = "UTC"
    @Option(help: ArgumentHelp("After how long an alert without people counts as ended.", valueName: "time")) var endsAfter = "1h"
    @Option(help: ArgumentHelp("Messages in one turn; changes nothing but the speed.", valueName: "n")) var burst = 4_096
    @Flag(help: "Print one JSON object a line: each alert, then the sums.") var json = false

    func validate() throws {
        guard (1...65_536).contains(burst) else { throw ValidationError("--burst is 1 to 65536.") }
        guard let span = Span(endsAfter), span >= .seconds(1) else { throw ValidationError("--ends-after is a length of time such as 1h.") }
        guard TimeZone(identifier: zone) != nil else { throw ValidationError("\u{201C}\(safeText(zone))\u{201D} is no time zone; write it like Europe/London.") }
    }

    func run() async throws {
        do {
            try replay()
        } catch let code as ExitCode {
            throw code
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func replay() throws {
        let files = SharedFiles()
        var settings = GatewayConfiguration()
        settings.rulesFile = rules
        let book = try RuleBook.load(file: try files.rulesFile(settings))
        let catalogue = try Catalogue.load(folders: [try files.devicesFolder(settings)] + devices)
        let recording = try Recording(path: file)
        let folder = try ownFolder()
        defer { if data == nil { try? FileManager.default.removeItem(atPath: folder) } }

        guard let first = try recording.next() else {
            throw Recording.Problem(description: "The recording \(file) is empty.")
        }
        let replay = try Replay(
            folder: folder, rules: book, catalogue: catalogue, zone: zone, assumeEndedAfter: Span(endsAfter) ?? .hours(1),
            burstMessagesMax: burst, startsAt: first.at)
        let bar = ProgressBar()
        try replay.add(at: first.at, topic: first.topic, payload: first.payload)
        while let message = try recording.next() {
            try replay.add(at: message.at, topic: message.topic, payload: message.payload)
            if recording.lineNumber % 8_192 == 0 { bar.show(recording.progress, recording.lineNumber) }
        }
        let summary = try replay.finish(first: first.at)
        bar.end(recording.lineNumber)
        if json { printJSON(summary) } else { printSentences(summary, replay.linesOutOfOrder) }
        try replay.close()
    }

    /// A replay never runs on a folder in which there is something already.
    private func ownFolder() throws -> String {
        guard let data else {
            return FileManager.default.temporaryDirectory.appendingPathComponent("caring-replay-\(UUID().uuidString)").path
        }
        if let there = try? FileManager.default.contentsOfDirectory(atPath: data), !there.isEmpty {
            throw Recording.Problem(description: "The folder \(data) is not empty; a replay needs one of its own.")
        }
        return data
    }

    private func printJSON(_ summary: Replay.Summary) {
        for alert in summary.alerts {
            print(
                JSON.object([
                    "alert": .string(alert.id.description), "home": .string(alert.home.name), "rule": .string(alert.matter.rule.name),
                    "raisedAt": .string(alert.raisedAt.iso), "endedAt": .optional(alert.ending?.at.iso),
                    "ended": .optional(alert.ending?.how.rawValue), "since": .string(alert.since.iso),
                    "occurrences": .int(Int64(alert.occurrences)),
                ]).text)
        }
        let counts = summary.counts
        print(
            JSON.object([
                "messages": .int(Int64(counts.messages)), "readings": .int(Int64(counts.readings)),
                "readingsKnown": .int(Int64(counts.readingsKnown)), "undecodable": .int(Int64(counts.undecodable)),
                "strangers": .int(Int64(counts.strangers)), "homes": .int(Int64(summary.homes)),
                "alerts": .int(Int64(summary.alerts.count)), "first": .optional(summary.first?.iso), "last": .optional(summary.last?.iso),
            ]).text)
    }

    private func printSentences(_ summary: Replay.Summary, _ outOfOrder: Int) {
        let counts = summary.counts
        let days = summary.first.flatMap { first in summary.last.map { max(1, Double(($0 - first).milliseconds) / 86_400_000) } } ?? 1
        print("\(counts.messages) messages of \(summary.homes) homes over \(Int(days.rounded())) days: \(counts.readings) readings, \(counts.undecodable) not decodable, \(counts.strangers) that no convention knows.")
        if outOfOrder > 0 { print("\(outOfOrder) lines were out of order; they were taken as of the line before.") }
        for problem in summary.problems { print("  not decodable, \(problem.convention): \(safeText(problem.reason)) (\(problem.messages))") }
        guard !summary.alerts.isEmpty else {
            print("No rule would have raised an alert.")
            return
        }
        print("")
        print("Alerts by rule:")
        var rules: [(rule: RuleID, alerts: Int, homes: Set<HomeID>)] = []
        for alert in summary.alerts {
            if let i = rules.firstIndex(where: { $0.rule == alert.matter.rule }) {
                rules[i].alerts += 1
                rules[i].homes.insert(alert.home)
            } else {
                rules.append((alert.matter.rule, 1, [alert.home]))
            }
        }
        for one in rules.sorted(by: { $0.rule < $1.rule }) {
            let perDay = Double(one.alerts) / Double(max(1, summary.homes)) / days
            print("  \(column(one.rule.name, 26)) \(rightColumn(one.alerts, 7))  in \(one.homes.count) homes, \(decimals(perDay)) per home and day")
        }
        print("")
        print("Alerts per home and day:")
        var homes: [(home: HomeID, alerts: Int)] = []
        for alert in summary.alerts {
            if let i = homes.firstIndex(where: { $0.home == alert.home }) { homes[i].alerts += 1 } else { homes.append((alert.home, 1)) }
        }
        for one in homes.sorted(by: { ($1.alerts, $0.home) < ($0.alerts, $1.home) }) {
            print("  \(column(one.home.name, 26)) \(rightColumn(one.alerts, 7))  \(decimals(Double(one.alerts) / days)) per day")
        }
    }

    private func column(_ text: String, _ width: Int) -> String { text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0) }
    private func rightColumn(_ n: Int, _ width: Int) -> String {
        let text = String(n)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }
    private func decimals(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// A line on standard error that moves, where somebody looks at it.
private struct ProgressBar {
    private let isShown = isatty(2) == 1

    func show(_ part: Double, _ messages: Int) {
        guard isShown else { return }
        let width = 30
        let full = Int(part * Double(width))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
        FileHandle.standardError.write(Data("\r\(bar) \(Int(part * 100)) %  \(messages) messages".utf8))
    }

    func end(_ messages: Int) {
        guard isShown else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }
}
