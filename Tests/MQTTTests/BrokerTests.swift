import CareTesting
import Foundation
import MQTT
import Testing

/// Against a real Mosquitto.
@Suite(.serialized) struct BrokerTests {
    @Test func roundTrip() throws {
        let broker = try TestBroker.start()
        let gateway = try TestClient(TestClient.configuration(broker, subscribe: ["homes/#"]))
        try gateway.connect()
        #expect(gateway.events == [.connected(sessionPresent: false), .subscribed])
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        try home.publish("homes/one/door", "open")
        try home.publish("homes/one/lamp", "on", qos: 0)
        try gateway.passUntil { gateway.messages.count == 2 }
        // QoS 0 arrives as QoS 1: upgrade_outgoing_qos is what makes the broker queue it.
        #expect(gateway.messages.map(\.topic) == ["homes/one/door", "homes/one/lamp"])
        #expect(gateway.messages.map(\.payload) == ["open", "on"])
        #expect(gateway.messages.allSatisfy { $0.qos == 1 && !$0.isRetained })
    }

    @Test func theSessionQueuesWhileTheClientIsAway() throws {
        let broker = try TestBroker.start()
        let configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        var gateway = try TestClient(configuration)
        try gateway.connect()
        gateway.client.disconnect()
        #expect(!gateway.client.isConnected)
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        for index in 0..<1500 {
            try home.client.publish(topic: Topic("homes/one/n"), payload: "\(index)", qos: 0)
            if index % 500 == 499 { try home.publish("homes/one/n", "end") }
        }
        gateway = try TestClient(configuration)
        try gateway.connect()
        #expect(gateway.events.first == .connected(sessionPresent: true))
        try gateway.passUntil { gateway.messages.count == 1503 }
        #expect(gateway.messages.filter { $0.payload != "end" }.map(\.payload) == (0..<1500).map { "\($0)" })

        // An orderly goodbye leaves nothing to be sent again.
        gateway.client.disconnect()
        gateway = try TestClient(configuration)
        try gateway.connect()
        try home.publish("homes/one/n", "last")
        try gateway.passUntil { !gateway.messages.isEmpty }
        #expect(gateway.messages.map(\.payload) == ["last"])
    }

    @Test func whatIsNotKeptComesAgain() throws {
        let broker = try TestBroker.start()
        let gateway = try TestClient(TestClient.configuration(broker, subscribe: ["homes/#"]))
        try gateway.connect()
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        gateway.forgetEvents()
        var refused = 0
        for payload in ["1", "2", "3"] { try home.publish("homes/one/n", payload) }
        try gateway.passUntil({ refused >= 3 }) { burst in
            refused += burst.count
            throw TestClient.NotKept()
        }
        #expect(gateway.events.last == .brokenOff("NotKept"))
        try gateway.passUntil { gateway.messages.count == 3 }
        #expect(gateway.messages.map(\.payload) == ["1", "2", "3"])
        #expect(gateway.has { $0 == .connected(sessionPresent: true) })
    }

    @Test func whatIsBeingHandedOverIsNotYetAcknowledged() throws {
        let broker = try TestBroker.start()
        let configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        let first = try TestClient(configuration)
        try first.connect()
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        try home.publish("homes/one/door", "open")
        let second = try TestClient(configuration)
        // While the first is still busy with its burst, the second takes its session and gets the same message.
        var wasHandedOver = false
        try first.passUntil({ wasHandedOver }) { _ in
            wasHandedOver = true
            try second.passUntil { second.messages.count == 1 }
        }
        try first.passUntil { first.has { if case .disconnected = $0 { true } else { false } } }
    }

    @Test func twoClientsOfOneIdDoNotFightForLong() throws {
        let broker = try TestBroker.start()
        var configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        configuration.reconnectDelayFirstMilliseconds = 1
        configuration.reconnectDelayMaxMilliseconds = 60_000
        let first = try TestClient(configuration)
        let second = try TestClient(configuration)
        try first.passUntil {
            second.pass(1)
            return first.events.contains(.takenOver) || second.events.contains(.takenOver)
        }
        // The one that gave up leaves the other in peace: it would be back in a minute at the earliest.
        let (loser, winner) = first.events.contains(.takenOver) ? (first, second) : (second, first)
        try winner.passUntil { winner.client.isConnected }
        loser.pass()
        #expect(!loser.client.isConnected)
        #expect(loser.events.last == .takenOver)
    }

    @Test func aFilterNoLongerConfiguredIsUnsubscribed() throws {
        let broker = try TestBroker.start()
        var gateway = try TestClient(TestClient.configuration(broker, subscribe: ["homes/#", "old/#"]))
        try gateway.connect()
        gateway.client.disconnect()
        var configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        configuration.filtersToRemove = [try TopicFilter("old/#"), try TopicFilter("homes/#")]
        gateway = try TestClient(configuration)
        try gateway.connect()
        #expect(gateway.events.first == .connected(sessionPresent: true))
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        try home.publish("old/x", "no")
        try home.publish("homes/x", "yes")
        try gateway.passUntil { !gateway.messages.isEmpty }
        #expect(gateway.messages.map(\.payload) == ["yes"])
    }

    @Test func retainedMessagesComeOnceAndExpire() throws {
        let broker = try TestBroker.start()
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        try home.publish("homes/stays", "1", retain: true)
        try home.publish("homes/expires", "2", retain: true, expirySeconds: 1)
        // Seen by a new session at once; a session of later sees only what has not expired.
        let early = try TestClient(TestClient.configuration(broker, "early", subscribe: ["homes/#"]))
        try early.connect()
        try early.passUntil { early.messages.contains { $0.topic == "homes/stays" } }
        #expect(early.messages.allSatisfy { $0.isRetained })
        var isExpired = false
        var attempt = 0
        let deadline = Date().addingTimeInterval(30)
        while !isExpired && Date() < deadline {
            attempt += 1
            let late = try TestClient(TestClient.configuration(broker, "late\(attempt)", subscribe: ["homes/#"]))
            try late.connect()
            try home.publish("homes/marker", "end")
            try late.passUntil { late.messages.contains { $0.topic == "homes/marker" } }
            isExpired = late.messages.map(\.topic) == ["homes/stays", "homes/marker"]
        }
        #expect(isExpired)

        // Retain handling 1: a session that holds the subscription does not get it again.
        early.client.disconnect()
        let again = try TestClient(TestClient.configuration(broker, "early", subscribe: ["homes/#"]))
        try again.connect()
        try home.publish("homes/marker", "again")
        try again.passUntil { again.messages.last?.payload == "again" }
        #expect(!again.messages.contains { $0.topic == "homes/stays" })
    }

    @Test func noLocalKeepsOwnMessagesAway() throws {
        let broker = try TestBroker.start()
        var configuration = try TestClient.configuration(broker)
        configuration.subscriptions = [
            .init(try TopicFilter("a/#"), noLocal: true), .init(try TopicFilter("b/#")),
        ]
        let gateway = try TestClient(configuration)
        try gateway.connect()
        try gateway.publish("a/x", "own")
        try gateway.publish("b/x", "marker")
        try gateway.passUntil { !gateway.messages.isEmpty }
        #expect(gateway.messages.map(\.topic) == ["b/x"])
    }
}
