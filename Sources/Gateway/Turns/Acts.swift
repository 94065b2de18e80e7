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

    /// What takes away is in the journal before the commit: repeated, it forbids too much at worst. What permits comes
    /// after it (`isAfterCommit`), because nobody may be told what was only tried.
    func journal(_ command: Command, _ actor: Actor, _ reply: Reply, isAfterCommit: Bool) throws {
        guard let journal, command.isAct, command.permits == isAfterCommit, reply.outcome == .done else { return }
        let item = reply.items.first
        let act = Act(
            command: command.dated(from: item?["from"]?.string, until: item?["until"]?.string), by: actor.person?.id,
            made: command.makesConsent ? item?["consent"]?.string : nil)
        do {
            try journal.append(Array(JSONEncoder().encode(act)), at: now)
        } catch {
            throw StoreError(
                "The journal of acts cannot be written; check that the data folder can be written to and the disk is not full.",
                detail: "\(error)", problem: StoreProblem(error))
        }
    }

    /// Does again, in their order, what people did after the backup was made. It may be cut off and done anew.
    ///
    /// - Returns: how many were done, and how many could not be.
    /// - Throws: what kept an act from being written down: then all of them have to be done again.
    public func repeatActs(of journal: ActJournal, since: Instant) throws -> (done: Int, failed: Int) {
        let (written, damaged) = try journal.acts(since: since)
        let acts = written.map { try? JSONDecoder().decode(Act.self, from: Data($0.body)) }
        // A permit that was withdrawn later is not given again at all, not even for a moment.
        let withdrawn = Set(acts.compactMap { act in if case .consentWithdraw(let id) = act?.command { id } else { nil } })
        var (done, failed) = (0, damaged)
        // Records that are made again have other numbers: none that was given out is given again.
        var madeAgain: [String: String] = [:]
        for act in acts {
            guard let act else {
                failed += 1
                continue
            }
            if act.command.permits, let made = act.made, withdrawn.contains(made) || isThere(made) {
                done += 1
                continue
            }
            var command = act.command
            if case .consentWithdraw(let id) = command {
                // It may be of a permit that was not given again.
                guard let there = [madeAgain[id], id].compactMap({ $0 }).first(where: isThere) else {
                    done += 1
                    continue
                }
                command = .consentWithdraw(id: there)
            }
            let reply = perform(command, by: Caller(uid: 0, actingAs: act.by), operatorUIDs: [0])
            if let problem = degraded?.problem { throw StoreError(problem.sentence, detail: "acts could not be repeated", problem: problem) }
            if reply.outcome == .done { done += 1 } else { failed += 1 }
            guard let made = act.made, let again = reply.items.first?["consent"]?.string else { continue }
            madeAgain[made] = again
            // Done already, before it was cut off: one that was there twice would outlive its withdrawal.
            if act.command.permits, isTwice(again) { _ = perform(.consentWithdraw(id: again), by: Caller(uid: 0, actingAs: act.by), operatorUIDs: [0]) }
        }
        return (done, failed)
    }

    private func record(_ text: String) -> ConsentRecord? {
        guard let id = ConsentID(text: text) else { return nil }
        for case .record(let record) in world.consents.values.joined() where record.id == id { return record }
        return nil
    }

    private func isThere(_ text: String) -> Bool { record(text).map { $0.withdrawnAt == nil } ?? false }

    /// Whether another record in force says the same.
    private func isTwice(_ text: String) -> Bool {
        guard let new = record(text) else { return false }
        return (world.consents[new.citizen] ?? []).contains { stored in
            guard case .record(var other) = stored, other.id != new.id, other.withdrawnAt == nil else { return false }
            other.id = new.id
            return other == new
        }
    }
}

extension Command {
    /// Whether it lets somebody know or store more, rather than less.
    var permits: Bool {
        switch self {
        case .consentGrant, .deviceClaim: true
        case .deviceClaimAnnounced(let on): on
        default: false
        }
    }

    /// A length of time, said on the day, as the instants that it meant.
    func dated(from: String?, until: String?) -> Command {
        switch self {
        case .consentGrant(var draft):
            (draft.from, draft.until) = (from, until)
            return .consentGrant(draft)
        case .consentRefuse(var draft):
            (draft.from, draft.until) = (from, until)
            return .consentRefuse(draft)
        default: return self
        }
    }

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
        case .consentGrant, .consentRefuse, .consentWithdraw, .deviceClaim, .deviceRelease, .deviceMove, .deviceRetire, .deviceClaimAnnounced, .homeRemove, .citizenRemove, .helperRemove,
            .coordinatorRemove, .serviceRemove:
            true
        default: false
        }
    }
}
