import Foundation
import MQTT
import Testing

/// Stands guard over a habit of libmosquitto, which its documentation does not promise: acknowledgements
/// wait until we write.
@Suite struct AcknowledgementTests {
    static let connect: UInt8 = 1
    static let puback: UInt8 = 4

    private func connected(_ broker: FakeBroker, burstMessagesMax: Int = 4096) throws -> TestClient {
        var configuration = MQTTConfiguration(clientID: "gateway")
        configuration.port = broker.port
        configuration.burstMessagesMax = burstMessagesMax
        configuration.reconnectDelayFirstMilliseconds = 1
        let client = try TestClient(configuration)
        try answer(client, broker)
        return client
    }

    private func answer(_ client: TestClient, _ broker: FakeBroker) throws {
        client.forgetEvents()
        // The first pass begins to connect, or waits until it is time to.
        let deadline = Date().addingTimeInterval(30)
        var isAsked = false
        while !isAsked && Date() < deadline {
            client.pass()
            isAsked = broker.isAsked
        }
        try broker.accept()
        var types: [UInt8] = []
        while types.isEmpty && Date() < deadline {
            client.pass()
            types = broker.packetTypes()
        }
        #expect(types == [Self.connect])
        broker.sendConnack()
        try client.passUntil { client.client.isConnected }
    }

    @Test func areWrittenOnlyAfterTheHandOver() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        for id in UInt16(1)...50 { broker.sendPublish(topic: "homes/n", payload: "\(id)", packetID: id) }
        var isKept = false
        try client.passUntil({ isKept }) { burst in
            #expect(burst.count == 50)
            #expect(broker.packetTypes() == [])
            isKept = true
        }
        #expect(broker.packetTypes() == [UInt8](repeating: Self.puback, count: 50))
    }

    @Test func areNeverWrittenWhenTheHandOverFails() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        for id in UInt16(1)...50 { broker.sendPublish(topic: "homes/n", payload: "\(id)", packetID: id) }
        try client.passUntil({ client.events.last == .brokenOff("NotKept") }) { _ in throw TestClient.NotKept() }
        #expect(broker.packetTypes() == [])
        try answer(client, broker)
        // Nothing of the old connection is written on the new one.
        broker.sendPublish(topic: "homes/n", payload: "again", packetID: 77)
        try client.passUntil { !client.messages.isEmpty }
        #expect(broker.packetTypes() == [Self.puback])
        #expect(client.messages.map(\.payload) == ["again"])
    }

    @Test func comeInBurstsOfTheLimit() throws {
        let broker = try FakeBroker()
        let client = try connected(broker, burstMessagesMax: 20)
        for id in UInt16(1)...50 { broker.sendPublish(topic: "homes/n", payload: "\(id)", packetID: id) }
        var sizes: [Int] = []
        try client.passUntil({ sizes.reduce(0, +) == 50 }) { burst in
            #expect(broker.packetTypes() == [UInt8](repeating: Self.puback, count: sizes.last ?? 0))
            sizes.append(burst.count)
        }
        #expect(sizes == [20, 20, 10])
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
        let client = try connected(broker)
        broker.sendPublish(topic: "homes/n", payload: "1", packetID: 1)
        broker.send([0xE0, 1, 0x8B])  // DISCONNECT, server shutting down
        try client.passUntil { client.has { if case .disconnected = $0 { true } else { false } } }
        #expect(client.messages.count == 1)
    }

    @Test func aBrokerThatSaysSoHasGivenTheSessionToAnother() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        broker.send([0xE0, 1, 0x8E])
        try client.passUntil { client.events.last == .takenOver }
        for _ in 0..<5 { client.pass(1) }
        #expect(!broker.isAsked)
    }
}
