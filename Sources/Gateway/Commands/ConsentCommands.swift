import Care
import Store

/// Consent: given, refused, withdrawn, listed; always read back as a sentence.
extension Engine {
    static var consentsPerCitizenMax: Int { 1_000 }
    /// Of one citizen, those that are withdrawn or over included: every decision passes over them.
    static var consentsKeptMax: Int { 10_000 }

    var consentNames: ConsentNames {
        let world = self.world
        return ConsentNames(
            circle: { world.circleTitle($0) }, person: { world.name($0) },
            device: { world.device($0).map { safeText($0.device.address) } ?? "a device" })
    }

    func consentAdd(_ draft: ConsentDraft, _ effect: ConsentRecord.Effect, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(draft.citizen, actor)
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        try roomForConsent(person.id)
        let record: ConsentRecord
        do {
            record = try read(draft, effect, person, zone, id: ConsentID(try tx.next("consent")))
        } catch let error as ConsentTextError {
            throw CommandProblem.failed(error.sentence)
        }
        return try begin(record, person, actor, tx)
    }

    func roomForConsent(_ person: PersonID) throws(CommandProblem) {
        let holding = world.consents[person, default: []].count { stored in
            guard case .record(let record) = stored else { return true }
            return record.withdrawnAt == nil && record.until ?? .distantFuture > now
        }
        guard world.consents[person, default: []].count < Self.consentsKeptMax else {
            throw CommandProblem.failed("There were \(Self.consentsKeptMax) consent records, as many as are kept. Those that are over go with: caring data erase --all")
        }
        guard holding < Self.consentsPerCitizenMax else {
            throw CommandProblem.failed("There are \(Self.consentsPerCitizenMax) consent records, as many as one citizen may have.")
        }
    }

    /// From now on the record counts, and is read back as a sentence.
    func begin(_ record: ConsentRecord, _ person: Person, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        try tx.save(record, givenBy: actor.inLog, at: now)
        let index = world.consents[person.id, default: []].firstIndex { $0.id > record.id } ?? world.consents[person.id, default: []].count
        world.consents[person.id, default: []].insert(.record(record), at: index)
        try watchEnd(of: record, tx)
        try consentChanged(person.id, tx)
        return Reply(
            say: ["\(sentence(record, names: consentNames, zone: zone, now: now)) (\(record.id))"], items: [item(record, zone)])
    }

    func read(
        _ draft: ConsentDraft, _ effect: ConsentRecord.Effect, _ person: Person, _ zone: Zone, id: ConsentID
    ) throws -> ConsentRecord {
        guard !draft.to.isEmpty else { throw CommandProblem.failed("Say to whom: --to circle:oak-street, --to helper:maria, --to coordinator:* or --to service:clinic.") }
        guard !draft.data.isEmpty else { throw CommandProblem.failed("Say which data: --about safety, --about heart_rate, --about identity or --about everything.") }
        var recipients: [RecipientPattern] = []
        for text in draft.to {
            let pattern = try RecipientPattern(text: text)
            if let problem = unknown(pattern) { throw CommandProblem.failed(problem) }
            recipients.append(pattern)
        }
        var data: [DataPattern] = []
        for text in draft.data { data.append(try dataPattern(text, person)) }
        var purposes: [Purpose] = []
        for text in draft.purposes {
            guard let purpose = Purpose(rawValue: text) else {
                throw CommandProblem.failed("\u{201C}\(safeText(text))\u{201D} is no purpose; it is one of \(Purpose.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            purposes.append(purpose)
        }
        if effect == .permit, purposes.isEmpty { throw CommandProblem.failed("Say what for: --purpose emergency-response, for example.") }
        var detail: Detail = effect == .permit ? .alert : .wellbeing
        if let text = draft.detail {
            guard let named = Detail(text), named > .nothing else {
                throw CommandProblem.failed("\u{201C}\(safeText(text))\u{201D} is no detail; it is one of wellbeing, alert, summary, readings.")
            }
            detail = named
        }
        var stage: Stage?
        if let text = draft.stage {
            stage = Stage(text)
            if stage == nil { throw CommandProblem.failed("\u{201C}\(safeText(text))\u{201D} is no stage; it is one of asked, accepted, attending.") }
        }
        var severity: Severity?
        if let text = draft.severity {
            severity = Severity.allCases.first { $0.rawValue.lowercased() == text.lowercased() }
            if severity == nil { throw CommandProblem.failed("\u{201C}\(safeText(text))\u{201D} is no severity; it is one of minor, moderate, severe, extreme.") }
        }
        var hours: [HourWindow] = []
        for text in draft.hours { hours.append(try HourWindow(text: text)) }
        let from = try draft.from.map { try future($0, zone: zone, endOfDay: false) } ?? now
        let until = try draft.until.map { try future($0, zone: zone, endOfDay: true) }
        if let until, until <= max(from, now) { throw CommandProblem.failed("It would have ended before it begins; choose a later --until.") }
        return ConsentRecord(
            id: id, citizen: person.id, effect: effect, recipients: recipients, purposes: purposes.sorted(), data: data, detail: detail,
            stage: stage, severity: severity, hours: hours, from: from, until: until)
    }

    /// A device by its name at this person's home or by its number, and everything else that data are called.
    func dataPattern(_ text: String, _ person: Person) throws -> DataPattern {
        if text.hasPrefix("device:"), let home = person.home, let device = world.device(home, String(text.dropFirst(7)))?.device {
            return .device(device.id)
        }
        let pattern = try DataPattern(text: text)
        if case .device(let id) = pattern, world.device(id)?.device.home != person.home {
            throw CommandProblem.failed("There is no such device in \(person.home?.name ?? "your home"); caring device list shows them.")
        }
        return pattern
    }

    /// A permit to somebody who does not exist would look as if it did something.
    func unknown(_ pattern: RecipientPattern) -> String? {
        switch pattern {
        case .circle(let id): world.circles[id] == nil ? "There is no circle called \u{201C}\(safeText(id.name))\u{201D}." : nil
        case .helper(let id): unknown(id, .helper)
        case .coordinator(let id): unknown(id, .coordinator)
        case .service(let id): unknown(id, .service)
        case .anyHelper, .anyCoordinator, .anyService, .anyone: nil
        }
    }
    private func unknown(_ id: PersonID, _ kind: Person.Kind) -> String? {
        world.people[id]?.kind == kind ? nil : "There is no \(kind.rawValue) called \u{201C}\(safeText(id.name))\u{201D}."
    }

    func consentWithdraw(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        guard let id = ConsentID(text: text), let index = world.consents[person.id]?.firstIndex(where: { $0.id == id }) else {
            throw CommandProblem.failed("\(person.id) has no consent record \u{201C}\(safeText(text))\u{201D}; caring consent list shows them.")
        }
        let waiting = world.notices.filter { $0.state == .queued && $0.person != nil && $0.about != .over }.map(\.id)
        let known = Set(world.notices.map(\.id))
        if case .record(var record) = world.consents[person.id]?[index] {
            if record.withdrawnAt != nil { return Reply(say: ["\(id) was withdrawn before."]) }
            record.withdrawnAt = now
            world.consents[person.id]?[index] = .record(record)
        } else {
            // Not even its owner can read it; without it the others are evaluated again.
            world.consents[person.id]?.remove(at: index)
        }
        // A delegate's ending is not the citizen's own word.
        let isRevoked = actor.mandate != nil
        try tx.withdraw(id, as: isRevoked ? .revoked : .withdrawn, by: actor.inLog, at: now)
        try saveDeadline(.consent(id), nil, tx)
        try consentChanged(person.id, tx)
        var say = ["\(id) is \(isRevoked ? "revoked" : "withdrawn"). From now on nothing is told because of it."]
        // Others may be asked instead, so what waits now is compared one by one.
        let gone = waiting.count { id in !world.notices.contains { $0.id == id } }
        if gone > 0 { say.append("\(counted(gone, "word")) that waited to be sent will not be.") }
        let taken = try world.notices.count { notice in
            guard notice.state == .queued, notice.about == .over, notice.channel == .mqtt, !known.contains(notice.id), let helper = notice.person
            else { return false }
            return try mayBeShown(notice.alert, to: helper, tx)
        }
        if taken > 0 {
            say.append(isConnected ? "What \(counted(taken, "client")) still showed is being taken back." : "What \(counted(taken, "client")) still showed is not yet retracted: the broker is away.")
        }
        let saw = try tx.reader.whoHasSeen(person.id).map { world.name($0) }
        if !saw.isEmpty { say.append("What was read cannot be unread: \(saw.joined(separator: ", ")) \(saw.count == 1 ? "has" : "have") read something about you. caring who-saw says what.") }
        return Reply(say: say, items: [.object(["consent": .string(id.description), "state": isRevoked ? "revoked" : "withdrawn"])])
    }

    func consentList(_ name: String?, _ all: Bool, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(name, actor)
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        let states = try tx.reader.consentStates(of: person.id)
        var say: [String] = []
        var items: [JSON] = []
        for stored in world.consents[person.id] ?? [] where maySee(stored, actor) {
            switch stored {
            case .record(let record):
                let isOver = record.withdrawnAt.map { $0 <= now } ?? false || record.until.map { $0 <= now } ?? false
                guard all || !isOver else { continue }
                let expired = record.withdrawnAt == nil && isOver ? " It has expired." : ""
                let revoked = states[record.id] == .revoked ? " It was revoked, not withdrawn by you; caring consent history \(record.id) says by whom." : ""
                say.append("\(record.id)  \(sentence(record, names: consentNames, zone: zone, now: now))\(expired)\(revoked)")
                items.append(item(record, zone, states[record.id]))
            case .unreadable(let id, _, _):
                say.append("\(id)  This record cannot be read. As it could be a refusal, nobody is told anything until it is withdrawn: caring consent withdraw \(id)")
                items.append(.object(["consent": .string(id.description), "state": "unreadable"]))
            }
        }
        if say.isEmpty { say = ["There is no consent record: nobody is told anything."] }
        return Reply(say: say, items: items)
    }

    func item(_ record: ConsentRecord, _ zone: Zone, _ last: ConsentState? = nil) -> JSON {
        let state =
            record.withdrawnAt != nil ? (last == .revoked ? "revoked" : "withdrawn") : record.until.map { $0 <= now } ?? false ? "expired" : last == .renewed ? "renewed" : record.effect == .refuse ? "refused" : "given"
        return .object([
            "consent": .string(record.id.description), "citizen": .string(record.citizen.name), "effect": .string(record.effect.rawValue),
            "state": .string(state), "to": .strings(record.recipients.map(\.text)), "purposes": .strings(record.purposes.map(\.rawValue)),
            "data": .strings(record.data.map(\.text)), "detail": .string(record.detail.name), "stage": .optional(record.stage?.name), "while": .optional(record.severity?.rawValue.lowercased()),
            "hours": .strings(record.hours.map(\.text)), "from": .string(record.from.iso), "until": .optional(record.until?.iso),
            "say": .string(sentence(record, names: consentNames, zone: zone, now: now)),
        ])
    }
}
