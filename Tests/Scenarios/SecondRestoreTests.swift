import Care
import CareTesting
import Foundation
@testable import Gateway
import Store
import Testing

/// A database that goes on from the same backup a second time: what was said under the names of the first restore still holds.
@Suite struct SecondRestoreTests {
    private func journal(_ body: (ActJournal) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-acts-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(ActJournal(folder: folder))
    }

    /// The backup, taken up for the `n`-th time: its counters have jumped, as `Store.openRecovering` makes them jump.
    private func backup(_ n: Int64, _ journal: ActJournal, since: Instant, permits: Bool = false) throws -> Street {
        let street = try Street(permits: permits)
        let engine = street.gateway.engine
        try street.gateway.say(.deviceClaim(home: nil, device: "motion/hallway", citizens: [], expected: nil), as: "ada")
        for counter in ["consent", "pause"] {
            try engine.store.turn { tx in try tx.setCounter(counter, try tx.reader.counter(counter) + 10_000 * n) }
        }
        try street.gateway.advance(.minutes(1))
        #expect(try engine.repeatActs(of: journal, since: since).failed == 0)
        // It may be cut off and done anew.
        #expect(try engine.repeatActs(of: journal, since: since).failed == 0)
        engine.journal = journal
        return street
    }

    private func pauses(_ street: Street) throws -> [String] { try street.gateway.say(.pauseList(citizen: nil), as: "ada").items.compactMap { $0["pause"]?.string } }
    private func inForce(_ street: Street) throws -> [String] {
        try street.gateway.say(.consentList(citizen: nil, all: false), as: "ada").items.compactMap { $0["consent"]?.string }
    }

    @Test func `a pause that was ended after one restore does not hold after the next`() throws {
        try journal { journal in
            let street = try backup(0, journal, since: .distantPast)
            let since = street.gateway.now
            #expect(try street.gateway.say(.pause(PauseDraft(length: "5h", devices: ["motion/hallway"])), as: "ada").outcome == .done)
            let once = try backup(1, journal, since: since)
            #expect(try pauses(once) == ["p10001"])
            #expect(try once.gateway.say(.pauseEnd(id: "p10001"), as: "ada").outcome == .done)
            let twice = try backup(2, journal, since: since)
            #expect(try pauses(twice).isEmpty)
            let thrice = try backup(3, journal, since: since)
            #expect(try pauses(thrice).isEmpty)
        }
    }

    @Test func `a permit that was withdrawn after one restore is not given after the next, nor one that was renewed cut short`() throws {
        try journal { journal in
            let street = try backup(0, journal, since: .distantPast)
            let since = street.gateway.now
            var short = consent(to: ["helper:tom"], data: ["safety"])
            short.until = "2h"
            try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: "ada")
            try street.gateway.say(.consentGrant(short), as: "ada")
            let once = try backup(1, journal, since: since)
            #expect(try inForce(once) == ["c10001", "c10002"])
            #expect(try once.gateway.say(.consentWithdraw(id: "c10001"), as: "ada").outcome == .done)
            #expect(try once.gateway.say(.consentRenew(id: "c10002", until: "3d"), as: "ada").outcome == .done)
            let twice = try backup(2, journal, since: since)
            try twice.gateway.advance(.hours(5))
            #expect(try inForce(twice) == ["c20001"])
            try twice.press()
            #expect(!twice.showing.contains("maria") && twice.showing.contains("tom"))
            // What is taken away after the second one is gone after the third.
            #expect(try twice.gateway.say(.consentWithdraw(id: "c20001"), as: "ada").outcome == .done)
            #expect(try inForce(backup(3, journal, since: since)).isEmpty)
        }
    }

    @Test func `whose act it was stands there as before, an operator's and one's own`() throws {
        try journal { journal in
            let street = try backup(0, journal, since: .distantPast, permits: true)
            let gateway = street.gateway
            try gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: 501))
            let since = gateway.now
            func say(_ command: Command, uid: UInt32, as person: String?) {
                let reply = gateway.engine.perform(command, by: Caller(uid: uid, actingAs: person.map { PersonID($0) }), operatorUIDs: [1000, 1001])
                #expect(reply.outcome == .done, "\(reply)")
            }
            say(.consentGrant(consent(to: ["helper:tom"], data: ["health"])), uid: 1000, as: "ada")
            say(.consentGrant(consent(to: ["helper:tom"], data: ["health"])), uid: 501, as: nil)
            say(.consentRevoke(id: "c1", reason: "by a court"), uid: 1001, as: nil)
            say(.pause(PauseDraft(length: "1h")), uid: 501, as: nil)

            let other = try Street(permits: true)
            try other.gateway.say(.deviceClaim(home: nil, device: "motion/hallway", citizens: [], expected: nil), as: "ada")
            try other.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: 501))
            try other.gateway.advance(.minutes(1))
            #expect(try other.gateway.engine.repeatActs(of: journal, since: since).failed == 0)
            let by = try other.gateway.read { disk in
                try [3, 4].map { try disk.consentGiving(ConsentID($0))?.givenBy } + [try disk.consentGiving(ConsentID(1))?.withdrawnBy]
            }
            #expect(by == ["operator 1000 for ada", "bob", "operator 1001"])
            // Nobody acted for Bob.
            #expect(try other.gateway.say(.whoSaw(citizen: nil, since: nil), as: "ada").say.contains { $0.contains("Operator 1000 acted for you: consent grant") })
            #expect(try !other.gateway.read { try $0.operatorActs(for: "bob", since: .distantPast, limit: 100) }.contains { $0.command == "consent grant" })
            #expect(try pauses(other).isEmpty && other.gateway.say(.pauseList(citizen: nil), as: "bob").items.count == 1)
        }
    }

    @Test func `a line of an older gateway, which names no operator, is still done`() throws {
        try journal { journal in
            let street = try Street(permits: false)
            let command = String(decoding: try JSONEncoder().encode(Command.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"]))), as: UTF8.self)
            try journal.append(Array(#"{"command":\#(command),"by":"ada","made":"c1"}"#.utf8), at: street.gateway.now)
            #expect(try street.gateway.engine.repeatActs(of: journal, since: .distantPast).done == 1)
            #expect(try street.gateway.read { try $0.consentGiving(ConsentID(1))?.givenBy } == "operator 0 for ada")
        }
    }
}
