/// The numbers of a threshold rule, without anything that would be counted by reference.
struct ThresholdLimits: Hashable, Sendable {
    var above: Double?
    var below: Double?
    /// In the quantity's unit; see `isBack`.
    var returnBy: Double
    var lasting: Span

    init(above: Double?, below: Double?, returnBy: Double, lasting: Span) {
        self.above = above
        self.below = below
        self.lasting = lasting
        var returnBy = Swift.max(0, returnBy)
        // In a band, a wider return than to its middle could never be met from both sides.
        if let above, let below, above > below { returnBy = Swift.min(returnBy, (above - below) / 2) }
        self.returnBy = returnBy
    }

    func isBeyond(_ value: Double) -> Bool {
        if let above, value > above { return true }
        if let below, value < below { return true }
        return false
    }

    /// Far enough inside that a value wavering about the limit does not begin and end again and again.
    func isBack(_ value: Double) -> Bool {
        if let above, value > above - returnBy { return false }
        if let below, value < below + returnBy { return false }
        return true
    }
}

/// Watches one series for a value that is beyond a limit and stays there.
///
/// Between two readings the value is taken to be what the earlier one said.
struct ThresholdDetector: Hashable, Sendable {
    /// Active since the instant at which the value had been beyond for long enough.
    var phase: DetectorPhase = .idle

    /// - Parameter at: not before the last one; the caller leaves late readings out.
    mutating func observe(_ value: Double, at: Instant, limits: ThresholdLimits) -> DetectorAction? {
        // Not a number is neither beyond nor back.
        guard value.isFinite else { return nil }
        switch phase {
        case .idle:
            guard limits.isBeyond(value) else { return nil }
            if limits.lasting <= .zero {
                phase = .active(since: at)
                return DetectorAction(detected: .seen, at: at, phase: phase)
            }
            phase = .pending(since: at)
            return DetectorAction(deadline: .at(at + limits.lasting), phase: phase)
        case .pending(let since):
            guard limits.isBeyond(value) else {
                phase = .idle
                return DetectorAction(deadline: .none, phase: .idle)
            }
            return at >= since + limits.lasting ? activate(at: since + limits.lasting) : nil
        case .active:
            guard limits.isBack(value) else { return nil }
            phase = .idle
            return DetectorAction(detected: .over, at: at, phase: .idle)
        }
    }

    mutating func due(now: Instant, limits: ThresholdLimits) -> DetectorAction {
        guard let deadline = deadline(limits: limits) else { return DetectorAction(deadline: .none) }
        return now >= deadline ? activate(at: deadline) : DetectorAction(deadline: .at(deadline))
    }

    /// What went on before then does not count towards `lasting`.
    mutating func beginAnew(at: Instant, limits: ThresholdLimits) -> DetectorAction? {
        guard case .pending(let since) = phase, since < at else { return nil }
        phase = .pending(since: at)
        return DetectorAction(deadline: .at(at + limits.lasting), phase: phase)
    }

    func deadline(limits: ThresholdLimits) -> Instant? {
        if case .pending(let since) = phase { since + limits.lasting } else { nil }
    }

    private mutating func activate(at: Instant) -> DetectorAction {
        phase = .active(since: at)
        return DetectorAction(detected: .seen, at: at, deadline: .none, phase: phase)
    }
}
