import Care
import CareTesting
import Foundation
import Gateway
import Store
import Testing

/// A database that goes on from a backup forgets no refusal, no withdrawal and no release.
@Suite struct ActsTests {
    /// A street whose acts are kept beside its database, and that database as it was at `copyAfter` of them.
    private func restored(_ acts: [(Command, String)], copyAfter: Int) throws -> (street: Street, done: Int, failed: Int) {
        let street = try Street(permits: false)
        let folder = street.gateway.folder + "-acts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        let other = try Street(permits: false)
        street.gateway.engine.journal = journal
        var copiedAt = street.gateway.now
        for (n, (command, person)) in acts.enumerated() {
            if n == copyAfter { copiedAt = street.gateway.now }
            #expect(try street.gateway.say(command, as: person).outcome == .done)
            // The other one is the backup: it has lived through the same until then.
            if n < copyAfter { try other.gateway.say(command, as: person) }
            try street.gateway.advance(.milliseconds(100))
        }
        // As by the name of a backup, the time is the second's beginning: what came just before is in the journal, too.
        let since = Instant(milliseconds: copiedAt.milliseconds / 1_000 * 1_000)
        try other.gateway.advance(.minutes(1))
        let (done, failed) = try other.gateway.engine.repeatActs(of: journal, since: since)
        try other.gateway.settle()
        return (other, done, failed)
    }

    private func permit(_ data: String) -> (Command, String) { (.consentGrant(consent(to: ["circle:oak-street"], data: [data])), "ada") }

    @Test func `what was permitted and withdrawn since the backup is not permitted`() throws {
        let (street, _, failed) = try restored([permit("safety"), (.consentWithdraw(id: "c1"), "ada")], copyAfter: 0)
        #expect(failed == 0)
        try street.press()
        #expect(street.showing == ["carla"])
    }

    @Test func `what was permitted before and withdrawn since is not permitted, and no permit is made twice`() throws {
        let (street, _, failed) = try restored(
            [permit("safety"), permit("health"), (.consentWithdraw(id: "c1"), "ada")], copyAfter: 2)
        #expect(failed == 0)
        try street.press()
        #expect(street.showing == ["carla"])
        let list = try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items
        #expect(list.count == 2, "\(list)")
    }

    @Test func `a refusal since the backup refuses, and a release releases`() throws {
        let (street, done, failed) = try restored(
            [
                permit("safety"), (.consentRefuse(consent(to: ["helper:maria"], data: ["safety"])), "ada"),
                (.deviceRelease(home: nil, device: "zigbee2mqtt/hall button"), "ada"),
            ], copyAfter: 1)
        #expect(done >= 2 && failed == 0)
        try street.press()
        #expect(try street.gateway.read { try $0.allAlerts() }.isEmpty, "It is nobody's device any more.")
        try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: [], expected: nil), as: "ada")
        try street.press()
        #expect(!street.showing.contains("maria") && street.showing.contains("tom"))
    }

    @Test func `a permit for two hours is not alive again a day later`() throws {
        var short = consent(to: ["circle:oak-street"], data: ["safety"])
        short.until = "2h"
        let street = try Street(permits: false)
        let folder = street.gateway.folder + "-acts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        street.gateway.engine.journal = journal
        let since = street.gateway.now
        try street.gateway.say(.consentGrant(short), as: "ada")
        let other = try Street(permits: false)
        try other.gateway.advance(.days(1))
        _ = try other.gateway.engine.repeatActs(of: journal, since: since)
        try other.press()
        #expect(other.showing == ["carla"])
    }

    @Test func `what was cut off is done anew, and nothing is there twice`() throws {
        let street = try Street(permits: false)
        let folder = street.gateway.folder + "-acts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        street.gateway.engine.journal = journal
        let since = street.gateway.now
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: "ada")
        let other = try Street(permits: false)
        try other.gateway.advance(.minutes(1))
        for _ in 0..<3 { _ = try other.gateway.engine.repeatActs(of: journal, since: since) }
        let inForce = try other.gateway.say(.consentList(citizen: nil, all: false), as: "ada").items
        #expect(inForce.count == 1, "\(inForce)")
    }

    @Test func `a disk that says no while acts are done again is not taken for the end of them`() throws {
        let street = try Street(permits: false)
        let folder = street.gateway.folder + "-acts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        street.gateway.engine.journal = journal
        let since = street.gateway.now
        try street.gateway.say(.consentRefuse(consent(to: ["anyone"], data: ["everything"])), as: "ada")
        let other = try Street(permits: false)
        try other.gateway.advance(.minutes(1))
        other.gateway.storeProblem = .diskFull
        #expect(throws: StoreError.self) { _ = try other.gateway.engine.repeatActs(of: journal, since: since) }
    }
}
