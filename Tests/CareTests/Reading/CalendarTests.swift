import Care
import Testing

@Suite struct CalendarTests {
    @Test func `every day of eight centuries has its number, its weekday and its text`() throws {
        var day = try #require(Day(year: 1600, month: 1, day: 1))
        let end = try #require(Day(year: 2401, month: 1, day: 1))
        // 1 January 1600 was a Saturday in the Gregorian calendar.
        var weekday = try #require(Weekday.allCases.firstIndex(of: .saturday))
        var days = 0
        while day < end {
            let civil = day.civil
            guard Day(year: civil.year, month: civil.month, day: civil.day) == day, Day(iso: day.iso) == day, day.weekday == Weekday.allCases[weekday]
            else {
                Issue.record("\(day.iso) is not itself")
                return
            }
            day = Day(number: day.number + 1)
            weekday = (weekday + 1) % 7
            days += 1
        }
        #expect(days == 2 * 146_097 + 366)
        #expect(Day(number: 0).iso == "1970-01-01")
        #expect(Day(iso: "2026-11-21")?.inWords == "21 November 2026")
    }

    @Test(arguments: [(2026, 2, 29), (1900, 2, 29), (2026, 4, 31), (2026, 0, 1), (2026, 13, 1), (0, 1, 1), (10_000, 1, 1), (2026, 1, 0), (2026, 1, 32)])
    func `there is no such day`(year: Int, month: Int, day: Int) { #expect(Day(year: year, month: month, day: day) == nil) }

    @Test(arguments: ["2026-2-03", "26-02-03", "2026-02-30", "2026/02/03", "2026-02-03T", "", "-026-02-03"])
    func `only a whole day is read as one`(text: String) { #expect(Day(iso: text) == nil) }

    @Test func `minutes of the day`() {
        #expect(MinuteOfDay(clock: "07:30")?.minute == 450)
        #expect(MinuteOfDay(450)?.clock == "07:30")
        for text in ["7:30", "24:00", "12:60", "12", "-1:00", "1:000"] { #expect(MinuteOfDay(clock: text) == nil, "\(text)") }
        #expect(MinuteOfDay(1_440) == nil)
        #expect(MinuteOfDay(-1) == nil)
    }
}

/// London in 2026: summer time from 29 March, one o'clock UTC, to 25 October, one o'clock UTC.
@Suite struct ZoneTests {
    private let london = Zone(
        name: "Europe/London",
        transitions: [
            .init(at: Instant(iso: "2026-10-25T01:00:00Z") ?? .distantPast, offsetSeconds: 0),
            .init(at: Instant(iso: "2026-01-01T00:00:00Z") ?? .distantPast, offsetSeconds: 0),
            .init(at: Instant(iso: "2026-03-29T01:00:00Z") ?? .distantPast, offsetSeconds: 3_600),
        ], until: Instant(iso: "2027-01-01T00:00:00Z") ?? .distantFuture)

    private func shown(_ iso: String) throws -> String? {
        let instant = try #require(Instant(iso: iso))
        return london.local(instant)?.inWords
    }
    private func instant(_ day: String, _ clock: String) throws -> String? {
        let day = try #require(Day(iso: day))
        let minute = try #require(MinuteOfDay(clock: clock))
        return london.instant(day, minute)?.iso
    }

    @Test func `clocks jump forward and back`() throws {
        #expect(try shown("2026-03-29T00:59:59Z") == "29 March 2026, 00:59")
        #expect(try shown("2026-03-29T01:00:00Z") == "29 March 2026, 02:00")
        #expect(try shown("2026-10-25T00:59:59Z") == "25 October 2026, 01:59")
        #expect(try shown("2026-10-25T01:00:00Z") == "25 October 2026, 01:00")
        #expect(try shown("2026-06-30T23:30:00Z") == "1 July 2026, 00:30")
    }

    @Test func `a time of day that a change skips happens at the change`() throws {
        #expect(try instant("2026-03-29", "00:59") == "2026-03-29T00:59:00Z")
        #expect(try instant("2026-03-29", "01:00") == "2026-03-29T01:00:00Z")
        #expect(try instant("2026-03-29", "01:30") == "2026-03-29T01:00:00Z")
        #expect(try instant("2026-03-29", "02:00") == "2026-03-29T01:00:00Z")
        #expect(try instant("2026-03-29", "02:30") == "2026-03-29T01:30:00Z")
    }

    @Test func `a time of day that comes twice is the first of the two`() throws {
        #expect(try instant("2026-10-25", "01:00") == "2026-10-25T00:00:00Z")
        #expect(try instant("2026-10-25", "01:59") == "2026-10-25T00:59:00Z")
        #expect(try instant("2026-10-25", "02:00") == "2026-10-25T02:00:00Z")
    }

    /// What is not known is not guessed: consent that depends on hours then denies.
    @Test func `outside of its table a zone knows nothing`() throws {
        #expect(try shown("2025-12-31T23:59:59Z") == nil)
        #expect(try shown("2026-12-31T23:59:59Z") == "31 December 2026, 23:59")
        #expect(try shown("2027-01-01T00:00:00Z") == nil)
        #expect(try instant("2027-06-01", "12:00") == nil)
        #expect(try instant("2025-06-01", "12:00") == nil)
    }

    @Test func `what the clocks show leads back, except in the hour that comes twice`() throws {
        let seed = testSeed("ZoneTests", usual: 11)
        var random = SeededRandom(state: seed)
        let first = try #require(london.transitions.first?.at.milliseconds)
        let last = london.until.milliseconds
        let again = try #require(Instant(iso: "2026-10-25T01:00:00Z"))
        for _ in 0..<5_000 {
            let at = Instant(milliseconds: Int64.random(in: first..<last, using: &random) / 60_000 * 60_000)
            let local = try #require(london.local(at))
            let minute = try #require(MinuteOfDay(local.minuteOfDay))
            let back = try #require(london.instant(local.day, minute))
            let repeated = at >= again && at < again + .hours(1)
            #expect(back == (repeated ? at - .hours(1) : at), "CARING_SEED=\(seed), \(at.iso)")
        }
    }
}
