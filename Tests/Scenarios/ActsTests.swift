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
}
