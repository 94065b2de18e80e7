import Care

/// The gateway's time: the wall clock as it was at the start, carried on by the monotonic clock.
///
/// A wall clock that is set back or forward while the gateway runs therefore raises and ends nothing and
/// moves no deadline. At a start it begins no earlier than the last instant that stands on disk, so that the
/// order of readings holds even when the machine's clock was set back in between.
public struct GatewayTime: Sendable {
    public let startedAt: Instant
    private let startedMonotonic: Int64
    /// How far the wall clock has to be off before it is said.
    public static let jumpMilliseconds: Int64 = 2_000

    /// - Parameters:
    ///   - monotonic: nanoseconds of a clock that only goes forward.
    ///   - notBefore: the last instant known from disk.
    public init(wall: Instant, monotonic: Int64, notBefore: Instant?) {
        startedAt = max(wall, notBefore ?? wall)
        startedMonotonic = monotonic
    }

    public func now(monotonic: Int64) -> Instant {
        startedAt + Span(milliseconds: (monotonic - startedMonotonic) / 1_000_000)
    }

    /// How far the wall clock is ahead (positive) or behind; nil while it agrees.
    public func jump(wall: Instant, monotonic: Int64) -> Span? {
        let off = wall - now(monotonic: monotonic)
        return abs(off.milliseconds) > Self.jumpMilliseconds ? off : nil
    }
}

/// Clocks, so that tests can turn them.
public protocol Clock: Sendable {
    func wall() -> Instant
    /// Nanoseconds; only goes forward.
    func monotonic() -> Int64
}
