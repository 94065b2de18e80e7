/// What the recipient may learn at most, ordered: `nothing < wellbeing < alert < summary < readings`.
public enum Detail: Int, CaseIterable, Codable, Sendable, Comparable {
    case nothing = 0
    /// "All is well" or "please knock".
    case wellbeing = 1
    /// What kind of thing happened.
    case alert = 2
    /// Daily or hourly figures.
    case summary = 3
    /// Values.
    case readings = 4

    public static func < (a: Detail, b: Detail) -> Bool { a.rawValue < b.rawValue }
    public var name: String { "\(self)" }
    public init?(_ name: String) {
        guard let found = Detail.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let detail = Detail(name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no detail is called \(name)")
        }
        self = detail
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// What for. Names after the W3C Data Privacy Vocabulary's manner of naming purposes.
public enum Purpose: String, CaseIterable, Codable, Sendable, Comparable {
    case emergencyResponse = "emergency-response"
    case dailySupport = "daily-support"
    case familyContact = "family-contact"
    case servicePlanning = "service-planning"
    case research

    public static func < (a: Purpose, b: Purpose) -> Bool { a.rawValue < b.rawValue }
}

/// How far a helper has come in one alert.
public enum Stage: Int, CaseIterable, Codable, Sendable, Comparable {
    case asked = 0
    case accepted = 1
    case attending = 2

    public static func < (a: Stage, b: Stage) -> Bool { a.rawValue < b.rawValue }
    public var name: String { "\(self)" }
    public init?(_ name: String) {
        guard let found = Stage.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let stage = Stage(name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no stage is called \(name)")
        }
        self = stage
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// Whom a record speaks of. Text form: `helper:maria`, `circle:oak-street`, `service:clinic`,
/// `coordinator:carla`, and `helper:*` and so on for everyone of that kind.
public enum RecipientPattern: Hashable, Sendable {
    case helper(PersonID)
    case anyHelper
    /// Every helper who is in the circle at that moment.
    case circle(CircleID)
    case anyCoordinator
    case coordinator(PersonID)
    case anyService
    case service(PersonID)
    /// Everyone, of whatever kind: for refusals.
    case anyone
}

/// Who asks.
public struct Recipient: Hashable, Codable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable { case helper, coordinator, service }
    public var kind: Kind
    public var person: PersonID
    /// For a helper, the circles they are in now; sorted, without doubles.
    public var circles: [CircleID]

    public init(kind: Kind, person: PersonID, circles: [CircleID] = []) {
        self.kind = kind
        self.person = person
        self.circles = circles
    }
}

/// Which data a record speaks of.
///
/// Identity (name and address) is never meant by a category, a quantity, a device or `everything`; it has
/// to be named, because a person who shares "everything about my safety" has not shared their door.
public enum DataPattern: Hashable, Sendable {
    /// All readings and alerts of all categories, identity not included.
    case everything
    case category(Category)
    case quantity(Quantity)
    /// All quantities of one device.
    case device(DeviceID)
    /// Name and address.
    case identity
}

/// Which data a request is about.
public enum DataSubject: Hashable, Codable, Sendable {
    /// `quantity` nil: the category as a whole, as in "an alert of the category safety"; a record about one
    /// quantity then does not permit it, and a refusal about one quantity does not refuse it.
    /// `device` nil: not of one device.
    case data(category: Category, quantity: Quantity?, device: DeviceID?)
    case identity
}

/// Hours of the day on some weekdays, by the home's own clocks. `from` is included, `to` is not.
/// When `to` is not after `from` the window runs past midnight and belongs to the day on which it began.
public struct HourWindow: Hashable, Codable, Sendable {
    /// Empty means every day.
    public var days: [Weekday]
    public var from: MinuteOfDay
    /// Nil: until midnight.
    public var to: MinuteOfDay?

    public init(days: [Weekday], from: MinuteOfDay, to: MinuteOfDay?) {
        self.days = days
        self.from = from
        self.to = to
    }
}

/// A citizen's permit or refusal: who, which data, for what purpose, how much, when, until when.
public struct ConsentRecord: Hashable, Codable, Sendable {
    public enum Effect: String, Codable, Sendable {
        case permit, refuse
        /// Decided beforehand: in an extreme alert the helpers of a circle may be told what happened although nothing
        /// else permits it, and name and address once they have accepted. It outweighs no refusal.
        case emergency
    }

    public var id: ConsentID
    public var citizen: PersonID
    public var effect: Effect
    /// Matches when any of these does. Empty: matches nobody.
    public var recipients: [RecipientPattern]
    /// Empty: every purpose.
    public var purposes: [Purpose]
    /// Matches when any of these does. Empty: matches nothing.
    public var data: [DataPattern]
    /// Of a permit, the most that may be told. Of a refusal, the least that is refused: refusing `readings`
    /// leaves a summary to whatever permits it, refusing `wellbeing` refuses all.
    public var detail: Detail
    /// The stage of an alert from which the record holds, also in later stages. Nil: at every stage, and
    /// outside of alerts as well. A record with a stage says nothing outside of alerts.
    public var stage: Stage?
    /// Holds only while an alert of at least this severity is open, and says nothing outside of alerts. Nil: always.
    public var severity: Severity?
    /// Holds in any of these windows. Empty: at any hour.
    public var hours: [HourWindow]
    /// From when on it holds; included.
    public var from: Instant
    /// Until when it holds; not included. Nil: until withdrawn.
    public var until: Instant?
    /// From this instant on it does not hold any more.
    public var withdrawnAt: Instant?

    public init(
        id: ConsentID, citizen: PersonID, effect: Effect, recipients: [RecipientPattern], purposes: [Purpose],
        data: [DataPattern], detail: Detail, stage: Stage? = nil, severity: Severity? = nil, hours: [HourWindow] = [],
        from: Instant, until: Instant? = nil, withdrawnAt: Instant? = nil
    ) {
        self.id = id
        self.citizen = citizen
        self.effect = effect
        self.recipients = recipients
        self.purposes = purposes
        self.data = data
        self.detail = detail
        self.stage = stage
        self.severity = severity
        self.hours = hours
        self.from = from
        self.until = until
        self.withdrawnAt = withdrawnAt
    }
}

/// A record as it stands in the store: read, or there but not to be understood (written by a newer
/// version, damaged). What is not understood could be a refusal, so it denies.
public enum StoredConsent: Hashable, Sendable {
    case record(ConsentRecord)
    case unreadable(ConsentID, citizen: PersonID, reason: String)

    public var id: ConsentID {
        switch self {
        case .record(let record): record.id
        case .unreadable(let id, _, _): id
        }
    }

    /// Whether it is known to be what was decided beforehand for emergencies.
    public var isForEmergencies: Bool {
        if case .record(let record) = self { record.effect == .emergency } else { false }
    }
}

/// Somebody wants to know something about somebody.
public struct ConsentRequest: Hashable, Codable, Sendable {
    public var recipient: Recipient
    public var purpose: Purpose
    public var data: DataSubject
    /// The most that is asked for.
    public var detail: Detail
    /// Nil outside of alerts.
    public var stage: Stage?
    /// Of the open alert to which the request belongs; nil outside of alerts.
    public var severity: Severity?
    public var at: Instant

    public init(
        recipient: Recipient, purpose: Purpose, data: DataSubject, detail: Detail, stage: Stage?, severity: Severity? = nil,
        at: Instant
    ) {
        self.recipient = recipient
        self.purpose = purpose
        self.data = data
        self.detail = detail
        self.stage = stage
        self.severity = severity
        self.at = at
    }
}

/// One citizen whose permit a request needs, with all that decides it.
public struct ConsentHolder: Hashable, Sendable {
    public var citizen: PersonID
    /// Of the home they live in.
    public var zone: Zone
    /// All of their records, in order of id; withdrawn and expired ones included.
    public var records: [StoredConsent]

    public init(citizen: PersonID, zone: Zone, records: [StoredConsent]) {
        self.citizen = citizen
        self.zone = zone
        self.records = records
    }
}

/// What the records say of one request.
public struct Decision: Hashable, Codable, Sendable {
    public enum Reason: String, Codable, Sendable {
        case permitted
        /// Nothing permits it but what was decided beforehand for emergencies.
        case emergency
        /// Nothing permits it.
        case nothingPermits = "nothing-permits"
        case refused
        /// A record could not be understood or evaluated.
        case notEvaluated = "not-evaluated"
        /// The data belong to no citizen who could permit it.
        case nobodyToPermit = "nobody-to-permit"
    }

    /// What may be told; `nothing` is a denial. Never more than was asked for.
    public var detail: Detail
    public var reason: Reason
    /// The records that decided, in order of id: for a permit all that permit at least `detail` (for each
    /// citizen) and the refusals that lowered it; for a denial the refusals or the records not understood.
    public var decidedBy: [ConsentID]

    public var isPermitted: Bool { detail > .nothing }

    public init(detail: Detail, reason: Reason, decidedBy: [ConsentID]) {
        self.detail = detail
        self.reason = reason
        self.decidedBy = decidedBy
    }
}
