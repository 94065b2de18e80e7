import Care
import Store

/// What a citizen decides beforehand for emergencies. Nobody decides it for them: it is never on by itself.
extension Engine {
    func consentEmergency(_ on: Bool, _ names: [String], _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        let holding = (world.consents[person.id] ?? []).compactMap { stored -> ConsentRecord? in
            guard case .record(let record) = stored, record.effect == .emergency, record.withdrawnAt == nil else { return nil }
            return record
        }
        guard on else { return try emergencyOff(holding, person, actor, tx) }
        let recipients = try emergencyRecipients(names, person)
        if let same = holding.first(where: { $0.recipients == recipients }) {
            let zone = person.home.map { world.zone(of: $0) } ?? .utc
            return Reply(say: ["It is so already: \(sentence(same, names: consentNames, zone: zone, now: now)) (\(same.id))"], items: [item(same, zone)])
        }
        try roomForConsent(person.id)
        let record = emergencyRecord(recipients, person, id: ConsentID(try tx.next("consent")))
        var reply = try begin(record, person, actor, tx)
        reply.say.append("You will be told at once when it is used. What you refuse stays refused. caring consent emergency --off takes it back.")
        return reply
    }

    func emergencyRecipients(_ names: [String], _ person: Person) throws -> [RecipientPattern] {
        var circles = names.map { CircleID($0) }
        if circles.isEmpty, let own = person.home.flatMap({ world.homes[$0]?.circle }) { circles = [own] }
        guard !circles.isEmpty else { throw CommandProblem.failed("Say whose helpers: --circle oak-street, for example.") }
        for circle in circles where world.circles[circle] == nil {
            throw CommandProblem.failed("There is no circle called \u{201C}\(safeText(circle.name))\u{201D}.")
        }
        return Set(circles).sorted().map { .circle($0) }
    }

    func emergencyRecord(_ recipients: [RecipientPattern], _ person: Person, id: ConsentID) -> ConsentRecord {
        ConsentRecord(
            id: id, citizen: person.id, effect: .emergency, recipients: recipients, purposes: [.emergencyResponse], data: [.everything, .identity],
            detail: .alert, from: now)
    }

    private func emergencyOff(_ holding: [ConsentRecord], _ person: Person, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard !holding.isEmpty else { return Reply(say: ["Nothing was decided for emergencies: nobody is told but by your other consents."]) }
        for var record in holding {
            record.withdrawnAt = now
            if let index = world.consents[person.id]?.firstIndex(where: { $0.id == record.id }) { world.consents[person.id]?[index] = .record(record) }
            try tx.withdraw(record.id, by: actor.inLog, at: now)
            try saveDeadline(.consent(record.id), nil, tx)
        }
        try consentChanged(person.id, tx)
        return Reply(
            say: ["Also in an emergency nobody is told from now on but by your other consents."],
            items: holding.map { .object(["consent": .string($0.id.description), "state": "withdrawn"]) })
    }
}
