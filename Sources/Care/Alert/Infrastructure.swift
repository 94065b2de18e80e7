/// What can go wrong with the gateway itself so that somebody has to look after it.
///
/// Such an alert is about nobody: it has no citizens, no consent is asked, and only coordinators are told of it.
public enum Trouble: String, CaseIterable, Sendable {
    /// The broker no longer knew the gateway's session, and with it what waited there.
    case sessionLost = "session-lost"
    /// A message was set aside because it could not be taken.
    case quarantine
    /// The database was damaged and a backup took its place.
    case restored

    public var rule: RuleID { RuleID(rawValue) }

    public var matter: Alert.Matter {
        Alert.Matter(
            rule: rule, kind: kind, say: say, category: .safety, purpose: .emergencyResponse, severity: .moderate,
            urgency: .expected, certainty: .observed, endsWhenOver: false, plan: Plan.infrastructure.name)
    }

    private var kind: String {
        switch self {
        case .sessionLost: "lost messages"
        case .quarantine: "message set aside"
        case .restored: "restored from a backup"
        }
    }

    private var say: String {
        switch self {
        case .sessionLost:
            "The broker has lost what waited for the gateway: something that devices said may be lost, alarms included. "
                + "Please ask in the homes about which you worry."
        case .quarantine:
            "A message from a device could not be taken and has been set aside. It may have been an alarm: please ask "
                + "whoever runs the gateway to look at \u{201C}caring device problems\u{201D}."
        case .restored:
            "The gateway's database was damaged, and it goes on from a backup. What was recorded after the backup is lost, and "
                + "whoever was added since has to be added again. Consent given or withdrawn since has been done again. Please ask "
                + "whoever runs the gateway to look at the damaged file, which is kept."
        }
    }
}

extension HomeID {
    /// Where alerts about the gateway itself stand. No home is ever called so (see `newName`).
    public static let gateway = HomeID("caring")
}

extension Alert {
    public var isInfrastructure: Bool { home == .gateway }
}

extension Plan {
    /// Coordinators, until one answers. A plan of the same name in `config/rules.yaml` takes its place.
    public static let infrastructure = Plan(
        name: "infrastructure", steps: [Step(who: .coordinators, onDutyOnly: false, atOnce: 8, wait: .minutes(30))],
        arriveWithin: .hours(24), resolveWithin: .hours(24))
}
