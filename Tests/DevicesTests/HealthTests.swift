import Care
import Testing

@testable import Devices

@Suite struct HealthTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    func decode(_ body: String) throws -> Decoded { try catalogue.decode("health/dev", body) }

    /// An Observation of a heart rate of 72, with more fields.
    func observation(_ more: String, value: String = #""valueQuantity":{"value":72,"code":"/min"},"#) throws -> Decoded {
        try decode(#"{\#(value)\#(more)"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"resourceType":"Observation"}"#)
    }

    @Test func theDeviceIsTheTopic() throws {
        #expect(catalogue.route(topicBelowHome: "health/rose/cuff")?.device == "health/rose/cuff")
        #expect(catalogue.route(topicBelowHome: "health") == nil)
        #expect(catalogue.route(topicBelowHome: "health/")?.device == nil)
        for name in ["health", "openmhealth", "fhir", "fhir-observation", "nightscout"] {
            let topic = try #require(catalogue.usualTopic(ofConvention: name))
            #expect(catalogue.route(topicBelowHome: topic)?.convention == "health")
        }
    }

    @Test func statusSaysWhetherItCounts() throws {
        for status in ["preliminary", "final", "amended", "corrected", "appended"] {
            #expect(try observation(#""status":"\#(status)","#).values == ["heart_rate": .number(72)], "\(status)")
        }
        #expect(try observation("").values == ["heart_rate": .number(72)])
        for status in ["registered", "cancelled", "entered-in-error", "unknown"] {
            #expect(try observation(#""status":"\#(status)","#).outcome == .nothing, "\(status)")
        }
        for status in [#""done""#, "5", "null", #"["final"]"#] {
            let decoded = try observation(#""status":\#(status),"#)
            #expect(decoded.reason?.contains("status") == true && decoded.readings.isEmpty, "\(status)")
        }
    }

    @Test func timesWithoutTimeOrZoneAreNone() throws {
        func time(_ more: String) throws -> String? { try observation(more).readings.first?.deviceTime?.iso }
        #expect(try time(#""effectiveDateTime":"2026-01-01T07:00:00+01:00","#) == "2026-01-01T06:00:00Z")
        #expect(try time(#""effectiveInstant":"2026-01-01T07:00:00.250Z","#) == "2026-01-01T07:00:00.250Z")
        #expect(try time(#""effectivePeriod":{"end":"2026-01-01T08:00:00Z","start":"2026-01-01T07:00:00Z"},"#) == "2026-01-01T08:00:00Z")
        #expect(try time(#""effectivePeriod":{"start":"2026-01-01T07:00:00Z"},"#) == "2026-01-01T07:00:00Z")
        #expect(try time(#""issued":"2026-01-01T09:00:00Z","effectiveDateTime":"2026-01-01T07:00:00Z","#) == "2026-01-01T07:00:00Z")
        #expect(try time(#""issued":"2026-01-01T09:00:00Z","effectiveDateTime":"2026-01-01","#) == "2026-01-01T09:00:00Z")
        for none in ["2026", "2026-01", "2026-01-01", "2026-01-01T07:00:00", "1767225600000000000000", "", "yesterday at about seven o'clock"] {
            let decoded = try observation(#""effectiveDateTime":"\#(none)","#)
            #expect(decoded.outcome == .readings && decoded.readings.first?.deviceTime == nil, "\(none)")
        }
        #expect(try time(#""effectiveDateTime":1767225600,"#) == nil)
    }

    @Test func whatIsNoMeasurementGivesNothing() throws {
        #expect(try observation(#""dataAbsentReason":{"text":"x"},"#).outcome == .nothing)
        #expect(try observation(#""modifierExtension":[],"#).reason?.contains("modifierExtension") == true)
        for (value, word) in [
            (#""valueQuantity":{"value":72,"comparator":">","code":"/min"},"#, "comparator"), (#""valueQuantity":{"value":"72","code":"/min"},"#, "number"),
            (#""valueQuantity":{"value":72},"#, "no unit"), (#""valueQuantity":{"value":72,"code":"kg"},"#, "unit"),
            // The code counts, not the words beside it.
            (#""valueQuantity":{"value":72,"unit":"/min","code":"kg","system":"http://unitsofmeasure.org"},"#, "unit"),
        ] {
            let decoded = try observation("", value: value)
            #expect(decoded.reason?.contains(word) == true && decoded.readings.isEmpty, "\(value)")
        }
        for value in ["", #""valueString":"72","#, #""valueQuantity":{"unit":"/min"},"#, #""valueQuantity":null,"#, #""valueCodeableConcept":{},"#] {
            #expect(try observation("", value: value).outcome == .nothing, "\(value)")
        }
        // Another system's code for the unit says nothing to us; the unit does.
        #expect(
            try observation("", value: #""valueQuantity":{"value":72,"unit":"bpm","code":"258983007","system":"http://snomed.info/sct"},"#).values == [
                "heart_rate": .number(72)
            ])
    }

    @Test func aPartAtFaultLeavesTheOthers() throws {
        let bundle = try decode(
            """
            {"resourceType":"Bundle","entry":[{},5,{"resource":7},{"resource":{"resourceType":"Bundle","entry":[{"resource":{}}]}},
             {"resource":{"resourceType":"Observation","code":{"coding":[5,{},{"system":"http://loinc.org","code":"8867-4"}]},"valueQuantity":{"value":1,"code":"kg"}}},
             {"resource":{"resourceType":"Observation","component":[7,{"code":{"coding":[{"system":"http://loinc.org/","code":"8480-6"}]},"valueQuantity":{"value":120,"unit":"mmHg"}}]}}]}
            """)
        #expect(bundle.values == ["blood_pressure_systolic": .number(120)])
        #expect(bundle.reason?.contains("8867-4") == true)
        #expect(try decode(#"[{"heart_rate":{"value":70,"unit":"beats/min"}},{"hello":1},7,{"type":"sgv","sgv":100}]"#).values == ["heart_rate": .number(70), "glucose": .number(100)])
        // Malformed, everything before it included.
        for end in ["", "]]", ",", #",{"a":}]"#, "] x"] {
            let decoded = try decode(#"[{"heart_rate":{"value":70,"unit":"beats/min"}}"# + end)
            #expect(decoded.readings.isEmpty && decoded.reason?.contains("JSON") == true, "\(end)")
        }
    }

    @Test(arguments: ["", "null", "5", "\"x\"", "{}", "[]", #"{"hello":1}"#, #"{"resourceType":5}"#, #"{"resourceType":"Observation"}"#, #"{"body":5}"#, #"{"effective_time_frame":7,"heart_rate":null}"#])
    func theseGiveNoReading(body: String) throws { #expect(try decode(body).readings.isEmpty) }

    @Test func deepAndLargeMessagesAreBounded() throws {
        for open in ["[", #"{"body":"#, #"{"code":"#, #"{"resourceType":"Bundle","entry":[{"resource":"#] {
            #expect(try decode(String(repeating: open, count: 5_000)).reason != nil)
        }
        let one = #"{"type":"sgv","sgv":100}"#
        func history(_ count: Int) throws -> Decoded { try decode("[" + Array(repeating: one, count: count).joined(separator: ",") + "]") }
        #expect(try history(HealthReader.readingsMax).readings.count == HealthReader.readingsMax)
        #expect(try history(HealthReader.readingsMax + 1).readings.isEmpty)
    }

    @Test func figuresOverTimeHaveTheirOwnChannel() throws {
        func channel(_ more: String) throws -> Decoded { try decode(#"{"step_count":100,\#(more)}"#) }
        #expect(try channel(#""descriptive_statistic":"maximum""#).values == ["steps/maximum": .number(100)])
        #expect(try channel(#""descriptive_statistic_denominator":"wk","descriptive_statistic":"average""#).values == ["steps/average/wk": .number(100)])
        #expect(try channel(#""descriptive_statistic":"average","statistic_time_denominator":{"unit":"d","value":1}"#).values == ["steps/average/d": .number(100)])
        for fault in [#""descriptive_statistic":"modal""#, #""descriptive_statistic":5"#, #""descriptive_statistic_denominator":"meal""#, #""statistic_time_denominator":{"unit":"d","value":2}"#] {
            let decoded = try channel(fault)
            #expect(decoded.reason?.contains("statistic") == true && decoded.readings.isEmpty, "\(fault)")
        }
        #expect(try channel(#""descriptive_statistic":"count""#).outcome == .nothing)
    }

    @Test func ofAnIntervalTheEndCounts() throws {
        func time(_ interval: String) throws -> String? {
            try decode(#"{"step_count":1,"effective_time_frame":{"time_interval":{\#(interval)}}}"#).readings.first?.deviceTime?.iso
        }
        #expect(try time(#""end_date_time":"2026-01-01T08:00:00Z","duration":{"value":1,"unit":"h"}"#) == "2026-01-01T08:00:00Z")
        #expect(try time(#""start_date_time":"2026-01-01T07:00:00Z","duration":{"value":90,"unit":"min"}"#) == "2026-01-01T08:30:00Z")
        // A month has no length, and a length of ages is none.
        for duration in [#"{"value":1,"unit":"Mo"}"#, #"{"value":1e300,"unit":"d"}"#, #"{"value":-5,"unit":"h"}"#, "7"] {
            #expect(try time(#""start_date_time":"2026-01-01T07:00:00Z","duration":\#(duration)"#) == "2026-01-01T07:00:00Z", "\(duration)")
        }
        #expect(try time(#""date":"2026-01-01","part_of_day":"morning""#) == nil)
    }

    @Test func whatIsRiddenIsNotWalked() throws {
        func distance(_ activity: String) throws -> [String: Value] { try decode(#"{\#(activity)"distance":{"value":1,"unit":"mi"}}"#).values }
        #expect(try distance(#""activity_name":"Brisk walking","#) == ["distance_walked": .number(1_609.344)])
        #expect(try distance(#""activity_name":"cycling","#).isEmpty)
        #expect(try distance("").isEmpty)
    }

    @Test func aSeriesOfBodiesUnderOneHeader() throws {
        let decoded = try decode(#"{"header":{"body":5},"body":[{"heart_rate":{"value":70,"unit":"beats/min"}},{"heart_rate":{"value":71,"unit":"beats/min"}},9]}"#)
        #expect(decoded.readings.map(\.value) == [.number(70), .number(71)])
    }

    @Test func nightscoutSaysGlucoseOrNothing() throws {
        for (entry, value) in [(#"{"sgv":39}"#, 39.0), (#"{"sgv":10,"units":"mmol/L"}"#, 180.156), (#"{"sgv":120,"units":"mg/dl","type":"sgv"}"#, 120)] {
            #expect(try decode(entry).values == ["glucose": .number(value)], "\(entry)")
        }
        for entry in [#"{"sgv":38.9}"#, #"{"sgv":0}"#, #"{"sgv":-1}"#, #"{"type":"cal","sgv":120}"#, #"{"type":"sgv","mbg":120}"#, #"{"eventType":"Meal Bolus","sgv2":1}"#] {
            #expect(try decode(entry).outcome == .nothing, "\(entry)")
        }
        for entry in [#"{"sgv":null}"#, #"{"sgv":"120"}"#, #"{"sgv":120,"units":"stone"}"#] {
            #expect(try decode(entry).reason != nil && decode(entry).readings.isEmpty, "\(entry)")
        }
        #expect(try decode(#"{"sgv":100,"date":"x","dateString":"2026-01-01T07:00:00Z"}"#).readings.first?.deviceTime?.iso == "2026-01-01T07:00:00Z")
        #expect(try decode(#"{"sgv":100,"date":1767250800000,"dateString":"2011-01-01T07:00:00Z"}"#).readings.first?.deviceTime?.milliseconds == 1_767_250_800_000)
    }

    @Test func typingErrorsInProfilesAreTold() throws {
        for (text, line, word) in [
            ("topic: health/#\ncods: {}\n", 2, "cods"),
            ("topic: health/#\nmeasures:\n  a: {quantity: heart_rate, category: safety}\n", 3, "health"),
            ("topic: health/#\nmeasures:\n  a: {quantity: motion, category: family}\n", 3, "numbers"),
            ("topic: health/#\nunits: {sec: ss}\n", 2, "unit"),
            ("topic: health/#\nentries: {svg: {quantity: glucose, category: health, unit: mg/dL}}\n", 2, "svg"),
            ("topic: health/#\ncodes:\n  http://loinc.org:\n    1-1: {quantity: glucose, category: health, activities: [x]}\n", 4, "activities"),
        ] {
            let files = try TemporaryProfiles([("health/x.yaml", text)])
            do {
                _ = try Catalogue.load(folder: files.folder)
                Issue.record("no error: \(text)")
            } catch {
                #expect(error.line == line && error.message.contains(word), "\(error)")
            }
        }
    }
}
