import Care
import CareTesting
import Foundation
import Gateway
import Store
import Testing

/// What was taken along comes in whole, once, as the past.
@Suite struct DataImportTests {
    /// The pieces of an export, in the order in which they are said.
    func parts(_ files: [String: String]) throws -> [ImportPart] {
        let manifest = try JSONDecoder().decode(JSON.self, from: Data(try #require(files["manifest.json"]).utf8))
        var parts: [ImportPart] = [
            .begin(origin: manifest["gateway"]?["instance"]?.string ?? "", exportedAt: manifest["exportedAt"]?.string ?? "", readings: 0, devices: 0)
        ]
        for device in try JSONDecoder().decode([ExportedDevice].self, from: Data(try #require(files["devices.json"]).utf8)) {
            parts.append(.device(String(decoding: try JSONEncoder().encode(device), as: UTF8.self)))
        }
        for line in try #require(files["readings.csv"]).split(separator: "\n").dropFirst() {
            let f = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            let value = ["yes": "1", "happened": "1", "no": "0"][f[6]] ?? f[6]
            let earliest = Instant(iso: f[10]).map { " \($0.milliseconds)" } ?? ""
            let at = try #require(Instant(iso: f[0])).milliseconds
            parts.append(.readings(home: f[2], device: f[3], quantity: f[4], channel: f[5], rows: "\(at) \(f[11]) \(f[9] == "device" ? "d" : "a") \(value)\(earliest)"))
        }
        for (file, kind) in [("consents.jsonl", "consent"), ("decisions.jsonl", "decision"), ("who-saw.jsonl", "told"), ("alerts.jsonl", "alert"), ("delegates.jsonl", "delegate")] {
            parts.append(.entries(kind: kind, lines: try #require(files[file]).split(separator: "\n").map(String.init)))
        }
        return parts + [.end]
    }

    /// Another gateway, elsewhere, where Ada has another name and nothing yet.
    func elsewhere(at now: Instant) throws -> TestGateway {
        let gateway = try TestGateway(rules: Street.rules, at: now)
        try gateway.say(.homeAdd(home: "oak-9", circle: nil, zone: "Europe/Berlin", address: nil, latitude: nil, longitude: nil))
        try gateway.say(.citizenAdd(citizen: "ada-b", home: "oak-9", name: "Ada Brown", uid: nil))
        return gateway
    }

    func take(_ parts: [ImportPart], into gateway: TestGateway, as person: String = "ada-b", isCheck: Bool = false) throws -> (new: Int64, known: Int64) {
        var (new, known): (Int64, Int64) = (0, 0)
        for part in parts {
            let reply = try gateway.say(.dataImport(part: part, citizen: nil, home: nil, isCheck: isCheck), as: person)
            #expect(reply.outcome == .done, "\(reply.say)")
            new += reply.items.first?["new"]?.int ?? 0
            known += reply.items.first?["known"]?.int ?? 0
        }
        return (new, known)
    }

    /// What stays byte for byte; see docs/export.md.
    static let same = ["readings.csv", "readings.jsonl", "devices.json", "consents.jsonl", "who-saw.jsonl", "who-saw.csv", "decisions.jsonl", "alerts.jsonl", "delegates.jsonl", "fhir-observations.json"]

    @Test func `exported, taken in and exported again is the same, also when it was broken off and done twice`() throws {
        let there = try DataExportTests().lived()
        let first = try DataExportTests().export(there.gateway, "ada")
        let parts = try parts(first)
        let here = try elsewhere(at: there.gateway.now + .hours(1))
        #expect(try take(parts, into: here, isCheck: true).new > 10)
        #expect(try here.read { try $0.count("reading") } == 0 && here.read { try $0.count("importedEntry") } == 0)
        // Broken off anywhere, and begun again; then the whole once more, after a kill.
        _ = try take(Array(parts.prefix(parts.count / 2)), into: here)
        let again = try take(parts, into: here)
        #expect(again.new > 0 && again.known > 0)
        try here.restart()
        #expect(try take(parts, into: here).new == 0)
        // Its own acts of operators would be told, too: there are none of the one who looks at their own data here.
        var second = try DataExportTests().export(here, "ada-b")
        for file in ["who-saw.jsonl", "who-saw.csv"] { second[file] = second[file]?.split(separator: "\n").filter { !$0.contains("data import") && !$0.contains("data export") || first[file]?.contains($0) == true }.map { $0 + "\n" }.joined() }
        for file in Self.same { #expect(second[file] == first[file], "\(file)") }
    }

    @Test func `what was permitted there is not in force here, alerts are over, and nothing is watched`() throws {
        let there = try DataExportTests().lived()
        try there.press()
        let here = try elsewhere(at: there.gateway.now + .hours(1))
        _ = try take(try parts(try DataExportTests().export(there.gateway, "ada")), into: here)
        #expect(try here.say(.consentList(citizen: nil, all: true), as: "ada-b").say == ["There is no consent record: nobody is told anything."])
        #expect(try here.say(.alertList(all: true), as: "ada-b").say == ["There has been no alert that concerns you."])
        let past = try here.say(.dataPast(citizen: nil, kind: nil), as: "ada-b").say
        #expect(past.contains { $0.contains("Not in force here") } && past.contains { $0.contains("Ended by being taken along") })
        try here.advance(.days(2))
        #expect(here.outbound.publications.filter { $0.topic.hasPrefix("helpers/") }.isEmpty)
        #expect(try here.read { try $0.count("alert") } == 0)
        // The readings are hers to see, by the clocks of her new home.
        #expect(try here.say(.readingList(citizen: nil, home: nil, quantity: "heart_rate", since: "365d", limit: 100, purpose: nil), as: "ada-b").items.count == 6)
    }

    @Test func `the past is never added to what is or was another's`() throws {
        let there = try DataExportTests().lived()
        let parts = try parts(try DataExportTests().export(there.gateway, "ada"))
        let here = try elsewhere(at: there.gateway.now + .hours(1))
        try here.say(.citizenAdd(citizen: "eve", home: "oak-9", name: "Eve Stone", uid: nil))
        try here.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "eve")
        try here.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall motion", citizens: [], expected: nil), as: "ada-b")
        _ = try take(parts, into: here)
        let all = Command.readingList(citizen: nil, home: nil, quantity: nil, since: "365d", limit: 1_000, purpose: nil)
        #expect(try here.say(all, as: "eve").items.isEmpty)
        #expect(try !here.say(all, as: "ada-b").items.isEmpty)
        #expect(try DataExportTests().export(here, "eve")["readings.csv"]?.split(separator: "\n").count == 1)
        // What is only out of use may be claimed: whoever does sees nothing from before, also when all of it comes once
        // more, and the citizen sees nothing of what it says now.
        try here.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: [], expected: nil), as: "eve")
        try here.publish("homes/oak-9/zigbee2mqtt/hall button", #"{"action":"emergency"}"#)
        try here.advance(.hours(1))
        let (eves, adas) = (try here.say(all, as: "eve").items.count, try here.say(all, as: "ada-b").items.count)
        #expect(eves == 1)
        _ = try take(parts, into: here)
        #expect(try here.say(all, as: "eve").items.count == eves && here.say(all, as: "ada-b").items.count == adas)
    }

    @Test func `pieces that no gateway wrote are refused and change nothing`() throws {
        let here = try elsewhere(at: Instant(milliseconds: 1_795_000_000_000))
        let device = #"{"home":"x","zone":"UTC","address":"a/b","convention":"plain","shared":false,"claims":[{"from":"2026-01-01T00:00:00Z"}],"series":[]}"#
        let bad: [ImportPart] = [
            .begin(origin: "../x", exportedAt: "2026-01-01T00:00:00Z", readings: 1, devices: 1),
            .begin(origin: "ab", exportedAt: "2126-01-01T00:00:00Z", readings: 1, devices: 1),
            .device("{}"), .device(device.replacingOccurrences(of: "a/b", with: "")),
            .device(device.replacingOccurrences(of: "2026-01-01", with: "2126-01-01")),
            .device(device.replacingOccurrences(of: #""home":"x""#, with: #""home":"../x""#)),
            .readings(home: "x", device: "nowhere", quantity: "heart_rate", channel: "", rows: "1700000000000 0 a 72"),
            .readings(home: "x", device: "a/b", quantity: "heart_rate", channel: "", rows: "1700000000000 0 a nan"),
            .readings(home: "x", device: "a/b", quantity: "heart_rate", channel: "", rows: "1700000000000 77 a 72"),
            .readings(home: "x", device: "a/b", quantity: "motion", channel: "", rows: "1700000000000 0 a 7"),
            .readings(home: "x", device: "a/b", quantity: "heart_rate", channel: "", rows: "4700000000000 0 a 7"),
            .entries(kind: "consent", lines: ["{}"]), .entries(kind: "consent", lines: [#"{"origin":"ab","id":"x9"}"#]),
            .entries(kind: "secrets", lines: []), .entries(kind: "told", lines: [#"{"origin":"ab","id":"t9"}"#]),
        ]
        for part in bad { #expect(try here.say(.dataImport(part: part, citizen: nil, home: nil, isCheck: false), as: "ada-b").outcome == .failed, "\(part)") }
        #expect(try here.say(.dataImport(part: .device(device), citizen: "ada-b", home: nil, isCheck: false)).outcome == .refused)
        #expect(try here.read { try $0.count("importedEntry") + $0.count("device") + $0.count("reading") } == 0)
    }
}

extension DataImportTests {
    /// A later export has more of the same: nothing twice, nothing lost, and what leaves again is what the later one was.
    @Test func `a second, later export adds what is new`() throws {
        let there = try DataExportTests().lived()
        let early = try DataExportTests().export(there.gateway, "ada")
        try there.gateway.say(.deviceClaim(home: nil, device: "temperature/kitchen", citizens: [], expected: nil), as: "ada")
        try there.gateway.publish("homes/elm-3/temperature/kitchen", "21.5")
        try there.gateway.publish("homes/elm-3/vitals/heart-rate", "66")
        let late = try DataExportTests().export(there.gateway, "ada")
        let here = try elsewhere(at: there.gateway.now + .hours(1))
        for files in [early, late, early] { _ = try take(try parts(files), into: here) }
        let again = try DataExportTests().export(here, "ada-b")
        for file in ["readings.csv", "readings.jsonl", "devices.json", "consents.jsonl", "decisions.jsonl", "alerts.jsonl", "fhir-observations.json"] {
            #expect(again[file] == late[file], "\(file)")
        }
    }
}
