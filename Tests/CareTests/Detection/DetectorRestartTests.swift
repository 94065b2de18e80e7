import Care
import Testing

/// A gateway that was restarted sees what one sees that never was.
@Suite struct DetectorRestartTests {
    @Test func restartChangesNothing() throws {
        let firstSeed: UInt64 = 20_261_121
        print("restart histories from seed \(firstSeed)")
        var seen: [RuleID: Int] = [:]
        for seed in firstSeed..<firstSeed + 2_000 {
            var random = DetectorRandom(state: seed)
            let history = History(random: &random)
            let split = Int.random(in: 0...history.inputs.count, using: &random)
            var through = DetectorWorld(rules: History.rules)
            var restarted = DetectorWorld(rules: History.rules)
            through.keepsTranscript = false
            restarted.keepsTranscript = false
            for (index, input) in history.inputs.enumerated() {
                if index == split { try restart(&restarted, seed: seed) }
                input.apply(to: &through)
                input.apply(to: &restarted)
            }
            if split == history.inputs.count { try restart(&restarted, seed: seed) }
            through.advance(to: history.end)
            restarted.advance(to: history.end)
            var (all, again) = (through.detections, restarted.detections)
            if history.inputs[..<split].contains(where: { $0.isRelease }) {
                all = all.map(withoutLastSeenByTime)
                again = again.map(withoutLastSeenByTime)
            }
            if all != again {
                let at = zip(all, again).prefix { $0 == $1 }.count
                Issue.record(
                    """
                    seed \(seed), split before input \(split), detection \(at):
                    never restarted: \(at < all.count ? detectionText(all[at]) : "none")
                    restarted:       \(at < again.count ? detectionText(again[at]) : "none")
                    """)
                return
            }
            for detection in all where detection.what == .seen { seen[detection.rule, default: 0] += 1 }
        }
        // A comparison of nothing with nothing would also succeed.
        for rule in History.rules { #expect(seen[rule.id, default: 0] > 500, "\(rule.id)") }
    }

    /// What a device that has left had seen is not read again at a start. Whether somebody was absent is kept all
    /// the same; when they were last seen, absences by time may then put earlier.
    private func withoutLastSeenByTime(_ detection: Detection) -> Detection {
        guard ["not-up", "not-home"].contains(detection.rule) else { return detection }
        var detection = detection
        detection.lastSeen = nil
        return detection
    }

    private func restart(_ world: inout DetectorWorld, seed: UInt64) throws {
        let before = world.rows
        try world.restart()
        // The same rows, if anything later: what was moved in memory only is now on disk.
        #expect(Set(before.keys) == Set(world.rows.keys), "seed \(seed)")
        for (key, at) in world.rows { #expect(at >= before[key] ?? at, "seed \(seed), \(key.text)") }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct DetectorRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Some days in two homes, one of which changes its clocks.
private struct History {
    enum Input {
        case home(DetectorWorld.Home)
        case claim(DetectorWorld.Device)
        case release(DeviceID, at: Instant)
        /// A message: its device is heard, its series is added when it is new, and the reading observed.
        case reading(Reading, device: DeviceID, quantity: Quantity, now: Instant)

        var isRelease: Bool {
            if case .release = self { true } else { false }
        }

        func apply(to world: inout DetectorWorld) {
            switch self {
            case .home(let home):
                world.advance(to: home.at)
                world.addHome(home)
            case .claim(let device):
                world.advance(to: device.claimedAt)
                world.addDevice(device)
            case .release(let device, let at):
                world.advance(to: at)
                world.release(device)
            case .reading(let reading, let device, let quantity, let now):
                world.advance(to: now)
                let first = world.series.first { $0.id == reading.series }?.at ?? now
                world.addSeries(.init(id: reading.series, device: device, quantity: quantity, at: first))
                world.heard(device, at: now)
                world.observe(reading, now: now)
            }
        }
    }

    static let activity = [theQuantity("motion"), theQuantity("steps"), theQuantity("check_in")]
    static let rules = [
        detectorRule("sos", .event(quantities: [theQuantity("sos"), theQuantity("check_in")])),
        detectorRule("open", .event(quantities: [theQuantity("door"), theQuantity("motion")])),
        detectorRule(
            "hot",
            .threshold(quantity: theQuantity("temperature"), above: 30, below: 10, returnBy: 2, lasting: .minutes(40))),
        detectorRule(
            "pulse",
            .threshold(quantity: theQuantity("heart_rate"), above: nil, below: 12, returnBy: 3, lasting: .zero)),
        detectorRule("no-movement", .absence(quantities: activity, lasting: .hours(4))),
        detectorRule(
            "no-movement-oak", .absence(quantities: [theQuantity("motion")], lasting: .hours(7)), homes: ["oak-1"]),
        detectorRule(
            "not-up", .absenceByTime(quantities: activity, from: timeOfDay("06:00"), by: timeOfDay("09:30"))),
        detectorRule(
            "not-home",
            .absenceByTime(quantities: activity, from: timeOfDay("21:00"), by: timeOfDay("01:30"))),
        detectorRule("silent", .silence(times: 2.5)),
        detectorRule("long-silent", .silence(times: 6), homes: ["elm-3"]),
    ]
    private static let quantities = [
        "motion", "door", "check_in", "temperature", "heart_rate", "steps", "sos", "motion",
    ].map(theQuantity)

    var inputs: [Input] = []
    var end: Instant

    init(random: inout DetectorRandom) {
        var now = Instant(iso: "2026-03-27T17:00:00Z") ?? .distantPast
        let homes: [HomeID] = ["elm-3", "oak-1"]
        inputs.append(.home(.init(id: homes[0], zone: londonFor2026, at: now)))
        inputs.append(.home(.init(id: homes[1], zone: .utc, at: now)))
        // Device 1 to 4; device d has series 2d and 2d+1.
        var claimedAt: [Int: Instant] = [:]
        func claim(_ device: Int) -> Input {
            claimedAt[device] = now
            return .claim(
                .init(
                    id: DeviceID(Int32(device)), home: homes[device % 2],
                    expected: device == 3 ? nil : .minutes(Int64(20 * device)), claimedAt: now))
        }
        for device in 1...4 { inputs.append(claim(device)) }
        for _ in 0..<Int.random(in: 10...90, using: &random) {
            let scale = Int64([1, 10, 60, 300].randomElement(using: &random) ?? 1)
            now = now + .milliseconds(Int64.random(in: 1...scale * 60_000, using: &random))
            let device = Int.random(in: 1...4, using: &random)
            guard let claimed = claimedAt[device] else {
                inputs.append(claim(device))
                continue
            }
            if Int.random(in: 0..<30, using: &random) == 0 {
                claimedAt[device] = nil
                inputs.append(.release(DeviceID(Int32(device)), at: now))
                continue
            }
            var at = now
            if Int.random(in: 0..<5, using: &random) == 0 {
                at = max(claimed, now - .milliseconds(Int64.random(in: 1...18_000_000, using: &random)))
            } else if Int.random(in: 0..<20, using: &random) == 0 {
                at = now + .minutes(3)
            }
            let series = device * 2 + Int.random(in: 0...1, using: &random)
            let quantity = Self.quantities[series - 2]
            let value: Value =
                switch quantity.kind {
                case .event: .boolean(true)
                case .boolean: .boolean(Bool.random(using: &random))
                case .number: .number(Double(Int.random(in: 0...40, using: &random)))
                }
            inputs.append(
                .reading(
                    Reading(series: SeriesID(Int32(series)), at: at, source: .device, value: value),
                    device: DeviceID(Int32(device)), quantity: quantity, now: now))
        }
        end = now + .hours(30)
    }
}
