import Care
import Foundation
import Testing

@testable import Devices

/// `bridge/devices` and `bridge/groups`. All lists here are our own.
@Suite struct Zigbee2MQTTAnnouncementTests {
    // MARK: Writing lists

    static func numeric(_ name: String, _ unit: String? = nil, access: Int = 1, more: String = "") -> String {
        let unit = unit.map { #","unit":"\#($0)""# } ?? ""
        return #"{"type":"numeric","name":"\#(name)","property":"\#(name)","access":\#(access)\#(unit)\#(more)}"#
    }
    static func binary(_ name: String, on: String = "true", off: String = "false", access: Int = 1, more: String = "") -> String {
        #"{"type":"binary","name":"\#(name)","property":"\#(name)","access":\#(access),"value_on":\#(on),"value_off":\#(off)\#(more)}"#
    }
    static func values(_ name: String, _ values: [String], access: Int = 1) -> String {
        let list = values.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"type":"enum","name":"\#(name)","property":"\#(name)","access":\#(access),"category":"diagnostic","values":[\#(list)]}"#
    }
    static func device(
        _ number: Int, _ name: String, _ exposes: [String], vendor: String = "Maker", model: String = "M-1",
        description: String = "A thing", more: String = ""
    ) -> String {
        let address = "0x00158D00" + String(1_000_000 + number)
        return #"{"ieee_address":"\#(address)","type":"EndDevice","friendly_name":"\#(name)","supported":true,"disabled":false,"#
            + #""interview_completed":true,"endpoints":{"1":{"clusters":{"input":["genBasic"],"output":[]},"bindings":[]}},\#(more)"#
            + #""definition":{"vendor":"\#(vendor)","model":"\#(model)","description":"\#(description)","options":[{"access":2,"type":"numeric","property":"temperature"}],"exposes":[\#(exposes.joined(separator: ","))]}}"#
    }
    static let coordinator = #"{"ieee_address":"0x00124b00120144ae","type":"Coordinator","friendly_name":"Coordinator","supported":false,"definition":null,"interview_completed":true}"#

    /// One home that hears lists and messages.
    struct Home {
        let catalogue: Catalogue
        var announced = Announced()
        init(_ catalogue: Catalogue) { self.catalogue = catalogue }

        @discardableResult
        mutating func hear(_ devices: [String], base: String = "zigbee2mqtt") throws -> Announced.News {
            try hear(list: "[" + devices.joined(separator: ",") + "]", topic: base + "/bridge/devices")
        }
        @discardableResult
        mutating func hear(list: String, topic: String = "zigbee2mqtt/bridge/devices") throws -> Announced.News {
            let route = try #require(catalogue.route(topicBelowHome: topic))
            #expect(route.role == .announcement && !route.isDevice)
            let news = Array(list.utf8).withUnsafeBytes {
                announced.take(route, topic: topic, payload: $0, catalogue, topics: HomeTopics(home: nil))
            }
            return news
        }
        func route(_ name: String) throws -> Route {
            let routes = catalogue.routes(topicBelowHome: "zigbee2mqtt/" + name, announced)
            #expect(routes.count == 1)
            return try #require(routes.first)
        }
        func decode(_ name: String, _ payload: String) throws -> Decoded {
            let route = try route(name)
            var readings: [DecodedReading] = []
            let outcome = Array(payload.utf8).withUnsafeBytes { catalogue.decode(route, payload: $0, arrivedAt: arrival, into: &readings) }
            return Decoded(outcome: outcome, readings: readings)
        }
        func declares(_ name: String) -> [String] {
            guard let device = announced.devices.first(where: { $0.address == "zigbee2mqtt/" + name }) else { return [] }
            return announced.declares(device).map { $0.channel.isEmpty ? $0.quantity.name : "\($0.quantity.name)/\($0.channel)" }
        }
        func notUnderstood(_ name: String) -> [String] { announced.notUnderstood.filter { $0.name == name }.map(\.reason) }
    }

    var home: Home
    init() throws { home = Home(try shipped()) }

    // MARK: Devices

    @Test mutating func aTwoGangSwitchHasTwoChannels() throws {
        func gang(_ endpoint: String) -> String {
            #"{"type":"switch","endpoint":"\#(endpoint)","features":[{"type":"binary","name":"state","endpoint":"\#(endpoint)","property":"state_\#(endpoint)","access":7,"value_on":"ON","value_off":"OFF","value_toggle":"TOGGLE"}]}"#
        }
        // `garage` is in no profile's list of end points.
        let news = try home.hear([
            Self.device(1, "switch", [gang("l1"), gang("garage"), Self.numeric("power_garage", "W", more: #","endpoint":"garage""#), Self.numeric("linkquality", "lqi")], vendor: "Moes", model: "Z2")
        ])
        #expect(news.isChanged && news.isKept && news.reason == nil && news.notUnderstood.isEmpty)
        let device = try #require(news.devices.first)
        #expect(device.identity == "0x00158d001000001" && device.address == "zigbee2mqtt/switch" && device.bridge == "zigbee2mqtt/bridge")
        #expect(device.model == "Moes Z2" && device.title == nil && device.repeatsWithin == .seconds(5))
        #expect(home.declares("switch") == ["power_on/l1", "power_on/garage", "power/garage"])
        #expect(try home.decode("switch", #"{"state_l1":"ON","state_garage":"OFF","power_garage":4,"state_l2":"ON","temperature":3}"#).values == [
            "power_on/l1": .boolean(true), "power_on/garage": .boolean(false), "power/garage": .number(4),
        ])
        let route = try home.route("switch")
        #expect(route.identity == device.identity && route.bridge == device.bridge && route.repeatsWithin == .seconds(5) && route.expected == .hours(25))
    }

    @Test mutating func aLockIsUnlockedWhenItIsOff() throws {
        let lock = #"{"type":"lock","features":[{"type":"binary","name":"state","property":"state","access":7,"value_on":"LOCK","value_off":"UNLOCK"},{"type":"enum","name":"lock_state","property":"lock_state","access":1,"values":["not_fully_locked","locked","unlocked"]}]}"#
        try home.hear([Self.device(1, "front door", [lock, Self.values("door_state", ["open", "closed", "error_jammed"]), Self.binary("child_lock", on: "\"LOCK\"", off: "\"UNLOCK\"", access: 3)])])
        #expect(home.declares("front door") == ["lock", "door"])
        #expect(try home.decode("front door", #"{"state":"LOCK","lock_state":"locked"}"#).values == ["lock": .boolean(false)])
        #expect(try home.decode("front door", #"{"state":"UNLOCK","door_state":"open","child_lock":"UNLOCK"}"#).values == ["lock": .boolean(true), "door": .boolean(true)])
    }

    @Test mutating func sosInAllItsShapes() throws {
        try home.hear([
            Self.device(1, "a", [Self.values("action", ["emergency"])]), Self.device(2, "b", [Self.binary("sos")]),
            Self.device(3, "c", [Self.binary("alarm_2"), Self.numeric("battery", "%")], description: "SOS button"),
            Self.device(4, "d", [Self.binary("alarm_1"), Self.binary("alarm_2")], description: "Motion sensor"),
            Self.device(5, "e", [Self.binary("alarm")], model: "TS0215A_sos"),
            // An incomplete list loses no call for help.
            Self.device(6, "f", [Self.numeric("battery", "%")]), Self.device(7, "g", [Self.binary("sos_alarm", on: "\"alarm\"", off: "\"normal\"")]),
            Self.device(8, "h", [Self.binary("sos", access: 2)]),
        ])
        let sos: [String: Value] = ["sos": .boolean(true)]
        #expect(try home.decode("a", #"{"action":"emergency"}"#).values == sos)
        #expect(try home.decode("b", #"{"sos":true}"#).values == sos)
        #expect(try home.decode("c", #"{"alarm_2":true}"#).values == sos)
        #expect(try home.decode("d", #"{"alarm_2":true,"alarm_1":true}"#).outcome == .nothing)
        #expect(try home.decode("e", #"{"alarm":true}"#).values == sos)
        #expect(try home.decode("f", #"{"action":"panic"}"#).values == sos)
        #expect(try home.decode("f", #"{"emergency":true,"click":""}"#).values == sos)
        #expect(try home.decode("g", #"{"sos_alarm":"alarm"}"#).values == sos)
        #expect(try home.decode("h", #"{"sos":true}"#).outcome == .nothing, "only set, never published")
        for payload in [#"{"sos":false}"#, #"{"sos":null}"#, #"{"sos":""}"#, #"{"action":""}"#, "{}", ""] {
            #expect(try home.decode("b", payload).outcome == .nothing, "\(payload)")
        }
        #expect(try home.decode("c", #"{"alarm_2":false}"#).outcome == .nothing)
        #expect(try home.decode("g", #"{"sos_alarm":"normal"}"#).outcome == .nothing)
        #expect(home.declares("a") == ["sos"] && home.declares("c") == ["sos", "battery"] && home.declares("d") == [] && home.declares("f") == ["battery"])
        #expect(try home.route("a").repeatsWithin == .seconds(5))
    }

    @Test mutating func unitsAreTheDevicesOwn() throws {
        try home.hear([
            Self.device(1, "ppb", [Self.numeric("voc", "ppb")]), Self.device(2, "mass", [Self.numeric("voc", "µg/m³")]),
            Self.device(3, "milli", [Self.numeric("voc", "mg/m³")]), Self.device(4, "none", [Self.numeric("voc"), Self.numeric("voc_index")]),
            Self.device(5, "plug", [Self.numeric("temperature", "°F"), Self.numeric("power", "kW"), Self.numeric("voltage", "V"), Self.numeric("power_factor", "%")]),
            Self.device(6, "sensor", [Self.numeric("voltage", "mV"), Self.numeric("pressure", "kPa"), Self.numeric("formaldehyd", "µg/m³")]),
            Self.device(7, "strange", [Self.numeric("temperature", "kg"), Self.numeric("humidity", "%")]),
            Self.device(8, "raw", [Self.numeric("illuminance"), Self.numeric("illuminance_lux", "lx")]), Self.device(9, "lux", [Self.numeric("illuminance", "lx")]),
        ])
        func gives(_ name: String, _ payload: String, _ wanted: [String: Double]) throws {
            let got = try home.decode(name, payload).values
            #expect(got == wanted.mapValues { .number($0) }, "\(name)")
        }
        try gives("ppb", #"{"voc":250}"#, ["volatile_organic_compounds_parts": 0.25])
        try gives("mass", #"{"voc":250}"#, ["volatile_organic_compounds": 250])
        try gives("milli", #"{"voc":0.25}"#, ["volatile_organic_compounds": 250])
        try gives("none", #"{"voc":250,"voc_index":3}"#, [:])
        try gives("plug", #"{"temperature":98.6,"power":1.5,"voltage":230,"power_factor":97}"#, ["temperature": 37, "power": 1_500, "voltage": 230, "power_factor": 97])
        try gives("plug", #"{"voltage":2300,"battery":50}"#, [:])
        try gives("sensor", #"{"voltage":3005,"pressure":101.3,"formaldehyd":30}"#, ["voltage": 3.005, "atmospheric_pressure": 1_013, "formaldehyde": 0.03])
        try gives("strange", #"{"temperature":20,"humidity":40}"#, ["humidity": 40])
        for payload in [#"{"illuminance":24669,"illuminance_lux":293}"#, #"{"illuminance_lux":293,"illuminance":24669}"#] { try gives("raw", payload, ["illuminance": 293]) }
        try gives("raw", #"{"illuminance":24669}"#, [:])
        try gives("lux", #"{"illuminance":12}"#, ["illuminance": 12])
        #expect(home.notUnderstood("voc") == ["Zigbee2MQTT names no unit for it."])
        #expect(home.notUnderstood("temperature").count == 1 && home.notUnderstood("illuminance").count == 1)
    }

    /// Both exposed with a unit: the figure in lux is preferred, in whichever order they come.
    @Test mutating func whatGivesWayStillDoes() throws {
        try home.hear([Self.device(1, "l", [Self.numeric("illuminance", "lx"), Self.numeric("illuminance_lux", "lx")])])
        for payload in [#"{"illuminance":7,"illuminance_lux":293}"#, #"{"illuminance_lux":293,"illuminance":7}"#] {
            #expect(try home.decode("l", payload).values == ["illuminance": .number(293)])
        }
    }

    @Test mutating func onlyWhatIsPublishedAndNoSettingCounts() throws {
        let climate = #"{"type":"climate","features":["# + [Self.numeric("local_temperature", "°C", access: 5), Self.numeric("occupied_heating_setpoint", "°C", access: 7)].joined(separator: ",") + "]}"
        let composite = #"{"type":"composite","name":"outside","property":"outside","access":1,"features":["# + Self.numeric("temperature", "°C") + "]}"
        let cover = #"{"type":"cover","features":["# + Self.binary("state", on: "\"OPEN\"", off: "\"CLOSE\"", access: 7) + "]}"
        try home.hear([
            Self.device(1, "x", [
                climate, composite, cover, Self.numeric("temperature", "°C", access: 2), Self.binary("occupancy", access: 7, more: #","category":"config""#),
                Self.numeric("gas", "ppm"), Self.values("presence", ["far", "near"]), Self.numeric("battery", "%", more: #","category":"diagnostic""#),
                Self.binary("tamper", on: "false", off: "true"), Self.binary("contact", on: "false", off: "true"), Self.binary("smoke", on: "\"fire\"", off: "\"clear\""),
                #"{"type":"list","name":"humidity","property":"humidity","access":1,"item_type":{"type":"numeric"}}"#, "7", "{}", #"{"type":"light","features":7}"#,
            ])
        ])
        #expect(home.declares("x") == ["temperature", "battery", "tamper", "opening", "smoke"])
        let all = #"{"local_temperature":21,"temperature":60,"occupancy":true,"gas":3,"presence":"far","battery":7,"tamper":false,"contact":false,"smoke":"fire","humidity":[1],"outside":{"temperature":2},"state":"OPEN"}"#
        let decoded = try home.decode("x", all)
        #expect(decoded.outcome == .readings)
        #expect(decoded.values == ["temperature": .number(21), "battery": .number(7), "tamper": .boolean(true), "opening": .boolean(true), "smoke": .boolean(true)])
        #expect(try home.decode("x", #"{"tamper":true,"contact":true,"smoke":"clear"}"#).values == ["tamper": .boolean(false), "opening": .boolean(false), "smoke": .boolean(false)])
        #expect(home.notUnderstood("gas") == ["It is a number, where yes or no was expected."])
        #expect(home.notUnderstood("presence") == ["None of its values is one that the profile knows."])
    }

    @Test mutating func timesAndAvailability() throws {
        try home.hear([Self.device(1, "first floor/door", [Self.binary("contact", on: "false", off: "true")])])
        let decoded = try home.decode("first floor/door", #"{"contact":true,"last_seen":"2024-11-23T15:14:42+01:00"}"#)
        #expect(decoded.readings.first?.deviceTime == Instant(milliseconds: 1_732_371_282_000))
        for (payload, isOnline) in [("online", true), ("offline", false), (#"{"state":"online"}"#, true), (#"{"state":"offline"}"#, false)] {
            #expect(try home.decode("first floor/door/availability", payload).outcome == .availability(isOnline))
        }
        let route = try home.route("first floor/door/availability")
        #expect(route.role == .availability && route.identity == "0x00158d001000001" && route.device == "zigbee2mqtt/first floor/door")
        #expect(try home.decode("first floor/door/availability", "yes").reason != nil)
    }

    // MARK: Who is who

    @Test mutating func aRenamedDeviceStaysItself() throws {
        let exposes = [Self.numeric("temperature", "°C")]
        try home.hear([Self.device(1, "kitchen", exposes)])
        let before = try home.route("kitchen")
        let news = try home.hear([Self.device(1, "pantry", exposes)])
        #expect(news.isChanged)
        let after = try home.route("pantry")
        #expect(before.identity == after.identity && after.device == "zigbee2mqtt/pantry")
        #expect(home.announced.devices.map(\.address) == ["zigbee2mqtt/pantry"])
        #expect(try home.route("kitchen").identity == nil, "nobody's now")
    }

    @Test mutating func twoDevicesMaySwapNames() throws {
        try home.hear([Self.device(1, "left", [Self.numeric("temperature", "°C")]), Self.device(2, "right", [Self.numeric("temperature", "°F")])])
        let (left, right) = (try home.route("left").identity, try home.route("right").identity)
        try home.hear([Self.device(1, "right", [Self.numeric("temperature", "°C")]), Self.device(2, "left", [Self.numeric("temperature", "°F")])])
        #expect(try home.route("left").identity == right && home.route("right").identity == left && left != right)
        #expect(try home.decode("left", #"{"temperature":50}"#).values == ["temperature": .number(10)])
    }

    @Test mutating func whatIsNotKnownIsAnnouncedAndSaid() throws {
        let unsupported = #"{"ieee_address":"0x00169a00022256da","type":"Router","supported":false,"friendly_name":"odd","definition":null,"model_id":"X9","manufacturer":"Nobody","interview_completed":true}"#
        let asking = #"{"ieee_address":"0x00169a00022256db","type":"EndDevice","supported":false,"friendly_name":"","definition":null,"interviewing":true,"interview_completed":false}"#
        let off = Self.device(3, "off", [Self.numeric("temperature", "°C")], more: #""disabled":true,"#)
        let news = try home.hear([Self.coordinator, unsupported, asking, off])
        #expect(news.devices.map(\.address) == ["zigbee2mqtt/odd", "zigbee2mqtt/0x00169a00022256db", "zigbee2mqtt/off"])
        #expect(news.devices.first?.model == "Nobody X9")
        #expect(news.notUnderstood.map(\.reason) == ["Zigbee2MQTT does not know this device, so what it sends is read by its names alone.", "Zigbee2MQTT has not finished asking this device what it is."])
        #expect(try home.route("odd").identity == "0x00169a00022256da")
        #expect(try home.decode("odd", #"{"contact":false,"voltage":3005,"battery":9}"#).values == ["opening": .boolean(true), "voltage": .number(3.005), "battery": .number(9)])
        #expect(try home.decode("off", #"{"temperature":3}"#).values.count == 1)
    }

    @Test mutating func groupsAreKnownAndSilent() throws {
        try home.hear([Self.device(1, "lamp", [Self.binary("smoke")])])
        let news = try home.hear(list: #"[{"id":1,"friendly_name":"all lamps","members":[{"ieee_address":"0x1","endpoint":1}],"scenes":[]},{"id":2},{"id":3,"friendly_name":"bridge/state"}]"#, topic: "zigbee2mqtt/bridge/groups")
        #expect(news.isKept && news.devices.isEmpty && news.reason == nil)
        #expect(home.announced.devices.map(\.address) == ["zigbee2mqtt/lamp"])
        for topic in ["all lamps", "all lamps/availability"] {
            let route = try home.route(topic)
            #expect(route.role == .ignored && !route.isDevice)
            #expect(try home.decode(topic, #"{"smoke":true,"state":"ON"}"#).outcome == .nothing)
        }
        #expect(try home.route("bridge/state").role == .bridge)
        #expect(try home.decode("another", #"{"smoke":true}"#).values.count == 1)
    }

    @Test mutating func theOwnersWordBeatsTheDevices() throws {
        let base = try String(contentsOfFile: packageRoot + "/devices/zigbee2mqtt/zigbee2mqtt.yaml", encoding: .utf8)
        let own = "topic: zigbee2mqtt/my air\nexpected: 1h\nrepeats: 9s\nignore: [humidity]\nproperties:\n  voc: {quantity: volatile_organic_compounds, category: safety, unit: ug/m3}\n  extra: {quantity: smoke, category: safety}\n"
        let files = try TemporaryProfiles([("zigbee2mqtt/a.yaml", base), ("zigbee2mqtt/own.yaml", own)])
        var home = Home(try Catalogue.load(folder: files.folder))
        let exposes = [Self.numeric("voc", "ppb"), Self.numeric("humidity", "%"), Self.numeric("temperature", "°F")]
        try home.hear([Self.device(1, "my air", exposes), Self.device(2, "other", exposes)])
        let payload = #"{"voc":250,"humidity":40,"temperature":98.6,"extra":true}"#
        #expect(try home.decode("my air", payload).values == ["volatile_organic_compounds": .number(250), "temperature": .number(37), "smoke": .boolean(true)])
        #expect(try home.decode("other", payload).values == ["volatile_organic_compounds_parts": .number(0.25), "temperature": .number(37), "humidity": .number(40)])
        let route = try home.route("my air")
        #expect(route.expected == .hours(1) && route.repeatsWithin == .seconds(9) && route.identity != nil)
        #expect(try home.route("other").expected == .hours(25))
        #expect(home.declares("my air") == ["volatile_organic_compounds", "smoke", "temperature"])
    }

    // MARK: Broken lists

    @Test(arguments: [
        ("{}", "not a JSON list"), ("7", "not a JSON list"), ("null", "not a JSON list"), ("online", "not valid JSON"), ("[", "not valid JSON"),
        ("[{]", "not valid JSON"), ("[{}]x", "not valid JSON"), (String(repeating: "[", count: 64), "nested"),
        ("[" + String(repeating: "0,", count: 500_001) + "0]", "values"), ("[" + String(repeating: "{},", count: 20_000) + "{}]", "more than 20000 devices"),
        ("\"" + String(repeating: "a", count: 4 * 1_024 * 1_024) + "\"", "MiB"),
    ])
    mutating func aBrokenListIsRefused(list: String, reason: String) throws {
        try home.hear([Self.device(1, "lamp", [Self.binary("smoke")])])
        let news = try home.hear(list: list)
        #expect(news.reason?.contains(reason) == true, "\(news.reason ?? "")")
        #expect(!news.isKept && news.devices.isEmpty)
        if reason == "not a JSON list" { #expect(try home.hear(list: list, topic: "zigbee2mqtt/bridge/groups").reason?.contains("groups is not a JSON list") == true) }
    }

    @Test mutating func bytesThatAreNoTextAreRefused() throws {
        let route = try #require(home.catalogue.route(topicBelowHome: "zigbee2mqtt/bridge/devices"))
        let bytes = Array(#"[{"friendly_name":""#.utf8) + [0xFF, 0xFE] + Array(#""}]"#.utf8)
        let news = bytes.withUnsafeBytes { home.announced.take(route, topic: "zigbee2mqtt/bridge/devices", payload: $0, home.catalogue, topics: HomeTopics(home: nil)) }
        #expect(news.reason?.contains("UTF-8") == true)
    }

    @Test mutating func faultyEntriesDoNotHarmTheOthers() throws {
        let smoke = [Self.binary("smoke")]
        let long = String(repeating: "n", count: 300)
        let news = try home.hear([
            "7", "{}", #"{"ieee_address":"kitchen"}"#, #"{"ieee_address":7}"#, Self.device(1, "a", smoke), Self.device(1, "again", smoke), Self.device(2, "a", smoke),
            Self.device(3, "bridge/devices", smoke), Self.device(4, "a/set", smoke), Self.device(5, "#", smoke), Self.device(6, long, smoke), Self.device(7, "b", smoke),
            #"{"ieee_address":"0x8","friendly_name":"c","definition":{"exposes":7}}"#,
        ])
        #expect(news.isKept && news.reason == nil)
        #expect(try home.decode("a", #"{"smoke":true}"#).values.count == 1)
        #expect(try home.decode("b", #"{"smoke":true}"#).values.count == 1)
        #expect(try home.decode("c", #"{"smoke":true}"#).outcome == .nothing)
        #expect(try home.route("a").identity == "0x00158d001000001")
        #expect(try home.route("bridge/devices").role == .announcement)
        #expect(try home.route("a/set").role == .ignored)
        #expect(home.announced.devices.allSatisfy { $0.identity != nil }, "the bridge is no device")
        let reasons = Dictionary(grouping: news.notUnderstood.map(\.reason)) { $0 }.mapValues(\.count)
        #expect(reasons["An entry of the list has no ieee_address of a device."] == 4)
        #expect(reasons["The list names an ieee_address twice."] == 1)
        #expect(reasons["Another device of the list has the same name."] == 1)
        #expect(reasons["Its name is one of the bridge's own topics, or too long."] == 4)
    }

    /// Damaged lists, and messages afterwards: nothing crashes, and what is refused leaves nothing behind.
    @Test mutating func noListCrashes() throws {
        print("lists: seed \(FuzzTests.seed)")
        var generator = SeededGenerator(seed: FuzzTests.seed)
        let whole = Array(("[" + [
            Self.coordinator, Self.device(1, "a", [Self.binary("contact", on: "false", off: "true"), Self.numeric("voc", "ppb"), Self.values("action", ["single"])]),
            Self.device(2, "b/c", [#"{"type":"lock","endpoint":"l1","features":["# + Self.binary("state_l1", on: "\"LOCK\"", off: "\"UNLOCK\"") + "]}"]),
        ].joined(separator: ",") + "]").utf8)
        let joints = Array("{}[]\",:\\u0eE+-.truefalsn \u{0}".utf8)
        let route = try #require(home.catalogue.route(topicBelowHome: "zigbee2mqtt/bridge/devices"))
        var kept = 0
        for round in 0..<5_000 {
            var bytes = whole
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
            case 1: for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator) }
            default: for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &generator)] = joints.randomElement(using: &generator) ?? 0 }
            }
            let topic = round % 2 == 0 ? "zigbee2mqtt/bridge/devices" : "zigbee2mqtt/bridge/groups"
            let own = round % 2 == 0 ? route : try #require(home.catalogue.route(topicBelowHome: topic))
            let news = bytes.withUnsafeBytes { home.announced.take(own, topic: topic, payload: $0, home.catalogue, topics: HomeTopics(home: nil)) }
            if news.isKept { kept += 1 } else { #expect(bytes.isEmpty || news.reason != nil) }
            for device in news.devices { #expect(!device.address.isEmpty && device.address.utf8.count <= Route.deviceBytesMax && device.identity != nil) }
            _ = try? home.decode("a", #"{"contact":true,"voc":3,"action":"single","state_l1":"LOCK"}"#)
        }
        print("lists: \(kept) damaged ones still counted")
        #expect(kept > 100)
    }

    @Test(arguments: [
        ("repeats: x", "repeats"), ("with_unit: {voc: [{quantity: volatile}]}", "quantity"), ("described: [{words: [a]}]", "properties"),
        ("described: [{word: [a]}]", "word"), ("need_unit: [a]", "need_unit"),
    ])
    func typingErrorsAreToldWithTheirLine(line: String, part: String) throws {
        let text = "topic: zigbee2mqtt/#\n\(line)\nproperties:\n  sos: {quantity: sos, category: safety}\n"
        let files = try TemporaryProfiles([("zigbee2mqtt/a.yaml", text)])
        let error = #expect(throws: ProfileError.self) { try Catalogue.load(folder: files.folder) }
        #expect(error?.message.contains(part) == true && (error?.line ?? 0) > 0, "\(error?.description ?? "")")
    }

    // MARK: Size

    static let usual = [
        numeric("temperature", "°C"), numeric("humidity", "%"), numeric("pressure", "hPa"), numeric("battery", "%"), numeric("voltage", "mV"), numeric("linkquality", "lqi"),
    ]

    @Test mutating func twoHundredDevicesInOneMessage() throws {
        let bulk = #""scenes":[\#((0..<60).map { #"{"id":\#($0),"name":"A scene"}"# }.joined(separator: ","))],"#
        let list = (0..<200).map { Self.device($0, "room \($0)/climate", Self.usual, more: bulk) }
        let text = "[" + list.joined(separator: ",") + "]"
        #expect(text.utf8.count > 400_000)
        let clock = ContinuousClock()
        var news: Announced.News?
        let took = try clock.measure { news = try home.hear(list: text) }
        print("zigbee2mqtt: 200 devices in \(text.utf8.count) bytes were read in \(took)")
        #expect(news?.devices.count == 200 && news?.notUnderstood.isEmpty == true)
        #expect(try home.decode("room 199/climate", #"{"temperature":1,"humidity":2,"pressure":3,"battery":4,"voltage":5000}"#).readings.count == 5)
        #expect(try home.hear(list: text).isChanged == false, "said again")
    }

    /// Prints what a message costs in a home that has announced very much. No figure fails it.
    @Test mutating func aMessageAmongTenThousandAnnouncedDevices() throws {
        let exposes = [Self.numeric("temperature", "°C"), Self.numeric("humidity", "%"), Self.numeric("battery", "%")]
        let text = "[" + (0..<10_000).map { number in
            #"{"ieee_address":"0x\#(String(0x158d_0000_0000 + number, radix: 16))","friendly_name":"d\#(number)","definition":{"exposes":[\#(exposes.joined(separator: ","))]}}"#
        }.joined(separator: ",") + "]"
        try #require(text.utf8.count < Announced.announcementBytesMax)
        let clock = ContinuousClock()
        var count = 0
        let took = try clock.measure { count = try home.hear(list: text).devices.count }
        #expect(count == 10_000)
        let payload = Array(#"{"battery":87,"humidity":38.41,"linkquality":255,"temperature":22.66,"voltage_x":12345678}"#.utf8)
        #expect((88...92).contains(payload.count))
        var routes: [Route] = []
        let lookedUp = try clock.measure { routes = try (0..<10_000).map { try home.route("d\($0)") } }
        var readings: [DecodedReading] = []
        readings.reserveCapacity(16)
        var given = 0
        let rounds = 20
        let decoded = payload.withUnsafeBytes { bytes in
            clock.measure {
                for _ in 0..<rounds {
                    for route in routes {
                        readings.removeAll(keepingCapacity: true)
                        _ = home.catalogue.decode(route, payload: bytes, arrivedAt: arrival, into: &readings)
                        given += readings.count
                    }
                }
            }
        }
        #expect(given == 3 * rounds * routes.count)
        let guess = try #require(home.catalogue.route(topicBelowHome: "zigbee2mqtt/x"))
        let guessed = payload.withUnsafeBytes { bytes in
            clock.measure {
                for _ in 0..<rounds * routes.count {
                    readings.removeAll(keepingCapacity: true)
                    _ = home.catalogue.decode(guess, payload: bytes, arrivedAt: arrival, into: &readings)
                }
            }
        }
        print("zigbee2mqtt: 10 000 announced devices (\(text.utf8.count) bytes) read in \(took), looked up in \(lookedUp); "
            + "a message of \(payload.count) bytes \(decoded / (rounds * routes.count)), not announced \(guessed / (rounds * routes.count))")
    }
}
