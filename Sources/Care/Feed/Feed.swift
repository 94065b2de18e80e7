/// What flows to a service about one person: a value as it came, or a summary of an hour or a day.
public struct FeedRow: Hashable, Sendable {
    public enum State: Int, Sendable {
        /// To be handed to the broker.
        case waiting = 0
        /// The broker has it.
        case sent = 1
        /// It might not be sent when it was to be; it can be fetched when it may.
        case held = 2
    }

    /// From a counter: what the service knows it by, and where a fetch goes on.
    public var n: Int64
    public var of: FeedGroup
    public var at: Instant
    /// When it was observed; of a summary, when its hour or day began.
    public var observedAt: Instant
    public var value: Double?
    public var summary: FeedSummary?
    public var purpose: Purpose
    /// The citizen's record that permitted it.
    public var record: ConsentID?
    /// The row that counts what was told of it that day.
    public var told: Int64
    public var state: State

    public init(
        n: Int64, of: FeedGroup, at: Instant, observedAt: Instant, value: Double?, summary: FeedSummary?, purpose: Purpose, record: ConsentID?, told: Int64,
        state: State = .waiting
    ) {
        self.n = n
        self.of = of
        self.at = at
        self.observedAt = observedAt
        self.value = value
        self.summary = summary
        self.purpose = purpose
        self.record = record
        self.told = told
        self.state = state
    }
}

/// What is decided in one go: rows of which all is the same that consent asks for.
public struct FeedGroup: Hashable, Sendable {
    public var service: PersonID
    public var citizen: PersonID
    public var quantity: Quantity
    /// `readings` or `summary`.
    public var detail: Detail
    /// The series that it was taken from, in order.
    public var sources: [SeriesID]
    /// Who else it was about; in order.
    public var others: [PersonID]

    /// All whom it is about; in order.
    public var people: [PersonID] { (others + [citizen]).sorted() }

    public init(service: PersonID, citizen: PersonID, quantity: Quantity, detail: Detail, sources: [SeriesID], others: [PersonID]) {
        self.service = service
        self.citizen = citizen
        self.quantity = quantity
        self.detail = detail
        self.sources = sources
        self.others = others
    }
}

/// One service and one citizen between whom something flows, or flowed until `endedAt`, which the service is still to be told.
public struct FeedStream: Hashable, Sendable, Comparable {
    public var service: PersonID
    public var citizen: PersonID
    public init(service: PersonID, citizen: PersonID) {
        self.service = service
        self.citizen = citizen
    }
    public static func < (a: Self, b: Self) -> Bool { (a.service, a.citizen) < (b.service, b.citizen) }
}

/// What was dropped because there was no more room, or because it was too old.
public struct FeedGap: Hashable, Sendable {
    public var rows: Int
    /// The last that was dropped: whoever has all until there misses nothing.
    public var upTo: Int64
    /// The last of those that the broker was never given; nil: it was given all.
    public var unsentUpTo: Int64?
    public var observedFrom: Instant
    public var observedUntil: Instant

    public init(rows: Int, upTo: Int64, unsentUpTo: Int64?, observedFrom: Instant, observedUntil: Instant) {
        self.rows = rows
        self.upTo = upTo
        self.unsentUpTo = unsentUpTo
        self.observedFrom = observedFrom
        self.observedUntil = observedUntil
    }
}

/// What one service was told of one quantity of one citizen on one day, because of one record: a disclosure that counts.
public struct FeedDay: Hashable, Sendable {
    public var id: Int64
    public var service: PersonID
    public var citizen: PersonID
    public var quantity: Quantity
    public var day: Day
    public var detail: Detail
    public var record: ConsentID?
    /// Counted in a figure over many, and given to nobody by itself.
    public var inFigure: Bool
    public var decision: DecisionID
    public var queued: Int
    public var sent: Int
    public var fetched: Int
    /// Rows that were sent or fetched, each counted once.
    public var given: Int
    public var firstAt: Instant
    public var lastAt: Instant

    public init(
        id: Int64, service: PersonID, citizen: PersonID, quantity: Quantity, day: Day, detail: Detail, record: ConsentID?, inFigure: Bool = false, decision: DecisionID, queued: Int, sent: Int,
        fetched: Int, given: Int = 0, firstAt: Instant, lastAt: Instant
    ) {
        self.id = id
        self.service = service
        self.citizen = citizen
        self.quantity = quantity
        self.day = day
        self.detail = detail
        self.record = record
        self.inFigure = inFigure
        self.decision = decision
        self.queued = queued
        self.sent = sent
        self.fetched = fetched
        self.given = given
        self.firstAt = firstAt
        self.lastAt = lastAt
    }
}

extension Purpose {
    /// Purposes for which something about one person may flow.
    public static let aboutOnePerson: [Purpose] = [.emergencyResponse, .dailySupport, .familyContact]
}

extension ConsentRecord {
    /// Whether it may permit a service to be given something outside of alerts, now or at another hour or day. It only tells where
    /// looking is worth while; what is permitted is decided by `decide`.
    public func mayFeed(_ service: Recipient, at now: Instant) -> Bool {
        effect == .permit && withdrawnAt == nil && until ?? .distantFuture > now && stage == nil && severity == nil && detail >= .summary
            && (purposes.isEmpty || purposes.contains(where: Purpose.aboutOnePerson.contains)) && recipients.contains { $0.matches(service) }
    }
}

extension ConsentHolder {
    /// The same without permits that do not hold now: of what has ended nothing more is given, not even of the time before.
    public func permitting(at now: Instant) -> ConsentHolder {
        var holder = self
        holder.records.removeAll { stored in
            guard case .record(let record) = stored, record.effect != .refuse else { return false }
            return record.from > now || record.until ?? .distantFuture <= now || record.withdrawnAt ?? .distantFuture <= now
        }
        return holder
    }

    /// The same without regard to hours: at another hour it may hold again, so nothing has ended.
    public func atAnyHour() -> ConsentHolder {
        var holder = self
        holder.records = records.compactMap { stored in
            guard case .record(var record) = stored, !record.hours.isEmpty else { return stored }
            if record.effect == .refuse { return nil }
            record.hours = []
            return .record(record)
        }
        return holder
    }
}
