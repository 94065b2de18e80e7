import Care
import Devices
import Logging
import MQTT
import Notify
import Store

/// The turns of design.md, one method each: a burst of messages, deadlines that came due, what a person
/// said, the outbox. Each is one transaction.
///
/// Not `Sendable`: it belongs to one thread. Reads no clock; `now` comes in.
public final class Engine {
    let store: Store
    let catalogue: Catalogue
    let log: Logger
    let configuration: GatewayConfiguration
    /// Where publications and phone messages go; nil in a replay, which tells nobody.
    public var outbound: (any Outbound)?
    /// The broker's users and access list; nil where there is no broker.
    public var broker: (any BrokerUsers)?

    var world: World
    var topics = TopicTable<TopicMeaning>()
    public internal(set) var counts = Counts()
    var measures = Measures()
    /// Never runs backwards, whatever the wall clock does; see `GatewayTime`.
    public private(set) var now: Instant
    /// Replay: an alert that nobody can answer is taken as ended after this long.
    var assumeEndedAfter: Span?
    /// Replay: every home and device of the recording is taken as added and claimed.
    var replayZone: String?

    // Reused from message to message.
    var decoded: [DecodedReading] = []
    var output = DetectorOutput()
    var strangersOfTurn: [StrangerKey: Stranger] = [:]
    var strangerOrder: [StrangerKey] = []
    /// What the open turn has queued.
    var queuedInTurn: [NoticeID] = []
    /// Whose attempt is on disk, and what goes to them as soon as no turn is open; see `Outbox.swift`.
    var prepared: [(notice: Notice, outgoing: Outgoing)] = []
    /// Publications that wait for the broker's acknowledgement.
    var inFlight: [Int32: NoticeID] = [:]
    /// What was acknowledged last; see `Ledger`.
    var ledger = Ledger()
    var acknowledgedEver: Int64 = 0
    /// When the broker last turned out to have lost our session, and since when that may have been so.
    public internal(set) var sessionLost: (from: Instant, until: Instant)?
    /// The last instant at which a burst was kept, or the gateway was last alive.
    var lastContact: Instant?
    /// Phone messages whose outcome is waited for.
    var posting: [NoticeID: String] = [:]
    /// Phone messages under way at once, and to one address: what waits is decided again when it goes.
    static var postingMax: Int { HTTPNotifier.inFlightMax }
    static var postingToOneAddressMax: Int { 2 }
    var isConnected = false
    /// Everything that waited at the broker has been taken: from now on silence means something.
    var isListening = false
    var connectedAt: Instant?
    /// The broker's user files could not be written; tried again each minute.
    var usersPending = false
    /// Since when the line has been cut; nil while it is not.
    var awayFrom: Instant?
    var silenceHeldUntil = Instant.distantPast
    /// Retained topics that should not be there; cleared after the turn. Found again at the next start if lost.
    var toClear: [String] = []
    /// How far the system clock is off the gateway's steady time; nil while they agree.
    public var clockJump: Span?
    /// Called after each commit that added to an alert's history.
    public var onHistory: (@Sendable () -> Void)?
    var historyGrew = false

    /// - Throws: `StoreError` when what is on disk cannot be read.
    public init(
        store: Store, catalogue: Catalogue, rules: RuleBook, configuration: GatewayConfiguration, now: Instant,
        log: Logger
    ) throws {
        self.store = store
        self.catalogue = catalogue
        self.configuration = configuration
        self.log = log
        self.now = now
        world = World(rules: rules)
        world.emergencyNumber = configuration.emergencyNumber
        try load(rules: rules)
    }

    /// What has been done since the start; for `status` and tests.
    public struct Counts: Sendable, Hashable {
        public var messages = 0
        public var readings = 0
        public var readingsKnown = 0
        /// Messages that the broker delivered again although they had been kept.
        public var redelivered = 0
        public var undecodable = 0
        public var strangers = 0
        public var retained = 0
        public var answersIgnored = 0
        public var turns = 0
        public var turnsFailed = 0
        public var alertsNotRaised = 0
    }

    // MARK: The turns

    /// One burst of MQTT messages. When it returns, everything it held is on disk and may be acknowledged;
    /// when it throws, nothing of it is, and nothing in memory has changed.
    public func take(_ burst: borrowing Burst) throws {
        // Only while it compares does a turn change the ledger before its commit.
        let ledgerBefore = ledger.isComparing ? ledger : nil
        var acknowledged: [Ledger.Entry] = []
        do {
            try turn { tx in
                for i in 0..<burst.count {
                    try burst.withMessage(i) { topic, payload, info in
                        if isKnown(topic, payload, info, &acknowledged) { return }
                        // Deadlines that fall between two messages run between them: the size of a burst changes
                        // nothing.
                        try runDeadlines(upTo: Instant(milliseconds: info.arrivedAtMilliseconds), tx)
                        advance(to: Instant(milliseconds: info.arrivedAtMilliseconds))
                        try receive(topic, payload, isRetained: info.isRetained, tx)
                    }
                }
                try saveStrangers(tx)
                guard !acknowledged.isEmpty else { return }
                try tx.appendAcknowledged(
                    upTo: acknowledgedEver + Int64(acknowledged.count), entries: Ledger.bytes(acknowledged),
                    keep: Int64(Ledger.entriesMax))
            }
        } catch {
            if let ledgerBefore { ledger = ledgerBefore }
            throw error
        }
        ledger.append(acknowledged)
        lastContact = now
        acknowledgedEver += Int64(acknowledged.count)
    }

    /// Delivered again, it counts once. What has no packet id (QoS 0, a replay) is never delivered again.
    private func isKnown(
        _ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ info: MessageInfo, _ acknowledged: inout [Ledger.Entry]
    ) -> Bool {
        guard info.packetID != 0 else { return false }
        let entry = Ledger.Entry(packetID: info.packetID, hash: stableHash(payload, from: stableHash(topic)))
        if ledger.isComparing, ledger.knows(entry) {
            counts.redelivered += 1
            return true
        }
        acknowledged.append(entry)
        return false
    }

    /// Everything that came due until `instant`.
    public func catchUp(to instant: Instant) throws {
        if let first = world.deadlines.first(), first.at <= instant {
            try turn { tx in try runDeadlines(upTo: instant, tx) }
        }
        advance(to: instant)
    }

    /// The soonest moment at which something has to be done without anybody saying anything.
    public var nextWake: Instant? {
        let notice = world.notices.lazy
            .filter { self.isWaiting($0) }
            .map(\.nextAttemptAt).min()
        return [world.deadlines.first()?.at, notice].compactMap { $0 }.min()
    }

    /// After the process slept or was stopped, deadlines that came due meanwhile must not be run as if
    /// people had had their time to answer: they run now.
    public func resume(at instant: Instant) { advance(to: instant) }

    // MARK: One transaction

    /// Runs `body` in one transaction; memory follows the disk: it is put back when the transaction fails.
    func turn<T>(_ body: (StoreTurn) throws -> T) throws -> T {
        let before = world
        let countsBefore = counts
        let nowBefore = now
        let toClearBefore = toClear
        let preparedBefore = prepared
        takeBackPrepared()
        defer { queuedInTurn.removeAll() }
        do {
            let result = try store.turn { tx in
                let result = try body(tx)
                try prepareQueued(tx)
                return result
            }
            counts.turns += 1
            if historyGrew { onHistory?() }
            historyGrew = false
            return result
        } catch {
            world = before
            counts = countsBefore
            counts.turnsFailed += 1
            measures.noteFailedTurn(error)
            now = nowBefore
            topics.removeAll()
            strangersOfTurn.removeAll()
            strangerOrder.removeAll()
            historyGrew = false
            toClear = toClearBefore
            prepared = preparedBefore
            output.removeAll(keepingCapacity: false)
            throw error
        }
    }

    func advance(to instant: Instant) { if instant > now { now = instant } }

    private func runDeadlines(upTo limit: Instant, _ tx: StoreTurn) throws {
        guard world.deadlines.mayBeDue(until: limit) else { return }
        while let (at, key) = world.deadlines.first(), at <= limit {
            advance(to: at)
            switch key {
            case .alert(let id): try alertDue(id, tx)
            case .detector(let key) where isHeld(key):
                // Only in memory: the row stays, and a restart looks at it again.
                world.deadlines.set(.detector(key), max(now + .minutes(1), silenceHeldUntil))
            case .detector(let key):
                world.detectors.due(key, now: now, into: &output)
                // What is due is done with, unless the detector asks to be looked at again.
                if !output.deadlines.contains(where: { $0.key == key }) { try saveDeadline(.detector(key), nil, tx) }
                try takeOver(tx)
            }
        }
    }

    /// Whether this detector watches for nothing being heard, while nothing could be. A replay has no line that
    /// could be cut.
    private func isHeld(_ key: DetectorKey) -> Bool {
        guard outbound != nil else { return false }
        if case .series = key.subject { return false }
        return !isListening || now < silenceHeldUntil
    }

    func saveDeadline(_ key: DeadlineKey, _ at: Instant?, _ tx: StoreTurn) throws {
        guard world.deadlines.at[key] != at else { return }
        world.deadlines.set(key, at)
        try tx.saveDeadline(key.text, at: at)
    }
}

/// Where words go out. One for the real thing, one that records for tests.
public protocol Outbound: AnyObject {
    /// Hands a publication to the broker's connection; the answer comes later as `published`.
    /// - Returns: a number for it, to be named when the broker has it.
    func publish(_ publication: Publication) throws -> Int32
    /// Posts to a phone; the outcome comes later.
    func post(_ message: PhoneMessage, for notice: NoticeID)
}

/// Whoever keeps the broker's users.
public protocol BrokerUsers: AnyObject {
    /// Writes users and access list and tells the broker to read them again.
    /// - Returns: false when there is no broker to tell (it will read them when it starts).
    func apply(homes: [(name: String, hash: String)], helpers: [(name: String, hash: String)]) throws -> Bool
    func newPassword() -> String
    func hash(_ password: String) throws -> String
}

struct StrangerKey: Hashable {
    var home: HomeID
    var address: String
}
