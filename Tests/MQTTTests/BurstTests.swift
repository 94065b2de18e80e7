import MQTT
import Testing

@Suite struct BurstTests {
    @Test func keepsOrderAndEveryByte() {
        var burst = Burst()
        burst.append(topic: "a/b", payload: "one", arrivedAtMilliseconds: 1, packetID: 7, qos: 1)
        burst.append(topic: "ä", payload: [0, 255], arrivedAtMilliseconds: 2, qos: 0, isRetained: true)
        burst.append(topic: "c", payload: "", arrivedAtMilliseconds: 3, packetID: 65_535)
        #expect(burst.count == 3)
        #expect(burst.bytes == 3 + 3 + 2 + 2 + 1)
        #expect(burst.indices.map(burst.topic) == ["a/b", "ä", "c"])
        #expect(burst.indices.map(burst.payload) == [Array("one".utf8), [0, 255], []])
        #expect(burst.info(0) == MessageInfo(arrivedAtMilliseconds: 1, packetID: 7, qos: 1, isRetained: false))
        #expect(burst.info(1) == MessageInfo(arrivedAtMilliseconds: 2, packetID: 0, qos: 0, isRetained: true))
        let sizes = burst.withMessage(2) { topic, payload, info in [topic.count, payload.count, Int(info.packetID)] }
        #expect(sizes == [1, 0, 65_535])
    }

    @Test func isFullByCountOrBytesAndStillTakesMore() {
        var byCount = Burst(burstMessagesMax: 2, burstBytesMax: 1000)
        byCount.append(topic: "a", payload: "", arrivedAtMilliseconds: 0)
        #expect(!byCount.isFull)
        byCount.append(topic: "a", payload: "", arrivedAtMilliseconds: 0)
        #expect(byCount.isFull)
        byCount.append(topic: "a", payload: "", arrivedAtMilliseconds: 0)
        #expect(byCount.count == 3)

        var byBytes = Burst(burstMessagesMax: 100, burstBytesMax: 4)
        byBytes.append(topic: "a", payload: "bcd", arrivedAtMilliseconds: 0)
        #expect(byBytes.isFull)
    }

    @Test(arguments: [true, false])
    func isEmptyAgain(_ keepingCapacity: Bool) {
        var burst = Burst(burstMessagesMax: 1)
        burst.append(topic: "a", payload: "b", arrivedAtMilliseconds: 0)
        let copy = burst
        burst.removeAll(keepingCapacity: keepingCapacity)
        #expect(burst.isEmpty && burst.bytes == 0 && !burst.isFull && burst.indices.isEmpty)
        #expect(copy.count == 1)
        burst.append(topic: "c", payload: "d", arrivedAtMilliseconds: 0)
        #expect(burst.topic(0) == "c")
    }

    @Test func passesErrorsOn() {
        struct Oops: Error {}
        var burst = Burst()
        burst.append(topic: "a", payload: "b", arrivedAtMilliseconds: 0)
        #expect(throws: Oops.self) { try burst.withMessage(0) { _, _, _ in throw Oops() } }
    }
}
