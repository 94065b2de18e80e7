import ArgumentParser
import Care

struct ReadingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reading", abstract: "See what the devices measured.", subcommands: [List.self])

    struct List: Saying {
        static let limits = 1...10_000
        static let configuration = CommandConfiguration(
            abstract: "List readings, as far as their owner permits you.",
            discussion: "Example: caring reading list --citizen ada --quantity heart_rate --since 7d")
        @Option(help: "Whose; nobody named: yours.") var citizen: String?
        @Option(help: "Only those of this home.") var home: String?
        @Option(help: "Only this quantity, e.g. heart_rate.") var quantity: String?
        @Option(help: "From this instant or day on, or this far back, e.g. 7d.") var since: String?
        @Option(help: "How many at most, 1 to 10000.") var limit = 100
        @Option(help: "What for; it must be what the citizen permitted.") var purpose: String?
        @OptionGroup var globals: Globals

        func validate() throws {
            guard Self.limits.contains(limit) else {
                throw ValidationError("A limit is from 1 to 10000: give --limit 100, for example.")
            }
        }
        var command: Command {
            .readingList(
                citizen: citizen, home: home, quantity: quantity, since: since, limit: limit, purpose: purpose)
        }
    }
}

struct WhoSawCommand: Saying {
    static let configuration = CommandConfiguration(
        commandName: "who-saw", abstract: "See who was told what about a citizen, and why they might be.",
        discussion: "Example: caring who-saw --since 30d")
    @Argument(help: "The citizen; nobody named: you.") var citizen: String?
    @Option(help: "From this instant or day on, or this far back, e.g. 7d.") var since: String?
    @OptionGroup var globals: Globals
    var command: Command { .whoSaw(citizen: citizen, since: since) }
}

struct WhyCommand: Saying {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Ask why there is an alert, a notice, a decision, a consent record, a mandate or a delegate's act.",
        discussion: "Example: caring why a17")
    @Argument(help: "An alert (a17), a notice (n4), a decision (d9), a consent record (c5), a mandate (m3) or an act (x4).") var id: String
    @OptionGroup var globals: Globals
    var command: Command { .why(id: id) }
}

struct CoverageCommand: Saying {
    static let configuration = CommandConfiguration(
        commandName: "coverage", abstract: "See who would be asked if something happened, for each hour of the week.",
        discussion: "Examples: caring coverage --as ada\n          caring coverage --circle oak-street")
    @Option(help: "Counts of this circle's homes, for whoever runs the scheme; nothing said: your own home.") var circle: String?
    @Flag(help: "Everything that is watched for, not only emergencies.") var all = false
    @OptionGroup var globals: Globals
    var command: Command { .coverage(circle: circle, all: all) }
}

struct InsightsCommand: Saying {
    static let configuration = CommandConfiguration(
        commandName: "insights", abstract: "See what your own days have been like, as your devices tell it.",
        discussion: "Examples: caring insights --week\n          caring insights --since 2026-11-01")
    @Flag(help: "The last seven days; so it is when nothing is said.") var week = false
    @Flag(help: "Today.") var day = false
    @Option(help: "From this instant or day on, or this far back, e.g. 30d.") var since: String?
    @OptionGroup var globals: Globals

    func validate() throws {
        guard [week, day, since != nil].count(where: { $0 }) <= 1 else {
            throw ValidationError("Choose one of --week, --day and --since.")
        }
    }
    var command: Command { .insights(since: since ?? (day ? "1m" : nil)) }
}

struct StatusCommand: Saying {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "See how the gateway, its broker and its homes are.")
    @OptionGroup var globals: Globals
    var command: Command { .status }
}
