import ArgumentParser
import Care

/// `caring alert watch`: asks again and again, and prints what happened in between.
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Print what happens as it happens, until Ctrl-C.",
        discussion: "Example: caring alert watch --json | while read -r entry; do …; done")

    /// How long one question waits for something to happen. The gateway allows 30 s.
    static let waitSeconds = 25
    static let retryPause = Duration.seconds(1)
    /// One hour: a watch that nobody reads should not look as if it watched.
    static let retriesMax = 3_600
    /// "From now on": the gateway answers at once with where that is.
    static let fromNow: Int64 = -1

    @Option(help: "Begin after this entry of the history; 0: from the beginning (default: from now on).")
    var after: Int64?
    @OptionGroup var globals: Globals

    func validate() throws {
        if let after, after < 0 { throw ValidationError("The history begins at 0: give --after 0 or more.") }
    }

    func run() async throws {
        let printer = Printer(asJSON: globals.call.json)
        let connection = globals.connection
        var position = after ?? Self.fromNow
        var hasBeenThere = false
        var retries = 0
        while true {
            let answer: GatewayAnswer
            do {
                // After a break it does not wait: that the gateway is back is said at once.
                let waits = position != Self.fromNow && retries == 0
                answer = try await connection.say(
                    .alertWatch(after: position, waitSeconds: waits ? Self.waitSeconds : 0), as: globals.call.person, by: globals.call.delegate)
            } catch {
                guard hasBeenThere, error.mayPass, retries < Self.retriesMax else {
                    printer.print(error)
                    throw ExitCode.failure
                }
                if retries == 0 {
                    printer.note("The gateway is gone: nothing is seen until it is back. Trying again each second.")
                }
                retries += 1
                try await Task.sleep(for: Self.retryPause)
                continue
            }
            let isBack = retries > 0
            if isBack {
                printer.note("The gateway is back.")
                retries = 0
            }
            hasBeenThere = true
            printer.print(answer)
            guard answer.reply.outcome == .done else { throw ExitCode.failure }
            let next = answer.reply.next ?? position
            let isNothingNew = next == position && answer.reply.say.isEmpty && answer.itemTexts.isEmpty
            position = next
            // A gateway that stops ends the wait early; asking again at once would only keep it busy.
            if isNothingNew && !isBack { try await Task.sleep(for: Self.retryPause) }
        }
    }
}
