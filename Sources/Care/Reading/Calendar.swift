/// A day of the proleptic Gregorian calendar.
///
/// Conversions after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2014),
/// `days_from_civil` and `civil_from_days`.
public struct Day: Hashable, Comparable, Codable, Sendable {
    /// Days since 1970-01-01.
    public var number: Int64

    public init(number: Int64) { self.number = number }

    /// Nil when there is no such day, e.g. 30 February.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        let y = Int64(month <= 2 ? year - 1 : year)
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let shifted = Int64(month + (month > 2 ? -3 : 9))
        let dayOfYear = (153 * shifted + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        number = era * 146_097 + dayOfEra - 719_468
        let back = civil
        guard back.month == month, back.day == day else { return nil }
    }

    public var civil: (year: Int, month: Int, day: Int) {
        let z = number + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        let month = m < 10 ? m + 3 : m - 9
        return (
            Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), Int(month),
            Int(dayOfYear - (153 * m + 2) / 5 + 1)
        )
    }

    public var weekday: Weekday {
        let n = (number + 3) % 7  // 1970-01-01 was a Thursday.
        return Weekday.allCases[Int(n < 0 ? n + 7 : n)]
    }

    public static func < (a: Day, b: Day) -> Bool { a.number < b.number }

    /// `2026-11-21`
    public var iso: String {
        let c = civil
        return "\(pad(c.year, 4))-\(pad(c.month, 2))-\(pad(c.day, 2))"
    }

    /// `21 November 2026`
    public var inWords: String {
        let c = civil
        return "\(c.day) \(Self.monthNames[c.month - 1]) \(c.year)"
    }

    static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ]

    /// Reads `2026-11-21` only.
    public init?(iso text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            let y = digits(parts[0]), let m = digits(parts[1]), let d = digits(parts[2])
        else { return nil }
        self.init(year: y, month: m, day: d)
    }
}

public enum Weekday: String, CaseIterable, Codable, Sendable, Comparable {
    case monday, tuesday, wednesday, thursday, friday, saturday, sunday

    var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    public static func < (a: Weekday, b: Weekday) -> Bool { a.order < b.order }
}

/// Minutes since local midnight, 0 ..< 1440.
public struct MinuteOfDay: Hashable, Comparable, Codable, Sendable {
    public var minute: Int

    public init?(_ minute: Int) {
        guard (0..<1_440).contains(minute) else { return nil }
        self.minute = minute
    }

    /// Reads `07:30`.
    public init?(clock text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 2, parts[1].count == 2, let h = digits(parts[0]),
            let m = digits(parts[1]), (0..<24).contains(h), (0..<60).contains(m)
        else { return nil }
        minute = h * 60 + m
    }

    public var clock: String { "\(pad(minute / 60, 2)):\(pad(minute % 60, 2))" }
    public static func < (a: Self, b: Self) -> Bool { a.minute < b.minute }
}

/// What a clock and a calendar on the wall show.
public struct LocalTime: Hashable, Sendable {
    public var day: Day
    /// Milliseconds since local midnight.
    public var milliseconds: Int64

    public var minuteOfDay: Int { Int(milliseconds / 60_000) }
    public var weekday: Weekday { day.weekday }
    /// `03:07`
    public var clock: String { "\(pad(minuteOfDay / 60, 2)):\(pad(minuteOfDay % 60, 2))" }
    /// `03:07:45`
    public var clockWithSeconds: String { "\(clock):\(pad(Int(milliseconds / 1_000 % 60), 2))" }
    /// `21 November 2026, 03:07`
    public var inWords: String { "\(day.inWords), \(clock)" }
}

/// A time zone as a value: its offsets from UTC and the instants at which they begin.
///
/// The domain looks nothing up; whoever builds the world gives it the table (`Gateway` makes it from
/// the system's time-zone data). Outside `from ..< until` the table knows nothing and says so.
public struct Zone: Hashable, Codable, Sendable {
    public struct Transition: Hashable, Codable, Sendable {
        public var at: Instant
        /// Seconds east of UTC from `at` on.
        public var offsetSeconds: Int

        public init(at: Instant, offsetSeconds: Int) {
            self.at = at
            self.offsetSeconds = offsetSeconds
        }
    }

    /// The IANA name, e.g. `Europe/London`.
    public var name: String
    /// In order of time; the first one says where the table begins.
    public var transitions: [Transition]
    public var until: Instant

    public init(name: String, transitions: [Transition], until: Instant) {
        self.name = name
        self.transitions = transitions.sorted { $0.at < $1.at }
        self.until = until
    }

    public static let utc = Zone(
        name: "UTC", transitions: [.init(at: .distantPast, offsetSeconds: 0)], until: .distantFuture)

    /// Nil outside the table.
    public func offsetSeconds(at instant: Instant) -> Int? {
        guard instant < until, let first = transitions.first, instant >= first.at else { return nil }
        var (low, high) = (0, transitions.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if transitions[middle].at <= instant { low = middle } else { high = middle }
        }
        return transitions[low].offsetSeconds
    }

    /// Nil outside the table.
    public func local(_ instant: Instant) -> LocalTime? {
        guard let offset = offsetSeconds(at: instant) else { return nil }
        let shifted = instant.milliseconds + Int64(offset) * 1_000
        var day = shifted / 86_400_000
        if shifted % 86_400_000 < 0 { day -= 1 }
        return LocalTime(day: Day(number: day), milliseconds: shifted - day * 86_400_000)
    }

    /// The first instant at which this zone's clocks show `minute` on `day`. In the hour that a change to
    /// summer time skips, the instant of the change; in the hour that comes twice, the first of the two.
    public func instant(_ day: Day, _ minute: MinuteOfDay) -> Instant? {
        let wall = day.number * 86_400_000 + Int64(minute.minute) * 60_000
        var best: Instant?
        for (index, transition) in transitions.enumerated() {
            let end = index + 1 < transitions.count ? transitions[index + 1].at : until
            let candidate = Instant(milliseconds: wall - Int64(transition.offsetSeconds) * 1_000)
            if candidate < transition.at {
                // The clocks jumped over this time of day: it "happens" at the jump itself.
                let before = index > 0 ? transitions[index - 1].offsetSeconds : transition.offsetSeconds
                let old = Instant(milliseconds: wall - Int64(before) * 1_000)
                if index > 0, old >= transition.at { best = transition.at }
            } else if candidate < end {
                best = candidate
            }
            if best != nil { break }
        }
        return best
    }
}

/// Digits and nothing else: `Int` would read `+1` as well.
private func digits(_ text: some StringProtocol) -> Int? {
    text.utf8.allSatisfy { (48...57).contains($0) } ? Int(text) : nil
}

/// `n` in decimal with leading zeros to at least `width` digits.
func pad(_ n: Int, _ width: Int) -> String {
    let text = String(n)
    return text.count >= width ? text : String(repeating: "0", count: width - text.count) + text
}

extension Instant {
    /// RFC 3339 in UTC: `2026-11-21T03:07:05Z`, with milliseconds only where there are any.
    public var iso: String {
        var day = milliseconds / 86_400_000
        if milliseconds % 86_400_000 < 0 { day -= 1 }
        let ms = Int(milliseconds - day * 86_400_000)
        let fraction = ms % 1_000 == 0 ? "" : ".\(pad(ms % 1_000, 3))"
        return "\(Day(number: day).iso)T\(pad(ms / 3_600_000, 2)):\(pad(ms / 60_000 % 60, 2)):"
            + "\(pad(ms / 1_000 % 60, 2))\(fraction)Z"
    }

    /// Reads RFC 3339: `2026-11-21T03:07:05.250+01:00`, with `Z` or an offset, which is required:
    /// a time without zone could be an hour off, and guessing is worse than not knowing.
    public init?(iso text: some StringProtocol) {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= bytes.count else { return nil }
            var n = 0
            for b in bytes[start..<start + count] {
                guard b >= 48, b <= 57 else { return nil }
                n = n * 10 + Int(b - 48)
            }
            return n
        }
        guard bytes.count >= 20, bytes[4] == 45, bytes[7] == 45,
            bytes[10] == 84 || bytes[10] == 116 || bytes[10] == 32, bytes[13] == 58, bytes[16] == 58,
            let y = number(0, 4), let mo = number(5, 2), let d = number(8, 2), let h = number(11, 2),
            let mi = number(14, 2), let s = number(17, 2), h < 24, mi < 60, s < 61,
            let day = Day(year: y, month: mo, day: d)
        else { return nil }
        var at = 19
        var ms = 0
        if bytes[at] == 46 {
            at += 1
            var scale = 100
            let start = at
            while at < bytes.count, bytes[at] >= 48, bytes[at] <= 57 {
                ms += Int(bytes[at] - 48) * scale
                scale /= 10
                at += 1
            }
            guard at > start else { return nil }
        }
        guard at < bytes.count else { return nil }
        var offset = 0
        switch bytes[at] {
        case 90, 122: guard at + 1 == bytes.count else { return nil }
        case 43, 45:
            guard let oh = number(at + 1, 2), oh < 24 else { return nil }
            let hasColon = at + 3 < bytes.count && bytes[at + 3] == 58
            guard let om = number(at + (hasColon ? 4 : 3), 2), om < 60,
                at + (hasColon ? 6 : 5) == bytes.count
            else { return nil }
            offset = (oh * 60 + om) * (bytes[at] == 45 ? -1 : 1)
        default: return nil
        }
        let minutes = Int64(h * 60 + mi - offset)
        milliseconds = day.number * 86_400_000 + minutes * 60_000 + Int64(s) * 1_000 + Int64(ms)
    }
}
