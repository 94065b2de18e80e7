import Foundation
import Logging
import MQTT

/// An MQTT client that is waited for. The library's own loop, with TCP_NODELAY, as the gateway has it.
final class Client {
    private let mqtt: MQTTClient
    private let unconfirmedMax = 2_000
    private var sent = 0
    private var confirmed = 0

    struct Message {
        var topic: String
        var payload: [UInt8]
        /// It lay there before the subscription.
        var isRetained: Bool
        /// When it was read, monotonic nanoseconds.
        var nanoseconds: Int64
    }
    private var received: [Message] = []

    /// Connects, and subscribes to `filters`.
    ///
    /// - Parameter sessionSeconds: how long the broker keeps the session afterwards.
    init(_ id: String, _ login: Place.Login, _ port: Int, filters: [String] = [], sessionSeconds: UInt32 = 0) throws {
        var configuration = MQTTConfiguration(clientID: id)
        configuration.port = port
        configuration.username = login.user
        configuration.password = login.password
        configuration.sessionExpirySeconds = sessionSeconds
        configuration.publishQueueMax = unconfirmedMax
        for filter in filters {
            configuration.subscriptions.append(.init(try TopicFilter(filter), qos: 1, noLocal: false, retainHandling: .never))
        }
        var log = Logger(label: "bench")
        log.logLevel = .error
        mqtt = try MQTTClient(configuration, logger: log)
        var isSubscribed = false
        let ends = MQTTClient.systemMonotonicNanoseconds() + 15_000_000_000
        while !(mqtt.isConnected && isSubscribed) {
            for event in pass(100) { if case .subscribed = event { isSubscribed = true } }
            guard MQTTClient.systemMonotonicNanoseconds() < ends else {
                throw BenchProblem(description: "The broker did not let the client \(id) in.")
            }
        }
    }

    @discardableResult
    private func pass(_ milliseconds: Int32) -> [MQTTEvent] {
        let events = mqtt.pass(timeoutMilliseconds: milliseconds) { burst in
            let now = MQTTClient.systemMonotonicNanoseconds()
            for i in burst.indices { received.append(Message(topic: burst.topic(i), payload: burst.payload(i), isRetained: burst.info(i).isRetained, nanoseconds: now)) }
        }
        for event in events { if case .published = event { confirmed += 1 } }
        return events
    }

    /// Publishes with QoS 1 as fast as the broker confirms.
    func publish(_ topic: String, _ payload: [UInt8]) throws {
        while sent - confirmed >= unconfirmedMax { pass(1_000) }
        try mqtt.publish(topic: Topic(topic), payload: payload, qos: 1)
        sent += 1
        // Half a queue at a time: writing each by itself would be a system call's wait for each.
        if sent % (unconfirmedMax / 2) == 0 { pass(0) }
    }

    /// Writes what was published and takes what was confirmed, without waiting.
    func flush() { pass(0) }

    /// Messages that the broker has confirmed.
    var confirmedCount: Int { confirmed }

    /// Publishes one message now.
    /// - Returns: when it was handed to the socket, monotonic nanoseconds.
    func publishNow(_ topic: String, _ payload: [UInt8]) throws -> Int64 {
        let topic = try Topic(topic)
        let began = MQTTClient.systemMonotonicNanoseconds()
        try mqtt.publish(topic: topic, payload: payload, qos: 1)
        try mqtt.flush()
        sent += 1
        return began
    }

    /// Waits until the broker has confirmed everything.
    func settle(seconds: Double = 60) throws {
        let ends = MQTTClient.systemMonotonicNanoseconds() + Int64(seconds * 1e9)
        while confirmed < sent {
            pass(100)
            guard MQTTClient.systemMonotonicNanoseconds() < ends, mqtt.isConnected else {
                throw BenchProblem(description: "The broker confirmed only \(confirmed) of \(sent) messages.")
            }
        }
    }

    /// Waits for a message that is wanted; what comes before it is dropped.
    ///
    /// - Parameter whileWaiting: called between looks, which then are at most 20 ms apart.
    func wait(seconds: Double = 30, whileWaiting: (() throws -> Void)? = nil, _ isWanted: (Message) -> Bool) throws -> Message {
        let ends = MQTTClient.systemMonotonicNanoseconds() + Int64(seconds * 1e9)
        while true {
            while !received.isEmpty {
                let message = received.removeFirst()
                if isWanted(message) { return message }
            }
            let left = ends - MQTTClient.systemMonotonicNanoseconds()
            guard left > 0 else { throw BenchProblem(description: "A message that was waited for did not come within \(Int(seconds)) s.") }
            pass(Int32(clamping: min(whileWaiting == nil ? 1_000 : 20, left / 1_000_000 + 1)))
            try whileWaiting?()
        }
    }

    func leave() { mqtt.disconnect() }
}
