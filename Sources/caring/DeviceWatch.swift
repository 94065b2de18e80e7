import ArgumentParser
import Care

/// `caring device watch`: each message of a home as it comes, and what it became.
struct DeviceWatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Print each message of a home as it comes with what became of it, until Ctrl-C.",
        discussion: "Example: caring device watch elm-3 --as ada")

    /// How often it is asked what has come.
    static let pause = Duration.milliseconds(500)
    static let failuresMax = 600

    @Argument(help: "The home, where it is not yours.") var home: String?
    @OptionGroup var globals: Globals

    func run() async throws {
        let printer = Printer(asJSON: globals.call.json)
        let connection = globals.connection
        var position: Int64 = -1
        var hasBegun = false
        var failures = 0
        while true {
            do {
                let answer = try await connection.say(.deviceWatch(home: home, after: position), as: globals.call.person, by: globals.call.delegate)
                failures = 0
                printer.print(answer)
                guard answer.reply.outcome == .done else { throw ExitCode.failure }
                if !hasBegun { printer.note("Watching; Ctrl-C ends it.") }
                hasBegun = true
                position = answer.reply.next ?? position
            } catch let problem as GatewayProblem {
                guard hasBegun, problem.mayPass, failures < Self.failuresMax else {
                    printer.print(problem)
                    throw ExitCode.failure
                }
                if failures == 0 { printer.note("The gateway is gone: nothing is seen until it is back.") }
                failures += 1
                // It counts anew after a restart.
                position = -1
            }
            try await Task.sleep(for: Self.pause)
        }
    }
}
