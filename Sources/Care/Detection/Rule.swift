/// CAP 1.2 `severity`, without `Unknown`: a rule that cannot say how bad it is should not wake anybody.
public enum Severity: String, CaseIterable, Codable, Sendable, Comparable {
    case minor = "Minor"
    case moderate = "Moderate"
    case severe = "Severe"
    case extreme = "Extreme"

    public static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
    var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// CAP 1.2 `urgency`.
public enum Urgency: String, CaseIterable, Codable, Sendable {
    case immediate = "Immediate"
    case expected = "Expected"
    case future = "Future"
    case past = "Past"
    case unknown = "Unknown"
}

/// CAP 1.2 `certainty`.
public enum Certainty: String, CaseIterable, Codable, Sendable {
    case observed = "Observed"
    case likely = "Likely"
    case possible = "Possible"
    case unlikely = "Unlikely"
    case unknown = "Unknown"
}

/// What to watch for, and what it means when it is seen. One entry of `config/rules.yaml`.
public struct Rule: Hashable, Sendable {
    public var id: RuleID
    public var watch: Watch
    public var category: Category
    public var purpose: Purpose
    public var severity: Severity
    public var urgency: Urgency
    public var certainty: Certainty
    /// One or two words for what happened: "fall", "smoke". Told at detail *alert*.
    public var kind: String
    /// For people, in full: "Someone has fallen." Told at detail *alert*.
    public var say: String
    /// The alert ends by itself when what was seen is over (activity is back, the value is in its band
    /// again, the device is heard from). Otherwise a person ends it.
    public var endsWhenOver: Bool
    /// Which plan in `config/rules.yaml` says who is asked, in which order.
    public var plan: String
    /// Empty: every home.
    public var homes: [HomeID]

    public init(
        id: RuleID, watch: Watch, category: Category, purpose: Purpose, severity: Severity, urgency: Urgency,
        certainty: Certainty, kind: String, say: String, endsWhenOver: Bool, plan: String, homes: [HomeID] = []
    ) {
        self.id = id
        self.watch = watch
        self.category = category
        self.purpose = purpose
        self.severity = severity
        self.urgency = urgency
        self.certainty = certainty
        self.kind = kind
        self.say = say
        self.endsWhenOver = endsWhenOver
        self.plan = plan
        self.homes = homes
    }
}

/// What a rule looks at. Four kinds now.
public enum Watch: Hashable, Sendable {
    /// An event quantity is seen, or a boolean one turns true. By series.
    case event(quantities: [Quantity])
    /// A value is above `above` or below `below` for at least `lasting`. It is over when the value has come
    /// back by `returnBy` (in the quantity's unit): 38.0 with 0.5 is over at 37.5 or below. By series.
    case threshold(quantity: Quantity, above: Double?, below: Double?, returnBy: Double, lasting: Span)
    /// None of these was seen (true, or any event) in a home for `lasting`. By home.
    case absence(quantities: [Quantity], lasting: Span)
    /// None of these was seen in a home between `from` and `by` o'clock, home's own time. By home and day.
    case absenceByTime(quantities: [Quantity], from: MinuteOfDay, by: MinuteOfDay)
    /// A device has not been heard from for `times` its profile's expected interval; one that never has,
    /// since it was claimed. By device; devices whose profile gives no interval are not watched.
    case silence(times: Double)
}

/// A rule saw what it watches for, or saw that it is over.
public struct Detection: Hashable, Sendable {
    public enum What: Hashable, Sendable {
        case seen
        /// What was seen is over: the condition, not the alert.
        case over
    }

    public var rule: RuleID
    public var home: HomeID
    public var what: What
    /// When it happened, which may be before the message that shows it came.
    public var at: Instant
    /// The series that showed it; nil for an absence or a silence.
    public var series: SeriesID?
    /// The device that showed it or that is silent; nil for an absence.
    public var device: DeviceID?
    public var value: Value?
    /// For an absence or a silence: when somebody or something was last heard from; nil if never.
    public var lastSeen: Instant?
    /// Which clock gave `at` its time, where one reading showed it; `queued`: it happened at `at` or some time before.
    public var source: TimeSource?

    public init(
        rule: RuleID, home: HomeID, what: What, at: Instant, series: SeriesID? = nil, device: DeviceID? = nil,
        value: Value? = nil, lastSeen: Instant? = nil, source: TimeSource? = nil
    ) {
        self.rule = rule
        self.home = home
        self.what = what
        self.at = at
        self.series = series
        self.device = device
        self.value = value
        self.lastSeen = lastSeen
        self.source = source
    }
}
