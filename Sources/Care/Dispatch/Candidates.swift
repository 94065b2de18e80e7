/// What dispatch knows of somebody who may be asked.
public struct Responder: Hashable, Sendable {
    public enum Role: String, Codable, Sendable { case helper, coordinator }
    public var person: PersonID
    public var role: Role
    /// Sorted, without doubles.
    public var circles: [CircleID]
    public var position: Position?
    /// What they said with `helper on|off`.
    public var isOnDuty: Bool
    /// When they are on duty at all, by the home's clocks. Empty: always.
    public var hours: [HourWindow]
    /// How many alerts they hold now that keep them from another: not tests, and not less severe ones.
    public var holding: Int

    public init(
        person: PersonID, role: Role, circles: [CircleID], position: Position?, isOnDuty: Bool,
        hours: [HourWindow], holding: Int
    ) {
        self.person = person
        self.role = role
        self.circles = circles
        self.position = position
        self.isOnDuty = isOnDuty
        self.hours = hours
        self.holding = holding
    }

    public func isOnDuty(at now: Instant, zone: Zone) -> Bool {
        // Hours that cannot be told (the zone table ends) keep nobody from being asked: consent decides
        // whether a word is said, duty only whom it is said to first.
        isOnDuty && (hours.isEmpty || zone.local(now).map { local in hours.contains { $0.contains(local) } } ?? true)
    }
}

/// Whom a step would ask, best first: on duty, then nearest, then those who hold least, then by name.
///
/// - Parameters:
///   - permits: what the citizen's consent says of telling this responder; not asked of coordinators, who
///     may always learn that an alert is unanswered.
///   - holdingMax: a helper who holds that many alerts already is not asked.
public func candidates(
    for step: Step, homeCircle: CircleID?, homePosition: Position?, zone: Zone, responders: [Responder],
    now: Instant, holdingMax: Int = 1, permits: (Responder) -> Bool
) -> [PersonID] {
    struct Ranked {
        var person: PersonID
        var onDuty: Bool
        var metres: Double
        var holding: Int
    }
    var ranked: [Ranked] = []
    for responder in responders {
        let onDuty = responder.isOnDuty(at: now, zone: zone)
        switch step.who {
        case .coordinators: guard responder.role == .coordinator else { continue }
        case .ownCircle:
            guard responder.role == .helper, let homeCircle, responder.circles.contains(homeCircle) else { continue }
        case .everyonePermitted: guard responder.role == .helper else { continue }
        }
        if step.onDutyOnly && !onDuty { continue }
        if responder.role == .helper {
            guard responder.holding < holdingMax, permits(responder) else { continue }
        }
        let metres: Double
        if let a = responder.position, let b = homePosition { metres = a.metres(to: b) } else { metres = .infinity }
        ranked.append(Ranked(person: responder.person, onDuty: onDuty, metres: metres, holding: responder.holding))
    }
    ranked.sort { a, b in
        if a.onDuty != b.onDuty { return a.onDuty }
        if a.metres != b.metres { return a.metres < b.metres }
        if a.holding != b.holding { return a.holding < b.holding }
        return a.person < b.person
    }
    return ranked.map(\.person)
}
