import Care
import Testing

@testable import Devices

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

    /// Sleeping on a battery is no fault, and only silence tells one.
    @Test func whatSleepsIsNotOffline() throws {
        for (topic, role) in [
            ("shellies/shellyht-AA/online", Route.Role.ignored), ("shellies/shelly1-AA/online", .availability),
            ("shellyplusht-aa/online", .ignored), ("shellyplus1-aa/online", .availability),
        ] {
            #expect(catalogue.route(topicBelowHome: topic)?.role == role, "\(topic)")
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
