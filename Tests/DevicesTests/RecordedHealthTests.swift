import Care
import Foundation
import Testing

@testable import Devices

private let recordings = packageRoot + "/../shared/data/messages/open.jsonl"
private var areRecordingsHere: Bool { FileManager.default.fileExists(atPath: recordings) }

/// Messages from the repositories of Open mHealth, US Core and Homie, with what their sources say they mean.
@Suite(.enabled(if: areRecordingsHere, "needs ../shared/data/messages/open.jsonl"))
struct RecordedHealthTests {
    /// Of the sources → ours. Written apart from the profiles on purpose.
    static let quantities = [
        "blood_glucose": "glucose", "systolic_blood_pressure": "blood_pressure_systolic", "diastolic_blood_pressure": "blood_pressure_diastolic",
        "body_weight": "body_weight", "oxygen_saturation": "oxygen_saturation", "rr_interval": "rr_interval", "step_count": "steps",
        "LOINC 96608-5": "blood_pressure_systolic", "LOINC 96609-3": "blood_pressure_diastolic", "LOINC 68516-4": "exercise_duration",
        "LOINC 2708-6": "oxygen_saturation", "LOINC 3151-8": "inhaled_oxygen_flow", "LOINC 9279-1": "respiratory_rate",
    ]
    /// How many measurements went into an average: nobody is cared for with it.
    static let notOurs = ["LOINC 246432004"]

    /// By a part of the message: what must be given where the source says nothing of it.
    static let unsaid: [(part: String, gives: [String: Value])] = [
        (#"{"activity_name":"walking"}"#, [:]), (#"{"step_count":6000}"#, ["steps": .number(6_000)]),
        (#"{"step_count":12000,"#, ["steps/average/d": .number(12_000)]),
        // An answer to a questionnaire.
        ("44250-9", [:]),
        ("true", ["power_on": .boolean(true)]),
        // A lamp's brightness, which no description explains, and words for people.
        ("20", [:]), ("60", [:]), ("battery low", [:]),
    ]

    @Test(arguments: [("openmhealth", 17, 16), ("fhir-observation", 5, 6), ("homie5", 4, 0)])
    func theyAgree(convention: String, count: Int, readings: Int) throws {
        let catalogue = try shipped()
        var (messages, agreed) = (0, 0)
        for line in try String(contentsOfFile: recordings, encoding: .utf8).split(separator: "\n") {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard object["convention"] as? String == convention else { continue }
            messages += 1
            let payload = try #require(object["payload"] as? String)
            var trial = Trial(catalogue)
            let result = Array(payload.utf8).withUnsafeBytes {
                trial.take(topic: object["topic"] as? String, convention: convention, payload: $0, arrivedAt: arrival)
            }
            #expect(result.isUnderstood, "\(result.reason ?? "") \(payload)")
            var left = result.readings.map(\.reading)
            guard let expected = object["expect"] as? [[String: Any]] else {
                let listed = try #require(Self.unsaid.first { payload.contains($0.part) }, "\(payload)")
                let values = Dictionary(uniqueKeysWithValues: left.map { ("\($0.quantity)" + ($0.channel.isEmpty ? "" : "/\($0.channel)"), $0.value) })
                #expect(values == listed.gives, "\(payload)")
                continue
            }
            for one in expected {
                var name = try #require(one["quantity"] as? String)
                if name.hasPrefix("LOINC") { name = name.split(separator: " ").prefix(2).joined(separator: " ") }
                if Self.notOurs.contains(name) { continue }
                let quantity = try #require(Self.quantities[name], "\(name)")
                let value = try #require(one["value"] as? Double)
                // All of them are sent in the units that are ours, too.
                let index = try #require(left.firstIndex { $0.quantity.name == quantity && $0.value == .number(value) }, "\(name) in \(payload)")
                left.remove(at: index)
                agreed += 1
            }
            #expect(left.isEmpty, "\(payload)")
        }
        print("\(convention): \(messages) messages, \(agreed) readings agree")
        #expect(messages == count && agreed == readings)
    }
}
