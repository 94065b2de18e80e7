import Care
import Testing

@testable import Gateway

/// The soonest first, and what a turn set is undone when the turn fails.
@Suite struct DeadlinesTests {
    private func key(_ n: Int64) -> DeadlineKey { .alert(AlertID(n)) }
    private func at(_ seconds: Int64) -> Instant { Instant(milliseconds: seconds * 1_000) }

    private func drained(_ deadlines: Deadlines) -> [Int64] {
        var deadlines = deadlines
        var order: [Int64] = []
        while let (_, key) = deadlines.first() {
            if case .alert(let id) = key { order.append(id.number) }
            deadlines.set(key, nil)
        }
        return order
    }

    @Test func theSoonestComesFirstAndTheLatestWordCounts() {
        var deadlines = Deadlines()
        for (n, s) in [(1, 30), (2, 10), (3, 20), (1, 5), (3, 40)] as [(Int64, Int64)] { deadlines.set(key(n), at(s)) }
        #expect(drained(deadlines) == [1, 2, 3])
        #expect(deadlines.count == 3)
    }

    @Test func whatATurnSetIsUndoneToWhereItIsAskedFor() {
        var deadlines = Deadlines()
        deadlines.set(key(1), at(10))
        deadlines.set(key(2), at(20))
        deadlines.keep()
        deadlines.set(key(1), at(50))
        let part = deadlines.changeCount
        deadlines.set(key(2), nil)
        deadlines.set(key(3), at(1))
        deadlines.set(key(1), at(60))
        // The heap forgets what is outdated; it has to be there again.
        _ = deadlines.first()
        deadlines.undo(to: part)
        #expect(deadlines.at == [key(1): at(50), key(2): at(20)])
        #expect(drained(deadlines) == [2, 1])
        deadlines.undo(to: 0)
        #expect(deadlines.at == [key(1): at(10), key(2): at(20)])
        #expect(drained(deadlines) == [1, 2])
    }

    @Test func anyTurnThatFailsLeavesThemAsTheyWere() {
        let seed = UInt64.random(in: 0 ... .max)
        var state = seed
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        var deadlines = Deadlines()
        for turn in 0..<500 {
            deadlines.keep()
            let before = (deadlines.at, drained(deadlines))
            for _ in 0..<next() % 12 {
                deadlines.set(key(Int64(next() % 40)), next() % 4 == 0 ? nil : at(Int64(next() % 1_000)))
                if next() % 5 == 0 { _ = deadlines.first() }
            }
            if next() % 2 == 0 {
                deadlines.undo(to: 0)
                #expect(deadlines.at == before.0, "seed \(seed), turn \(turn)")
                #expect(drained(deadlines) == before.1, "seed \(seed), turn \(turn)")
            } else {
                let sorted = deadlines.at.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.compactMap { if case .alert(let id) = $0.key { id.number } else { nil } }
                #expect(drained(deadlines) == sorted, "seed \(seed), turn \(turn)")
            }
        }
    }
}
