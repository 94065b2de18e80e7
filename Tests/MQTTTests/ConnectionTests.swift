import CareTesting
import Foundation
import MQTT
import Testing

/// How connections begin, fail and end, against a real Mosquitto.
@Suite(.serialized) struct ConnectionTests {
    @Test func theWillAppearsUnlessTheGoodbyeWasOrderly() throws {
        let broker = try TestBroker.start()
        let watcher = try TestClient(TestClient.configuration(broker, "watcher", subscribe: ["status/#"]))
        try watcher.connect()
        for isOrderly in [true, false] {
            var configuration = try TestClient.configuration(broker)
            configuration.will = .init(topic: try Topic("status/gateway"), payload: Array("gone".utf8), retain: false)
            var gateway: TestClient? = try TestClient(configuration)
            try gateway?.connect()
            if isOrderly { gateway?.client.disconnect() }
            gateway = nil
            if isOrderly {
                let other = try TestClient(TestClient.configuration(broker, "other"))
                try other.connect()
                try other.publish("status/marker", "between")
            }
            try watcher.passUntil { watcher.messages.last?.payload == (isOrderly ? "between" : "gone") }
        }
        #expect(watcher.messages.map(\.payload) == ["between", "gone"])
    }

    @Test(arguments: [true, false])
    func comesBackWhenTheBrokerDoes(_ isOrderly: Bool) throws {
        let broker = try TestBroker.start()
        let gateway = try TestClient(TestClient.configuration(broker, subscribe: ["homes/#"]))
        try gateway.connect()
        if isOrderly { broker.stop() } else { broker.kill() }
        try gateway.passUntil { gateway.has { if case .unreachable = $0 { true } else { false } } }
        #expect(gateway.has { if case .disconnected = $0 { true } else { false } })
        #expect(throws: MQTTFailure.notConnected) { try gateway.client.publish(topic: Topic("a"), payload: "b") }
        #expect(throws: MQTTFailure.notConnected) { try gateway.client.flush() }
        gateway.forgetEvents()
        try broker.restart()
        try gateway.connect()
        // A killed broker has forgotten the session: that is how the loss is noticed.
        #expect(gateway.has { $0 == .connected(sessionPresent: isOrderly) })
        try gateway.publish("homes/one/door", "open")
        try gateway.passUntil { gateway.messages.count == 1 }
    }

    @Test func waitsForABrokerThatStartsLater() throws {
        let broker = try TestBroker.start(startNow: false)
        let gateway = try TestClient(TestClient.configuration(broker, subscribe: ["homes/#"]))
        try gateway.passUntil { gateway.events.count == 3 }
        #expect(gateway.events.allSatisfy { if case .unreachable = $0 { true } else { false } })
        try broker.restart()
        try gateway.connect()
        #expect(gateway.client.isConnected)
    }

    @Test func givesUpOnABrokerThatDoesNotAnswer() throws {
        let broker = try TestBroker.start()
        broker.suspend()
        var configuration = try TestClient.configuration(broker)
        configuration.connectTimeoutMilliseconds = 100
        let gateway = try TestClient(configuration)
        try gateway.passUntil { gateway.events.contains(.unreachable(.noAnswer(after: 100))) }
        broker.resume()
        try gateway.connect()
    }

    @Test func aHostThatDoesNotExistIsUnreachable() throws {
        let broker = try TestBroker.start(startNow: false)
        var configuration = try TestClient.configuration(broker)
        configuration.host = "no-such-host.invalid"
        let gateway = try TestClient(configuration)
        try gateway.passUntil { gateway.has { if case .unreachable = $0 { true } else { false } } }
    }

    @Test func productConfigurationChecksUsersAndTopics() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../config/mosquitto.conf").standardizedFileURL.path
        let broker = try TestBroker.start(
            configuration: .file(file), users: [.init("gateway", password: "right")],
            acl: "user gateway\ntopic readwrite homes/#\n")
        var configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        configuration.username = "gateway"
        configuration.password = "wrong"
        let wrong = try TestClient(configuration)
        try wrong.passUntil { !wrong.events.isEmpty }
        guard case .connectionRefused(let failure) = wrong.events.first else {
            Issue.record("\(wrong.events)")
            return
        }
        #expect(failure.description.contains("password"))
        #expect(wrong.events.count == 1)

        configuration.password = "right"
        let right = try TestClient(configuration)
        try right.connect()
        try right.publish("homes/one/door", "open")
        let mid = try right.client.publish(topic: Topic("elsewhere"), payload: "x")
        try right.passUntil { right.events.contains(.publishRefused(mid: mid, reasonCode: 0x87)) }
        // Mosquitto 2.0.11 would end the connection here, if max_queued_messages were 0.
        try right.publish("homes/one/door", "closed")
        #expect(right.client.isConnected)
        #expect(throws: MQTTFailure.tooLarge(payloadBytes: 300_000)) {
            try right.client.publish(topic: Topic("homes/one"), payload: [UInt8](repeating: 0, count: 300_000))
        }

        // A user who is removed loses the connection with the next reload.
        try broker.removeUser("gateway")
        right.forgetEvents()
        try broker.reload()
        try right.passUntil { right.has { if case .connectionRefused = $0 { true } else { false } } }
        try broker.setPassword(.init("gateway", password: "right"))
        try broker.reload()
        try right.connect()
    }

    @Test func theQueueOfPublishesHasALimit() throws {
        let broker = try TestBroker.start()
        var configuration = try TestClient.configuration(broker)
        configuration.publishQueueMax = 2
        let client = try TestClient(configuration)
        try client.connect()
        try client.client.publish(topic: Topic("a"), payload: "1")
        try client.client.publish(topic: Topic("a"), payload: "2", contentType: "text/plain")
        #expect(throws: MQTTFailure.queueFull(publishQueueMax: 2)) {
            try client.client.publish(topic: Topic("a"), payload: "3")
        }
        try client.client.flush()
        try client.passUntil { client.events.count == 4 }
        try client.publish("a", "3")
    }

    @Test func aWakeUpEndsTheWait() throws {
        let broker = try TestBroker.start()
        let gateway = try TestClient(TestClient.configuration(broker))
        try gateway.connect()
        let waker = gateway.client.waker
        let began = Date()
        Thread.detachNewThread { for _ in 0..<100_000 { waker.wake() } }
        gateway.pass(7000)
        #expect(Date().timeIntervalSince(began) < 5)
    }

    @Test func disconnectWithinAHandOverWaitsForTheAcknowledgement() throws {
        let broker = try TestBroker.start()
        let configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        var gateway = try TestClient(configuration)
        try gateway.connect()
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        try home.publish("homes/one/n", "1")
        var isKept = false
        try gateway.passUntil({ isKept }) { _ in
            isKept = true
            gateway.client.disconnect()
            #expect(gateway.client.isConnected)
        }
        #expect(!gateway.client.isConnected)
        gateway = try TestClient(configuration)
        try gateway.connect()
        try home.publish("homes/one/n", "2")
        try gateway.passUntil { !gateway.messages.isEmpty }
        #expect(gateway.messages.map(\.payload) == ["2"])
    }
}
