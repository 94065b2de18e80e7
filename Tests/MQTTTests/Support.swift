import Foundation
import Logging
import Testing

@testable import MQTT

// The file of `CareTesting` is compiled into a target of that name; this room's tests need nothing else of it.
import CareTesting

/// A client and everything that it has reported.
final class TestClient {
    struct NotKept: Error {}
    struct Message: Equatable {
        var topic: String
        var payload: String
        var qos: UInt8 = 1
        var isRetained = false
    }

    let client: MQTTClient
    private(set) var events: [MQTTEvent] = []
    private(set) var messages: [Message] = []

    init(_ configuration: MQTTConfiguration) throws {
        client = try MQTTClient(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    static func configuration(
        _ broker: TestBroker, _ clientID: String = "gateway", subscribe filters: [String] = []
    ) throws -> MQTTConfiguration {
        var configuration = MQTTConfiguration(clientID: clientID)
        configuration.port = broker.port
        configuration.subscriptions = try filters.map { .init(try TopicFilter($0)) }
        configuration.reconnectDelayFirstMilliseconds = 10
        configuration.reconnectDelayMaxMilliseconds = 50
        return configuration
    }

    /// One pass. With `handOver`, the messages are its business.
    func pass(_ timeoutMilliseconds: Int32 = 20, handOver: ((borrowing Burst) throws -> Void)? = nil) {
        events += client.pass(timeoutMilliseconds: timeoutMilliseconds) { burst in
            if let handOver {
                try handOver(burst)
            } else {
                messages += Self.messages(of: burst)
            }
        }
    }

    /// Passes until something is so; a test that waits for half a minute has failed.
    func passUntil(
        _ isTrue: () -> Bool, _ location: SourceLocation = #_sourceLocation,
        handOver: ((borrowing Burst) throws -> Void)? = nil
    ) throws {
        let deadline = Date().addingTimeInterval(30)
        while !isTrue() {
            pass(handOver: handOver)
            try #require(Date() < deadline, "waited in vain; events: \(events)", sourceLocation: location)
        }
    }

    func connect(_ location: SourceLocation = #_sourceLocation) throws {
        try passUntil({ events.last == .subscribed }, location)
    }

    func forgetEvents() { events = [] }

    /// Publishes and passes until the broker has the message.
    func publish(
        _ topic: String, _ payload: String, qos: UInt8 = 1, retain: Bool = false, expirySeconds: UInt32? = nil
    ) throws {
        let mid = try client.publish(
            topic: Topic(topic), payload: payload, qos: qos, retain: retain, expirySeconds: expirySeconds)
        try passUntil { events.contains(.published(mid: mid)) }
        events.removeAll { $0 == .published(mid: mid) }
    }

    func has(_ isWanted: (MQTTEvent) -> Bool) -> Bool { events.contains(where: isWanted) }

    static func messages(of burst: borrowing Burst) -> [Message] {
        var messages: [Message] = []
        for index in burst.indices {
            let info = burst.info(index)
            messages.append(
                Message(
                    topic: burst.topic(index), payload: String(decoding: burst.payload(index), as: UTF8.self),
                    qos: info.qos, isRetained: info.isRetained))
        }
        return messages
    }
}
