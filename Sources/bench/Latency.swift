import Foundation
import MQTT

/// How long after an SOS was published the helper's client has the offer, as a ratio to what the broker alone
/// takes between the same two clients. The two are measured in turns, 500 times each.
struct Latency {
    static let tries = 500
    static let busyPerSecond = 200

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] {
        let place = try Place(binaries: binaries)
        defer { place.close() }
        let scheme = place.folder + "/scheme.sqlite"
        say("Making \(Scheme.homes) homes …")
        try Scheme.make(at: scheme, helper: place.helper)
        try Scheme.lay(scheme, in: place)
        try place.startGateway()
        try place.waitForStatus { $0["connected"] == .bool(true) }
        var figures: [Figure] = []
        for kind in ["idle", "busy"] {
            var results: [Result] = []
            for run in 0..<runs {
                let traffic = kind == "busy" ? Traffic(place) : nil
                defer { traffic?.stop() }
                let result = try tryAll(place)
                results.append(result)
                say("latency \(kind), run \(run + 1): p50 \(milliseconds(result.p50)) ms, p99 \(milliseconds(result.p99)) ms")
            }
            func figure(_ name: String, _ unit: String, _ digits: Int, _ value: (Result) -> Double) -> Figure {
                Figure(key: "latency.\(kind).\(name)", values: results.map(value), unit: unit, digits: digits)
            }
            figures += [
                figure("p50Ratio", "", 2) { $0.p50 / $0.brokerP50 },
                figure("p99Ratio", "", 2) { $0.p99 / $0.brokerP99 },
                figure("p50Milliseconds", "ms", 3) { $0.p50 / 1e6 },
                figure("p99Milliseconds", "ms", 3) { $0.p99 / 1e6 },
                figure("brokerP50Milliseconds", "ms", 3) { $0.brokerP50 / 1e6 },
                figure("brokerP99Milliseconds", "ms", 3) { $0.brokerP99 / 1e6 },
            ]
        }
        return figures
    }

    private func milliseconds(_ nanoseconds: Double) -> String { String(format: "%.2f", nanoseconds / 1e6) }

    /// Nanoseconds.
    private struct Result {
        var offers: [Double] = []
        var broker: [Double] = []
        var p50: Double { percentile(offers, 0.5) }
        var p99: Double { percentile(offers, 0.99) }
        var brokerP50: Double { percentile(broker, 0.5) }
        var brokerP99: Double { percentile(broker, 0.99) }
    }

    private func tryAll(_ place: Place) throws -> Result {
        let button = try Client("bench-button", place.login, place.port)
        let phone = try Client("bench-phone", place.helper, place.port, filters: ["helpers/\(place.helper.user)/alerts/#"])
        defer {
            button.leave()
            phone.leave()
        }
        // One level more than an offer has: the gateway does not listen there, the helper may.
        let echo = "helpers/\(place.helper.user)/alerts/bench/echo"
        var result = Result()
        for i in 0..<Self.tries {
            let sent = try button.publishNow(echo, Scheme.sosPayload)
            result.broker.append(Double(try phone.wait { $0.topic == echo }.nanoseconds - sent))
            try button.settle()

            let home = i % Scheme.sosHomes
            let pressed = try button.publishNow(Scheme.sosTopic(home), Scheme.sosPayload)
            let offer = try phone.wait { $0.topic != echo && !$0.payload.isEmpty }
            result.offers.append(Double(offer.nanoseconds - pressed))
            // The citizen cancels, so that each try is a new alert and none is one of hundreds.
            let alert = offer.topic.split(separator: "/").last ?? ""
            _ = try button.publishNow("homes/sos-\(home)/caring/answers", Array(#"{"alert":"\#(alert)","answer":"cancel"}"#.utf8))
            _ = try phone.wait { $0.topic == offer.topic && $0.payload.isEmpty }
            try button.settle()
        }
        return result
    }
}

/// What all the other devices say meanwhile, from a thread and a client of its own.
///
/// `@unchecked Sendable`: `isWanted` is behind the lock, the rest never changes.
private final class Traffic: @unchecked Sendable {
    private let lock = NSLock()
    private var isWanted = true
    private let ended = DispatchSemaphore(value: 0)

    init(_ place: Place) {
        let (login, port) = (place.login, place.port)
        Thread.detachNewThread { [self] in
            defer { ended.signal() }
            guard let client = try? Client("bench-traffic", login, port) else { return }
            let pause = 1_000_000_000 / Int64(Latency.busyPerSecond)
            var next = MQTTClient.systemMonotonicNanoseconds()
            var i = 0
            while lock.withLock({ isWanted }) {
                let message = Scheme.message(i)
                guard (try? client.publishNow(message.topic, message.payload)) != nil else { return }
                i += 1
                next += pause
                let wait = next - MQTTClient.systemMonotonicNanoseconds()
                if wait > 0 { usleep(useconds_t(wait / 1_000)) }
                if i % 10 == 0 { try? client.settle() }
            }
            client.leave()
        }
    }

    func stop() {
        lock.withLock { isWanted = false }
        ended.wait()
    }
}
