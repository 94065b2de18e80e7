import Care
import Foundation
import Logging
import MQTT

/// A client at the street's broker, with somebody's own login.
final class Client {
    struct Message: Equatable {
        var topic: String
        var payload: String
        var isRetained: Bool
        var json: JSON? { try? JSONDecoder().decode(JSON.self, from: Data(payload.utf8)) }
    }

    let client: MQTTClient
    private let street: Street
    private(set) var events: [MQTTEvent] = []
    private(set) var messages: [Message] = []

    /// Connects; what it subscribes to is there when it returns.
    ///
    /// - Parameter password: nil: the one that the street was told, or the gateway's own.
    init(
        _ street: Street, _ login: String?, password: String? = nil, clientID: String? = nil,
        subscribe filters: [String] = [], untilSubscribed: Bool = true
    ) throws {
        self.street = street
        var configuration = MQTTConfiguration(clientID: clientID ?? "test-\(login ?? "nobody")-\(UUID().uuidString.prefix(8))")
        configuration.port = street.broker.port
        configuration.username = login
        configuration.password = login == nil ? nil : try password ?? Self.password(of: login ?? "", street)
        // Whoever takes the gateway's place must leave its session as it is.
        configuration.sessionExpirySeconds = clientID == "caring-gateway" ? 3_600 : 0
        configuration.subscriptions = try filters.map { .init(try TopicFilter($0), retainHandling: .always) }
        configuration.reconnectDelayFirstMilliseconds = 10
        configuration.reconnectDelayMaxMilliseconds = 100
        client = try MQTTClient(configuration, logger: Logger(label: "client") { _ in SwiftLogNoOpLogHandler() })
        guard untilSubscribed else { return }
        try wait("\(login ?? "nobody") to be let in") { self.events.contains(.subscribed) }
    }

    private static func password(of login: String, _ street: Street) throws -> String {
        if let known = street.passwords[login] { return known }
        guard login == "gateway" else { throw Failure(description: "\(login) was given no login.") }
        return try String(contentsOfFile: street.data + "/gateway-login", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func pass(_ milliseconds: Int32 = 20) {
        events += client.pass(timeoutMilliseconds: milliseconds) { burst in
            for index in burst.indices {
                messages.append(
                    Message(
                        topic: burst.topic(index), payload: String(decoding: burst.payload(index), as: UTF8.self),
                        isRetained: burst.info(index).isRetained))
            }
        }
    }

    func wait(_ what: String, secondsMax: Double = 30, _ isTrue: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(secondsMax)
        while try !isTrue() {
            pass()
            if Date() > deadline {
                throw Failure(description: "Waited in vain for \(what); messages \(messages), events \(events)\n\(street.log)")
            }
        }
    }

    /// Publishes with QoS 1 and waits for the broker's answer. - Returns: whether the broker took it.
    @discardableResult
    func publish(_ topic: String, _ payload: String, retain: Bool = false) throws -> Bool {
        let mid = try client.publish(topic: Topic(topic), payload: payload, qos: 1, retain: retain)
        var isTaken: Bool?
        try wait("the broker to answer a publish") {
            for event in events {
                switch event {
                case .published(mid): isTaken = true
                case .publishRefused(mid, _): isTaken = false
                default: break
                }
            }
            return isTaken != nil
        }
        events.removeAll { event in
            switch event {
            case .published(mid), .publishRefused(mid, _): true
            default: false
            }
        }
        return isTaken ?? false
    }

    /// Waits for a message that is so, and returns it.
    @discardableResult
    func receive(_ what: String, _ isWanted: (Message) -> Bool) throws -> Message {
        try wait(what) { messages.contains(where: isWanted) }
        guard let message = messages.first(where: isWanted) else { throw Failure(description: "\(what) is gone again.") }
        return message
    }

    func forget() { messages = [] }

    func leave() { client.disconnect() }

    /// What lies retained under a filter at this moment, by topic.
    static func retained(_ street: Street, _ login: String, _ filter: String) throws -> [String: String] {
        let client = try Client(street, login, subscribe: [filter])
        defer { client.leave() }
        // The answer to the subscription comes before what lies there. The list is complete when several passes
        // in a row bring nothing more.
        var quiet = 0
        while quiet < 5 {
            let before = client.messages.count
            client.pass(30)
            quiet = client.messages.count == before ? quiet + 1 : 0
        }
        var found: [String: String] = [:]
        for message in client.messages where message.isRetained { found[message.topic] = message.payload }
        return found
    }
}
