import Care
import CareTesting
import Foundation
@testable import Gateway
import GRDB
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
        for line in try #require(files["daily-figures.csv"]).split(separator: "\n").dropFirst() {
            let f = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            func at(_ text: String) -> String { Instant(iso: text).map { "\($0.milliseconds)" } ?? "-" }
            let numbers = f[6] == "0" ? Array(repeating: "-", count: 5) : [f[12], f[8], f[9], f[10], f[11]]
            let row = [at(f[0]), "\(try #require(Day(iso: f[1])).number)", f[6], f[13], "\(Int64(((Double(f[14]) ?? 0) * 1_000).rounded()))", at(f[19])] + numbers + [at(f[17]), at(f[18])]
            parts.append(.figures(home: f[2], device: f[3], quantity: f[4], channel: f[5], rows: row.joined(separator: " ")))
        }
        for line in try #require(files["readings.csv"]).split(separator: "\n").dropFirst() {
            let f = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            let value = ["yes": "1", "happened": "1", "no": "0"][f[6]] ?? f[6]
            let earliest = Instant(iso: f[10]).map { " \($0.milliseconds)" } ?? ""
            let at = try #require(Instant(iso: f[0])).milliseconds
            parts.append(.readings(home: f[2], device: f[3], quantity: f[4], channel: f[5], rows: "\(at) \(f[11]) \(f[9] == "device" ? "d" : "a") \(value)\(earliest)"))
        }
        for (file, kind) in [("consents.jsonl", "consent"), ("decisions.jsonl", "decision"), ("who-saw.jsonl", "told"), ("alerts.jsonl", "alert"), ("delegates.jsonl", "delegate"), ("retention.jsonl", "keeping")] {
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
    static let same = [
        "readings.csv", "readings.jsonl", "devices.json", "consents.jsonl", "who-saw.jsonl", "who-saw.csv", "decisions.jsonl", "alerts.jsonl", "delegates.jsonl", "fhir-observations.json",
        "daily-figures.csv", "daily-figures.jsonl", "retention.jsonl",
    ]

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

extension DataImportTests {
    /// Days that had become figures, the day between, and what was decided.
    private func thinned() throws -> Street {
        let street = try Street(rules: Street.rules.replacing("for: 12h", with: "for: 8000h"))
        let gateway = street.gateway
        for device in ["vitals/heart-rate", "zigbee2mqtt/hall motion"] {
            try gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: "ada")
        }
        for category in ["health", "family", "security", "safety"] {
            try gateway.say(.dataKeep(KeepDraft(categories: [category], length: "10d", then: "daily")), as: "ada")
        }
        for n in 0..<80 {
            try gateway.publish("homes/elm-3/vitals/heart-rate", "\(60 + n % 40).\(n % 7)")
            try gateway.publish("homes/elm-3/zigbee2mqtt/hall motion", #"{"occupancy":\#(n % 3 != 0)}"#)
            try gateway.advance(.hours(6))
        }
        while try gateway.engine.sweep() {}
        return street
    }

    @Test func `daily figures and what was decided go along, come in once, and leave as they were`() throws {
        let there = try thinned()
        let first = try DataExportTests().export(there.gateway, "ada")
        #expect(first["daily-figures.csv"]?.split(separator: "\n").count ?? 0 > 15)
        #expect(first["daily-figures.jsonl"]?.split(separator: "\n").count ?? 0 > 15)
        #expect(first["retention.jsonl"]?.contains("10 days, then made into daily figures") == true)
        let parts = try parts(first)
        let here = try elsewhere(at: there.gateway.now + .hours(1))
        for _ in 0..<2 { _ = try take(parts, into: here) }
        let second = try DataExportTests().export(here, "ada-b")
        for file in Self.same where !file.hasPrefix("who-saw") { #expect(second[file] == first[file], "\(file)") }
        // It is the past: what is kept here is decided here.
        #expect(try here.say(.dataKeeping(citizen: nil, history: true), as: "ada-b").items.isEmpty)
        #expect(try here.say(.dataPast(citizen: nil, kind: "keeping"), as: "ada-b").items.count == 4)
        // Back where it came from, nothing is there twice.
        let figures = try there.gateway.read { try $0.count("dailyFigure") }
        #expect(try take(parts, into: there.gateway, as: "ada").new == 0)
        while try there.gateway.engine.sweep() {}
        #expect(try there.gateway.read { try $0.count("dailyFigure") } == figures)
    }

    @Test func `what is taken in obeys what is decided here at once, counts once, and an interrupted import loses nothing`() throws {
        let there = try DataExportTests().lived()
        let parts = try parts(try DataExportTests().export(there.gateway, "ada"))
        let here = try elsewhere(at: there.gateway.now + .days(30))
        for category in Category.allCases { try here.say(.dataKeep(KeepDraft(categories: [category.rawValue], length: "7d", then: "daily")), as: "ada-b") }
        func sweep() throws { while try here.engine.sweep() {} }
        let half = parts.firstIndex { if case .readings = $0 { true } else { false } }.map { $0 + 3 } ?? 0
        _ = try take(Array(parts.prefix(half)), into: here)
        try sweep()
        #expect(try here.read { try $0.count("dailyFigure") } == 0, "While it comes in, no day is made of a part of it.")
        try here.advance(.hours(2))
        try sweep()
        let reply = try here.say(.dataImport(part: .end, citizen: nil, home: nil, isCheck: false), as: "ada-b")
        #expect(reply.say.contains { $0.contains("7 days, then made into daily figures") }, "\(reply.say)")
        for _ in 0..<2 {
            _ = try take(parts, into: here)
            try sweep()
        }
        let all = parts.count { if case .readings = $0 { true } else { false } }
        let series = try here.read { try $0.series() }
        let figures = try here.read { reader in try series.reduce(Int64(0)) { try $0 + reader.figures($1.id.number, from: .distantPast, until: .distantFuture).reduce(0) { $0 + $1.count } } }
        // The newest of each series waits for the one that says how long it held.
        #expect(try figures + here.read { try $0.count("reading") } == Int64(all))
        #expect(try here.read { try $0.count("reading") } == Int64(series.count))
    }

    @Test func `daily figures that no gateway wrote are refused`() throws {
        let here = try elsewhere(at: Instant(milliseconds: 1_795_000_000_000))
        let good = "1700000000000 19675 2 1 0 1700000100000 150.5 70 80.5 70 80.5 1700000050000 1700000100000"
        #expect(throws: Never.self) { try Engine.figures(good, try #require(Quantity("heart_rate")), now: here.now) }
        for (old, new) in [
            ("19675", "19670"), (" 2 1 ", " 1 2 "), (" 2 1 ", " -2 1 "), ("150.5", "nan"), (" 70 80.5 70", " 90 80.5 70"), ("1700000050000", "1700900050000"), ("1700000000000", "1800000000000"),
            (" 1 0 ", " 1 999999999999 "), (" 80.5 1700000050000", " 1700000050000"),
        ] {
            let bad = good.replacing(old, with: new)
            #expect(bad != good && isRefused(bad, here.now), "\(bad)")
        }
    }

    private func isRefused(_ rows: String, _ now: Instant) -> Bool {
        guard let quantity = Quantity("heart_rate") else { return false }
        do { _ = try Engine.figures(rows, quantity, now: now) } catch { return true }
        return false
    }

    // MARK: What was taken in

    @Test func `what was taken in is shown only as far as an answer may be long, and beside the turns`() throws {
        let here = try elsewhere(at: Instant(milliseconds: 1_795_000_000_000))
        let word = String(repeating: "x", count: 60_000)
        for first in stride(from: 0, to: 120, by: 2) {
            let lines = (first..<first + 2).map { #"{"origin":"ab","id":"c\#($0)","givenAt":"2026-01-01T00:00:00Z","say":"\#(word)"}"# }
            try here.say(.dataImport(part: .entries(kind: "consent", lines: lines), citizen: nil, home: nil, isCheck: false), as: "ada-b")
        }
        let past = Command.dataPast(citizen: nil, kind: nil)
        #expect(past.isAside)
        let reply = try here.say(past, as: "ada-b")
        #expect(reply.items.count == (4 << 20) / 60_078 || reply.items.count == (4 << 20) / 60_079, "\(reply.items.count)")
        #expect(reply.items.last?["id"] == .string("c119") && reply.say.last?.contains("An export has all of it") == true)
    }

    @Test func `how many entries there are is kept and not counted, and they go when they have been here for long enough`() throws {
        let here = try elsewhere(at: Instant(milliseconds: 1_795_000_000_000))
        func bring(_ ids: Range<Int>) throws -> Reply {
            let lines = ids.map { #"{"origin":"ab","id":"c\#($0)"}"# }
            return try here.say(.dataImport(part: .entries(kind: "consent", lines: lines), citizen: nil, home: nil, isCheck: false), as: "ada-b")
        }
        for _ in 0..<2 { #expect(try bring(0..<20).outcome == .done) }
        #expect(try here.read { try $0.importedCount("ada-b") } == 20)
        // Nobody looks at the entries themselves: what is kept of their number is believed.
        let queue = try DatabaseQueue(path: here.folder + "/caring.sqlite")
        try queue.write { try $0.execute(sql: "UPDATE importedTally SET entries = 1999995") }
        #expect(try bring(20..<30).outcome == .failed)
        try queue.write { try $0.execute(sql: "UPDATE importedTally SET entries = 20; UPDATE importedEntry SET takenInAt = 0 WHERE n = 1") }
        try queue.close()
        try here.advance(.days(1_090))
        while try here.engine.sweep() {}
        #expect(try here.read { try $0.importedCount("ada-b") } == 20)
        try here.advance(.days(7))
        while try here.engine.sweep() {}
        // One that was not dated was dated by the first round.
        #expect(try here.read { try $0.importedCount("ada-b") } == 1 && here.read { try $0.count("importedEntry") } == 1)
    }
}
