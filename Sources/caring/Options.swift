import ArgumentParser
import Care
import Foundation

/// What every command takes that speaks with the gateway.
struct CallOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The gateway's socket, as a path or unix:/path (default: caring.sock in the data folder).",
            valueName: "address"))
    var gateway: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Speak for this person: as an operator, or as who has a mandate of theirs. It is recorded.", valueName: "person"))
    var person: String?

    @Option(name: .customLong("by"), help: ArgumentHelp("With --as: it is this delegate who acts; only operators need to say so.", valueName: "delegate"))
    var delegate: String?

    @Flag(help: "Print one JSON object a line instead of sentences.")
    var json = false

    func validate() throws {
        if let gateway, gateway.contains("://") {
            throw ValidationError("The gateway has no port: give the path of its socket, e.g. var/caring.sock.")
        }
        if delegate != nil, person == nil { throw ValidationError("Say for whom the delegate acts: add --as CITIZEN.") }
        for person in [person, delegate].compactMap({ $0 }) where !isUsableName(person) {
            throw ValidationError("\"\(safeText(person))\" cannot be anybody's name: names are of a-z, 0-9 and -.")
        }
    }
}

protocol GlobalOptions: ParsableArguments {
    var call: CallOptions { get }
    /// The folder that was named on the command line.
    var folder: String? { get }
}

extension GlobalOptions {
    /// Where the gateway is, from the command line, the environment or the default, in this order.
    var connection: Connection { Connection(gateway: call.gateway, folder: folder) }
}

extension Connection {
    /// - Parameter gateway: as on the command line; likewise `folder`. Nil where not given.
    init(gateway: String?, folder named: String?) {
        let environment = ProcessInfo.processInfo.environment
        let address = gateway ?? (named == nil ? environment["CARING_GATEWAY"] : nil)
        if let address, !address.isEmpty {
            self.init(socketPath: address.hasPrefix("unix:") ? String(address.dropFirst(5)) : address)
            return
        }
        var folder = named ?? environment["CARING_DATA"] ?? ""
        if folder.isEmpty { folder = "var/" }
        self.init(socketPath: folder.hasSuffix("/") ? folder + "caring.sock" : folder + "/caring.sock")
    }
}

struct Globals: GlobalOptions {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp("The gateway's data folder (default: var/).", valueName: "dir"))
    var folder: String?

    @OptionGroup var call: CallOptions
}

/// A command that is one sentence to the gateway.
protocol Saying: AsyncParsableCommand {
    associatedtype Options: GlobalOptions
    var globals: Options { get }
    var command: Command { get }
}

extension Saying {
    func run() async throws { try await say(command) }

    func say(_ command: Command) async throws {
        let printer = Printer(asJSON: globals.call.json)
        do {
            let answer = try await globals.connection.say(command, as: globals.call.person, by: globals.call.delegate)
            printer.print(answer)
            if answer.reply.outcome != .done { throw ExitCode.failure }
        } catch let problem as GatewayProblem {
            printer.print(problem)
            throw ExitCode.failure
        }
    }
}

/// Degrees, as in `--at 51.7520,-1.2577`.
struct Position {
    var latitude: Double
    var longitude: Double

    init(parsing text: String) throws {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map {
            Double($0.trimmingCharacters(in: .whitespaces))
        }
        guard parts.count == 2, let latitude = parts[0], let longitude = parts[1],
            (-90...90).contains(latitude), (-180...180).contains(longitude)
        else {
            throw ValidationError(
                "Give a latitude from -90 to 90 and a longitude from -180 to 180, e.g. --at 51.7520,-1.2577.")
        }
        self.latitude = latitude
        self.longitude = longitude
    }
}
