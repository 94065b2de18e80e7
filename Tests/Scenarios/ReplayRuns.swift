import Care
import CareTesting
import Devices
import Foundation
import Gateway

struct ReplayedMessage {
    var at: Instant
    var topic: String
    var payload: String
}

/// All that a replay comes to, as text: the same input must give the same bytes.
func replayed(_ messages: [ReplayedMessage], burst: Int, rules: RuleBook, catalogue: Catalogue) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-replay-test-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let replay = try Replay(
        folder: folder, rules: rules, catalogue: catalogue, zone: "Europe/London", assumeEndedAfter: .hours(1), burstMessagesMax: burst,
        startsAt: messages.first?.at ?? .distantPast)
    for message in messages { try replay.add(at: message.at, topic: message.topic, payload: Array(message.payload.utf8)) }
    let summary = try replay.finish(first: messages.first?.at)
    try replay.close()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    var lines = try summary.alerts.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
    var counts = summary.counts
    // How many turns there were is the one thing that the size of a burst decides.
    counts.turns = 0
    lines.append("\(counts), \(summary.homes) homes, \(summary.problems)")
    return lines
}

/// The first lines that differ, so that a failure can be read.
func difference(_ a: [String], _ b: [String]) -> String? {
    guard a != b else { return nil }
    let n = zip(a, b).prefix { $0 == $1 }.count
    return "line \(n + 1) of \(a.count) and \(b.count):\n\(n < a.count ? a[n] : "-")\n\(n < b.count ? b[n] : "-")"
}

/// Sebastiano Vigna, `splitmix64.c` (2015).
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
