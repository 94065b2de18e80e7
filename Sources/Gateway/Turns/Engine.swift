import Audit
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
    var deadlines = Deadlines()
    var topics = TopicTable<KnownTopic>()
    /// Devices that are named in payloads, by address; goes with `topics`.
    var shared: [HomeID: [String: (route: Route, meaning: TopicMeaning)]] = [:]
    var sharedCount = 0
    /// By the home's number in `Thinning`: counts up whenever that home's topics may mean something else.
    var homeEpochs: [Int32] = []
    /// How often any device was said to be gone.
    var goneEver = 0
    /// Who looks at which home's messages as they come; see `DeviceWatch`.
    var deviceWatch = DeviceWatch()
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
    /// Whose devices became whose in the open turn, or in the last one; see `Acts.swift`.
    var deeds = Deeds()
    /// What the open turn has queued.
    var queuedInTurn: [NoticeID] = []
    /// Whose attempt is on disk, and what goes to them as soon as no turn is open; see `Outbox.swift`.
    var prepared: [(notice: Notice, outgoing: Outgoing)] = []
    /// Publications that wait for the broker's acknowledgement.
    var inFlight: [Int32: NoticeID] = [:]
    /// Ends of consents, and warnings of them, that the open turn has looked at.
    var consentsOfTurn = 0
    /// Words that the broker has and whose rows are still there.
    var wordsSaid: Set<NoticeID> = []
    /// Topics that the broker has cleared and whose rows are still there.
    var clearingsDone: Set<NoticeID> = []
    /// What flows to services and is under way.
    var feedSending = FeedSending()
    /// Figures that are being made.
    var figureJob: FigureJob?
    /// After the broker took no word to a citizen: not before then.
    var wordsWaitUntil = Instant.distantPast
    /// What was acknowledged last; see `Ledger`.
    var ledger = Ledger()
    var acknowledgedEver: Int64 = 0
    /// Messages that were taken while their burst could not be kept, and are not acknowledged yet.
    var early: Set<Ledger.Entry> = []
    /// Hashes of messages that have ended the process, and when that was found; see `Underway`.
    var fatal: [UInt64: Instant] = [:]
    /// When a message that was set aside was told of last.
    var quarantineTold: Instant?
    var underway: Underway?
    /// Where what people decided is kept beside the database; nil where there is none (a replay, most tests).
    public var journal: ActJournal?
    /// What days are signed with; nil: none is signed (a replay, most tests). See `DailyRoot.swift`.
    var auditKey: AuditKey?
    var proofGiving: ProofGiving?
    /// The day that is being signed; nil: none is.
    var dayRoot: DayRoot?
    /// Leaves that are made in one step: some milliseconds. Tests make it smaller.
    var dayLeavesAtOnceMax = 500
    /// There may be leaves of days that are not given out any more.
    var mayDropLeaves = true
    /// There may be rows from before the chains that have no entry yet.
    var mayEnterLater = true
    /// What the present command came to where that is not what was typed, for the journal; see `Delegating.swift`.
    var cameTo: CameTo?
    /// What citizens want to be erased, in order, until it is; nil: not known yet, or not any more. See `Erasing.swift`.
    var erasures: [Erasure]?
    /// When one that waits for something is looked at again, by its number.
    var nextErasureLooks: [Int64: Instant] = [:]
    /// The series at which the removal of old readings goes on; nil: nothing is being removed.
    var sweepFrom: Int32?
    var nextSweep = Instant.distantPast
    /// What the rounds of retention removed may still stand in the files; nil: not known yet. See `Retention.swift`.
    var isRetentionDirty: Bool?
    var nextRetentionClean = Instant.distantPast
    var nextRetentionRewrite = Instant.distantPast
    /// An import is under way: what it brings becomes daily figures when all of it is there. In memory only.
    var importing = ImportUnderWay()
    /// When the broker last turned out to have lost our session, and since when that may have been so.
    public internal(set) var sessionLost: (from: Instant, until: Instant)?
    /// The same until coordinators have been told.
    var sessionLostUntold: (from: Instant, until: Instant)?
    /// The last instant at which a burst was kept.
    var lastTaken: Instant?
    /// The line to the broker, and when it was cut.
    var line = Line()
    /// Why nothing can be written down as usual, and since when; nil while all is well.
    public internal(set) var degraded: (problem: StoreProblem, since: Instant)?
    /// Something failed that was not the storage's fault: each part has its own savepoint, to find out which.
    var isCareful = false
    var thinning = Thinning()
    /// What is taken now came during a pause of its device, so nothing is learned of how the device speaks.
    var isQuiet = false
    /// Something of it was withheld.
    var hasWithheld = false
    /// Since the start; what there ever was stands in the database.
    public internal(set) var thinnedByHome: [HomeID: Int] = [:]
    /// Phone messages whose outcome is waited for.
    var posting: [NoticeID: String] = [:]
    /// Phone messages under way at once, and to one address: what waits is decided again when it goes.
    static var postingMax: Int { HTTPNotifier.inFlightMax }
    static var postingToOneAddressMax: Int { 2 }
    /// The broker's user files could not be written; tried again each minute.
    var usersPending = false
    /// Retained topics that should not be there; cleared after the turn. Found again at the next start if lost.
    var toClear: [String] = []
    /// How far the system clock is off the gateway's steady time; nil while they agree.
    public var clockJump: Span?
    /// For what is worked out beside the turns: nanoseconds that only go forward. It stands still where nobody sets it, so
    /// that nothing in a test depends on how fast a machine is.
    public var stopwatch: @Sendable () -> Int64 = { 0 }
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
        world.gatewayZone = configuration.zone
        _ = world.zones.zone(configuration.zone)
        thinning = Thinning(messagesPerSecond: configuration.limits.homeMessagesPerSecondMax, bytesPerSecond: configuration.limits.homeBytesPerSecondMax)
        try load(rules: rules)
    }

    /// What has been done since the start; for `status` and tests.
    public struct Counts: Sendable, Hashable {
        public var messages = 0
        public var readings = 0
        public var readingsKnown = 0
        /// Events that were said again for the same press, and what a bridge told again when it came back.
        public var repeated = 0
        /// Messages that the broker delivered again although they had been kept.
        public var redelivered = 0
        public var undecodable = 0
        public var strangers = 0
        public var retained = 0
        public var answersIgnored = 0
        public var turns = 0
        public var turnsFailed = 0
        public var alertsNotRaised = 0
        /// Messages set aside because they could not be taken.
        public var quarantined = 0
        /// Readings of homes that said more than they may, in whose place a newer one of the same second was kept.
        public var thinned = 0
    }

    // MARK: The turns

    /// Everything that came due until `instant`.
    public func catchUp(to instant: Instant) throws {
        if let first = deadlines.first(), first.at <= instant {
            do {
                try turn { tx in try runDeadlines(upTo: instant, tx) }
            } catch where StoreProblem(error) == nil {
                isCareful = true
                defer { isCareful = false }
                try turn { tx in try runDeadlines(upTo: instant, tx) }
            }
        }
        advance(to: instant)
    }

    /// The soonest moment at which something has to be done without anybody saying anything.
    public var nextWake: Instant? {
        let notice = world.notices.lazy
            .filter { self.isWaiting($0) }
            .map(\.nextAttemptAt).min()
        return [deadlines.first()?.at, notice, nextWord, nextClearing, nextFeed].compactMap { $0 }.min()
    }

    /// After the process slept or was stopped, deadlines that came due meanwhile must not be run as if
    /// people had had their time to answer: they run now.
    public func resume(at instant: Instant) { advance(to: instant) }

    // MARK: One transaction

    /// Runs `body` in one transaction; memory follows the disk: it is put back when the transaction fails.
    func turn<T>(_ body: (StoreTurn) throws -> T) throws -> T {
        let before = world
        deadlines.keep()
        let countsBefore = counts
        let nowBefore = now
        let toClearBefore = toClear
        let preparedBefore = prepared
        takeBackPrepared()
        deeds = Deeds()
        defer { queuedInTurn.removeAll() }
        consentsOfTurn = 0
        let lineBefore = line
        let quarantineToldBefore = quarantineTold
        let thinnedBefore = thinnedByHome
        let signingBefore = (dayRoot, proofGiving)
        do {
            let result = try store.turn { tx in
                let result = try body(tx)
                try prepareQueued(tx)
                return result
            }
            deadlines.keep()
            counts.turns += 1
            journalOwnClaims()
            if historyGrew { onHistory?() }
            historyGrew = false
            return result
        } catch {
            world = before
            deadlines.undo(to: 0)
            counts = countsBefore
            counts.turnsFailed += 1
            measures.noteFailedTurn(error)
            now = nowBefore
            topics.removeAll()
            shared.removeAll()
            strangersOfTurn.removeAll()
            strangerOrder.removeAll()
            historyGrew = false
            toClear = toClearBefore
            prepared = preparedBefore
            line = lineBefore
            quarantineTold = quarantineToldBefore
            thinnedByHome = thinnedBefore
            (dayRoot, proofGiving) = signingBefore
            erasures = nil
            thinning.held.removeAll()
            thinning.thinned.removeAll()
            output.removeAll(keepingCapacity: false)
            throw error
        }
    }

    func advance(to instant: Instant) { if instant > now { now = instant } }

    /// When a part of a turn is undone.
    func putBack(now before: Instant) { now = before }

    func runDeadlines(upTo limit: Instant, _ tx: StoreTurn) throws {
        guard deadlines.mayBeDue(until: limit) else { return }
        while let (at, key) = deadlines.first(isConsentToo: consentsOfTurn < Self.consentsPerTurnMax), at <= limit {
            advance(to: at)
            if case .consent = key { consentsOfTurn += 1 }
            if !isCareful {
                try run(key, tx)
                continue
            }
            let memory = Memory(self)
            do {
                try tx.savepoint { try run(key, tx) }
            } catch where StoreProblem(error) == nil {
                // One that fails must not hold up the others, nor be taken for a message's fault.
                memory.putBack(self)
                log.critical("What came due could not be done; it is tried again in a minute.", metadata: ["error": "\(type(of: error))"])
                deadlines.set(key, now + .minutes(1))
            }
        }
    }

    private func run(_ key: DeadlineKey, _ tx: StoreTurn) throws {
        switch key {
        case .alert(let id): try alertDue(id, tx)
        case .consent(let id): try consentDue(id, tx)
        case .pause(let id): try pauseDue(id, tx)
        case .mandate(let id): try mandateDue(id, tx)
        case .proposal(let id): try proposalDue(id, tx)
        case .dailyRoot: try signDay(tx)
        case .detector(let key):
            if let held = heldUntil(key) {
                // Only in memory: the row stays, and a restart looks at it again.
                deadlines.set(.detector(key), held)
                return
            }
            if isWindowPaused(key) {
                world.detectors.passOver(key, now: now, into: &output)
            } else {
                world.detectors.due(key, now: now, into: &output)
            }
            // What is due is done with, unless the detector asks to be looked at again.
            if !output.deadlines.contains(where: { $0.key == key }) { try saveDeadline(.detector(key), nil, tx) }
            try takeOver(tx)
        }
    }

    func saveDeadline(_ key: DeadlineKey, _ at: Instant?, _ tx: StoreTurn) throws {
        guard deadlines.at[key] != at else { return }
        deadlines.set(key, at)
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
    func apply(homes: [(name: String, hash: String)], helpers: [(name: String, hash: String)], services: [(name: String, hash: String)]) throws -> Bool
    func newPassword() -> String
    func hash(_ password: String) throws -> String
}

struct StrangerKey: Hashable {
    var home: HomeID
    var address: String
}
