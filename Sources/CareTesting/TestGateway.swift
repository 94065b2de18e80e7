import Audit
import Care
import Devices
import Foundation
import Gateway
import Logging
import MQTT
import Notify
import Store

/// A clock that goes only when it is told to.
public final class ManualClock: @unchecked Sendable, Clock {
    // Protected by `lock`: set by the test, read by whatever thread runs the gateway.
    private let lock = NSLock()
    private var wallNow: Instant
    private var monotonicNow: Int64 = 1_000_000_000

    public init(_ wall: Instant) { wallNow = wall }

    public func wall() -> Instant { lock.withLock { wallNow } }
    public func monotonic() -> Int64 { lock.withLock { monotonicNow } }

    /// Time goes by.
    public func advance(_ span: Span) {
        lock.withLock {
            wallNow = wallNow + span
            monotonicNow += span.milliseconds * 1_000_000
        }
    }
    /// Somebody sets the wall clock; no time goes by.
    public func setWall(_ instant: Instant) { lock.withLock { wallNow = instant } }
}

/// A way out that keeps what was sent, and behaves as the test says.
public final class RecordingOutbound: Outbound {
    public private(set) var publications: [Publication] = []
    public private(set) var posts: [(message: PhoneMessage, notice: NoticeID)] = []
    /// What lies retained, as at a broker: empty payloads take away.
    public private(set) var retained: [String: String] = [:]
    /// The broker takes nothing.
    public var refusesPublications = false
    /// What a phone's server answers.
    public var phoneOutcome: PhoneOutcome = .delivered
    var unanswered: [Int32] = []
    private var number: Int32 = 0

    public init() {}

    public func publish(_ publication: Publication) throws -> Int32 {
        if refusesPublications { throw StoreError("The broker refuses everything.", detail: "test") }
        publications.append(publication)
        if publication.retain { retained[publication.topic] = publication.payload.isEmpty ? nil : publication.payload }
        number += 1
        unanswered.append(number)
        return number
    }
    var unansweredPosts: [NoticeID] = []
    public func post(_ message: PhoneMessage, for notice: NoticeID) {
        posts.append((message, notice))
        unansweredPosts.append(notice)
    }
    /// What a helper's client shows now, by alert.
    public func shown(to helper: String) -> [String] {
        retained.filter { $0.key.hasPrefix("helpers/\(helper)/alerts/") }.sorted { $0.key < $1.key }.map(\.value)
    }
    public func published(to topic: String) -> [String] { publications.filter { $0.topic == topic }.map(\.payload) }
}

/// A whole gateway in virtual time: the real store in a folder of its own, the real turns, a clock that is turned by
/// hand, and a way out that records. Nothing in it waits.
public final class TestGateway {
    /// Read once in a process: a debug build takes a second for all profiles.
    private static let shipped = Result { try Catalogue.load(folder: try SharedFiles().devicesFolder(GatewayConfiguration())) }

    public let clock: ManualClock
    public private(set) var outbound = RecordingOutbound()
    public private(set) var engine: Engine
    public let folder: String
    public let rules: RuleBook
    public let catalogue: Catalogue
    public let settings: GatewayConfiguration
    /// Signs days; nil: none is signed.
    private let auditKey: AuditKey?
    private var store: Store
    /// While it is set, no commit succeeds, for this reason.
    public var storeProblem: StoreProblem? {
        didSet {
            let problem = storeProblem
            store.beforeCommit = problem.map { problem in { throw StoreError(problem.sentence, detail: "test", problem: problem) } }
        }
    }
    private var time: GatewayTime
    private var packetID: UInt16 = 0
    private var sent: [(id: UInt16, topic: String, payload: String)] = []
    public var isBrokerThere = true {
        didSet {
            guard isBrokerThere != oldValue else { return }
            if isBrokerThere { connect() } else { engine.disconnected() }
        }
    }

    /// - Parameters:
    ///   - rules: the text of a rules file.
    ///   - devices: the folder of profiles; nil: the repository's.
    public init(
        rules text: String, at start: Instant = Instant(milliseconds: 1_795_000_000_000), devices: String? = nil,
        settings: GatewayConfiguration = GatewayConfiguration(), isBrokerThere: Bool = true, auditKey: AuditKey? = nil
    ) throws {
        self.auditKey = auditKey
        self.isBrokerThere = isBrokerThere
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-test-\(UUID().uuidString)").path
        clock = ManualClock(start)
        rules = try RuleBook.parse(yaml: text, file: "rules.yaml")
        catalogue = try devices.map { try Catalogue.load(folder: $0) } ?? Self.shipped.get()
        self.settings = settings
        (store, time, engine) = try Self.start(folder, clock, rules, catalogue, settings)
        try begin()
    }

    deinit {
        try? store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func start(
        _ folder: String, _ clock: ManualClock, _ rules: RuleBook, _ catalogue: Catalogue, _ settings: GatewayConfiguration
    ) throws -> (Store, GatewayTime, Engine) {
        let store = try Store(folder: folder)
        let time = GatewayTime(wall: clock.wall(), monotonic: clock.monotonic(), notBefore: try Engine.lastHeartbeat(store))
        var log = Logger(label: "test")
        log.logLevel = .critical
        let engine = try Engine(
            store: store, catalogue: catalogue, rules: rules, configuration: settings, now: time.now(monotonic: clock.monotonic()),
            log: log)
        return (store, time, engine)
    }

    private func begin() throws {
        engine.outbound = outbound
        if let auditKey { try engine.beginAudit(auditKey) }
        if isBrokerThere { connect() }
    }

    /// The broker is there again, and the gateway's own marker has come back.
    private func connect() {
        try? engine.connected(sessionPresent: true)
        try? engine.caughtUp()
    }

    public var now: Instant { time.now(monotonic: clock.monotonic()) }

    /// The process is killed and started again: nothing in memory survives, nothing was said goodbye to.
    public func restart(after away: Span = .zero) throws {
        try store.close()
        clock.advance(away)
        outbound.unanswered.removeAll()
        outbound.unansweredPosts.removeAll()
        (store, time, engine) = try Self.start(folder, clock, rules, catalogue, settings)
        try begin()
        try settle()
    }

    /// One message from a device, or an answer from a helper's client.
    public func publish(_ topic: String, _ payload: String, isRetained: Bool = false) throws {
        // As at a broker: packet ids count up and go round without 0.
        packetID = packetID == .max ? 1 : packetID + 1
        var burst = Burst()
        burst.append(
            topic: topic, payload: Array(payload.utf8), arrivedAtMilliseconds: now.milliseconds, packetID: packetID, qos: 1,
            isRetained: isRetained)
        sent.append((packetID, topic, payload))
        if sent.count > 1_000 { sent.removeFirst(500) }
        try engine.take(burst)
        try settle()
    }

    /// Several messages in one burst.
    public func publish(burst messages: [(topic: String, payload: String)]) throws {
        try engine.take(burst(messages))
        try settle()
    }

    /// Messages as they come from the broker, each with a packet id of its own.
    public func burst(_ messages: [(topic: String, payload: String)]) -> Burst {
        var burst = Burst(burstMessagesMax: .max, burstBytesMax: .max)
        for (topic, payload) in messages {
            packetID = packetID == .max ? 1 : packetID + 1
            burst.append(topic: topic, payload: payload, arrivedAtMilliseconds: now.milliseconds, packetID: packetID)
            sent.append((packetID, topic, payload))
        }
        return burst
    }

    /// The line is cut for so long. What is published meanwhile waits at the broker, and comes when the line is back, with
    /// the gateway's own marker behind it.
    ///
    /// - Parameter sessionPresent: false: the broker has forgotten us, and with us what waited.
    public func cutLine(
        for span: Span, waiting messages: [(topic: String, payload: String)] = [], sessionPresent: Bool = true
    ) throws {
        engine.disconnected()
        try advance(span)
        try engine.connected(sessionPresent: sessionPresent)
        if sessionPresent, !messages.isEmpty { try engine.take(burst(messages)) }
        try publish(Engine.markerTopic, engine.markerPayload)
    }

    /// The broker delivers its last `count` messages again, as after a kill: first, in order, with the old ids.
    public func deliverAgain(_ count: Int) throws {
        var burst = Burst()
        for message in sent.suffix(count) {
            burst.append(topic: message.topic, payload: Array(message.payload.utf8), arrivedAtMilliseconds: now.milliseconds, packetID: message.id, qos: 1)
        }
        try engine.take(burst)
        try settle()
    }

    /// Time goes by, and everything that comes due in it happens in its order.
    public func advance(_ span: Span) throws {
        let end = now + span
        while let next = engine.nextWake, next <= end {
            if next > now { clock.advance(next - now) }
            try engine.catchUp(to: now)
            try settle()
        }
        if end > now { clock.advance(end - now) }
        try engine.catchUp(to: now)
        try settle()
        try engine.keepHouse()
    }

    /// Sends what is due and tells the outcomes, until there is nothing more to send now.
    public func settle() throws {
        try engine.catchUp(to: now)
        for _ in 0..<100 {
            try engine.runOutbox()
            let (published, posted) = (outbound.unanswered, outbound.unansweredPosts)
            outbound.unanswered.removeAll()
            outbound.unansweredPosts.removeAll()
            for number in published { try engine.published(number) }
            for notice in posted { try engine.posted(notice, outbound.phoneOutcome) }
            if published.isEmpty && posted.isEmpty { return }
        }
    }

    /// What a person says; operators may say it for anybody.
    @discardableResult
    public func say(_ command: Command, as person: String? = nil) throws -> Reply {
        engine.resume(at: now)
        let reply = engine.perform(command, by: Caller(uid: 0, actingAs: person.map { PersonID($0) }), operatorUIDs: [0])
        try settle()
        return reply
    }

    /// What somebody says by their own user of the machine, who is no operator.
    @discardableResult
    public func say(_ command: Command, byUser uid: UInt32, as person: String? = nil) throws -> Reply {
        engine.resume(at: now)
        let reply = engine.perform(command, by: Caller(uid: uid, actingAs: person.map { PersonID($0) }), operatorUIDs: [0])
        try settle()
        return reply
    }

    /// What a delegate says for a citizen, by an operator's hand.
    @discardableResult
    public func say(_ command: Command, as person: String, by delegate: String) throws -> Reply {
        engine.resume(at: now)
        let reply = engine.perform(command, by: Caller(uid: 0, actingAs: PersonID(person), delegate: PersonID(delegate)), operatorUIDs: [0])
        try settle()
        return reply
    }

    /// The same without sending anything afterwards, to look at what happens between enqueue and send.
    @discardableResult
    public func sayOnly(_ command: Command, as person: String? = nil) -> Reply {
        engine.resume(at: now)
        return engine.perform(command, by: Caller(uid: 0, actingAs: person.map { PersonID($0) }), operatorUIDs: [0])
    }

    public func read<T>(_ body: (StoreReader) throws -> T) throws -> T { try store.read(body) }

    /// Rows that a test or a measurement begins with; the gateway's memory does not learn of them.
    public func write(_ body: (StoreTurn) throws -> Void) throws { try store.turn { try body($0) } }

    /// What this person takes along: the bytes of a ZIP file. Nil when they may not.
    public func export(as person: String) throws -> [UInt8]? {
        guard let order = ExportOrder(try say(.dataExport(citizen: nil), as: person)) else { return nil }
        var bytes: [UInt8] = []
        try order.write(from: store.exportSource) { frame in if case .bytes(let more) = frame { bytes += more } }
        return bytes
    }
}

/// A street from a seed: the same seed makes the same homes, people, devices and consents.
public struct SeededStreet: Sendable {
    public var homes: [String]
    public var helpers: [String]
    public var coordinator = "carla"

    /// Sets it up in `gateway`: one citizen and `devices` in each home, everybody in Oak Street. Every third
    /// citizen refuses, the others permit their street to come.
    public init(in gateway: TestGateway, homes homeCount: Int, helpers helperCount: Int, seed: UInt64, devices: [String]) throws {
        var random = seed
        func next(_ limit: UInt64) -> UInt64 {
            // SplitMix64 (Steele, Lea and Flood, 2014).
            random &+= 0x9E37_79B9_7F4A_7C15
            var z = random
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return (z ^ (z >> 31)) % limit
        }
        homes = (1...max(1, homeCount)).map { "home-\($0)" }
        helpers = (1...max(1, helperCount)).map { "helper-\($0)" }
        try gateway.say(.circleAdd(circle: "oak-street", title: "Oak Street"))
        try gateway.say(.coordinatorAdd(coordinator: coordinator, name: "Carla Stone", uid: nil, ntfy: nil))
        for (index, helper) in helpers.enumerated() {
            try gateway.say(
                .helperAdd(
                    helper: helper, name: "Helper \(index + 1)", circles: ["oak-street"], uid: nil,
                    latitude: 51 + Double(next(1_000)) / 100_000, longitude: -0.2, hours: [], ntfy: nil))
        }
        for (index, home) in homes.enumerated() {
            try gateway.say(
                .homeAdd(
                    home: home, circle: "oak-street", zone: "Europe/London", address: "\(index + 1) Oak Street",
                    latitude: 51 + Double(next(1_000)) / 100_000, longitude: -0.2))
            let citizen = "citizen-\(index + 1)"
            try gateway.say(.citizenAdd(citizen: citizen, home: home, name: "Citizen \(index + 1)", uid: nil))
            for device in devices { try gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: citizen) }
            let draft = ConsentDraft(
                citizen: nil, to: ["circle:oak-street"], purposes: ["emergency-response"], data: ["everything", "identity"], detail: nil,
                stage: nil, hours: [], from: nil, until: nil)
            try gateway.say(index % 3 == 2 ? .consentRefuse(draft) : .consentGrant(draft), as: citizen)
        }
    }
}
