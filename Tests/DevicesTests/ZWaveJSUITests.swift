import Care
import Testing

@testable import Devices

@Suite struct ZWaveJSUITests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    @Test(arguments: [
        ("hall/motion/notification/endpoint_0/Home_Security/Motion_sensor_status", "hall/motion", "notification/Home_Security/Motion_sensor_status", 0),
        ("hall/motion/113/0/Home_Security/Motion_sensor_status", "hall/motion", "notification/Home_Security/Motion_sensor_status", 0),
        ("nodeID_7/sensor_multilevel/endpoint_3/Air_temperature", "nodeID_7", "sensor_multilevel/Air_temperature", 3),
        // Nodes and locations may be numbers.
        ("37/49/0/Humidity", "37", "sensor_multilevel/Humidity", 0),
        ("kitchen/37/49/0/Humidity", "kitchen/37", "sensor_multilevel/Humidity", 0),
        ("50/50/50/1/value/66049", "50/50", "meter/value/66049", 1),
        ("5/112/0/40/1", "5", "configuration/40/1", 0),
        // Names may be those of command classes.
        ("battery/battery/endpoint_0/level", "battery", "battery/level", 0),
        ("a b/ä/sensor_binary/Any", "a b/ä", "sensor_binary/Any", 0),
        ("keypad/unknownClass_111/endpoint_0/2/1", "keypad", "entry_control/2/1", 0),
    ])
    func topicsAreTakenApart(topic: String, node: String, value: String, endpoint: Int) throws {
        let parsed = try #require(ZWaveTopic(belowPrefix: topic[...]))
        #expect(parsed.node == node)
        #expect(parsed.value == value)
        #expect(parsed.endpoint == endpoint)
    }

    @Test(arguments: [
        "", "/", "a", "a/b", "a/b/c", "49/0/Humidity", "a/300/0/x", "a/49/128/x", "a/49/0", "a//49/0/x", "a/battery/endpoint_x/level",
        "a/battery/endpoint_/level", "sensor_binary/endpoint_0/Any",
    ])
    func otherTopicsAreNone(topic: String) { #expect(ZWaveTopic(belowPrefix: topic[...]) == nil) }

    @Test func routesSayWhoAndThroughWhat() throws {
        let route = try #require(catalogue.route(topicBelowHome: "zwave/hall/door/113/0/Access_Control/Door_state"))
        #expect(route.convention == "zwave-js-ui" && route.role == .readings)
        #expect(route.device == "zwave/hall/door")
        #expect(route.bridge == "zwave/_CLIENTS")
        #expect(route.repeatsWithin == .seconds(2))
        let bridge = try #require(catalogue.route(topicBelowHome: "zwave/_CLIENTS/ZWAVE_GATEWAY-x/status"))
        #expect(bridge.role == .bridge && bridge.device == route.bridge)
        for topic in ["_CLIENTS/ZWAVE_GATEWAY-x/version", "_EVENTS/ZWAVE_GATEWAY-x/node/ready", "driver/status", "a/112/0/40", "a/48/0/Any", "a/48/0/Motion/set", "a/nodeinfo"] {
            #expect(catalogue.route(topicBelowHome: "zwave/\(topic)")?.role == .ignored, "\(topic)")
        }
        // What people configure by hand is theirs to describe.
        #expect(catalogue.route(topicBelowHome: "zwave/hall/my own topic") == nil)
        #expect(catalogue.route(topicBelowHome: "zwave") == nil)
    }

    @Test(arguments: [
        ("113/0/Access_Control/Door_state", "22", "opening", true), ("113/0/Access_Control/Door_state", "\"23\"", "opening", false),
        ("113/0/CO_Alarm/Sensor_status", #"{"value":1}"#, "carbon_monoxide", true),
        ("113/0/Heat_Alarm/Heat_sensor_status", #"{"value":0}"#, "heat", false),
        ("48/0/Door-Window", "true", "opening", true), ("48/0/Motion", #"{"value":false}"#, "motion", false),
        ("98/0/currentMode", #"{"value":255}"#, "lock", false), ("98/0/currentMode", "0", "lock", true),
        ("118/0/locked", "true", "lock", false), ("102/0/currentState", "0", "door", false),
        ("113/0/Home_Health/Fall_detected", "{}", "fall", true), ("113/0/Emergency_Alarm/Contact_police", "null", "sos", true),
        ("91/0/scene/002", #"{"time":1700000000000,"value":0}"#, "button_single", true),
        ("91/0/scene/002", #"{"value":5}"#, "button_other", true), ("111/0/18/1", #"{"value":"0x00"}"#, "sos", true),
    ])
    func statesAndEvents(topic: String, payload: String, quantity: String, value: Bool) throws {
        #expect(try readings("zwave/node/" + topic, payload) == [quantity: .boolean(value)])
    }

    @Test(arguments: [
        ("113/0/Access_Control/Door_state", "7"), ("113/0/Smoke_Alarm/Sensor_status", ""), ("113/0/Smoke_Alarm/Sensor_status", "null"),
        ("113/0/Smoke_Alarm/Sensor_status", #"{"time":5,"value":null}"#), ("113/0/Smoke_Alarm/Sensor_status", "{}"),
        ("113/0/Smoke_Alarm/Alarm_status", "3"), ("91/0/scene/001", #"{"value":1}"#), ("91/0/slowRefresh", "true"),
        ("98/0/currentMode", "254"), ("102/0/currentState", "253"), ("128/0/level", "255"), ("49/0/Weight", "70"),
    ])
    func theseAreNoReading(topic: String, payload: String) throws {
        let decoded = try catalogue.decode("zwave/node/" + topic, payload)
        #expect(decoded.outcome == .nothing && decoded.readings.isEmpty)
    }

    @Test(arguments: ["true", "abc", "{", #"{"value":{}}"#, #"{"value":[1]}"#, #"{"value":"x"}"#, #"{"value":1e999}"#, "nan", #"{"value":1,"unit":"kg"}"#, "[1", "\"a"])
    func theseAreUndecodable(payload: String) throws {
        let decoded = try catalogue.decode("zwave/node/49/0/Air_temperature", payload)
        #expect(decoded.reason != nil && decoded.readings.isEmpty)
    }

    @Test func unitsInTheMessageCount() throws {
        for (name, payload, quantity, value) in [
            ("Air_temperature", #"{"value":50,"unit":"°F"}"#, "temperature", 10.0), ("Illuminance", #"{"unit":"Lux","value":3}"#, "illuminance", 3),
            ("Respiratory_rate", #"{"value":14,"unit":"bpm"}"#, "respiratory_rate", 14), ("Barometric_pressure", "101.3", "atmospheric_pressure", 1_013),
            ("Radon_concentration", #"{"value":2,"unit":"pCi/l"}"#, "radon", 74),
        ] {
            #expect(try readings("zwave/n/49/0/" + name, payload) == [quantity: .number(value)], "\(name)")
        }
    }

    @Test func sleepIsNoAbsence() throws {
        for (payload, wanted) in [
            ("true", Outcome.availability(true)), ("false", .availability(false)), (#"{"value":true}"#, .availability(true)),
            (#"{"value":false,"status":"Dead"}"#, .availability(false)), (#"{"value":false,"status":"Asleep"}"#, .nothing), ("", .nothing), ("{}", .nothing),
        ] {
            #expect(try catalogue.decode("zwave/hall/x/status", payload).outcome == wanted, "\(payload)")
        }
        #expect(try catalogue.decode("zwave/hall/x/status", "7").reason != nil)
        #expect(try catalogue.decode("zwave/hall/x/status", [0xFF]).reason != nil)
    }

    @Test func aDeviceMayHaveAFileOfItsOwn() throws {
        let base = "topic: zwave/#\nexpected: 7d\nvalues:\n  battery/level: {quantity: battery, category: safety, unit: \"%\"}\n"
        let own = "topic: zwave/bed/pendant\nexpected: 1d\nrepeats: 9s\nvalues:\n  central_scene/scene/001: {quantity: sos, category: safety, words: {\"0\": sos}, otherwise: nothing}\n"
        let files = try TemporaryProfiles([("zwave-js-ui/a.yaml", base), ("zwave-js-ui/b.yaml", own)])
        let catalogue = try Catalogue.load(folder: files.folder)
        #expect(try catalogue.decode("zwave/bed/pendant/91/0/scene/001", "0").values == ["sos": .boolean(true)])
        #expect(try catalogue.decode("zwave/bed/pendant/128/0/level", "5").values == ["battery": .number(5)])
        #expect(catalogue.route(topicBelowHome: "zwave/bed/pendant/128/0/level")?.expected == .days(1))
        #expect(catalogue.route(topicBelowHome: "zwave/bed/pendant/128/0/level")?.repeatsWithin == .seconds(9))
        #expect(catalogue.route(topicBelowHome: "zwave/bed/other/91/0/scene/001")?.role == .ignored)
        for (text, part) in [
            ("topic: zwave/#\nvalue: {}\n", "value"), ("topic: zwave/#\n", "values"), ("topic: zwave/+\nvalues: {}\n", "prefix"),
            ("topic: zwave/#\nrepeats: x\nvalues: {}\n", "repeats"), ("topic: zwave/#\nvalues:\n  a//b: {quantity: sos, category: safety}\n", "command class"),
        ] {
            let broken = try TemporaryProfiles([("zwave-js-ui/a.yaml", text)])
            let error = #expect(throws: ProfileError.self) { try Catalogue.load(folder: broken.folder) }
            #expect(error?.message.contains(part) == true, "\(error?.description ?? "")")
        }
    }

    private func readings(_ topic: String, _ payload: String) throws -> [String: Value] {
        let decoded = try catalogue.decode(topic, payload)
        #expect(decoded.reason == nil, "\(topic) \(payload)")
        return decoded.values
    }
}
