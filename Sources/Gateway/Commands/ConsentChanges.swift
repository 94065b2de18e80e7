import Care
import Store

/// Consent that is renewed, revoked, looked back on. No version is overwritten.
extension Engine {
    func consentRenew(_ text: String, _ until: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        guard let id = ConsentID(text: text), let index = world.consents[person.id]?.firstIndex(where: { $0.id == id }),
            case .record(var record)? = world.consents[person.id]?[index]
        else { throw CommandProblem.failed("\(person.id) has no consent record \u{201C}\(safeText(text))\u{201D}; caring consent list shows them.") }
        guard record.withdrawnAt == nil else { throw CommandProblem.failed("\(id) is withdrawn, and what was withdrawn is given anew: caring consent grant.") }
        guard let end = record.until else { throw CommandProblem.failed("\(id) holds until you withdraw it, so there is nothing to renew.") }
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        let later = try future(until, zone: zone, endOfDay: true)
        guard later > max(end, now) else {
            throw CommandProblem.failed("\(id) would not last longer by that. Choose a later --until; to end it, use caring consent withdraw \(id).")
        }
        // What has ended begins again now: between then and now it did not hold.
        if end <= now { record.from = now }
        record.until = later
        world.consents[person.id]?[index] = .record(record)
        try tx.renew(record, by: actor.inLog, at: now)
        try watchEnd(of: record, tx)
        try consentChanged(person.id, tx)
        return Reply(say: ["\(sentence(record, names: consentNames, zone: zone, now: now)) (\(id), renewed)"], items: [item(record, zone, .renewed)])
    }

    /// Somebody entitled to takes a permit back. What it says is not shown: that is the citizen's.
    func consentRevoke(_ text: String, _ reason: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard actor.isOperatorOnly else {
            throw CommandProblem.refused("Only an operator may revoke a consent, and not in somebody's name. A citizen withdraws theirs: caring consent withdraw.")
        }
        guard !reason.isEmpty, reason.count <= Self.requestReasonCharactersMax, safeText(reason, charactersMax: Self.requestReasonCharactersMax + 1) == reason else {
            throw CommandProblem.failed("Say by which right, in at most \(Self.requestReasonCharactersMax) characters: --reason \"…\". The citizen reads it.")
        }
        guard let id = ConsentID(text: text), let owner = try tx.reader.citizen(of: id),
            let index = world.consents[owner]?.firstIndex(where: { $0.id == id }), case .record(var record)? = world.consents[owner]?[index],
            record.effect != .refuse
        else {
            // To take a refusal back would tell more, which nobody but the citizen may decide.
            throw CommandProblem.failed("There is no permit \u{201C}\(safeText(text))\u{201D} that could be revoked.")
        }
        if record.withdrawnAt != nil { return Reply(say: ["\(id) holds no more already."]) }
        record.withdrawnAt = now
        world.consents[owner]?[index] = .record(record)
        try tx.withdraw(id, as: .revoked, reason: reason, by: actor.inLog, at: now)
        try saveDeadline(.consent(id), nil, tx)
        try consentChanged(owner, tx)
        if let person = world.people[owner], let home = person.home {
            try tell(home, "\(person.name): your consent \(id) was revoked, and not by you. caring consent history \(id) says by whom and why.", consent: id, tx)
        }
        return Reply(
            say: ["\(id) is revoked. From now on nothing is told because of it, and its citizen is told so."],
            items: [.object(["consent": .string(id.description), "state": "revoked"])])
    }

    func consentHistory(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        let versions = try ConsentID(text: text).map { try tx.reader.versions(of: $0) } ?? []
        let isOwn = versions.contains { $0.record?.citizen == person.id } || world.consents[person.id]?.contains { $0.id == versions.first?.id } ?? false
        guard isOwn else {
            throw CommandProblem.failed("\(person.id) has no consent record \u{201C}\(safeText(text))\u{201D}; caring consent list --all shows them.")
        }
        guard versions.allSatisfy({ version in version.record.map { maySee(.record($0), actor) } ?? (actor.looking == nil) }) else { throw beyond(actor) }
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        return Reply(
            say: versions.map { sentence($0, names: consentNames, zone: zone) },
            items: versions.map { version in
                .object([
                    "consent": .string(version.id.description), "version": .int(Int64(version.version)), "state": .string(version.state.rawValue),
                    "at": .string(version.at.iso), "by": .string(version.by), "reason": .optional(version.reason),
                    "say": .string(sentence(version, names: consentNames, zone: zone)),
                ])
            })
    }
}
