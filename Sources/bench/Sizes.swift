import Care
import Foundation
import MQTT
import Store

/// Messages a second of a replay over the recording of 44 homes, its start included.
struct ReplaySpeed {
    let binaries: String
    let runs: Int
    let recording: String
    let say: (String) -> Void

    /// Nil where there is no recording.
    func measure() throws -> [Figure]? {
        guard FileManager.default.fileExists(atPath: recording) else { return nil }
        let own = "Tests/Recordings/tihm"
        var arguments = ["replay", recording, "--json", "--rules"]
        arguments.append(exists(own + "/rules.yaml") ? own + "/rules.yaml" : "config/rules.yaml")
        if exists(own + "/profiles") { arguments += ["--devices", own + "/profiles"] }
        var perSecond: [Double] = []
        for run in 0..<runs {
            let began = MQTTClient.systemMonotonicNanoseconds()
            let child = try Child("\(binaries)/caring", arguments, takesOutput: true)
            let lines = try child.allLines()
            let seconds = Double(MQTTClient.systemMonotonicNanoseconds() - began) / 1e9
            guard let last = lines.last, let sums = try? JSONDecoder().decode(JSON.self, from: Data(last.text.utf8)),
                let messages = sums["messages"]?.int
            else { throw BenchProblem(description: "The replay of \(recording) did not end well.") }
            perSecond.append(Double(messages) / seconds)
            say("replay, run \(run + 1): \(messages) messages in \(String(format: "%.2f", seconds)) s")
        }
        return [Figure(key: "replay.messagesPerSecond", values: perSecond, unit: "messages/s")]
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}

/// Bytes that a reading takes on disk, and the memory that the daemon has taken at most.
struct Sizes {
    static let readings = 1_000_000

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] {
        var bytes: [Double] = []
        var peak: [Double] = []
        for run in 0..<runs {
            bytes.append(try bytesPerReading())
            peak.append(try peakMiB())
            say("storage, run \(run + 1): \(String(format: "%.2f", bytes[run])) bytes a reading, \(Int(peak[run])) MiB at the peak")
        }
        return [
            Figure(key: "storage.bytesPerReading", values: bytes, unit: "bytes", digits: 2, wanted: "at most 22"),
            Figure(key: "memory.peakMiB", values: peak, unit: "MiB", digits: 1, wanted: "at most 150"),
        ]
    }

    /// A thousand series, every other one boolean, each with a reading about once a minute.
    private func bytesPerReading() throws -> Double {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-bench-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try Store(folder: folder, isDurable: false)
        try store.checkpoint()
        let empty = try size(store.path)
        let series = 1_000
        let burst = 4_096
        let start = SystemClockStart.milliseconds
        for first in stride(from: 0, to: Self.readings, by: burst) {
            try store.turn { tx in
                for i in first..<min(first + burst, Self.readings) {
                    let n = i % series
                    let at = Instant(milliseconds: start + Int64(i / series) * 60_000 + Int64(n) * 59)
                    let value = n % 2 == 0 ? Value.boolean(i / series % 3 == 0) : .number(20 + Double((i / series * 7 + n) % 997 + 1) / 1_000)
                    try tx.append(Reading(series: SeriesID(Int32(n + 1)), at: at, source: .arrival, value: value))
                }
            }
        }
        try store.checkpoint()
        let full = try size(store.path)
        try store.close()
        return Double(full - empty) / Double(Self.readings)
    }

    /// Any instant of these years: the keys have the same length until 2039.
    private enum SystemClockStart { static let milliseconds: Int64 = 1_795_000_000_000 }

    private func size(_ path: String) throws -> Int {
        (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    private func peakMiB() throws -> Double {
        let place = try Place(binaries: binaries)
        defer { place.close() }
        let scheme = Scheme()
        let file = place.folder + "/scheme.sqlite"
        try scheme.make(at: file, helper: place.helper)
        try Scheme.lay(file, in: place)
        let messages = Self.readings / Scheme.readingsPerMessage + 1
        _ = try Drain(binaries: binaries, runs: 1, say: say).drainGateway(place, scheme, messages: messages)
        guard let gateway = place.gateway else { throw BenchProblem(description: "The gateway is not running.") }
        return try gateway.peakMiB()
    }
}
