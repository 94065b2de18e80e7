import Care
import Foundation
import Testing

@testable import Devices

/// What one message becomes, the device of a shared topic looked up.
func tried(_ topic: String?, _ payload: String, convention: String? = nil, _ catalogue: Catalogue) -> Trial.Result {
    var trial = Trial(catalogue)
    return Array(payload.utf8).withUnsafeBytes { trial.take(topic: topic, convention: convention, payload: $0, arrivedAt: arrival) }
}

extension Trial.Result {
    /// As in `Decoded`.
    var values: [String: Value] {
        Dictionary(
            readings.map { ($1.channel.isEmpty ? $1.quantity.name : "\($1.quantity.name)/\($1.channel)", $1.value) }
        ) { $1 }
    }
}

@Suite struct TasmotaTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    @Test(arguments: [
        ("tele/kettle/SENSOR", "tasmota/kettle"), ("kettle/tele/SENSOR", "tasmota/kettle"),
        ("tele/first floor/kettle/SENSOR", "tasmota/first floor/kettle"),
        ("tasmota/tele/kettle/STATE", "tasmota/tasmota/kettle"), ("stat/kettle/STATUS8", "tasmota/kettle"),
    ])
    func thePrefixMayStandAnywhere(topic: String, device: String) throws {
        let route = try #require(catalogue.route(topicBelowHome: topic))
        #expect(route.convention == "tasmota" && route.device == device && route.role == .readings)
        #expect(route.expected == .minutes(65))
    }

    @Test(arguments: ["tele/kettle", "tele/SENSOR", "tele//SENSOR", "tele/kettle/sensor", "kettle/SENSOR", "tele/kettle/", "stat/a/POWERFUL"])
    func otherTopicsAreNotKnown(topic: String) { #expect(catalogue.route(topicBelowHome: topic) == nil) }

    /// The same sensor is the same series, whatever else the device has, and whichever of them fails.
    @Test func aSeriesDoesNotDependOnItsNeighbours() throws {
        let alone = tried("tele/a/SENSOR", #"{"DHT11":{"Temperature":20}}"#, catalogue)
        let both = tried("tele/a/SENSOR", #"{"DS18B20":{"Id":"AA","Temperature":4},"DHT11":{"Temperature":20}}"#, catalogue)
        #expect(alone.values == ["temperature/DHT11": .number(20)])
        #expect(both.values == ["temperature/DHT11": .number(20), "temperature/AA": .number(4)])
    }

    @Test func anAddressStaysWhenNumbersChange() {
        let before = tried("tele/a/SENSOR", #"{"DS18B20-2":{"Id":"BB","Temperature":4}}"#, catalogue)
        let after = tried("tele/a/SENSOR", #"{"DS18B20":{"Temperature":4,"Id":"BB"}}"#, catalogue)
        #expect(before.values == ["temperature/BB": .number(4)])
        #expect(after.values == before.values)
    }

    static let speeds: [(String, Double)] = [
        ("km/h", 36), ("m/s", 10), ("kn", 19.438444924), ("mph", 22.369362921), ("ft/s", 32.808398950), ("yd/s", 10.936132983),
    ]

    @Test(arguments: speeds)
    func theUnitOfSpeedIsTheMessages(unit: String, sent: Double) throws {
        let result = tried("tele/a/SENSOR", #"{"TX23":{"Speed":{"Act":\#(sent)}},"SpeedUnit":"\#(unit)"}"#, catalogue)
        let speed = try #require(result.values["wind_speed/TX23"]?.asNumber)
        #expect(abs(speed - 10) < 1e-6)
    }

    /// Before or behind, and in the envelope of an answer.
    @Test func theUnitMayStandAnywhere() {
        for payload in [
            #"{"TempUnit":"F","A":{"Temperature":50}}"#, #"{"A":{"Temperature":50},"TempUnit":"F"}"#,
            #"{"StatusSNS":{"A":{"Temperature":50},"TempUnit":"F"}}"#,
        ] {
            #expect(tried("tele/a/SENSOR", payload, catalogue).values == ["temperature/A": .number(10)])
        }
    }

    /// A unit that is not known spoils what it governs and nothing else.
    @Test func anUnknownUnitIsAnError() {
        let result = tried("tele/a/SENSOR", #"{"A":{"Temperature":50,"Humidity":40},"TempUnit":"R"}"#, catalogue)
        #expect(!result.isUnderstood && result.values == ["humidity/A": .number(40)])
    }

    @Test func whatIsNoSensorGivesNothing() {
        for payload in [
            #"{"Time":"2026-01-01T00:00:00","Uptime":"0T01","Vcc":3.3,"Wifi":{"RSSI":80,"Signal":-60},"Switch1":"ON"}"#,
            #"{"LD2410":{"Energy":[1,2,3]},"BME680":{"Gas":120.5},"HX711":{"Weight":71}}"#, #"{"DHT11":{"Temperature":null}}"#,
        ] {
            let result = tried("tele/a/SENSOR", payload, catalogue)
            #expect(result.readings.isEmpty && result.isUnderstood, "\(payload)")
        }
    }

    @Test func noTimeIsTakenFromAClockWithoutZone() {
        let result = tried("tele/a/SENSOR", #"{"Time":"2026-01-01T00:00:00","ENERGY":{"Power":1}}"#, catalogue)
        #expect(result.readings.map(\.reading.deviceTime) == [nil])
    }

    @Test func aDeviceMayHaveAProfileOfItsOwnAndOtherPrefixes() throws {
        let files = try TemporaryProfiles([
            ("tasmota/hall.yaml", """
                - topic: t/hall/SENSOR
                  prefixes: {telemetry: t}
                  device: tasmota/hall
                  expected: 10m
                  properties: {Switch1: {quantity: motion, category: family}}
                """)
        ])
        let catalogue = try Catalogue.load(folders: [packageRoot + "/devices", files.folder])
        #expect(catalogue.route(topicBelowHome: "t/hall/SENSOR")?.expected == .minutes(10))
        #expect(tried("t/hall/SENSOR", #"{"Switch1":"ON","A":{"Humidity":4}}"#, catalogue).values == ["motion": .boolean(true), "humidity/A": .number(4)])
        #expect(tried("t/other/SENSOR", #"{"Switch1":"ON"}"#, catalogue).values == [:])
    }

    /// What an owner writes for all devices counts over ours.
    @Test func aProfileForAllMayBeAddedTo() throws {
        let files = try TemporaryProfiles([
            ("tasmota/x.yaml", "{topic: '#', expected: 2h, ignore: ['*.Humidity'], properties: {Switch2: {quantity: motion, category: family}}}"),
            ("theengs/x.yaml", "{topic: 'cottage/#', properties: {}}"),
        ])
        let catalogue = try Catalogue.load(folders: [packageRoot + "/devices", files.folder])
        #expect(catalogue.route(topicBelowHome: "tele/a/SENSOR")?.expected == .hours(2))
        let result = tried("tele/a/SENSOR", #"{"Switch2":"ON","A":{"Humidity":4,"Temperature":5}}"#, catalogue)
        #expect(result.values == ["motion": .boolean(true), "temperature/A": .number(5)])
        for base in ["home", "cottage"] {
            #expect(tried("\(base)/g/BTtoMQTT/5CCAD3112233", #"{"model":"m","hum":4}"#, catalogue).values == ["humidity": .number(4)])
        }
        #expect(catalogue.checkSamples().map(\.description).filter { !$0.contains("tasmota") } == [])
    }

    @Test(arguments: [
        ("- {topic: '#', prefixes: {telemetri: t}, properties: {}}", "telemetri"),
        ("- {topic: '#', device: x, properties: {'*.Speed': {quantity: wind_speed, category: safety, unit: m/s}}}", "SpeedUnit"),
        ("- {topic: '#', models: [A], properties: {}}\n- {topic: '#', models: [A], properties: {}}", "already"),
        ("- {topic: '#', device: x, repeats: soon, properties: {}}", "repeats"),
        ("- {topic: '#', device: x, properties: {}}\n- {topic: '#', device: x, properties: {}}", "already"),
    ])
    func mistakesInProfilesAreTold(text: String, part: String) throws {
        let files = try TemporaryProfiles([("tasmota/x.yaml", text)])
        let error = #expect(throws: ProfileError.self) { try Catalogue.load(folders: [packageRoot + "/devices", files.folder]) }
        #expect(error?.message.contains(part) == true && (error?.line ?? 0) > 0, "\(error.map(\.description) ?? "")")
    }
}

@Suite struct ShellyTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    @Test func bothGenerationsHaveOneKindOfAddress() throws {
        for (topic, device) in [
            ("shellies/shelly1-AA11/relay/0", "shelly/shelly1-aa11"), ("shellyplus1-aa11/events/rpc", "shelly/shellyplus1-aa11"),
            ("ShellyWallDisplay-AA11/online", "shelly/shellywalldisplay-aa11"),
        ] {
            let route = try #require(catalogue.route(topicBelowHome: topic))
            #expect(route.device == device && route.isDevice)
        }
    }

    @Test(arguments: ["shellies", "shelly", "shelly1/other/x", "shellies//relay/0", "cshelly/online"])
    func otherTopicsAreNotKnown(topic: String) { #expect(catalogue.route(topicBelowHome: topic) == nil) }

    @Test(arguments: [
        "shellyplus1-a/rpc", "shellyplus1-a/status/sys", "shellyplus1-a/status/unknown:0", "shellyplus1-a/status",
        "shellyplus1-a/status/switch:123456", "shellies/a/relay/0/command", "shellies/a/info", "shellies/a/relay/9999",
    ])
    func whatSaysNothingMakesNoDevice(topic: String) throws {
        let route = try #require(catalogue.route(topicBelowHome: topic))
        #expect(!route.isDevice)
    }

    /// A press that mains devices repeat with every status would hide that nobody is up.
    @Test func onlyAButtonOnABatteryIsBelieved() {
        let payload = #"{"event":"S","event_cnt":2}"#
        #expect(tried("shellies/shellyix3-AA/input_event/0", payload, catalogue).readings.isEmpty)
        #expect(tried("shellies/shellybutton1-AA/input_event/0", payload, catalogue).values == ["button_single": .boolean(true)])
    }

    @Test func eventsHaveTheirOwnTimes() {
        let result = tried(
            "shellyplusi4-a/events/rpc",
            #"{"params":{"events":[{"event":"single_push","component":"input:0","ts":1767225541.5},{"component":"input:1","event":"long_push"}],"ts":1767225549}}"#,
            catalogue)
        #expect(result.values == ["button_single": .boolean(true), "button_hold/1": .boolean(true)])
        #expect(result.readings.map(\.reading.deviceTime?.milliseconds) == [1_767_225_541_500, 1_767_225_549_000])
    }

    @Test func aClockThatWasNotSetIsNone() {
        let result = tried("shellyplus1-a/events/rpc", #"{"params":{"ts":12.5,"switch:0":{"output":true}}}"#, catalogue)
        #expect(result.readings.map(\.reading.deviceTime) == [nil] && result.values == ["power_on": .boolean(true)])
    }

    /// What is not in a delta has not changed, and is no reading.
    @Test func deltasCountForWhatTheyHold() {
        let result = tried("shellypm-a/events/rpc", #"{"params":{"switch:0":{"apower":7},"switch:3":{"aenergy":{"by_minute":[1,2]}}}}"#, catalogue)
        #expect(result.values == ["power": .number(7)])
    }

    @Test func anEmptyBatteryHolderIsNoEmptyBattery() {
        for external in ["true", "false"] {
            let component = #"{"battery":{"percent":0},"external":{"present":\#(external)}}"#
            let whole = tried("shellyht-a/events/rpc", #"{"params":{"devicepower:0":\#(component),"humidity:0":{"rh":4}}}"#, catalogue)
            let alone = tried("shellyht-a/status/devicepower:0", component, catalogue)
            #expect(alone.values == (external == "true" ? [:] : ["battery": .number(0)]))
            #expect(whole.values["battery"] == alone.values["battery"] && whole.values["humidity"] == .number(4))
        }
    }

    @Test func ownersNamePrefixesAndSensors() throws {
        let files = try TemporaryProfiles([
            ("shelly/own.yaml", """
                - topic: kitchen/plug/#
                  device: shelly/kitchen/plug
                  properties:
                    input.state: {quantity: opening, category: security}
                    "bthomesensor:201.value": {quantity: temperature, category: safety, unit: Cel}
                """)
        ])
        let catalogue = try Catalogue.load(folders: [packageRoot + "/devices", files.folder])
        let payload = #"{"params":{"input:0":{"state":true},"bthomesensor:201":{"value":21},"bthomesensor:202":{"value":9},"switch:0":{"output":false}}}"#
        let result = tried("kitchen/plug/events/rpc", payload, catalogue)
        #expect(result.values == ["opening": .boolean(true), "temperature/201": .number(21), "power_on": .boolean(false)])
        #expect(result.readings.first?.device == "shelly/kitchen/plug")
        #expect(tried("kitchen/plug/status/bthomesensor:201", #"{"value":21}"#, catalogue).values == ["temperature/201": .number(21)])
        #expect(tried("shellyplus1-a/events/rpc", payload, catalogue).values == ["power_on": .boolean(false)])
    }
}

@Suite struct RadioTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    /// rtl_433 builds topics by the same rule.
    @Test(arguments: [
        (#"{"model":"A-B","id":7}"#, "rtl_433/A-B/7"), (#"{"id":7,"channel":"B","model":"A B/C"}"#, "rtl_433/A_B_C/B/7"),
        (#"{"model":"M","subtype":"s","type":"t","channel":1,"id":-3}"#, "rtl_433/t/M/s/1/-3"), (#"{"model":"M","id":[1],"channel":null}"#, "rtl_433/M"),
    ])
    func theAddressIsThatOfItsTopics(payload: String, device: String) throws {
        let shared = try #require(catalogue.route(topicBelowHome: "rtl_433/hall/events"))
        #expect(shared.role == .shared && shared.bridge == "rtl_433/hall")
        let route = try #require(Array(payload.utf8).withUnsafeBytes { catalogue.route(shared, payload: $0) })
        #expect(route.device == device && route.bridge == "rtl_433/hall" && route.repeatsWithin == .seconds(2))
        let own = try #require(catalogue.route(topicBelowHome: "rtl_433/hall/devices/\(device.dropFirst(8))/humidity"))
        #expect(own.device == device && own.repeatsWithin == .seconds(2))
    }

    @Test func whatNamesNoModelIsNoDevice() throws {
        let shared = try #require(catalogue.route(topicBelowHome: "rtl_433/hall/events"))
        for payload in ["", "{}", "[]", #"{"model":7"#, #"{"model":"","id":7}"#, #"{"model":null}"#] {
            #expect(Array(payload.utf8).withUnsafeBytes { catalogue.route(shared, payload: $0) } == nil, "\(payload)")
        }
    }

    @Test func carsThatPassAreNoDevices() throws {
        let shared = try #require(catalogue.route(topicBelowHome: "rtl_433/hall/events"))
        let route = Array(#"{"model":"Toyota","id":"a","type":"TPMS","temperature_C":20}"#.utf8).withUnsafeBytes { catalogue.route(shared, payload: $0) }
        #expect(route?.isDevice == false)
    }

    @Test func openMQTTGatewayPublishesTheSame() {
        let result = tried("home/gate/RTL_433toMQTT/Nexus-TH/2/184", #"{"model":"Nexus-TH","id":184,"channel":2,"humidity":44,"rssi":-80}"#, catalogue)
        #expect(result.values == ["humidity": .number(44)] && result.readings.first?.device == "rtl_433/Nexus-TH/2/184")
    }

    @Test func receiversAreBridges() throws {
        #expect(catalogue.route(topicBelowHome: "rtl_433/hall/availability")?.role == .bridge)
        #expect(catalogue.route(topicBelowHome: "home/gate/LWT")?.role == .bridge)
        #expect(catalogue.route(topicBelowHome: "home/gate/other") == nil)
    }

    @Test func aPendantsCodeMayBeACallForHelp() throws {
        let files = try TemporaryProfiles([
            ("rtl_433/pendant.yaml", """
                - topic: rtl_433/#
                  device: rtl_433/Generic-Remote/51041
                  repeats: 5s
                  properties:
                    cmd: {quantity: sos, category: safety, words: {"27": sos}, otherwise: nothing}
                """)
        ])
        let catalogue = try Catalogue.load(folders: [packageRoot + "/devices", files.folder])
        func values(_ id: Int, _ cmd: Int) -> [String: Value] {
            tried("rtl_433/hall/events", #"{"model":"Generic-Remote","id":\#(id),"cmd":\#(cmd)}"#, catalogue).values
        }
        #expect(values(51_041, 27) == ["sos": .boolean(true)])
        #expect(values(51_041, 1) == [:] && values(7, 27) == [:])
    }

    static let heard: [(String, String, Bool)] = [
        (#"{"mac_type":0,"tempc":1}"#, "4C65A8112233", true), (#"{"mac_type":1,"tempc":1}"#, "CC65A8112233", false),
        (#"{"mac_type":1,"model":"m","tempc":1}"#, "CC65A8112233", true), (#"{"mac_type":1,"model":"m","tempc":1}"#, "4C65A8112233", false),
        (#"{"mac_type":3,"model":"m","tempc":1}"#, "0C65A8112233", false), (#"{"mac_type":0,"model":"m","name":"x"}"#, "4C65A8112233", false),
        (#"{"mac_type":0,"model":"m","batt":null}"#, "4C65A8112233", false), (#"{"type":"RMAC","model":"m","batt":1}"#, "4C65A8112233", false),
        (#"{"model":"m","batt":1}"#, "4c:65:a8:11:22:33", true),
    ]

    @Test(arguments: heard)
    func passersByMakeNoDevices(payload: String, address: String, isDevice: Bool) throws {
        let shared = try #require(catalogue.route(topicBelowHome: "home/gate/BTtoMQTT/\(address)"))
        let route = try #require(Array(payload.utf8).withUnsafeBytes { catalogue.route(shared, payload: $0) })
        #expect(route.isDevice == isDevice)
        #expect(route.bridge == "home/gate" || !isDevice)
        if isDevice { #expect(route.device == "theengs/\(address.replacingOccurrences(of: ":", with: "").uppercased())") }
    }

    @Test func theAddressMayStandInThePayloadAlone() {
        let result = tried("home/gate/BTtoMQTT", #"{"id":"a4:c1:38:0a:1b:2c","model":"m","hum":40}"#, catalogue)
        #expect(result.readings.first?.device == "theengs/A4C1380A1B2C")
        #expect(!tried("home/gate/BTtoMQTT", #"{"id":"kitchen","model":"m","hum":40}"#, catalogue).isUnderstood)
    }

    static let weights: [(String, Double)] = [("kg", 80), ("lb", 36.2873896), ("st", 508.0234544)]

    @Test(arguments: weights)
    func weightsAreInTheScalesUnit(unit: String, kilograms: Double) throws {
        for payload in [#"{"model":"s","weight":80,"unit":"\#(unit)"}"#, #"{"unit":"\#(unit)","model":"s","weight":80}"#] {
            let weight = try #require(tried("home/g/BTtoMQTT/5CCAD3112233", payload, catalogue).values["body_weight"]?.asNumber)
            #expect(abs(weight - kilograms) < 1e-6)
        }
    }
}
