import AsyncHTTPClient
import Care
import Foundation

/// The gateway could not be spoken with. One sentence that says what to do.
struct GatewayProblem: Error {
    var sentence: String
    /// Whether trying again later can help without anybody doing anything here.
    var mayPass: Bool
}

/// What came back.
struct GatewayAnswer {
    var reply: Reply
    /// The reply's items as the gateway wrote them.
    var itemTexts: [String]
}

/// The way to the gateway's socket.
struct Connection {
    /// A watch takes up to 30 s.
    static let answerSecondsMax: Int64 = 45
    /// 10 000 readings have about 2 MiB.
    static let answerBytesMax = 64 * 1024 * 1024

    /// It says at once that nobody is there any more: the usual one would try again until the time for an answer is over,
    /// while a person waits who can do something about it. It lives as long as the program.
    static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    var socketPath: String

    private struct Said: Encodable {
        var command: Command
        var `as`: String?
        var by: String?
    }

    func say(_ command: Command, as person: String?, by delegate: String? = nil) async throws(GatewayProblem) -> GatewayAnswer {
        // The client would go on trying for seconds and then say less about why.
        try refuseIfNobodyListens()
        guard let url = URL(httpURLWithSocketPath: socketPath, uri: "/v1/commands"),
            let said = try? JSONEncoder().encode(Said(command: command, as: person, by: delegate))
        else { throw lost("it cannot be asked this") }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(Array(said))
        let body: [UInt8]
        do {
            let response = try await Self.client.execute(request, timeout: .seconds(Self.answerSecondsMax))
            body = Array(try await response.body.collect(upTo: Self.answerBytesMax).readableBytesView)
        } catch {
            throw lost("\(error)")
        }
        guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(body)) else {
            throw GatewayProblem(
                sentence: "What answers at \(shownPath) does not speak like this gateway: see that both are of the "
                    + "same version.",
                mayPass: false)
        }
        return GatewayAnswer(reply: reply, itemTexts: itemTexts(of: body))
    }

    private var shownPath: String { safeText(socketPath) }

    func lost(_ why: String) -> GatewayProblem {
        GatewayProblem(
            sentence: "The gateway at \(shownPath) did not answer (\(safeText(why))): look at its log, and ask with "
                + "caring status whether it runs.",
            mayPass: true)
    }

    func refuseIfNobodyListens() throws(GatewayProblem) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytesMax = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard socketPath.utf8.count <= bytesMax else {
            throw GatewayProblem(
                sentence: "The path \(shownPath) is too long for a socket: \(bytesMax) bytes are possible.",
                mayPass: false)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        switch result == 0 ? 0 : errno {
        // Again: it is there and has a queue, in which the client waits with a limit.
        case 0, EAGAIN: return
        case ENOENT, ENOTDIR:
            throw GatewayProblem(
                sentence: "The gateway is not running here (no socket at \(shownPath)). Start it with ./scripts/run, "
                    + "or say where it is with --data or --gateway.",
                mayPass: true)
        case ECONNREFUSED:
            throw GatewayProblem(
                sentence: "The gateway is not running here (nobody listens at \(shownPath)). Start it with "
                    + "./scripts/run, or say where it is with --data or --gateway.",
                mayPass: true)
        case EACCES:
            throw GatewayProblem(
                sentence: "You may not speak with the gateway at \(shownPath): ask who runs it to put you into the "
                    + "group of its socket.",
                mayPass: false)
        case let code: throw lost(String(cString: strerror(code)))
        }
    }
}

/// The text of each element of `items` in a reply, exactly as it was written: decoding and encoding again
/// would lose the order of the keys.
///
/// - Parameter body: a reply that has been decoded, so it is known to be JSON.
func itemTexts(of body: [UInt8]) -> [String] {
    var texts: [String] = []
    var depth = 0
    var isInString = false
    var isEscaped = false
    var stringStart = 0
    /// The last string directly in the reply: at a bracket it is the key before it.
    var key: ArraySlice<UInt8> = []
    var itemStart: Int?

    func endItem(at end: Int) {
        guard let start = itemStart else { return }
        let text = String(decoding: body[start..<end], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if !text.isEmpty { texts.append(text) }
    }

    for (index, byte) in body.enumerated() {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
                if depth == 1 { key = body[stringStart..<index] }
            }
            continue
        }
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            stringStart = index + 1
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            depth += 1
            if depth == 2, byte == UInt8(ascii: "["), key.elementsEqual("items".utf8) { itemStart = index + 1 }
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            if depth == 2 {
                endItem(at: index)
                itemStart = nil
            }
            depth -= 1
        case UInt8(ascii: ",") where depth == 2 && itemStart != nil:
            endItem(at: index)
            itemStart = index + 1
        default: break
        }
    }
    return texts
}
