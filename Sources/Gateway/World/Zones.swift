import Care
import Foundation

/// Time zones as values, made once from the system's time-zone data.
struct Zones: Sendable {
    /// The table covers these years; outside of them nothing that depends on hours can be evaluated, and
    /// consent then denies.
    static let fromYear = 2000
    static let untilYear = 2060

    private var known: [String: Zone] = ["UTC": .utc]

    /// Nil when the system knows no such zone.
    mutating func zone(_ name: String) -> Zone? {
        if let zone = known[name] { return zone }
        guard let zone = Self.make(name) else { return nil }
        known[name] = zone
        return zone
    }

    /// UTC for a home whose zone this system does not know: `homeAdd` refuses such a name, so it can only
    /// come from a data folder that was moved to a poorer system.
    func of(_ name: String) -> Zone { known[name] ?? .utc }

    private static func make(_ name: String) -> Zone? {
        guard let system = TimeZone(identifier: name),
            let first = Day(year: fromYear, month: 1, day: 1), let last = Day(year: untilYear, month: 1, day: 1)
        else { return nil }
        let start = Instant(milliseconds: first.number * 86_400_000)
        let end = Instant(milliseconds: last.number * 86_400_000)
        func date(_ instant: Instant) -> Date { Date(timeIntervalSince1970: Double(instant.milliseconds) / 1_000) }
        var transitions = [Zone.Transition(at: start, offsetSeconds: system.secondsFromGMT(for: date(start)))]
        var at = start
        // Two changes a year for sixty years; the bound only guards against a system that never advances.
        for _ in 0..<1_000 {
            guard let next = system.nextDaylightSavingTimeTransition(after: date(at)) else { break }
            let instant = Instant(milliseconds: Int64((next.timeIntervalSince1970 * 1_000).rounded()))
            guard instant > at, instant < end else { break }
            transitions.append(.init(at: instant, offsetSeconds: system.secondsFromGMT(for: next)))
            at = instant
        }
        return Zone(name: name, transitions: transitions, until: end)
    }
}
