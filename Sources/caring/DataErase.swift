import ArgumentParser
import Care
import Foundation

struct DataErase: Saying {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase your data for good.",
        discussion: """
            Examples:
              caring data erase --before 2026-01-01
              caring data erase --category health --device "scales"
              caring data erase --all
              caring data erase --status

            It is said first what goes, and asked whether you want that. What is in force stays: your devices and consents.
            """)
    @Option(help: ArgumentHelp("Readings from before this day, instant, or length of time back.", valueName: "day")) var before: String?
    @Option(
        name: .customLong("category"), parsing: .upToNextOption,
        help: ArgumentHelp("Readings of this: \(Category.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "category"))
    var categories: [String] = []
    @Option(name: .customLong("device"), parsing: .upToNextOption, help: ArgumentHelp("Readings of this device, as device list shows it.", valueName: "device"))
    var devices: [String] = []
    @Flag(help: "Everything that is not in force.") var all = false
    @Flag(help: "Only say what would go.") var check = false
    @Flag(help: "Say how far an earlier erasure is.") var status = false
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var globals: Globals

    func validate() throws {
        guard status || yes || check || isatty(STDIN_FILENO) == 1 else {
            throw ValidationError("What is erased cannot be brought back: add --yes, or ask first with --check.")
        }
    }

    private func draft(isCheck: Bool) -> ErasureDraft {
        ErasureDraft(before: before, categories: categories, devices: devices, all: all, isCheck: isCheck)
    }

    var command: Command { status ? .dataErasing(citizen: nil) : .dataErase(draft(isCheck: check)) }

    func run() async throws {
        if !status && !check && !yes {
            try await say(.dataErase(draft(isCheck: true)))
            let printer = Printer(asJSON: globals.call.json)
            printer.note("Shall it be erased? It cannot be brought back. (yes or no)")
            guard let answer = readLine()?.lowercased(), ["yes", "y"].contains(answer) else {
                printer.note("Nothing was changed.")
                throw ExitCode.failure
            }
        }
        try await say(command)
    }
}
