import Audit
import Care
import CareTesting
import Foundation
@testable import Gateway
import GRDB
import Logging
import Store
import Testing
import Zip

/// What a citizen erases is gone: from tables, files, copies and the journal; what stays still verifies.
@Suite struct ErasureTests {
    let key = AuditKey()

    /// Recognisable texts in everything that can hold one.
    private static let marks = ["MARKNOTE", "MARKREASON", "MARKPAYLOAD", "MARKOLDWORD", "MARKWARD", "MARKAUTHORITY", "markoxygen"]

    /// Ada with readings, an alert with a note, a withdrawn consent, a message that cannot be read; Ben in a home of his own.
    private func lived() throws -> Street {
        let street = try Street(auditKey: key)
        let gateway = street.gateway
        gateway.engine.journal = try ActJournal(folder: gateway.folder)
        while try gateway.engine.sweep() {}
        try gateway.say(.homeAdd(home: "elm-9", circle: "oak-street", zone: "Europe/London", address: "9 Elm Road", latitude: 51.5, longitude: -0.2))
        try gateway.say(.citizenAdd(citizen: "ben", home: "elm-9", name: "Ben Blue", uid: nil))
        try gateway.say(.serviceAdd(service: "clinic", name: "MARKWARD", uid: nil))
        try gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "ben")
        for device in ["vitals/heart-rate", "zigbee2mqtt/hall motion"] {
            try gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: "ada")
        }
        for n in 0..<30 {
            try gateway.publish("homes/elm-3/vitals/heart-rate", "\(70 + n).125")
            try gateway.publish("homes/elm-9/vitals/heart-rate", "\(60 + n).5")
            try gateway.publish("homes/elm-3/zigbee2mqtt/hall motion", #"{"occupancy":\#(n % 2 == 0)}"#)
            try gateway.advance(.minutes(7))
        }
        try gateway.publish("homes/elm-3/vitals/heart-rate", "MARKPAYLOAD and no number")
        try gateway.publish("homes/elm-9/vitals/heart-rate", "BENPAYLOAD and no number")
        try street.press()
        try street.answer("maria", "accept")
        try street.answer("maria", "arrive")
        try street.answer("maria", "resolve", note: "MARKNOTE all is well")
        var wish = consent(to: [], data: ["health"])
        wish.citizen = "ada"
        let asked = try gateway.say(.consentRequest(wish, reason: "MARKREASON for the clinic"), as: "clinic")
        #expect(asked.outcome == .done, "\(asked)")
        try gateway.say(.consentWithdraw(id: "c2"), as: "ada")
        // Somebody acted for her by a mandate that is over, and paused something by its name.
        try gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil, title: "markoxygen"), as: "ada")
        try gateway.say(.delegate(.appoint(MandateDraft(delegate: "tom", categories: ["health"], purposes: ["daily-support"], until: "9d", authority: "MARKAUTHORITY"))), as: "ada")
        let paused = try gateway.say(.pause(PauseDraft(length: "1m", devices: ["markoxygen"])), as: "ada", by: "tom")
        #expect(paused.outcome == .done, "\(paused)")
        try gateway.say(.delegate(.end(mandate: "m1")), as: "ada")
        try gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil, title: "heart"), as: "ada")
        try gateway.advance(.hours(1))
        return street
    }

    func run(_ street: Street) throws {
        for _ in 0..<20 {
            while try street.gateway.engine.sweep() {}
            try street.gateway.advance(.seconds(11))
        }
    }

    /// What the running gateway's disk watch does once the database holds nothing of it any more.
    func renewCopies(_ street: Street) throws {
        let gateway = street.gateway
        let folder = gateway.folder
        let since = try #require(gateway.engine.copiesHoldErasedSince)
        let backups = Backups(folder: folder, keep: 3)
        let store = try Store(folder: folder)
        defer { try? store.close() }
        let disk = DiskWatch(
            folder: folder, limits: GatewayConfiguration().limits, backups: backups, journal: try #require(gateway.engine.journal), now: gateway.now,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try gateway.advance(.minutes(2))
        #expect(!disk.renewCopies(store, since: since, now: gateway.now), "The older copies go only when there is a newer one.")
        let began = ContinuousClock.now
        while !backups.list().contains(where: { $0.at >= since }), ContinuousClock.now - began < .seconds(20) { usleep(10_000) }
        // Its thread may still be about to say that it is done.
        while !disk.renewCopies(store, since: since, now: gateway.now), ContinuousClock.now - began < .seconds(20) {
            try gateway.advance(.minutes(2))
            usleep(10_000)
        }
        try gateway.engine.noteCopiesRenewed()
        #expect(backups.list().count == 1)
    }

    /// Files of the data folder that hold this text, by name.
    func holding(_ text: String, _ street: Street) throws -> [String] {
        let folder = street.gateway.folder
        var found: [String] = []
        for case let name as String in try #require(FileManager.default.enumerator(atPath: folder)) {
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") else { continue }
            let base64 = Data(text.utf8).base64EncodedString().prefix(text.utf8.count / 3 * 4)
            if bytes.range(of: Data(text.utf8)) != nil || bytes.range(of: Data(base64.utf8)) != nil { found.append(name) }
        }
        return found.sorted()
    }

    func number(_ street: Street, _ sql: String) throws -> Int {
        try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite").read { try Int.fetchOne($0, sql: sql) ?? -1 }
    }

    func isSound(_ street: Street, as person: String = "ada") throws -> AuditReport {
        var verifier = ChainFileVerifier(key: key.publicKey, proofs: [])
        for item in try street.gateway.say(.audit(.chains(citizen: nil, after: 0)), as: person).items.compactMap(\.string) {
            guard case .chain(let header)? = ChainLine(Data(item.utf8)) else { continue }
            try verifier.take(.chain(header))
            var after: Int64? = 0
            var last: Int64 = 0
            while let from = after {
                let reply = try street.gateway.say(.audit(.page(chain: header.citizen, after: from)), as: person)
                for line in reply.items.compactMap(\.string).compactMap({ ChainLine(Data($0.utf8)) }) {
                    try verifier.take(line)
                    if case .entry(let entry) = line { last = entry.n }
                }
                for item in reply.items where item["finding"] != nil { verifier.add(AuditFinding(.rowChanged, nil, item["say"]?.string ?? "")) }
                after = reply.next
            }
            try verifier.take(.end(ChainEnd(entries: last)))
            for item in try street.gateway.say(.audit(.rows(chain: header.citizen, after: 0)), as: person).items {
                verifier.add(AuditFinding(.rowUnrecorded, nil, item["say"]?.string ?? ""))
            }
        }
        return try #require(verifier.finish().first).report
    }

    private func all(isCheck: Bool = false) -> Command { .dataErase(ErasureDraft(all: true, isCheck: isCheck)) }

    @Test func `after erasing everything no file of the data folder holds a byte of it, and the chain still verifies`() throws {
        let street = try lived()
        let gateway = street.gateway
        #expect(try gateway.say(.consentDeny(id: "c3"), as: "ada").outcome == .done)
        let old = gateway.folder + "/backups/caring-20200101T000000Z.sqlite"
        try FileManager.default.createDirectory(atPath: gateway.folder + "/backups", withIntermediateDirectories: true)
        try DatabaseQueue(path: gateway.folder + "/caring.sqlite").vacuum(into: old)
        try Data("MARKOLDWORD".utf8).write(to: URL(fileURLWithPath: gateway.folder + "/caring.sqlite.broken-20200101T000000Z"))
        for mark in Self.marks where mark != "MARKWARD" { 
            let files = try holding(mark, street)
            #expect(!files.isEmpty, "\(mark) was there before.")
        }
        let benBefore = try number(street, "SELECT count(*) FROM reading WHERE series IN (SELECT series.id FROM series JOIN device ON device.id = device WHERE home = 'elm-9')")

        let reply = try gateway.say(all(), as: "ada")
        #expect(reply.outcome == .done && reply.say.contains { $0.contains("Maria Lopez (maria)") && $0.contains("your name and address") }, "\(reply)")
        try run(street)
        let acts = try #require(gateway.engine.journal)
        #expect(try acts.acts(since: .distantPast).acts.isEmpty == false, "Until there is a new copy they are needed.")
        try renewCopies(street)
        #expect(try acts.acts(since: .distantPast).acts.isEmpty, "The new copy holds what they say.")

        for mark in Self.marks where mark != "MARKWARD" { #expect(try holding(mark, street).isEmpty, "\(mark)") }
        // A reading as it stands in the table: 70.125 and its likes.
        let value = withUnsafeBytes(of: (83.125).bitPattern.bigEndian) { Data($0) }
        for file in try FileManager.default.subpathsOfDirectory(atPath: gateway.folder) {
            #expect(FileManager.default.contents(atPath: "\(gateway.folder)/\(file)")?.range(of: value) == nil, "\(file)")
        }
        let report = try isSound(street)
        #expect(report.isSound && report.erased > 10, "\(report)")
        for (table, left) in [("mandate", 0), ("delegateAct", 0), ("delegateEntry", 0), ("alert", 0), ("history", 0), ("notice", 0), ("disclosure", 0), ("decision", 0)] {
            #expect(try number(street, "SELECT count(*) FROM \(table)") == left, "\(table)")
        }
        #expect(try number(street, "SELECT count(*) FROM reading WHERE series NOT IN (SELECT series.id FROM series JOIN device ON device.id = device WHERE home = 'elm-9')") == 0)
        #expect(try number(street, "SELECT count(*) FROM consent") == 1 && number(street, "SELECT count(*) FROM consentVersion") == 1, "c1 is in force.")
        let left = try number(street, "SELECT count(*) FROM reading")
        #expect(benBefore == 30 && left == benBefore)
        #expect(try holding("BENPAYLOAD", street).count >= 1, "What is Ben's stays.")
        #expect(try gateway.say(.dataErasing(citizen: nil), as: "ada").say.first?.hasPrefix("Nothing is being erased.") == true)
        let files = try DataExportTests.unpack(try #require(try gateway.export(as: "ada")))
        #expect(files["readings.csv"]?.split(separator: "\n").count == 1)
        #expect(files.values.allSatisfy { text in !Self.marks.contains { text.contains($0) } })
        #expect(street.showing.isEmpty)

        // Life goes on: what is in force works, and no number is given twice.
        try street.press()
        #expect(try street.alert(2).citizens == [PersonID("ada")])
        #expect(try number(street, "SELECT min(n) FROM disclosure") > 3)
        #expect(try isSound(street).isSound)
    }

    @Test func `what was erased does not look like silence after a restart`() throws {
        let street = try lived()
        try street.gateway.say(all(), as: "ada")
        try run(street)
        try street.gateway.restart()
        #expect(try street.gateway.read { try $0.openAlerts() }.isEmpty)
        try street.gateway.advance(.hours(9))
        #expect(try street.gateway.read { try $0.openAlerts() }.isEmpty, "Twelve hours have not passed since anybody moved.")
        try street.gateway.advance(.hours(3))
        #expect(try street.gateway.read { try $0.openAlerts() }.map(\.matter.rule.name) == ["still"], "Twelve hours have.")
    }

    @Test func `killed after any step it is finished by later starts`() throws {
        let street = try lived()
        try street.gateway.say(all(), as: "ada")
        var starts = 0
        while street.gateway.engine.copiesHoldErasedSince == nil, starts < 500 {
            _ = try street.gateway.engine.sweep()
            try street.gateway.restart(after: .seconds(11))
            // Nothing is in memory; one step is done to see where it is.
            _ = try street.gateway.engine.sweep()
            starts += 1
        }
        #expect(starts > 3 && starts < 500)
        for mark in ["MARKNOTE", "MARKPAYLOAD"] { #expect(try holding(mark, street).filter { !$0.hasPrefix("acts") }.isEmpty, "\(mark)") }
        #expect(try isSound(street).isSound)
    }

    @Test func `only readings of a time, a category or a device go when that is what is said`() throws {
        let street = try lived()
        let gateway = street.gateway
        func count(_ quantity: String) throws -> Int {
            try number(street, "SELECT count(*) FROM reading WHERE series IN (SELECT series.id FROM series JOIN device ON device.id = device WHERE home = 'elm-3' AND quantity = '\(quantity)')")
        }
        #expect(try count("heart_rate") == 30)
        let motion = try count("motion") + count("occupancy")
        let half = try #require(try gateway.say(.readingList(citizen: nil, home: nil, quantity: "heart_rate", since: "30d", limit: 100, purpose: nil), as: "ada").items.map { $0["at"]?.string }[14])
        #expect(try gateway.say(.dataErase(ErasureDraft(before: half, categories: ["health"])), as: "ada").outcome == .done)
        try run(street)
        #expect(try count("heart_rate") == 15 && count("motion") + count("occupancy") == motion)
        #expect(try gateway.say(.dataErase(ErasureDraft(devices: ["zigbee2mqtt/hall motion"])), as: "ada").outcome == .done)
        try run(street)
        #expect(try count("heart_rate") == 15 && count("motion") + count("occupancy") == 0)
        #expect(try number(street, "SELECT count(*) FROM alert") == 1 && number(street, "SELECT count(*) FROM disclosure") > 0)
        #expect(try isSound(street).isSound)
        #expect(try number(street, "SELECT count(*) FROM chain WHERE kind = 'erased'") == 2, "An entry says each time that something was erased.")
        let why = try gateway.say(.dataErase(ErasureDraft(devices: ["vitals/nothing"])), as: "ada")
        #expect(why.outcome == .failed)
        #expect(try gateway.say(.dataErase(ErasureDraft(before: "1h", all: true)), as: "ada").outcome == .failed)
        #expect(try gateway.say(.dataErase(ErasureDraft()), as: "ada").outcome == .failed)
    }

    @Test func `what is also about another stays until they have erased it, too`() throws {
        let street = try lived()
        let gateway = street.gateway
        try gateway.say(.citizenAdd(citizen: "cleo", home: "elm-3", name: "Cleo Brown", uid: nil))
        try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/kitchen motion", citizens: [], expected: nil), as: "ada")
        let joined = try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/kitchen motion", citizens: ["cleo"], expected: nil), as: "ada")
        #expect(joined.outcome == .done, "\(joined)")
        for n in 0..<6 {
            try gateway.publish("homes/elm-3/zigbee2mqtt/kitchen motion", #"{"occupancy":\#(n % 2 == 0)}"#)
            try gateway.advance(.minutes(1))
        }
        let kitchen = "SELECT count(*) FROM reading WHERE series IN (SELECT series.id FROM series JOIN device ON device.id = device WHERE address = 'zigbee2mqtt/kitchen motion')"
        let before = try number(street, kitchen)
        let draft = ErasureDraft(devices: ["zigbee2mqtt/kitchen motion"])
        let said = try gateway.say(.dataErase(draft), as: "ada").say
        #expect(said.contains { $0.contains("stay until each of them") }, "\(said)")
        try run(street)
        #expect(try before > 3 && number(street, kitchen) == before)
        try gateway.say(.dataErase(draft), as: "cleo")
        try run(street)
        #expect(try number(street, kitchen) == 0)
    }

    @Test func `while an alert is open everything cannot go, and nobody else may erase`() throws {
        let street = try lived()
        try street.press()
        let reply = try street.gateway.say(all(), as: "ada")
        #expect(reply.outcome == .failed && reply.say[0].contains("a2"), "\(reply)")
        #expect(try street.gateway.say(all(), as: "maria").outcome == .failed)
        #expect(try street.gateway.say(all()).outcome == .failed, "An operator says for whom.")
        let check = try street.gateway.say(.dataErase(ErasureDraft(before: "1h", isCheck: true)), as: "ada")
        #expect(check.outcome == .done && check.say[0].contains("would be erased"))
        #expect(try number(street, "SELECT count(*) FROM erasure") == 0)
        #expect(try number(street, "SELECT count(*) FROM operatorLog WHERE actingFor = 'ada' AND command = 'data erase'") == 1)
    }

    @Test func `while words about it wait for the broker it waits, and then goes on`() throws {
        let street = try lived()
        try street.press()
        street.gateway.isBrokerThere = false
        try street.gateway.say(.alertCancel(alert: "a2", note: nil), as: "ada")
        #expect(try street.gateway.say(all(), as: "ada").outcome == .done)
        for _ in 0..<5 {
            while try street.gateway.engine.sweep() {}
            try street.gateway.advance(.seconds(11))
        }
        #expect(try number(street, "SELECT count(*) FROM alert") == 1)
        #expect(try street.gateway.say(.dataErasing(citizen: nil), as: "ada").say.contains { $0.contains("waits") })
        street.gateway.isBrokerThere = true
        try street.gateway.settle()
        try street.gateway.advance(.minutes(10))
        try run(street)
        #expect(try number(street, "SELECT count(*) FROM alert") == 0 && street.showing.isEmpty)
    }

    @Test func `who reads the log is waited for`() throws {
        let street = try lived()
        let reader = try DatabasePool(path: street.gateway.folder + "/caring.sqlite")
        let snapshot = try reader.makeSnapshot()
        _ = try snapshot.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM reading") }
        try street.gateway.say(all(), as: "ada")
        try run(street)
        #expect(street.gateway.engine.copiesHoldErasedSince == nil)
        #expect(try street.gateway.say(.status, as: "ada").say.contains { $0.contains("as soon as nobody reads it") })
        try snapshot.close()
        try reader.close()
        try run(street)
        #expect(street.gateway.engine.copiesHoldErasedSince != nil)
    }

    @Test func `after a restore from an older copy it is erased again`() throws {
        let (street, other) = (try lived(), try lived())
        let since = street.gateway.now
        try street.gateway.say(.dataErase(ErasureDraft(categories: ["health"], devices: ["vitals/heart-rate"])), as: "ada")
        let journal = try #require(street.gateway.engine.journal)
        try other.gateway.advance(.minutes(1))
        let (done, failed) = try other.gateway.engine.repeatActs(of: journal, since: since)
        #expect(done == 1 && failed == 0)
        // What came after it was said stays.
        try other.gateway.publish("homes/elm-3/vitals/heart-rate", "99.5")
        try run(other)
        #expect(try number(other, "SELECT count(*) FROM reading WHERE series IN (SELECT series.id FROM series JOIN device ON device.id = device WHERE home = 'elm-3' AND quantity = 'heart_rate')") == 1)
        #expect(try number(other, "SELECT count(*) FROM claim WHERE citizen = 'ada' AND releasedAt IS NULL") == 3, "The device is still hers.")
    }

    @Test func `an erasure that waits keeps nobody else's from going on`() throws {
        let street = try lived()
        try street.press()
        street.gateway.isBrokerThere = false
        try street.gateway.say(.alertCancel(alert: "a2", note: nil), as: "ada")
        #expect(try street.gateway.say(all(), as: "ada").outcome == .done)
        try run(street)
        #expect(try street.gateway.say(.dataErasing(citizen: nil), as: "ada").say.contains { $0.contains("waits") })
        #expect(try street.gateway.say(all(), as: "ben").outcome == .done)
        try run(street)
        #expect(try number(street, "SELECT count(*) FROM reading WHERE series IN (SELECT series.id FROM series JOIN device ON device.id = device WHERE home = 'elm-9')") == 0)
        #expect(try street.gateway.say(.dataErasing(citizen: nil), as: "ben").say.contains { $0.contains("holds nothing of it any more") })
    }

    @Test func `a word that waits for the broker is told before what it is about goes, and no copy holds it`() throws {
        let street = try lived()
        let gateway = street.gateway
        let id = try #require(try gateway.say(.consentGrant(consent(to: ["helper:tom"], data: ["health"])), as: "ada").items.first?["consent"]?.string)
        gateway.isBrokerThere = false
        #expect(try gateway.say(.consentRevoke(id: id, reason: "by a court")).outcome == .done)
        try gateway.advance(.minutes(1))
        try gateway.say(all(), as: "ada")
        try run(street)
        #expect(try number(street, "SELECT count(*) FROM citizenWord") == 1 && number(street, "SELECT count(*) FROM consent WHERE id = \(id.dropFirst())") == 1)
        gateway.isBrokerThere = true
        try gateway.settle()
        try run(street)
        #expect(gateway.outbound.published(to: "homes/elm-3/caring/notices").contains { $0.contains(id) })
        #expect(try number(street, "SELECT count(*) FROM citizenWord") == 0 && number(street, "SELECT count(*) FROM consent WHERE id = \(id.dropFirst())") == 0)
        #expect(gateway.engine.copiesHoldErasedSince != nil)
    }

    @Test func `what was there before the chains goes as well, though it is in them only later`() throws {
        let street = try lived()
        let database = try DatabasePool(path: street.gateway.folder + "/caring.sqlite")
        // As after an update from a gateway that had no chains.
        try database.write { db in
            for sql in [
                "DELETE FROM chain", "UPDATE consentVersion SET entry = NULL", "UPDATE disclosure SET entry = NULL",
                "UPDATE alert SET raisedEntries = NULL, endedEntries = NULL", "DELETE FROM meta WHERE key = 'chainLater'",
            ] { try db.execute(sql: sql) }
        }
        try database.close()
        try street.gateway.restart()
        #expect(try street.gateway.say(all(), as: "ada").outcome == .done)
        try run(street)
        for table in ["alert", "history", "disclosure"] { #expect(try number(street, "SELECT count(*) FROM \(table)") == 0, "\(table)") }
    }

    @Test func `a message of a neighbouring device that could not be read is not taken for one's own`() throws {
        let street = try lived()
        let gateway = street.gateway
        try gateway.say(.citizenAdd(citizen: "cleo", home: "elm-3", name: "Cleo Brown", uid: nil))
        for (person, device) in [("ada", "zigbee2mqtt/lamp"), ("cleo", "zigbee2mqtt/lamp 2")] {
            try gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: person)
        }
        let database = try DatabasePool(path: gateway.folder + "/caring.sqlite")
        try database.write { db in
            for topic in ["lamp", "lamp/availability", "lamp 2"] {
                try db.execute(
                    sql: "INSERT INTO quarantine (at, home, topic, payload, hash, reason) VALUES (?, 'elm-3', ?, x'00', 1, 'test')",
                    arguments: [gateway.now.milliseconds - 1, "homes/elm-3/zigbee2mqtt/\(topic)"])
            }
        }
        try database.close()
        try gateway.say(all(), as: "ada")
        try run(street)
        let left = try DatabaseQueue(path: gateway.folder + "/caring.sqlite").read { try String.fetchAll($0, sql: "SELECT topic FROM quarantine") }
        #expect(left == ["homes/elm-3/zigbee2mqtt/lamp 2"])
    }

    @Test func `where there is no room to write the database anew it is tried again later, and the gateway goes on`() throws {
        let street = try lived()
        street.gateway.engine.store.beforeRewrite = { throw StoreError(StoreProblem.diskFull.sentence, detail: "test", problem: .diskFull) }
        try street.gateway.say(all(), as: "ada")
        try run(street)
        #expect(street.gateway.engine.degraded == nil && street.gateway.engine.copiesHoldErasedSince == nil)
        try street.press()
        #expect(!street.showing.isEmpty)
        street.gateway.engine.store.beforeRewrite = nil
        try street.gateway.advance(.minutes(10))
        try run(street)
        #expect(street.gateway.engine.copiesHoldErasedSince != nil)
    }
}
