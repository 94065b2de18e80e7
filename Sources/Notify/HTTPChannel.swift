import AsyncHTTPClient
import Care
import Foundation

/// A message to a telephone, in the form that ntfy and servers like it take.
public struct PhoneMessage: Hashable, Sendable {
    /// Where to POST it. Whoever knows it can read along: it is never logged.
    public var address: String
    public var title: String
    /// 1 (silent) to 5 (rings until it is seen); values beyond are taken as the nearest of these.
    public var priority: Int
    public var message: String

    public init(address: String, title: String, priority: Int, message: String) {
        self.address = address
        self.title = title
        self.priority = priority
        self.message = message
    }
}

public enum PhoneOutcome: Hashable, Sendable {
    /// The server has it. That a telephone rang is not known.
    case delivered
    /// The server will not take it, now or later.
    case refused(status: Int)
    /// It may go well another time. The reason is a plain sentence without the address.
    case failed(String)
}

public protocol PhoneNotifier: Sendable {
    /// Sends once; returns when the outcome is known. Whether and when to try again is the caller's decision.
    func post(_ message: PhoneMessage) async -> PhoneOutcome
}

/// Posts to ntfy (docs.ntfy.sh/publish): the text as the body, title and priority as headers.
public struct HTTPNotifier: PhoneNotifier {
    public static let inFlightMax = 8
    public static let addressBytesMax = 2_048
    public static let titleCharactersMax = 200
    /// A longer one ntfy would turn into an attachment.
    public static let messageBytesMax = 4_096

    private let client: HTTPClient
    private let gate = Gate(places: Self.inFlightMax)
    private let timeoutMilliseconds: Int64

    /// - Parameter timeoutMilliseconds: from the beginning of the connection to the head of the answer.
    public init(timeoutMilliseconds: Int64 = 10_000) {
        self.timeoutMilliseconds = timeoutMilliseconds
        var configuration = HTTPClient.Configuration(
            // A redirect would carry the message to a server that nobody entered.
            redirectConfiguration: .disallow,
            timeout: .init(connect: .milliseconds(timeoutMilliseconds), read: .milliseconds(timeoutMilliseconds)))
        configuration.httpVersion = .http1Only
        // Trying again is the outbox's business, which counts and records each attempt.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// To be called once, before the last copy goes.
    public func shutdown() async throws { try await client.shutdown() }

    /// What is wrong with an address as a sentence for whoever typed it; nil when it can be used.
    public static func problem(ofAddress address: String) -> String? {
        let example = "write one like https://ntfy.sh/a-name-hard-to-guess"
        guard address.utf8.count <= addressBytesMax, address.utf8.allSatisfy({ (33...126).contains($0) }) else {
            return "An address has at most \(addressBytesMax) characters of ASCII and no spaces; \(example)."
        }
        guard let url = URL(string: address), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme)
        else { return "This is not an address to post to; \(example)." }
        guard let host = url.host, !host.isEmpty else { return "The address names no server; \(example)." }
        guard url.user == nil, url.password == nil else {
            return "The address must not hold a user or password; use a name that is hard to guess instead."
        }
        guard url.fragment == nil else { return "The address must not hold a #; \(example)." }
        guard (1...65_535).contains(url.port ?? 80) else { return "The address's port must be from 1 to 65535." }
        return nil
    }

    public func post(_ message: PhoneMessage) async -> PhoneOutcome {
        // An address that cannot be used will not get better by trying: it counts as 400, Bad Request.
        guard Self.problem(ofAddress: message.address) == nil else { return .refused(status: 400) }
        var request = HTTPClientRequest(url: message.address)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        request.headers.add(name: "Title", value: Self.header(message.title))
        request.headers.add(name: "Priority", value: String(min(5, max(1, message.priority))))
        request.body = .bytes(Array(Self.cut(message.message, bytesMax: Self.messageBytesMax).utf8))
        await gate.enter()
        let outcome = await send(request)
        await gate.leave()
        return outcome
    }

    private func send(_ request: HTTPClientRequest) async -> PhoneOutcome {
        do {
            // The body is left unread, which closes the connection: nothing in it changes the outcome, and a
            // server that trickles it could keep one of the eight places for hours.
            let status = Int(try await client.execute(request, timeout: .milliseconds(timeoutMilliseconds)).status.code)
            switch status {
            case 200..<300: return .delivered
            case 408, 425, 429, 500...: return .failed("The server answered with status \(status).")
            default: return .refused(status: status)
            }
        } catch let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout {
            return .failed("The server did not answer in time.")
        } catch is HTTPClientError {
            // The error's own text can hold the address.
            return .failed("The connection to the server failed.")
        } catch {
            return .failed("The server could not be reached.")
        }
    }

    /// ASCII as it is; else words of RFC 2047 of at most 75 characters, which ntfy reads since 2.4.0.
    static func header(_ title: String) -> String {
        let title = safeText(title, charactersMax: titleCharactersMax)
        // What looks like an encoded word would be decoded.
        if title.utf8.allSatisfy({ (32...126).contains($0) }), !title.contains("=?") { return title }
        var words: [String] = []
        var rest = Substring(title)
        while !rest.isEmpty {
            // 45 bytes are 60 characters of Base64; with what stands around them 72.
            let word = cut(rest, bytesMax: 45)
            words.append("=?UTF-8?B?\(Data(word.utf8).base64EncodedString())?=")
            rest = Substring(rest.unicodeScalars.dropFirst(word.unicodeScalars.count))
        }
        return words.joined(separator: " ")
    }

    /// The longest beginning of so many bytes that splits no Unicode scalar.
    static func cut(_ text: some StringProtocol, bytesMax: Int) -> String {
        var out = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > bytesMax { break }
            out.append(scalar)
        }
        return String(out)
    }
}

/// Lets so many in at a time; the others wait in order.
private actor Gate {
    private var places: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { self.places = places }

    func enter() async {
        if places > 0 {
            places -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        // The place goes straight to the next one, so that nobody overtakes.
        if waiting.isEmpty { places += 1 } else { waiting.removeFirst().resume() }
    }
}
