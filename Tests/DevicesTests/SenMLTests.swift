import Care
import Testing

@testable import Devices

@Suite struct SenMLTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    func decode(_ pack: String) throws -> Decoded { try catalogue.decode("senml/dev", pack) }

    @Test func theDeviceIsTheTopic() {
        #expect(catalogue.route(topicBelowHome: "senml/bathroom/scale")?.device == "senml/bathroom/scale")
        #expect(catalogue.route(topicBelowHome: "senml/") == nil)
        #expect(catalogue.route(topicBelowHome: "senml") == nil)
    }

    @Test(arguments: [
        ("temperature", "Cel", 21.5, 21.5), ("temperature", "K", 294.65, 21.5), ("humidity", "%RH", 44, 44),
        ("oxygen-saturation", "/", 0.97, 97), ("illuminance", "lx", 12, 12), ("power", "W", 5, 5),
        ("energy", "J", 3_600_000, 1), ("voltage", "V", 230, 230), ("current", "A", 1.5, 1.5),
        ("body_weight", "kg", 71.4, 71.4), ("atmospheric-pressure", "Pa", 100_510, 1005.1),
        ("heart-rate", "beat/min", 72, 72), ("heart-rate", "1/min", 72, 72),
        ("carbon-dioxide", "ppm", 420, 420),
        ("Body-Temperature", "Cel", 36.6, 36.6), ("battery", "%EL", 80, 80), ("steps", "count", 12, 12),
    ])
    func unitsAreConverted(name: String, unit: String, sent: Double, got: Double) throws {
        let decoded = try decode(#"[{"n":"\#(name)","u":"\#(unit)","v":\#(sent)}]"#)
        #expect(decoded.outcome == .readings)
        #expect(decoded.readings.first?.value == .number(got))
        #expect(decoded.readings.first?.quantity.name == SenMLVocabulary.normal(name))
    }

    @Test func aUnitThatCannotBeConvertedIsReportedAndTheOthersCount() throws {
        let decoded = try decode(
            #"[{"n":"humidity","u":"%RH","v":44},{"n":"temperature","u":"lx","v":1},{"n":"power","u":"W","v":5}]"#
        )
        #expect(decoded.values == ["humidity": .number(44), "power": .number(5)])
        #expect(decoded.reason?.contains("record 2") == true)
        #expect(try decode(#"[{"n":"temperature","v":1}]"#).reason?.contains("no unit") == true)
    }

    @Test func baseFieldsHoldUntilTheyAreGivenAnew() throws {
        let decoded = try decode(
            #"[{"bn":"a:","bu":"A","bv":10,"bt":1767225000,"n":"left/current","v":1},{"n":"right/current","t":5,"v":2},{"bv":0,"n":"voltage","u":"V","v":3},{"bn":"b:","bt":1767226000,"n":"current"}]"#
        )
        #expect(
            decoded.values == [
                "current/left": .number(11), "current/right": .number(12), "voltage": .number(3),
                "current": .number(0),
            ])
        #expect(
            decoded.readings.map(\.deviceTime?.milliseconds) == [
                1_767_225_000_000, 1_767_225_005_000, 1_767_225_000_000, 1_767_226_000_000,
            ])
    }

    @Test func smallTimesAreRelativeToArrival() throws {
        func time(_ fields: String) throws -> Instant? {
            try decode(#"[{"n":"humidity","u":"%RH","v":1\#(fields)}]"#).readings.first?.deviceTime
        }
        #expect(try time("") == nil)
        #expect(try time(#","t":0"#) == nil)
        #expect(try time(#","t":-5"#) == arrival - .seconds(5))
        #expect(try time(#","bt":60,"t":0.5"#) == arrival + .milliseconds(60_500))
        #expect(try time(#","t":268435455"#) == arrival + .seconds(268_435_455))
        #expect(try time(#","t":268435456"#) == Instant(milliseconds: 268_435_456_000))
        #expect(try time(#","bt":1276020076,"t":0.305"#) == Instant(milliseconds: 1_276_020_076_305))
        for fields in [
            #","t":1e300"#, #","t":-1e300"#, #","t":-99999999999"#, #","bt":1e308,"t":1e308"#, #","t":"now""#,
        ] {
            let decoded = try decode(
                #"[{"n":"humidity","u":"%RH","v":1\#(fields)},{"n":"sos","t":0,"bt":0,"vb":true}]"#)
            #expect(decoded.reason != nil)
            #expect(decoded.values == ["sos": .boolean(true)])
        }
    }

    @Test func textsAreNoReadingsUnlessTheyNameAnEvent() throws {
        #expect(
            try decode(#"[{"n":"mode","vs":"quiet"},{"n":"humidity","vs":"low"},{"n":"image","vd":"aGk"}]"#)
                .outcome == .nothing)
        #expect(try decode(#"[{"n":"button","vs":"sos"}]"#).values == ["sos": .boolean(true)])
        #expect(try decode(#"[{"n":"sos","vs":"sos"}]"#).values == ["sos": .boolean(true)])
        #expect(
            try decode(#"[{"n":"a/action","vs":"Button-Single"}]"#).values == [
                "button_single/a": .boolean(true)
            ])
        #expect(try decode(#"[{"n":"sos","vs":"pressed"}]"#).reason != nil)
        #expect(try decode(#"[{"n":"sos","vb":false}]"#).outcome == .nothing)
        #expect(try decode(#"[{"n":"sos","v":1}]"#).values == ["sos": .boolean(true)])
        #expect(
            try decode(#"[{"n":"opening","vb":true},{"n":"smoke","v":0}]"#).values == [
                "opening": .boolean(true), "smoke": .boolean(false),
            ])
        #expect(try decode(#"[{"n":"opening","v":2}]"#).reason != nil)
        #expect(try decode(#"[{"n":"humidity","u":"%RH","vb":true}]"#).reason != nil)
    }

    @Test func sumsOfPowerAreEnergy() throws {
        #expect(
            try decode(#"[{"n":"power","u":"W","v":60,"s":7200000}]"#).values == [
                "power": .number(60), "energy": .number(2),
            ])
        #expect(
            try decode(#"[{"bs":3600000,"n":"power","u":"W","s":3600000}]"#).values == ["energy": .number(2)])
        #expect(try decode(#"[{"n":"temperature","u":"Cel","s":5}]"#).outcome == .nothing)
    }

    @Test(arguments: [
        "{}", "[1,2", "[]]", #"[{"n":"power","u":"W","v":1},{"bver":11,"n":"power","v":1}]"#,
        #"[{"n":"power","u":"W","v":1,"new_":1}]"#, #"[{"n":"power","u":"W","v":1},{"bt":"x"}]"#, "5",
        "online",
    ])
    func thesePacksDoNotCountAtAll(pack: String) throws {
        let decoded = try decode(pack)
        #expect(decoded.reason != nil)
        #expect(decoded.readings.isEmpty)
    }

    @Test(arguments: [
        #"[{"u":"W","v":1}]"#, #"[{"n":"no such thing","u":"W","v":1}]"#, #"[{"n":"frobs","u":"W","v":1}]"#,
        #"[{"n":"power","u":"W","v":1,"vs":"a"}]"#, #"[{"n":1,"v":2}]"#, #"[{"n":"power","u":"W","v":"1"}]"#,
        "[5]",
    ])
    func theseRecordsAreReported(pack: String) throws { #expect(try decode(pack).reason != nil) }

    @Test func whatSaysNothingIsNothing() throws {
        for pack in [
            "", "[]", "[{}]", #"[{"bn":"a"}]"#, #"[{"n":"x","u":"dBm","v":-70}]"#,
            #"[{"n":"x","foo":[{}],"vs":"a"}]"#,
        ] {
            #expect(try decode(pack).outcome == .nothing, "\(pack)")
        }
    }

    @Test func packsHaveALimit() throws {
        func pack(_ n: Int) -> String {
            "[" + Array(repeating: #"{"n":"power","u":"W","v":1}"#, count: n).joined(separator: ",") + "]"
        }
        #expect(try decode(pack(SenMLPack.recordsMax)).readings.count == SenMLPack.recordsMax)
        #expect(try decode(pack(SenMLPack.recordsMax + 1)).readings.isEmpty)
    }
}
