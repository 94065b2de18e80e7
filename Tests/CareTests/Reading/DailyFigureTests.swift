import Care
import Testing

/// Figures of days, against a computation that knows no steps: over all readings at once.
@Suite struct DailyFigureTests {
    /// London, 2026: the clocks go forward on 29 March and back on 25 October.
    static let london = Zone(
        name: "Europe/London",
        transitions: [
            .init(at: Instant(milliseconds: 1_761_440_400_000), offsetSeconds: 0), .init(at: Instant(milliseconds: 1_774_746_000_000), offsetSeconds: 3_600),
            .init(at: Instant(milliseconds: 1_792_890_000_000), offsetSeconds: 0),
        ], until: .distantFuture)

    private func term(_ from: Instant = .distantPast, _ until: Instant = .distantFuture) -> KeepTerm {
        KeepTerm(from: from, until: until, readingsBefore: .distantFuture, figuresBefore: .distantPast)
    }

    @Test func `a day has 23 or 25 hours where the clocks are changed`() throws {
        let spring = try #require(Instant(iso: "2026-03-29T00:00:00Z"))
        let autumn = try #require(Instant(iso: "2026-10-24T23:00:00Z"))
        for (midnight, hours) in [(spring, 23), (autumn, 25)] as [(Instant, Int64)] {
            var folding = DailyFolding(kind: .boolean, zone: Self.london, term: term(), figures: [])
            var at = midnight - .hours(2)
            while at < midnight + .hours(30) {
                folding.take(1, at: at, next: at + .hours(1))
                at = at + .hours(1)
            }
            let day = try #require(folding.figures[midnight])
            #expect(day.lasted == .hours(hours) && day.count == hours && day.times == 0)
            #expect(folding.figures[midnight + .hours(hours)]?.day.number == day.day.number + 1)
        }
    }

    @Test func `a state lasts over midnight, and no longer than it is believed`() throws {
        let evening = try #require(Instant(iso: "2026-06-01T20:00:00Z"))
        var folding = DailyFolding(kind: .boolean, zone: Self.london, term: term(), figures: [])
        folding.take(1, at: evening, next: nil)
        let days = folding.figures.values.sorted { $0.from < $1.from }
        #expect(days.map(\.lasted) == [.hours(3), .hours(11)])
        #expect(days.map(\.count) == [1, 0] && days.map(\.times) == [1, 0])
        #expect(days[0].upTo == evening && days[1].upTo == nil)
    }

    @Test func `a late reading counts, and time that was counted is not counted again`() throws {
        let noon = try #require(Instant(iso: "2026-06-01T12:00:00Z"))
        var folding = DailyFolding(kind: .boolean, zone: Self.london, term: term(), figures: [])
        folding.take(1, at: noon, next: noon + .hours(4))
        folding.take(0, at: noon + .hours(4), next: nil)
        #expect(folding.isMade(noon + .hours(1)) && !folding.isMade(noon + .hours(5)))
        folding.takeLate(1, at: noon + .hours(1))
        let figure = try #require(folding.figures.values.first)
        #expect(figure.count == 3 && figure.lasted == .hours(4) && figure.sum == 2 && figure.first == 1 && figure.last == 0 && figure.firstAt == noon)
    }

    @Test func `where two had it on one day, each has their own part`() throws {
        let noon = try #require(Instant(iso: "2026-06-01T12:00:00Z"))
        var first = DailyFolding(kind: .number, zone: Self.london, term: term(.distantPast, noon), figures: [])
        first.take(5, at: noon - .hours(1), next: noon + .hours(1))
        var second = DailyFolding(kind: .number, zone: Self.london, term: term(noon), figures: [])
        second.take(7, at: noon + .hours(1), next: nil)
        #expect(first.figures.values.map(\.sum) == [5] && second.figures.values.map(\.sum) == [7])
        #expect(second.figures.values.first?.from == noon && first.figures.values.first?.day == second.figures.values.first?.day)
    }

    // MARK: Terms

    private let bounds = KeepBounds(usual: KeepSetting(days: 90, then: .erase), leastDays: 7, mostDays: 1_000)
    private let now = Instant(milliseconds: 1_790_000_000_000)

    @Test func `of what several share the strictest decides, and only for the time in which they shared it`() {
        let settings: [PersonID: KeepSetting] = ["ada": KeepSetting(days: 30, then: .daily), "ben": KeepSetting(days: 60, then: .erase)]
        let (shared, alone) = (now - .days(100), now - .days(200))
        let terms = KeepTerm.terms(
            claims: [("ada", alone, .distantFuture), ("ben", shared, now - .days(50)), ("ada", shared, now)], bounds: bounds, zone: .utc, now: now
        ) { settings[$0] ?? bounds.usual }
        #expect(terms.map(\.from) == [.distantPast, alone, shared, now - .days(50)])
        #expect(terms.last?.until == .distantFuture)
        let day = Instant(milliseconds: (now - .days(30)).milliseconds / 86_400_000 * 86_400_000)
        #expect(terms.map(\.readingsBefore) == [now - .days(90), day, day, day])
        #expect(terms.map(\.figuresBefore) == [now - .days(90), now - .days(1_000), now - .days(60), now - .days(1_000)])
    }

    @Test func `bounds hold also for what was chosen before they were narrower`() {
        #expect(bounds.within(KeepSetting(days: 3, then: .daily)) == KeepSetting(days: 7, then: .daily))
        #expect(bounds.within(KeepSetting(days: 5_000, then: .erase)).days == 1_000)
    }
}
