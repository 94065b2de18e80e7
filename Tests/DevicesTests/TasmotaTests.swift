import Care
import Testing

@testable import Devices

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

    @Test func anAddressIsNotTakenForSeveral() {
        let result = tried("tele/a/SENSOR", #"{"NTC":{"Id":"AA","Temperature1":4,"Temperature2":5},"ENERGY":{"Id":"BB","Power":7}}"#, catalogue)
        #expect(result.values == ["temperature/NTC_1": .number(4), "temperature/NTC_2": .number(5), "power": .number(7)])
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
