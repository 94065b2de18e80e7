import Care
import Testing

@testable import Devices

/// The four conventions of plugs, radio and Bluetooth sensors must bear anything, on topics that are shared by devices, too.
@Suite struct PlugFuzzTests {
    static let conventions: Set = ["tasmota", "shelly", "rtl_433", "theengs"]

    @Test func noBytesCrash() throws {
        let catalogue = try shipped()
        var generator = SeededGenerator(seed: 20_261_122)
        let samples = catalogue.samples.filter { catalogue.route(topicBelowHome: $0.topic).map { Self.conventions.contains($0.convention) } ?? false }
        try #require(samples.count > 100)
        let joints = Array("{}[]\",:\\u0eE+-.truefalsn1\u{0}".utf8)
        var decodedCount = 0
        for _ in 0..<15_000 {
            let sample = try #require(samples.randomElement(using: &generator))
            var bytes = sample.message
            for _ in 0..<Int.random(in: 0..<4, using: &generator) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[at] = joints.randomElement(using: &generator) ?? 0
                case 2: bytes.removeSubrange(at...)
                default:
                    let other = try #require(samples.randomElement(using: &generator)).message
                    bytes.insert(contentsOf: other, at: at)
                }
            }
            var trial = Trial(catalogue)
            let result = bytes.withUnsafeBytes { trial.take(topic: sample.topic, payload: $0, arrivedAt: arrival) }
            if !result.readings.isEmpty { decodedCount += 1 }
            if result.reason?.contains("JSON") == true { #expect(result.readings.isEmpty) }
            #expect((result.reason?.utf8.count ?? 0) < 200)
            for (device, reading) in result.readings {
                #expect(!device.isEmpty && reading.channel.utf8.count < 400)
                switch (reading.quantity.kind, reading.value) {
                case (.number, .number(let number)): #expect(number.isFinite)
                case (.boolean, .boolean), (.event, .boolean(true)): break
                default: Issue.record("\(reading)")
                }
            }
        }
        #expect(decodedCount > 2_500)
    }

    @Test func oddMessagesAreBorne() throws {
        let catalogue = try shipped()
        let deep = String(repeating: #"{"a":"#, count: 64) + "1" + String(repeating: "}", count: 64)
        let long = #"{"model":"x","id":1,"note":""# + String(repeating: "x", count: 1_000_000) + #""}"#
        let many = "{" + (0..<2_000).map { #""S\#($0)x":{"Temperature":1}"# }.joined(separator: ",") + "}"
        let lists = #"{"ENERGY":{"Power":["# + Array(repeating: "1", count: 5_000).joined(separator: ",") + "]}}"
        let topics = ["tele/a/SENSOR", "shellyplus1-a/events/rpc", "shellyplus1-a/status/switch:0", "shellies/a/relay/0", "rtl_433/h/events", "home/g/BTtoMQTT/5CCAD3112233", "home/g/BTtoMQTT", "shellies/a b/status"]
        for topic in topics {
            for payload in [deep, long, many, lists, #"{"ENERGY":{"Power":1,"Power":2}}"#, #"{"switch:0":{"apower":"NaN"}}"#, "[]", "nan", "\u{0}", "{\"a\":\"\u{FFFD}\"}", ""] {
                let result = tried(topic, payload, catalogue)
                #expect(result.readings.count <= MessageReader.readingsMax, "\(topic)")
            }
        }
        #expect(tried("tele/a/SENSOR", many, catalogue).readings.count == MessageReader.readingsMax)
        #expect(tried("tele/a/SENSOR", lists, catalogue).readings.count == MemberReader.listElementsMax)
        #expect(tried("tele/a/SENSOR", #"{"ENERGY":{"Power":1,"Power":2}}"#, catalogue).values == ["power": .number(2)])
        #expect(!tried("shellyplus1-a/status/switch:0", #"{"apower":"NaN"}"#, catalogue).isUnderstood)
    }

    @Test func noTopicCrashes() throws {
        let catalogue = try shipped()
        var generator = SeededGenerator(seed: 20_261_122)
        let parts = ["tele", "stat", "SENSOR", "POWER", "POWER99999999999999999999", "shellies", "shelly", "status", "switch:", "switch:99999", "relay", "99999999999999999999", "rtl_433", "devices", "events", "home", "BTtoMQTT", "LWT", "/", "", " ", "ä", "RTL_433toMQTT", "temperature_C"]
        for _ in 0..<8_000 {
            let topic = (0..<Int.random(in: 0..<8, using: &generator)).compactMap { _ in parts.randomElement(using: &generator) }.joined(separator: "/")
            if let route = catalogue.route(topicBelowHome: topic) {
                #expect(!route.device.isEmpty)
                _ = tried(topic, #"{"model":"x","id":1,"temperature_C":1}"#, catalogue)
            }
        }
    }
}
