/// A place with devices.
public struct Home: Hashable, Codable, Sendable {
    public var id: HomeID
    /// The circle that is asked first; nil: none.
    public var circle: CircleID?
    /// IANA name of the time zone whose clocks its people live by.
    public var zone: String
    /// Identity: told only where consent permits identity.
    public var address: String?
    /// Only ever used to rank helpers; told to nobody.
    public var position: Position?
    public var addedAt: Instant
    /// Those for whom every device that announces itself here is claimed, because they said so; sorted.
    public var claimsAnnouncedFor: [PersonID]?

    public init(
        id: HomeID, circle: CircleID?, zone: String, address: String?, position: Position?, addedAt: Instant
    ) {
        self.id = id
        self.circle = circle
        self.zone = zone
        self.address = address
        self.position = position
        self.addedAt = addedAt
    }
}

/// A named group of helpers, e.g. one street.
public struct Circle: Hashable, Codable, Sendable {
    public var id: CircleID
    /// For people: "Oak Street".
    public var title: String

    public init(id: CircleID, title: String) {
        self.id = id
        self.title = title
    }
}

/// Somebody, or an organisation, that the gateway knows by name.
public struct Person: Hashable, Codable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable { case citizen, helper, coordinator, service, delegate }

    public var id: PersonID
    public var kind: Kind
    /// For people: "Maria Lopez". A citizen's is identity.
    public var name: String
    /// A citizen's home.
    public var home: HomeID?
    /// The Unix user who may speak for them on this machine.
    public var uid: UInt32?
    /// A helper's; sorted, without doubles.
    public var circles: [CircleID]
    public var position: Position?
    public var isOnDuty: Bool
    public var hours: [HourWindow]
    /// Where a POST in ntfy's form reaches their phone.
    public var ntfy: String?
    public var addedAt: Instant

    public init(
        id: PersonID, kind: Kind, name: String, home: HomeID? = nil, uid: UInt32? = nil, circles: [CircleID] = [],
        position: Position? = nil, isOnDuty: Bool = true, hours: [HourWindow] = [], ntfy: String? = nil,
        addedAt: Instant
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.home = home
        self.uid = uid
        self.circles = circles
        self.position = position
        self.isOnDuty = isOnDuty
        self.hours = hours
        self.ntfy = ntfy
        self.addedAt = addedAt
    }

    /// Who they are to a consent record; nil for a citizen, who is told about others only as a helper, and for who
    /// is only a delegate.
    public var asRecipient: Recipient? {
        switch kind {
        case .citizen, .delegate: nil
        case .helper: Recipient(kind: .helper, person: id, circles: circles)
        case .coordinator: Recipient(kind: .coordinator, person: id)
        case .service: Recipient(kind: .service, person: id)
        }
    }
}

/// One thing that somebody has claimed. Before that it is only a topic and a count (`Stranger`).
public struct Device: Hashable, Codable, Sendable {
    public var id: DeviceID
    public var home: HomeID
    /// Its topic below `homes/<home>/`: `zigbee2mqtt/kitchen motion`.
    public var address: String
    public var convention: String
    /// How often it should be heard from; nil: not known, silence says nothing.
    public var expected: Span?
    /// Whose it is, sorted. Empty: released, nothing of it is stored.
    public var citizens: [PersonID]
    public var claimedAt: Instant
    /// Its convention said that it is off line; nil when it is not, or nothing was said.
    public var offlineSince: Instant?
    /// Availability topics that say no, sorted; with several of them `offlineSince` follows from how they count together.
    public var unavailable: [String]?
    /// What its convention knows it by whatever it is called: an IEEE address, a `unique_id`. Nil: the address, or not known.
    public var identity: String?
    /// What its people call it: "bathroom door". Nil: its address.
    public var title: String?
    /// Maker and model, as it says of itself.
    public var model: String?
    /// The address of what it is heard through.
    public var bridge: String?
    /// It was taken out of use: it is not shown, and what it says counts as nobody's.
    public var retiredAt: Instant?
    /// How often it speaks, learned from itself.
    public var rhythm: Rhythm?
    /// How far its clock is usually off.
    public var skew: Span?

    public init(
        id: DeviceID, home: HomeID, address: String, convention: String, expected: Span?, citizens: [PersonID],
        claimedAt: Instant
    ) {
        self.id = id
        self.home = home
        self.address = address
        self.convention = convention
        self.expected = expected
        self.citizens = citizens
        self.claimedAt = claimedAt
    }
}

/// One quantity of one device.
public struct Series: Hashable, Sendable {
    public var id: SeriesID
    public var device: DeviceID
    public var quantity: Quantity
    /// Empty unless the device has several of that quantity.
    public var channel: String
    /// When it was heard of for the first time.
    public var addedAt: Instant

    public init(id: SeriesID, device: DeviceID, quantity: Quantity, channel: String, addedAt: Instant) {
        self.addedAt = addedAt
        self.id = id
        self.device = device
        self.quantity = quantity
        self.channel = channel
    }
}

/// A device that nobody has claimed, or one of a home that nobody has added: all that is kept of it.
public struct Stranger: Hashable, Codable, Sendable {
    public var home: HomeID
    public var address: String
    public var convention: String
    public var messages: Int64
    public var firstSeenAt: Instant
    public var lastSeenAt: Instant

    public init(
        home: HomeID, address: String, convention: String, messages: Int64, firstSeenAt: Instant, lastSeenAt: Instant
    ) {
        self.home = home
        self.address = address
        self.convention = convention
        self.messages = messages
        self.firstSeenAt = firstSeenAt
        self.lastSeenAt = lastSeenAt
    }
}

/// One message to one person over one channel, from being queued to its outcome.
public struct Notice: Hashable, Codable, Sendable {
    public enum Channel: String, Codable, Sendable {
        /// Retained on `helpers/<person>/alerts/<alert>`: what their client shows. Sending it makes the topic say
        /// what is true at that moment, which may be nothing.
        case mqtt
        /// A POST in ntfy's form to the person's address: one sentence, which cannot be taken back.
        case http
        /// On `homes/<home>/caring/notices`: to the citizen.
        case home
    }
    public enum About: Hashable, Codable, Sendable {
        /// What this person's part in the alert is now: asked, accepted, attending or over.
        case part
        /// Something new happened to an alert that they hold.
        case news
        /// Their part is over.
        case over
        /// To the citizen.
        case citizen(CitizenNews, PersonID)
        case ended(Alert.Ending.How)
    }
    public enum State: String, Codable, Sendable {
        case queued
        /// An attempt is recorded and its outcome is not known yet.
        case attempted
        case sent, cancelled, failed
    }

    public var id: NoticeID
    public var alert: AlertID
    /// A helper or coordinator; of `home` notices nil.
    public var person: PersonID?
    public var home: HomeID
    public var channel: Channel
    public var about: About
    public var state: State
    public var attempts: Int
    public var queuedAt: Instant
    /// Not before then.
    public var nextAttemptAt: Instant
    /// The decision that let it be queued.
    public var decision: DecisionID?
    public var problem: String?

    public init(
        id: NoticeID, alert: AlertID, person: PersonID?, home: HomeID, channel: Channel, about: About,
        queuedAt: Instant, decision: DecisionID?
    ) {
        self.id = id
        self.alert = alert
        self.person = person
        self.home = home
        self.channel = channel
        self.about = about
        state = .queued
        attempts = 0
        self.queuedAt = queuedAt
        nextAttemptAt = queuedAt
        self.decision = decision
        problem = nil
    }
}

/// The fact that a recipient was told something, or was about to be.
public struct Disclosure: Hashable, Codable, Sendable {
    public enum State: String, Codable, Sendable { case queued, sent, cancelled, seen }
    public var at: Instant
    public var citizen: PersonID
    public var recipient: PersonID
    public var alert: AlertID?
    public var notice: NoticeID?
    public var decision: DecisionID?
    /// "safety", "heart_rate", "identity", "an alert is uncovered".
    public var data: String
    public var detail: Detail
    public var stage: Stage?
    public var state: State
    /// Nothing permitted it but what was decided beforehand for emergencies.
    public var isEmergency: Bool
    /// The mandate by which a delegate looked in the citizen's place, and what for.
    public var mandate: MandateID?
    public var purpose: Purpose?

    public init(
        at: Instant, citizen: PersonID, recipient: PersonID, alert: AlertID?, notice: NoticeID?,
        decision: DecisionID?, data: String, detail: Detail, stage: Stage?, state: State, isEmergency: Bool = false,
        mandate: MandateID? = nil, purpose: Purpose? = nil
    ) {
        self.at = at
        self.citizen = citizen
        self.recipient = recipient
        self.alert = alert
        self.notice = notice
        self.decision = decision
        self.data = data
        self.detail = detail
        self.stage = stage
        self.state = state
        self.isEmergency = isEmergency
        self.mandate = mandate
        self.purpose = purpose
    }
}

/// One sentence to a citizen that is no part of an alert's asking: that somebody learned something in an emergency, that
/// a consent ends soon, that somebody asks for one. It goes to `homes/<home>/caring/notices`.
public struct CitizenWord: Hashable, Codable, Sendable {
    /// From the same counter as notices.
    public var id: NoticeID
    public var home: HomeID
    public var at: Instant
    public var say: String
    public var alert: AlertID?
    public var consent: ConsentID?

    public init(id: NoticeID, home: HomeID, at: Instant, say: String, alert: AlertID?, consent: ConsentID?) {
        self.id = id
        self.home = home
        self.at = at
        self.say = say
        self.alert = alert
        self.consent = consent
    }
}
