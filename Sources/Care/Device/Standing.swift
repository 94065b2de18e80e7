/// Whether a device is alive, in one word: what `device list` shows.
///
/// Connected is not alive: that its bridge, its plug or its radio can be reached is no sign of life, only what it says is.
public enum Standing: Hashable, Sendable {
    case well
    /// One whose it is has said that nothing, or nothing of some kinds, is to be recorded. Told apart from silence.
    case paused(Pause, until: Instant)
    /// It should have been heard from by now.
    case silent(since: Instant)
    /// Claimed, and not one message since.
    case neverHeard
    /// Its bridge is gone, so nobody can know.
    case cutOff(bridge: String, since: Instant)
    /// Its convention says that it cannot be reached.
    case offline(since: Instant)
    /// Well, but for this. A chore, never an alarm.
    case batteryLow
    /// It speaks, and nothing of it could be understood.
    case notUnderstood

    /// At or below this it is low: what makers of sensors call so.
    public static let batteryLowPercent = 15.0

    /// - Parameters:
    ///   - lastHeard: when it last said something itself; nil: never since it was claimed.
    ///   - expected: the longest usual silence; nil: not known.
    ///   - bridgeGoneSince: nil: there is none, or it is there.
    ///   - paused: the pause that holds, and when the last of those ends that hold.
    ///   - pausedUntil: when the last pause ended: what was silent in it was not to be heard.
    ///   - isUnderstood: false where every message since the claim was undecodable.
    public static func of(
        _ device: Device, lastHeard: Instant?, expected: Span?, bridgeGoneSince: Instant?, isBatteryLow: Bool, isUnderstood: Bool,
        paused: (Pause, until: Instant)? = nil, pausedUntil: Instant? = nil, now: Instant
    ) -> Standing {
        if let paused { return .paused(paused.0, until: paused.until) }
        if let bridge = device.bridge, let bridgeGoneSince { return .cutOff(bridge: bridge, since: bridgeGoneSince) }
        if let since = device.offlineSince { return .offline(since: since) }
        guard let lastHeard else { return isUnderstood ? .neverHeard : .notUnderstood }
        if let expected, now - max(lastHeard, pausedUntil ?? lastHeard) > expected { return .silent(since: lastHeard) }
        if !isUnderstood { return .notUnderstood }
        return isBatteryLow ? .batteryLow : .well
    }

    /// For programs; stable.
    public var name: String {
        switch self {
        case .well: "well"
        case .paused: "paused"
        case .silent: "silent"
        case .neverHeard: "never-heard"
        case .cutOff: "cut-off"
        case .offline: "offline"
        case .batteryLow: "battery-low"
        case .notUnderstood: "not-understood"
        }
    }

    /// For people: "silent for 3 hours".
    public func words(now: Instant, zone: Zone = .utc) -> String {
        switch self {
        case .well: "well"
        case .paused(let pause, let until):
            "paused until \(PauseWords(zone: zone, device: { _ in "" }).time(until, now: now)) by its citizen \(pause.citizen)"
                + (pause.categories.isEmpty ? "" : " (what is of \(pause.categories.sorted().map(\.rawValue).joined(separator: ", ")))")
        case .silent(let since): "silent for \((now - since).inWords)"
        case .neverHeard: "never heard from"
        case .cutOff(let bridge, let since): "cut off: its bridge \(bridge) has been gone for \((now - since).inWords)"
        case .offline(let since): "not to be reached for \((now - since).inWords), as its network says"
        case .batteryLow: "its battery is low"
        case .notUnderstood: "it speaks, but nothing of it is understood"
        }
    }
}
