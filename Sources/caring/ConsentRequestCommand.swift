import ArgumentParser
import Care

/// Consent that is asked for, given, put off, denied, renewed, revoked, looked back on.
extension ConsentCommand {
    struct Request: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Ask a citizen for consent. You learn what becomes of it and nothing else.",
            discussion: """
                Example: caring consent request --citizen ada --about blood_pressure_systolic --purpose daily-support \
                --detail readings --until 30d --reason "Your doctor would like to see it before your next visit."
                """)
        @Option(help: "Whom you ask.") var citizen: String
        @Option(parsing: .upToNextOption, help: ArgumentHelp("What for.", valueName: "purpose")) var purpose: [String]
        @Option(parsing: .upToNextOption, help: ArgumentHelp("Which data: a category, a quantity, identity or everything.", valueName: "data"))
        var about: [String]
        @Option(help: "How much: wellbeing, alert, summary or readings (default: alert).") var detail: String?
        @Option(name: [.customLong("stage"), .customLong("only")], help: "From which stage of an alert on: asked, accepted or attending.")
        var stage: String?
        @Option(name: .customLong("while"), help: ArgumentHelp("Only while an alert of at least this severity is open.", valueName: "severity"))
        var severity: String?
        @Option(help: ArgumentHelp("When, e.g. \"mon-fri 08:00-18:00\"; may be repeated.", valueName: "hours")) var hours: [String] = []
        @Option(help: "Until this day or instant, or for this long, e.g. 30d.") var until: String?
        @Option(help: "Why, in plain words; the citizen reads it.") var reason: String
        @OptionGroup var globals: Globals
        var command: Command {
            .consentRequest(
                ConsentDraft(
                    citizen: citizen, to: [], purposes: purpose, data: about, detail: detail, stage: stage, severity: severity, hours: hours,
                    from: nil, until: until), reason: reason)
        }
    }

    struct Requests: Saying {
        static let configuration = CommandConfiguration(abstract: "Show what you are asked for, or what became of what you asked for.")
        @OptionGroup var globals: Globals
        var command: Command { .consentRequests }
    }

    struct Give: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Give what was asked for, or less of it.",
            discussion: "Example: caring consent give c7 --detail summary --until 30d")
        @Argument(help: "The request as consent requests shows it, e.g. c7.") var id: String
        @Option(help: "No more than this: wellbeing, alert, summary or readings.") var detail: String?
        @Option(help: "No longer than until this day or instant, or for this long.") var until: String?
        @Option(help: ArgumentHelp("Only at these hours.", valueName: "hours")) var hours: [String] = []
        @Option(parsing: .upToNextOption, help: ArgumentHelp("Only these of the data asked for.", valueName: "data")) var about: [String] = []
        @OptionGroup var globals: Globals
        var command: Command { .consentGive(id: id, less: ConsentNarrowing(detail: detail, until: until, hours: hours, data: about)) }
    }

    struct Defer: Saying {
        static let configuration = CommandConfiguration(abstract: "Put the answer to a request off; nothing is permitted meanwhile.")
        @Argument(help: "The request, e.g. c7.") var id: String
        @OptionGroup var globals: Globals
        var command: Command { .consentDefer(id: id) }
    }

    struct Deny: Saying {
        static let configuration = CommandConfiguration(abstract: "Say no to a request.")
        @Argument(help: "The request, e.g. c7.") var id: String
        @OptionGroup var globals: Globals
        var command: Command { .consentDeny(id: id) }
    }

    struct Renew: Saying {
        static let configuration = CommandConfiguration(abstract: "Let a record hold for longer.")
        @Argument(help: "The record as consent list shows it, e.g. c5.") var id: String
        @Option(help: "Until this day or instant, or for this long from now, e.g. 90d.") var until: String
        @OptionGroup var globals: Globals
        var command: Command { .consentRenew(id: id, until: until) }
    }

    struct Revoke: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Operators: end somebody's permit by right. The citizen is told by whom and why.")
        @Argument(help: "The record, e.g. c5.") var id: String
        @Option(help: "By which right; the citizen reads it.") var reason: String
        @OptionGroup var globals: Globals
        var command: Command { .consentRevoke(id: id, reason: reason) }
    }

    struct History: Saying {
        static let configuration = CommandConfiguration(abstract: "Show all that ever happened to a record.")
        @Argument(help: "The record, e.g. c5.") var id: String
        @OptionGroup var globals: Globals
        var command: Command { .consentHistory(id: id) }
    }
}
