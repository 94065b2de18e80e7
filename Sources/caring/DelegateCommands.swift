import ArgumentParser
import Care

struct DelegateCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delegate", abstract: "Let somebody act for you within bounds; see and undo what they did.",
        discussion: """
            Who has a mandate acts with --as CITIZEN: caring consent refuse --as ellen --to service:clinic --about health \
            --purpose daily-support
            """,
        subcommands: [Appoint.self, List.self, Acts.self, Confirm.self, Decline.self, Undo.self, End.self, Add.self, Remove.self])

    struct Appoint: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Let somebody act for you about some things, for some purposes, until a date.",
            discussion: """
                Example: caring delegate appoint anna --category health --purpose daily-support --until 2027-06-30 \
                --authority "I asked her to" --two consent
                """)
        @Argument(help: "Who is to act.") var delegate: String
        @Option(
            parsing: .upToNextOption,
            help: ArgumentHelp("About what: \(Category.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "category"))
        var category: [String]
        @Option(
            parsing: .upToNextOption, help: ArgumentHelp("What for: \(Purpose.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "purpose"))
        var purpose: [String]
        @Option(help: "Until this day or instant, or for this long, e.g. 365d.") var until: String
        @Option(help: "By which right, in plain words, e.g. \"power of attorney of 2024-03-02\".") var authority: String
        @Option(
            parsing: .upToNextOption,
            help: ArgumentHelp("What waits for a second person: \(DelegateAct.Kind.thatMayNeedTwo.map(\.rawValue).joined(separator: ", ")).", valueName: "kind"))
        var two: [String] = []
        @Flag(help: "A court has said so. Only an operator, who has seen the order, enters this.") var court = false
        @OptionGroup var globals: Globals
        var command: Command {
            .delegate(.appoint(MandateDraft(delegate: delegate, categories: category, purposes: purpose, until: until, authority: authority, isCourt: court, two: two)))
        }
    }

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List who acts for you, and for whom you act.")
        @Flag(help: "What is over, too.") var all = false
        @OptionGroup var globals: Globals
        var command: Command { .delegate(.list(all: all)) }
    }

    struct Acts: Saying {
        static let configuration = CommandConfiguration(abstract: "See what was done for you, and what waits for your word.")
        @Option(help: "From this instant or day on, or this far back, e.g. 7d.") var since: String?
        @OptionGroup var globals: Globals
        var command: Command { .delegate(.acts(since: since)) }
    }

    struct Confirm: Saying {
        static let configuration = CommandConfiguration(abstract: "Let an act that needs two be done.")
        @Argument(help: "The act as delegate acts shows it, e.g. x4.") var act: String
        @OptionGroup var globals: Globals
        var command: Command { .delegate(.confirm(act: act)) }
    }

    struct Decline: Saying {
        static let configuration = CommandConfiguration(abstract: "Say no to an act that needs two.")
        @Argument(help: "The act, e.g. x4.") var act: String
        @OptionGroup var globals: Globals
        var command: Command { .delegate(.decline(act: act)) }
    }

    struct Undo: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Undo what was done for you. What was read cannot be unread.", discussion: "Example: caring delegate undo x4")
        @Argument(help: "The act, e.g. x4.") var act: String
        @OptionGroup var globals: Globals
        var command: Command { .delegate(.undo(act: act)) }
    }

    struct End: Saying {
        static let configuration = CommandConfiguration(abstract: "End a mandate at once.")
        @Argument(help: "The mandate as delegate list shows it, e.g. m3.") var mandate: String
        @OptionGroup var globals: Globals
        var command: Command { .delegate(.end(mandate: mandate)) }
    }

    struct Add: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Operators: make somebody known who is nothing else here. It lets them do nothing.",
            discussion: "Example: caring delegate add anna --name \"Anna Hill\" --uid 1005")
        @Argument(help: "What they are called in commands.") var name: String
        @Option(name: .customLong("name"), help: "What people read.") var fullName: String
        @Option(help: "The user of this machine who may speak for them.") var uid: UInt32?
        @OptionGroup var globals: Globals
        var command: Command { .delegate(.add(delegate: name, name: fullName, uid: uid)) }
    }

    struct Remove: Saying {
        static let configuration = CommandConfiguration(abstract: "Operators: remove somebody who is only a delegate; their mandates end.")
        @Argument(help: "The delegate.") var name: String
        @OptionGroup var globals: Globals
        var command: Command { .delegate(.remove(delegate: name)) }
    }
}
