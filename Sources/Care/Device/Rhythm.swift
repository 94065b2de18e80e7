/// How often a device speaks, learned from when it is heard: the longest silence of each of its last days.
///
/// The longest of them, and half as much again, is what is expected of a device of which nothing else says it. A sensor
/// that reports on change is silent at night and not by day, so a mean would be wrong each night.
public struct Rhythm: Hashable, Codable, Sendable {
    /// Days that are remembered.
    public static let daysMax = 14
    /// With fewer days or messages nothing is known yet.
    public static let daysMin = 3
    public static let messagesMin: Int64 = 20
    /// What is learned is never shorter: a device that speaks each second may be silent while its bridge restarts.
    public static let floor: Span = .minutes(15)
    /// And never longer: beyond it the device speaks when somebody uses it, and silence says nothing.
    public static let cap: Span = .days(3)

    /// The longest silence that ended on each day, the oldest first; the last is today's.
    private var longest: [Int64] = []
    private var day: Int64?
    public private(set) var messages: Int64 = 0
    private var lastAt: Instant?

    public init() {}

    /// The device was heard. A silence of ours is none of the device's.
    ///
    /// - Parameter isGap: false where the device may have spoken unheard since it was heard last.
    /// - Returns: whether a day has begun, so that it should be written down.
    public mutating func heard(at: Instant, isGap: Bool = true) -> Bool {
        defer { lastAt = max(lastAt ?? at, at) }
        messages += 1
        let today = at.milliseconds / 86_400_000
        let isNew = day.map { today > $0 } ?? true
        if isNew {
            if longest.count == Self.daysMax { longest.removeFirst() }
            longest.append(0)
            day = today
        }
        if isGap, let lastAt, at > lastAt, !longest.isEmpty {
            longest[longest.count - 1] = max(longest[longest.count - 1], (at - lastAt).milliseconds)
        }
        return isNew
    }

    /// How often the device should be heard from; nil while too little is known, or when it is silent for days.
    public var expected: Span? {
        // Today is not over, so its longest silence is not known.
        let whole = longest.dropLast()
        guard whole.count >= Self.daysMin, messages >= Self.messagesMin, let most = whole.max() else { return nil }
        let span = Span(milliseconds: most + most / 2)
        return span > Self.cap ? nil : max(span, Self.floor)
    }
}
