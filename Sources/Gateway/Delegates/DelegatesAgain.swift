import Care
import Store

/// After a restore: mandates are there again, those that have ended as ended, and acts say who did them for whom.
extension Engine {
    /// - Returns: whether it holds now, or was not to be done.
    func delegateAgain(_ said: DelegateCommand, _ act: Act, _ n: Int, _ taken: TakenAway, _ madeAgain: inout [String: String]) throws -> Bool {
        switch said {
        case .appoint(let draft): return try appointAgain(draft, act, n, taken, &madeAgain)
        case .end(let name):
            guard let id = numbered(name, taken, madeAgain).flatMap({ MandateID(text: $0) }), let mandate = world.mandates.values.joined().first(where: { $0.id == id }) else { return true }
            return try turnAgain { tx in try end(mandate, .ended, by: actor(of: act, taken, madeAgain).inLog, tx) }
        case .decline(let name):
            guard let id = numbered(name, taken, madeAgain).flatMap({ DelegateActID(text: $0) }), world.proposed.values.joined().contains(where: { $0.id == id }), let by = act.by
            else { return true }
            return perform(.delegate(.decline(act: id.description)), by: Caller(uid: 0, actingAs: by), operatorUIDs: [0]).outcome == .done
        case .remove(let name):
            guard world.people[PersonID(name)] != nil else { return true }
            return perform(.delegate(said), by: Caller(uid: 0), operatorUIDs: [0]).outcome == .done
        case .add, .list, .acts, .confirm, .undo: return true
        }
    }

    /// What a number of the journal is here. Nil: it was given anew, and names something else.
    private func numbered(_ name: String, _ taken: TakenAway, _ madeAgain: [String: String]) -> String? {
        madeAgain[taken.name(name)] ?? (madeAgain.values.contains(name) ? nil : name)
    }

    private func appointAgain(_ draft: MandateDraft, _ act: Act, _ n: Int, _ taken: TakenAway, _ madeAgain: inout [String: String]) throws -> Bool {
        guard let made = act.made, let by = act.by, let from = draft.from.flatMap({ Instant(iso: $0) }), let until = Instant(iso: draft.until) else { return false }
        guard let person = world.people[by], !taken.removed.contains(by) else { return true }
        guard world.people[PersonID(draft.delegate)] != nil else { return false }
        let same = try store.read { try $0.mandates(of: by) }.first {
            $0.delegate.name == draft.delegate && $0.from == from && $0.until == until && $0.authority == draft.authority
                && $0.categories.map(\.rawValue) == draft.categories && $0.purposes.map(\.rawValue) == draft.purposes
        }
        if let same {
            madeAgain[made] = same.id.description
            return true
        }
        let isOver = until <= now || taken.isEnded(mandate: made, after: n)
        return try turnAgain { tx in
            var dated = draft
            // Read with an end that lies ahead; what it said stands below.
            if isOver { dated.until = "1d" }
            var mandate = try read(dated, person, id: MandateID(try tx.next("mandate")))
            (mandate.from, mandate.until) = (from, until)
            let who = actor(of: act, taken, madeAgain).inLog
            // For no moment does anybody act by one that has ended.
            if isOver { try tx.save(mandate, .appointed, by: who, at: now) } else { try begin(mandate, by: who, tx) }
            if isOver { try end(mandate, until <= now ? .expired : .ended, by: who, tx) }
            madeAgain[made] = mandate.id.description
        }
    }

    /// What was done again is written down as the delegate's act that it was.
    ///
    /// - Returns: whether it could be.
    @discardableResult
    func deedAgain(_ act: Act, made: String?, _ taken: TakenAway, _ madeAgain: inout [String: String]) throws -> Bool {
        guard try undoneAgain(act, taken, madeAgain) else { return false }
        guard var deed = act.deed else { return true }
        let was = deed.id
        deed.mandate = numbered(deed.mandate.description, taken, madeAgain).flatMap { MandateID(text: $0) } ?? deed.mandate
        deed.made = made ?? deed.made
        let there = try store.read { try $0.delegateActs(for: deed.citizen, at: deed.at) }.first { $0.delegate == deed.delegate && $0.what == deed.what }
        if let there, there.state != .proposed {
            madeAgain[was.description] = there.id.description
            return true
        }
        return try turnAgain { tx in
            // What waited when the backup was made has been confirmed since.
            deed.id = try there?.id ?? DelegateActID(tx.next("delegateAct"))
            try settled(deed, tx)
            try tx.save(deed, there == nil ? .did : .confirmed, by: actor(of: act, taken, madeAgain).inLog, at: now)
            madeAgain[was.description] = deed.id.description
        }
    }

    /// An act that the citizen undid is undone here, too.
    func undoneAgain(_ act: Act, _ taken: TakenAway, _ madeAgain: [String: String]) throws -> Bool {
        guard let id = act.undoes.flatMap({ numbered($0, taken, madeAgain) }).flatMap({ DelegateActID(text: $0) }), var deed = try store.read({ try $0.delegateAct(id) }),
            deed.citizen == act.by, deed.state == .done
        else { return true }
        let by = actor(of: act, taken, madeAgain).inLog
        (deed.state, deed.settledBy, deed.settledAt) = (.undone, by, now)
        return try turnAgain { tx in try tx.save(deed, .undone, by: by, at: now) }
    }
}
