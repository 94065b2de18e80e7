import Care
import Foundation
import Testing

@testable import Devices

private let recordings = packageRoot + "/../shared/data/messages/open.jsonl"

/// As `RecordedMessagesTests`, for plugs and radio sensors. Where a source says no topic, the convention's usual one is taken.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: recordings), "needs ../shared/data/messages/open.jsonl"))
struct RecordedPlugsTests {
    struct Message {
        var topic: String?
        var payload: String
        var expected: [[String: Any]]
        var note: String
    }

    func messages(_ convention: String) throws -> [Message] {
        try String(contentsOfFile: recordings, encoding: .utf8).split(separator: "\n").compactMap { line in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard object["convention"] as? String == convention else { return nil }
            return Message(
                topic: object["topic"] as? String, payload: object["payload"] as? String ?? "",
                expected: object["expect"] as? [[String: Any]] ?? [], note: object["note"] as? String ?? "")
        }
    }

    /// The sources' names → ours, and the sources' unit → the factor and the summand that lead to ours.
    static let names = [
        "temperature": "temperature", "temperature1": "temperature/1", "temperature2": "temperature/2", "illuminance3": "illuminance/3",
        "energy": "energy", "speed_act": "wind_speed", "humidity": "humidity", "battery": "battery",
    ]
    /// Nobody is cared for with these.
    static let nothing = ["dir_card", "id"]

    @Test(arguments: ["tasmota", "rtl_433"])
    func everyExpectationIsMet(convention: String) throws {
        let catalogue = try shipped()
        var agreed = 0
        for message in try messages(convention) {
            let result = tried(message.topic, message.payload, convention: convention, catalogue)
            if message.expected.first?["quantity"] as? String == "accepted" {
                #expect(!result.isUnderstood)
                agreed += 1
                continue
            }
            #expect(result.isUnderstood, "\(message.payload) \(result.reason ?? "")")
            for expected in message.expected {
                let name = expected["quantity"] as? String ?? ""
                if Self.nothing.contains(name) { continue }
                let ours = try #require(Self.names[name], "\(name)").split(separator: "/")
                var value = try #require(expected["value"] as? Double)
                switch expected["unit"] as? String {
                case "km/h": value /= 3.6
                case "\u{B0}F": value = (value - 32) / 1.8
                default: break
                }
                let found = result.readings.contains {
                    $1.quantity.name == ours[0] && (ours.count == 1 || $1.channel == ours[1]) && abs($1.value.asNumber - value) < 1e-6
                }
                #expect(found, "\(name) in \(message.payload)")
                agreed += 1
            }
        }
        #expect(agreed >= (convention == "tasmota" ? 8 : 15))
    }

    /// What the state of one component must give; these have no expectations in the source. Radio, firmware, and inputs, of
    /// which nobody knows what they are, are nobody's care.
    @Test func everyShellyComponentIsUnderstood() throws {
        let catalogue = try shipped()
        var (counted, readings) = (0, 0)
        for message in try messages("shelly-gen2") {
            let topic = try #require(message.topic)
            let result = tried(topic, message.payload, catalogue)
            #expect(result.isUnderstood, "\(topic)")
            let component = topic.split(separator: "/").last?.split(separator: ":").first ?? ""
            switch component {
            case "sys", "wifi", "input": #expect(result.readings.isEmpty)
            case "switch":
                #expect(result.readings.contains { $1.quantity.name == "power_on" })
                #expect(message.payload.contains("apower") == result.readings.contains { $1.quantity.name == "power" })
            case "temperature", "humidity", "illuminance": #expect(result.readings.map(\.reading.quantity.name) == [String(component)])
            default: Issue.record("\(topic)")
            }
            counted += 1
            readings += result.readings.count
        }
        #expect(counted == 22 && readings >= 20)
    }

    /// States as the first generation tells them over HTTP: no MQTT message looks so, and they must do no harm.
    @Test func statesOfTheFirstGenerationOverHTTPGiveNothing() throws {
        let catalogue = try shipped()
        let messages = try messages("shelly-gen1")
        #expect(messages.count == 2)
        for message in messages {
            let result = tried(message.topic, message.payload, convention: "shelly-gen1", catalogue)
            #expect(message.note.contains("NOT an MQTT payload") && result.readings.isEmpty && result.isUnderstood)
        }
    }
}
