import Care
import Foundation
import Testing

@testable import Devices

private let recordings = packageRoot + "/../shared/data/messages/open.jsonl"
private var areRecordingsHere: Bool { FileManager.default.fileExists(atPath: recordings) }

/// Real announcements, with what their sources say that they declare.
@Suite(.enabled(if: areRecordingsHere, "needs ../shared/data/messages/open.jsonl"))
struct RecordedDiscoveryTests {
    struct Message {
        var topic: String
        var payload: String
        var expected: [[String: Any]]
        /// As Home Assistant's short keys name it.
        var isDiagnostic: Bool { payload.contains(#""ent_cat":"diagnostic""#) }
    }

    func messages(_ convention: String) throws -> [Message] {
        try String(contentsOfFile: recordings, encoding: .utf8).split(separator: "\n").compactMap { line in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard object["convention"] as? String == convention else { return nil }
            return Message(
                topic: object["topic"] as? String ?? "", payload: object["payload"] as? String ?? "", expected: object["expect"] as? [[String: Any]] ?? [])
        }
    }

    /// Device class → our quantity. Written apart from the profile on purpose. Nil: nobody is cared for with it.
    static let quantities: [String: String?] = [
        "timestamp": nil, "signal_strength": nil, "connectivity": nil, "temperature": "temperature", "problem": "problem", "light": "light", "power": "power", "moisture": "moisture", "battery": "battery", "energy": "energy",
        "voltage": "voltage", "current": "current", "power_factor": "power_factor", "apparent_power": "apparent_power", "frequency": "frequency",
    ]

    /// Announcements for which the source expects nothing, by the end of their topic; and what we read of them.
    static let more: [(end: String, declares: [String])] = [
        // Its limits say that it counts in degrees Celsius.
        ("climate/st1820-ccddeeff0011-0", ["temperature/0", "humidity/0"]),
        // No device class, but its name and unit: "Current humidity" in %.
        ("number-200", ["humidity/number_200"]),
        ("switch/shellyplugmg3-aabbccddeeff-0", ["power_on/0"]),
        // An event is its presses.
        ("event/shelly1g4-aabbccddeeff-input-0", ["button_double/input_0", "button_hold/input_0", "button_single/input_0", "button_other/input_0"]),
        ("200-0/single_push", ["button_single/button_1"]),
        ("200-1", ["button_single/200_1", "button_double/200_1", "button_hold/200_1", "button_other/200_1"]),
        ("200-2", ["button_single/200_2", "button_double/200_2", "button_hold/200_2", "button_other/200_2"]),
        ("200-3", ["button_single/200_3", "button_double/200_3", "button_hold/200_3", "button_other/200_3"]),
    ]

    /// The source expects nothing, and we give nothing: addresses, memory, settings, inputs of which nobody knows what they
    /// are, the beginning of a press.
    static let nothing = [
        "wifi_ip", "eth_ip", "mem_used", "mem_free", "boolean-200", "boolean-201", "btn_down", "alarm_sound", "0-input",
    ]

    @Test func announcementsDeclareWhatTheirSourcesSay() throws {
        let catalogue = try shipped()
        let messages = try messages("ha-discovery")
        var (agreed, ofNobody, own, listening) = (0, 0, 0, 0)
        for message in messages {
            var announced = Announced()
            let route = try #require(catalogue.route(topicBelowHome: message.topic))
            let news = Array(message.payload.utf8).withUnsafeBytes {
                announced.take(route, topic: message.topic, payload: $0, catalogue, topics: HomeTopics(home: nil))
            }
            #expect(news.reason == nil && news.isKept && news.devices.count == 1, "\(message.topic)")
            #expect(news.notUnderstood.isEmpty, "\(message.topic): \(news.notUnderstood.map(\.reason))")
            let declared = news.declares.map(\.declared)
            let names = declared.map { $0.channel.isEmpty ? $0.quantity.name : "\($0.quantity.name)/\($0.channel)" }
            if !declared.isEmpty { listening += 1 }
            if let expected = message.expected.first {
                let said = try #require(expected["quantity"] as? String)
                let wanted = try #require(Self.quantities[said], "an unheard-of device class: \(said)")
                guard let wanted else {
                    #expect(declared.isEmpty, "\(message.topic)")
                    ofNobody += 1
                    continue
                }
                let ours = wanted == "temperature" && message.isDiagnostic ? "device_temperature" : wanted
                #expect(declared.map(\.quantity.name) == [ours], "\(message.topic)")
                #expect(declared.first?.unit == expected["unit"] as? String, "\(message.topic)")
                agreed += 1
                continue
            }
            let name = String(message.topic.dropFirst("homeassistant/".count).dropLast("/config".count))
            if let more = Self.more.first(where: { name.hasSuffix($0.end) }) {
                #expect(names == more.declares, "\(message.topic)")
                own += 1
            } else {
                #expect(Self.nothing.contains { name.hasSuffix($0) } && names == [], "\(message.topic) \(names)")
            }
        }
        print("ha-discovery: \(messages.count) announcements, all understood; \(listening) are listened to, \(agreed) declare what their sources say,")
        print("  \(ofNobody) of these are nobody's (radio, restart, cloud), \(own) more are read by what they are")
        #expect(agreed == 36 && ofNobody == 6 && own == 8 && listening == 44)
    }

    /// What the tests of Home Assistant itself expect of its states, with the announcements of those tests.
    @Test func statesAreReadAsHomeAssistantDoes() throws {
        let catalogue = try shipped()
        let messages = try messages("ha-state")
        #expect(messages.count == 4)
        for message in messages {
            let expected = try #require(message.expected.first)
            let isBinary = expected["quantity"] as? String == "binary state"
            // The tests name no device class of ours; a class is what makes it a reading here.
            let config =
                isBinary
                ? #"{"state_topic":"test-topic","device_class":"door","payload_on":"ON","payload_off":"OFF"}"#
                : #"{"state_topic":"test-topic","device_class":"illuminance","unit_of_measurement":"lx","value_template":"{{ value_json.val }}"}"#
            var trial = Trial(catalogue)
            let topic = "homeassistant/\(isBinary ? "binary_sensor" : "sensor")/test/config"
            let announced = Array(config.utf8).withUnsafeBytes { trial.take(topic: topic, payload: $0, arrivedAt: arrival) }
            #expect(announced.announces.count == 1)
            let result = Array(message.payload.utf8).withUnsafeBytes { trial.take(topic: message.topic, convention: "ha-state", payload: $0, arrivedAt: arrival) }
            let values = result.readings.map(\.reading.value)
            if let flag = expected["value"] as? Bool, isBinary {
                #expect(values == [.boolean(flag)])
            } else if let text = expected["value"] as? String {
                #expect(values == [.number(try #require(Double(text)))])
            } else {
                #expect(values == [])
                // `None` says that it is unknown; `0N` is a fault.
                #expect(result.isUnderstood == (message.payload == "None"))
            }
        }
    }
}
