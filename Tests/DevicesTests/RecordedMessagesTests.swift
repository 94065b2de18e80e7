import Care
import Foundation
import Testing

@testable import Devices

private let recordings = packageRoot + "/../shared/data/messages/open.jsonl"
private var areRecordingsHere: Bool { FileManager.default.fileExists(atPath: recordings) }

/// Real messages from public repositories, with what their sources say they mean. They are development data
/// and not part of the repository: without them these tests are skipped.
@Suite(.enabled(if: areRecordingsHere, "needs ../shared/data/messages/open.jsonl"))
struct RecordedMessagesTests {
    struct Message {
        var topic: String
        var payload: String
        var expected: [[String: Any]]
    }

    func messages(_ convention: String) throws -> [Message] {
        try String(contentsOfFile: recordings, encoding: .utf8).split(separator: "\n").compactMap { line in
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard object["convention"] as? String == convention else { return nil }
            return Message(
                topic: object["topic"] as? String ?? "\(convention)/a device",
                payload: object["payload"] as? String ?? "",
                expected: object["expect"] as? [[String: Any]] ?? [])
        }
    }

    /// Property or HomeKit characteristic of the sources → our quantity. Written apart from the profile on
    /// purpose; what is missing here is nothing that we have a quantity for.
    static let quantities: [String: String] = [
        "battery": "battery", "co2": "carbon_dioxide", "contact": "opening", "current": "current",
        "energy": "energy",
        "energy_1": "energy/1", "energy_2": "energy/2", "formaldehyd": "formaldehyde", "humidity": "humidity",
        "illuminance_lux": "illuminance", "illuminance": "illuminance", "occupancy": "occupancy",
        "power": "power",
        "power_1": "power/1", "power_2": "power/2", "presence": "occupancy",
        "pressure": "atmospheric_pressure",
        "state": "power_on", "state_l1": "power_on/l1", "state_l2": "power_on/l2",
        "temperature": "temperature",
        "vibration": "vibration", "voltage": "voltage",
        "CurrentTemperature": "temperature", "CurrentRelativeHumidity": "humidity",
        "Air Pressure": "atmospheric_pressure",
        "CHARACTERISTIC_AMPERE": "current", "CHARACTERISTIC_VOLT": "voltage", "SmokeDetected": "smoke",
        "StatusLowBattery": "battery_low", "StatusTampered": "tamper", "ContactSensorState": "opening",
        "OccupancyDetected": "occupancy", "CarbonMonoxideDetected": "carbon_monoxide",
        "CHARACTERISTIC_WATT": "power",
        "CHARACTERISTIC_KWH": "energy", "MotionDetected": "vibration",
    ]

    /// HomeKit's names for states, as ours.
    static let states: [String: Bool] = [
        "BATTERY_LEVEL_NORMAL": false, "BATTERY_LEVEL_LOW": true, "SMOKE_DETECTED": true,
        "SMOKE_NOT_DETECTED": false,
        "TAMPERED": true, "NOT_TAMPERED": false, "CONTACT_DETECTED": false, "OCCUPANCY_DETECTED": true,
        "OCCUPANCY_NOT_DETECTED": false, "CO_LEVELS_ABNORMAL": true, "LEAK_DETECTED": true,
        "LEAK_NOT_DETECTED": false,
    ]

    static let presses = [
        "SINGLE_PRESS": "button_single", "DOUBLE_PRESS": "button_double", "LONG_PRESS": "button_hold",
    ]

    @Test func zigbee2MQTTAgreesWithItsSources() throws {
        let catalogue = try shipped()
        var (agreed, otherPress) = (0, 0)
        var notOurs: [String: Int] = [:]
        let messages = try messages("zigbee2mqtt")
        for message in messages {
            let decoded = try catalogue.decode(message.topic, message.payload)
            #expect(decoded.reason == nil, "\(message.payload)")
            for expected in message.expected {
                let unit = expected["unit"] as? String
                var name = expected["key"] as? String ?? expected["quantity"] as? String ?? ""
                let value = expected["value"]
                if name == "availability" {
                    #expect(decoded.outcome == .availability(value as? Bool == true))
                    agreed += 1
                    continue
                }
                if name == "ProgrammableSwitchEvent", let press = value as? String {
                    // HomeKit has three presses: it calls every other one single.
                    let wanted = try #require(Self.presses[press])
                    if press == "SINGLE_PRESS", decoded.values["button_other"] != nil {
                        otherPress += 1
                    } else {
                        #expect(decoded.values == [wanted: .boolean(true)], "\(message.payload)")
                        agreed += 1
                    }
                    continue
                }
                if name.hasPrefix("CHARACTERISTIC"), let only = decoded.values.keys.first {
                    name = Self.sameKey(only, name)
                }
                if name == "LeakDetected" { name = message.payload.contains("gas") ? "gas" : "water_leak" }
                let quantity = Self.quantities[name] ?? ["gas": "gas", "water_leak": "moisture"][name]
                // Figures without unit, covers' states and batteries' millivolts are deliberately no readings.
                guard let quantity, !(name == "illuminance" && unit == nil), unit != "mV",
                    value as? String != "OPEN"
                else {
                    notOurs[name, default: 0] += 1
                    continue
                }
                let wanted: Value
                if let text = value as? String {
                    wanted = .boolean(try #require(Self.states[text] as Bool?))
                } else if unit == "bool" || name == "MotionDetected" {
                    wanted = .boolean(value as? Bool == true)
                } else {
                    wanted = .number(try #require(value as? Double))
                }
                #expect(decoded.values[quantity] == wanted, "\(name) in \(message.payload)")
                agreed += 1
            }
        }
        print(
            "zigbee2mqtt: \(messages.count) messages, \(agreed) readings agree, \(otherPress) presses of another kind,"
        )
        print(
            "  no quantity of ours: \(notOurs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))"
        )
        #expect(agreed >= 250)
    }

    /// These tests of the source send `power_1` and expect a characteristic without a number.
    static func sameKey(_ decoded: String, _ name: String) -> String {
        decoded.hasPrefix("power/") || decoded.hasPrefix("energy/")
            ? decoded.replacingOccurrences(of: "/", with: "_") : name
    }

    /// Reasons that the examples of the standard must give.
    static let undecodable: [(part: String, reason: String)] = [
        ("2001:db8::3", "no quantity"),  // Switches named by their addresses.
        (#""vs":"cool""#, "more than one value"),  // Invalid by RFC 8428 §4.2.
    ]

    @Test func senMLAgreesWithItsSources() throws {
        let catalogue = try shipped()
        var (agreed, notOurs) = (0, 0)
        let messages = try messages("senml")
        for message in messages {
            let decoded = try catalogue.decode("senml/a/device", message.payload)
            if let listed = Self.undecodable.first(where: { message.payload.contains($0.part) }) {
                #expect(decoded.reason?.contains(listed.reason) == true)
                continue
            }
            #expect(decoded.reason == nil, "\(message.payload)")
            var left = decoded.readings
            for expected in message.expected {
                guard let unit = expected["unit"] as? String, let value = expected["value"] as? Double else {
                    continue
                }
                if unit == "lon" || unit == "lat" {
                    notOurs += 1
                    continue
                }
                let names = [
                    "Cel": "temperature", "%RH": "humidity", "V": "voltage", "A": "current", "%EL": "battery",
                ]
                let got = left.removeFirst()
                #expect(got.quantity.name == names[unit])
                #expect(got.value == .number(value))
                // Sources resolve "now" to when they were built.
                if let time = got.deviceTime, let seconds = expected["t"] as? Double {
                    #expect(time.milliseconds == Int64((seconds * 1_000).rounded()))
                }
                agreed += 1
            }
            if !message.expected.isEmpty { #expect(left.isEmpty) }
        }
        print(
            "senml: \(messages.count) messages, \(agreed) readings agree, \(notOurs) are no quantity of ours")
        #expect(agreed >= 20)
    }
}
