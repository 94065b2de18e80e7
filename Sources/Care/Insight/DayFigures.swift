/// What one home's days looked like, counted from readings: no judgement, only figures that a person can be shown.
///
/// A day runs from midnight to midnight by the home's clocks; a *night* belongs to the day on which it ends and runs from six in the
/// evening until six in the evening.
public struct DayFigures: Hashable, Sendable {
    /// Of the quantities that are numbers.
    public struct Numbers: Hashable, Sendable {
        public var count = 0
        public var sum = 0.0
        public var least = Double.infinity
        public var most = -Double.infinity
        public var last = 0.0
        public var mean: Double { count == 0 ? 0 : sum / Double(count) }

        public mutating func take(_ value: Double) {
            count += 1
            sum += value
            least = Swift.min(least, value)
            most = Swift.max(most, value)
            last = value
        }

        mutating func take(_ figure: DailyFigure) {
            count += Int(figure.count)
            sum += figure.sum
            least = Swift.min(least, figure.least)
            most = Swift.max(most, figure.most)
            last = figure.last
        }
    }

    public var day: Day
    /// Quarters of an hour in which something showed that somebody was up and about: bit 0 is 00:00 to 00:15.
    private var active: (UInt64, UInt64) = (0, 0)
    /// Minute of the day of the first such sign at or after four in the morning, and of the last of the day.
    public var firstUp: Int?
    public var lastUp: Int?
    public var numbers: [Quantity: Numbers] = [:]
    /// How often it happened, or turned true.
    public var times: [Quantity: Int] = [:]
    /// How long it was true; of a night, see above. Only of what is a state of a person: in bed, asleep.
    public var lasted: [Quantity: Span] = [:]
    /// Only the figures of the day are kept of something that shows who is up and about: when is not known any more.
    public var isActivityUnknown = false
    /// The same of how the night went.
    public var isNightUnknown = false

    public init(day: Day) { self.day = day }

    public var activeQuarters: Int { active.0.nonzeroBitCount + active.1.nonzeroBitCount }

    /// Quarters of an hour between midnight and five in which somebody was about.
    public var nightQuarters: Int { (active.0 & ((1 << 20) - 1)).nonzeroBitCount }

    /// Whether the hour had any sign of life; 0 … 23.
    public func isActive(hour: Int) -> Bool { (0..<4).contains { isActive(quarter: hour * 4 + $0) } }

    private func isActive(quarter: Int) -> Bool {
        quarter < 64 ? active.0 & (1 << UInt64(quarter)) != 0 : active.1 & (1 << UInt64(quarter - 64)) != 0
    }

    /// Nobody sleeps until five and gets up at two: what comes before four is the end of the day before, or a night's errand.
    public static let morningMinute = 4 * 60

    fileprivate mutating func showActivity(minute: Int) {
        let quarter = minute / 15
        if quarter < 64 { active.0 |= 1 << UInt64(quarter) } else if quarter < 96 { active.1 |= 1 << UInt64(quarter - 64) }
        if minute >= Self.morningMinute { firstUp = Swift.min(firstUp ?? minute, minute) }
        lastUp = Swift.max(lastUp ?? minute, minute)
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.day == b.day && a.active == b.active && a.firstUp == b.firstUp && a.lastUp == b.lastUp && a.numbers == b.numbers && a.times == b.times
            && a.lasted == b.lasted && a.isActivityUnknown == b.isActivityUnknown && a.isNightUnknown == b.isNightUnknown
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(day) }
}

/// Folds readings into days: one series after the other, each in order of time.
public struct DayFolding: Sendable {
    /// A state that nobody has confirmed or ended for so long is not counted on: a sensor may have gone.
    public static let stateMax: Span = .hours(14)
    private static let night: Span = .hours(6)
    /// In the unit of any quantity.
    public static let valueMax = 1e9

    private let zone: Zone
    public private(set) var days: [Day: DayFigures] = [:]
    /// The end of the time that is looked at: a state that is still true has lasted until then.
    private let until: Instant
    private var current: (quantity: Quantity, isTrue: Bool, since: Instant)?
    /// The last day of which only figures are kept, of anything.
    public private(set) var lastFigureDay: Day?

    public init(zone: Zone, until: Instant) {
        self.zone = zone
        self.until = until
    }

    /// Begins with the next series.
    public mutating func begin(_ quantity: Quantity) {
        finish()
        current = (quantity, false, until)
    }

    public mutating func take(at: Instant, _ value: Value) {
        // What no thing measures is left out: it could not be said in words.
        guard let before = current, abs(value.asNumber) < Self.valueMax, let local = zone.local(at) else { return }
        let quantity = before.quantity
        let isTrue = value.asNumber != 0
        switch quantity.kind {
        case .number: days[local.day, default: DayFigures(day: local.day)].numbers[quantity, default: .init()].take(value.asNumber)
        case .event:
            days[local.day, default: DayFigures(day: local.day)].times[quantity, default: 0] += 1
        case .boolean:
            if before.isTrue { last(quantity, from: before.since, to: at) }
            if isTrue && !before.isTrue { days[local.day, default: DayFigures(day: local.day)].times[quantity, default: 0] += 1 }
            current = (quantity, isTrue, at)
        }
        if isTrue, quantity.row.showsActivity { days[local.day, default: DayFigures(day: local.day)].showActivity(minute: local.minuteOfDay) }
    }

    /// What is kept of a day of the present series, before the readings that there still are of it.
    public mutating func take(_ figure: DailyFigure) {
        guard let before = current, figure.count > 0, abs(figure.sum) < Self.valueMax * Double(figure.count) else { return }
        let quantity = before.quantity
        lastFigureDay = max(lastFigureDay ?? figure.day, figure.day)
        var day = days[figure.day] ?? DayFigures(day: figure.day)
        switch quantity.kind {
        case .number: day.numbers[quantity, default: .init()].take(figure)
        case .event, .boolean:
            if figure.times > 0 { day.times[quantity, default: 0] += Int(figure.times) }
        }
        if quantity.row.showsActivity { day.isActivityUnknown = true }
        days[figure.day] = day
        guard quantity.kind == .boolean else { return }
        // Whether it was true when the next one came decides whether that one turned it true; how long it lasted is in the figures.
        current = (quantity, figure.last != 0, until)
        if quantity == Quantity("bed_occupied") || quantity == Quantity("sleeping") {
            // A night begins on the evening before.
            for number in [figure.day.number, figure.day.number + 1] { days[Day(number: number), default: DayFigures(day: Day(number: number))].isNightUnknown = true }
        }
    }

    /// After the last reading of the last series.
    public mutating func finish() {
        if let before = current, before.isTrue { last(before.quantity, from: before.since, to: until) }
        current = nil
    }

    /// - Returns: by day; days of which nothing is known are left out.
    public func inOrder() -> [DayFigures] { days.values.sorted { $0.day < $1.day } }

    private mutating func last(_ quantity: Quantity, from: Instant, to: Instant) {
        guard quantity == Quantity("bed_occupied") || quantity == Quantity("sleeping"), from < to else { return }
        let to = min(to, from + Self.stateMax)
        // A night is cut at six in the evening, so that an afternoon's sleep is not the night's.
        var from = from
        while from < to, let night = zone.local(from + Self.night)?.day {
            let next = MinuteOfDay(18 * 60).flatMap { zone.instant(night, $0) } ?? to
            let end = next > from ? min(next, to) : to
            days[night, default: DayFigures(day: night)].lasted[quantity, default: .zero] = (days[night]?.lasted[quantity] ?? .zero) + (end - from)
            from = end
        }
    }
}
