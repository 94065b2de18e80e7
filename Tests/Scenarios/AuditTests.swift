import Audit
import Care
import CareTesting
import Foundation
@testable import Gateway
import GRDB
import Testing

/// A citizen's chain and proofs, asked for as the command line asks.
@Suite struct AuditScenarios {
    private let key = AuditKey()

    private func verify(_ street: Street, as person: String? = "ada", proofs: [DayProof] = [], sealed: [SealedProof] = []) throws -> [(header: ChainHeader, report: AuditReport)] {
        var verifier = ChainFileVerifier(key: key.publicKey, proofs: proofs, sealed: sealed)
        func ask(_ query: AuditQuery) throws -> (reply: Reply, lines: [ChainLine]) {
            let reply = try street.gateway.say(.audit(query), as: person)
            #expect(reply.outcome == .done, "\(reply)")
            return (reply, try reply.items.compactMap(\.string).map { try #require(ChainLine(Data($0.utf8))) })
        }
        for case .chain(let header) in try ask(.chains(citizen: nil, after: 0)).lines {
            try verifier.take(.chain(header))
            for line in try ask(.proofs(chain: header.citizen, before: nil)).lines { try verifier.take(line) }
            var after: Int64? = 0
            var last: Int64 = 0
            while let from = after {
                let (reply, lines) = try ask(.page(chain: header.citizen, after: from))
                for line in lines {
                    try verifier.take(line)
                    if case .entry(let entry) = line { last = entry.n }
                }
                for item in reply.items where item["finding"] != nil { verifier.add(AuditFinding(.rowChanged, item["entry"]?.int, item["say"]?.string ?? "")) }
                after = reply.next
            }
            try verifier.take(.end(ChainEnd(entries: last)))
            for item in try ask(.rows(chain: header.citizen, after: 0)).reply.items { verifier.add(AuditFinding(.rowUnrecorded, nil, item["say"]?.string ?? "")) }
        }
        return verifier.finish()
    }
    /// Her newest proof as she asks for it; what lies at the broker is the same, sealed.
    private func given(_ street: Street, _ place: SourceLocation = #_sourceLocation) throws -> DayProof? {
        let sealed = try street.gateway.outbound.retained["homes/elm-3/caring/audit/ada"].map { try JSONDecoder().decode(SealedProof.self, from: Data($0.utf8)) }
        guard let sealed else { return nil }
        let proof = try JSONDecoder().decode(DayProof.self, from: Data(try #require(try street.gateway.say(.audit(.proof(citizen: nil)), as: "ada").say.first).utf8))
        #expect(sealed == SealedProof(proof) && sealed.problem(trusting: key.publicKey) == nil, sourceLocation: place)
        return proof
    }
    private func street() throws -> Street {
        let street = try Street(auditKey: key)
        while try street.gateway.engine.sweep() {}
        return street
    }

    @Test func `a day passes, and each citizen has a proof of their own`() throws {
        let street = try street()
        #expect(try given(street) == nil, "Nobody had a chain when the gateway started first.")
        try street.press()
        try street.answer("maria", "accept")
        try street.cancel()
        try street.gateway.advance(.days(1))
        let proof = try #require(try given(street))
        #expect(proof.problem(trusting: key.publicKey) == nil)
        #expect(proof.signed.day == String(street.gateway.now.iso.prefix(10)) && proof.signed.leaves == 1)
        let report = try #require(try verify(street).first).report
        #expect(report.isSound && report.proofs == 1 && report.entries > 10, "\(report)")
        // Each day anew, and at midnight by UTC.
        try street.gateway.advance(.days(2))
        #expect(try verify(street).first?.report.proofs == 3)
        let midnight = Instant(milliseconds: (street.gateway.now.milliseconds / 86_400_000 + 1) * 86_400_000)
        try street.gateway.advance(midnight - street.gateway.now - .milliseconds(1))
        #expect(try given(street)?.signed.day != String(midnight.iso.prefix(10)))
        try street.gateway.advance(.milliseconds(1))
        #expect(try given(street)?.signed.day == String(midnight.iso.prefix(10)))
        #expect(street.gateway.outbound.retained.keys.filter { $0.contains("/audit/") } == ["homes/elm-3/caring/audit/ada"])
    }

    @Test func `after erasing by age the proofs of before still verify`() throws {
        var settings = GatewayConfiguration()
        settings.limits.recordsKeptDays = 30
        let street = try Street(settings: settings, auditKey: key)
        try street.press()
        try street.answer("maria", "accept")
        try street.answer("maria", "arrive")
        try street.answer("maria", "resolve")
        try street.gateway.advance(.days(1))
        let early = try #require(try given(street))
        try street.gateway.say(.alertTest(home: "elm-3", rule: "sos"), as: "ada")
        try street.cancel("a2")
        try street.gateway.advance(.days(40))
        while try street.gateway.engine.sweep() {}
        let report = try #require(try verify(street, proofs: [early]).first).report
        #expect(report.isSound && report.erased > 5, "\(report)")
        #expect(report.notes.contains { $0.contains("erased") })
        let left = try street.gateway.read { try $0.disclosures(ofAlert: AlertID(1)) }
        #expect(left.isEmpty)
    }

    @Test func `a restart changes nothing, and a day that passed meanwhile is signed at the start`() throws {
        let street = try street()
        try street.press()
        try street.cancel()
        try street.gateway.advance(.days(1))
        let before = try #require(try given(street))
        try street.gateway.restart()
        #expect(try given(street) == before)
        try street.press()
        try street.cancel("a2")
        try street.gateway.restart(after: .days(3))
        let after = try #require(try given(street))
        #expect(after.signed.day == String(street.gateway.now.iso.prefix(10)) && after.citizen == before.citizen)
        let report = try #require(try verify(street, proofs: [before]).first).report
        #expect(report.isSound && report.proofs == 2, "\(report)")
    }

    @Test func `a turn that cannot be kept leaves no part of an entry`() throws {
        let street = try street()
        street.gateway.storeProblem = .diskFull
        #expect(throws: (any Error).self) { try street.press() }
        street.gateway.storeProblem = nil
        try street.press()
        try street.gateway.restart()
        let report = try #require(try verify(street).first).report
        #expect(report.isSound, "\(report)")
        let database = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        let (chain, rows) = try database.read { db in
            (try Int.fetchOne(db, sql: "SELECT count(*) FROM chain WHERE kind = 'disclosure'"), try Int.fetchOne(db, sql: "SELECT count(*) FROM disclosure"))
        }
        #expect(chain == rows)
    }

    @Test func `an operator verifies all chains and reads none; others may not`() throws {
        let street = try street()
        try street.press()
        let database = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        #expect(try verify(street, as: nil).map(\.report.isSound) == [true])
        try database.write { try $0.execute(sql: "UPDATE disclosure SET recipient = 'vera' WHERE n = 1") }
        let findings = try #require(try verify(street, as: nil).first).report.findings
        #expect(findings.count == 1 && findings[0].sentence.contains("of the kind disclosure"), "\(findings)")
        #expect(try #require(try verify(street).first).report.findings.first?.sentence.contains("a word to person") == true)
        let page = try street.gateway.say(.audit(.page(chain: 1, after: 0)))
        #expect(!page.items.isEmpty && !page.items.contains { $0.string?.contains("body") == true })
        for query in [AuditQuery.page(chain: 1, after: 0), .proofs(chain: 1, before: nil), .rows(chain: 1, after: 0)] {
            for person in ["maria", "carla"] { #expect(try street.gateway.say(.audit(query), as: person).outcome == .refused) }
        }
        #expect(try street.gateway.say(.audit(.proof(citizen: "ada")), as: "carla").outcome == .refused)
    }

    @Test func `a citizen who goes has their proof taken from the broker`() throws {
        let street = try street()
        try street.gateway.advance(.days(1))
        #expect(try given(street) != nil)
        #expect(try street.gateway.say(.citizenRemove(citizen: "ada")).outcome == .done)
        #expect(try given(street) == nil)
        try street.gateway.advance(.days(1))
        #expect(try given(street) == nil)
        #expect(try verify(street, as: nil).map(\.report.isSound) == [true], "Their chain is still vouched for.")
    }

    @Test func `what lies at the broker tells of no entry, and its owner can hold it against the chain`() throws {
        let street = try street()
        try street.gateway.advance(.days(1))
        let topic = "homes/elm-3/caring/audit/ada"
        let payload = try #require(street.gateway.outbound.retained[topic])
        let proof = try #require(try given(street))
        // Neither how many entries there are, nor their hash, nor what the leaf was blinded with, nor whose number it is.
        let members = try #require(try JSONSerialization.jsonObject(with: Data(payload.utf8)) as? [String: Any])
        #expect(members.keys.sorted() == ["index", "path", "seal", "signed", "version"])
        for secret in [proof.head, proof.blinding] { #expect(!payload.contains(secret.base64EncodedString())) }
        #expect(street.gateway.outbound.publications.filter { $0.topic.contains("/audit/") }.allSatisfy { !$0.payload.contains("blinding") && !$0.payload.contains("entries") })
        let sealed = try JSONDecoder().decode(SealedProof.self, from: Data(payload.utf8))
        let opened = try #require(try verify(street, sealed: [sealed]).first).report
        #expect(opened.isSound && opened.notes.contains { $0.contains("was opened") }, "\(opened)")
        // The gateway makes another proof of that day, signed by itself: it does not open what was given out.
        let database = try DatabasePool(path: street.gateway.folder + "/caring.sqlite")
        let leaf = Merkle.leaf(blinding: proof.blinding, citizen: proof.citizen, n: proof.entries - 1, head: Data(repeating: 7, count: 32))
        let signed = try key.sign(day: proof.signed.day, root: leaf, leaves: 1)
        try database.write { db in
            try db.execute(sql: "UPDATE dayLeaf SET n = n - 1, head = ?, leaf = ?", arguments: [Data(repeating: 7, count: 32), leaf])
            try db.execute(sql: "UPDATE signedDay SET root = ?, signature = ?", arguments: [signed.root, signed.signature])
        }
        let changed = try #require(try verify(street, sealed: [sealed]).first).report
        #expect(changed.findings.contains { $0.what == .proofDiffers && $0.sentence.contains("sealed proof") }, "\(changed)")
        // After a restore the day is signed a second time, with other blindings; the chain says that there was one.
        let blinding = Data(repeating: 9, count: 16)
        let second = Merkle.leaf(blinding: blinding, citizen: proof.citizen, n: proof.entries, head: proof.head)
        let signedAgain = try key.sign(day: proof.signed.day, root: second, leaves: 1)
        try database.write { db in
            try db.execute(sql: "UPDATE dayLeaf SET n = n + 1, head = ?, blinding = ?, leaf = ?", arguments: [proof.head, blinding, second])
            try db.execute(sql: "UPDATE signedDay SET root = ?, signature = ?", arguments: [signedAgain.root, signedAgain.signature])
        }
        #expect(try #require(try verify(street, sealed: [sealed]).first).report.findings.map(\.what) == [.proofDiffers])
        try street.gateway.engine.store.turn { try $0.enterRestored(backup: street.gateway.now - .days(1), at: street.gateway.now) }
        let restored = try #require(try verify(street, sealed: [sealed]).first).report
        #expect(restored.isSound && restored.notes.contains { $0.contains("restored from a backup, as the chain says") }, "\(restored)")
        // Without the gateway's proof nothing can be opened, which is said and is no fault.
        try database.write { try $0.execute(sql: "DELETE FROM dayLeaf") }
        let left = try #require(try verify(street, sealed: [sealed]).first).report
        #expect(left.isSound && left.notes.contains { $0.contains("cannot be opened") }, "\(left)")
        try database.close()
    }

    @Test func `however many chains there are a step signs for a few of them, and a start goes on with them`() throws {
        let street = try street()
        for n in 1...9 {
            try street.gateway.say(.citizenAdd(citizen: "c\(n)", home: "elm-3", name: "Citizen \(n)", uid: nil))
            try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["health"])), as: "c\(n)")
        }
        func leaves() throws -> [String] {
            try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite").read {
                try String.fetchAll($0, sql: "SELECT citizen || ' ' || hex(leaf) FROM dayLeaf ORDER BY day, citizen")
            }
        }
        let midnight = Instant(milliseconds: (street.gateway.now.milliseconds / 86_400_000 + 1) * 86_400_000)
        street.gateway.engine.dayLeavesAtOnceMax = 3
        street.gateway.clock.advance(midnight - street.gateway.now)
        try street.gateway.engine.catchUp(to: street.gateway.now)
        let first = try leaves()
        #expect(first.count == 3, "The turn that is due at midnight takes one step.")
        #expect(try street.gateway.engine.sweep())
        #expect(try leaves().count == 6)
        #expect(street.gateway.outbound.retained.keys.allSatisfy { !$0.contains("/audit/") })
        // Killed in the middle: what was made is not made anew.
        try street.gateway.restart()
        while try street.gateway.engine.sweep() {}
        try street.gateway.settle()
        #expect(try leaves().count == 10 && Array(leaves().prefix(3)) == first)
        #expect(street.gateway.outbound.retained.keys.count { $0.contains("/audit/") } == 10)
        #expect(try given(street)?.signed.leaves == 10)
        #expect(try verify(street).map(\.report.isSound) == [true])
    }

    @Test func `the topic of a citizen who goes while the broker is away is cleared after a restart`() throws {
        let street = try street()
        try street.gateway.advance(.days(1))
        #expect(try given(street) != nil)
        street.gateway.isBrokerThere = false
        #expect(try street.gateway.say(.citizenRemove(citizen: "ada")).outcome == .done)
        try street.gateway.restart()
        #expect(street.gateway.outbound.retained["homes/elm-3/caring/audit/ada"] != nil)
        func owed() throws -> Int? { try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite").read { try Int.fetchOne($0, sql: "SELECT count(*) FROM owedClearing") } }
        #expect(try owed() == 1)
        // Sent and not answered before another restart: it is sent again.
        street.gateway.isBrokerThere = true
        try street.gateway.engine.runOutbox()
        #expect(street.gateway.outbound.retained["homes/elm-3/caring/audit/ada"] == nil)
        #expect(try owed() == 1)
        try street.gateway.restart()
        #expect(street.gateway.outbound.published(to: "homes/elm-3/caring/audit/ada").suffix(2) == ["", ""])
        #expect(try owed() == 0)
        let sent = street.gateway.outbound.published(to: "homes/elm-3/caring/audit/ada").count
        try street.gateway.advance(.hours(1))
        #expect(street.gateway.outbound.published(to: "homes/elm-3/caring/audit/ada").count == sent)
    }

    /// With CHAIN_ENTRIES=100000 in the environment it also says how long it takes.
    @Test func `a long chain is verified beside the turns, and an alarm waits for none of it`() throws {
        let street = try street()
        let gateway = street.gateway
        let entries = ProcessInfo.processInfo.environment["CHAIN_ENTRIES"].flatMap { Int($0) } ?? 3_000
        for first in stride(from: 0, to: entries, by: 10_000) {
            try gateway.engine.store.turn { tx in
                for n in first..<min(first + 10_000, entries) {
                    try tx.append(
                        Disclosure(
                            at: gateway.now + .milliseconds(Int64(n)), citizen: "ada", recipient: "tom", alert: nil, notice: nil, decision: nil, data: "heart_rate",
                            detail: .readings, stage: nil, state: .seen))
                }
            }
        }
        try gateway.advance(.days(1))
        // The turn only looks who asks; what is read comes after it, on another thread.
        let turnBegan = ContinuousClock.now
        let queries: [AuditQuery] = [.chains(citizen: nil, after: 0), .proof(citizen: nil), .proofs(chain: 1, before: nil), .page(chain: 1, after: 0), .rows(chain: 1, after: 0)]
        let works = queries.compactMap { query -> (@Sendable () -> Reply)? in
            if case .aside(let work) = gateway.engine.begin(.audit(query), by: Caller(uid: 0, actingAs: "ada"), operatorUIDs: [0]) { work } else { nil }
        }
        let turnsTook = ContinuousClock.now - turnBegan
        #expect(works.count == queries.count)
        try street.press()
        #expect(!street.showing.isEmpty)
        for work in works { #expect(work().outcome == .done) }
        let began = ContinuousClock.now
        let report = try #require(try verify(street).first).report
        #expect(report.isSound && report.entries > Int64(entries), "\(report)")
        if entries > 3_000 { print("CHAIN verified: \(report.entries) entries in \(ContinuousClock.now - began), their \(queries.count) turns in \(turnsTook)") }
    }

    @Test func `a broker that takes nothing for a while, or has lost all, is given the proofs later`() throws {
        let street = try street()
        street.gateway.outbound.refusesPublications = true
        try street.gateway.advance(.days(1))
        #expect(try given(street) == nil)
        street.gateway.outbound.refusesPublications = false
        try street.gateway.settle()
        let before = street.gateway.outbound.published(to: "homes/elm-3/caring/audit/ada").count
        #expect(before == 1)
        try street.gateway.settle()
        #expect(street.gateway.outbound.published(to: "homes/elm-3/caring/audit/ada").count == 1)
        street.gateway.isBrokerThere = false
        street.gateway.isBrokerThere = true
        try street.gateway.settle()
        #expect(street.gateway.outbound.published(to: "homes/elm-3/caring/audit/ada").count == 2)
    }

    /// The hot path: who is asked waits for this commit.
    @Test func `an SOS writes one row more for each disclosure, all on one page`() throws {
        let street = try street()
        // The first makes numbers for the helpers and the pages themselves.
        try street.press()
        try street.cancel()
        try street.gateway.advance(.minutes(5))
        let database = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        func rows(_ table: String) throws -> Int { try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") } ?? 0 }
        let log = URL(fileURLWithPath: street.gateway.folder + "/caring.sqlite-wal")
        let (before, disclosures, entries) = (try Data(contentsOf: log).count, try rows("disclosure"), try rows("chain"))
        try street.gateway.engine.take(street.gateway.burst([(street.button, #"{"action":"emergency"}"#)]))
        let written = try Data(contentsOf: log)
        #expect(try rows("chain") - entries == rows("disclosure") - disclosures + 1, "The alert itself is the one more.")
        // Each frame of the log begins with the number of its page.
        let frameBytes = 24 + 4_096
        let pages = stride(from: before, to: written.count, by: frameBytes).map { start in
            written[start..<start + 4].reduce(0) { $0 << 8 | Int64($1) }
        }
        let tables = try database.read { db in
            Dictionary(uniqueKeysWithValues: try Row.fetchAll(db, sql: "SELECT pageno, name FROM dbstat").map { ($0[0] as Int64, $0[1] as String) })
        }
        let names = pages.map { tables[$0] ?? "?" }
        #expect(pages.count > 10)
        #expect(names.count { $0 == "chain" } <= 2 && !names.contains("pseudonym"), "\(names.sorted())")
        if ProcessInfo.processInfo.environment["SHOW_PAGES"] != nil { print(pages.count, names.sorted(), "rows", try rows("chain") - entries) }
    }
}

extension Street {
    fileprivate func cancel(_ alert: String = "a1") throws {
        try gateway.publish("homes/elm-3/caring/answers", #"{"alert":"\#(alert)","answer":"cancel"}"#)
    }
}
