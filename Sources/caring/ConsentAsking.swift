import ArgumentParser
import Care

/// Consent by conversation: offers, and a grant asked for step by step.
extension ConsentCommand {
    struct Offers: Saying {
        static let configuration = CommandConfiguration(abstract: "Show what you may accept in one go.")
        @OptionGroup var globals: Globals
        var command: Command { .consentOffers }
    }

    struct Accept: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Accept an offer: its records are given, each to be withdrawn by itself.",
            discussion: "Example: caring consent accept practice --who clinic --until 2027-01-15")
        @Argument(help: "The offer as consent offers shows it.") var offer: String
        @Option(parsing: .upToNextOption, help: "Who is meant.") var who: [String] = []
        @Option(help: "Until this day or instant, or for this long, e.g. 30d.") var until: String?
        @OptionGroup var globals: Globals
        var command: Command { .consentAccept(offer: offer, who: who, until: until) }
    }
}

extension ConsentCommand.Grant {
    /// Asks, reads the sentence back, and gives it only after a yes.
    func ask() async throws {
        let printer = Printer(asJSON: false)
        var interview = ConsentInterview()
        while let question = interview.question {
            printer.note(question)
            guard let answer = readLine() else { throw stopped(printer) }
            if let problem = interview.answer(answer) { printer.note(problem) }
        }
        var whole = interview.draft
        whole.citizen = draft.citizen
        try await say(.consentSay(whole))
        printer.note("Is that what you mean? (yes or no)")
        guard let answer = readLine()?.lowercased(), ["yes", "y"].contains(answer) else { throw stopped(printer) }
        try await say(.consentGrant(whole))
    }

    private func stopped(_ printer: Printer) -> ExitCode {
        printer.note("Nothing was changed.")
        return ExitCode.failure
    }
}
