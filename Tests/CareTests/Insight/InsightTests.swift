import Care
import Testing

/// Days, counted from readings; what is usual; bars for a terminal.
@Suite struct InsightTests {
    /// Greenwich time, to which the clocks go back on 25 October 2026 at 01:00 UTC.
    private let london = Zone(
        name: "Europe/London",
        transitions: [
            .init(at: Instant(iso: "2026-03-29T01:00:00Z") ?? .distantPast, offsetSeconds: 3_600),
            .init(at: Instant(iso: "2026-10-25T01:00:00Z") ?? .distantPast, offsetSeconds: 0),
        ], until: .distantFuture)

    private func at(_ text: String) throws -> Instant { try #require(Instant(iso: "2026-\(text):00Z")) }
    private func day(_ text: String) throws -> Day { try #require(Day(iso: "2026-\(text)")) }

    private func fold(_ series: [(Quantity, [(String, Double)])], until: String = "11-30T00:00") throws -> [DayFigures] {
        var folding = DayFolding(zone: london, until: try at(until))
        for (quantity, readings) in series {
            folding.begin(quantity)
            for (time, value) in readings { folding.take(at: try at(time), quantity.kind == .number ? .number(value) : .boolean(value != 0)) }
        }
        folding.finish()
        return folding.inOrder()
    }

    private let motion = Quantity("motion") ?? Quantity.all[0]
    private let bed = Quantity("bed_occupied") ?? Quantity.all[0]
    private let door = Quantity("opening") ?? Quantity.all[0]
    private let pulse = Quantity("heart_rate") ?? Quantity.all[0]

    @Test func `the first sign after four is getting up, and what comes before is the night's`() throws {
        let days = try fold([(motion, [("11-02T00:10", 1), ("11-02T03:59", 1), ("11-02T06:20", 0), ("11-02T06:31", 1), ("11-02T06:44", 1), ("11-02T21:59", 1)])])
        #expect(days.map(\.day) == [try day("11-02")])
        #expect(days[0].firstUp == 6 * 60 + 31)
        #expect(days[0].lastUp == 21 * 60 + 59)
        #expect(days[0].nightQuarters == 2)
        #expect(days[0].activeQuarters == 4)
        #expect((0..<24).filter { days[0].isActive(hour: $0) } == [0, 3, 6, 21])
    }

    @Test func `days are the home's own, also when its clocks change`() throws {
        // In summer London is an hour ahead: half past eleven in UTC is the next day.
        let days = try fold([(motion, [("10-24T22:59", 1), ("10-24T23:30", 1), ("10-25T23:30", 1)])])
        #expect(days.map(\.day) == [try day("10-24"), try day("10-25")])
        #expect(days[0].lastUp == 23 * 60 + 59)
        #expect(days[1].lastUp == 23 * 60 + 30)
    }

    @Test func `a night belongs to the day on which it ends, and an afternoon's sleep does not lengthen it`() throws {
        let days = try fold([(bed, [("11-02T22:00", 1), ("11-03T06:30", 0), ("11-03T17:30", 1), ("11-03T18:30", 0)])])
        #expect(days.first { $0.day == (try? day("11-03")) }?.lasted[bed] == .hours(8) + .minutes(30) + .minutes(30))
        #expect(days.first { $0.day == (try? day("11-04")) }?.lasted[bed] == .minutes(30))
    }

    @Test func `a bed that has not spoken since is not slept in for a week`() throws {
        let days = try fold([(bed, [("11-02T22:00", 1)])], until: "11-09T00:00")
        let slept = days.reduce(Span.zero) { $0 + ($1.lasted[bed] ?? .zero) }
        #expect(slept == DayFolding.stateMax)
    }

    @Test func `a state that is still true has lasted until now, and no longer`() throws {
        let days = try fold([(bed, [("11-02T22:00", 1)])], until: "11-02T23:15")
        #expect(days.first { $0.day == (try? day("11-03")) }?.lasted[bed] == .minutes(75))
    }

    @Test func `doors count when they open, and numbers are summed up`() throws {
        let days = try fold([
            (door, [("11-02T08:00", 1), ("11-02T08:01", 1), ("11-02T08:02", 0), ("11-02T09:00", 1)]),
            (pulse, [("11-02T08:00", 60), ("11-02T09:00", 90), ("11-02T10:00", 75)]),
        ])
        #expect(days[0].times[door] == 2)
        let beats = try #require(days[0].numbers[pulse])
        #expect((beats.count, beats.mean, beats.least, beats.most, beats.last) == (3, 75, 60, 90, 75))
        // What is true at the end of one series is not true of the next.
        #expect(days[0].lasted.isEmpty)
    }

    @Test func `what no thing measures is left out`() throws {
        let days = try fold([(pulse, [("11-02T08:00", 60), ("11-02T09:00", 1e300), ("11-02T10:00", -1e18)])])
        #expect(days[0].numbers[pulse]?.count == 1)
    }

    @Test func `one strange day does not move what is usual`() throws {
        let usual = try #require(Usual([430, 425, 440, 435, 428, 432, 900]))
        #expect(usual.middle == 432)
        #expect(usual.compare(437, least: 10) == .asUsual)
        #expect(usual.compare(520, least: 10) == .more)
        #expect(usual.compare(300, least: 10) == .less)
        #expect(usual.compare(300, least: 200) == .asUsual)
        #expect(Usual([1, 2, 3, 4, 5, 6]) == nil)
        #expect(Usual.median([]) == 0)
        #expect(Usual.median([4, 1, 3, 2]) == 2.5)
    }

    @Test func `bars have eight heights, and a gap where nothing is known`() {
        #expect(plot([0, 1, nil, 7]) == "▁▂·█")
        #expect(plot([5, 5]) == "▄▄")
        #expect(plot([nil, nil]) == "")
        #expect(plot([1, .infinity, 2, .nan, 1.7e308, -1.7e308]) == "▁·█···")
    }
}
