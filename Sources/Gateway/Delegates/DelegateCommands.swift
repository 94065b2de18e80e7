import Care
import Store

extension DelegateCommand {
    /// Whether a restore has to repeat it. What is done or undone stands for itself.
    var isAct: Bool {
        switch self {
        case .appoint, .end, .decline, .remove: true
        case .add, .list, .acts, .confirm, .undo: false
        }
    }
}

/// Who acts for a citizen: appointed, listed, ended.
extension Engine {
    func delegate(_ said: DelegateCommand, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        switch said {
        case .add(let name, let fullName, let uid): return try delegateAdd(name, fullName, uid, actor, tx)
        case .remove(let name): return try personRemove(name, .delegate, actor, tx)
        case .appoint(let draft): return try appoint(draft, actor, tx)
        case .list(let all): return try mandateList(all, actor, tx)
        case .acts(let since): return try delegateActs(since, actor, tx)
        case .confirm(let act): return try confirm(act, actor, tx)
        case .decline(let act): return try decline(act, actor, tx)
        case .undo(let act): return try undo(act, actor, tx)
        case .end(let mandate): return try endMandate(mandate, actor, tx)
        }
    }

    // MARK: Appointing

    private func appoint(_ draft: MandateDraft, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        guard draft.from == nil else { throw CommandProblem.failed("A mandate begins now: say only until when it holds.") }
        guard !draft.isCourt || actor.operatorUID != nil else {
            throw CommandProblem.refused("A court's mandate is entered by an operator who has seen the order: --as \(person.id).")
        }
        let mandate = try read(draft, person, id: MandateID(try tx.next("mandate")))
        let holding = (world.mandates[person.id] ?? []).filter { $0.holds(at: now) }
        guard holding.count < Mandate.holdingMax else {
            throw CommandProblem.failed("\(Mandate.holdingMax) mandates hold, as many as one citizen may give: end one first with caring delegate end.")
        }
        guard Set(holding.map(\.delegate)).union([mandate.delegate]).count <= Mandate.delegatesMax else {
            throw CommandProblem.failed("\(Mandate.delegatesMax) people act for you, as many as may: end one's mandate first with caring delegate end.")
        }
        try begin(mandate, by: actor.inLog, tx)
        return Reply(say: [mandateSentence(mandate, to: person), "What they do shows in caring delegate acts; caring delegate end \(mandate.id) ends it."], items: [item(mandate)])
    }

    /// - Throws: a sentence when it cannot be.
    func read(_ draft: MandateDraft, _ person: Person, id: MandateID) throws(CommandProblem) -> Mandate {
        let delegate = PersonID(draft.delegate)
        guard world.people[delegate] != nil else {
            throw .failed("There is nobody called \u{201C}\(safeText(draft.delegate))\u{201D} here; an operator adds them: caring delegate add NAME --name \u{201C}…\u{201D} --uid UID")
        }
        guard delegate != person.id else { throw .failed("You act for yourself without a mandate.") }
        var categories: [Category] = []
        for text in draft.categories {
            guard let category = Category(rawValue: text) else {
                throw .failed("\u{201C}\(safeText(text))\u{201D} is no category; it is one of \(Category.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            categories.append(category)
        }
        var purposes: [Purpose] = []
        for text in draft.purposes {
            guard let purpose = Purpose(rawValue: text) else {
                throw .failed("\u{201C}\(safeText(text))\u{201D} is no purpose; it is one of \(Purpose.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            purposes.append(purpose)
        }
        guard !categories.isEmpty, !purposes.isEmpty else { throw .failed("Say about what and what for: --category health --purpose daily-support, for example.") }
        var two: [DelegateAct.Kind] = []
        for text in draft.two {
            guard let kind = DelegateAct.Kind(rawValue: text), DelegateAct.Kind.thatMayNeedTwo.contains(kind) else {
                throw .failed("\u{201C}\(safeText(text))\u{201D} cannot be set to need two; it is one of \(DelegateAct.Kind.thatMayNeedTwo.map(\.rawValue).joined(separator: ", ")).")
            }
            two.append(kind)
        }
        guard !draft.authority.isEmpty, draft.authority.count <= Mandate.authorityCharactersMax, draft.authority.utf8.count <= Mandate.authorityBytesMax,
            safeText(draft.authority, charactersMax: Mandate.authorityBytesMax) == draft.authority
        else { throw .failed("Say by which right, in at most \(Mandate.authorityCharactersMax) characters: --authority \u{201C}I asked her to\u{201D}.") }
        let until = try future(draft.until, zone: zone(of: person), endOfDay: true)
        guard until > now else { throw .failed("It would have ended before it begins; choose a later --until.") }
        guard until - now <= Mandate.longest else { throw .failed("A mandate lasts ten years at most; choose an earlier --until.") }
        return Mandate(
            id: id, citizen: person.id, delegate: delegate, categories: Set(categories).sorted(), purposes: Set(purposes).sorted(), from: now, until: until,
            authority: draft.authority, giver: draft.isCourt ? .court : .citizen, needsTwo: Set(two).sorted())
    }

    // MARK: Listing

    /// To the citizen.
    func mandateSentence(_ mandate: Mandate, to person: Person) -> String {
        let zone = zone(of: person)
        let until = zone.local(mandate.until)?.inWords ?? mandate.until.iso
        let two = mandate.needsTwo.isEmpty ? "" : " A second person has to confirm what they do about: \(mandate.needsTwo.map(\.rawValue).joined(separator: ", "))."
        let ended = mandate.holds(at: now) || mandate.from > now ? "" : " It is over since \(zone.local(mandate.end)?.inWords ?? mandate.end.iso)."
        return "\(mandate.id)  \(world.name(mandate.delegate)) may act for \(world.name(mandate.citizen)) about \(mandate.coverage), until \(until), by \(mandate.giver == .court ? "a court" : "their own word"): \u{201C}\(safeText(mandate.authority))\u{201D}.\(two)\(ended)"
    }

    private func mandateList(_ all: Bool, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let person = actor.person else { throw CommandProblem.failed("Say whose: add --as NAME.") }
        var mandates: [Mandate] = []
        if let delegate = actor.delegate {
            mandates = try tx.reader.mandates(held: delegate).filter { $0.citizen == person.id }
        } else {
            mandates = try tx.reader.mandates(of: person.id) + tx.reader.mandates(held: person.id)
        }
        let shown = mandates.filter { all || $0.holds(at: now) }.sorted { $0.id < $1.id }
        guard !shown.isEmpty else { return Reply(say: [person.kind == .citizen ? "Nobody acts for \(person.id)." : "You act for nobody."]) }
        return Reply(say: shown.map { mandateSentence($0, to: person) }, items: shown.map(item))
    }

    func item(_ mandate: Mandate) -> JSON {
        .object([
            "mandate": .string(mandate.id.description), "citizen": .string(mandate.citizen.name), "delegate": .string(mandate.delegate.name),
            "categories": .strings(mandate.categories.map(\.rawValue)), "purposes": .strings(mandate.purposes.map(\.rawValue)), "from": .string(mandate.from.iso),
            "until": .string(mandate.end.iso), "authority": .string(mandate.authority), "by": .string(mandate.giver.rawValue),
            "two": .strings(mandate.needsTwo.map(\.rawValue)), "holds": .bool(mandate.holds(at: now)),
        ])
    }

    private func delegateActs(_ since: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        let zone = zone(of: person)
        let from = try past(since, zone: zone, fallback: .days(365))
        let holding = actor.delegate.map { mandates(of: $0, for: person.id) }
        let deeds = try tx.reader.delegateActs(for: person.id, since: from, limit: DelegateAct.keptMax).filter { deed in
            // A delegate sees what they themselves did, and what they could confirm.
            guard let holding else { return true }
            return deed.delegate == actor.delegate || deed.kind != .look && holding.contains { $0.covers(deed.scope) }
        }
        guard !deeds.isEmpty else { return Reply(say: ["Nobody has done anything for \(person.id)."]) }
        return Reply(
            say: deeds.map { deed in
                let when = zone.local(deed.at).map { "\($0.day.iso) \($0.clock)" } ?? deed.at.iso
                return "\(deed.id)  \(when)  \(names(deed)) \(deed.state == .proposed ? "wants this: " : "")\(deed.what)\(ending(deed, zone))"
            }, items: deeds.map(item))
    }

    /// By which right somebody acts, and what became of what they did.
    func whyDelegate(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let person = actor.person else { throw CommandProblem.refused("\(safeText(text)) is none of yours.") }
        let deed = text.first == "x" ? try DelegateActID(text: text).flatMap { try tx.reader.delegateAct($0) } : nil
        guard let id = deed?.mandate ?? MandateID(text: text), let mandate = try tx.reader.mandate(id), text.first == "m" || deed != nil,
            mandate.citizen == person.id ? actor.delegate.map({ $0 == mandate.delegate }) ?? true : mandate.delegate == person.id
        else { throw CommandProblem.refused("\u{201C}\(safeText(text))\u{201D} is none of yours.") }
        var say: [String] = []
        let zone = zone(of: person)
        if let deed { say.append("\(deed.id): \(names(deed)) \(deed.what)\(ending(deed, zone))") }
        say.append(mandateSentence(mandate, to: person))
        for entry in try tx.reader.delegateEntries(mandate.id, act: deed?.id) {
            say.append("  \(zone.local(entry.at)?.inWords ?? entry.at.iso): \(entry.event.rawValue), by \(entry.by)")
        }
        return Reply(say: say, items: deed.map { [item($0), item(mandate)] } ?? [item(mandate)])
    }

    private func ending(_ deed: DelegateAct, _ zone: Zone) -> String {
        let by = deed.settledBy.map { " by \($0)" } ?? ""
        return switch deed.state {
        case .proposed: " It waits for a second person, until \(zone.local(deed.lapsesAt)?.inWords ?? deed.lapsesAt.iso)."
        case .done: deed.settledBy == nil ? "" : " Confirmed\(by)."
        case .undone: " Undone\(by)."
        case .declined: " Declined\(by)."
        case .lapsed: " Nobody confirmed it in time."
        case .cancelled: " Cancelled, because the mandate ended."
        }
    }

    func item(_ deed: DelegateAct) -> JSON {
        .object([
            "act": .string(deed.id.description), "citizen": .string(deed.citizen.name), "delegate": .string(deed.delegate.name), "mandate": .string(deed.mandate.description),
            "at": .string(deed.at.iso), "kind": .string(deed.kind.rawValue), "effect": .string(deed.effect.rawValue), "made": .optional(deed.made),
            "state": .string(deed.state.rawValue), "what": .string(deed.what), "settledBy": .optional(deed.settledBy), "settledAt": .optional(deed.settledAt?.iso),
        ])
    }
}
