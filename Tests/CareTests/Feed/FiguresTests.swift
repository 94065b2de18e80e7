@testable import Care
import Testing

/// Nobody can be seen in a figure, not by subtracting one from another either.
@Suite struct FiguresTests {
    private func members(_ sizes: [Int], _ value: (Int) -> Double = { Double(60 + $0) }) -> [FigureMember] {
        var all: [FigureMember] = []
        for (circle, size) in sizes.enumerated() {
            for _ in 0..<size { all.append(FigureMember(citizen: PersonID("c\(all.count)"), circle: circle == 0 ? nil : CircleID("k\(circle)"), mean: value(all.count))) }
        }
        return all
    }

    @Test func `nine are too few, ten are enough`() {
        #expect(Figure.over(members([9])).figure.isEmpty)
        #expect(Figure.over(members([9])).counted.isEmpty)
        let (figure, counted) = Figure.over(members([10]))
        #expect(figure.all == FigureCell(circle: nil, citizens: 10, mean: 64.5, deviation: 2.87))
        #expect(counted.count == 10)
    }

    @Test func `how many there were is told in steps, and means with three digits`() {
        #expect([10, 12, 13, 17, 18].map { Figure.over(members([$0])).figure.all?.citizens } == [10, 10, 15, 15, 20])
        #expect([0.0, 123_456, -0.0123456, 99.96, 5].map(Figure.rounded) == [0, 123_000, -0.0123, 100, 5])
    }

    @Test func `all is not told where it would tell of a hidden circle`() {
        #expect(Figure.over(members([12, 3])).figure.all == nil)
        #expect(Figure.over(members([12, 3, 4])).figure.all == nil)
        #expect(Figure.over(members([12, 9])).figure.all == nil)
        #expect(Figure.over(members([12, 3, 8])).figure.all != nil)
        #expect(Figure.over(members([12, 11])).figure.all != nil)
    }

    /// Every set of citizens whose sum can be worked out from what is told: cells, all, and all less any of the cells.
    @Test(arguments: 0..<2_000) func `whatever is subtracted, nobody is seen among fewer than ten`(_ seed: Int) {
        var state = UInt64(seed)
        func next(_ limit: Int) -> Int {
            // SplitMix64 (Steele, Lea and Flood, 2014).
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ (z >> 31)) % UInt64(limit))
        }
        let all = members((0..<(1 + next(6))).map { _ in next(2) == 0 ? next(10) : next(30) })
        let (figure, counted) = Figure.over(all)
        let shown = figure.cells.map { cell in all.filter { ($0.circle?.name ?? "") == cell.circle }.map(\.citizen) }
        #expect(shown.allSatisfy { $0.count >= 10 }, "seed \(seed)")
        if figure.all != nil {
            #expect(all.count >= 10, "seed \(seed)")
            // Of each choice of cells that is taken away.
            for choice in 0..<(1 << shown.count) {
                let taken = Set(shown.enumerated().filter { choice >> $0.offset & 1 == 1 }.flatMap(\.element))
                let left = all.filter { !taken.contains($0.citizen) }
                #expect(left.isEmpty || left.count >= 10, "seed \(seed)")
                let circles = Set(left.map(\.circle))
                #expect(circles.count != 1 || left.count >= 10, "seed \(seed)")
            }
            #expect(counted.count == all.count, "seed \(seed)")
        } else {
            #expect(Set(counted) == Set(shown.joined()), "seed \(seed)")
        }
    }
}
