import Foundation
import MQTT
import Testing

/// Stands guard over a habit of libmosquitto, which its documentation does not promise: acknowledgements
/// wait until we write.
@Suite struct AcknowledgementTests {
    @Test func areWrittenOnlyAfterTheHandOver() throws {
        let broker = try FakeBroker()
        let client = try TestClient(connectedTo: broker)
        for id in UInt16(1)...50 { broker.sendPublish(topic: "homes/n", payload: "\(id)", packetID: id) }
        var isKept = false
        try client.passUntil({ isKept }) { burst in
            #expect(burst.count == 50)
            #expect(broker.packetTypes() == [])
            isKept = true
        }
        #expect(broker.packetTypes() == [UInt8](repeating: FakeBroker.puback, count: 50))
    }

    @Test func areNeverWrittenWhenTheHandOverFails() throws {
        let broker = try FakeBroker()
        let client = try TestClient(connectedTo: broker)
        for id in UInt16(1)...50 { broker.sendPublish(topic: "homes/n", payload: "\(id)", packetID: id) }
        try client.passUntil({ client.events.last == .brokenOff("NotKept") }) { _ in throw TestClient.NotKept() }
        #expect(broker.packetTypes() == [])
        try client.answer(broker)
        // Nothing of the old connection is written on the new one.
        broker.sendPublish(topic: "homes/n", payload: "again", packetID: 77)
        try client.passUntil { !client.messages.isEmpty }
        #expect(broker.packetTypes() == [FakeBroker.puback])
        #expect(client.messages.map(\.payload) == ["again"])
    }

    /// libmosquitto says it only in its log.
    @Test func messagesSayWhetherTheyAreDuplicatesUntilNobodyAsks() throws {
        let broker = try FakeBroker()
        let client = try TestClient(connectedTo: broker)
        var flags: [Bool?] = []
        func take(_ count: Int) throws {
            flags = []
            try client.passUntil({ flags.count == count }) { burst in flags += burst.indices.map { burst.info($0).isDuplicate } }
        }
        // What a topic says about itself counts for nothing.
        broker.sendPublish(topic: "homes/ received PUBLISH (d0", payload: "1", packetID: 1, isDuplicate: true)
        broker.sendPublish(topic: "homes/ received PUBLISH (d1", payload: "1", packetID: 2)
        broker.sendPublish(topic: "homes/n", payload: "1", packetID: 3, isDuplicate: true)
        try take(3)
        #expect(flags == [true, false, true])
        client.client.stopLookingForDuplicates()
        broker.sendPublish(topic: "homes/n", payload: "1", packetID: 4, isDuplicate: true)
        try take(1)
        #expect(flags == [nil])
        // The next connection looks again.
        broker.hangUp()
        try client.answer(broker)
        broker.sendPublish(topic: "homes/n", payload: "1", packetID: 4, isDuplicate: true)
        try take(1)
        #expect(flags == [true])
    }

    @Test func messagesInOneSegmentWithTheConnackComeAfterTheEvent() throws {
        let broker = try FakeBroker()
        var configuration = MQTTConfiguration(clientID: "gateway")
        configuration.port = broker.port
        let client = try TestClient(configuration)
        client.pass()
        try broker.accept()
        client.pass()
        broker.sendConnack(sessionPresent: true)
        broker.sendPublish(topic: "homes/n", payload: "1", packetID: 1)
        try client.passUntil({ client.client.isConnected }) { _ in
            Issue.record("handed over before the event")
        }
        #expect(client.events.first == .connected(sessionPresent: true))
        try client.passUntil { client.messages.count == 1 }
    }

    @Test func aMessageOfALostConnectionIsKeptAllTheSame() throws {
        let broker = try FakeBroker()
        let client = try TestClient(connectedTo: broker)
        broker.sendPublish(topic: "homes/n", payload: "1", packetID: 1)
        broker.send([0xE0, 1, 0x8B])  // DISCONNECT, server shutting down
        try client.passUntil { client.has { if case .disconnected = $0 { true } else { false } } }
        #expect(client.messages.count == 1)
    }

    @Test func aBrokerThatSaysSoHasGivenTheSessionToAnother() throws {
        let broker = try FakeBroker()
        let client = try TestClient(connectedTo: broker)
        broker.send([0xE0, 1, 0x8E])
        try client.passUntil { client.events.last == .takenOver }
        for _ in 0..<5 { client.pass(1) }
        #expect(!broker.isAsked)
    }
}
