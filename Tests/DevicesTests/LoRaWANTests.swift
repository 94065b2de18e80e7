import Care
import Testing

@testable import Devices

@Suite struct LoRaWANTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    func up(_ decoded: String, model: String = "", device: String = "a") throws -> Decoded {
        let version = model.isEmpty ? "" : #","version_ids":{"brand_id":"x","model_id":"\#(model)"}"#
        return try catalogue.decode("v3/app/devices/\(device)/up", #"{"uplink_message":{"decoded_payload":\#(decoded)\#(version)}}"#)
    }

    @Test func oneDeviceHasOneAddressOnAllItsTopics() throws {
        for rest in ["up", "up/normalized", "join", "location/solved"] {
            let route = try #require(catalogue.route(topicBelowHome: "v3/app@tenant/devices/my-pendant/" + rest))
            #expect(route.device == "lorawan/app/my-pendant" && route.role == .readings && route.expected == .hours(25))
        }
        for rest in ["down/push", "down/queued", "down/sent", "down/ack", "down/nack", "down/failed", "service/data"] {
            let route = try #require(catalogue.route(topicBelowHome: "v3/app@tenant/devices/my-pendant/" + rest))
            #expect(route.device == "lorawan/app/my-pendant" && route.role == .ignored)
        }
        // The same, whichever network server it is heard through.
        #expect(catalogue.route(topicBelowHome: "v3/app/devices/eui-0004a30b001c0530/up")?.device == "lorawan/0004A30B001C0530")
        #expect(catalogue.route(topicBelowHome: "application/5/device/0004a30b001c0530/event/up")?.device == "lorawan/0004A30B001C0530")
        #expect(catalogue.route(topicBelowHome: "application/5/device/0004A30B001C0530/rx")?.device == "lorawan/0004A30B001C0530")
        #expect(catalogue.route(topicBelowHome: "v3/app/devices/eui-short/up")?.device == "lorawan/app/eui-short")
        for rest in ["event/ack", "event/txack", "event/log", "event/error", "event/integration", "command/down", "tx"] {
            #expect(catalogue.route(topicBelowHome: "application/5/device/0004a30b001c0530/" + rest)?.role == .ignored)
        }
        for topic in ["v3", "v3/app", "v3/app/devices/a", "v3/app/device/a/up", "v3//devices/a/up", "v3/app/devices//up", "application/1/node/a/rx", "application/1/device/a/event"] {
            #expect(catalogue.route(topicBelowHome: topic) == nil)
        }
    }

    /// The model is found by what the device repository calls it, its device profile, or its id.
    @Test func aModelIsFoundByItsNames() throws {
        let message = #"{"battery":50,"press":"short"}"#
        let wanted: [String: Value] = ["battery": .number(50), "button_single": .boolean(true)]
        #expect(try up(message).values.isEmpty)
        for model in ["ws101", "WS101", "ws101-868m"] { #expect(try up(message, model: model).values == wanted) }
        #expect(try up(message, device: "kitchen-ws101").values == wanted)
        #expect(try up(message, device: "ws1012").values.isEmpty)
        #expect(try up(message, device: "ws10").values.isEmpty)
        #expect(try up(message, model: "ws101-sos").values == ["battery": .number(50), "sos": .boolean(true)])
        // The surer name counts.
        #expect(try up(message, model: "ws101", device: "ws101-sos").values == wanted)
        let chirpStack = #"{"object":\#(message),"deviceInfo":{"deviceProfileName":"Milesight - WS_101 (EU)"}}"#
        #expect(try catalogue.decode("application/1/device/0102030405060708/event/up", chirpStack).values == wanted)
    }

    /// Names that mean one thing with one device and another with the next.
    @Test(arguments: [
        #"{"battery":3.6}"#, #"{"battery":92}"#, #"{"batteryLevel":193}"#, #"{"pressure":101.3}"#, #"{"occupied":true}"#, #"{"alarm":1}"#,
        #"{"ALARM":"TRUE"}"#, #"{"status":1}"#, #"{"state":"open"}"#, #"{"light":"dark"}"#, #"{"rssi":-90,"snr":7}"#, #"{"history":[{"temperature":20}]}"#,
        #"{"temperature":327.67}"#, #"{"temperature":null,"humidity":255}"#, #"{"latitude":0,"longitude":0}"#, #"{"latitude":52.5}"#,
        #"{"latitude":200,"longitude":13.4}"#, #"{"sos":false,"fall":0}"#, "{}", #"{"pir":"unknown"}"#,
    ])
    func theseSayNothing(decoded: String) throws {
        let result = try up(decoded)
        #expect(result.outcome == .nothing && result.readings.isEmpty)
    }

    @Test func eventsHappenOrAreNotThere() throws {
        for payload in ["true", "1", #""TRUE""#, #""pressed""#] { #expect(try up(#"{"sos":\#(payload)}"#).values == ["sos": .boolean(true)]) }
        for payload in ["false", "0", #""FALSE""#, #""normal""#, "null", #""""#] { #expect(try up(#"{"sos":\#(payload)}"#).outcome == .nothing) }
        for payload in ["7", #""hm""#, "[]"] { #expect(try up(#"{"sos":\#(payload)}"#).reason != nil) }
        #expect(try up(#"{"ALARM_status":"TRUE"}"#, model: "lgt92").values == ["sos": .boolean(true)])
        #expect(try up(#"{"ALARM_status":"FALSE"}"#, model: "lgt92").outcome == .nothing)
        #expect(try up(#"{"sosFlag":1,"batteryLevel":42}"#, model: "abeeway-micro-tracker").values == ["sos": .boolean(true)])
    }

    @Test func bytesThatNobodyDecodedAreReported() throws {
        func reason(_ uplink: String) throws -> String? { try catalogue.decode("v3/a/devices/b/up", #"{"uplink_message":\#(uplink)}"#).reason }
        #expect(try reason(#"{"f_port":2,"frm_payload":"AQ=="}"#)?.contains("codec") == true)
        #expect(try reason(#"{"frm_payload":"AQ=="}"#)?.contains("codec") == true)
        #expect(try reason(#"{"f_port":0,"frm_payload":"AQ=="}"#) == nil)
        #expect(try reason(#"{"f_port":2,"frm_payload":""}"#) == nil)
        #expect(try reason(#"{"f_port":2,"frm_payload":"AQ==","decoded_payload":{}}"#) == nil)
        #expect(try catalogue.decode("application/1/device/0102030405060708/event/up", #"{"fPort":2,"data":"AQ=="}"#).reason != nil)
    }

    @Test func theServersTimeIsTaken() throws {
        func time(_ message: String) throws -> Int64? { try catalogue.decode("v3/a/devices/b/up", message).readings.first?.deviceTime?.milliseconds }
        let decoded = #""decoded_payload":{"temperature":1}"#
        #expect(try time(#"{"received_at":"1970-01-01T00:00:01Z","uplink_message":{\#(decoded),"received_at":"1970-01-01T00:00:02Z","settings":{"time":"1970-01-01T00:00:03Z"}}}"#) == 1_000)
        #expect(try time(#"{"uplink_message":{\#(decoded),"received_at":"1970-01-01T00:00:02Z","settings":{"time":"1970-01-01T00:00:03Z"}}}"#) == 2_000)
        #expect(try time(#"{"uplink_message":{\#(decoded),"settings":{"time":"1970-01-01T00:00:03Z"}}}"#) == 3_000)
        #expect(try time(#"{"uplink_message":{\#(decoded)}}"#) == nil)
        #expect(try time(#"{"received_at":"1970-01-01T02:00:01.681910909+02:00","uplink_message":{\#(decoded)}}"#) == 1_681)
        #expect(try time(#"{"result":{"received_at":"1970-01-01T00:00:01Z","uplink_message":{\#(decoded)}}}"#) == 1_000)
    }

    @Test func whatTheDeviceSaysCountsBeforeTheCommonForm() throws {
        let both = #"{"uplink_message":{"decoded_payload":{"temperature":21.25},"normalized_payload":[{"air":{"temperature":21,"relativeHumidity":40}},{"water":{"leak":"no leak"}},7]}}"#
        #expect(try catalogue.decode("v3/a/devices/b/up", both).values == ["temperature": .number(21.25), "humidity": .number(40), "moisture": .boolean(false)])
        // In the common form "battery" is volts: 3.6 is no empty battery.
        #expect(try catalogue.decode("v3/a/devices/b/up", #"{"uplink_message":{"normalized_payload":[{"battery":3.6}]}}"#).values == ["voltage/battery": .number(3.6)])
    }

    @Test func theServersBatteryCountsWhereTheDeviceSaysNone() throws {
        let last = #""last_battery_percentage":{"value":40,"received_at":"1970-01-01T00:00:05Z"}"#
        let decoded = try catalogue.decode("v3/a/devices/b/up", #"{"received_at":"1970-01-01T00:00:09Z","uplink_message":{\#(last)}}"#)
        #expect(decoded.values == ["battery": .number(40)])
        #expect(decoded.readings.first?.deviceTime?.milliseconds == 5_000)
        #expect(try catalogue.decode("v3/a/devices/ws101/up", #"{"uplink_message":{\#(last),"decoded_payload":{"battery":41}}}"#).values == ["battery": .number(41)])
        for status in [#"{"batteryLevel":255}"#, #"{"batteryLevel":-1}"#, #"{"batteryLevel":50,"externalPowerSource":true}"#, #"{"batteryLevelUnavailable":true}"#] {
            #expect(try catalogue.decode("application/1/device/0102030405060708/event/status", status).outcome == .nothing)
        }
    }

    @Test(arguments: ["", "{", "[]", "7", "{}x", #"{"uplink_message":{"decoded_payload":{"temperature":}}}"#, "\u{FEFF}{}"])
    func whatIsMalformedGivesNothing(payload: String) throws {
        let decoded = try catalogue.decode("v3/a/devices/b/up", payload)
        #expect(decoded.readings.isEmpty)
        #expect(payload.isEmpty ? decoded.outcome == .nothing : decoded.reason != nil)
    }

    @Test func depthHasALimit() throws {
        for (open, close) in [(#"{"result":"#, "}"), (#"{"a":"#, "}"), ("[", "]")] {
            let deep = String(repeating: open, count: 64) + "1" + String(repeating: close, count: 64)
            #expect(try catalogue.decode("v3/a/devices/b/up", deep).reason != nil)
            #expect(try up(deep).reason != nil)
        }
    }

    @Test func ownersAddModelsAndTopics() throws {
        let files = try TemporaryProfiles([
            ("lorawan/a.yaml", "topic: [radio/ttn/+/devices/#]\nproperties: {t: {quantity: temperature, category: safety, unit: Cel}}"),
            ("lorawan/b.yaml", "model: gizmo\nproperties: {t: {quantity: temperature, category: safety, unit: degF}, red: {quantity: sos, category: safety}}"),
        ])
        let catalogue = try Catalogue.load(folder: files.folder)
        #expect(try catalogue.decode("radio/ttn/app/devices/x/up", #"{"uplink_message":{"decoded_payload":{"t":20}}}"#).values == ["temperature": .number(20)])
        #expect(try catalogue.decode("radio/ttn/app/devices/my-gizmo/up", #"{"uplink_message":{"decoded_payload":{"t":212,"red":1}}}"#).values == ["temperature": .number(100), "sos": .boolean(true)])
        for text in ["topic: v3/#", "topic: [a]", "model: a\nproperties: {}", "model: abc\ntopic: v3/+/devices/#", "models: abc", "expected: 5\ntopic: v3/+/devices/#"] {
            let bad = try TemporaryProfiles([("lorawan/a.yaml", text)])
            #expect(throws: ProfileError.self) { try Catalogue.load(folder: bad.folder) }
        }
    }
}
