/// Someone should come. A value; `AlertMachine.swift` says how it changes.
public struct Alert: Hashable, Codable, Sendable {
    /// What is the matter, copied from the rule when it was raised: a later change of the rule does not
    /// change what people were told.
    public struct Matter: Hashable, Codable, Sendable {
        public var rule: RuleID
        public var kind: String
        public var say: String
        public var category: Category
        public var purpose: Purpose
        public var severity: Severity
        public var urgency: Urgency
        public var certainty: Certainty
        public var endsWhenOver: Bool
        public var plan: String

        public init(
            rule: RuleID, kind: String, say: String, category: Category, purpose: Purpose, severity: Severity,
            urgency: Urgency, certainty: Certainty, endsWhenOver: Bool, plan: String
        ) {
            self.rule = rule
            self.kind = kind
            self.say = say
            self.category = category
            self.purpose = purpose
            self.severity = severity
            self.urgency = urgency
            self.certainty = certainty
            self.endsWhenOver = endsWhenOver
            self.plan = plan
        }

        public init(_ rule: Rule) {
            self.init(
                rule: rule.id, kind: rule.kind, say: rule.say, category: rule.category, purpose: rule.purpose,
                severity: rule.severity, urgency: rule.urgency, certainty: rule.certainty,
                endsWhenOver: rule.endsWhenOver, plan: rule.plan)
        }
    }

    /// What shows it: a series, a silent device, or (both nil) a home in which nobody was seen.
    public struct Source: Hashable, Codable, Sendable {
        public var series: SeriesID?
        public var device: DeviceID?

        public init(series: SeriesID?, device: DeviceID?) {
            self.series = series
            self.device = device
        }
    }

    /// Somebody who said that they come.
    public struct Holder: Hashable, Codable, Sendable {
        public var person: PersonID
        public var isAttending: Bool
        public var since: Instant
        /// To have arrived by then or, once there, to have resolved it.
        public var until: Instant
    }

    /// Where the asking stands.
    public struct Asking: Hashable, Codable, Sendable {
        /// Index into the plan's steps.
        public var step: Int
        /// When the present ones' time is over.
        public var until: Instant
        public var startedAt: Instant
    }

    public struct Ending: Hashable, Codable, Sendable {
        public enum How: String, Codable, Sendable {
            /// A helper or coordinator closed it.
            case resolved
            /// The citizen said that nobody needs to come.
            case cancelled
            /// The rule saw that it is over, and nobody was on the way.
            case over
            /// `replay` has no people; it ends what nobody could answer after a fixed time.
            case assumed
        }
        public var how: How
        public var at: Instant
        public var by: PersonID?
        public var note: String?

        public init(how: How, at: Instant, by: PersonID?, note: String?) {
            self.how = how
            self.at = at
            self.by = by
            self.note = note
        }
    }

    public var id: AlertID
    public var matter: Matter
    public var home: HomeID
    /// Those whom it is about, sorted: all of them must permit a word.
    public var citizens: [PersonID]
    /// The device and quantity that showed it; nil where it was no single one.
    public var device: DeviceID?
    public var quantity: Quantity?
    public var value: Double?
    public var raisedAt: Instant
    /// When it happened, as far as is known.
    public var since: Instant
    /// Set where the word of it was late, because it had waited at the broker: it happened at this instant at the earliest
    /// and at `since` at the latest. Both are the same where the device told the time.
    public var earliest: Instant?
    /// For an absence or a silence: the last sign there was.
    public var lastSeen: Instant?
    public var isTest: Bool
    /// Times it was seen, the first included.
    public var occurrences: Int
    public var lastOccurrenceAt: Instant

    /// Each series or device that shows it now: it is over when none does any more. In order of being seen.
    public var sources: [Source]
    /// Since when what was seen is over, while the alert itself is not.
    public var conditionOverAt: Instant?

    public var asking: Asking?
    public var holders: [Holder]
    /// In order of asking; at most one a person.
    public var offers: [Offer]
    public var ending: Ending?
    /// The last look found nobody to ask.
    public var isDark: Bool
    /// False while the only people asked are coordinators because no helper may be.
    public var hasAskedHelpers: Bool

    public init(
        id: AlertID, matter: Matter, home: HomeID, citizens: [PersonID], device: DeviceID?, quantity: Quantity?,
        value: Double?, raisedAt: Instant, since: Instant, lastSeen: Instant?, isTest: Bool
    ) {
        self.id = id
        self.matter = matter
        self.home = home
        self.citizens = citizens
        self.device = device
        self.quantity = quantity
        self.value = value
        self.raisedAt = raisedAt
        self.since = since
        self.lastSeen = lastSeen
        self.isTest = isTest
        sources = []
        conditionOverAt = nil
        occurrences = 1
        lastOccurrenceAt = raisedAt
        asking = nil
        holders = []
        offers = []
        ending = nil
        isDark = false
        hasAskedHelpers = false
    }

    public enum State: String, Codable, Sendable, CaseIterable {
        case raised, offered, accepted, attending, ended
    }

    public var state: State {
        if ending != nil { return .ended }
        if holders.contains(where: \.isAttending) { return .attending }
        if !holders.isEmpty { return .accepted }
        return offers.isEmpty ? .raised : .offered
    }

    public var isOpen: Bool { ending == nil }

    /// When to look at it again if nobody says anything: one row on disk.
    public var deadline: Instant? {
        guard ending == nil else { return nil }
        return ([asking?.until] + holders.map { $0.until }).compactMap { $0 }.min()
    }

    public func offer(to person: PersonID) -> Offer? { offers.first { $0.person == person } }
    public func holder(_ person: PersonID) -> Holder? { holders.first { $0.person == person } }

    /// How far this person has come, which is what consent by stage asks; nil when they have no part in it.
    public func stage(of person: PersonID) -> Stage? {
        guard isOpen else { return nil }
        if let holder = holder(person) { return holder.isAttending ? .attending : .accepted }
        return offer(to: person)?.state == .open ? .asked : nil
    }
}

/// One person asked to take one alert.
public struct Offer: Hashable, Codable, Sendable {
    public enum State: String, Codable, Sendable {
        case open, accepted, declined
        /// The time to answer, to arrive or to resolve ran out.
        case lapsed
        /// Somebody else goes, or the alert is over.
        case stoodDown = "stood-down"
        /// Consent ended.
        case retracted
        /// No channel reached them.
        case unreachable
    }
    public var id: OfferID
    public var person: PersonID
    public var role: Responder.Role
    public var step: Int
    public var askedAt: Instant
    public var answerBy: Instant
    /// How often they were asked; only coordinators are asked again for the same alert in the same round.
    public var times: Int
    public var state: State
    /// A new round began since: they may be asked once more.
    public var mayBeAskedAgain: Bool
}

/// What people answer to an offer.
public enum Answer: String, CaseIterable, Codable, Sendable {
    case accept, decline, arrive, resolve
}
