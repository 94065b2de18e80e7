import Care
import Store

/// Acts that wait for a second person, and acts that are undone.
extension Engine {
    func propose(_ act: DelegateAct, _ citizen: Person, _ acting: Actor, _ tx: StoreTurn) throws -> Reply {
        var deed = act
        let waiting = world.proposed[citizen.id] ?? []
        guard waiting.count < DelegateAct.proposedMax else {
            throw CommandProblem.failed("\(DelegateAct.proposedMax) acts wait for a second person already: wait until some of them are answered.")
        }
        deed.state = .proposed
        world.proposed[citizen.id, default: []].append(deed)
        try tx.save(deed, .proposed, by: acting.inLog, at: now)
        try saveDeadline(.proposal(deed.id), deed.lapsesAt, tx)
        if let home = citizen.home {
            // What it is about is for the citizen's eyes alone; others may hear what the home is told.
            try tell(home, "\(citizen.name): somebody who acts for you wants to do something that needs a second word (\(deed.id)). caring delegate acts shows it; then caring delegate confirm \(deed.id), or decline \(deed.id).", tx)
        }
        cameTo = .nothing
        return Reply(
            say: ["\(deed.id) waits for a second person: \(citizen.name), or somebody else whose mandate covers it. Until then nothing is done; it lapses after \(DelegateAct.proposedFor.inWords)."],
            items: [item(deed)])
    }

    /// One that waits. Where a delegate speaks, also with the mandate that lets them.
    private func waiting(_ text: String, _ actor: Actor) throws(CommandProblem) -> (Person, DelegateAct, Actor) {
        let person = try citizen(nil, actor)
        guard let id = DelegateActID(text: text), let deed = world.proposed[person.id]?.first(where: { $0.id == id }), deed.lapsesAt > now else {
            throw .failed("Nothing called \u{201C}\(safeText(text))\u{201D} waits for a second person; caring delegate acts shows what does.")
        }
        guard let delegate = actor.delegate else { return (person, deed, actor) }
        let holding = mandates(of: delegate, for: person.id)
        guard let mandate = holding.first(where: { $0.covers(deed.scope) }) else { throw beyond(deed.scope, holding, person) }
        var second = actor
        second.mandate = mandate.id
        return (person, deed, second)
    }

    func confirm(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        var (person, deed, second) = try waiting(text, actor)
        guard second.delegate != deed.delegate else { throw CommandProblem.refused("\(deed.id) needs somebody else than who proposed it.") }
        guard let mandate = mandates(of: deed.delegate, for: person.id).first(where: { $0.id == deed.mandate }), let command = deed.command else {
            throw CommandProblem.failed("The mandate by which \(deed.id) was proposed does not hold any more.")
        }
        // As of now: what was within the mandate when it was proposed need not be so any more.
        let matter = try matter(of: command, person, deed.delegate, tx)
        try check(matter, mandate, person)
        (deed.settledBy, deed.settledAt) = (second.inLog, now)
        try settled(deed, tx)
        let acting = Actor(person: person, operatorUID: deed.operatorUID, delegate: deed.delegate, mandate: deed.mandate)
        if second.delegate != nil, let home = person.home {
            try tell(home, "\(person.name): two who act for you have done something (\(deed.id)). caring delegate acts shows what it was, and caring delegate undo \(deed.id) undoes it.", tx)
        }
        return try perform(matter, &deed, acting, .confirmed, by: second.inLog, tx)
    }

    func decline(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        var (_, deed, second) = try waiting(text, actor)
        deed.state = .declined
        (deed.settledBy, deed.settledAt) = (second.inLog, now)
        try settled(deed, tx)
        try tx.save(deed, .declined, by: second.inLog, at: now)
        return Reply(say: ["\(deed.id) is declined: nothing was done."], items: [item(deed)])
    }

    /// It waits no more.
    func settled(_ deed: DelegateAct, _ tx: StoreTurn) throws {
        world.proposed[deed.citizen]?.removeAll { $0.id == deed.id }
        if world.proposed[deed.citizen]?.isEmpty ?? false { world.proposed[deed.citizen] = nil }
        try saveDeadline(.proposal(deed.id), nil, tx)
    }

    // MARK: Undoing

    func undo(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        guard let id = DelegateActID(text: text), var deed = try tx.reader.delegateAct(id), deed.citizen == person.id else {
            throw CommandProblem.failed("Nobody did anything called \u{201C}\(safeText(text))\u{201D} for \(person.id); caring delegate acts shows what they did.")
        }
        switch deed.state {
        case .proposed: throw CommandProblem.failed("\(id) was not done yet, so there is nothing to undo: caring delegate decline \(id)")
        case .declined, .lapsed, .cancelled: throw CommandProblem.failed("\(id) was never done, so there is nothing to undo.")
        case .undone: return Reply(say: ["\(id) was undone before."], items: [item(deed)])
        case .done: break
        }
        var reply = try undone(deed, person, actor, tx)
        deed.state = .undone
        (deed.settledBy, deed.settledAt) = (actor.inLog, now)
        try tx.save(deed, .undone, by: actor.inLog, at: now)
        cameTo?.undoes = id
        reply.say.append("\(id) is undone: \(names(deed)) \(deed.what)")
        reply.items.append(item(deed))
        return reply
    }

    private func undone(_ deed: DelegateAct, _ person: Person, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        switch deed.effect {
        case .looked:
            throw CommandProblem.failed("What was read cannot be unread: \(names(deed)) \(deed.what). To keep it from being seen again: caring delegate end \(deed.mandate)")
        case .gave:
            let command = Command.consentWithdraw(id: deed.made ?? "")
            let reply = try consentWithdraw(deed.made ?? "", actor, tx)
            cameTo = CameTo(command: command, actor: actor, reply: reply)
            return reply
        case .ended: return try giveAgain(deed, person, actor, tx)
        case .denied, .deferred: return try askAgain(deed, person, actor, tx)
        case .paused:
            guard pausesHolding(person).contains(where: { $0.id.description == deed.made }) else {
                cameTo = .nothing
                return Reply(say: ["That pause is over already."])
            }
            let reply = try pauseEnd(deed.made, actor, tx)
            cameTo = CameTo(command: .pauseEnd(id: deed.made), actor: actor, reply: reply)
            return reply
        }
    }

    /// The record as it was before a delegate ended it.
    private func giveAgain(_ deed: DelegateAct, _ person: Person, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let id = deed.made.flatMap({ ConsentID(text: $0) }), let index = world.consents[person.id]?.firstIndex(where: { $0.id == id }),
            case .record(var record)? = world.consents[person.id]?[index]
        else { throw CommandProblem.failed("\(deed.made ?? "The record") is not there any more; it can be given anew: caring consent grant") }
        guard record.withdrawnAt != nil else {
            cameTo = .nothing
            return Reply(say: ["\(id) holds already."])
        }
        if let until = record.until, until <= now { throw CommandProblem.failed("\(id) would be over by now. It can be given anew: caring consent grant") }
        try roomForConsent(person.id)
        record.withdrawnAt = nil
        world.consents[person.id]?[index] = .record(record)
        try tx.giveAgain(record, by: actor.inLog, at: now)
        try watchEnd(of: record, tx)
        try consentChanged(person.id, tx)
        let zone = zone(of: person)
        let reply = Reply(say: ["\(Care.sentence(record, names: consentNames, zone: zone, now: now)) (\(id), as before)"], items: [item(record, zone)])
        let draft = reply.items.first.map { ConsentDraft($0) }
        cameTo = draft.map { CameTo(command: record.effect == .refuse ? .consentRefuse($0) : .consentGrant($0), actor: actor, reply: reply) } ?? .nothing
        return reply
    }

    /// A request that a delegate denied or put off waits for the citizen's answer again.
    private func askAgain(_ deed: DelegateAct, _ person: Person, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        cameTo = .nothing
        guard let id = deed.made.flatMap({ ConsentID(text: $0) }), let last = try tx.reader.versions(of: id).last, let record = last.record,
            last.state == .refused || last.state == .deferred
        else { throw CommandProblem.failed("The request has been answered since then, or is not there any more.") }
        try tx.append(record, .requested, by: actor.inLog, at: now)
        guard let asked = try tx.reader.askedConsents().first(where: { $0.record.id == id }) else { throw CommandProblem.failed("The request is not there any more.") }
        var open = (world.asked[person.id] ?? []).filter { $0.record.id != id }
        open.insert(asked, at: open.firstIndex { $0.record.id > id } ?? open.count)
        world.asked[person.id] = open
        return Reply(say: ["\(id) waits for your answer again: caring consent requests"], items: [.object(["consent": .string(id.description), "state": "requested"])])
    }
}
