import CareTesting
import Foundation
import Logging
import Testing

@testable import MQTT

/// Bursts of a backlog: the next is read while one is kept, and all are acknowledged together.
@Suite struct GroupTests {
    private func connected(_ broker: FakeBroker, _ change: (inout MQTTConfiguration) -> Void = { _ in }) throws -> TestClient {
        try TestClient(connectedTo: broker) {
            $0.burstMessagesMax = 20
            change(&$0)
        }
    }

    private func send(_ broker: FakeBroker, _ ids: ClosedRange<UInt16>) {
        for id in ids { broker.sendPublish(topic: "homes/n", payload: "\(id)", packetID: id) }
    }

    private func pubacks(_ count: Int) -> [UInt8] { [UInt8](repeating: FakeBroker.puback, count: count) }

    @Test func isAcknowledgedAfterItsLastBurst() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        send(broker, 1...50)
        var bursts: [[String]] = []
        try client.passUntil({ bursts.joined().count == 50 }) { burst in
            #expect(broker.packetTypes() == [])
            bursts.append(TestClient.messages(of: burst).map(\.payload))
        }
        #expect(bursts.map(\.count) == [20, 20, 10])
        #expect(bursts.joined().elementsEqual((1...50).map { "\($0)" }))
        #expect(broker.packetTypes() == pubacks(50))
    }

    @Test func thatIsWithheldIsHandedOverToItsEndAndNotAcknowledged() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        send(broker, 1...50)
        var bursts: [Int] = []
        try client.passUntil({ client.events.contains(.brokenOff("withheld")) }) { burst in
            bursts.append(burst.count)
            if bursts.count == 1 { client.client.withhold() }
        }
        #expect(bursts == [20, 20, 10])
        #expect(broker.packetTypes() == [])
        // The next connection is as any other.
        try client.answer(broker)
        send(broker, 1...3)
        var kept = 0
        try client.passUntil({ kept == 3 }) { kept += $0.count }
        #expect(broker.packetTypes() == pubacks(3))
    }

    @Test func hasALimitOfMessages() throws {
        let broker = try FakeBroker()
        let client = try connected(broker) { $0.groupMessagesMax = 59 }
        send(broker, 1...100)
        var acknowledged: [Int] = []
        var kept = 0
        try client.passUntil({ kept == 100 }) { burst in
            acknowledged.append(broker.packetTypes().count)
            kept += burst.count
        }
        // A third burst could be more than the limit allows.
        #expect(acknowledged == [0, 0, 40, 0, 40])
        #expect(broker.packetTypes() == pubacks(20))
    }

    @Test func isNotFormedWhereABurstMayNotLast() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        client.client.burstMillisecondsMax = 60_000
        send(broker, 1...50)
        var acknowledged: [Int] = []
        var kept = 0
        try client.passUntil({ kept == 50 }) { burst in
            acknowledged.append(broker.packetTypes().count)
            kept += burst.count
        }
        #expect(acknowledged == [0, 20, 20])
        #expect(client.client.reader == nil)
    }

    @Test func aBurstThatMayNotLastIsCutByTime() throws {
        let broker = try FakeBroker()
        var configuration = MQTTConfiguration(clientID: "gateway")
        configuration.port = broker.port
        // A clock that is a millisecond further whenever somebody looks, once the client is connected.
        var milliseconds: Int64 = 0
        var isTicking = false
        let client = try MQTTClient(
            configuration,
            monotonicNanoseconds: {
                if isTicking { milliseconds += 1 }
                return milliseconds * 1_000_000
            }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        func pass() -> [Int] {
            var sizes: [Int] = []
            _ = client.pass(timeoutMilliseconds: 20) { sizes.append($0.count) }
            return sizes
        }
        _ = pass()
        try broker.accept()
        _ = pass()
        broker.sendConnack()
        let deadline = Date().addingTimeInterval(30)
        while !client.isConnected, Date() < deadline { _ = pass() }
        try #require(client.isConnected)
        isTicking = true
        client.burstMillisecondsMax = 5
        send(broker, 1...50)
        var sizes: [Int] = []
        while sizes.reduce(0, +) < 50, Date() < deadline { sizes += pass() }
        #expect(sizes == [Int](repeating: 5, count: 10))
        client.burstMillisecondsMax = nil
        send(broker, 51...100)
        sizes = []
        while sizes.reduce(0, +) < 50, Date() < deadline { sizes += pass() }
        #expect(sizes == [50])
    }

    @Test(arguments: [1, 2, 3])
    func acknowledgesNothingWhenABurstIsNotKept(_ last: Int) throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        send(broker, 1...50)
        var bursts = 0
        try client.passUntil({ client.events.last == .brokenOff("NotKept") }) { _ in
            bursts += 1
            if bursts == last { throw TestClient.NotKept() }
        }
        #expect(bursts == last)
        #expect(broker.packetTypes() == [])
        // The broker sends all of it again; nothing that was read before is handed over a second time for that.
        try client.answer(broker)
        send(broker, 1...50)
        try client.passUntil { client.messages.count >= 50 }
        #expect(client.messages.map(\.payload) == (1...50).map { "\($0)" })
        #expect(broker.packetTypes() == pubacks(50))
    }

    @Test(arguments: [true, false])
    func isKeptWhenTheConnectionIsLostWhileItIsRead(_ isSaid: Bool) throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        send(broker, 1...50)
        if isSaid { broker.send([0xE0, 1, 0x8B]) } else { broker.hangUp() }
        var sizes: [Int] = []
        try client.passUntil({ client.has { if case .disconnected = $0 { true } else { false } } }) { sizes.append($0.count) }
        #expect(sizes == [20, 20, 10])
        #expect(!client.client.isConnected)
        try client.answer(broker)
        send(broker, 51...51)
        try client.passUntil { !client.messages.isEmpty }
        #expect(broker.packetTypes() == pubacks(1))
    }

    @Test func isCompletedBeforeAGoodbye() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        send(broker, 1...50)
        var sizes: [Int] = []
        try client.passUntil({ !client.client.isConnected }) { burst in
            sizes.append(burst.count)
            client.client.disconnect()
        }
        // What was being read already belongs to it, but nothing more is begun.
        #expect(sizes == [20, 20])
        #expect(broker.packetTypes() == pubacks(40) + [FakeBroker.disconnect])
    }

    @Test func nothingIsPublishedWithinIt() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        send(broker, 1...50)
        var bursts = 0
        try client.passUntil({ bursts == 3 }) { _ in
            bursts += 1
            #expect(throws: MQTTFailure.insideBurst) { try client.client.publish(topic: Topic("caring/notice"), payload: "x") }
            #expect(throws: MQTTFailure.insideBurst) { try client.client.flush() }
        }
        #expect(broker.packetTypes() == pubacks(50))
    }

    /// What arrives while a burst is being kept belongs to the next, although the socket was empty when it began.
    @Test func takesWhatComesWhileItsBurstIsKept() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        send(broker, 1...20)
        var sizes: [Int] = []
        try client.passUntil({ !sizes.isEmpty }) { burst in
            if sizes.isEmpty {
                // Nothing depends on the pause: it gives a reader that would give up too early the time to do so.
                usleep(20_000)
                send(broker, 21...30)
            }
            #expect(broker.packetTypes() == [])
            sizes.append(burst.count)
        }
        #expect(sizes == [20, 10])
        #expect(broker.packetTypes() == pubacks(30))
    }

    @Test func fewMessagesWakeNoOtherThread() throws {
        let broker = try FakeBroker()
        let client = try connected(broker)
        for id in UInt16(1)...10 {
            send(broker, id...id)
            try client.passUntil { client.messages.count == Int(id) }
        }
        #expect(client.client.reader == nil)
        #expect(broker.packetTypes() == pubacks(10))
    }

    @Test func theClientTakesItsThreadWithIt() throws {
        let broker = try FakeBroker()
        var client: TestClient? = try connected(broker)
        send(broker, 1...50)
        try client?.passUntil { client?.messages.count == 50 }
        weak let reader = client?.client.reader
        #expect(reader != nil)
        client = nil
        #expect(reader == nil)
        // The broker sees the end of the connection, and no goodbye.
        #expect(broker.packetTypes() == pubacks(50))
    }

    @Test func aReaderEndsWithItsThread() throws {
        nonisolated(unsafe) var thread = ""  // Written by the reader's thread before `finish` returns, read after it.
        var reader: Reader? = try Reader()
        for _ in 1...3 {
            thread = ""
            reader?.begin { _ in thread = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")) ?? "" }
            reader?.finish()
        }
        let folder = "/proc/\(thread)"
        #expect(thread.contains("/task/") && FileManager.default.fileExists(atPath: folder))
        reader = nil
        // It has been joined; the kernel takes its folder away a moment later.
        let deadline = Date().addingTimeInterval(30)
        while FileManager.default.fileExists(atPath: folder) && Date() < deadline { usleep(1_000) }
        #expect(!FileManager.default.fileExists(atPath: folder))
    }
}

/// The same against a real Mosquitto.
@Suite(.serialized) struct GroupAtABrokerTests {
    @Test func aBacklogComesWholeAndInOrderAfterBurstsThatWereNotKept() throws {
        let broker = try TestBroker.start()
        var configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        configuration.burstMessagesMax = 500
        configuration.groupMessagesMax = 2_000
        let gateway = try TestClient(configuration)
        try gateway.connect()
        gateway.client.disconnect()
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        for first in stride(from: 0, to: 20_000, by: 500) {
            for index in first..<first + 500 { try home.client.publish(topic: Topic("homes/one/n"), payload: "\(index)") }
            try home.passUntil { home.events.count == 2 + first + 500 }
        }
        let again = try TestClient(configuration)
        var kept: [Int] = []
        var bursts = 0
        var turns = 0
        try again.passUntil({ Set(kept).count == 20_000 }) { burst in
            bursts += 1
            // Every seventh burst fails, wherever in its group it stands; the ones before it come again with it.
            if bursts % 7 == 0 { throw TestClient.NotKept() }
            turns += 1
            kept += TestClient.messages(of: burst).compactMap { Int($0.payload) }
        }
        #expect(turns > 20)
        // Nothing was acknowledged before it was kept: the first occurrences are all there and in their order.
        var seen = Set<Int>()
        #expect(kept.filter { seen.insert($0).inserted } == Array(0..<20_000))
    }

    @Test func theWillIsReplacedFromTheNextConnectionOn() throws {
        let broker = try TestBroker.start()
        let watcher = try TestClient(TestClient.configuration(broker, "watcher", subscribe: ["status/#"]))
        try watcher.connect()
        var configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        configuration.will = .init(topic: try Topic("status/gateway"), payload: Array("gone".utf8), retain: false)
        let gateway = try TestClient(configuration)
        let home = try TestClient(TestClient.configuration(broker, "home"))
        try home.connect()
        var wills: [String] = []
        for _ in 1...2 {
            gateway.forgetEvents()
            try gateway.connect()
            gateway.client.setWill(payload: Array("gone, and the disk is full".utf8))
            gateway.client.setWill(payload: [UInt8](repeating: 0, count: 65_536))
            // A hand-over that fails drops the connection, and the broker publishes the will.
            try home.publish("homes/one/n", "1")
            try gateway.passUntil({ gateway.events.last == .brokenOff("NotKept") }) { _ in throw TestClient.NotKept() }
            try watcher.passUntil { watcher.messages.count > wills.count }
            wills = watcher.messages.map(\.payload)
        }
        #expect(wills == ["gone", "gone, and the disk is full"])
    }
}
