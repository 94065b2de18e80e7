import ArgumentParser
import Care
import Foundation

struct DataKeep: Saying {
    static let configuration = CommandConfiguration(
        commandName: "keep", abstract: "See and decide how long your readings are kept, and what becomes of old ones.",
        discussion: """
            Examples:
              caring data keep
              caring data keep --category health --for 30d --then daily
              caring data keep --category security --for 14d --then erase
              caring data keep --category health --default
              caring data keep --history

            Where something goes by that, it is said first what, and asked whether you want that. Daily figures of a day are \
            how many readings there were, their mean, lowest, highest, first and last, and how long a state lasted.
            """)
    @Option(
        name: .customLong("category"), parsing: .upToNextOption,
        help: ArgumentHelp("Of this: \(Category.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "category"))
    var categories: [String] = []
    @Option(name: .customLong("for"), help: ArgumentHelp("How long readings are kept, in days.", valueName: "30d")) var length: String?
    @Option(help: ArgumentHelp("What becomes of them then: erase, or daily for the figures of each day.", valueName: "erase|daily")) var then: String?
    @Flag(name: .customLong("default"), help: "As the scheme says.") var isDefault = false
    @Flag(help: "Only say what would go.") var check = false
    @Flag(help: "Say what you decided before.") var history = false
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var globals: Globals

    private var isLook: Bool { categories.isEmpty && length == nil && then == nil && !isDefault }

    private func draft(isCheck: Bool) -> KeepDraft { KeepDraft(categories: categories, length: length, then: then, isDefault: isDefault, isCheck: isCheck) }

    var command: Command { isLook || history ? .dataKeeping(citizen: nil, history: history) : .dataKeep(draft(isCheck: check)) }

    func run() async throws {
        if !isLook && !history && !check && !yes { try await ask() }
        try await say(command)
    }

    /// Whether what goes by it may go; where nothing goes there is nothing to ask.
    private func ask() async throws {
        let printer = Printer(asJSON: globals.call.json)
        let answer = try await looked(printer)
        guard answer.reply.outcome == .done else {
            printer.print(answer)
            throw ExitCode.failure
        }
        guard answer.reply.items.first?["goes"]?.int != 0 else { return }
        printer.print(answer)
        guard isatty(STDIN_FILENO) == 1 else {
            printer.note("What goes cannot be brought back: add --yes if you want that. Nothing was changed.")
            throw ExitCode.failure
        }
        printer.note("Shall it be so? What goes cannot be brought back. (yes or no)")
        guard let said = readLine()?.lowercased(), ["yes", "y"].contains(said) else {
            printer.note("Nothing was changed.")
            throw ExitCode.failure
        }
    }

    private func looked(_ printer: Printer) async throws -> GatewayAnswer {
        do {
            return try await globals.connection.say(.dataKeep(draft(isCheck: true)), as: globals.call.person)
        } catch {
            printer.print(error)
            throw ExitCode.failure
        }
    }
}
