/// Whether what a series holds is what it was sent. Pure: rows in, figures out.
///
/// **How a message is known again.** Messages bear no time and many are the same bytes, so nothing that the gateway
/// sees tells two of them apart. Torture marks each one beside its bytes: with a content type (a property of MQTT 5) that
/// holds its publisher and number. The broker passes that on, the gateway does not look at it, and the proxy between
/// the two reads it. So it is known of *each single message*, and not only of its value,
///
/// - whether the broker acknowledged it to its publisher, and when;
/// - whether and in which order it was first on its way to the gateway;
/// - whether the gateway acknowledged it.
///
/// What may be found on disk follows from that, without any tolerance for what was merely in doubt:
///
/// 1. *The gateway acknowledged it*: it is there exactly once. It does not matter how often the broker
///    delivered it again, nor whether the broker had ever acknowledged it to its publisher.
/// 2. *On its way, but not acknowledged by the gateway*: by the end, when everything has been delivered, this is only so
///    where the broker forgot the message (it was killed, or replaced by an empty one). It may be there or not: the
///    gateway may have been about to acknowledge it.
/// 3. *Never on its way*: it is not there. Where the broker had acknowledged it, the broker has lost it. That is excused
///    only within what its configuration allows (`Losses`), and counted as `brokerLost`; all else is lost by us.
///
/// A publisher that got no answer sends the same bytes again, as a device does. For the account that is another
/// message: two equal values then stand in the series, and both have to.
///
/// **How the rows are matched.** The rows of a series, in the order of their keys, must be the values of the messages in
/// the order in which they were first on their way, less some of those of case 2. Values that occur once on either
/// side (numbers that only go up) are anchors. Between two anchors there are only repeated values; there it is counted.
/// So a row that is missing in one place and one too many in another do not make up for one another, although their
/// values are the same. A series that has no anchors at all (movement, presses of a button) can only be
/// counted as a whole: its rows are the same in every bit, so nobody could tell more.
enum SeriesAccount {
    /// One message of this series, in the order of being on its way for the first time.
    struct Expected: Hashable, Sendable {
        var value: Int
        /// False in case 2: it may be there or not.
        var isRequired: Bool
    }

    struct Result: Hashable, Sendable {
        var lost = 0
        var doubled = 0
        /// All there, but not in the order in which they came.
        var misplaced = 0
        /// Of case 2, those that are there.
        var optionalKept = 0

        static func += (a: inout Result, b: Result) {
            a.lost += b.lost
            a.doubled += b.doubled
            a.misplaced += b.misplaced
            a.optionalKept += b.optionalKept
        }
    }

    static func account(expected: [Expected], stored: [Int]) -> Result {
        var result = Result()
        let anchors = anchors(expected, stored, &result)
        var nextExpected = 0
        var nextStored = 0
        for anchor in anchors + [Anchor(expected: expected.count, stored: stored.count)] {
            compare(
                expected[nextExpected..<anchor.expected].filter { !anchors.misplacedValues.contains($0.value) },
                stored[nextStored..<anchor.stored].filter { !anchors.misplacedValues.contains($0) }, &result)
            nextExpected = anchor.expected + 1
            nextStored = anchor.stored + 1
        }
        return result
    }

    // MARK: Anchors

    private struct Anchor { var expected: Int, stored: Int }
    private struct Anchors {
        var inOrder: [Anchor] = []
        /// Values of anchors that stand in the wrong place: told as that, and left out of the counting.
        var misplacedValues: Set<Int> = []
        static func + (a: Anchors, b: [Anchor]) -> [Anchor] { a.inOrder + b }
    }

    private static func anchors(_ expected: [Expected], _ stored: [Int], _ result: inout Result) -> Anchors {
        var places: [Int: (expected: Int, times: Int, isRequired: Bool)] = [:]
        for (i, one) in expected.enumerated() {
            places[one.value] = (i, (places[one.value]?.times ?? 0) + 1, one.isRequired)
        }
        var storedTimes: [Int: Int] = [:]
        for value in stored { storedTimes[value, default: 0] += 1 }
        var anchors = Anchors()
        for (j, value) in stored.enumerated() where storedTimes[value] == 1 {
            guard let place = places[value], place.times == 1, place.isRequired else { continue }
            if let last = anchors.inOrder.last, place.expected < last.expected {
                result.misplaced += 1
                anchors.misplacedValues.insert(value)
            } else {
                anchors.inOrder.append(Anchor(expected: place.expected, stored: j))
            }
        }
        return anchors
    }

    // MARK: Between two anchors

    private static func compare(_ expected: [Expected], _ stored: [Int], _ result: inout Result) {
        if expected.isEmpty && stored.isEmpty { return }
        struct Count { var required = 0, optional = 0, stored = 0 }
        var counts: [Int: Count] = [:]
        for one in expected {
            if one.isRequired { counts[one.value, default: Count()].required += 1 } else { counts[one.value, default: Count()].optional += 1 }
        }
        for value in stored { counts[value, default: Count()].stored += 1 }
        var isComplete = true
        for count in counts.values {
            let missing = max(0, count.required - count.stored)
            let tooMany = max(0, count.stored - count.required - count.optional)
            result.lost += missing
            result.doubled += tooMany
            result.optionalKept += min(count.optional, max(0, count.stored - count.required))
            if missing > 0 || tooMany > 0 { isComplete = false }
        }
        if isComplete && counts.count > 1 && !isInOrder(expected, stored) { result.misplaced += 1 }
    }

    /// Whether `stored` is `expected` without some of those that are not required: every place in `stored` that can have been
    /// reached is followed at once, so that an optional value equal to its neighbour decides nothing too early.
    private static func isInOrder(_ expected: [Expected], _ stored: [Int]) -> Bool {
        var reached: Set<Int> = [0]
        for one in expected {
            var next: Set<Int> = one.isRequired ? [] : reached
            for place in reached where place < stored.count && stored[place] == one.value { next.insert(place + 1) }
            if next.isEmpty { return false }
            reached = next
        }
        return reached.contains(stored.count)
    }
}
