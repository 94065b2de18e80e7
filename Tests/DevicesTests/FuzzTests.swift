import Care
import Testing

@testable import Devices

@Suite struct FuzzTests {
    static let seed: UInt64 = 20_261_121
    static let rounds = 50_000

    /// Random bytes and damaged samples, on every kind of topic: nothing crashes, what is malformed leaves
    /// nothing behind, what is read is sound, and no reason repeats what was sent.
    @Test func noBytesCrash() throws {
        print("fuzz: seed \(Self.seed), \(Self.rounds) rounds")
        let catalogue = try shipped()
        var generator = SeededGenerator(seed: Self.seed)
        // Where something was announced before it, a topic means nothing by itself: see the conventions' own tests.
        let samples = catalogue.samples.filter(\.after.isEmpty).map { (topic: $0.topic, bytes: $0.message) }
        let joints = Array("{}[]\",:\\u0eE+-.truefalsn \u{0}".utf8)
        var decodedCount = 0
        for _ in 0..<Self.rounds {
            let sample = try #require(samples.randomElement(using: &generator))
            var bytes = sample.bytes
            switch Int.random(in: 0..<6, using: &generator) {
            case 0:
                bytes = (0..<Int.random(in: 0..<64, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
            case 1:
                bytes = (0..<Int.random(in: 0..<64, using: &generator)).map { _ in
                    joints.randomElement(using: &generator) ?? 0
                }
            case 2: bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
            case 3 where !bytes.isEmpty:
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
            case 4 where !bytes.isEmpty:
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                        joints.randomElement(using: &generator) ?? 0
                }
            default:
                let other = try #require(samples.randomElement(using: &generator)).bytes
                bytes.insert(contentsOf: other, at: Int.random(in: 0...bytes.count, using: &generator))
            }
            let decoded = try catalogue.decode(sample.topic, bytes)
            switch decoded.outcome {
            case .readings:
                decodedCount += 1
                #expect(!decoded.readings.isEmpty)
            case .undecodable(let reason):
                #expect(!reason.isEmpty && reason.utf8.count < 200)
                if reason.contains("JSON") { #expect(decoded.readings.isEmpty) }
            case .availability, .announcement, .nothing: #expect(decoded.readings.isEmpty)
            }
            for reading in decoded.readings {
                switch (reading.quantity.kind, reading.value) {
                case (.number, .number(let number)): #expect(number.isFinite)
                case (.boolean, .boolean), (.event, .boolean(true)): break
                default: Issue.record("\(reading)")
                }
            }
        }
        print("fuzz: \(decodedCount) damaged messages still gave readings")
    }

    @Test func noTopicCrashes() throws {
        let catalogue = try shipped()
        var generator = SeededGenerator(seed: Self.seed)
        let parts = [
            "zigbee2mqtt", "zwave", "113", "endpoint_0", "notification", "status", "devices", "senml", "motion", "vitals", "/", "//", "set", "get", "availability", "bridge",
            "+", "#", " ", "\u{0}", "ä",
        ]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<8, using: &generator)
            let topic = (0..<count).compactMap { _ in parts.randomElement(using: &generator) }.joined(
                separator: Bool.random(using: &generator) ? "/" : "")
            if let route = catalogue.route(topicBelowHome: topic) { #expect(!route.device.isEmpty) }
        }
    }
}
