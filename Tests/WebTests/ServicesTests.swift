import AsyncHTTPClient
import Care
import Foundation
import Gateway
import ServiceLifecycle
import Testing

@testable import Web

/// What services fetch: over the socket and over a port, with a token, as lines.
@Suite(.timeLimit(.minutes(1)))
struct ServicesTests {
    private let performer = RecordingPerformer(Reply(items: [.object(["id": 7]), .object(["next": "7"])]))

    @Test func whatIsAskedReachesTheGatewayAsItWasWritten() async throws {
        try await withServer(performer) { server in
            let answer = try await server.get("/services/clinic/ada/heart_rate?after=6&limit=10&since=2026-11-18T10:00:00Z")
            #expect(answer.status == 200 && answer.body == "{\"id\":7}\n{\"next\":\"7\"}\n" && answer.contentType == "application/jsonl")
            #expect(
                await performer.heard.map(\.command) == [
                    .service(
                        .fetch(
                            FeedQuery(service: "clinic", citizen: "ada", quantity: "heart_rate", since: "2026-11-18T10:00:00Z", after: "6", limit: "10", token: "")))
                ])
            _ = try await server.get("/services/clinic/figures?quantity=heart_rate&area=circle&by=day")
            #expect(
                await performer.heard.last?.command
                    == .service(.figures(FiguresQuery(service: "clinic", quantity: "heart_rate", byCircle: true, token: ""))))
            #expect(try await server.get("/services/clinic/figures?by=week").status == 422)
        }
    }

    @Test func whoIsNotKnownIsToldSo() async throws {
        try await withServer(RecordingPerformer(.refused("No."))) { server in
            for address in ["/services/clinic/ada/heart_rate", "/services/clinic/figures"] {
                let answer = try await server.get(address)
                #expect(answer.status == 401)
            }
        }
        try await withServer(RecordingPerformer(.failed("What?"))) { server in
            let answer = try await server.get("/services/clinic/ada/heart_rate")
            #expect(answer.status == 422)
        }
    }

    @Test func aPortServesNothingElse() async throws {
        let (ports, port) = AsyncStream<Int>.makeStream()
        let server = ServicesServer(listener: .init(host: "127.0.0.1", port: 0), performer: performer, logger: quietLogger) { port.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [server], logger: quietLogger))
        let running = Task {
            defer { port.finish() }
            try await group.run()
        }
        var listening = ports.makeAsyncIterator()
        let number = try #require(await listening.next())
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(number)/services/clinic/ada/heart_rate")
        request.headers.add(name: "Authorization", value: "Bearer abc")
        #expect(try await HTTPClient.shared.execute(request, timeout: .seconds(10)).status.code == 200)
        guard case .service(.fetch(let query))? = await performer.heard.last?.command else { return #expect(Bool(false), "It was not asked.") }
        #expect(query.token == "abc")
        for other in ["/v1/status", "/metrics", "/services", "/v1/commands"] {
            #expect(try await fetch("http://127.0.0.1:\(number)\(other)").status == 404)
        }
        #expect(try await fetch("http://127.0.0.1:\(number)/v1/commands", method: "POST", body: #"{"command":{"status":{}}}"#).status == 404)
        #expect(await performer.heard.count == 1)
        await group.triggerGracefulShutdown()
        try await running.value
    }
}
