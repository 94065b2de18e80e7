/// Watches one series for something that happens at an instant.
///
/// It goes by what happened, not by the order of arrival: an alarm must not be lost because a device's clock
/// was set back. A late `true` is therefore still seen.
struct EventDetector: Hashable, Sendable {
    /// Since when the boolean has been true; nil while it is false or nothing is known. Always nil for
    /// event quantities.
    var since: Instant?
    /// It was paused since: nobody knows whether it has been true all the time.
    var isOld = false

    var phase: DetectorPhase {
        get { since.map { .active(since: $0) } ?? .idle }
        set {
            if case .active(let since) = newValue { self.since = since } else { since = nil }
        }
    }

    /// An event quantity: each reading is one.
    func happened(at: Instant) -> DetectorAction { DetectorAction(detected: .seen, at: at) }

    /// A boolean quantity: the edge to true is seen, the edge back is over.
    ///
    /// - Parameter laterTrue: a newer reading is known, and it is true.
    mutating func observe(_ isOn: Bool, at: Instant, laterTrue: Bool) -> DetectorAction? {
        if isOn {
            guard since == nil || isOld else { return nil }
            isOld = false
            since = at
            return DetectorAction(detected: .seen, at: at, phase: phase)
        }
        // A late `false` ends only what began before it and did not go on after it.
        guard let since, at >= since, !laterTrue else { return nil }
        self.since = nil
        isOld = false
        return DetectorAction(detected: .over, at: at, phase: .idle)
    }
}
