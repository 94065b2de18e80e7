/// A point in time: whole milliseconds since 1970-01-01T00:00:00 UTC, leap seconds not counted.
///
/// The domain never asks what time it is; every `Instant` comes in as a value.
public struct Instant: Hashable, Comparable, Codable, Sendable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static let distantPast = Instant(milliseconds: -62_135_596_800_000)  // 0001-01-01
    public static let distantFuture = Instant(milliseconds: 253_402_300_799_999)  // 9999-12-31

    public static func < (a: Instant, b: Instant) -> Bool { a.milliseconds < b.milliseconds }
    public static func + (a: Instant, b: Span) -> Instant {
        let (sum, overflow) = a.milliseconds.addingReportingOverflow(b.milliseconds)
        if overflow { return b.milliseconds > 0 ? .distantFuture : .distantPast }
        return Instant(milliseconds: sum)
    }
    public static func - (a: Instant, b: Span) -> Instant { a + Span(milliseconds: -b.milliseconds) }
    public static func - (a: Instant, b: Instant) -> Span {
        Span(milliseconds: a.milliseconds - b.milliseconds)
    }

    public init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

/// A length of time in whole milliseconds; negative when it points backwards.
public struct Span: Hashable, Comparable, Codable, Sendable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static let zero = Span(milliseconds: 0)
    public static func milliseconds(_ n: Int64) -> Span { Span(milliseconds: n) }
    public static func seconds(_ n: Int64) -> Span { Span(milliseconds: n * 1_000) }
    public static func minutes(_ n: Int64) -> Span { Span(milliseconds: n * 60_000) }
    public static func hours(_ n: Int64) -> Span { Span(milliseconds: n * 3_600_000) }
    public static func days(_ n: Int64) -> Span { Span(milliseconds: n * 86_400_000) }

    public static func < (a: Span, b: Span) -> Bool { a.milliseconds < b.milliseconds }
    public static func + (a: Span, b: Span) -> Span { Span(milliseconds: a.milliseconds + b.milliseconds) }
    public static func - (a: Span, b: Span) -> Span { Span(milliseconds: a.milliseconds - b.milliseconds) }
    public static func * (a: Span, n: Int64) -> Span { Span(milliseconds: a.milliseconds * n) }

    /// Whole seconds, rounded up: what MQTT's message expiry wants, which must not end early.
    public var secondsRoundedUp: Int64 { (milliseconds + 999) / 1_000 }

    /// Reads `500ms`, `90s`, `2m`, `12h`, `30d`, and sums of them such as `1h30m`.
    /// Nothing else: a bare number has no unit, so it is refused.
    public init?(_ text: some StringProtocol) {
        var total: Int64 = 0
        var number: Int64?
        var any = false
        var rest = Substring(text)
        while let c = rest.first {
            if let digit = c.isASCII ? c.wholeNumberValue : nil {
                let (tens, o1) = (number ?? 0).multipliedReportingOverflow(by: 10)
                let (next, o2) = tens.addingReportingOverflow(Int64(digit))
                guard !o1, !o2 else { return nil }
                number = next
                rest.removeFirst()
                continue
            }
            guard let n = number else { return nil }
            let unit: Int64
            if rest.hasPrefix("ms") {
                unit = 1
                rest.removeFirst(2)
            } else {
                switch c {
                case "s": unit = 1_000
                case "m": unit = 60_000
                case "h": unit = 3_600_000
                case "d": unit = 86_400_000
                default: return nil
                }
                rest.removeFirst()
            }
            let (part, o1) = n.multipliedReportingOverflow(by: unit)
            let (sum, o2) = total.addingReportingOverflow(part)
            guard !o1, !o2, sum <= 3_155_760_000_000 else { return nil }  // A hundred years are enough.
            total = sum
            number = nil
            any = true
        }
        guard any, number == nil else { return nil }
        milliseconds = total
    }

    /// For people: "45 seconds", "2 minutes", "3 hours", "5 days"; the largest unit that loses little.
    public var inWords: String {
        func say(_ n: Int64, _ unit: String) -> String { "\(n) \(unit)\(n == 1 ? "" : "s")" }
        let s = (abs(milliseconds) + 500) / 1_000
        switch s {
        case ..<90: return say(s, "second")
        case ..<5_400: return say((s + 30) / 60, "minute")
        case ..<172_800:
            let minutes = (s + 30) / 60
            let (h, m) = (minutes / 60, minutes % 60)
            return m == 0 || h >= 10 ? say((minutes + 30) / 60, "hour") : "\(say(h, "hour")) \(say(m, "minute"))"
        default: return say((s + 43_200) / 86_400, "day")
        }
    }
}
