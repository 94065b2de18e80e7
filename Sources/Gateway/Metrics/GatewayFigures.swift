import Care

/// How the gateway stands, in numbers: what the metrics and `caring status` are made from.
///
/// A plain value, made by `Engine.figures(at:)`. Numbers count from the start of the process.
public struct GatewayFigures: Sendable {
    public var at: Instant
    public var counts = Engine.Counts()
    /// Turns that could not be written down. What was only refused to a person is none of them.
    public var turnsFailed = 0

    public var isConnected = false
    /// Connections that the broker accepted.
    public var connections = 0
    /// Times that the broker turned out to have lost the gateway's session.
    public var sessionsLost = 0
    /// Since the first connection.
    public var reconnects: Int { max(0, connections - 1) }

    /// What waited at the broker is being taken: its marker has not come back yet.
    public var isTakingBacklog = false
    /// Messages that came before the marker: they had waited or lain retained at the broker. Redelivered ones included;
    /// since the start, and since the present connection.
    public var backlogMessages = 0
    public var backlogMessagesThisTime = 0

    /// Messages that were read and, as they could not be kept, not acknowledged; 0 as soon as a burst is kept.
    public var withheldMessages = 0
    /// When the oldest of them arrived.
    public var oldestUnacknowledged: Instant?
    /// Why the gateway does less than it should, as words that fit behind a colon ("the disk is full"); nil when it does
    /// all. One of few: each becomes a label. Nothing personal.
    public var degraded: String?

    /// Messages that were put aside because nothing could be done with them.
    public var quarantined = 0
    /// Readings that a home had too many of.
    public var thinnedByHome: [HomeID: Int] = [:]

    /// The last burst that was kept.
    public var lastBurst: BurstFigures?

    /// Notices that are queued or under way, and since when the oldest has been.
    public var outboxWaiting = 0
    public var outboxOldest: Instant?

    public var deadlines = 0
    /// The latest that a deadline ran, or still waited, in the last minute.
    public var deadlinesLate = Span.zero

    public var openAlerts = 0
    public var homes = 0
    /// Claimed ones.
    public var devices = 0
    /// With its log.
    public var databaseBytes = 0
    /// What is left on the disk under the data folder for whom the gateway runs as; nil: it does not say.
    public var diskFreeBytes: Int?

    public init(at: Instant) { self.at = at }

    public var thinned: Int { thinnedByHome.values.reduce(0, +) }
}

/// One burst that was kept.
public struct BurstFigures: Sendable, Hashable {
    public var at: Instant
    public var messages: Int
    /// From the first decoding until it was on disk.
    public var turnNanoseconds: Int64
    /// Of that the commit itself.
    public var commitNanoseconds: Int64
}

/// What the turns note down beside `Engine.Counts`, for `Engine.figures(at:)`. In memory only; nothing is decided by it.
struct Measures {
    var turnsFailed = 0
    var connections = 0
    var sessionsLost = 0
    var lastBurst: BurstFigures?
    var withheldMessages = 0
    var oldestUnacknowledged: Instant?
    var backlogMessages = 0
    private(set) var backlogMessagesBefore = 0
    /// How many messages had been taken when the marker came back, the marker included.
    var takenAtMarker = 0
    var lateness = Lateness()
    /// What takes longer to find out than a figure a second is worth; see `Engine.figures(at:)`.
    var slow: (at: Instant, devices: Int, databaseBytes: Int, diskFreeBytes: Int?)?

    mutating func noteConnected() {
        connections += 1
        backlogMessagesBefore = backlogMessages
    }

    /// - Parameter error: what a turn failed with.
    mutating func noteFailedTurn(_ error: any Error) {
        // A command that was refused leaves its turn in this way, too.
        if !(error is CommandProblem) { turnsFailed += 1 }
    }
}

/// The latest of the last minute.
struct Lateness {
    static let minute = Span.minutes(1)
    /// At most one a second.
    private var seconds: [(second: Int64, late: Span)] = []

    mutating func note(_ late: Span, at: Instant) {
        let second = at.milliseconds / 1_000
        if let last = seconds.indices.last, seconds[last].second == second {
            seconds[last].late = max(seconds[last].late, late)
        } else {
            seconds.append((second, late))
            seconds.removeAll { $0.second <= second - Self.minute.milliseconds / 1_000 }
        }
    }

    func worst(at: Instant) -> Span {
        let oldest = (at - Self.minute).milliseconds / 1_000
        return seconds.lazy.filter { $0.second > oldest }.map(\.late).max() ?? .zero
    }
}
