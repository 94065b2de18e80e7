import Care
import Store

/// Pauses, done again after a restore: what a citizen did not want recorded must not be taken from the broker's backlog after all.
extension Engine {
    /// - Returns: whether it holds now, or was not to be done.
    func pauseAgain(_ draft: PauseDraft, _ act: Act, _ taken: TakenAway, _ madeAgain: inout [String: String]) throws -> Bool {
        guard let citizen = act.by, let made = act.made, let from = draft.from.flatMap({ Instant(iso: $0) }), let until = draft.until.flatMap({ Instant(iso: $0) })
        else { return false }
        if taken.removed.contains(citizen) { return true }
        guard let home = world.people[citizen]?.home, world.homes[home] != nil else { return false }
        let devices = (act.devices ?? []).compactMap { known($0)?.id }
        // Of what is not known here nothing is recorded anyway. With none left it would be a pause of everything.
        if devices.isEmpty, !draft.devices.isEmpty { return true }
        var pause = Pause(
            id: PauseID(0), citizen: citizen, home: home, categories: draft.categories.compactMap { Category(rawValue: $0) }.sorted(),
            devices: Set(devices).sorted(), exceptsSafety: draft.exceptSafety, evenSOS: draft.evenSOS, from: from, until: until)
        let same = world.pauses[home]?.first { other in
            var other = other
            (other.id, other.endedAt) = (pause.id, nil)
            return other == pause
        }
        if let same {
            madeAgain[made] = same.id.description
            return true
        }
        return try turnAgain { tx in
            pause.id = PauseID(try tx.next("pause"))
            try begin(pause, by: actor(of: act, taken, madeAgain).inLog, tx)
            madeAgain[made] = pause.id.description
        } && deedAgain(act, made: madeAgain[made], taken, &madeAgain)
    }

    func pauseEndAgain(_ at: String?, _ act: Act, _ taken: TakenAway, _ madeAgain: [String: String]) throws -> Bool {
        // Without a number there was nothing to end.
        guard let citizen = act.by, let made = act.made else { return true }
        // A number that was given anew names another pause.
        let there = madeAgain[taken.name(made)] ?? (madeAgain.values.contains(made) ? nil : made)
        guard let home = world.people[citizen]?.home,
            let pause = world.pauses[home]?.first(where: { $0.id.description == there && $0.citizen == citizen }), pause.endedAt == nil
        else { return true }
        return try turnAgain { tx in
            try end(pause.id, in: home, at: at.flatMap { Instant(iso: $0) } ?? now, by: actor(of: act, taken, madeAgain).inLog, tx)
        } && undoneAgain(act, taken, madeAgain)
    }
}
