import Care

/// Who speaks, after the socket's peer credentials have been mapped to people.
struct Actor {
    /// The person who speaks or is spoken for; nil: an operator who speaks for the scheme.
    var person: Person?
    /// Set when an operator speaks for `person`.
    var operatorUID: UInt32?
    /// Set when a delegate acts for `person`, who is then a citizen; and by which mandate, once that is known.
    var delegate: PersonID?
    var mandate: MandateID?
    /// What a delegate may see who looks; nil: whoever speaks is no delegate.
    var looking: Looking?

    /// As it stands in the log and in consent records: "ada", "operator 1000 for ada", "operator 1000", "anna for ada (mandate m3)".
    var inLog: String {
        let name = person.map { person in
            delegate.map { "\($0) for \(person.id)\(mandate.map { " (mandate \($0))" } ?? "")" } ?? person.id.name
        }
        return switch (name, operatorUID) {
        case (let name?, nil): name
        case (let name?, let uid?): "operator \(uid) for \(name)"
        case (nil, let uid): "operator \(uid ?? 0)"
        }
    }

    /// May change the scheme: homes, people, circles.
    var runsScheme: Bool { person == nil || person?.kind == .coordinator }
    var isOperatorOnly: Bool { person == nil }
    func isCitizen(_ id: PersonID) -> Bool { person?.kind == .citizen && person?.id == id }
}

/// Why a command was not performed: a sentence, and whether the person may not or it cannot be done.
enum CommandProblem: Error {
    case refused(String)
    case failed(String)

    var reply: Reply {
        switch self {
        case .refused(let sentence): .refused(sentence)
        case .failed(let sentence): .failed(sentence)
        }
    }
}

extension Engine {
    /// - Parameter operatorUIDs: the gateway's own user, and root.
    func actor(_ caller: Caller, operatorUIDs: [UInt32]) throws(CommandProblem) -> Actor {
        let isOperator = operatorUIDs.contains(caller.uid)
        let own = world.people.values.filter { $0.uid == caller.uid }.min { $0.id < $1.id }
        guard let wanted = caller.actingAs else {
            if caller.delegate != nil { throw .failed("Say for whom the delegate acts: add --as CITIZEN.") }
            if let own { return Actor(person: own) }
            if isOperator { return Actor(operatorUID: caller.uid) }
            throw .refused(
                "Nobody here is known as Unix user \(caller.uid). Ask an operator to add you with --uid \(caller.uid).")
        }
        guard let person = world.people[wanted] else {
            throw .failed("There is nobody called \u{201C}\(safeText(wanted.name))\u{201D} here.")
        }
        if let name = caller.delegate { return try delegate(name, of: person, caller, isOperator: isOperator) }
        if person.uid == caller.uid { return Actor(person: person) }
        if !isOperator, let own, !mandates(of: own.id, for: person.id).isEmpty { return Actor(person: person, delegate: own.id) }
        guard isOperator else { throw .refused("Only an operator may use --as.") }
        return Actor(person: person, operatorUID: caller.uid)
    }

    /// The delegate's own user, or an operator who speaks for them. Whose user is an operator's says by `--by` that they act as a delegate.
    private func delegate(_ name: PersonID, of person: Person, _ caller: Caller, isOperator: Bool) throws(CommandProblem) -> Actor {
        guard let delegate = world.people[name] else { throw .failed("There is nobody called \u{201C}\(safeText(name.name))\u{201D} here.") }
        guard delegate.uid == caller.uid || isOperator else { throw .refused("Only an operator may use --by for somebody else.") }
        guard !mandates(of: name, for: person.id).isEmpty else { throw .refused("\(name) has no mandate of \(person.id) that holds now.") }
        return Actor(person: person, operatorUID: delegate.uid == caller.uid ? nil : caller.uid, delegate: name)
    }

    func citizen(_ name: String?, _ actor: Actor) throws(CommandProblem) -> Person {
        guard let name else {
            guard let person = actor.person, person.kind == .citizen else {
                throw .failed("Say which citizen: add --as CITIZEN.")
            }
            return person
        }
        guard let person = world.people[PersonID(name)], person.kind == .citizen else {
            throw .failed("There is no citizen called \u{201C}\(safeText(name))\u{201D}.")
        }
        guard actor.person?.id == person.id else {
            throw .refused("Only \(person.id) may do this. An operator may do it for them with --as \(person.id).")
        }
        return person
    }

    func newName(_ name: String, what: String) throws(CommandProblem) {
        guard isUsableName(name) else {
            throw .failed(
                "\u{201C}\(safeText(name))\u{201D} cannot be the name of a \(what): use 1 to 40 of a-z, 0-9 and \u{201C}-\u{201D}, beginning with a letter or digit."
            )
        }
        guard name != configuration.mqttUser, name != "caring", name != "figures" else { throw .failed("The name \u{201C}\(name)\u{201D} is the gateway's own; choose another.") }
        guard !world.namesTaken.contains(name) else {
            throw .failed(
                "The name \u{201C}\(name)\u{201D} is taken: homes and people share one list of names, and a name is not given twice. Choose another."
            )
        }
    }

    func title(_ text: String, what: String) throws(CommandProblem) -> String {
        let safe = safeText(text, charactersMax: 101)
        guard !safe.isEmpty, safe.count <= 100, safe == text else {
            throw .failed("\(what) has to be 1 to 100 characters long, without control characters.")
        }
        return text
    }

    /// An instant, a day (its beginning at the home), or a length of time back from now.
    func past(_ text: String?, zone: Zone, fallback: Span) throws(CommandProblem) -> Instant {
        guard let text else { return now - fallback }
        if let span = Span(text) { return now - span }
        if let instant = Instant(iso: text) { return instant }
        if let day = Day(iso: text), let midnight = MinuteOfDay(0), let instant = zone.instant(day, midnight) { return instant }
        throw .failed("\u{201C}\(safeText(text))\u{201D} is no time: write 7d, 2026-11-21 or 2026-11-21T03:00:00Z.")
    }

    /// A day, an instant, or a length of time from now. `endOfDay`: a day means its end.
    func future(_ text: String, zone: Zone, endOfDay: Bool) throws(CommandProblem) -> Instant {
        if let span = Span(text) { return now + span }
        if let instant = Instant(iso: text) { return instant }
        if let day = Day(iso: text), let midnight = MinuteOfDay(0),
            let instant = zone.instant(Day(number: day.number + (endOfDay ? 1 : 0)), midnight)
        {
            return instant
        }
        throw .failed("\u{201C}\(safeText(text))\u{201D} is no time: write 2026-11-21, 30d or 2026-11-21T18:00:00Z.")
    }
}
