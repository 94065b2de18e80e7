/// Names one detector: its phase and its deadline. The same after a restart.
///
/// As text, which is also how it is encoded: `door-open/series/17`, `no-movement/home/elm-3`,
/// `silent/device/4`.
public struct DetectorKey: Hashable, Comparable, Sendable {
    /// What a rule is watched by: event and threshold by series, absence by home, silence by device.
    public enum Subject: Hashable, Sendable {
        case home(HomeID)
        case device(DeviceID)
        case series(SeriesID)
    }

    public var rule: RuleID
    public var subject: Subject

    public init(rule: RuleID, subject: Subject) {
        self.rule = rule
        self.subject = subject
    }

    public var text: String {
        switch subject {
        case .home(let home): "\(rule.name)/home/\(home.name)"
        case .device(let device): "\(rule.name)/device/\(device.number)"
        case .series(let series): "\(rule.name)/series/\(series.number)"
        }
    }

    /// Reads what `text` writes; nil for anything else.
    public init?(text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[2].isEmpty else { return nil }
        switch parts[1] {
        case "home": subject = .home(HomeID(String(parts[2])))
        case "device":
            guard let number = Self.number(String(parts[2])) else { return nil }
            subject = .device(DeviceID(number))
        case "series":
            guard let number = Self.number(String(parts[2])) else { return nil }
            subject = .series(SeriesID(number))
        default: return nil
        }
        rule = RuleID(String(parts[0]))
    }

    private static func number(_ digits: String) -> Int32? {
        // "+7" and "007" would name the same detector in two ways, so only what is written is read.
        guard let number = Int32(digits), number > 0, String(number) == digits else { return nil }
        return number
    }

    /// By rule, then homes, devices and series, each in their own order.
    public static func < (a: Self, b: Self) -> Bool {
        if a.rule != b.rule { return a.rule < b.rule }
        switch (a.subject, b.subject) {
        case (.home(let x), .home(let y)): return x < y
        case (.device(let x), .device(let y)): return x < y
        case (.series(let x), .series(let y)): return x < y
        case (.home, _), (.device, .series): return true
        default: return false
        }
    }
}

extension DetectorKey: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let key = DetectorKey(text: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a detector like door-open/series/17")
        }
        self = key
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// What has to survive a restart and cannot be read from the last readings.
public enum DetectorPhase: Hashable, Codable, Sendable {
    /// Nothing is going on; a row that says so may as well be deleted.
    case idle
    /// Threshold: beyond since then, not yet for long enough. Absence by time: looked last then, and all was
    /// well. Absence: somebody was about then, as a device that has since been released showed.
    case pending(since: Instant)
    /// What the rule watches for has been true since then.
    case active(since: Instant)

    var isActive: Bool {
        if case .active = self { true } else { false }
    }
}

/// What the detectors want done. All of it belongs into the transaction of the turn.
public struct DetectorOutput: Sendable {
    public var detections: [Detection] = []
    /// When to call `due` for the key; nil: no longer. A later entry replaces an earlier one.
    public var deadlines: [(key: DetectorKey, at: Instant?)] = []
    /// A later entry replaces an earlier one.
    public var phases: [(key: DetectorKey, phase: DetectorPhase)] = []

    public init() {}

    public var isEmpty: Bool { detections.isEmpty && deadlines.isEmpty && phases.isEmpty }

    public mutating func removeAll(keepingCapacity: Bool = true) {
        detections.removeAll(keepingCapacity: keepingCapacity)
        deadlines.removeAll(keepingCapacity: keepingCapacity)
        phases.removeAll(keepingCapacity: keepingCapacity)
    }
}

/// What one detector answers to one input, before names are put to it.
struct DetectorAction: Hashable, Sendable {
    enum Deadline: Hashable, Sendable {
        case unchanged
        case none
        case at(Instant)
    }

    /// Nil: only the deadline or the phase changes.
    var detected: Detection.What?
    /// When what was detected happened; without meaning where nothing was.
    var at: Instant = .distantPast
    var deadline: Deadline = .unchanged
    /// Nil: what is on disk stays right.
    var phase: DetectorPhase?
}
