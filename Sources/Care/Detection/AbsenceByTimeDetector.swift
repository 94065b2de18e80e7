/// A stretch of the day in one home, as its clocks show it. `from` at or after `by` is the day before.
struct DayWindow: Sendable {
    var zone: Zone
    var from: MinuteOfDay
    var by: MinuteOfDay

    /// The first `by` o'clock after `instant`; a day later where the zone's table does not say.
    func look(after instant: Instant) -> Instant {
        if let today = zone.local(instant)?.day {
            // A change of the clocks can put today's `by` behind us and, at the date line, tomorrow's too.
            for days in 0...2 {
                if let at = zone.instant(Day(number: today.number + Int64(days)), by), at > instant { return at }
            }
        }
        return instant + .days(1)
    }

    /// When the window began that ends with this look; nil where the table does not say.
    func start(ofLook look: Instant) -> Instant? {
        guard let day = zone.local(look)?.day else { return nil }
        let first = from < by ? day : Day(number: day.number - 1)
        guard let start = zone.instant(first, from), start < look else { return nil }
        return start
    }
}

/// Absence between two times of day. Each day is a question of its own: it is asked again although the answer
/// of the day before still stands, since the alert of the day before may have been ended by a person.
///
/// The phase holds the last look, `pending` where all was well and `active` where it was not, so that the next
/// look is known after a restart without asking what time it is.
extension AbsenceDetector {
    func look(in window: DayWindow) -> Instant? {
        guard let started else { return nil }
        switch phase {
        case .idle: return window.look(after: started)
        case .pending(let last), .active(let last): return window.look(after: max(started, last))
        }
    }

    mutating func due(now: Instant, window: DayWindow) -> DetectorAction {
        guard let first = look(in: window) else { return DetectorAction(deadline: .none) }
        guard let look = lookDue(now: now, window: window) else { return DetectorAction(deadline: .at(first)) }
        let next = DetectorAction.Deadline.at(window.look(after: look))
        if let started, let start = window.start(ofLook: look), started <= start,
            lastActivity.map({ $0 < start }) ?? true
        {
            phase = .active(since: look)
            return DetectorAction(detected: .seen, at: look, deadline: next, phase: phase)
        }
        // An absence that nobody has ended goes on, even over a day that could not be watched in full.
        phase = phase.isActive ? .active(since: look) : .pending(since: look)
        return DetectorAction(deadline: next, phase: phase)
    }

    /// The look that is due; nil where none is. After a long standstill only the latest is of use, not one for each day.
    func lookDue(now: Instant, window: DayWindow) -> Instant? {
        guard var look = look(in: window), now >= look else { return nil }
        look = max(look, window.look(after: now - .days(3)))
        while case let next = window.look(after: look), next <= now { look = next }
        return look
    }

    /// Takes the look that is due as done, as after a day that could not be watched in full.
    mutating func passOver(now: Instant, window: DayWindow) -> DetectorAction? {
        guard let look = lookDue(now: now, window: window) else { return nil }
        phase = phase.isActive ? .active(since: look) : .pending(since: look)
        return DetectorAction(deadline: .at(window.look(after: look)), phase: phase)
    }

    /// After `note`, where the detector is active. The deadline stands: it is the next look anyway.
    mutating func activityReturned(at: Instant, window: DayWindow) -> DetectorAction? {
        guard case .active(let since) = phase else { return nil }
        // A delayed reading from before the window leaves it an absence.
        if let start = window.start(ofLook: since), at < start { return nil }
        phase = .pending(since: since)
        return DetectorAction(detected: .over, at: max(at, since), phase: phase)
    }

    /// A device was released whose readings may be the last activity: they will not be found again at the
    /// next start. Where they already answer for the next look, that look is taken as done.
    mutating func handOver(window: DayWindow) -> DetectorAction? {
        guard !phase.isActive, let look = look(in: window), let lastActivity,
            let start = window.start(ofLook: look), lastActivity >= start
        else { return nil }
        phase = .pending(since: look)
        return DetectorAction(deadline: .at(window.look(after: look)), phase: phase)
    }
}
