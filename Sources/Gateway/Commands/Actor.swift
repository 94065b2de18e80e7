import Care

/// Who speaks, after the socket's peer credentials have been mapped to people.
struct Actor {
    /// The person who speaks or is spoken for; nil: an operator who speaks for the scheme.
    var person: Person?
    /// Set when an operator speaks for `person`.
    var operatorUID: UInt32?

    /// As it stands in the log and in consent records: "ada", "operator 1000 for ada", "operator 1000".
    var inLog: String {
        switch (person, operatorUID) {
        case (let person?, nil): person.id.name
        case (let person?, let uid?): "operator \(uid) for \(person.id.name)"
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
            if let own { return Actor(person: own) }
            if isOperator { return Actor(operatorUID: caller.uid) }
            throw .refused(
                "Nobody here is known as Unix user \(caller.uid). Ask an operator to add you with --uid \(caller.uid).")
        }
        guard let person = world.people[wanted] else {
            throw .failed("There is nobody called \u{201C}\(safeText(wanted.name))\u{201D} here.")
        }
        if person.uid == caller.uid { return Actor(person: person) }
        guard isOperator else { throw .refused("Only an operator may use --as.") }
        return Actor(person: person, operatorUID: caller.uid)
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
