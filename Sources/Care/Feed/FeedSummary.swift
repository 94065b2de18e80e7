/// What was observed in an hour or a day, without the values themselves.
public struct FeedSummary: Hashable, Codable, Sendable {
    public var from: Instant
    /// Not included.
    public var to: Instant
    /// Counts up when something came late: of two for the same time the higher one holds.
    public var version: Int
    public var count: Int
    /// Of booleans the share that was true.
    public var mean: Double?
    public var min: Double?
    public var max: Double?
    public var first: Double?
    public var last: Double?
    /// There were more readings than are looked at: it is only about the first ones.
    public var isCut: Bool?

    public init(from: Instant, to: Instant, version: Int, count: Int) {
        self.from = from
        self.to = to
        self.version = version
        self.count = count
    }

    /// Whether it says anything else than that one.
    public func differs(from other: FeedSummary?) -> Bool {
        guard var other else { return count > 0 }
        other.version = version
        return self != other
    }
}

/// An hour or a day by the clocks of a home. The days on which clocks are changed have 23 and 25 hours.
public struct FeedPeriod: Hashable, Sendable {
    public var from: Instant
    public var to: Instant

    public init(from: Instant, to: Instant) {
        self.from = from
        self.to = to
    }

    /// The one that this instant lies in. Where the zone knows nothing of that time, UTC's.
    public static func containing(_ at: Instant, in zone: Zone, isHourly: Bool) -> FeedPeriod {
        guard let local = zone.local(at) else { return containing(at, in: .utc, isHourly: isHourly) }
        if isHourly {
            var from = at - Span(milliseconds: local.milliseconds % 3_600_000)
            var to = from + .hours(1)
            // Where clocks are changed within an hour, its parts are hours of their own.
            for transition in zone.transitions where transition.at > from && transition.at < to {
                if transition.at <= at { from = transition.at } else { to = transition.at }
            }
            return FeedPeriod(from: from, to: to)
        }
        let midnight = MinuteOfDay(0)
        let from = midnight.flatMap { zone.instant(local.day, $0) }
        let to = midnight.flatMap { zone.instant(Day(number: local.day.number + 1), $0) }
        let beginning = at - Span(milliseconds: local.milliseconds)
        if let from, let to, from <= at, at < to { return FeedPeriod(from: from, to: to) }
        // A midnight that the table does not know.
        return FeedPeriod(from: beginning, to: to.map { $0 > at ? $0 : beginning + .days(1) } ?? beginning + .days(1))
    }
}

/// Makes a summary of readings that come in any order.
public struct FeedFolding: Sendable {
    private let kind: Quantity.Kind
    private var count = 0
    private var sum = 0.0
    private var least = Double.infinity
    private var most = -Double.infinity
    private var first: (at: Instant, value: Double)?
    private var last: (at: Instant, value: Double)?

    public init(_ quantity: Quantity) { kind = quantity.kind }

    public mutating func take(at: Instant, _ value: Double) {
        // What no thing measures is left out: the sum of two such values would be no number, and could not be said.
        guard abs(value) < DayFolding.valueMax else { return }
        count += 1
        sum += value
        least = Swift.min(least, value)
        most = Swift.max(most, value)
        if first.map({ at < $0.at }) ?? true { first = (at, value) }
        if last.map({ at >= $0.at }) ?? true { last = (at, value) }
    }

    public func summary(_ period: FeedPeriod, version: Int) -> FeedSummary {
        var summary = FeedSummary(from: period.from, to: period.to, version: version, count: count)
        // An event is nothing but that it happened.
        guard count > 0, kind != .event else { return summary }
        summary.mean = sum / Double(count)
        (summary.first, summary.last) = (first?.value, last?.value)
        if kind == .number { (summary.min, summary.max) = (least, most) }
        return summary
    }
}
