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
    public var name: String {
        switch self {
        case .nothing: "nothing"
        case .wellbeing: "wellbeing"
        case .alert: "alert"
        case .summary: "summary"
        case .readings: "readings"
        }
    }
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
    public var name: String {
        switch self {
        case .asked: "asked"
        case .accepted: "accepted"
        case .attending: "attending"
        }
    }
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

/// A citizen's permit or refusal: who, which data, for what purpose, how much detail, when, until when.
///
/// One reference to what it says: a decision looks at all of a citizen's records, and a copy of each of them with all
/// its lists cost more than deciding did (`scripts/bench consent`).
public struct ConsentRecord: Hashable, Codable, Sendable {
    public enum Effect: String, Codable, Sendable {
        case permit, refuse
        /// Decided beforehand: in an extreme alert the helpers of a circle may be told what happened although nothing
        /// else permits it, and name and address once they have accepted. It outweighs no refusal.
        case emergency
    }

    public var id: ConsentID {
        get { said.fields.id }
        set { change { $0.id = newValue } }
    }
    public var citizen: PersonID {
        get { said.fields.citizen }
        set { change { $0.citizen = newValue } }
    }
    public var effect: Effect {
        get { said.fields.effect }
        set { change { $0.effect = newValue } }
    }
    /// Matches when any of these does. Empty: matches nobody.
    public var recipients: [RecipientPattern] {
        get { said.fields.recipients }
        set { change { $0.recipients = newValue } }
    }
    /// Empty: every purpose.
    public var purposes: [Purpose] {
        get { said.fields.purposes }
        set { change { $0.purposes = newValue } }
    }
    /// Matches when any of these does. Empty: matches nothing.
    public var data: [DataPattern] {
        get { said.fields.data }
        set { change { $0.data = newValue } }
    }
    /// Of a permit, the most that may be told. Of a refusal, the least that is refused: refusing `readings`
    /// leaves a summary to whatever permits it, refusing `wellbeing` refuses all.
    public var detail: Detail {
        get { said.fields.detail }
        set { change { $0.detail = newValue } }
    }
    /// The stage of an alert from which the record holds, also in later stages. Nil: at every stage, and
    /// outside of alerts as well. A record with a stage says nothing outside of alerts.
    public var stage: Stage? {
        get { said.fields.stage }
        set { change { $0.stage = newValue } }
    }
    /// Holds only while an alert of at least this severity is open, and says nothing outside of alerts. Nil: always.
    public var severity: Severity? {
        get { said.fields.severity }
        set { change { $0.severity = newValue } }
    }
    /// Holds in any of these windows. Empty: at any hour.
    public var hours: [HourWindow] {
        get { said.fields.hours }
        set { change { $0.hours = newValue } }
    }
    /// From when on it holds; included.
    public var from: Instant {
        get { said.fields.from }
        set { change { $0.from = newValue } }
    }
    /// Until when it holds; not included. Nil: until withdrawn.
    public var until: Instant? {
        get { said.fields.until }
        set { change { $0.until = newValue } }
    }
    /// From this instant on it does not hold any more.
    public var withdrawnAt: Instant? {
        get { said.fields.withdrawnAt }
        set { change { $0.withdrawnAt = newValue } }
    }

    public init(
        id: ConsentID, citizen: PersonID, effect: Effect, recipients: [RecipientPattern], purposes: [Purpose],
        data: [DataPattern], detail: Detail, stage: Stage? = nil, severity: Severity? = nil, hours: [HourWindow] = [],
        from: Instant, until: Instant? = nil, withdrawnAt: Instant? = nil
    ) {
        self.init(
            Fields(
                id: id, citizen: citizen, effect: effect, recipients: recipients, purposes: purposes, data: data, detail: detail, stage: stage,
                severity: severity, hours: hours, from: from, until: until, withdrawnAt: withdrawnAt))
    }

    private struct Fields: Hashable, Codable, Sendable {
        var id: ConsentID
        var citizen: PersonID
        var effect: Effect
        var recipients: [RecipientPattern]
        var purposes: [Purpose]
        var data: [DataPattern]
        var detail: Detail
        var stage: Stage?
        var severity: Severity?
        var hours: [HourWindow]
        var from: Instant
        var until: Instant?
        var withdrawnAt: Instant?
    }

    /// Never changed: a record that is changed says something new.
    private final class Said: Sendable {
        let fields: Fields
        init(_ fields: Fields) { self.fields = fields }
    }

    /// What can be meant at all, in a few bytes that lie in the list of records itself.
    private struct Outline: Sendable {
        var from: Instant
        /// When it is over or withdrawn, whichever comes first; `distantFuture`: neither.
        var end: Instant
        var citizen: UInt32
        var purposes: UInt8
        var recipients: UInt8
        var data: UInt8

        init(_ fields: Fields) {
            from = fields.from
            end = min(fields.until ?? .distantFuture, fields.withdrawnAt ?? .distantFuture)
            purposes = fields.purposes.isEmpty ? .max : fields.purposes.reduce(0) { $0 | Bits.of($1) }
            recipients = fields.recipients.reduce(0) { $0 | Bits.of($1) }
            data = fields.data.reduce(0) { $0 | Bits.of($1) }
            citizen = ConsentRecord.fingerprint(fields.citizen)
        }
    }

    private var said: Said
    private var outline: Outline

    private mutating func change(_ body: (inout Fields) -> Void) {
        var fields = said.fields
        body(&fields)
        self = ConsentRecord(fields)
    }

    private init(_ fields: Fields) {
        said = Said(fields)
        outline = Outline(fields)
    }

    /// What is asked of every record of a citizen, so that a decision looks into those only that have something to say.
    struct Question {
        fileprivate var purpose: UInt8
        fileprivate var recipient: UInt8
        fileprivate var data: UInt8
        fileprivate var citizen: UInt32
        fileprivate var at: Instant

        init(_ request: ConsentRequest, of citizen: PersonID) {
            purpose = Bits.of(request.purpose)
            recipient = Bits.of(request.recipient.kind)
            data = Bits.of(request.data)
            at = request.at
            self.citizen = ConsentRecord.fingerprint(citizen)
        }
    }

    /// False: it is this citizen's and says nothing of that request. True: all of it has to be looked at.
    func mayMatter(to question: Question) -> Bool {
        outline.citizen != question.citizen
            || outline.purposes & question.purpose != 0 && outline.recipients & question.recipient != 0 && outline.data & question.data != 0
                && outline.from <= question.at && (outline.end > question.at || outline.end == .distantFuture)
    }

    /// Whether it is for this purpose; its outline says that fully.
    func isFor(_ purpose: Purpose) -> Bool { outline.purposes & Bits.of(purpose) != 0 }

    public static func == (a: ConsentRecord, b: ConsentRecord) -> Bool { a.said === b.said || a.said.fields == b.said.fields }
    public func hash(into hasher: inout Hasher) { hasher.combine(said.fields) }
    public init(from decoder: any Decoder) throws { self.init(try Fields(from: decoder)) }
    public func encode(to encoder: any Encoder) throws { try said.fields.encode(to: encoder) }

    /// FNV-1a (Fowler, Noll and Vo, 1991). Two names that share one would only have a record passed over that says nothing
    /// of the request.
    private static func fingerprint(_ citizen: PersonID) -> UInt32 {
        citizen.name.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }

    private enum Bits {
        static func of(_ purpose: Purpose) -> UInt8 {
            switch purpose {
            case .emergencyResponse: 1
            case .dailySupport: 2
            case .familyContact: 4
            case .servicePlanning: 8
            case .research: 16
            }
        }
        static func of(_ kind: Recipient.Kind) -> UInt8 {
            switch kind {
            case .helper: 1
            case .coordinator: 2
            case .service: 4
            }
        }
        static func of(_ pattern: RecipientPattern) -> UInt8 {
            switch pattern {
            case .helper, .anyHelper, .circle: of(.helper)
            case .coordinator, .anyCoordinator: of(.coordinator)
            case .service, .anyService: of(.service)
            case .anyone: .max
            }
        }
        static func of(_ category: Category) -> UInt8 {
            switch category {
            case .health: 1
            case .mindfulness: 2
            case .safety: 4
            case .security: 8
            case .family: 16
            }
        }
        private static let identity: UInt8 = 128
        static func of(_ pattern: DataPattern) -> UInt8 {
            switch pattern {
            case .everything, .device: ~identity
            case .category(let category): of(category)
            case .quantity(let quantity): of(quantity.category)
            case .identity: identity
            }
        }
        static func of(_ subject: DataSubject) -> UInt8 {
            switch subject {
            case .data(let category, let quantity, _): of(category) | (quantity.map { of($0.category) } ?? 0)
            case .identity: identity
            }
        }
    }
}

/// A record as it stands in the store: read, or there but not to be understood (written by a newer
/// version, damaged). What is not understood could be a refusal, so it denies.
public enum StoredConsent: Hashable, Sendable {
    case record(ConsentRecord)
    /// Apart from the list, which would otherwise be half as long again to look through.
    indirect case unreadable(ConsentID, citizen: PersonID, reason: String)

    public var id: ConsentID {
        switch self {
        case .record(let record): record.id
        case .unreadable(let id, _, _): id
        }
    }

    /// False: nothing of it bears on the question.
    func mayMatter(to question: ConsentRecord.Question) -> Bool {
        if case .record(let record) = self { record.mayMatter(to: question) } else { true }
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
        /// Only as one of several sees it whom it is about: it is not their record that denied it.
        case notAllPermit = "not-all-permit"
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
