import Care
import Devices
import Foundation

/// What it costs to understand one message, convention by convention, and whether that grows with what devices have announced.
///
/// As in the gateway, routes are looked up once and payloads stand in memory already; nothing is stored.
struct Decode {
    /// Of each run; the run's value is their median, so that what else the machine does counts for nothing.
    static let rounds = 200
    static let announcedRounds = 30
    static let announcedMessages = 10_000
    static let nanosecondsMax = 4_000

    let folder: String
    let runs: Int
    let say: (String) -> Void
    private let catalogue: Catalogue

    init(folder: String, runs: Int, say: @escaping (String) -> Void) throws {
        (self.folder, self.runs, self.say) = (folder, runs, say)
        catalogue = try Catalogue.load(folder: folder)
    }

    struct Message {
        var payload: [UInt8]
        var arrivedAt: Instant
        var routes: [Route]
    }

    func measure() throws -> (figures: [Figure], skipped: [String]) {
        var figures: [Figure] = []
        var skipped: [String] = []
        for convention in Catalogue.conventionNames {
            let messages = samples(of: convention)
            if messages.isEmpty {
                skipped.append("decode.\(convention) was skipped: it has no sample that is a message of a device.")
                continue
            }
            let values = (0..<runs).map { _ in
                median(rounds: Self.rounds) { readings in
                    for message in messages { decode(message, into: &readings) }
                } / Double(messages.count)
            }
            figures.append(Figure(key: "decode.\(convention).nanosecondsPerMessage", values: values, unit: "ns"))
            say("decode: \(convention), \(messages.count) samples: \(Int(values.last ?? 0)) ns a message")
        }
        for count in [10, 10_000] {
            guard let (devices, how) = DecodeAnnounced(catalogue).devices(count) else {
                skipped.append("decode.announced\(count) was skipped: no convention takes announcements of \(count) devices.")
                continue
            }
            let values = try (0..<runs).map { _ in try nanoseconds(devices) }
            figures.append(
                Figure(
                    key: "decode.announced\(count).nanosecondsPerMessage", values: values, unit: "ns",
                    wanted: count == 10_000 ? "at most \(Self.nanosecondsMax)" : nil))
            say("decode: \(count) devices, announced \(how): \(Int(values.last ?? 0)) ns a message")
        }
        return (figures, skipped)
    }

    /// The samples that are messages of devices, with what was announced before them. What only announces is not said often.
    private func samples(of convention: String) -> [Message] {
        catalogue.sampleMessages.filter { $0.convention == convention }.compactMap { sample in
            var announced = Announced()
            for (topic, payload) in sample.before {
                for route in catalogue.routes(topicBelowHome: topic, announced) where route.role == .announcement {
                    _ = payload.withUnsafeBytes { announced.take(route, topic: topic, payload: $0, catalogue, topics: HomeTopics(home: nil)) }
                }
            }
            let routes = catalogue.routes(topicBelowHome: sample.topic, announced).filter { $0.role != .announcement && $0.role != .ignored }
            return routes.isEmpty ? nil : Message(payload: sample.payload, arrivedAt: sample.arrivedAt, routes: routes)
        }
    }

    private func decode(_ message: Message, into readings: inout [DecodedReading]) {
        readings.removeAll(keepingCapacity: true)
        message.payload.withUnsafeBytes { payload in
            for route in message.routes {
                if route.role == .shared {
                    guard let own = catalogue.route(route, payload: payload) else { continue }
                    _ = catalogue.decode(own, payload: payload, arrivedAt: message.arrivedAt, into: &readings)
                } else {
                    _ = catalogue.decode(route, payload: payload, arrivedAt: message.arrivedAt, into: &readings)
                }
            }
        }
    }

    /// A message of one device after the other, far apart in memory, each found by its topic.
    private func nanoseconds(_ devices: [(topic: String, routes: [Route])]) throws -> Double {
        let byTopic = Dictionary(devices.map { ($0.topic, $0.routes) }) { first, _ in first }
        let payload = Array(DecodeAnnounced.message.utf8)
        let arrivedAt = Instant(milliseconds: 1_767_225_600_000)
        var place = 0
        var given = 0
        let value = median(rounds: Self.announcedRounds) { readings in
            for _ in 0..<Self.announcedMessages {
                place = (place + 7_919) % devices.count
                guard let routes = byTopic[devices[place].topic] else { continue }
                decode(Message(payload: payload, arrivedAt: arrivedAt, routes: routes), into: &readings)
                given += readings.count
            }
        }
        // Whoever decodes nothing is quick.
        guard given >= Self.announcedRounds * Self.announcedMessages * DecodeAnnounced.quantities else {
            throw DecodeProblem(description: "Announced devices gave \(given) readings, which is too few.")
        }
        return value / Double(Self.announcedMessages)
    }

    /// Nanoseconds of a round.
    private func median(rounds: Int, _ round: (inout [DecodedReading]) -> Void) -> Double {
        var readings: [DecodedReading] = []
        readings.reserveCapacity(256)
        round(&readings)
        return percentile((0..<rounds).map { _ in
            let began = DispatchTime.now().uptimeNanoseconds
            round(&readings)
            return Double(DispatchTime.now().uptimeNanoseconds - began)
        }, 0.5)
    }
}

/// Why nothing could be measured. One sentence.
struct DecodeProblem: Error, CustomStringConvertible { var description: String }
