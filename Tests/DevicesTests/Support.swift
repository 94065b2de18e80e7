import Care
import Foundation
import Testing

@testable import Devices

/// The repository, wherever the tests run.
let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// Read once: a debug build takes a second for all profiles.
private let shippedOnce = Result { try Catalogue.load(folder: packageRoot + "/devices") }
func shipped() throws -> Catalogue { try shippedOnce.get() }

/// A folder of profiles that is gone when the test ends.
final class TemporaryProfiles {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "caring-profiles-\(UUID().uuidString)"
    ).path

    init(_ files: [(path: String, text: String)]) throws {
        for (path, text) in files {
            let file = URL(fileURLWithPath: folder + "/" + path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }
    deinit { try? FileManager.default.removeItem(atPath: folder) }
}

/// What one message gives, with what went before left alone.
struct Decoded {
    var outcome: Outcome
    var readings: [DecodedReading]

    /// `["temperature": 21.5, "opening": false]`, channels as `power_on/l1`.
    var values: [String: Value] {
        Dictionary(
            readings.map {
                ($0.channel.isEmpty ? $0.quantity.name : "\($0.quantity.name)/\($0.channel)", $0.value)
            }
        ) { $1 }
    }
    var reason: String? {
        if case .undecodable(let reason) = outcome { reason } else { nil }
    }
}

let arrival = Instant(milliseconds: 1_767_225_600_000)

extension Catalogue {
    func decode(_ topic: String, _ payload: [UInt8]) throws -> Decoded {
        let route = try #require(self.route(topicBelowHome: topic), "no route for \(topic)")
        var readings: [DecodedReading] = []
        let outcome = payload.withUnsafeBytes {
            decode(route, payload: $0, arrivedAt: arrival, into: &readings)
        }
        return Decoded(outcome: outcome, readings: readings)
    }
    func decode(_ topic: String, _ payload: String) throws -> Decoded {
        try decode(topic, Array(payload.utf8))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
