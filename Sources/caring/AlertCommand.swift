import ArgumentParser
import Care

struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "See alerts and answer them.",
        discussion: "Caring is not an emergency service. In danger call your local emergency number.",
        subcommands: [
            List.self, Show.self, WatchCommand.self, Accept.self, Decline.self, Arrive.self, Resolve.self,
            Cancel.self, Test.self,
        ])

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List the alerts that you may know of.")
        @Flag(help: "Those that have ended, too.") var all = false
        @OptionGroup var globals: Globals
        var command: Command { .alertList(all: all) }
    }

    struct Show: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Show one alert and what happened in it.", discussion: "Example: caring alert show a17")
        @Argument(help: "The alert, e.g. a17.") var alert: String
        @OptionGroup var globals: Globals
        var command: Command { .alertShow(alert: alert) }
    }

    struct Accept: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Say that you go.", discussion: "Example: caring alert accept a17")
        @Argument(help: "The alert, e.g. a17.") var alert: String
        @OptionGroup var globals: Globals
        var command: Command { .alertAnswer(alert: alert, answer: .accept, note: nil) }
    }

    struct Decline: Saying {
        static let configuration = CommandConfiguration(abstract: "Say that you cannot go, so that others are asked.")
        @Argument(help: "The alert, e.g. a17.") var alert: String
        @OptionGroup var globals: Globals
        var command: Command { .alertAnswer(alert: alert, answer: .decline, note: nil) }
    }

    struct Arrive: Saying {
        static let configuration = CommandConfiguration(abstract: "Say that you are there.")
        @Argument(help: "The alert, e.g. a17.") var alert: String
        @OptionGroup var globals: Globals
        var command: Command { .alertAnswer(alert: alert, answer: .arrive, note: nil) }
    }

    struct Resolve: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Say that it is done.",
            discussion: "Example: caring alert resolve a17 --note \"She had left the tap running.\"")
        @Argument(help: "The alert, e.g. a17.") var alert: String
        @Option(help: "What was found.") var note: String?
        @OptionGroup var globals: Globals
        var command: Command { .alertAnswer(alert: alert, answer: .resolve, note: note) }
    }

    struct Cancel: Saying {
        static let configuration = CommandConfiguration(abstract: "As the citizen, say that nobody needs to come.")
        @Argument(help: "The alert, e.g. a17.") var alert: String
        @Option(help: "Why.") var note: String?
        @OptionGroup var globals: Globals
        var command: Command { .alertCancel(alert: alert, note: note) }
    }

    struct Test: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Raise a test alert in a home; everybody who is told reads that it is a test.",
            discussion: "Example: caring alert test elm-3 --rule help-button")
        @Argument(help: "The home.") var home: String
        @Option(help: "The rule that the alert should be of.") var rule: String?
        @OptionGroup var globals: Globals
        var command: Command { .alertTest(home: home, rule: rule) }
    }
}
