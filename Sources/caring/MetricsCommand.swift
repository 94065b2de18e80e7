import ArgumentParser
import AsyncHTTPClient
import Care
import Foundation

/// The gateway's figures as Prometheus takes them. It does not ask the thread of the turns and therefore also answers
/// while that hangs.
struct MetricsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Print the gateway's figures in Prometheus' text format.",
        discussion: "Example: caring metrics | grep withheld")

    @Option(name: .customLong("data"), help: ArgumentHelp("The gateway's data folder (default: var/).", valueName: "dir"))
    var folder: String?

    @Option(
        help: ArgumentHelp("The gateway's socket, as a path or unix:/path (default: caring.sock in the data folder).", valueName: "address"))
    var gateway: String?

    func validate() throws {
        if let gateway, gateway.contains("://") {
            throw ValidationError("Give the path of the gateway's socket, e.g. var/caring.sock.")
        }
    }

    func run() async throws {
        let printer = Printer(asJSON: false)
        do {
            printer.print(text: try await Connection(gateway: gateway, folder: folder).metrics())
        } catch {
            printer.print(error)
            throw ExitCode.failure
        }
    }
}

extension Connection {
    /// Five thousand series have about a megabyte.
    static let metricsBytesMax = 16 * 1024 * 1024

    func metrics() async throws(GatewayProblem) -> String {
        try refuseIfNobodyListens()
        guard let url = URL(httpURLWithSocketPath: socketPath, uri: "/metrics") else { throw lost("it cannot be asked this") }
        do {
            let response = try await Connection.client.execute(HTTPClientRequest(url: url.absoluteString), timeout: .seconds(Self.answerSecondsMax))
            let body = try await response.body.collect(upTo: Self.metricsBytesMax)
            if response.status == .ok { return String(buffer: body) }
        } catch {
            throw lost("\(error)")
        }
        throw GatewayProblem(
            sentence: "What answers at \(safeText(socketPath)) has no metrics: see that both are of the same version.", mayPass: false)
    }
}
