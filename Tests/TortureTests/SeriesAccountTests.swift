import Testing

@testable import torture

/// The account itself has to be trusted: whatever is done to a good series is found.
@Suite struct SeriesAccounts {
    private static func required(_ values: [Int]) -> [SeriesAccount.Expected] { values.map { .init(value: $0, isRequired: true) } }

    /// Repeated values with a number that only goes up now and then, as publishers send them.
    private static func repeated(_ count: Int, _ chance: inout SplitMix64) -> [Int] {
        var next = 1_000
        return (0..<count).map { _ in
            guard chance.happens(percent: 12) else { return chance.pick(60...62) }
            next += 1
            return next
        }
    }

    @Test func whatIsAsItShouldBeIsGood() {
        for values in [[], [1], Array(1_000..<1_500), [1, 1, 1, 1], [60, 61, 60, 1_000, 60, 60, 1_001, 62]] {
            #expect(SeriesAccount.account(expected: Self.required(values), stored: values) == .init())
        }
    }

    @Test func aMissingRowIsLost() {
        let numbers = Array(1_000..<1_100)
        var stored = numbers
        stored.remove(at: 40)
        #expect(SeriesAccount.account(expected: Self.required(numbers), stored: stored) == .init(lost: 1))
        #expect(SeriesAccount.account(expected: Self.required([1, 1, 1]), stored: [1, 1]) == .init(lost: 1))
        #expect(SeriesAccount.account(expected: Self.required(numbers), stored: []) == .init(lost: 100))
    }

    @Test func aRowTooManyIsDoubled() {
        let numbers = Array(1_000..<1_100)
        var stored = numbers
        stored.insert(1_040, at: 41)
        #expect(SeriesAccount.account(expected: Self.required(numbers), stored: stored) == .init(doubled: 1))
        #expect(SeriesAccount.account(expected: Self.required([1, 1]), stored: [1, 1, 1]) == .init(doubled: 1))
        #expect(SeriesAccount.account(expected: [], stored: [7]) == .init(doubled: 1))
    }

    @Test func twoRowsInTheWrongOrderAreMisplaced() {
        let numbers = Array(1_000..<1_100)
        var stored = numbers
        stored.swapAt(40, 41)
        #expect(SeriesAccount.account(expected: Self.required(numbers), stored: stored) == .init(misplaced: 1))
        // Repeated values, too, where there is a number on either side.
        let repeated = [1_000, 60, 61, 62, 1_001]
        #expect(SeriesAccount.account(expected: Self.required(repeated), stored: [1_000, 61, 60, 62, 1_001]) == .init(misplaced: 1))
    }

    /// The same value missing here and one too many there: counted as a whole it would be right.
    @Test func oneMissingAndOneTooManyDoNotMakeUpForOneAnother() {
        let expected = [1_000, 60, 60, 1_001, 60, 60, 1_002]
        #expect(
            SeriesAccount.account(expected: Self.required(expected), stored: [1_000, 60, 1_001, 60, 60, 60, 1_002])
                == .init(lost: 1, doubled: 1))
    }

    @Test func whatMayBeThereMayAlsoNotBe() {
        var expected = Self.required([1_000, 60, 60, 1_001])
        expected.insert(.init(value: 60, isRequired: false), at: 2)
        #expect(SeriesAccount.account(expected: expected, stored: [1_000, 60, 60, 1_001]) == .init())
        #expect(SeriesAccount.account(expected: expected, stored: [1_000, 60, 60, 60, 1_001]) == .init(optionalKept: 1))
        #expect(SeriesAccount.account(expected: expected, stored: [1_000, 60, 60, 60, 60, 1_001]) == .init(doubled: 1, optionalKept: 1))
        #expect(SeriesAccount.account(expected: expected, stored: [1_000, 60, 1_001]) == .init(lost: 1))
        // But not in another place.
        let early: [SeriesAccount.Expected] = [.init(value: 61, isRequired: false), .init(value: 60, isRequired: true)]
        #expect(SeriesAccount.account(expected: early, stored: [61, 60]) == .init(optionalKept: 1))
        #expect(SeriesAccount.account(expected: early, stored: [60, 61]) == .init(doubled: 1))
    }

    /// A publisher that got no answer sends the same bytes again: both stand there.
    @Test func whatWasSaidTwiceIsThereTwice() {
        let expected = Self.required([1_000, 1_001, 1_002, 1_001, 1_002, 1_003])
        #expect(SeriesAccount.account(expected: expected, stored: [1_000, 1_001, 1_002, 1_001, 1_002, 1_003]) == .init())
        #expect(SeriesAccount.account(expected: expected, stored: [1_000, 1_001, 1_002, 1_003]) == .init(lost: 2))
    }

    /// Random series, each damaged once: every damage is found, and nothing is found without one.
    @Test func everyDamageIsFound() {
        let seed = UInt64.random(in: .min ... .max)
        print("SeriesAccounts.everyDamageIsFound: seed \(seed)")
        var chance = SplitMix64(seed: seed)
        for _ in 0..<2_000 {
            let values = Self.repeated(chance.pick(4...120), &chance)
            let expected = values.map { SeriesAccount.Expected(value: $0, isRequired: chance.happens(percent: 95)) }
            let kept = zip(values, expected).filter { $1.isRequired || chance.happens(percent: 50) }.map(\.0)
            let good = SeriesAccount.account(expected: expected, stored: kept)
            #expect(good.lost == 0 && good.doubled == 0 && good.misplaced == 0, "seed \(seed): \(values) \(kept)")
            guard kept.count > 2, expected.allSatisfy(\.isRequired) else { continue }
            let place = chance.pick(0...kept.count - 2)
            var fewer = kept
            fewer.remove(at: place)
            #expect(SeriesAccount.account(expected: expected, stored: fewer).lost == 1, "seed \(seed)")
            var more = kept
            more.insert(kept[place], at: place)
            #expect(SeriesAccount.account(expected: expected, stored: more).doubled == 1, "seed \(seed)")
            guard kept[place] != kept[place + 1] else { continue }
            var swapped = kept
            swapped.swapAt(place, place + 1)
            let found = SeriesAccount.account(expected: expected, stored: swapped)
            #expect(found.lost + found.doubled + found.misplaced > 0, "seed \(seed)")
        }
    }
}
