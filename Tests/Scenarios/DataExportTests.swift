import Audit
import Care
import CareTesting
import Foundation
import Gateway
import Store
import Testing
import Zip

/// A person's data leave whole, theirs only, and come in somewhere else as the past.
@Suite struct DataExportTests {
    /// Its files by name.
    static func unpack(_ bytes: [UInt8]) throws -> [String: String] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("export-\(UUID().uuidString).zip").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        let zip = try ZipReader(path: path)
        var files: [String: String] = [:]
        for member in zip.members {
            var text: [UInt8] = []
            try zip.read(member) { text += $0 }
            files[member.name] = String(decoding: text, as: UTF8.self)
        }
        return files
    }

    func export(_ gateway: TestGateway, _ person: String) throws -> [String: String] {
        try Self.unpack(try #require(try gateway.export(as: person)))
    }

    /// Two people in one home, readings of every kind, an alert with its end, consents in force and withdrawn.
    func lived() throws -> Street {
        let street = try Street()
        let gateway = street.gateway
        try gateway.say(.citizenAdd(citizen: "ben", home: "elm-3", name: "Ben Brown", uid: nil))
        for device in ["vitals/heart-rate", "vitals/blood-pressure", "zigbee2mqtt/hall motion"] {
            try gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: "ada")
        }
        for n in 0..<5 {
            try gateway.publish("homes/elm-3/vitals/heart-rate", "\(70 + n).5")
            try gateway.publish("homes/elm-3/zigbee2mqtt/hall motion", #"{"occupancy":\#(n % 2 == 0)}"#)
            try gateway.advance(.minutes(7))
        }
        try street.press()
        try street.answer("maria", "accept")
        try street.answer("maria", "arrive")
        try street.answer("maria", "resolve", note: "All is well, she says")
        try gateway.say(.consentWithdraw(id: "c2"), as: "ada")
        try gateway.say(DelegateStreet.mandate("tom", purposes: ["daily-support"]), as: "ada")
        try gateway.say(.readingList(citizen: nil, home: nil, quantity: nil, since: nil, limit: 9, purpose: nil), as: "ada", by: "tom")
        // While the line was cut: these were observed some time between the last contact and now.
        try gateway.cutLine(for: .minutes(30), waiting: [("homes/elm-3/vitals/heart-rate", "91")])
        return street
    }

    @Test func `everything is in it, with its units, its times and who saw what`() throws {
        let street = try lived()
        let files = try export(street.gateway, "ada")
        #expect(Set(files.keys) == Set(ExportFormat.File.allCases.map(\.rawValue)))
        let readings = try #require(files["readings.csv"]).split(separator: "\n").dropFirst().map(String.init)
        let heart = readings.filter { $0.contains(",heart_rate,") }
        #expect(heart.count == 6)
        #expect(heart[0].contains(",elm-3,vitals/heart-rate,heart_rate,,70.5,/min,8867-4,arrival,,0"))
        #expect(heart[5].contains(",91,/min,8867-4,queued,2026-"))
        #expect(readings.contains { $0.contains(",sos,,happened,") })
        let manifest = try JSONDecoder().decode(JSON.self, from: Data(try #require(files["manifest.json"]).utf8))
        #expect(manifest["counts"]?["readings"]?.int == Int64(readings.count))
        #expect(manifest["counts"]?["alerts"]?.int == 1)
        #expect(try #require(files["readings.jsonl"]).split(separator: "\n").count == readings.count)
        for line in try #require(files["readings.jsonl"]).split(separator: "\n") { _ = try JSONDecoder().decode(JSON.self, from: Data(line.utf8)) }
        #expect(files["who-saw.csv"]?.contains("Maria Lopez") == true)
        #expect(files["consents.jsonl"]?.split(separator: "\n").count == 2)
        #expect(files["consents.jsonl"]?.contains(#""state":"withdrawn""#) == true)
        // What was taken along can be verified without a gateway.
        let chain = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UUID().uuidString).jsonl").path
        try Data(try #require(files["audit.jsonl"]).utf8).write(to: URL(fileURLWithPath: chain))
        defer { unlink(chain) }
        let reports = try ChainFileVerifier.verify(path: chain)
        #expect(reports.count == 1)
        #expect(reports[0].report.findings == [])
        #expect(reports[0].report.entries > 4)
        let receipts = try JSONDecoder().decode(JSON.self, from: Data(try #require(files["consent-receipts.jsonld"]).utf8))
        guard case .array(let graph) = receipts["@graph"] else { return #expect(Bool(false), "no receipts") }
        #expect(graph.count == 2)
        #expect(graph[1].text.contains("dpv:ConsentWithdrawn") && !graph[0].text.contains("dpv:ConsentWithdrawn"))
        #expect(files["alerts.jsonl"]?.contains("All is well, she says") == true)
        #expect(files["README.txt"]?.contains("Ada Brown") == true)
        #expect(try street.gateway.say(.dataExport(citizen: nil), as: "ada").outcome == .done)
    }

    @Test func `blood pressure of one instant is one panel, and what stands alone is told alone`() throws {
        let street = try Street()
        let gateway = street.gateway
        try gateway.say(.deviceClaim(home: nil, device: "health/cuff", citizens: [], expected: nil), as: "ada")
        func observation(_ code: String, _ value: Int, _ at: String) -> String {
            #"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"\#(code)"}]},"effectiveDateTime":"\#(at)","valueQuantity":{"value":\#(value),"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}"#
        }
        try gateway.advance(.minutes(20))
        let start = gateway.now
        for (code, value, minutes) in [("8480-6", 121, 0), ("8462-4", 81, 0), ("8480-6", 131, 1)] as [(String, Int, Int64)] {
            try gateway.publish("homes/elm-3/health/cuff", observation(code, value, (start - .minutes(10) + .minutes(minutes)).iso))
        }
        let bundle = try JSONDecoder().decode(JSON.self, from: Data(try #require(try export(gateway, "ada")["fhir-observations.json"]).utf8))
        guard case .array(let entries) = bundle["entry"] else { return #expect(Bool(false), "no entries: \(bundle.text)") }
        #expect(entries.count == 2)
        #expect(entries[0].text.contains("85354-9") && entries[0].text.contains("121") && entries[0].text.contains("81"))
        #expect(!entries[1].text.contains("85354-9") && entries[1].text.contains("131"))
    }

    @Test func `what was said while a device was another's is not in it, nor is anybody else's life`() throws {
        let street = try lived()
        let gateway = street.gateway
        try gateway.say(.deviceMove(home: nil, device: "vitals/heart-rate", to: "ben"), as: "ada")
        try gateway.publish("homes/elm-3/vitals/heart-rate", "123")
        try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall motion", citizens: ["ben"], expected: nil), as: "ada")
        let (ada, ben) = (try export(gateway, "ada"), try export(gateway, "ben"))
        #expect(ada["readings.csv"]?.contains(",123,") == false && ada["readings.jsonl"]?.contains("123") == false)
        #expect(ben["readings.csv"]?.contains(",123,") == true && ben["readings.csv"]?.contains("70.5") == false)
        #expect(ben.values.allSatisfy { !$0.contains("Ada") && !$0.contains("\"ada\"") && !$0.contains("Maria") })
        #expect(ada["README.txt"]?.contains("SHARED DEVICES") == true && ada["README.txt"]?.contains("hall motion") == true)
    }

    @Test func `nobody but the citizen takes them along, and an operator only in their name`() throws {
        let street = try lived()
        for person in ["maria", "carla"] {
            #expect(try street.gateway.export(as: person) == nil)
            #expect(try street.gateway.say(.dataExport(citizen: "ada"), as: person).outcome == .refused)
        }
        #expect(try street.gateway.say(.dataExport(citizen: "ada")).outcome == .refused)
        _ = try export(street.gateway, "ada")
        #expect(try street.gateway.say(.whoSaw(citizen: nil, since: nil), as: "ada").say.contains { $0.contains("acted for you: data export") })
    }
}
