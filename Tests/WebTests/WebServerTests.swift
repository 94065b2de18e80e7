import AsyncHTTPClient
import Care
import Foundation
import Gateway
import Logging
import ServiceLifecycle
import Testing

@testable import Web

/// Over a real socket, with a performer that records.
@Suite(.timeLimit(.minutes(1)))
struct WebServerTests {
    @Test func aCommandGoesInAndItsReplyComesOut() async throws {
        let performer = RecordingPerformer(
            Reply(say: ["Home elm-3 is there."], items: [.object(["home": "elm-3", "circle": .null])], next: 7))
        try await withServer(performer) { server in
            let command = Command.homeAdd(
                home: "elm-3", circle: nil, zone: nil, address: nil, latitude: 52.5, longitude: 13.4)
            let answer = try await server.post(command, as: "maria")
            #expect(answer.status == 200)
            let expected =
                #"{"outcome":"done","say":["Home elm-3 is there."],"#
                + #""items":[{"home":"elm-3","circle":null}],"next":7}"# + "\n"
            #expect(answer.body == expected)
            let heard = await performer.heard
            #expect(heard.map(\.command) == [command])
            #expect(heard.map(\.caller) == [Caller(uid: getuid(), actingAs: "maria")])
        }
    }

    @Test func theCallerIsKnownByTheKernel() async throws {
        let performer = RecordingPerformer()
        try await withServer(performer) { server in
            _ = try await server.post(.homeList)
            let answer = try await server.get("/v1/status")
            #expect(answer.status == 200)
            #expect(await performer.heard.map(\.caller) == [Caller(uid: getuid()), Caller(uid: getuid())])
            #expect(await performer.heard.last?.command == .status)
        }
    }

    @Test(arguments: [(Reply.refused("No."), 403), (.failed("There is no home elm-9."), 422)])
    func theOutcomeIsTheStatus(reply: Reply, status: Int) async throws {
        try await withServer(RecordingPerformer(reply)) { server in
            let answer = try await server.post(.homeList)
            #expect(answer.status == status)
            #expect(try JSONDecoder().decode(Reply.self, from: Data(answer.body.utf8)) == reply)
        }
    }

    @Test(arguments: [
        "", "{", "[]", #"{"command": {}}"#, #"{"command": {"homeFly": {}}}"#, #"{"command": {"homeRemove": {}}}"#,
        #"{"command": {"status": {}}, "as": "Robert'); DROP"}"#,
    ])
    func whatIsNoCommandIsAnsweredWithASentence(body: String) async throws {
        let performer = RecordingPerformer()
        try await withServer(performer) { server in
            let answer = try await server.send("/v1/commands", body: body)
            #expect(answer.status == 400)
            let reply = try JSONDecoder().decode(Reply.self, from: Data(answer.body.utf8))
            #expect(reply.outcome == .failed)
            #expect(reply.say.count == 1 && reply.say[0].hasSuffix("."))
            #expect(await performer.heard.isEmpty)
        }
    }

    @Test func aCommandHasALimit() async throws {
        let performer = RecordingPerformer()
        try await withServer(performer) { server in
            let fits = #"{"command":{"status":{}}}"#
            let padding = String(repeating: " ", count: commandBytesMax - fits.utf8.count)
            let full = try await server.send("/v1/commands", body: fits + padding)
            #expect(full.status == 200)
            let tooMuch = try await server.send("/v1/commands", body: fits + padding + " ")
            #expect(tooMuch.status == 413)
            #expect(await performer.heard.count == 1)
        }
    }

    @Test func anUnknownAddressIsAnsweredInTheSameForm() async throws {
        try await withServer(RecordingPerformer()) { server in
            let answer = try await server.get("/v1/secrets")
            #expect(answer.status == 404)
            #expect(answer.body.hasPrefix(#"{"outcome":"failed","say":["There is nothing here"#))
        }
    }

    @Test func ownerAndGroupMayConnectAndNobodyElse() async throws {
        try await withServer(RecordingPerformer()) { server in
            var status = stat()
            #expect(lstat(server.path, &status) == 0)
            #expect(status.st_mode & S_IFMT == S_IFSOCK)
            #expect(status.st_mode & 0o7777 == 0o660)
            let files = try FileManager.default.contentsOfDirectory(atPath: server.folder)
            #expect(files == ["caring.sock"])
        }
    }

    @Test func theSocketIsTakenAwayAtTheEnd() async throws {
        let path = try await withServer(RecordingPerformer()) { $0.path }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aStaleSocketIsReplaced() async throws {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Bound and closed without being taken away, as a kill leaves it; and so is the folder it was born in.
        let descriptor = try listen(at: folder + "/caring.sock")
        close(descriptor)
        try FileManager.default.createDirectory(
            atPath: folder + "/.caring.sock.new", withIntermediateDirectories: false)
        close(try listen(at: folder + "/.caring.sock.new/s"))
        try await withServer(RecordingPerformer(), in: folder) { server in
            let answer = try await server.post(.status)
            #expect(answer.status == 200)
        }
    }

    @Test func aSecondServerIsRefusedAndTheFirstGoesOn() async throws {
        try await withServer(RecordingPerformer()) { server in
            let second = WebServer(path: server.path, performer: RecordingPerformer(), metrics: { metricsText }, logger: quietLogger)
            let problem = await #expect(throws: WebServerError.self) { try await second.run() }
            #expect(problem?.description.hasPrefix("Another gateway already listens at ") == true)
            let answer = try await server.post(.status)
            #expect(answer.status == 200)
        }
    }

    @Test func ofTwoThatStartTogetherOneServes() async throws {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/caring.sock"
        let served = Count()
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    do {
                        try await WebServer(path: path, performer: RecordingPerformer(), metrics: { metricsText }, logger: quietLogger) {
                            await served.add()
                        }.run()
                        return false
                    } catch is WebServerError {
                        return true
                    }
                }
            }
            let first = try await group.next()
            group.cancelAll()
            do { while try await group.next() != nil {} } catch is CancellationError {}
            return first
        }
        #expect(refused == true)
        #expect(await served.value == 1)
    }

    @Test func aFileThatIsNoSocketIsLeftAlone() async throws {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/caring.sock"
        try Data("a letter".utf8).write(to: URL(fileURLWithPath: path))
        let problem = await #expect(throws: WebServerError.self) {
            try await WebServer(path: path, performer: RecordingPerformer(), metrics: { metricsText }, logger: quietLogger).run()
        }
        #expect(problem?.description.contains("is not a socket") == true)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "a letter")
    }

    @Test(arguments: ["/nowhere/at/all/caring.sock", "", "/tmp/", "/tmp/" + String(repeating: "x", count: 110)])
    func aPlaceThatCannotBeIsRefused(path: String) async {
        let problem = await #expect(throws: WebServerError.self) {
            try await WebServer(path: path, performer: RecordingPerformer(), metrics: { metricsText }, logger: quietLogger).run()
        }
        #expect(problem?.description.hasSuffix(".") == true)
    }

    @Test func aPendingWatchEndsAsIfNothingHadHappened() async throws {
        let performer = RecordingPerformer(nil)
        let clock = ContinuousClock()
        let (answer, duration) = try await withServer(performer) { server in
            async let answer = server.post(.alertWatch(after: 41, waitSeconds: 25))
            while await performer.heard.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            let duration = try await clock.measure { try await server.stop() }
            return (try await answer, duration)
        }
        #expect(answer.status == 200)
        #expect(answer.body == #"{"outcome":"done","say":[],"items":[],"next":41}"# + "\n")
        // Far below the 25 s that the watch would have waited.
        #expect(duration < .seconds(15))
    }

    @Test func aPerformerAndAClientThatHangDoNotHoldUpTheStop() async throws {
        let performer = RecordingPerformer(nil)
        let clock = ContinuousClock()
        let (answer, duration) = try await withServer(performer) { server in
            // One that never sends its request to the end, and one whose command is never answered.
            let half = try connect(to: server.path)
            defer { close(half) }
            let text = "POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
            #expect(send(half, text, text.utf8.count, 0) == text.utf8.count)
            async let answer = server.post(.homeList)
            while await performer.heard.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            let duration = try await clock.measure { try await server.stop() }
            return (try await answer, duration)
        }
        #expect(answer.status == 422)
        #expect(answer.body.contains("The gateway is stopping"))
        // The performer never returns; that the stop does is the point. How soon depends on what else runs here.
        #expect(duration < .seconds(30))
    }
}
