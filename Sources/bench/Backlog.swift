import Care
import Foundation
import MQTT
import Store

/// What a message costs in a drain, by how many homes there are. The same number of messages each time; one device
/// a home, which has spoken before, so that no series is new.
struct Flat {
    static let homes = [10, 1_000, 10_000, 100_000]
    static let messages = 200_000

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] {
        var microseconds: [Int: [Double]] = [:]
        for run in 0..<runs {
            for homes in run % 2 == 0 ? Self.homes : Self.homes.reversed() {
                let cost = try measure(homes)
                microseconds[homes, default: []].append(cost)
                say("flat, run \(run + 1): \(homes) homes, \(String(format: "%.2f", cost)) microseconds a message")
            }
        }
        let figures = Self.homes.map {
            Figure(key: "flat.homes\($0).microsecondsPerMessage", values: microseconds[$0] ?? [], unit: "µs", digits: 2)
        }
        let ratios = zip(microseconds[Self.homes.last ?? 0] ?? [], microseconds[Self.homes.first ?? 0] ?? []).map { $0 / $1 }
        return figures + [Figure(key: "flat.mostHomesToFewest", values: ratios, unit: "", digits: 2, wanted: "1")]
    }

    private func measure(_ homes: Int) throws -> Double {
        let place = try Place(binaries: binaries)
        defer { place.close() }
        let scheme = Scheme(homes: homes, devicesPerHome: 1)
        let file = place.folder + "/scheme.sqlite"
        try scheme.make(at: file, helper: place.helper)
        try Scheme.lay(file, in: place)
        let drain = Drain(binaries: binaries, runs: 1, say: say)
        _ = try drain.drainGateway(place, scheme, messages: homes)
        place.stopGateway()
        let taken = try drain.drainGateway(place, scheme, messages: Self.messages)
        return taken.seconds * 1e6 / Double(Self.messages)
    }
}

/// The most memory that the gateway takes while it drains two million messages, after the first and after both.
struct Memory {
    static let messages = 2_000_000

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] {
        var half: [Double] = []
        var all: [Double] = []
        for run in 0..<runs {
            let place = try Place(binaries: binaries)
            defer { place.close() }
            let scheme = Scheme()
            let file = place.folder + "/scheme.sqlite"
            try scheme.make(at: file, helper: place.helper)
            try Scheme.lay(file, in: place)
            var peakAtHalf: Double?
            _ = try Drain(binaries: binaries, runs: 1, say: say).drainGateway(place, scheme, messages: Self.messages) { place in
                guard peakAtHalf == nil, let status = try? place.status(), status["messages"]?.int ?? 0 >= Self.messages / 2 else { return }
                peakAtHalf = try place.gateway?.peakMiB()
            }
            guard let gateway = place.gateway, let peakAtHalf else { throw BenchProblem(description: "The drain was over before it was looked at.") }
            half.append(peakAtHalf)
            all.append(try gateway.peakMiB())
            say("memory, run \(run + 1): \(Int(half[run])) MiB after one million messages, \(Int(all[run])) MiB after two")
        }
        return [
            Figure(key: "memory.afterOneMillionMiB", values: half, unit: "MiB", digits: 1),
            Figure(key: "memory.afterTwoMillionMiB", values: all, unit: "MiB", digits: 1, wanted: "at most 200"),
            Figure(key: "memory.growth", values: zip(all, half).map { $0 / $1 }, unit: "", digits: 3, wanted: "1"),
        ]
    }
}

/// From the start of a gateway whose predecessor was killed to the first status that says that it is connected, with
/// ten thousand devices and a million readings.
struct Restart {
    static let scheme = Scheme(homes: 1_429)
    static let readings = 1_000_000
    /// What is in the log of the database, and not yet in its tables, when the gateway is killed.
    static let messagesBefore = 20_000

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] {
        let place = try Place(binaries: binaries)
        defer { place.close() }
        let file = place.folder + "/scheme.sqlite"
        say("Making \(Self.scheme.homes * Self.scheme.devicesPerHome) devices and \(Self.readings) readings …")
        try Self.scheme.make(at: file, helper: place.helper)
        try Scheme.lay(file, in: place)
        // As many messages as make them, through the gateway, so that everything is there that it writes.
        let drain = Drain(binaries: binaries, runs: 1, say: say)
        _ = try drain.drainGateway(place, Self.scheme, messages: Self.readings / Scheme.readingsPerMessage + 1)
        var seconds: [Double] = []
        for run in 0..<runs {
            let publisher = try Client("bench-publisher", place.login, place.port)
            let before = try place.status()["messages"]?.int ?? 0
            for i in 0..<Self.messagesBefore {
                let message = Self.scheme.message(i)
                try publisher.publish(message.topic, message.payload)
            }
            try publisher.settle()
            publisher.leave()
            try place.waitForStatus { $0["messages"]?.int ?? 0 >= before + Int64(Self.messagesBefore) }
            place.killGateway()
            let began = MQTTClient.systemMonotonicNanoseconds()
            try place.startGateway()
            try place.waitForStatus(everyMilliseconds: 2) { $0["connected"] == .bool(true) }
            seconds.append(Double(MQTTClient.systemMonotonicNanoseconds() - began) / 1e9)
            say("restart, run \(run + 1): \(String(format: "%.2f", seconds[run])) s")
        }
        return [Figure(key: "restart.seconds", values: seconds, unit: "s", digits: 2, wanted: "at most 2")]
    }
}
