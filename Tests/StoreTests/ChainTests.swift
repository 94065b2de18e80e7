import Audit
import Care
import Foundation
import GRDB
import Store
import Testing

@Suite struct ChainTests {
    private func disclosure(_ n: Int, at: Instant, citizen: PersonID = "ada", to: PersonID = "maria", alert: Int64? = nil) -> Disclosure {
        Disclosure(
            at: at, citizen: citizen, recipient: to, alert: alert.map { AlertID($0) }, notice: nil, decision: nil, data: "data \(n)", detail: .alert,
            stage: .asked, state: .sent)
    }
    private func record(_ id: Int64) -> ConsentRecord {
        ConsentRecord(
            id: ConsentID(id), citizen: "ada", effect: .permit, recipients: [.helper("maria"), .circle("oak-street")], purposes: [.emergencyResponse],
            data: [.everything], detail: .alert, from: start)
    }
    private func alert(_ id: Int64) throws -> Alert {
        Alert(
            id: AlertID(id),
            matter: Alert.Matter(
                rule: "sos", kind: "sos", say: "Help.", category: .safety, purpose: .emergencyResponse, severity: .extreme, urgency: .immediate,
                certainty: .observed, endsWhenOver: false, plan: "standard"),
            home: "elm-3", citizens: ["ada", "bob"], device: nil, quantity: nil, value: nil, raisedAt: start, since: start, lastSeen: nil, isTest: false)
    }

    /// Ada's chain: c1 given, alert 1 raised, ten disclosures, c1 withdrawn, the alert ended. Bob's: raised, ended.
    private func written() throws -> (Folder, Store) {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx in
            try tx.save(record(1), givenBy: "operator 1000 for ada", at: start)
            var one = try alert(1)
            try tx.save(one)
            for n in 0..<10 { try tx.append(disclosure(n, at: start + .minutes(Int64(n)), to: n % 2 == 0 ? "maria" : "tom", alert: 1)) }
            try tx.withdraw(ConsentID(1), by: "ada", at: start + .hours(1))
            try tx.withdraw(ConsentID(1), by: "ada", at: start + .hours(2))
            try tx.save(one)
            one.ending = .init(how: .resolved, at: start + .hours(2), by: "maria", note: nil)
            try tx.save(one)
            try tx.save(one)
            while try tx.enterLater(rowsMax: 100, at: start) {}
        }
        return (folder, store)
    }

    private func verify(_ store: Store, _ person: PersonID = "ada", proofs: [DayProof] = []) throws -> AuditReport {
        try store.read { disk in
            let citizen = try #require(try disk.pseudonym(person))
            var verifier = ChainVerifier(citizen: citizen, proofs: proofs)
            var findings: [AuditFinding] = []
            var after: Int64 = 0
            while case let page = try disk.chain(citizen, after: after, limit: 3), !page.isEmpty {
                for (entry, finding) in page {
                    verifier.take(entry)
                    after = entry.n
                    if let finding { findings.append(finding) }
                }
            }
            var next: Int64? = 0
            while let from = next {
                let (more, last) = try disk.unrecorded(person, citizen, after: from, limit: 4)
                findings += more
                next = last
            }
            var report = verifier.finish()
            report.findings += findings
            return report
        }
    }
    private func found(_ report: AuditReport) -> [String] { report.findings.map { "\($0.what.rawValue) \($0.n ?? 0)" } }
    private func kinds(_ store: Store, _ person: PersonID = "ada") throws -> [String] {
        try store.read { disk in
            let citizen = try #require(try disk.pseudonym(person))
            return try disk.chain(citizen, after: 0, limit: 1_000).map(\.entry.kind)
        }
    }

    @Test func `what is recorded is in the chains of those whom it is about, once`() throws {
        let (folder, store) = try written()
        defer { withExtendedLifetime(folder) {} }
        #expect(try kinds(store) == ["consent", "alert"] + Array(repeating: "disclosure", count: 10) + ["consent", "alert"])
        #expect(try kinds(store, "bob") == ["alert", "alert"])
        for person: PersonID in ["ada", "bob"] { #expect(try verify(store, person).findings.isEmpty) }
        // People are numbers in it.
        let bodies = try store.read { try $0.chain(1, after: 0, limit: 100).compactMap(\.entry.body) }
        for name in ["ada", "bob", "maria", "tom"] { #expect(!bodies.contains { $0.contains(name) }, "\(name)") }
        #expect(bodies.first?.contains(#""by":"operator 1000 for 1""#) == true && bodies.first?.contains(#""helper:2","circle:oak-street""#) == true, "\(bodies.first ?? "")")
        for body in bodies {
            let object = try JSONSerialization.jsonObject(with: Data(body.utf8))
            let sorted = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
            #expect(String(decoding: sorted, as: UTF8.self) == body, "Canonical: sorted keys, no spaces.")
        }
        try store.close()
    }

    @Test func `a start later, and a turn that failed in between, the chain goes on`() throws {
        let (folder, store) = try written()
        struct Broken: Error {}
        for isSavepoint in [false, true] {
            _ = thrown {
                try store.turn { tx in
                    if isSavepoint {
                        _ = thrown { try tx.savepoint { try tx.append(disclosure(98, at: start)); throw Broken() } }
                        try tx.append(disclosure(99, at: start, to: "never-before"))
                    } else {
                        try tx.append(disclosure(98, at: start, to: "never-before"))
                        throw Broken()
                    }
                }
            }
        }
        store.beforeCommit = { throw StoreError("full", detail: "", problem: .diskFull) }
        #expect(throws: (any Error).self) { try store.turn { try $0.append(disclosure(97, at: start)) } }
        store.beforeCommit = nil
        try store.turn { try $0.append(disclosure(10, at: start)) }
        try store.close()
        let again = try folder.open()
        try again.turn { try $0.append(disclosure(11, at: start)) }
        #expect(try kinds(again).count == 17)
        #expect(try verify(again).isSound)
        #expect(try folder.numbers("SELECT n FROM pseudonym ORDER BY n") == [1, 2, 3, 4, 5])
        try again.close()
    }

    @Test(arguments: [
        ("UPDATE disclosure SET recipient = 'tom' WHERE n = 3", ["row-changed 5"]),
        ("UPDATE disclosure SET at = at + 1 WHERE n = 3", ["row-changed 5"]),
        ("UPDATE disclosure SET detail = 'readings' WHERE n = 3", ["row-changed 5"]),
        ("UPDATE disclosure SET state = 'nonsense' WHERE n = 3", ["row-changed 5"]),
        ("UPDATE disclosure SET citizen = 'bob' WHERE n = 3", ["row-changed 5"]),
        ("DELETE FROM disclosure WHERE n = 3", ["row-missing 5"]),
        ("INSERT INTO disclosure (at, citizen, recipient, data, detail, state, entry) VALUES (0, 'ada', 'tom', 'x', 'alert', 'sent', 5)", ["row-unrecorded 0"]),
        ("UPDATE consent SET body = replace(body, 'permit', 'refuse')", ["row-changed 13"]),
        ("UPDATE consentVersion SET body = replace(body, 'permit', 'refuse')", ["row-changed 1", "row-changed 13", "row-changed 13"]),
        ("UPDATE consentVersion SET at = 5 WHERE state = 'withdrawn'", ["row-changed 13"]),
        ("DELETE FROM consentVersion WHERE state = 'withdrawn'", ["row-changed 13", "row-changed 1"]),
        ("UPDATE consent SET withdrawnAt = NULL", ["row-changed 13"]),
        ("INSERT INTO consent (id, citizen, body, givenAt, givenBy) VALUES (9, 'ada', '{}', 0, 'x')", ["row-unrecorded 0"]),
        ("UPDATE alert SET body = replace(body, '\"rule\":\"sos\"', '\"rule\":\"fall\"')", ["row-changed 2"]),
        ("UPDATE chain SET body = replace(body, 'data 2', 'data 7') WHERE citizen = 1 AND n = 5", ["altered 5", "row-changed 5"]),
        ("UPDATE chain SET salt = zeroblob(16) WHERE citizen = 1 AND n = 5", ["altered 5"]),
        ("UPDATE chain SET hash = zeroblob(32) WHERE citizen = 1 AND n = 5", ["altered 5"]),
        ("UPDATE chain SET kind = 'alert' WHERE citizen = 1 AND n = 13", ["altered 13", "row-changed 13", "row-unrecorded 0"]),
        ("DELETE FROM chain WHERE citizen = 1 AND n = 5", ["missing 5", "row-unrecorded 0"]),
        ("DELETE FROM chain WHERE citizen = 1 AND n = 5; DELETE FROM disclosure WHERE n = 3", ["missing 5"]),
        ("UPDATE chain SET salt = NULL, body = NULL, inner = zeroblob(32) WHERE citizen = 1 AND n = 5", ["altered 5", "emptied 5"]),
        ("UPDATE chain SET n = 99 WHERE citizen = 1 AND n = 5; UPDATE chain SET n = 5 WHERE citizen = 1 AND n = 6; UPDATE chain SET n = 6 WHERE citizen = 1 AND n = 99",
            ["exchanged 5", "row-unrecorded 0", "row-unrecorded 0"]),
    ])
    func `every kind of tampering is found and named`(sql: String, expected: [String]) throws {
        let (folder, store) = try written()
        try folder.run(sql)
        let report = try verify(store)
        #expect(found(report) == expected, "\(report.findings.map(\.sentence))")
        #expect(report.findings.allSatisfy { $0.sentence.hasSuffix(".") && !$0.sentence.contains("nil") && !$0.sentence.contains("Optional") })
        try store.close()
    }

    @Test func `the last entry, taken away with its row, is found by a proof that was given out`() throws {
        let (folder, store) = try written()
        let given = try sign(store, "2026-11-21")
        try folder.run("DELETE FROM chain WHERE citizen = 1 AND n = 14; UPDATE alert SET endedEntries = NULL")
        #expect(try verify(store).isSound)
        #expect(found(try verify(store, proofs: [given])) == ["missing 14"])
        try store.close()
    }

    private let key = AuditKey()
    private func sign(_ store: Store, _ day: String, daysKept: Int = 31) throws -> DayProof {
        try store.turn { tx in
            let leaves = try tx.addLeaves(day, after: 0, limit: 100)
            let tree = try #require(Merkle(leaves: leaves.map(\.leaf)))
            try tx.save(try key.sign(day: day, root: tree.root, leaves: leaves.count))
            while try tx.dropLeaves(daysKept: daysKept, rowsMax: 1) > 0 {}
        }
        return try newest(store, "ada")
    }

    private func newest(_ store: Store, _ person: PersonID) throws -> DayProof {
        try store.read { disk in
            let citizen = try #require(try disk.pseudonym(person))
            return try #require(try disk.proofs(of: citizen, limit: 1, before: nil).first)
        }
    }

    @Test func `each has a proof of a day, and old days keep their signature only`() throws {
        let (folder, store) = try written()
        for day in 10...19 {
            for proof in [try sign(store, "2026-11-\(day)", daysKept: 4), try newest(store, "bob")] {
                #expect(proof.problem(trusting: key.publicKey) == nil && proof.signed.leaves == 2 && proof.signed.day == "2026-11-\(day)")
            }
        }
        #expect(try folder.numbers("SELECT count(DISTINCT day) FROM dayLeaf") == [4])
        #expect(try folder.numbers("SELECT count(*) FROM signedDay") == [10])
        let kept = try store.read { try $0.proofs(of: 1, limit: 100, before: "2026-11-19") }
        #expect(kept.map(\.signed.day) == ["2026-11-18", "2026-11-17", "2026-11-16"])
        #expect(try store.read { try $0.proofs(of: 2, limit: 100, before: nil) }.isEmpty, "Maria has a number and no chain.")
        try store.close()
    }

    @Test(arguments: [1, 3, 1_000])
    func `what is dropped by age is erased from the chain, which verifies, with its proofs`(rowsMax: Int) throws {
        let (folder, store) = try written()
        let given = try sign(store, "2026-11-21")
        try store.turn { tx in
            for n in 20..<25 { try tx.append(disclosure(n, at: start + .days(9))) }
            var second = try alert(2)
            try tx.save(second)
            second.ending = .init(how: .over, at: start + .days(9), by: nil, note: nil)
            try tx.save(second)
            try tx.append(HistoryEntry(at: start, what: .raised, person: nil, text: nil), to: AlertID(2))
        }
        while try store.turn({ try $0.dropRecords(before: start + .days(5), rowsMax: rowsMax, at: start + .days(1_000)) }) > 0 {}
        #expect(try folder.numbers("SELECT count(*) FROM disclosure") == [5])
        let report = try verify(store, proofs: [given])
        #expect(report.isSound && report.erased == 12, "\(report.findings)")
        #expect(try verify(store, "bob").isSound)
        #expect(try folder.numbers("SELECT n FROM chain WHERE citizen = 1 AND body IS NULL ORDER BY n") == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14])
        #expect(try folder.numbers("SELECT count(*) FROM chain WHERE body IS NULL AND salt IS NOT NULL OR body IS NOT NULL AND inner IS NOT NULL") == [0])
        // Emptied by another hand, without a word of it, is another matter.
        try folder.run("UPDATE chain SET inner = zeroblob(32), salt = NULL, body = NULL WHERE citizen = 1 AND n = 16")
        #expect(!(try verify(store)).isSound)
        try store.close()
    }

    @Test func `erasing in steps takes the kinds that are named, up to an entry`() throws {
        let (folder, store) = try written()
        defer { withExtendedLifetime(folder) {} }
        var steps: [Int] = []
        while case let erased = try store.turn({ try $0.eraseChainBodies(of: 1, upTo: 9, kinds: [.disclosure, .alert], because: .citizen, at: start, entriesMax: 3) }),
            erased > 0
        { steps.append(erased) }
        #expect(steps == [3, 3, 2])
        #expect(try store.turn { try $0.eraseChainBodies(of: 1, entries: [2, 3], because: .citizen, at: start) } == 0)
        #expect(try verify(store).erased == 8)
        try store.turn { try $0.erasePseudonym(2) }
        #expect(try store.turn { try $0.pseudonym("maria") } == 5, "A number is never given again.")
        try store.close()
    }

    @Test(arguments: [1, 4, 100])
    func `what was there before the chains is entered later and says so`(rowsMax: Int) throws {
        let (folder, store) = try written()
        try store.close()
        // As a database of the version before.
        try folder.run("DELETE FROM chain; DELETE FROM pseudonym; DELETE FROM meta; UPDATE disclosure SET entry = NULL; UPDATE consentVersion SET entry = NULL; UPDATE alert SET raisedEntries = NULL, endedEntries = NULL")
        let again = try folder.open()
        try again.turn { try $0.append(disclosure(50, at: start + .days(1))) }
        #expect(try !again.read { try $0.isChainComplete() })
        var turns = 0
        while try again.turn({ try $0.enterLater(rowsMax: rowsMax, at: start + .days(2)) }) { turns += 1 }
        #expect(turns >= 14 / rowsMax)
        #expect(try again.read { try $0.isChainComplete() })
        #expect(try kinds(again) == ["disclosure", "consent", "consent", "alert", "alert"] + Array(repeating: "disclosure", count: 10))
        for person: PersonID in ["ada", "bob"] { #expect(try verify(again, person).findings.isEmpty) }
        let ada = try #require(try again.read { try $0.pseudonym("ada") })
        #expect(ada > 4, "Numbers are never given again.")
        let bodies = try again.read { try $0.chain(ada, after: 0, limit: 100).compactMap(\.entry.body) }
        #expect(bodies.map { $0.contains("\"written\":\((start + .days(2)).milliseconds)") } == [false] + Array(repeating: true, count: 14))
        // The mark forgives nothing.
        try folder.run("UPDATE disclosure SET data = 'x' WHERE n = 3")
        #expect(found(try verify(again)) == ["row-changed 8"])
        try again.close()
    }

    @Test func `after a restore the chain says what a later proof knows and it does not`() throws {
        let (folder, store) = try written()
        let backups = Backups(folder: folder.path, keep: 1)
        try backups.make(store.backupSource, at: start)
        try store.turn { tx in for n in 0..<5 { try tx.append(disclosure(n, at: start + .days(1))) } }
        let given = try sign(store, String((start + .days(1)).iso.prefix(10)))
        #expect(given.entries == 19)
        try store.checkpoint()
        try store.close()
        try folder.damage(from: 8_192)
        let (restored, recovered) = try Store.openRecovering(folder: folder.path, backups: backups, now: start + .days(2)) { _ in }
        let at = try #require(recovered).backupAt
        try restored.turn { try $0.enterRestored(backup: at, at: start + .days(2)) }
        try restored.turn { tx in for n in 0..<9 { try tx.append(disclosure(n, at: start + .days(2))) } }
        let report = try verify(restored, proofs: [given])
        #expect(report.isSound, "\(report.findings)")
        #expect(report.notes.count == 1 && report.notes[0].hasPrefix("Entries 15 to 19 are lost that the proof of"), "\(report.notes)")
        #expect(try restored.turn { try $0.pseudonym("somebody-new") } > 10_000, "Numbers that the damaged database had given out are not given again.")
        try restored.close()
    }

    @Test func `the lines of an export verify, and hold what the chain holds`() throws {
        let (folder, store) = try written()
        defer { withExtendedLifetime(folder) {} }
        _ = try sign(store, "2026-11-21")
        var verifier = ChainFileVerifier(key: key.publicKey)
        var lines = 0
        try store.read { disk in
            try disk.chainLines(of: 1) { text in
                try verifier.take(try #require(ChainLine(Data(text.utf8))))
                lines += 1
            }
        }
        #expect(lines == 17)
        #expect(verifier.finish().map(\.report.isSound) == [true])
        try store.close()
    }
}
