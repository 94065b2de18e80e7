import ArgumentParser
import Foundation

/// Shakes the real gateway with everything that happens on bad days, and counts afterwards. `scripts/torture` builds
/// everything and calls it.
@main
struct Torture: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torture", abstract: "Shake the gateway, and account for every message and every alert.",
        discussion: """
            The real broker, the real daemon, publishers with numbered messages that bear no time, helpers that answer. \
            The faults are drawn from the seed, which is printed: the same seed gives the same faults, in the same order. \
            Ends with 1 when anything is lost, doubled or dropped; then everything is kept, and where is said.
            """)

    @Option(help: "How long it is shaken.") var minutes = 5.0
    @Option(help: "Draws the same faults again.") var seed: Int64?
    @Option(
        help: ArgumentHelp(
            "Which faults, separated by commas: \(FaultKind.allCases.map(\.rawValue).joined(separator: ",")).", valueName: "kinds"))
    var faults = FaultKind.usual.map(\.rawValue).joined(separator: ",")
    @Flag(help: "Print one JSON object instead of sentences.") var json = false
    @Option(help: ArgumentHelp("Where caringd and caring are.", valueName: "dir")) var binaries: String?

    func validate() throws {
        guard seed ?? 0 >= 0 else { throw ValidationError("--seed is not negative.") }
        guard minutes > 0, minutes <= 1_440 else { throw ValidationError("--minutes is more than 0 and at most 1440.") }
        _ = try kinds()
    }

    private func kinds() throws -> [FaultKind] {
        try faults.split(separator: ",").map { name in
            guard let kind = FaultKind(rawValue: String(name)) else { throw ValidationError("--faults does not know \(name).") }
            return kind
        }
    }

    func run() throws {
        Interruption.listen()
        let seed = self.seed ?? Int64.random(in: 0..<1 << 48)
        say("Seed \(seed).")
        let folder = binaries ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
        let report: Report
        do {
            report = try Run(.init(seed: seed, minutes: minutes, kinds: try kinds(), binaries: folder), say: say).run()
        } catch {
            say("\(error)")
            throw ExitCode(Interruption.isAsked ? 130 : 1)
        }
        print(json ? report.json.text : report.text)
        if !report.findings.isGood { throw ExitCode(1) }
    }

    /// What is going on; standard output is for the result.
    private func say(_ sentence: String) { FileHandle.standardError.write(Data((sentence + "\n").utf8)) }
}
