/// What becomes of readings that have been kept for as long as they may.
public enum KeepAfter: String, Codable, Sendable, CaseIterable {
    /// Nothing of them stays.
    case erase
    /// Figures of each day stay for as long as the scheme allows.
    case daily
}

/// How long readings of one category are kept, and what happens then.
public struct KeepSetting: Hashable, Codable, Sendable {
    public var days: Int
    public var then: KeepAfter

    public init(days: Int, then: KeepAfter) {
        self.days = days
        self.then = then
    }
}

/// What the scheme allows for one category.
public struct KeepBounds: Hashable, Sendable {
    /// Where a citizen has said nothing.
    public var usual: KeepSetting
    public var leastDays: Int
    /// Readings are kept no longer than this, nor are their daily figures.
    public var mostDays: Int

    public init(usual: KeepSetting, leastDays: Int, mostDays: Int) {
        self.usual = usual
        self.leastDays = leastDays
        self.mostDays = mostDays
    }

    /// A setting from before the bounds were narrower is kept as near to as it may be.
    public func within(_ setting: KeepSetting) -> KeepSetting {
        KeepSetting(days: min(max(setting.days, leastDays), mostDays), then: setting.then)
    }
}

/// What a citizen decided for one category, or that they went back to what the scheme says.
public struct KeepChoice: Hashable, Sendable {
    public var id: Int64
    public var citizen: PersonID
    public var category: Category
    /// Nil: as the scheme says.
    public var setting: KeepSetting?
    public var at: Instant
    /// Who, in words.
    public var by: String

    public init(id: Int64, citizen: PersonID, category: Category, setting: KeepSetting?, at: Instant, by: String) {
        self.id = id
        self.citizen = citizen
        self.category = category
        self.setting = setting
        self.at = at
        self.by = by
    }
}

/// A time in which a series was about the same people, and how long what it said then is kept.
public struct KeepTerm: Hashable, Sendable {
    public var from: Instant
    /// Not included.
    public var until: Instant
    /// Readings from before this go: erased, or made into daily figures.
    public var readingsBefore: Instant
    /// From before this not even daily figures stay. Never later than `readingsBefore`.
    public var figuresBefore: Instant

    public init(from: Instant, until: Instant, readingsBefore: Instant, figuresBefore: Instant) {
        self.from = from
        self.until = until
        self.readingsBefore = readingsBefore
        self.figuresBefore = figuresBefore
    }

    /// All times, in order, each with what holds for those whose device it was then. Where it was several people's, the
    /// strictest of them decides: the shortest time for readings, and for daily figures the shortest after which somebody
    /// wants nothing to stay. Where it was nobody's the scheme decides.
    ///
    /// - Parameters:
    ///   - zone: whole days are made into figures, by these clocks.
    ///   - setting: what a citizen wants for this series' category, within the bounds.
    public static func terms(
        claims: [(citizen: PersonID, from: Instant, until: Instant)], bounds: KeepBounds, zone: Zone, now: Instant, setting: (PersonID) -> KeepSetting
    ) -> [KeepTerm] {
        let claims = claims.filter { $0.from < $0.until }
        var edges: Set<Instant> = [.distantPast, .distantFuture]
        for claim in claims {
            edges.insert(max(claim.from, .distantPast))
            edges.insert(min(claim.until, .distantFuture))
        }
        let ordered = edges.sorted()
        var terms: [KeepTerm] = []
        var before: Set<PersonID>?
        for (from, until) in zip(ordered, ordered.dropFirst()) {
            let people = Set(claims.filter { $0.from <= from && $0.until >= until }.map(\.citizen))
            if people == before, let last = terms.indices.last {
                terms[last].until = until
                continue
            }
            before = people
            let wanted = people.isEmpty ? [bounds.usual] : people.sorted().map(setting)
            var figures = now - .days(Int64(bounds.mostDays))
            for one in wanted where one.then == .erase { figures = max(figures, now - .days(Int64(one.days))) }
            let exact = now - .days(Int64(wanted.map(\.days).min() ?? bounds.usual.days))
            // A day is made into figures as a whole, when all of it is old enough.
            let day = figures >= exact ? nil : zone.local(exact).flatMap { local in MinuteOfDay(0).flatMap { zone.instant(local.day, $0) } }
            terms.append(KeepTerm(from: from, until: until, readingsBefore: day ?? exact, figuresBefore: min(figures, day ?? exact)))
        }
        return terms
    }
}
