import Care
import Store

/// Records that end by themselves: in that second, and not without a warning.
extension Engine {
    /// How long before its end the citizen is warned. A record that lasts less than that says nothing of it.
    static var consentWarnings: [Span] { [.days(14), .days(1)] }

    /// Records of one turn that end or are warned of; the rest is done in the next turns, at once, with whatever else comes
    /// between them. What has ended permits nothing meanwhile: that is decided by the time. Some milliseconds.
    static var consentsPerTurnMax: Int { 100 }

    /// When a record has to be looked at next: a warning, or its end; nil when it has none to come.
    static func nextEdge(of record: ConsentRecord, after now: Instant) -> Instant? {
        record.until.flatMap { nextEdge(from: record.from, until: $0, after: now) }
    }

    /// The same of whatever holds from an instant until another.
    static func nextEdge(from: Instant, until: Instant, after now: Instant) -> Instant? {
        let warnings = consentWarnings.filter { until - from >= $0 }.map { until - $0 }
        return (warnings + [until]).filter { $0 > now }.min()
    }

    func watchEnd(of record: ConsentRecord, _ tx: StoreTurn) throws {
        try saveDeadline(.consent(record.id), record.withdrawnAt == nil ? Self.nextEdge(of: record, after: now) : nil, tx)
    }

    func consentDue(_ id: ConsentID, _ tx: StoreTurn) throws {
        guard let citizen = try tx.reader.citizen(of: id), let stored = world.consents[citizen]?.first(where: { $0.id == id }),
            case .record(let record) = stored, record.withdrawnAt == nil, let until = record.until
        else { return try saveDeadline(.consent(id), nil, tx) }
        guard until > now else {
            try tx.expire(id, at: now)
            try saveDeadline(.consent(id), nil, tx)
            return try consentChanged(citizen, tx)
        }
        try watchEnd(of: record, tx)
        guard let person = world.people[citizen], let home = person.home else { return }
        let when = world.zone(of: home).local(until)?.inWords ?? until.iso
        try tell(
            home, "\(person.name): your consent \(id) ends on \(when). caring consent list shows what it says; to let it go on: caring consent renew \(id) --until DAY.",
            consent: id, tx)
    }
}
