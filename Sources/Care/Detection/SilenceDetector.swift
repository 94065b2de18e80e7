/// Watches one device for silence. When it was last heard from is kept beside it, once for all rules.
struct SilenceDetector: Hashable, Sendable {
    /// How long is too long; nil: this rule does not watch this device.
    var window: Span?
    /// Active while the device is silent.
    var phase: DetectorPhase = .idle

    /// - Parameter base: when it was last heard from, or claimed if that was later.
    func deadline(base: Instant) -> Instant? {
        guard let window, !phase.isActive else { return nil }
        return base + window
    }

    mutating func due(now: Instant, base: Instant) -> DetectorAction {
        guard let deadline = deadline(base: base) else { return DetectorAction(deadline: .none) }
        guard now >= deadline else { return DetectorAction(deadline: .at(deadline)) }
        phase = .active(since: deadline)
        return DetectorAction(detected: .seen, at: deadline, deadline: .none, phase: phase)
    }

    /// Only an active detector needs to be told: for the others the new base is enough.
    mutating func heard(at: Instant) -> DetectorAction? {
        guard case .active(let since) = phase, let window else { return nil }
        // Something old that was delayed says nothing about now.
        guard at + window > since else { return nil }
        phase = .idle
        return DetectorAction(detected: .over, at: max(at, since), deadline: .at(at + window), phase: .idle)
    }
}
