/// Watches one home for nobody being about. Serves both kinds of absence: here for a length of time, in
/// `AbsenceByTimeDetector.swift` between two times of day.
struct AbsenceDetector: Hashable, Sendable {
    /// Since when there has been something to watch; nil: nothing, so the detector rests.
    var started: Instant?
    /// When somebody was last about; nil if never since then.
    var lastActivity: Instant?
    var phase: DetectorPhase = .idle

    /// The hot path: nothing but memory moves, unless the detector is active.
    mutating func note(activity at: Instant) {
        if let lastActivity, lastActivity >= at { return }
        lastActivity = at
    }

    // MARK: For a length of time

    func deadline(lasting: Span) -> Instant? {
        guard let started, !phase.isActive else { return nil }
        return max(started, lastActivity ?? started) + lasting
    }

    mutating func due(now: Instant, lasting: Span) -> DetectorAction {
        guard let deadline = deadline(lasting: lasting) else { return DetectorAction(deadline: .none) }
        guard now >= deadline else { return DetectorAction(deadline: .at(deadline)) }
        phase = .active(since: deadline)
        return DetectorAction(detected: .seen, at: deadline, deadline: .none, phase: phase)
    }

    /// After `note`, where the detector is active.
    mutating func activityReturned(at: Instant, lasting: Span) -> DetectorAction? {
        guard case .active(let since) = phase else { return nil }
        // A delayed reading from before the absence leaves it an absence.
        guard at + lasting > since else { return nil }
        phase = .idle
        // The end is never told as before the beginning, even where a delayed reading shows that there was none.
        return DetectorAction(
            detected: .over, at: max(at, since), deadline: deadline(lasting: lasting).map { .at($0) } ?? .none,
            phase: .idle)
    }

    /// A device was released whose readings may be the last activity: they will not be found again at the
    /// next start, so what they said is kept as a phase.
    func handOver() -> DetectorPhase? {
        guard !phase.isActive, let lastActivity else { return nil }
        return .pending(since: lastActivity)
    }

    mutating func restore(_ phase: DetectorPhase) {
        if case .pending(let since) = phase { note(activity: since) } else { self.phase = phase }
    }
}
