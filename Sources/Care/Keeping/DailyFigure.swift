/// What stays of one series' readings of one day, or of the part of it that was about the same people.
public struct DailyFigure: Hashable, Sendable {
    /// Readings of one series in one day: more cannot be, at one in each tenth of a millisecond.
    public static let countMax: Int64 = 1_000_000_000

    /// Where the day begins by the clocks of the home, or the part of it.
    public var from: Instant
    public var day: Day
    /// Readings that it was made from. 0: only a state that was true from the day before lasted into this one.
    public var count: Int64 = 0
    public var sum = 0.0
    public var least = 0.0
    public var most = 0.0
    public var first = 0.0
    public var last = 0.0
    public var firstAt: Instant?
    public var lastAt: Instant?
    /// Everything of this day up to then has been taken in, in the order in which it was observed.
    public var upTo: Instant?
    /// Until when a state has been counted as true: what is told late does not count twice.
    public var trueUntil: Instant?
    /// How long a state was true.
    public var lasted = Span.zero
    /// How often it happened, or turned true.
    public var times: Int64 = 0

    public init(from: Instant, day: Day) {
        self.from = from
        self.day = day
    }

    public var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// One more reading, in any order.
    public mutating func take(_ value: Double, at: Instant) {
        least = count == 0 ? value : min(least, value)
        most = count == 0 ? value : max(most, value)
        if firstAt.map({ at < $0 }) ?? true { (first, firstAt) = (value, at) }
        if lastAt.map({ at >= $0 }) ?? true { (last, lastAt) = (value, at) }
        count += 1
        sum += value
    }
}

/// Makes readings of one series into figures of days, each reading once: those that follow each other in the order in which
/// they were observed, and late ones for days that have been made already.
public struct DailyFolding: Sendable {
    private let kind: Quantity.Kind
    private let zone: Zone
    private let term: KeepTerm
    /// Figures that there were, and those that were made; by their beginning.
    public private(set) var figures: [Instant: DailyFigure]
    /// Whose figures have to be written.
    public private(set) var changed: Set<Instant> = []
    /// What there was, in order of time: when each first began, and how each ended.
    private let firsts: [Instant]
    private let lasts: [(at: Instant, value: Double)]
    private var previous: (at: Instant, value: Double)?
    /// The day that was looked at last: nearly every reading is of it.
    private var place: (from: Instant, until: Instant, day: Day)?

    /// - Parameter figures: all that there are of this series and these people around the readings that will come, at least
    ///   of the days before and after them.
    public init(kind: Quantity.Kind, zone: Zone, term: KeepTerm, figures: [DailyFigure]) {
        self.kind = kind
        self.zone = zone
        self.term = term
        self.figures = Dictionary(figures.map { ($0.from, $0) }, uniquingKeysWith: { a, _ in a })
        firsts = figures.compactMap(\.firstAt).sorted()
        lasts = figures.compactMap { figure in figure.lastAt.map { ($0, figure.last) } }.sorted { $0.0 < $1.0 }
    }

    /// Whether readings of this time have been taken in already: one more is late, or told before.
    public mutating func isMade(_ at: Instant) -> Bool {
        let place = find(at)
        if let upTo = figures[place.from]?.upTo { return at <= upTo }
        // Of a day that has become longer since, because it turned out to have been theirs from an earlier time on.
        return figures.values.contains { $0.day == place.day && $0.from <= at && ($0.upTo.map { at <= $0 } ?? false) }
    }

    /// - Parameter next: when the state was said anew; nil: never since.
    ///
    /// What no thing measures (`DayFolding.valueMax` and beyond) is in no figure: with two such values a mean would be no number.
    public mutating func take(_ value: Double, at: Instant, next: Instant?) {
        guard abs(value) < DayFolding.valueMax else { return }
        let before = kind == .boolean ? last(before: at) : nil
        let (kind, isTrue) = (self.kind, value != 0)
        change(at) { figure in
            figure.take(value, at: at)
            figure.upTo = max(figure.upTo ?? at, at)
            if kind == .event || kind == .boolean && isTrue && (before ?? 0) == 0 { figure.times += 1 }
        }
        previous = (at, value)
        guard kind == .boolean, isTrue else { return }
        // A sensor that is not heard of again may have gone; and what was made into figures before has its own.
        var end = min(at + DayFolding.stateMax, term.until)
        if let next { end = min(end, next) }
        if let first = firsts.first(where: { $0 > at }) { end = min(end, first) }
        var from = at
        while from < end {
            let day = find(from)
            let until = min(end, max(day.until, from + Span(milliseconds: 1)))
            change(from) { figure in
                let counted = min(max(from, figure.trueUntil ?? from), until)
                figure.lasted = figure.lasted + (until - counted)
                figure.trueUntil = max(figure.trueUntil ?? until, until)
            }
            from = until
        }
    }

    /// One that came when its day had been made: it counts, but how long a state lasted is not known anew.
    public mutating func takeLate(_ value: Double, at: Instant) {
        guard abs(value) < DayFolding.valueMax else { return }
        let kind = self.kind
        change(at) { figure in
            figure.take(value, at: at)
            if kind == .event { figure.times += 1 }
        }
    }

    /// The value before this instant, of the same people.
    private func last(before at: Instant) -> Double? {
        var (low, high) = (0, lasts.count)
        while low < high {
            let middle = (low + high) / 2
            if lasts[middle].at <= at { low = middle + 1 } else { high = middle }
        }
        let known = low > 0 ? lasts[low - 1] : nil
        if let previous, previous.at <= at, previous.at >= known?.at ?? .distantPast { return previous.value }
        return known?.value
    }

    private mutating func change(_ at: Instant, _ body: (inout DailyFigure) -> Void) {
        let place = find(at)
        body(&figures[place.from, default: DailyFigure(from: place.from, day: place.day)])
        changed.insert(place.from)
    }

    private mutating func find(_ at: Instant) -> (from: Instant, until: Instant, day: Day) {
        if let place, place.from <= at, at < place.until { return place }
        // Outside of what is known of the zone by the clocks of Greenwich.
        let day = zone.local(at)?.day ?? Day(number: at.milliseconds / 86_400_000 - (at.milliseconds % 86_400_000 < 0 ? 1 : 0))
        func midnight(_ day: Day) -> Instant { MinuteOfDay(0).flatMap { zone.instant(day, $0) } ?? Instant(milliseconds: day.number * 86_400_000) }
        let found = (from: max(midnight(day), term.from), until: min(midnight(Day(number: day.number + 1)), term.until), day: day)
        place = found
        return found
    }
}
