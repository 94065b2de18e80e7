import Care
import CareTesting
import Devices
import Foundation
import Gateway
import Testing

/// Deadlines that fall between two messages run between them, so the size of a burst changes nothing.
@Suite struct BurstTests {
    @Test(arguments: [1, 2, 3])
    func `a seeded street gives the same alerts with bursts of one and of 4 096`(offset: UInt64) throws {
        let seed = (ProcessInfo.processInfo.environment["CARING_SEED"].flatMap { UInt64($0) } ?? 20_261_121) &+ offset - 1
        print("BurstTests: CARING_SEED=\(seed)")
        let messages = messages(seed: seed)
        let files = SharedFiles()
        let rules = try RuleBook.load(file: try files.rulesFile(GatewayConfiguration()))
        let catalogue = try Catalogue.load(folder: try files.devicesFolder(GatewayConfiguration()))
        let one = try replayed(messages, burst: 1, rules: rules, catalogue: catalogue)
        for burst in [7, 4_096] {
            let other = try replayed(messages, burst: burst, rules: rules, catalogue: catalogue)
            let difference = difference(one, other)
            #expect(difference == nil, "CARING_SEED=\(seed), bursts of \(burst): \(difference ?? "")")
        }
        // A street in which nothing happens would prove nothing.
        for rule in ["sos", "smoke", "no-movement", "not-up", "cold-room", "silent-device"] {
            #expect(one.contains { $0.contains(#""rule":"\#(rule)""#) }, "No alert of the rule \(rule).")
        }
        #expect(one.contains { $0.contains(#""how":"over""#) })
    }

    /// Three thousand messages of twelve homes over six days, with silences, repeats and nonsense between them.
    private func messages(seed: UInt64) -> [ReplayedMessage] {
        var random = SeededRandom(state: seed)
        let start = Instant(milliseconds: 1_795_046_400_000)
        var at = start
        return (0..<3_000).map { _ in
            // Several in one instant, and gaps of up to a quarter of a day.
            switch Int.random(in: 0..<100, using: &random) {
            case ..<20: break
            case ..<97: at = at + .milliseconds(Int64.random(in: 1...240_000, using: &random))
            default: at = at + .minutes(Int64.random(in: 1...90, using: &random))
            }
            // In some homes hardly anybody moves.
            let home = "homes/home-\(min(Int.random(in: 1...20, using: &random), 12))"
            let (topic, payload): (String, String)
            switch Int.random(in: 0..<100, using: &random) {
            case ..<40: (topic, payload) = ("motion/\(["kitchen", "hall", "bedroom"].randomElement(using: &random) ?? "")", "1")
            case ..<44: (topic, payload) = ("zigbee2mqtt/button", #"{"action":"emergency"}"#)
            case ..<60:
                (topic, payload) = ("zigbee2mqtt/climate", #"{"temperature":\#(Double(Int.random(in: 80...200, using: &random)) / 10)}"#)
            case ..<75: (topic, payload) = ("zigbee2mqtt/front door", #"{"contact":\#(Bool.random(using: &random))}"#)
            case ..<80: (topic, payload) = ("zigbee2mqtt/smoke", #"{"smoke":\#(Bool.random(using: &random))}"#)
            case ..<85: (topic, payload) = ("zigbee2mqtt/climate/availability", #"{"state":"\#(Bool.random(using: &random) ? "online" : "offline")"}"#)
            case ..<92: (topic, payload) = ("vitals/heart-rate", "\(Int.random(in: 30...150, using: &random))")
            case ..<95:
                let seconds = Double(at.milliseconds) / 1_000 - Double.random(in: 0...7_200, using: &random)
                (topic, payload) = ("senml/scale", #"[{"n":"weight","u":"kg","v":71.4,"t":\#(seconds)}]"#)
            default: (topic, payload) = ("motion/attic", "nonsense")
            }
            return ReplayedMessage(at: at, topic: "\(home)/\(topic)", payload: payload)
        }
    }
}
