import Care
import Store

/// Mandates that begin, end by themselves or are ended, and proposals that nobody confirmed.
extension Engine {
    func begin(_ mandate: Mandate, by: String, _ tx: StoreTurn) throws {
        try tx.save(mandate, .appointed, by: by, at: now)
        world.mandates[mandate.citizen, default: []].append(mandate)
        try saveDeadline(.mandate(mandate.id), Self.nextEdge(from: mandate.from, until: mandate.until, after: now) ?? mandate.until, tx)
    }

    /// Takes hold at once; what was proposed by it is cancelled.
    func end(_ mandate: Mandate, _ event: DelegateEvent, by: String, _ tx: StoreTurn) throws {
        var over = mandate
        if event == .ended { over.endedAt = now }
        world.mandates[mandate.citizen]?.removeAll { $0.id == mandate.id }
        if world.mandates[mandate.citizen]?.isEmpty ?? false { world.mandates[mandate.citizen] = nil }
        try saveDeadline(.mandate(mandate.id), nil, tx)
        try tx.save(over, event, by: by, at: now)
        for var deed in world.proposed[mandate.citizen] ?? [] where deed.mandate == mandate.id {
            (deed.state, deed.settledAt) = (.cancelled, now)
            try settled(deed, tx)
            try tx.save(deed, .cancelled, by: by, at: now)
        }
    }

    func endMandate(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let person = actor.person else { throw CommandProblem.failed("Say whose: add --as CITIZEN.") }
        let speaker = actor.delegate ?? person.id
        let open = world.mandates.values.joined().filter { $0.citizen == person.id && actor.delegate == nil || $0.delegate == speaker }
        guard let id = MandateID(text: text), let mandate = open.first(where: { $0.id == id }) else {
            throw CommandProblem.failed("There is no mandate \u{201C}\(safeText(text))\u{201D} here that holds; caring delegate list shows them.")
        }
        // Who acts by it may lay it down, whoever gave it.
        guard mandate.giver == .citizen || mandate.delegate == speaker || actor.operatorUID != nil else {
            throw CommandProblem.refused("\(id) was given by a court: you see it and what is done by it, but only an operator ends it, when the court says so.")
        }
        let waiting = world.proposed[mandate.citizen]?.count { $0.mandate == id } ?? 0
        try end(mandate, .ended, by: actor.inLog, tx)
        var say = ["\(id) is over. From now on \(world.name(mandate.delegate)) does nothing for \(world.name(mandate.citizen)) by it."]
        if waiting > 0 { say.append("\(counted(waiting, "act")) that waited for a second person \(waiting == 1 ? "is" : "are") cancelled.") }
        say.append("What was done by it stays: caring delegate acts shows it, and caring delegate undo undoes it.")
        return Reply(say: say, items: [.object(["mandate": .string(id.description), "state": "ended"])])
    }

    /// Who is here no more acts for nobody, and nobody acts for them.
    func endMandates(with person: PersonID, by: String, _ tx: StoreTurn) throws {
        let open = world.mandates.values.joined().filter { $0.citizen == person || $0.delegate == person }.sorted { $0.id < $1.id }
        for mandate in open { try end(mandate, .ended, by: by, tx) }
    }

    func mandateDue(_ id: MandateID, _ tx: StoreTurn) throws {
        guard let mandate = world.mandates.values.joined().first(where: { $0.id == id }) else { return try saveDeadline(.mandate(id), nil, tx) }
        guard mandate.until > now else { return try end(mandate, .expired, by: "caring", tx) }
        try saveDeadline(.mandate(id), Self.nextEdge(from: mandate.from, until: mandate.until, after: now), tx)
        guard let person = world.people[mandate.citizen], let home = person.home else { return }
        let when = world.zone(of: home).local(mandate.until)?.inWords ?? mandate.until.iso
        try tell(home, "\(person.name): mandate \(id), by which somebody acts for you, ends on \(when). caring delegate list shows what it says; to let it go on, appoint them anew: caring delegate appoint", tx)
    }

    func proposalDue(_ id: DelegateActID, _ tx: StoreTurn) throws {
        guard var deed = world.proposed.values.joined().first(where: { $0.id == id }) else { return try saveDeadline(.proposal(id), nil, tx) }
        guard deed.lapsesAt <= now else { return try saveDeadline(.proposal(id), deed.lapsesAt, tx) }
        (deed.state, deed.settledAt) = (.lapsed, now)
        try settled(deed, tx)
        try tx.save(deed, .lapsed, by: "caring", at: now)
    }
}
