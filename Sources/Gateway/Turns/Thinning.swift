import Care
import Store

/// A home that says more than it may: its plain states are thinned to the newest of each series and second, and that is
/// counted and shown. Events and alarms are never thinned, and other homes notice nothing.
struct Thinning: Sendable {
    /// What a home may say beyond its rate after it was quiet, as so many seconds of it: a gateway that was
    /// held up for a while finds all of that at once, and it is no flood.
    static let secondsSaved: Int64 = 60

    /// Tokens of one home, refilled as time goes by.
    struct Allowance: Sendable {
        var messages: Int64
        var bytes: Int64
        var at: Instant
    }

    /// The newest reading of a series that waits for the end of the turn.
    struct Held: Sendable {
        var reading: Reading
        var home: HomeID
    }

    let messagesPerSecond: Int64
    let bytesPerSecond: Int64
    /// By home's number.
    var allowances: [Allowance] = []
    var numbers: [HomeID: Int] = [:]
    var held: [SeriesID: Held] = [:]
    /// Readings of this turn that a newer one took the place of, by home.
    var thinned: [HomeID: Int] = [:]

    init(messagesPerSecond: Int = .max >> 32, bytesPerSecond: Int = .max >> 32) {
        self.messagesPerSecond = Int64(messagesPerSecond)
        self.bytesPerSecond = Int64(bytesPerSecond)
    }

    mutating func number(of home: HomeID) -> Int {
        if let number = numbers[home] { return number }
        numbers[home] = allowances.count
        // Whoever is new has everything saved.
        allowances.append(
            Allowance(
                messages: Self.secondsSaved * 1_000 * messagesPerSecond, bytes: Self.secondsSaved * 1_000 * bytesPerSecond,
                at: .distantPast))
        return allowances.count - 1
    }

    /// Whether one more message is within what the home may say.
    @inline(__always)
    mutating func allows(_ home: Int, bytes: Int, now: Instant) -> Bool {
        let gone = (now - allowances[home].at).milliseconds
        if gone > 0 {
            // In thousandths, so that a millisecond counts at any rate. Capped first: nothing overflows.
            let counted = min(gone, Self.secondsSaved * 1_000)
            let (messagesMax, bytesMax) = (Self.secondsSaved * 1_000 * messagesPerSecond, Self.secondsSaved * 1_000 * bytesPerSecond)
            allowances[home].messages = min(allowances[home].messages + counted * messagesPerSecond, messagesMax)
            allowances[home].bytes = min(allowances[home].bytes + counted * bytesPerSecond, bytesMax)
            allowances[home].at = now
        }
        guard allowances[home].messages >= 1_000, allowances[home].bytes >= Int64(bytes) * 1_000 else { return false }
        allowances[home].messages -= 1_000
        allowances[home].bytes -= Int64(bytes) * 1_000
        return true
    }
}

extension Engine {
    /// Whether this message is more than its home may say. What waited at the broker is never too much: it did not
    /// come faster than it was said.
    @inline(__always)
    func isTooMuch(_ topic: DeviceTopic, bytes: Int) -> Bool {
        guard line.isListening, line.queuedSince == nil, outbound != nil else { return false }
        return !thinning.allows(topic.homeNumber, bytes: bytes, now: now)
    }

    /// One plain reading of a home that says too much: kept back until a newer one of its second, or the end of
    /// the turn.
    func thin(_ reading: Reading, _ home: HomeID, _ tx: StoreTurn) throws {
        if let held = thinning.held[reading.series] {
            if held.reading.at.second == reading.at.second {
                thinning.thinned[home, default: 0] += 1
                if reading.at < held.reading.at { return }
            } else {
                try keepThinned(held, tx)
            }
        }
        thinning.held[reading.series] = Thinning.Held(reading: reading, home: home)
    }

    /// At the end of a turn, before its commit.
    func flushThinned(_ tx: StoreTurn) throws {
        if thinning.held.isEmpty && thinning.thinned.isEmpty { return }
        for (_, held) in thinning.held.sorted(by: { $0.key < $1.key }) { try keepThinned(held, tx) }
        for (home, readings) in thinning.thinned.sorted(by: { $0.key < $1.key }) {
            try tx.countThinned(home, readings: readings, at: now)
            counts.thinned += readings
            thinnedByHome[home, default: 0] += readings
        }
        thinning.held.removeAll(keepingCapacity: true)
        thinning.thinned.removeAll(keepingCapacity: true)
        if !output.isEmpty { try takeOver(tx) }
    }

    /// What was held back of this series came before what may be kept now: at the end of the turn it would take its place.
    func keepHeld(_ series: SeriesID, _ tx: StoreTurn) throws {
        if let held = thinning.held.removeValue(forKey: series) { try keepThinned(held, tx) }
    }

    private func keepThinned(_ held: Thinning.Held, _ tx: StoreTurn) throws {
        let became = try tx.keepThinned(held.reading)
        switch became {
        case .tookPlace, .gaveWay: thinning.thinned[held.home, default: 0] += 1
        case .appended: counts.readings += 1
        case .known: counts.readingsKnown += 1
        }
        // Services are given what is new, and nothing twice.
        if became == .appended || became == .tookPlace { try feed(held.reading, tx) }
        world.detectors.observe(held.reading, now: now, into: &output)
    }
}

extension Instant {
    fileprivate var second: Int64 { milliseconds >= 0 ? milliseconds / 1_000 : (milliseconds - 999) / 1_000 }
}
