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
        "battery": "battery", "device_temperature": "device_temperature", "co2": "carbon_dioxide", "contact": "opening", "current": "current",
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
                // Figures without unit and covers' states are deliberately no readings.
                guard let quantity, !(name == "illuminance" && unit == nil), value as? String != "OPEN" else {
                    notOurs[name, default: 0] += 1
                    #expect(Self.nobodysCare.contains(name) || Self.onlyAnnounced.contains(name) || quantity != nil, "\(name) is not listed")
                    continue
                }
                let wanted: Value
                if let text = value as? String {
                    wanted = .boolean(try #require(Self.states[text] as Bool?))
                } else if unit == "bool" || name == "MotionDetected" {
                    wanted = .boolean(value as? Bool == true)
                } else {
                    let number = try #require(value as? Double)
                    wanted = .number(unit == "mV" ? number / 1_000 : number)
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
        #expect(agreed >= 300)
    }

    /// Nobody is cared for with these: lamps' brightness and colour, settings, the radio, counters, positions in space. Of
    /// produced energy, air quality in words and the kind of a movement there is no quantity.
    static let nobodysCare: Set<String> = [
        "AirQuality", "CHARACTERISTIC_PRODUCED_KWH", "air_quality", "angle_x", "angle_y", "angle_z", "brightness",
        "brightness_l1", "brightness_l2", "calibration_time", "color_temp", "color_temp_startup", "detection_interval",
        "do_not_disturb", "fading_time", "indicator", "indicator_mode", "interlock", "keep_time",
        "large_motion_detection_distance", "large_motion_detection_sensitivity", "led_disabled_night", "linkquality",
        "medium_motion_detection_distance", "medium_motion_detection_sensitivity", "mode", "motion_sensitivity",
        "motion_state", "motor_reversal", "moving", "operation_mode_l1", "operation_mode_l2", "position",
        "power_on_behavior", "power_outage_count", "power_outage_memory", "pulse_length", "sensitivity",
        "small_detection_distance", "small_detection_sensitivity", "strength", "switch_type", "trigger_count",
        "trigger_indicator", "x_axis", "y_axis", "z_axis",
        // Checked as events, by what the profile's samples say.
        "action",
    ]
    /// Volatile organic compounds are in ppm, ppb or µg/m³ from make to make, which only the announcement says.
    static let onlyAnnounced: Set<String> = ["voc", "VOCDensity"]

    /// The same messages from devices that announced the units which the sources give.
    @Test func zigbee2MQTTAgreesWithItsSourcesOnceAnnounced() throws {
        let catalogue = try shipped()
        var agreed: [String: Int] = [:]
        for message in try messages("zigbee2mqtt") {
            var exposes: [[String: Any]] = []
            var wanted: [(name: String, key: String, value: Double)] = []
            for expected in message.expected {
                guard let value = expected["value"] as? Double, expected["value"] as? Bool == nil || expected["unit"] as? String != "bool" else { continue }
                let key = expected["key"] as? String ?? ["VOCDensity": "voc"][expected["quantity"] as? String ?? ""]
                guard let key else { continue }
                var expose: [String: Any] = ["type": "numeric", "name": key, "property": key, "access": 1]
                let unit = expected["unit"] as? String
                if let unit { expose["unit"] = unit }
                exposes.append(expose)
                switch (key, unit) {
                case ("voc", "ppm"): wanted.append(("volatile_organic_compounds_parts", key, value))
                case ("voc", _): wanted.append(("volatile_organic_compounds", key, value))
                case ("illuminance", nil): break
                default: if let name = Self.quantities[key] { wanted.append((name, key, unit == "mV" ? value / 1_000 : value)) }
                }
            }
            guard !exposes.isEmpty else { continue }
            let name = message.topic.replacingOccurrences(of: "zigbee2mqtt/", with: "")
            let list: [[String: Any]] = [
                ["ieee_address": "0x00158d0001", "friendly_name": name, "type": "EndDevice", "definition": ["exposes": exposes]]
            ]
            var trial = Trial(catalogue)
            let announcement = try JSONSerialization.data(withJSONObject: list)
            let said = announcement.withUnsafeBytes { trial.take(topic: "zigbee2mqtt/bridge/devices", payload: $0, arrivedAt: arrival) }
            #expect(said.announces.isEmpty == wanted.isEmpty, "\(message.payload)")
            let result = Array(message.payload.utf8).withUnsafeBytes { trial.take(topic: message.topic, payload: $0, arrivedAt: arrival) }
            let decoded = Decoded(outcome: .readings, readings: result.readings.map(\.reading))
            for one in wanted {
                // Lux is preferred to the raw figure.
                guard case .number(let number)? = decoded.values[one.name] else {
                    Issue.record("\(one.key) in \(message.payload): \(result.reason ?? "nothing")")
                    continue
                }
                #expect(abs(number - one.value) < 1e-9, "\(one.key) in \(message.payload)")
                agreed[one.key, default: 0] += 1
            }
        }
        print("zigbee2mqtt, announced: \(agreed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
        #expect(agreed["voc"] == 17)
        #expect(agreed["voltage"] == 34)
    }

    /// Both are without a topic, which alone says what a value is: known as values, and no reading.
    @Test func zWaveJSUIAgreesWithItsSources() throws {
        let catalogue = try shipped()
        let messages = try messages("zwave-js-ui")
        #expect(messages.count == 2)
        for message in messages {
            #expect(message.expected.isEmpty)
            var trial = Trial(catalogue)
            let payload = Array(message.payload.utf8)
            let plain = payload.withUnsafeBytes { trial.take(topic: nil, convention: "zwave-js-ui", payload: $0, arrivedAt: arrival) }
            #expect(plain.isUnderstood && plain.readings.isEmpty)
            let battery = payload.withUnsafeBytes { trial.take(topic: "zwave/a/battery/endpoint_0/level", payload: $0, arrivedAt: arrival) }
            #expect(battery.readings.count == 1)
        }
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
        var agreed = 0
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
                let names = [
                    "Cel": "temperature", "%RH": "humidity", "V": "voltage", "A": "current", "%EL": "battery",
                    "lon": "longitude", "lat": "latitude",
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
            "senml: \(messages.count) messages, \(agreed) readings agree")
        #expect(agreed >= 29)
    }
}
