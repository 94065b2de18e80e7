import AsyncHTTPClient
import Care
import Foundation
import Gateway
import Logging
import ServiceLifecycle

@testable import Web

/// Remembers what it was told; answers every command with the same reply, or never.
actor RecordingPerformer: CommandPerformer {
    private(set) var heard: [(command: Command, caller: Caller)] = []
    private let reply: Reply?

    /// - Parameter reply: nil: it never answers, and takes no notice of cancellation either.
    init(_ reply: Reply? = Reply()) { self.reply = reply }

    func perform(_ command: Command, by caller: Caller) async -> Reply {
        heard.append((command, caller))
        if let reply { return reply }
        return await withUnsafeContinuation { (_: UnsafeContinuation<Reply, Never>) in }
    }
}

actor Count {
    private(set) var value = 0
    func add() { value += 1 }
}

let quietLogger: Logger = {
    var logger = Logger(label: "web-tests")
    logger.logLevel = .error
    return logger
}()

struct Answer {
    var status: Int
    var body: String
    var contentType: String?
    var contentLength: String?
}

/// What the servers of these tests say on `/metrics`.
let metricsText = "# TYPE caring_connected gauge\ncaring_connected 1\n"

func fetch(_ url: String, method: String = "GET", body: String? = nil) async throws -> Answer {
    var request = HTTPClientRequest(url: url)
    request.method = .init(rawValue: method)
    if let body { request.body = .bytes(Array(body.utf8)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
    let bytes = try await response.body.collect(upTo: 1 << 20)
    return Answer(
        status: Int(response.status.code), body: String(buffer: bytes), contentType: response.headers.first(name: "content-type"),
        contentLength: response.headers.first(name: "content-length"))
}

/// A server that runs, and how to speak to it.
struct RunningServer: Sendable {
    let folder: String
    let path: String
    let group: ServiceGroup
    let running: Task<Void, any Error>

    func post(_ command: Command, as person: PersonID? = nil) async throws -> Answer {
        let text = String(decoding: try JSONEncoder().encode(command), as: UTF8.self)
        let acting = person.map { #","as":"\#($0)""# } ?? ""
        return try await send("/v1/commands", body: #"{"command":\#(text)\#(acting)}"#)
    }

    func get(_ address: String) async throws -> Answer { try await send(address, body: nil) }

    func send(_ address: String, body: String?) async throws -> Answer {
        try await fetch(URL(httpURLWithSocketPath: path, uri: address)!.absoluteString, method: body == nil ? "GET" : "POST", body: body)
    }

    /// Stops it and waits until it has.
    ///
    /// An answer first: swift-nio ends the process when a connection is still being taken in while its server stops (its writer
    /// is let go before the channel is active), and several of these tests only knock and go.
    func stop() async throws {
        if FileManager.default.fileExists(atPath: path), !Task.isCancelled { _ = try? await get("/v1") }
        await group.triggerGracefulShutdown()
        try await running.value
    }
}

/// A folder with a short path: a socket's path may have 107 bytes.
func makeFolder() throws -> String {
    var template = Array("/tmp/webtest-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}

@discardableResult
func withServer<Value: Sendable>(
    _ performer: RecordingPerformer, in givenFolder: String? = nil,
    _ body: (RunningServer) async throws -> Value
) async throws -> Value {
    let folder = try givenFolder ?? makeFolder()
    defer { if givenFolder == nil { try? FileManager.default.removeItem(atPath: folder) } }
    let path = folder + "/caring.sock"
    let (listening, isListening) = AsyncStream<Void>.makeStream()
    let server = WebServer(path: path, performer: performer, metrics: { metricsText }, logger: quietLogger) { isListening.finish() }
    let group = ServiceGroup(configuration: .init(services: [server], logger: quietLogger))
    let running = Task {
        defer { isListening.finish() }
        try await group.run()
    }
    for await _ in listening {}
    let runningServer = RunningServer(folder: folder, path: path, group: group, running: running)
    let result: Result<Value, any Error>
    do {
        result = .success(try await body(runningServer))
    } catch {
        result = .failure(error)
    }
    try await runningServer.stop()
    return try result.get()
}

/// A socket of the old kind that listens at `path`.
func listen(at path: String) throws -> Int32 {
    try withSocket(path) { descriptor, address, length in
        bind(descriptor, address, length) == 0 && listen(descriptor, 1) == 0
    }
}

func connect(to path: String) throws -> Int32 {
    try withSocket(path) { connect($0, $1, $2) == 0 }
}

private func withSocket(
    _ path: String, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let worked = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            use(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard worked else { throw POSIXError(.EIO) }
    return descriptor
}
