import Care
import Store

/// Consent that somebody asks for, and what the citizen answers.
///
/// Who asks learns nothing but what became of it; nobody but the citizen sees that it was asked for.
extension Engine {
    /// Unanswered requests to one citizen, of everybody and of one asker.
    static var requestsOpenMax: Int { 20 }
    static var requestsOpenOfOneMax: Int { 5 }
    static var requestReasonCharactersMax: Int { 500 }
    /// Requests of one asker to one citizen within a day, whatever became of them.
    static var requestsPerDayMax: Int { 5 }
    /// How long a denial stands before the same may be asked for again.
    static var askAgainAfterDenial: Span { .days(30) }
    /// How many of their own requests an asker is shown.
    static var requestsShownMax: Int { 100 }

    func consentRequest(_ asked: ConsentDraft, _ reason: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let asker = actor.person, let recipient = asker.asRecipient else {
            throw CommandProblem.refused("Helpers, coordinators and services may ask for consent. Say who asks: add --as NAME.")
        }
        guard let name = asked.citizen else { throw CommandProblem.failed("Say whom you ask: --citizen NAME.") }
        guard let citizen = world.people[PersonID(name)], citizen.kind == .citizen else {
            throw CommandProblem.failed("There is no citizen called \u{201C}\(safeText(name))\u{201D}.")
        }
        let reason = reason.filter { !$0.isNewline || $0 == " " }
        guard !reason.isEmpty, reason.count <= Self.requestReasonCharactersMax, safeText(reason, charactersMax: Self.requestReasonCharactersMax + 1) == reason else {
            throw CommandProblem.failed("Say in plain words why you ask, in at most \(Self.requestReasonCharactersMax) characters: --reason \"…\".")
        }
        // What devices there are in a home is nobody's to try out.
        guard !asked.data.contains(where: { $0.hasPrefix("device:") }) else {
            throw CommandProblem.failed("Ask for a category or a quantity; which devices there are is the citizen's to know.")
        }
        var draft = asked
        draft.to = ["\(recipient.kind.rawValue):\(asker.id)"]
        draft.from = nil
        let open = world.asked[citizen.id] ?? []
        guard open.count(where: { $0.asker == asker.id }) < Self.requestsOpenOfOneMax else {
            throw CommandProblem.failed("You have asked \(citizen.id) \(Self.requestsOpenOfOneMax) times already; wait for an answer.")
        }
        guard open.count < Self.requestsOpenMax else { throw CommandProblem.failed("Nothing more can be asked of \(citizen.id) at the moment; try again another day.") }
        let record: ConsentRecord
        do {
            record = try read(draft, .permit, citizen, citizen.home.map { world.zone(of: $0) } ?? .utc, id: ConsentID(try tx.next("consent")))
        } catch let error as ConsentTextError {
            throw CommandProblem.failed(error.sentence)
        }
        try mayAskAgain(record, asker.id, citizen, tx)
        try tx.append(record, .requested, reason: reason, asker: asker.id, by: actor.inLog, at: now)
        world.asked[citizen.id, default: []].append(AskedConsent(record: record, asker: asker.id, reason: reason, askedAt: now, isDeferred: false))
        if let home = citizen.home {
            // Who asks and for what is for the citizen's eyes alone; others may hear what the home is told.
            try tell(home, "\(citizen.name): somebody asks for your consent (\(record.id)). caring consent requests shows who and why.", consent: record.id, tx)
        }
        return Reply(
            say: ["\(record.id) is asked. Nothing is permitted until it is given; caring consent requests says what became of it."],
            items: [.object(["consent": .string(record.id.description), "state": "requested"])])
    }

    /// A denial is an answer: nobody has to give it again and again.
    private func mayAskAgain(_ record: ConsentRecord, _ asker: PersonID, _ citizen: Person, _ tx: StoreTurn) throws {
        let earlier = try tx.reader.consentsAsked(by: asker, of: citizen.id, since: now - Self.askAgainAfterDenial)
        func when(_ at: Instant) -> String { (citizen.home.map { world.zone(of: $0) } ?? .utc).local(at)?.inWords ?? at.iso }
        // To ask for the same and more is to ask for the same.
        let denied = earlier.filter { $0.isDenied && $0.record.map { Self.asksAgain(record, after: $0) } ?? false }.map(\.at).max()
        if let denied {
            throw CommandProblem.failed("\(citizen.id) has denied this to you. You may ask for it again from \(when(denied + Self.askAgainAfterDenial)) on; until then ask for something else, or for less.")
        }
        let today = earlier.map(\.askedAt).filter { $0 > now - .days(1) }.sorted()
        if today.count >= Self.requestsPerDayMax, let first = today.suffix(Self.requestsPerDayMax).first {
            throw CommandProblem.failed("You have asked \(citizen.id) \(Self.requestsPerDayMax) times within a day, as often as is possible. Try again from \(when(first + .days(1))) on.")
        }
    }

    /// Whether it is for all the data and purposes that were denied. No purpose named: all.
    private static func asksAgain(_ record: ConsentRecord, after denied: ConsentRecord) -> Bool {
        Set(record.data).isSuperset(of: denied.data)
            && (record.purposes.isEmpty || !denied.purposes.isEmpty && Set(record.purposes).isSuperset(of: denied.purposes))
    }

    func consentRequests(_ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let person = actor.person else { throw CommandProblem.failed("Say whose: add --as NAME.") }
        guard person.kind == .citizen else { return try ownRequests(person, tx) }
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        var say: [String] = []
        var items: [JSON] = []
        for asked in world.asked[person.id] ?? [] where maySee(.record(asked.record), actor) {
            let id = asked.record.id
            let when = zone.local(asked.askedAt)?.inWords ?? asked.askedAt.iso
            let sentence = sentence(asked.record, names: consentNames, zone: zone, now: now)
            say.append("\(id)  \(world.name(asked.asker)) asked on \(when): \u{201C}\(asked.reason)\u{201D}\(asked.isDeferred ? " You put the answer off." : "")")
            say.append("    If you give it: \(sentence)")
            items.append(
                .object([
                    "consent": .string(id.description), "state": asked.isDeferred ? "deferred" : "requested", "by": .string(asked.asker.name),
                    "reason": .string(asked.reason), "at": .string(asked.askedAt.iso), "say": .string(sentence),
                ]))
        }
        if say.isEmpty { return Reply(say: ["Nobody asks you for anything."]) }
        say.append("Answer with caring consent give, defer or deny; give takes --detail, --until, --hours and --about to give less.")
        return Reply(say: say, items: items)
    }

    private func ownRequests(_ person: Person, _ tx: StoreTurn) throws -> Reply {
        let requests = try tx.reader.consentsAsked(by: person.id, limit: Self.requestsShownMax)
        if requests.isEmpty { return Reply(say: ["You have asked nobody for consent."]) }
        return Reply(
            say: requests.map { asked, state in
                let citizen = asked.record.map { safeText($0.citizen.name) } ?? "somebody"
                return "\(asked.id)  to \(citizen), \(asked.at.iso): \(state.rawValue)."
            },
            items: requests.map { .object(["consent": .string($0.asked.id.description), "state": .string($0.state.rawValue)]) })
    }

    func findAsked(_ text: String, _ actor: Actor) throws(CommandProblem) -> (Person, Int, AskedConsent) {
        let person = try citizen(nil, actor)
        let open = world.asked[person.id] ?? []
        guard let id = ConsentID(text: text), let index = open.firstIndex(where: { $0.record.id == id }) else {
            throw .failed("Nobody asks \(person.id) for \u{201C}\(safeText(text))\u{201D}; caring consent requests shows what is asked.")
        }
        return (person, index, open[index])
    }

    func consentGive(_ text: String, _ less: ConsentNarrowing, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let (person, index, asked) = try findAsked(text, actor)
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        var record = asked.record
        record.from = max(record.from, now)
        if let until = record.until, until <= now {
            throw CommandProblem.failed("What was asked for would be over by now. Deny it, and they may ask again: caring consent deny \(record.id)")
        }
        do {
            if let detail = less.detail {
                guard let named = Detail(detail), named > .nothing else {
                    throw CommandProblem.failed("\u{201C}\(safeText(detail))\u{201D} is no detail; it is one of wellbeing, alert, summary, readings.")
                }
                record.detail = named
            }
            if !less.data.isEmpty { record.data = try less.data.map { try dataPattern($0, person) } }
            if !less.hours.isEmpty { record.hours = try less.hours.map { try HourWindow(text: $0) } }
        } catch let error as ConsentTextError {
            throw CommandProblem.failed(error.sentence)
        }
        if let until = less.until { record.until = try future(until, zone: zone, endOfDay: true) }
        if let until = record.until, until <= now { throw CommandProblem.failed("It would have ended before it begins; choose a later --until.") }
        for pattern in record.recipients { if let problem = unknown(pattern) { throw CommandProblem.failed(problem) } }
        if let problem = record.excess(over: asked.record) { throw CommandProblem.failed(problem) }
        try roomForConsent(person.id)
        world.asked[person.id]?.remove(at: index)
        return try begin(record, person, actor, tx)
    }

    func consentDefer(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let (person, index, asked) = try findAsked(text, actor)
        if asked.isDeferred { return Reply(say: ["You have put \(asked.record.id) off already."]) }
        world.asked[person.id]?[index].isDeferred = true
        try tx.append(asked.record, .deferred, by: actor.inLog, at: now)
        return Reply(
            say: ["\(asked.record.id) is put off. Nothing is permitted meanwhile."],
            items: [.object(["consent": .string(asked.record.id.description), "state": "deferred"])])
    }

    func consentDeny(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let (person, index, asked) = try findAsked(text, actor)
        world.asked[person.id]?.remove(at: index)
        try tx.append(asked.record, .refused, by: actor.inLog, at: now)
        return Reply(
            say: ["\(asked.record.id) is denied. Nothing is permitted by it."],
            items: [.object(["consent": .string(asked.record.id.description), "state": "refused"])])
    }

    /// After a restore: what was given since then stands under another number, so the request is answered.
    func answered(_ id: ConsentID, by other: String, of citizen: PersonID, _ tx: StoreTurn) throws {
        guard let index = world.asked[citizen]?.firstIndex(where: { $0.record.id == id }), let asked = world.asked[citizen]?[index] else { return }
        world.asked[citizen]?.remove(at: index)
        try tx.append(asked.record, .refused, reason: "given before a restore, and since then called \(other)", by: citizen.name, at: now)
    }
}
