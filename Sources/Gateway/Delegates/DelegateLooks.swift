import Care
import Store

/// What a delegate may see who looks in a citizen's place.
struct Looking {
    /// Those that hold; something is seen where any of them covers it.
    var mandates: [Mandate]
    /// Series of devices that were also others' at the same time: they are not the citizen's alone to show.
    var shared: Set<Int32>

    func sees(_ category: Category) -> Bool { mandates.contains { $0.categories.contains(category) } }
    /// As it stands in a disclosure: a quantity or a category; nothing else.
    func sees(_ data: String) -> Bool { (Quantity(data)?.category ?? Category(rawValue: data)).map { sees($0) } ?? false }
    /// The mandate by which it is seen.
    func mandate(for category: Category?) -> Mandate? { mandates.first { mandate in category.map { mandate.categories.contains($0) } ?? true } }
}

/// Looking in a citizen's place. The mandate is the permission; that somebody looked is a disclosure, and an act.
extension Engine {
    func look(_ command: Command, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let citizen = actor.person, let delegate = actor.delegate else { throw CommandProblem.failed("Say for whom: add --as CITIZEN.") }
        var acting = actor
        var looking = Looking(mandates: mandates(of: delegate, for: citizen.id), shared: try shared(citizen, tx))
        acting.looking = looking
        switch command {
        case .readingList(let name, let home, let quantity, let since, let limit, let purposeName):
            guard name == nil || name == citizen.id.name else { throw CommandProblem.refused("You act for \(citizen.id) here and for nobody else.") }
            let purpose = try purpose(purposeName, of: looking.mandates, citizen)
            looking.mandates.removeAll { !$0.purposes.contains(purpose) }
            acting.looking = looking
            if let named = quantity.flatMap({ Quantity($0) }), !looking.sees(named.category) { throw beyond(acting) }
            let reply = try readingList(nil, home, quantity, since, limit, nil, acting, tx)
            let seen = Set(reply.items.compactMap { $0["quantity"]?.string }).sorted()
            let words = seen.isEmpty ? "asked for readings, of which there were none" : "looked at readings: \(seen.map { wordsFor($0) }.joined(separator: ", "))"
            return try noteLook(reply, words, seen, .readings, purpose, acting, tx)
        case .whoSaw(let name, let since):
            guard name == nil || name == citizen.id.name else { throw CommandProblem.refused("You act for \(citizen.id) here and for nobody else.") }
            return try noteLook(try whoSaw(nil, since, acting, tx), "looked at who was told what", ["who was told what"], .summary, nil, acting, tx)
        case .why(let id): return try noteLook(try why(id, acting, tx), "asked why \(safeText(id, charactersMax: 40))", ["why \(safeText(id, charactersMax: 40))"], .summary, nil, acting, tx)
        case .consentList(let name, let all):
            guard name == nil || name == citizen.id.name else { throw CommandProblem.refused("You act for \(citizen.id) here and for nobody else.") }
            return try noteLook(try consentList(nil, all, acting, tx), "looked at your consents", ["your consents"], .summary, nil, acting, tx)
        case .consentRequests: return try noteLook(try consentRequests(acting, tx), "looked at what you are asked for", ["what you are asked for"], .summary, nil, acting, tx)
        case .consentHistory(let id):
            let id = safeText(id, charactersMax: 40)
            return try noteLook(try consentHistory(id, acting, tx), "looked at the history of \(id)", ["the history of \(id)"], .summary, nil, acting, tx)
        default: throw beyond(acting)
        }
    }

    /// The same of what is worked out beside the turns: it is written down before it is seen.
    func lookAside(_ command: Command, _ actor: Actor, _ tx: StoreTurn) throws -> Actor {
        guard let citizen = actor.person, let delegate = actor.delegate else { throw CommandProblem.failed("Say for whom: add --as CITIZEN.") }
        guard case .insights = command else { _ = try actFor(command, actor, tx); return actor }
        var acting = actor
        acting.looking = Looking(mandates: mandates(of: delegate, for: citizen.id), shared: try shared(citizen, tx))
        var seen: Set<String> = []
        for state in citizen.home.map({ world.devices(of: $0) }) ?? [] where state.device.citizens.contains(citizen.id) {
            for slot in state.slots { if let series = world.seriesInfo(slot.series), maySee(series, acting) { seen.insert(slot.quantity.name) } }
        }
        _ = try noteLook(Reply(), "looked at what your days are like", seen.sorted(), .summary, nil, acting, tx)
        return acting
    }

    private func shared(_ citizen: Person, _ tx: StoreTurn) throws -> Set<Int32> {
        Set(try tx.reader.seriesEver(of: citizen.id).filter(\.isShared).map(\.series))
    }

    private func purpose(_ name: String?, of mandates: [Mandate], _ citizen: Person) throws(CommandProblem) -> Purpose {
        let may = Set(mandates.flatMap(\.purposes)).sorted()
        guard let name else {
            if may.count == 1, let only = may.first { return only }
            throw .failed("Say what for: --purpose \(may.map(\.rawValue).joined(separator: "|")).")
        }
        guard let purpose = Purpose(rawValue: name) else {
            throw .failed("\u{201C}\(safeText(name))\u{201D} is no purpose; it is one of \(Purpose.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        guard may.contains(purpose) else { throw .refused("You may not look for \(purpose.rawValue): \(coverage(mandates, zone(of: citizen))).") }
        return purpose
    }

    /// - Parameter data: what was seen, as it stands in disclosures.
    private func noteLook(_ reply: Reply, _ words: String, _ data: [String], _ detail: Detail, _ said: Purpose?, _ acting: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let citizen = acting.person, let delegate = acting.delegate, let looking = acting.looking, reply.outcome == .done,
            let first = looking.mandate(for: data.first.flatMap { Quantity($0) }?.category)
        else { return reply }
        for one in data {
            guard let mandate = looking.mandate(for: Quantity(one)?.category) else { continue }
            try tx.append(
                Disclosure(
                    at: now, citizen: citizen.id, recipient: delegate, alert: nil, notice: nil, decision: nil, data: one, detail: detail, stage: nil, state: .seen,
                    mandate: mandate.id, purpose: said ?? (mandate.purposes.count == 1 ? mandate.purposes.first : nil)))
        }
        var by = acting
        by.mandate = first.id
        let deed = DelegateAct(
            id: DelegateActID(try tx.next("delegateAct")), citizen: citizen.id, delegate: delegate, mandate: first.id, at: now, kind: .look,
            scope: DelegateScope(categories: data.compactMap { Quantity($0)?.category }, purposes: said.map { [$0] } ?? []),
            what: safeText(words, charactersMax: DelegateAct.whatCharactersMax), state: .done, effect: .looked, operatorUID: acting.operatorUID)
        try tx.save(deed, .looked, by: by.inLog, at: now)
        return reply
    }

    // MARK: What is seen

    func maySee(_ series: Series, _ actor: Actor) -> Bool {
        guard let looking = actor.looking else { return true }
        return looking.sees(series.quantity.category) && !looking.shared.contains(series.id.number)
    }

    func maySee(_ stored: StoredConsent, _ actor: Actor) -> Bool {
        guard let looking = actor.looking else { return true }
        guard case .record(let record) = stored, let scope = record.scope({ self.categories(of: $0) }) else { return false }
        return looking.mandates.contains { $0.covers(scope) }
    }

    func maySee(_ alert: Alert, _ actor: Actor) -> Bool {
        guard let looking = actor.looking else { return true }
        // What is also about somebody else is not the citizen's alone to show.
        return alert.citizens == [actor.person?.id] && looking.mandates.contains { $0.covers(DelegateScope(categories: [alert.matter.category], purposes: [alert.matter.purpose])) }
    }

    func maySee(_ request: ConsentRequest, about citizens: [PersonID], _ actor: Actor) -> Bool {
        guard let looking = actor.looking else { return true }
        guard citizens == [actor.person?.id], case .data(let category, _, _) = request.data else { return false }
        return looking.mandates.contains { $0.covers(DelegateScope(categories: [category], purposes: [request.purpose])) }
    }
}
