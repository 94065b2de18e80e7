import Care
import Foundation
import Gateway
import ServiceLifecycle
import Testing

@testable import Web

@Suite(.timeLimit(.minutes(1)))
struct MetricsServerTests {
    private static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// A metrics server on a free port of 127.0.0.1, while `body` runs.
    private func withMetricsServer(_ body: (_ port: Int) async throws -> Void) async throws {
        let (ports, port) = AsyncStream<Int>.makeStream()
        let server = MetricsServer(listener: .init(host: "127.0.0.1", port: 0), metrics: { metricsText }, logger: quietLogger) { port.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [server], logger: quietLogger))
        let running = Task {
            defer { port.finish() }
            try await group.run()
        }
        var listening = ports.makeAsyncIterator()
        if let port = await listening.next() { try await body(port) } else { Issue.record("The server did not start.") }
        await group.triggerGracefulShutdown()
        try await running.value
    }

    @Test func theSocketServesThemAndAsksNobody() async throws {
        let performer = RecordingPerformer()
        try await withServer(performer) { server in
            let answer = try await server.get("/metrics")
            #expect(answer.status == 200 && answer.body == metricsText && answer.contentType == Self.contentType)
            // Nothing can be said there.
            let told = try await server.send("/metrics", body: #"{"command":{"status":{}}}"#)
            #expect(told.status == 404)
            #expect(await performer.heard.isEmpty)
        }
    }

    /// They are asked for when things hang: what performs commands may be one of these.
    @Test func theyAreServedWhileACommandHangs() async throws {
        let performer = RecordingPerformer(nil)
        try await withServer(performer) { server in
            async let hanging = server.post(.homeList)
            while await performer.heard.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await server.get("/metrics").body == metricsText)
            try await server.stop()
            _ = try await hanging
        }
    }

    @Test func overTCPThereIsNothingElse() async throws {
        try await withMetricsServer { port in
            let metrics = try await fetch("http://127.0.0.1:\(port)/metrics")
            #expect(metrics.status == 200 && metrics.body == metricsText && metrics.contentType == Self.contentType)
            let head = try await fetch("http://127.0.0.1:\(port)/metrics", method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty && head.contentType == Self.contentType)
            for address in ["/", "/v1/status", "/v1/commands", "/metrics/x", "/metricsx", "/%2e%2e/metrics"] {
                #expect(try await fetch("http://127.0.0.1:\(port)\(address)").status == 404, "\(address)")
            }
            for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
                let answer = try await fetch("http://127.0.0.1:\(port)/metrics", method: method, body: method == "POST" ? "x" : nil)
                #expect(answer.status == 404 && !answer.body.contains("caring"), "\(method)")
            }
            let said = try await fetch("http://127.0.0.1:\(port)/v1/commands", method: "POST", body: #"{"command":{"status":{}}}"#)
            #expect(said.status == 404)
        }
    }

    @Test func aPortThatIsTakenIsSaidInOneSentence() async throws {
        try await withMetricsServer { port in
            let second = MetricsServer(listener: .init(host: "127.0.0.1", port: port), metrics: { "" }, logger: quietLogger)
            let problem = await #expect(throws: WebServerError.self) { try await second.run() }
            #expect(
                problem?.description
                    == "The metrics belong on 127.0.0.1:\(port) and something else listens there: stop it, or set “metrics” in the configuration to another port.")
            // The first goes on.
            let still = try await fetch("http://127.0.0.1:\(port)/metrics")
            #expect(still.status == 200)
        }
    }

    // 192.0.2.0/24 is for documentation (RFC 5737): nobody has such an address.
    @Test(arguments: ["192.0.2.1", "no-such-host.invalid"])
    func anAddressThatIsNotHereIsSaidInOneSentence(host: String) async throws {
        let server = MetricsServer(listener: .init(host: host, port: 9_464), metrics: { "" }, logger: quietLogger)
        let problem = await #expect(throws: WebServerError.self) { try await server.run() }
        #expect(problem?.description.contains(host) == true && problem?.description.hasSuffix("in the configuration.") == true)
    }
}
