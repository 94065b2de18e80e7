/// How far a device's clock is usually off, learned from when its messages arrive.
///
/// The median of the last offsets (arrival − device time): one message that was queued for hours does not
/// move it, a clock that is an hour out does.
public struct Skew: Hashable, Codable, Sendable {
    public static let offsetsMax = 15
    /// Fewer offsets than this say nothing yet.
    public static let offsetsMin = 5
    /// Within this, arrival and device time differ by the way the message took, not by a wrong clock.
    public static let toleranceMilliseconds: Int64 = 30_000

    private var offsets: [Int64] = []
    /// To be added to the device's time; zero while its clock is believed.
    public private(set) var usual = Span.zero

    public init(usual: Span = .zero) { self.usual = usual }

    /// Learns from one message and gives its reading's time: the device's own, corrected, never later than
    /// the arrival.
    ///
    /// - Parameter isQueued: it waited at the broker, so its arrival says nothing of the device's clock, and
    ///   nothing is learned from it.
    public mutating func correct(_ deviceTime: Instant, arrivedAt: Instant, isQueued: Bool = false) -> Instant {
        if isQueued { return min(deviceTime + usual, arrivedAt) }
        let offset = (arrivedAt - deviceTime).milliseconds
        if offsets.count == Self.offsetsMax { offsets.removeFirst() }
        offsets.append(offset)
        if offsets.count >= Self.offsetsMin {
            let median = offsets.sorted()[offsets.count / 2]
            usual = abs(median) <= Self.toleranceMilliseconds ? .zero : Span(milliseconds: median)
        }
        return min(deviceTime + usual, arrivedAt)
    }
}
