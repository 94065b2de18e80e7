import Foundation
import Testing

@testable import Notify

@Suite struct HTTPChannelTests {
    private func post(
        _ message: PhoneMessage, timeoutMilliseconds: Int64 = 5_000
    ) async throws -> PhoneOutcome {
        let notifier = HTTPNotifier(timeoutMilliseconds: timeoutMilliseconds)
        let outcome = await notifier.post(message)
        try await notifier.shutdown()
        return outcome
    }

    private func outcome(of answer: String?, timeoutMilliseconds: Int64 = 5_000) async throws -> PhoneOutcome {
        let server = try TinyServer(answer: answer)
        defer { server.stop() }
        return try await post(
            PhoneMessage(address: server.address, title: "t", priority: 3, message: "m"), timeoutMilliseconds: timeoutMilliseconds)
    }

    private func status(_ line: String) -> String { "HTTP/1.1 \(line)\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}" }

    @Test func theServerGetsTitlePriorityAndText() async throws {
        let server = try TinyServer(answer: status("200 OK"))
        defer { server.stop() }
        let outcome = try await post(
            PhoneMessage(address: server.address, title: "Fall — Müller", priority: 9, message: "Someone may have fallen. ✓"))
        #expect(outcome == .delivered)
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("POST /topic HTTP/1.1\r\n") && request.hasSuffix("\r\n\r\nSomeone may have fallen. ✓"))
        #expect(request.contains("\r\nTitle: =?UTF-8?B?RmFsbCDigJQgTcO8bGxlcg==?=\r\n"))
        #expect(request.contains("\r\nPriority: 5\r\n"))
    }

    @Test(arguments: [("403 Forbidden", 403), ("404 Not Found", 404), ("413 Too Large", 413), ("301 Moved", 301), ("304 Not Modified", 304)])
    func whatWillNotGetBetterIsRefused(line: String, code: Int) async throws {
        #expect(try await outcome(of: status(line)) == .refused(status: code))
    }

    @Test(arguments: ["500 Oops", "503 Busy", "429 Slow down", "408 Timeout"])
    func whatMayGetBetterIsFailed(line: String) async throws {
        #expect(try await outcome(of: status(line)) == .failed("The server answered with status \(line.prefix(3))."))
    }

    @Test func aRedirectIsNotFollowed() async throws {
        let other = try TinyServer(answer: status("200 OK"))
        defer { other.stop() }
        let answer = "HTTP/1.1 307 Elsewhere\r\nLocation: \(other.address)\r\nContent-Length: 0\r\n\r\n"
        #expect(try await outcome(of: answer) == .refused(status: 307))
        #expect(other.requests.isEmpty)
    }

    @Test func aServerThatHangs() async throws {
        // That it comes back at all shows the timeout; how soon depends on what else this machine does.
        #expect(try await outcome(of: nil, timeoutMilliseconds: 300) == .failed("The server did not answer in time."))
    }

    @Test func aBodyWithoutEndIsNotWaitedFor() async throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + String(repeating: "x", count: 200_000)
        #expect(try await outcome(of: answer) == .delivered)
    }

    @Test func noHTTPAndNobodyThere() async throws {
        guard case .failed = try await outcome(of: "hello\r\n\r\n") else { return #expect(Bool(false)) }
        let server = try TinyServer(answer: nil)
        server.stop()
        let secret = "http://127.0.0.1:\(server.port)/secret-topic"
        guard case .failed(let reason) = try await post(PhoneMessage(address: secret, title: "t", priority: 1, message: "m"))
        else { return #expect(Bool(false)) }
        #expect(!reason.contains("secret"))
    }

    @Test func atMostEightAtOnce() async throws {
        let server = try TinyServer(answer: status("200 OK"), after: 60)
        defer { server.stop() }
        let notifier = HTTPNotifier()
        let delivered = await withTaskGroup(of: PhoneOutcome.self) { group in
            for i in 0..<30 {
                group.addTask { await notifier.post(PhoneMessage(address: server.address, title: "t", priority: 3, message: "\(i)")) }
            }
            return await group.reduce(0) { $0 + ($1 == .delivered ? 1 : 0) }
        }
        try await notifier.shutdown()
        #expect(delivered == 30 && server.requests.count == 30)
        #expect(server.openMost <= HTTPNotifier.inFlightMax && server.openMost > 1)
    }

    @Test(arguments: [
        "", "ntfy.sh/topic", "ftp://ntfy.sh/x", "https://", "https:///x", "https://a b/x", "https://ntfy.sh/ü", "https://u:p@ntfy.sh/x",
        "https://ntfy.sh/x#y", "file:///etc/passwd", "https://ntfy.sh/x\r\nX: y", "http://ntfy.sh:0/x", "http://ntfy.sh:99999/x",
        "https://ntfy.sh/" + String(repeating: "x", count: 2_048),
    ])
    func addressesThatCannotBeUsed(address: String) async throws {
        #expect(HTTPNotifier.problem(ofAddress: address)?.hasSuffix(".") == true)
        #expect(try await post(PhoneMessage(address: address, title: "t", priority: 3, message: "m")) == .refused(status: 400))
    }

    @Test func addressesThatCan() {
        for address in ["https://ntfy.sh/abc", "http://127.0.0.1:8080/x?y=1", "HTTPS://ntfy.example.org/x", "http://[::1]:2586/x"] {
            #expect(HTTPNotifier.problem(ofAddress: address) == nil, "\(address)")
        }
    }

    @Test func titlesAreFitForAHeader() {
        #expect(HTTPNotifier.header("Fall at Elm Street") == "Fall at Elm Street")
        #expect(HTTPNotifier.header("=?UTF-8?B?eA==?=").hasPrefix("=?UTF-8?B?PT9V"))
        let injected = HTTPNotifier.header("a\r\nX-Evil: 1")
        #expect(!injected.contains("\r") && !injected.contains("\n"))
        let words = HTTPNotifier.header(String(repeating: "é✓", count: 90)).split(separator: " ")
        #expect(words.allSatisfy { $0.utf8.count <= 75 })
        let back = words.map { Data(base64Encoded: String($0.dropFirst(10).dropLast(2))).map { String(decoding: $0, as: UTF8.self) } ?? "?" }
        #expect(back.joined() == String(repeating: "é✓", count: 90))
        #expect(HTTPNotifier.cut("ab✓", bytesMax: 4) == "ab" && HTTPNotifier.cut("ab✓", bytesMax: 5) == "ab✓")
    }
}
