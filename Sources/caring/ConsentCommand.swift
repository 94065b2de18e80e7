import ArgumentParser
import Care
import Foundation

struct ConsentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consent", abstract: "Say who may learn what, and see what has been said.",
        subcommands: [
            Grant.self, Refuse.self, Preview.self, Withdraw.self, List.self, Emergency.self, Offers.self, Accept.self, Request.self, Requests.self, Give.self, Defer.self, Deny.self,
            Renew.self, Revoke.self, History.self,
        ])

    struct Grant: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Permit somebody to learn something; what nothing permits stays private.",
            discussion: """
                Without options it asks step by step.
                Example: caring consent grant --to circle:oak-street --purpose emergency-response --about safety
                """)
        @OptionGroup var draft: DraftOptions
        @OptionGroup var globals: Globals
        func validate() throws { if !draft.isBare { try draft.requireWhoAndWhat() } }
        var command: Command { .consentGrant(draft.draft) }

        func run() async throws {
            guard draft.isBare else { return try await say(command) }
            guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
                throw ValidationError(
                    "Say who, what and what for: caring consent grant --to circle:oak-street --about safety --purpose emergency-response. "
                        + "On a terminal it asks step by step.")
            }
            try await ask()
        }
    }

    struct Refuse: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Refuse somebody something; this is stronger than any permission.",
            discussion: """
                Example: caring consent refuse --to service:clinic --about heart_rate --until 2026-12-31
                """)
        @OptionGroup var draft: DraftOptions
        @OptionGroup var globals: Globals
        func validate() throws { try draft.requireWhoAndWhat() }
        var command: Command { .consentRefuse(draft.draft) }
    }

    struct Withdraw: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Take back what was permitted or refused; nothing further is sent from then on.",
            discussion: "Example: caring consent withdraw c5")
        @Argument(help: "The record as consent list shows it, e.g. c5.") var id: String
        @OptionGroup var globals: Globals
        var command: Command { .consentWithdraw(id: id) }
    }

    struct Emergency: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Decide whether in an extreme alert (smoke, a fall) your circle may be told although nothing else permits it.",
            discussion: """
                It is off until you turn it on. Who is told learns what happened and, once they have accepted, your name \
                and address. What you refuse stays refused. You are told at once when it is used.
                Example: caring consent emergency --on --circle oak-street
                """)
        @Flag(help: "From now on, yes.") var on = false
        @Flag(help: "From now on, no.") var off = false
        @Option(parsing: .upToNextOption, help: "Which circles' helpers; none named: that of your home.") var circle: [String] = []
        @OptionGroup var globals: Globals
        func validate() throws {
            if on == off { throw ValidationError("Say --on or --off.") }
        }
        var command: Command { .consentEmergency(on: on, circles: circle) }
    }

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List what is permitted and refused.")
        @Option(help: "Whose; nobody named: yours.") var citizen: String?
        @Flag(help: "Those that are withdrawn or over, too.") var all = false
        @OptionGroup var globals: Globals
        var command: Command { .consentList(citizen: citizen, all: all) }
    }
}

/// A consent as it is typed. The gateway reads the texts and says what is wrong with them.
struct DraftOptions: ParsableArguments {
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Who: helper:maria, circle:oak-street, coordinator:*, service:clinic or anyone.", valueName: "who"))
    var to: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "What for: \(Purpose.allCases.map(\.rawValue).joined(separator: ", ")); none named: everything.",
            valueName: "purpose"))
    var purpose: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Which data: a category (safety), a quantity (heart_rate), device:<device>, identity or everything.",
            valueName: "data"))
    var about: [String] = []

    @Option(
        help: """
            How much: wellbeing, alert, summary or readings (default: a grant permits up to alert, a refusal \
            refuses all from wellbeing on).
            """)
    var detail: String?

    @Option(
        name: [.customLong("stage"), .customLong("only")],
        help: "From which stage of an alert on: asked, accepted or attending; --only accepted means whoever accepted it.")
    var stage: String?

    @Option(
        name: .customLong("while"),
        help: ArgumentHelp(
            "Only while an alert of at least this severity is open: minor, moderate, severe or extreme.", valueName: "severity"))
    var severity: String?

    @Option(help: ArgumentHelp("When, e.g. \"mon-fri 08:00-18:00\"; may be repeated.", valueName: "hours"))
    var hours: [String] = []

    @Option(help: "From this day or instant on (default: now).") var from: String?
    @Option(help: "Until this day or instant, or for this long, e.g. 30d.") var until: String?
    @Option(help: "Whose data; nobody named: yours.") var citizen: String?

    /// Nothing but perhaps whose.
    var isBare: Bool {
        to.isEmpty && purpose.isEmpty && about.isEmpty && detail == nil && stage == nil && severity == nil && hours.isEmpty && from == nil
            && until == nil
    }

    func requireWhoAndWhat() throws {
        if to.isEmpty { throw ValidationError("Say who: --to circle:oak-street, --to helper:maria or --to anyone.") }
        if about.isEmpty { throw ValidationError("Say which data: --about safety, --about heart_rate, --about identity or --about everything.") }
    }

    var draft: ConsentDraft {
        ConsentDraft(
            citizen: citizen, to: to, purposes: purpose, data: about, detail: detail, stage: stage, severity: severity, hours: hours,
            from: from, until: until)
    }
}
