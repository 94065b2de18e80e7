import Care
import Devices
import Logging
import MQTT
import Store

/// A recording run through the same turns in virtual time: without a broker, telling nobody, at full speed.
///
/// It is how rules are tried before they wake people up. The recording's homes and devices are taken as added
/// and claimed from their first message on; an alert that nobody can answer counts as ended after a while, so
/// that the next one is seen.
public final class Replay {
    private let engine: Engine
    private let store: Store
    private var burst: Burst
    private var last: Instant?
    public private(set) var linesOutOfOrder = 0

    /// - Parameters:
    ///   - folder: a data folder of its own.
    ///   - zone: whose clocks the recording's homes live by.
    ///   - burstMessagesMax: messages in one turn; the outcome is the same whatever it is.
    public init(
        folder: String, rules: RuleBook, catalogue: Catalogue, zone: String, assumeEndedAfter: Span, burstMessagesMax: Int,
        startsAt: Instant
    ) throws {
        store = try Store(folder: folder, isDurable: false)
        var configuration = GatewayConfiguration()
        configuration.zone = zone
        configuration.limits.homesMax = 100_000
        var log = Logger(label: "replay")
        log.logLevel = .error
        engine = try Engine(
            store: store, catalogue: catalogue, rules: rules, configuration: configuration, now: startsAt, log: log)
        engine.replayZone = zone
        engine.assumeEndedAfter = assumeEndedAfter
        burst = Burst(burstMessagesMax: max(1, burstMessagesMax))
    }

    /// One message. A time before the one before it is taken as that one's: time only goes forward.
    public func add(at: Instant, topic: String, payload: [UInt8]) throws {
        var instant = at
        if let last, at < last {
            instant = last
            linesOutOfOrder += 1
        }
        last = instant
        burst.append(
            topic: topic, payload: payload, arrivedAtMilliseconds: instant.milliseconds, packetID: 0, qos: 1, isRetained: false)
        if burst.isFull { try flush() }
    }

    private func flush() throws {
        guard !burst.isEmpty else { return }
        try engine.take(burst)
        burst.removeAll()
    }

    /// What it came to. Alerts in the order in which they were raised.
    public struct Summary {
        public var counts: Engine.Counts
        public var homes: Int
        public var first: Instant?
        public var last: Instant?
        public var alerts: [Alert]
        public var problems: [(convention: String, reason: String, messages: Int64)]
    }

    public func finish(first: Instant?) throws -> Summary {
        try flush()
        if let last { try engine.catchUp(to: last) }
        let (alerts, problems) = try store.read { (try $0.allAlerts(), try $0.undecodable(home: nil)) }
        var byReason: [(convention: String, reason: String, messages: Int64)] = []
        for problem in problems {
            if let i = byReason.firstIndex(where: { $0.convention == problem.convention && $0.reason == problem.reason }) {
                byReason[i].messages += problem.messages
            } else {
                byReason.append((problem.convention, problem.reason, problem.messages))
            }
        }
        return Summary(
            counts: engine.counts, homes: engine.world.homes.count, first: first, last: last, alerts: alerts, problems: byReason)
    }

    public func close() throws { try store.close() }
}

extension Engine {
    /// Adds the home and claims the device of a topic that is heard for the first time.
    func admitForReplay(_ topic: String, _ tx: StoreTurn) throws {
        let levels = topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard levels.count == 3, levels[0] == "homes", let zone = replayZone, !levels[2].hasPrefix("caring/"),
            let route = catalogue.route(topicBelowHome: String(levels[2])), route.isDevice
        else { return }
        let id = HomeID(String(levels[1]))
        if world.homes[id] == nil {
            _ = world.zones.zone(zone)
            let home = Home(id: id, circle: nil, zone: zone, address: nil, position: nil, addedAt: now)
            let person = Person(id: PersonID(id.name + ".citizen"), kind: .citizen, name: id.name, home: id, addedAt: now)
            try tx.save(home)
            try tx.save(person)
            world.homes[id] = home
            world.people[person.id] = person
            world.detectors.addHome(id, zone: world.zone(of: id), at: now, into: &output)
        }
        guard world.device(id, route.device) == nil else { return }
        let device = Device(
            id: DeviceID(Int32(truncatingIfNeeded: try tx.next("device"))), home: id, address: route.device, convention: route.convention,
            expected: route.expected, citizens: [PersonID(id.name + ".citizen")], claimedAt: now)
        try tx.save(device)
        world.put(device)
        watch(device)
        try takeOver(tx)
    }
}
