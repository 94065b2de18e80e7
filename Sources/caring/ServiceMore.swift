import ArgumentParser
import Care

// How a service is let in, and what it gets where only summaries are permitted.

struct ServiceToken: Saying {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Give a service a token, by which it fetches over HTTP what is shared with it.",
        discussion: "Examples: caring service token clinic\n          caring service token clinic --end\n\nIt is shown once. A new one ends the one before.")
    @Argument(help: "The service.") var name: String
    @Flag(help: "From now on it has none.") var end = false
    @OptionGroup var globals: Globals
    var command: Command { .service(.token(service: name, end: end)) }
}

struct ServiceLogin: Saying {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Give a service a new login at the broker, where it listens on shared/NAME/#.",
        discussion: "Example: caring service login clinic\n\nThe password is shown once. The one before is not good any more.")
    @Argument(help: "The service.") var name: String
    @OptionGroup var globals: Globals
    var command: Command { .service(.login(service: name)) }
}

struct ServiceSummary: Saying {
    static let configuration = CommandConfiguration(
        commandName: "summary", abstract: "Say whether a service gets summaries of hours or of days, where only summaries are permitted.",
        discussion: "Example: caring service summary clinic --hourly")
    @Argument(help: "The service.") var name: String
    @Flag(help: "One for each hour.") var hourly = false
    @Flag(help: "One for each day; so it is when nothing was ever said.") var daily = false
    @OptionGroup var globals: Globals

    func validate() throws {
        guard hourly != daily else { throw ValidationError("Choose one of --hourly and --daily.") }
    }
    var command: Command { .service(.hourly(service: name, on: hourly)) }
}
