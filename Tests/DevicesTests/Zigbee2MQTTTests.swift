import Care
import Testing

@testable import Devices

@Suite struct Zigbee2MQTTTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    @Test func namesMayHoldSpacesAndSlashes() throws {
        let route = try #require(catalogue.route(topicBelowHome: "zigbee2mqtt/first floor/kitchen motion"))
        #expect(route.convention == "zigbee2mqtt")
        #expect(route.device == "zigbee2mqtt/first floor/kitchen motion")
        #expect(route.expected == .hours(25))
        #expect(route.isDevice)
    }

    @Test(arguments: ["zigbee2mqtt", "zigbee2mqtt/", "zigbee2mqttx/a", "unknown/a", ""])
    func otherTopicsAreNotKnown(topic: String) { #expect(catalogue.route(topicBelowHome: topic) == nil) }

    @Test func tooLongNamesAreNotKnown() {
        #expect(catalogue.route(topicBelowHome: "zigbee2mqtt/" + String(repeating: "a", count: 300)) == nil)
    }

    @Test(arguments: [
        "bridge/info", "bridge/event", "bridge/logging", "bridge/response/device/remove", "lamp/set", "lamp/get",
        "hall/lamp/set",
        "lamp/set/state", "lamp/get/state", "button/action",
    ])
    func commandsAndTheBridgeGiveNothing(rest: String) throws {
        let route = try #require(catalogue.route(topicBelowHome: "zigbee2mqtt/" + rest))
        #expect(!route.isDevice)
        for payload in [#"{"contact":false,"sos":true}"#, "ON", ""] {
            let decoded = try catalogue.decode("zigbee2mqtt/" + rest, payload)
            #expect(decoded.outcome == .nothing)
            #expect(decoded.readings.isEmpty)
        }
    }

    @Test func availabilityComesInTwoForms() throws {
        for (payload, isOnline) in [
            (#"{"state":"online"}"#, true), (#"{"state":"offline"}"#, false), ("online", true),
            ("offline", false),
            (" offline\n", false), (#"{"x":[1],"state":"offline"}"#, false),
        ] {
            #expect(
                try catalogue.decode("zigbee2mqtt/a b/c/availability", payload).outcome
                    == .availability(isOnline))
        }
        #expect(
            catalogue.route(topicBelowHome: "zigbee2mqtt/a b/c/availability")?.device == "zigbee2mqtt/a b/c")
        for payload in ["yes", "{}", #"{"state":1}"#, #"{"state":"online""#, "[]"] {
            #expect(try catalogue.decode("zigbee2mqtt/a/availability", payload).reason != nil)
        }
        #expect(try catalogue.decode("zigbee2mqtt/a/availability", "").outcome == .nothing)
    }

    @Test func contactTrueMeansClosed() throws {
        #expect(
            try catalogue.decode("zigbee2mqtt/d", #"{"contact":true}"#).values == ["opening": .boolean(false)]
        )
        #expect(
            try catalogue.decode("zigbee2mqtt/d", #"{"contact":false}"#).values == ["opening": .boolean(true)]
        )
        #expect(
            try catalogue.decode("zigbee2mqtt/d", #"{"contact":"OFF"}"#).values == ["opening": .boolean(true)]
        )
    }

    @Test(arguments: [
        ("emergency", "sos"), ("panic", "sos"), ("single", "button_single"), ("double", "button_double"),
        ("hold", "button_hold"), ("single_left", "button_single"), ("1_double", "button_double"),
        ("button_2_hold", "button_hold"), ("triple", "button_other"), ("toggle", "button_other"),
        ("brightness_move_up", "button_other"), ("Single", "button_single"), ("on", "button_other"),
        ("off", "button_other"), ("0", "button_other"), ("emergency_single", "sos"),
    ])
    func actionsAreEvents(action: String, event: String) throws {
        let decoded = try catalogue.decode("zigbee2mqtt/b", #"{"action":"\#(action)"}"#)
        #expect(decoded.values == [event: .boolean(true)])
    }

    @Test(arguments: [
        #"{"action":""}"#, #"{"action":null}"#, #"{"action":"release"}"#, #"{"action":"hold_release"}"#,
        #"{"action":"button_1_release"}"#, #"{"sos":null}"#, #"{"sos":""}"#, #"{"sos":false}"#,
        #"{"smoke":null}"#,
        #"{"smoke":""}"#, #"{"contact":null}"#, #"{"temperature":null}"#, #"{"occupancy":""}"#, "{}", "",
        #"{"linkquality":91,"keep_time":"60","sensitivity":"high","update":{"state":"idle"}}"#,
        #"{"device_temperature":null}"#, #"{"state":"OPEN"}"#, #"{"alarm_2":true}"#, #"{"click":""}"#, #"{"voltage":3005}"#, #"{"battery":255}"#,
    ])
    func theseAreNoReadingAndNoAllClear(payload: String) throws {
        let decoded = try catalogue.decode("zigbee2mqtt/b", payload)
        #expect(decoded.outcome == .nothing)
        #expect(decoded.readings.isEmpty)
    }

    @Test func sosIsAnEventEitherWayAndOnlyOnce() throws {
        #expect(try catalogue.decode("zigbee2mqtt/p", #"{"sos":true}"#).values == ["sos": .boolean(true)])
        #expect(
            try catalogue.decode("zigbee2mqtt/p", #"{"sos":true,"action":"emergency"}"#).readings.count == 1)
    }

    @Test func lastSeenIsTheDevicesTime() throws {
        let wanted = Instant(milliseconds: 1_732_371_282_000)
        for time in [
            #""2024-11-23T15:14:42+01:00""#, #""2024-11-23T14:14:42.000Z""#, "1732371282000",
            #""1732371282000""#,
            "1732371282",
        ] {
            for payload in [
                #"{"last_seen":\#(time),"contact":true}"#, #"{"contact":true,"last_seen":\#(time)}"#,
            ] {
                #expect(
                    try catalogue.decode("zigbee2mqtt/d", payload).readings.first?.deviceTime == wanted,
                    "\(payload)")
            }
        }
        for time in [
            "null", #""yesterday""#, #""2024-11-23T15:14:42""#, "-5", "1e300", #""2024-13-45T99:14:42Z""#,
            "[]",
        ] {
            let decoded = try catalogue.decode("zigbee2mqtt/d", #"{"last_seen":\#(time),"contact":true}"#)
            #expect(decoded.outcome == .readings)
            #expect(decoded.readings.first?.deviceTime == nil)
        }
    }

    @Test func luxIsPreferredToTheRawFigure() throws {
        for payload in [
            #"{"illuminance":24669,"illuminance_lux":293}"#, #"{"illuminance_lux":293,"illuminance":24669}"#,
        ] {
            #expect(try catalogue.decode("zigbee2mqtt/l", payload).values == ["illuminance": .number(293)])
        }
        #expect(
            try catalogue.decode("zigbee2mqtt/l", #"{"illuminance":12}"#).values == [
                "illuminance": .number(12)
            ])
    }

    @Test func valuesInStringsAreValues() throws {
        let payload = #"{"temperature":"21.5","occupancy":"true","state":"on","smoke":"OFF"}"#
        #expect(
            try catalogue.decode("zigbee2mqtt/x", payload).values == [
                "temperature": .number(21.5), "occupancy": .boolean(true), "power_on": .boolean(true),
                "smoke": .boolean(false),
            ])
    }

    @Test func aPartAtFaultIsReportedAndTheRestCounts() throws {
        let decoded = try catalogue.decode(
            "zigbee2mqtt/x", #"{"temperature":"secret","humidity":40,"smoke":{}}"#)
        #expect(decoded.values == ["humidity": .number(40)])
        let reason = try #require(decoded.reason)
        #expect(reason.contains("temperature"))
        #expect(!reason.contains("secret"))
    }

    @Test func whatIsMalformedGivesNothingAndLeavesEarlierReadingsAlone() throws {
        let route = try #require(catalogue.route(topicBelowHome: "zigbee2mqtt/x"))
        let earlier = DecodedReading(quantity: try #require(Quantity("sos")), value: .boolean(true))
        for payload in [
            #"{"temperature":21.5"#, #"{"temperature":21.5}}"#, "[1]", "21.5", "null",
            #"{"temperature":1e999}"#,
        ] {
            var readings = [earlier]
            let outcome = Array(payload.utf8).withUnsafeBytes {
                catalogue.decode(route, payload: $0, arrivedAt: arrival, into: &readings)
            }
            guard case .undecodable = outcome else {
                Issue.record("\(payload)")
                continue
            }
            #expect(readings == [earlier])
        }
    }

    @Test func keysAreComparedWhole() throws {
        #expect(
            try catalogue.decode("zigbee2mqtt/x", #"{"temper\u0061ture":5}"#).values == [
                "temperature": .number(5)
            ])
        #expect(
            try catalogue.decode("zigbee2mqtt/x", #"{"temperaturf":5,"Temperature":5,"":1,"t":2}"#).outcome
                == .nothing)
        #expect(try catalogue.decode("zigbee2mqtt/x", #"{"update":{"temperature":5}}"#).outcome == .nothing)
    }

    @Test func aDeviceMayDifferFromTheRest() throws {
        let base =
            "topic: zigbee2mqtt/#\nproperties:\n  a: {quantity: temperature, category: safety, unit: Cel}\n"
        let own =
            "topic: zigbee2mqtt/my air\nexpected: 1h\nignore: [a]\nproperties:\n  voc: {quantity: volatile_organic_compounds, category: safety, unit: ug/m3}\n"
        let files = try TemporaryProfiles([("zigbee2mqtt/b.yaml", base), ("zigbee2mqtt/own.yaml", own)])
        let catalogue = try Catalogue.load(folder: files.folder)
        #expect(
            try catalogue.decode("zigbee2mqtt/my air", #"{"a":1,"voc":2}"#).values == [
                "volatile_organic_compounds": .number(2)
            ])
        #expect(
            try catalogue.decode("zigbee2mqtt/other", #"{"a":1,"voc":2}"#).values == [
                "temperature": .number(1)
            ])
        #expect(catalogue.route(topicBelowHome: "zigbee2mqtt/my air")?.expected == .hours(1))
    }
}
