import Care
import Foundation
import MQTT
import Store

/// How long after an SOS was published the helper's client has the offer.
///
/// Idle, beside what has to be waited for at least: the broker's own way between the same two clients, and one commit
/// on the same disk, both measured in turns with it. Then the same while many homes say five thousand messages
/// a second.
struct Latency {
    static let tries = 500
    static let busyPerSecond = 5_000

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] {
        let place = try Place(binaries: binaries)
        defer { place.close() }
        let scheme = Scheme()
        let file = place.folder + "/scheme.sqlite"
        say("Making \(scheme.homes) homes …")
        try scheme.make(at: file, helper: place.helper)
        try Scheme.lay(file, in: place)
        try place.startGateway()
        try place.waitForStatus { $0["connected"] == .bool(true) }
        let disk = try Disk(folder: place.folder + "/scratch")
        var idle: [Presses] = []
        var busy: [Presses] = []
        var perSecond: [Double] = []
        for run in 0..<runs {
            let quiet = try Presses.measure(place, tries: Self.tries, homes: Scheme.sosHomes, disk: disk)
            idle.append(quiet)
            let traffic = try Traffic(place, perSecond: Self.busyPerSecond) { scheme.message($0) }
            // Only this much later is it traffic that flows, and not one that begins.
            sleep(1)
            let loud = try Presses.measure(place, tries: Self.tries, homes: Scheme.sosHomes)
            busy.append(loud)
            perSecond.append(traffic.stop())
            say(
                "latency, run \(run + 1): idle p99 \(milliseconds(percentile(quiet.offers, 0.99))) ms, busy p99 "
                    + "\(milliseconds(percentile(loud.offers, 0.99))) ms at \(Int(perSecond[run])) messages/s")
        }
        func figure(_ name: String, _ unit: String, _ digits: Int, wanted: String? = nil, _ value: (Presses) -> Double) -> Figure {
            Figure(key: "latency.idle.\(name)", values: idle.map(value), unit: unit, digits: digits, wanted: wanted)
        }
        return [
            figure("p99Ratio", "", 2, wanted: "at most 1: offer to 3 × (broker and commit)") {
                percentile($0.offers, 0.99) / (3 * percentile($0.least, 0.99))
            },
            figure("p50Ratio", "", 2) { percentile($0.offers, 0.5) / (3 * percentile($0.least, 0.5)) },
            figure("p50Milliseconds", "ms", 3) { percentile($0.offers, 0.5) / 1e6 },
            figure("p99Milliseconds", "ms", 3) { percentile($0.offers, 0.99) / 1e6 },
            figure("brokerP50Milliseconds", "ms", 3) { percentile($0.broker, 0.5) / 1e6 },
            figure("brokerP99Milliseconds", "ms", 3) { percentile($0.broker, 0.99) / 1e6 },
            figure("commitP50Milliseconds", "ms", 3) { percentile($0.commits, 0.5) / 1e6 },
            figure("commitP99Milliseconds", "ms", 3) { percentile($0.commits, 0.99) / 1e6 },
            Figure(
                key: "latency.busy.p99ToIdle", values: zip(busy, idle).map { percentile($0.offers, 0.99) / percentile($1.offers, 0.99) },
                unit: "", digits: 2, wanted: "at most 3"),
            Figure(key: "latency.busy.p50Milliseconds", values: busy.map { percentile($0.offers, 0.5) / 1e6 }, unit: "ms", digits: 3),
            Figure(key: "latency.busy.p99Milliseconds", values: busy.map { percentile($0.offers, 0.99) / 1e6 }, unit: "ms", digits: 3),
            Figure(key: "latency.busy.brokerP99Milliseconds", values: busy.map { percentile($0.broker, 0.99) / 1e6 }, unit: "ms", digits: 3),
            Figure(key: "latency.busy.messagesPerSecond", values: perSecond, unit: "messages/s"),
        ]
    }

    private func milliseconds(_ nanoseconds: Double) -> String { String(format: "%.2f", nanoseconds / 1e6) }
}

/// How long another home's SOS takes while one home publishes as fast as the broker lets it.
struct Flood {
    static let presses = 50

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] {
        let place = try Place(binaries: binaries)
        defer { place.close() }
        let scheme = Scheme()
        let file = place.folder + "/scheme.sqlite"
        say("Making \(scheme.homes) homes …")
        try scheme.make(at: file, helper: place.helper)
        try Scheme.lay(file, in: place)
        try place.startGateway()
        try place.waitForStatus { $0["connected"] == .bool(true) }
        var without: [Presses] = []
        var with: [Presses] = []
        var perSecond: [Double] = []
        for run in 0..<runs {
            without.append(try Presses.measure(place, tries: Self.presses, homes: 1))
            // One home, one device: the kitchen of home-0 says a new value each time.
            let flood = try Traffic(place, perSecond: nil) { scheme.message($0 * scheme.homes * scheme.devicesPerHome) }
            sleep(1)
            with.append(try Presses.measure(place, tries: Self.presses, homes: 1))
            perSecond.append(flood.stop())
            say(
                "flood, run \(run + 1): p99 \(milliseconds(percentile(without[run].offers, 0.99))) ms without, "
                    + "\(milliseconds(percentile(with[run].offers, 0.99))) ms with \(Int(perSecond[run])) messages/s")
            try place.waitForBrokersSave()
        }
        var figures: [Figure] = []
        for (name, part) in [("p50", 0.5), ("p99", 0.99), ("max", 1)] {
            for (kind, presses) in [("without", without), ("with", with)] {
                figures.append(
                    Figure(key: "flood.\(kind).\(name)Milliseconds", values: presses.map { percentile($0.offers, part) / 1e6 }, unit: "ms", digits: 2))
            }
        }
        figures.append(
            Figure(
                key: "flood.p99DifferenceMilliseconds",
                values: zip(with, without).map { (percentile($0.offers, 0.99) - percentile($1.offers, 0.99)) / 1e6 }, unit: "ms", digits: 2,
                wanted: "at most 100"))
        figures.append(Figure(key: "flood.with.brokerP99Milliseconds", values: with.map { percentile($0.broker, 0.99) / 1e6 }, unit: "ms", digits: 2))
        figures.append(Figure(key: "flood.messagesPerSecond", values: perSecond, unit: "messages/s"))
        return figures
    }

    private func milliseconds(_ nanoseconds: Double) -> String { String(format: "%.2f", nanoseconds / 1e6) }
}

/// One button after the other is pressed and cancelled. Nanoseconds.
struct Presses {
    var offers: [Double] = []
    /// The broker's own way between the same two clients.
    var broker: [Double] = []
    /// One row in a database of its own, flushed.
    var commits: [Double] = []
    /// Broker and commit, in the order in which they were measured.
    var least: [Double] { zip(broker, commits).map { $0 + $1 } }

    static func measure(_ place: Place, tries: Int, homes: Int, disk: Disk? = nil) throws -> Presses {
        let button = try Client("bench-button", place.login, place.port)
        let phone = try Client("bench-phone", place.helper, place.port, filters: ["helpers/\(place.helper.user)/alerts/#"])
        defer {
            button.leave()
            phone.leave()
        }
        // One level more than an offer has: the gateway does not listen there, the helper may.
        let echo = "helpers/\(place.helper.user)/alerts/bench/echo"
        var presses = Presses()
        for i in 0..<tries {
            let sent = try button.publishNow(echo, Scheme.sosPayload)
            presses.broker.append(Double(try phone.wait { $0.topic == echo }.nanoseconds - sent))
            try button.settle()
            if let disk { presses.commits.append(try disk.commit()) }
            // The gateway writes down how the words before have fared. Nobody presses twice in so short a time.
            usleep(10_000)

            let home = i % homes
            let pressed = try button.publishNow(Scheme.sosTopic(home), Scheme.sosPayload)
            let offer = try phone.wait { $0.topic != echo && !$0.payload.isEmpty }
            presses.offers.append(Double(offer.nanoseconds - pressed))
            // The citizen cancels, so that each try is a new alert and none is one of hundreds.
            let alert = offer.topic.split(separator: "/").last ?? ""
            _ = try button.publishNow(Scheme.cancelTopic(home), Scheme.cancelPayload(String(alert)))
            _ = try phone.wait { $0.topic == offer.topic && $0.payload.isEmpty }
            try button.settle()
        }
        return presses
    }
}

/// A database beside the gateway's, with the same settings.
final class Disk {
    private let store: Store
    private var count = 0

    init(folder: String) throws { store = try Store(folder: folder) }
    deinit { try? store.close() }

    /// - Returns: nanoseconds of one transaction of one row.
    func commit() throws -> Double {
        count += 1
        let began = MQTTClient.systemMonotonicNanoseconds()
        try store.turn { try $0.setMeta("bench", "\(count)") }
        return Double(MQTTClient.systemMonotonicNanoseconds() - began)
    }
}

/// What other devices say meanwhile, from a thread and a client of its own.
///
/// `@unchecked Sendable`: `isWanted` and `perSecond` are behind the lock, the rest never changes.
private final class Traffic: @unchecked Sendable {
    private let lock = NSLock()
    private var isWanted = true
    private var perSecond = 0.0
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameter perSecond: nil: as many as the broker confirms.
    init(_ place: Place, perSecond: Int?, _ message: @escaping @Sendable (Int) -> (topic: String, payload: [UInt8])) throws {
        let (login, port) = (place.login, place.port)
        Thread.detachNewThread { [self] in
            defer { ended.signal() }
            guard let client = try? Client("bench-traffic", login, port) else { return }
            let began = MQTTClient.systemMonotonicNanoseconds()
            var i = 0
            while lock.withLock({ isWanted }) {
                // Ticks of two milliseconds: a message at a time would be a wait of 200 µs, which no sleep keeps.
                let due = perSecond.map { Int(Double(MQTTClient.systemMonotonicNanoseconds() - began) / 1e9 * Double($0)) } ?? i + 500
                while i < due {
                    let (topic, payload) = message(i)
                    guard (try? client.publish(topic, payload)) != nil else { return }
                    i += 1
                }
                client.flush()
                if perSecond != nil { usleep(2_000) }
            }
            let seconds = Double(MQTTClient.systemMonotonicNanoseconds() - began) / 1e9
            lock.withLock { self.perSecond = Double(client.confirmedCount) / seconds }
            try? client.settle()
            client.leave()
        }
    }

    /// - Returns: how many messages a second the broker confirmed.
    func stop() -> Double {
        lock.withLock { isWanted = false }
        ended.wait()
        return lock.withLock { perSecond }
    }
}
