import Care
import Foundation
import Testing

@testable import Devices

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

    /// Fahrenheit is the same again, rounded.
    @Test func aTemperatureThatIsToldTwiceCountsOnce() {
        for payload in [#"{"model":"m","tempc":21.5,"tempf":71}"#, #"{"tempf":71,"model":"m","tempc":21.5}"#] {
            #expect(tried("home/g/BTtoMQTT/A4C1380A1B2C", payload, catalogue).values == ["temperature": .number(21.5)])
        }
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
