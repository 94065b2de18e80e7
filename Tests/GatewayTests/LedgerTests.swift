import Testing

@testable import Gateway

extension Ledger {
    /// One message that is a burst of its own.
    fileprivate mutating func knows(_ entry: Entry, isDuplicate: Bool? = nil) -> Bool { recognize([(entry, isDuplicate)]) == [true] }
}

/// Delivered again, it counts once: which messages of a resumed session were kept before.
@Suite struct LedgerTests {
    private func entry(_ id: UInt16, _ text: String) -> Ledger.Entry {
        Ledger.Entry(packetID: id, hash: Array(text.utf8).withUnsafeBytes { stableHash($0) })
    }

    private func ledger(_ entries: [(UInt16, String)]) -> Ledger {
        var ledger = Ledger()
        ledger.append(entries.map { entry($0.0, $0.1) })
        ledger.beginComparing()
        return ledger
    }

    @Test func aRunFromTheMiddleIsKnownAndTheFirstNewMessageEndsIt() {
        var ledger = ledger([(1, "a"), (2, "b"), (3, "b"), (4, "c")])
        #expect(ledger.knows(entry(2, "b")) == true)
        #expect(ledger.knows(entry(3, "b")) == true)
        #expect(ledger.knows(entry(4, "c")) == true)
        #expect(ledger.knows(entry(5, "b")) == false)
        // From then on even bytes that were seen before are news: somebody pressed the button again.
        #expect(ledger.knows(entry(2, "b")) == false)
        #expect(!ledger.isComparing)
    }

    @Test func aGapEndsTheRun() {
        var ledger = ledger([(1, "a"), (2, "b"), (3, "c")])
        #expect(ledger.knows(entry(1, "a")) == true)
        #expect(ledger.knows(entry(3, "c")) == false)
    }

    @Test func packetIDsComeRoundAgain() {
        // The same id with the same bytes stands twice; which of the two it is shows with the next message.
        var ledger = ledger([(7, "on"), (8, "x"), (7, "on"), (8, "y")])
        #expect(ledger.knows(entry(7, "on")) == true)
        #expect(ledger.knows(entry(8, "y")) == true)
        #expect(ledger.knows(entry(9, "z")) == false)
    }

    @Test func aHomeWhoseEveryMessageIsTheSameLosesNone() {
        // The next new message has the id of the one 65 535 messages ago, and the same bytes.
        var ledger = ledger((0..<70_000).map { (UInt16($0 % 65_535 + 1), "1") })
        #expect(ledger.knows(entry(UInt16(70_000 % 65_535 + 1), "1")) == false)
    }

    /// Several bursts are acknowledged together: when the last of them was not kept, all come again.
    @Test func everythingThatCanBeUnacknowledgedIsKnownAgain() {
        func message(_ number: Int) -> Ledger.Entry { entry(UInt16(number % 65_535 + 1), "\(number % 7)") }
        var ledger = Ledger()
        for first in stride(from: 0, to: 163_840, by: 16_384) { ledger.append((first..<first + 16_384).map(message)) }
        for unacknowledged in [16_384, 49_152, Ledger.unacknowledgedMax] {
            var resumed = ledger
            resumed.beginComparing()
            #expect((163_840 - unacknowledged..<163_840).allSatisfy { resumed.knows(message($0)) })
            #expect(resumed.knows(message(163_840)) == false)
        }
    }

    // MARK: A broker that was killed and knows what it had saved

    @Test func aBrokerThatGivesIdsAgainLosesNothingThatIsNotADuplicate() {
        // It had saved after 2; what it gives 3 and 4 now is new, though it is the same bytes.
        var ledger = ledger([(1, "1"), (2, "1"), (3, "1"), (4, "1")])
        #expect(ledger.knows(entry(2, "1"), isDuplicate: true) == true)
        #expect(ledger.knows(entry(3, "1"), isDuplicate: false) == false)
        #expect(ledger.knows(entry(4, "1"), isDuplicate: false) == false)
    }

    /// What waited at the broker, as it is given again by one that was killed: without DUP.
    private func given(_ entries: [(UInt16, String)]) -> [(entry: Ledger.Entry, isDuplicate: Bool?)] { entries.map { (entry($0.0, $0.1), false) } }

    private func waiting(_ entries: [(UInt16, String)]) -> Ledger {
        var ledger = Ledger()
        ledger.append(entries.map { Ledger.Entry(packetID: $0.0, hash: entry($0.0, $0.1).hash, waited: true) })
        ledger.beginComparing()
        return ledger
    }

    @Test func whatHadWaitedAndComesAgainWithoutDupIsKnownByWhatComesBehindIt() {
        let same = (1...5).map { (UInt16($0), "1") }
        var ledger = waiting(same + [(6, "rare"), (7, "1"), (8, "1")])
        // Of what comes behind the rare one nothing shows that it is the same again.
        #expect(ledger.recognize(given([(2, "1"), (3, "1"), (6, "rare"), (7, "1"), (8, "1"), (9, "x")])) == [true, true, true, false, false, false])
        // Those two count again and stand where they did: what stood there before has left.
        #expect(ledger.forgotten == 2)
        #expect(ledger.count == 6)
    }

    @Test func severalDifferentOnesInTheirPlacesAreNoChance() {
        let round = ["a", "b", "c", "d"]
        let all = (0..<40).map { (UInt16($0 + 1), round[$0 % 4]) }
        var ledger = waiting(all)
        #expect(ledger.recognize(given(Array(all[10..<15]))) == [true, true, true, true, false])
        // Three are.
        ledger = waiting(all)
        #expect(ledger.recognize(given(Array(all[10..<13]))) == [false, false, false])
    }

    @Test func aHomeThatSaysTheSameAgainAfterTheBrokersReturnLosesNone() {
        // The broker had saved after 2, and gives 3, 4, 5 anew.
        let all = (1...50).map { (UInt16($0), "1") }
        var ledger = waiting(all)
        var burst: [(entry: Ledger.Entry, isDuplicate: Bool?)] = [(entry(1, "1"), true), (entry(2, "1"), true)]
        burst += given([(3, "1"), (4, "1"), (5, "1")])
        #expect(ledger.recognize(burst) == [true, true, false, false, false])
        ledger.append(burst[2...].map(\.entry))
        #expect(ledger.recognize(given([(6, "new")])) == [false])
        // What stood behind the run has left; what was taken meanwhile stands there now, on disk as well.
        #expect(ledger.count == 5)
        #expect(ledger.forgotten == 48 + 3)
        #expect(ledger.moved == burst[2...].map(\.entry))
        ledger.append([entry(6, "new")])
        #expect(ledger.moved == [])
        ledger.beginComparing()
        let again = [(entry(1, "1"), true), (entry(2, "1"), true)] + burst[2...].map { ($0.entry, true) } + [(entry(6, "new"), true), (entry(7, "1"), true)]
        #expect(ledger.recognize(again) == [true, true, true, true, true, true, false])
    }

    @Test func whatHadBeenOnItsWayIsNotGivenAgainWithoutDup() {
        var ledger = ledger([(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")])
        #expect(ledger.recognize(given([(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")])) == [false, false, false, false, false])
    }

    @Test func whatTheBrokerHasForgottenLeavesTheLedger() {
        // Acknowledged up to 5; the broker knows of 1 and 2 only, sends them again, and then a new 3.
        var ledger = ledger([(1, "a"), (2, "b"), (3, "c"), (4, "1"), (5, "1")])
        #expect(ledger.knows(entry(1, "a"), isDuplicate: true) == true)
        #expect(ledger.knows(entry(2, "b"), isDuplicate: true) == true)
        #expect(ledger.knows(entry(3, "new"), isDuplicate: false) == false)
        #expect(ledger.forgotten == 3)
        ledger.append([entry(3, "new")])
        #expect(ledger.forgotten == 0)
        #expect(ledger.count == 3)
        // The gateway is killed before it has kept the new 4 and 5, which are the same bytes as the old ones.
        ledger.beginComparing()
        for message in [entry(1, "a"), entry(2, "b"), entry(3, "new")] { #expect(ledger.knows(message, isDuplicate: true) == true) }
        #expect(ledger.knows(entry(4, "1"), isDuplicate: true) == false, "Never kept: an older one had the same id and bytes.")
    }

    @Test func whereNothingComesAgainTheIdShowsWhatTheBrokerHasForgotten() {
        var ledger = ledger([(65_534, "1"), (65_535, "1"), (2, "1"), (3, "1")])
        #expect(ledger.knows(entry(1, "1"), isDuplicate: false) == false)
        #expect(ledger.forgotten == 2)
        ledger.append([entry(1, "1")])
        ledger.beginComparing()
        #expect(ledger.knows(entry(2, "1"), isDuplicate: true) == false)
        #expect(ledger.forgotten == 0)
    }

    @Test func theNextMessageForgetsNothing() {
        for next in [4, 5, 20_000] as [UInt16] {
            var ledger = ledger([(1, "a"), (2, "b"), (3, "c")])
            #expect(ledger.knows(entry(next, "d"), isDuplicate: false) == false)
            #expect(ledger.forgotten == 0, "\(next)")
        }
        var ledger = ledger([(1, "a"), (2, "b")])
        #expect(ledger.knows(entry(1, "a")) == true)
        #expect(ledger.knows(entry(2, "b")) == true)
        #expect(ledger.knows(entry(3, "c")) == false)
        #expect(ledger.forgotten == 0)
    }

    @Test func aPowerCutDoesNotLoseTheNextOfEqualMessages() {
        // The broker saved when 70 001 was on its way, and both ended before it was kept. 65 535 before it stands the same.
        var ledger = Ledger()
        ledger.append((0..<70_000).map { entry(UInt16($0 % 65_535 + 1), "1") })
        ledger.beginComparing(brokerWasDown: true)
        #expect(ledger.knows(entry(UInt16(70_000 % 65_535 + 1), "1"), isDuplicate: true) == false)
    }

    @Test func whatHasExpiredAtTheBrokerLeavesAGapAndNoMore() {
        let all = (1...200).map { entry(UInt16($0), "\($0)") }
        var ledger = Ledger()
        ledger.append(all)
        ledger.beginComparing()
        #expect(ledger.knows(all[10], isDuplicate: true) == true)
        #expect(ledger.knows(all[14], isDuplicate: true) == true)
        #expect(ledger.knows(all[15], isDuplicate: true) == true)
        #expect(ledger.knows(all[16 + 64], isDuplicate: true) == false, "Farther than a gap is.")
        #expect(!ledger.isComparing)
        #expect(ledger.forgotten == 200 - 16)
        // What is new, and what is not known to come again, has no gaps.
        for flag in [false, nil] as [Bool?] {
            var ledger = Ledger()
            ledger.append(all)
            ledger.beginComparing()
            #expect(ledger.knows(all[10], isDuplicate: true) == true)
            #expect(ledger.knows(all[14], isDuplicate: flag) == false)
        }
    }

    /// Ten seconds of a flood are more than there are packet ids.
    @Test func afterTheBrokerWasDownOlderOnesAreKnownToo() {
        func message(_ number: Int) -> Ledger.Entry { entry(UInt16(number % 65_535 + 1), "\(number % 7)") }
        var whole = Ledger()
        whole.append((0..<131_072).map(message))
        var afterDown = whole
        afterDown.beginComparing(brokerWasDown: true)
        #expect((10_000..<60_000).allSatisfy { afterDown.knows(message($0), isDuplicate: true) })
        #expect(afterDown.knows(message(200_000), isDuplicate: false) == false)
        // Without that the latest with its id is meant, and nothing else.
        whole.beginComparing()
        #expect(whole.knows(message(10_000), isDuplicate: true) == false)
    }

    @Test func whatABrokerSavedLongAgoIsKnownWithoutThatByRareBytes() {
        func message(_ number: Int) -> Ledger.Entry { entry(UInt16(number % 65_535 + 1), number % 7 == 0 ? "rare \(number)" : "1") }
        var whole = Ledger()
        whole.append((0..<131_072).map(message))
        whole.beginComparing()
        #expect((10_003..<60_000).allSatisfy { whole.knows(message($0), isDuplicate: true) })
        // Not without DUP, and not from common bytes on.
        whole.beginComparing()
        #expect(whole.knows(message(10_003), isDuplicate: false) == false)
        whole.beginComparing()
        #expect(whole.knows(entry(UInt16(10_003), "1"), isDuplicate: true) == false)
    }

    @Test func theSameBytesWithAnotherIdAreNews() {
        var ledger = ledger([(1, "sos")])
        #expect(ledger.knows(entry(2, "sos")) == false)
    }

    @Test func nothingIsComparedWithoutAResumedSession() {
        var ledger = Ledger()
        ledger.append([entry(1, "a")])
        #expect(ledger.knows(entry(1, "a")) == false)
        ledger.beginComparing()
        ledger.removeAll()
        #expect(ledger.knows(entry(1, "a")) == false)
    }

    @Test func itIsBounded() {
        var ledger = Ledger()
        for round in 0..<40 { ledger.append((0..<10_000).map { entry(UInt16($0), "\(round)") }) }
        #expect(ledger.count <= 2 * Ledger.entriesMax + 10_000)
    }

    @Test func bytesRoundTrip() {
        let entries = [entry(1, "a"), entry(65_535, "b"), Ledger.Entry(packetID: 3, hash: .max, waited: true)]
        #expect(Ledger.entries(Ledger.bytes(entries)) == entries)
        #expect(Ledger.bytes(entries).count == 30)
    }
}
