import Foundation
import Logging
import MQTT
import Synchronization

/// What a publisher says.
enum Kind: UInt8, CaseIterable, Sendable {
    /// A number that only goes up: `vitals/heart-rate`.
    case numbered
    /// Few values again and again, and now and then a number that only goes up: `vitals/body-weight`.
    case repeated
    /// Always the same bytes: `motion/hall`.
    case movement
    /// The SOS button, always the same bytes too.
    case press
    /// Nothing that a convention understands: `vitals/glucose`.
    case undecodable
    /// Something that makes a turn fail, or the process die. Both on `vitals/glucose`.
    case poisonThrow, poisonKill

    var address: String {
        switch self {
        case .numbered: "vitals/heart-rate"
        case .repeated: "vitals/body-weight"
        case .movement: "motion/hall"
        // Not a Zigbee one: of those several telegrams within seconds are one press.
        case .press: "senml/pendant"
        case .undecodable, .poisonThrow, .poisonKill: "vitals/glucose"
        }
    }

    /// The quantity of the series that it becomes; nil for what becomes none.
    var quantity: String? {
        switch self {
        case .numbered: "heart_rate"
        case .repeated: "body_weight"
        case .movement: "motion"
        case .press: "sos"
        case .undecodable, .poisonThrow, .poisonKill: nil
        }
    }

    static let addresses = [Kind.numbered, .repeated, .movement, .press, .undecodable].map(\.address)

    func payload(_ value: Int) -> String {
        switch self {
        case .numbered, .repeated, .movement: "\(value)"
        case .press: #"[{"n":"sos","vb":true}]"#
        case .undecodable: "about \(value)"
        case .poisonThrow: "poison-throw \(value)"
        case .poisonKill: "poison-kill \(value)"
        }
    }
}

/// What a home's devices say: a client of its own, with the home's login, on a thread of its own.
final class Publisher: Sendable {
    /// One message, by its number in `sent`.
    struct Sent: Sendable {
        var kind: Kind
        var value: Int32
        /// When the broker acknowledged it, milliseconds of the run; nil where it never did.
        var acknowledgedAt: Int32?
    }

    /// What sort of home it is.
    enum Home: Sendable {
        /// Everything.
        case mixed
        /// Nothing but the same bytes, and many of them: what tells a redelivered message from a new one has least to
        /// go by here.
        case uniform
        /// Silent until a flood is ordered, then as fast as it can.
        case flooding
    }

    let number: Int
    let home: String
    let sort: Home

    struct State: Sendable {
        var sent: [Sent] = []
        var orders: [(kind: Kind, count: Int)] = []
        var isFinishing = false
        var hasFinished = false
        var problem: String?
    }
    private let state = Mutex(State())

    init(number: Int, home: String, sort: Home) {
        self.number = number
        self.home = home
        self.sort = sort
    }

    /// Besides what it says by itself.
    func order(_ kind: Kind, count: Int = 1) { state.withLock { $0.orders.append((kind, count)) } }
    /// Nothing new; what waits is still sent.
    func finish() { state.withLock { $0.isFinishing = true } }
    var hasFinished: Bool { state.withLock { $0.hasFinished } }
    var problem: String? { state.withLock { $0.problem } }
    var sent: [Sent] { state.withLock { $0.sent } }

    func start(port: Int, password: String, seed: UInt64, clock: RunClock) {
        Thread.detachNewThread { [self] in
            do {
                var work = try PublisherWork(self, port: port, password: password, seed: seed, clock: clock)
                try work.run()
            } catch {
                state.withLock { $0.problem = "\(home): \(error)" }
            }
            state.withLock { $0.hasFinished = true }
        }
    }

    fileprivate func takeOrders() -> (orders: [(kind: Kind, count: Int)], isFinishing: Bool) {
        state.withLock { state in
            defer { state.orders.removeAll() }
            return (state.orders, state.isFinishing)
        }
    }
    fileprivate func began(_ kind: Kind, _ value: Int32) { state.withLock { $0.sent.append(Sent(kind: kind, value: value)) } }
    fileprivate func acknowledged(_ number: Int, at milliseconds: Int) {
        state.withLock { $0.sent[number].acknowledgedAt = Int32(clamping: milliseconds) }
    }
}

/// The thread of one publisher.
private struct PublisherWork {
    /// Unacknowledged at once.
    static let windowMax = 500

    private let publisher: Publisher
    private let client: MQTTClient
    private let clock: RunClock
    private var chance: SplitMix64
    private var lastNumber = 1_000
    private var lastSpecial = 0
    private var published = 0
    private var waiting: [(kind: Kind, value: Int32)] = []
    private var next = 0
    /// By the client's message id, in the order of publishing.
    private var underWay: [(mid: Int32, number: Int)] = []
    private var nextBurstAt = 0
    private var nextPressAt = 0

    init(_ publisher: Publisher, port: Int, password: String, seed: UInt64, clock: RunClock) throws {
        self.publisher = publisher
        self.clock = clock
        chance = SplitMix64.branch(seed, 100 + UInt64(publisher.number))
        var configuration = MQTTConfiguration(clientID: "torture-\(publisher.home)")
        configuration.port = port
        configuration.username = publisher.home
        configuration.password = password
        configuration.sessionExpirySeconds = 0
        configuration.reconnectDelayFirstMilliseconds = 20
        configuration.reconnectDelayMaxMilliseconds = 300
        configuration.publishQueueMax = Self.windowMax
        client = try MQTTClient(configuration, logger: Logger(label: "torture") { _ in SwiftLogNoOpLogHandler() })
        nextPressAt = chance.pick(500...3_000)
    }

    mutating func run() throws {
        while true {
            let (orders, isFinishing) = publisher.takeOrders()
            for order in orders { for _ in 0..<order.count { add(order.kind) } }
            if !isFinishing { speak() }
            try send()
            for event in client.pass(timeoutMilliseconds: waiting.count > next ? 2 : 15, handOver: { _ in }) { try take(event) }
            if isFinishing && next == waiting.count && underWay.isEmpty && orders.isEmpty {
                client.disconnect()
                return
            }
        }
    }

    /// Bursts with pauses between them, as a hub sends that has been asked for everything.
    private mutating func speak() {
        let now = clock.milliseconds
        guard publisher.sort != .flooding, now >= nextBurstAt else { return }
        // A broker that is away is not waited for with ever more.
        if waiting.count - next < 2_000 {
            for _ in 0..<chance.pick(1...150) { add(publisher.sort == .uniform ? .movement : usualKind()) }
        }
        nextBurstAt = now + (publisher.sort == .uniform ? chance.pick(50...400) : chance.pick(50...1_500))
        if now >= nextPressAt {
            add(.press)
            nextPressAt = now + chance.pick(2_000...12_000)
        }
    }

    private mutating func usualKind() -> Kind {
        switch chance.pick(0...999) {
        case 0...399: .numbered
        case 400...749: .repeated
        case 750...996: .movement
        default: .undecodable
        }
    }

    private mutating func add(_ kind: Kind) {
        let value: Int
        switch kind {
        case .numbered:
            lastNumber += 1
            value = lastNumber
        case .repeated where chance.happens(percent: 12):
            lastNumber += 1
            value = lastNumber
        case .repeated: value = chance.pick(60...62)
        case .movement, .press: value = 1
        case .undecodable, .poisonThrow, .poisonKill:
            lastSpecial += 1
            value = publisher.number * 1_000_000 + lastSpecial
        }
        waiting.append((kind, Int32(value)))
    }

    private mutating func send() throws {
        while next < waiting.count, underWay.count < Self.windowMax, client.isConnected {
            let (kind, value) = waiting[next]
            let mid: Int32
            do {
                mid = try client.publish(
                    topic: Topic("homes/\(publisher.home)/\(kind.address)"), payload: kind.payload(Int(value)), qos: 1,
                    contentType: Mark(publisher: publisher.number, number: published).text)
            } catch MQTTFailure.notConnected {
                return
            }
            publisher.began(kind, value)
            underWay.append((mid, published))
            published += 1
            next += 1
        }
        if next == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            next = 0
        }
    }

    private mutating func take(_ event: MQTTEvent) throws {
        switch event {
        case .published(let mid):
            // The broker answers in order, so it is nearly always the first.
            guard let place = underWay.firstIndex(where: { $0.mid == mid }) else { return }
            publisher.acknowledged(underWay.remove(at: place).number, at: clock.milliseconds)
        case .publishRefused(_, let code): throw TortureProblem("The broker refused a message of \(publisher.home) (reason \(code)).")
        case .disconnected, .takenOver, .brokenOff:
            // Nobody knows what became of these: said again, as devices do, and for the account another message.
            let sent = publisher.sent
            waiting.insert(contentsOf: underWay.map { (sent[$0.number].kind, sent[$0.number].value) }, at: next)
            underWay.removeAll()
        case .connected, .subscribed, .subscriptionRefused, .connectionRefused, .unreachable: break
        }
    }
}
