import Care
import Foundation
import Logging
import Store

/// What people decided of their own data, kept beside the database as well: a database that goes on from a backup must
/// not tell what a citizen has forbidden since.
extension Engine {
    private struct Act: Codable {
        var command: Command
        var by: PersonID?
        /// The consent record that it made, by which a later withdrawal names it.
        var made: String?
    }

    /// Before the commit: an act that is in the journal and not in the database forbids too much at worst.
    func journal(_ command: Command, _ actor: Actor, _ reply: Reply) throws {
        guard let journal, command.isAct, reply.outcome == .done else { return }
        do {
            let act = Act(command: command, by: actor.person?.id, made: command.makesConsent ? reply.items.first?["consent"]?.string : nil)
            try journal.append(Array(JSONEncoder().encode(act)), at: now)
        } catch {
            throw StoreError(
                "The journal of acts cannot be written; check that the data folder can be written to and the disk is not full.",
                detail: "\(error)")
        }
    }

    /// Does again, in their order, what people did after the backup was made.
    ///
    /// - Returns: how many were done, and how many could not be.
    public func repeatActs(of journal: ActJournal, since: Instant) throws -> (done: Int, failed: Int) {
        let (acts, damaged) = try journal.acts(since: since)
        var (done, failed) = (0, damaged)
        // Records that are made again have other numbers: none that was given out is given again.
        var madeAgain: [String: String] = [:]
        for (_, body) in acts {
            guard let act = try? JSONDecoder().decode(Act.self, from: Data(body)) else {
                failed += 1
                continue
            }
            // The name of a backup is rounded to seconds, so it may hold the first of these acts already. A permit that was
            // made twice would outlive its withdrawal.
            if let made = act.made, let id = ConsentID(text: made), world.consents.values.joined().contains(where: { $0.id == id }) {
                done += 1
                continue
            }
            var command = act.command
            if case .consentWithdraw(let id) = command { command = .consentWithdraw(id: madeAgain[id] ?? id) }
            let reply = perform(command, by: Caller(uid: 0, actingAs: act.by), operatorUIDs: [0])
            if reply.outcome == .done { done += 1 } else { failed += 1 }
            if let made = act.made, let again = reply.items.first?["consent"]?.string { madeAgain[made] = again }
        }
        return (done, failed)
    }
}

extension Command {
    var makesConsent: Bool {
        switch self {
        case .consentGrant, .consentRefuse: true
        default: false
        }
    }

    /// Whether it says whose data is whose, or who may know it. Not what adds people: their passwords cannot be given
    /// twice, so whoever was added after a backup is added again by hand.
    var isAct: Bool {
        switch self {
        case .consentGrant, .consentRefuse, .consentWithdraw, .deviceClaim, .deviceRelease, .homeRemove, .citizenRemove, .helperRemove,
            .coordinatorRemove, .serviceRemove:
            true
        default: false
        }
    }
}
