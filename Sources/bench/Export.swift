import Care
import Foundation
import MQTT
import Store

/// A million readings taken along with the real programs: seconds from the command to its end, and what the gateway and
/// the command have taken of memory at most.
struct ExportSpeed {
    static let readings = 1_000_000

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] {
        let place = try Place(binaries: binaries)
        defer { place.close() }
        try place.startGateway()
        let quantities = [
            "vitals/heart-rate", "vitals/blood-oxygen", "vitals/blood-pressure-systolic", "vitals/blood-pressure-diastolic", "temperature/kitchen", "humidity/kitchen",
            "motion/kitchen", "motion/hall", "contact/front door", "power/kettle",
        ]
        try caring(place, "home", "add", "elm-3", "--zone", "Europe/London")
        try caring(place, "citizen", "add", "ada", "--home", "elm-3", "--name", "Ada Brown")
        for device in quantities { try caring(place, "device", "claim", device, "--as", "ada") }
        place.stopGateway()
        try fill(place)
        var (seconds, gateway, command, mebibytes): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        for run in 0..<runs {
            try place.startGateway()
            let file = place.folder + "/ada-\(run).zip"
            let began = MQTTClient.systemMonotonicNanoseconds()
            let child = try Child("\(binaries)/caring", ["data", "export", "--out", file, "--data", place.data, "--as", "ada"], takesOutput: true)
            var peak = 0.0
            while let now = try? child.peakMiB(), now > 0 {
                peak = max(peak, now)
                usleep(10_000)
            }
            _ = try child.allLines()
            seconds.append(Double(MQTTClient.systemMonotonicNanoseconds() - began) / 1e9)
            command.append(peak)
            gateway.append(try place.gateway?.peakMiB() ?? 0)
            guard let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int else { throw BenchProblem(description: "The export was not written.") }
            mebibytes.append(Double(size) / 1_048_576)
            place.stopGateway()
            say("export, run \(run + 1): \(String(format: "%.1f", seconds[run])) s, gateway \(Int(gateway[run])) MiB, command \(Int(command[run])) MiB, file \(Int(mebibytes[run])) MiB")
        }
        return [
            Figure(key: "export.seconds", values: seconds, unit: "s", digits: 1, wanted: "at most 20"),
            Figure(key: "export.gatewayPeakMiB", values: gateway, unit: "MiB", digits: 1, wanted: "at most 100"),
            Figure(key: "export.commandPeakMiB", values: command, unit: "MiB", digits: 1, wanted: "at most 100"),
            Figure(key: "export.fileMiB", values: mebibytes, unit: "MiB", digits: 1),
        ]
    }

    private func caring(_ place: Place, _ arguments: String...) throws {
        let child = try Child("\(binaries)/caring", arguments + ["--data", place.data], takesOutput: true)
        _ = try child.allLines()
    }

    /// A reading every few seconds, of ten quantities, four of them about health.
    private func fill(_ place: Place) throws {
        let store = try Store(folder: place.data, isDurable: false)
        let devices = try store.read { try $0.devices() }.map(\.device)
        let quantities = ["heart_rate", "oxygen_saturation", "blood_pressure_systolic", "blood_pressure_diastolic", "temperature", "humidity", "motion", "occupancy", "opening", "power"]
            .compactMap { Quantity($0) }
        guard let device = devices.first, quantities.count == 10 else { throw BenchProblem(description: "Nothing was claimed to fill.") }
        let start = device.claimedAt
        var series: [Series] = []
        try store.turn { tx in
            for (n, quantity) in quantities.enumerated() {
                let one = Series(id: SeriesID(Int32(truncatingIfNeeded: try tx.next("series"))), device: devices[n % devices.count].id, quantity: quantity, channel: "", addedAt: start)
                try tx.save(one)
                series.append(one)
            }
        }
        for first in stride(from: 0, to: Self.readings, by: 20_000) {
            try store.turn { tx in
                for i in first..<min(first + 20_000, Self.readings) {
                    let (one, n) = (series[i % 10], i / 10)
                    // Close together, because nothing may lie in the future when the gateway starts again; an export does not care.
                    let at = device.claimedAt + .milliseconds(Int64(n))
                    let value: Value = one.quantity.kind == .number ? .number(60 + Double((n * 7 + i) % 997) / 10) : .boolean(n % 3 == 0)
                    try tx.append(Reading(series: one.id, at: at, source: n % 4 == 0 ? .device : .arrival, value: value))
                }
            }
        }
        try store.close()
    }
}
