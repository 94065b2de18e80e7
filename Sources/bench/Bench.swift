import ArgumentParser
import Foundation

/// Measures what the issue calls speed, on real processes. `scripts/bench` builds everything and calls it.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the gateway on this machine, against the broker alone.",
        discussion: """
            drain: a full session emptied, against mosquitto_sub. latency: an SOS to the helper's client, against the \
            broker's own round trip and a commit, and while others speak. flood: the same while one home publishes without \
            end. restart: killed, and serving again. flat: a message's cost by the number of homes. memory: two million \
            messages drained. replay: a recording at full speed. storage: bytes a reading, and memory. decode: understanding \
            one message, by convention, and with ten and ten thousand announced devices. export: a million readings taken along. \
            consent: one decision, a month tried, who saw.
            Every figure is the median of the runs; spread is the largest minus the smallest, as a part of the median.
            """)

    enum Part: String, CaseIterable, ExpressibleByArgument { case drain, latency, flood, restart, flat, memory, replay, storage, decode, export, consent }

    @Argument(help: "Only this part.") var part: Part?
    @Option(help: "How often each is measured.") var runs = 3
    @Flag(help: "Print one JSON object instead of a table.") var json = false
    @Option(help: ArgumentHelp("Where caringd and caring are.", valueName: "dir")) var binaries: String?
    @Option(help: ArgumentHelp("What is replayed.", valueName: "file")) var recording = "../shared/data/tihm/replay-dev.csv.gz"

    @Option(help: ArgumentHelp("Profiles whose samples are decoded.", valueName: "dir")) var profiles = "devices"

    func validate() throws {
        guard (1...100).contains(runs) else { throw ValidationError("--runs is 1 to 100.") }
    }

    func run() throws {
        var report = Report(machine: Machine())
        do {
            for one in Part.allCases where part == nil || part == one { try measure(one, &report) }
        } catch {
            say("\(error)")
            throw ExitCode.failure
        }
        report.machine.loadAfter = Machine.load()
        print(json ? report.json.text : report.table)
    }

    private func measure(_ part: Part, _ report: inout Report) throws {
        let folder = binaries ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
        switch part {
        case .drain: report.figures += try Drain(binaries: folder, runs: runs, say: say).measure()
        case .latency: report.figures += try Latency(binaries: folder, runs: runs, say: say).measure()
        case .flood: report.figures += try Flood(binaries: folder, runs: runs, say: say).measure()
        case .restart: report.figures += try Restart(binaries: folder, runs: runs, say: say).measure()
        case .flat: report.figures += try Flat(binaries: folder, runs: runs, say: say).measure()
        case .memory: report.figures += try Memory(binaries: folder, runs: runs, say: say).measure()
        case .replay:
            if let figures = try ReplaySpeed(binaries: folder, runs: runs, recording: recording, say: say).measure() {
                report.figures += figures
            } else {
                let sentence = "replay was skipped: there is no recording at \(recording)."
                say(sentence)
                report.skipped.append(sentence)
            }
        case .decode:
            let decoded = try Decode(folder: profiles, runs: runs, say: say).measure()
            report.figures += decoded.figures
            report.skipped += decoded.skipped
        case .export: report.figures += try ExportSpeed(binaries: folder, runs: runs, say: say).measure()
        case .consent: report.figures += try ConsentSpeed(runs: runs, say: say).measure()
        case .storage: report.figures += try Sizes(binaries: folder, runs: runs, say: say).measure()
        }
    }

    /// What is going on; standard output is for the result.
    private func say(_ sentence: String) { FileHandle.standardError.write(Data((sentence + "\n").utf8)) }
}
