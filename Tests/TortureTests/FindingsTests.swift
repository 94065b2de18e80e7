import Testing

@testable import torture

/// What is excused, and what is not.
@Suite struct WhatIsFound {
    private static let home = "home-1"

    /// Numbers from 1 000 on, one a hundred milliseconds, all acknowledged by the broker.
    private static func sent(_ count: Int, kind: Kind = .numbered) -> [Publisher.Sent] {
        (0..<count).map { .init(kind: kind, value: kind == .numbered ? Int32(1_000 + $0) : 1, acknowledgedAt: Int32($0 * 100)) }
    }

    private static func seen(_ delivered: some Sequence<Int>, acknowledged: some Sequence<Int>) -> Seen.Notes {
        let seen = Seen(publishers: 1)
        for number in delivered { seen.delivered(Mark(publisher: 0, number: number)) }
        for number in acknowledged { seen.acknowledged(Mark(publisher: 0, number: number)) }
        return seen.all
    }

    private static func found(
        _ sent: [Publisher.Sent], _ seen: Seen.Notes, stored: [Int], losses: Losses = Losses(), thinned: Int? = nil, kind: Kind = .numbered
    ) -> Findings {
        var evidence = Evidence()
        evidence.readings[.init(home: home, address: kind.address, quantity: kind.quantity ?? "")] = stored
        if let thinned { evidence.thinned[home] = thinned }
        var findings = Findings()
        findings.account(.init(number: 0, home: home, mayBeThinned: thinned != nil, sent: sent), seen, losses, evidence)
        return findings
    }

    @Test func everythingThatWasAcknowledgedIsThereOnce() {
        let all = Self.found(Self.sent(50), Self.seen(0..<50, acknowledged: 0..<50), stored: Array(1_000..<1_050))
        #expect(all.isGood && all.published == 50 && all.acknowledged == 50 && all.stored == 50)
        #expect(Self.found(Self.sent(50), Self.seen(0..<50, acknowledged: 0..<50), stored: Array(1_000..<1_049)).lost == 1)
        #expect(Self.found(Self.sent(50), Self.seen(0..<50, acknowledged: 0..<50), stored: [1_000] + Array(1_000..<1_050)).doubled == 1)
    }

    @Test func deliveredAgainChangesNothing() {
        let seen = Self.seen(Array(0..<50) + Array(40..<50), acknowledged: Array(0..<50) + Array(40..<50))
        #expect(seen.redeliveries == 10)
        #expect(Self.found(Self.sent(50), seen, stored: Array(1_000..<1_050)).isGood)
    }

    @Test func whatTheBrokerForgetsIsItsOwnOnlyWhereItMayForget() {
        // Numbers 30 … 49 were acknowledged to the publisher between 3.0 and 4.9 s, and never came.
        let seen = Self.seen(0..<30, acknowledged: 0..<30)
        let without = Self.found(Self.sent(50), seen, stored: Array(1_000..<1_030))
        #expect(without.lost == 20 && without.brokerLost == 0)
        var losses = Losses()
        losses.killed(at: 5_000, backAt: 5_500, stoppedMilliseconds: 0)
        let killed = Self.found(Self.sent(50), seen, stored: Array(1_000..<1_030), losses: losses)
        #expect(killed.isGood && killed.brokerLost == 20 && killed.brokerLostAgeMax == 2_000)
        // Killed so much later that it had saved them all.
        var late = Losses()
        late.killed(at: 60_000, backAt: 60_500, stoppedMilliseconds: 0)
        #expect(Self.found(Self.sent(50), seen, stored: Array(1_000..<1_030), losses: late).lost == 20)
        // A session that was lost takes everything with it that waited, however old.
        var session = Losses()
        session.sessionLost(at: 60_000, subscribedAt: 60_010)
        #expect(Self.found(Self.sent(50), seen, stored: Array(1_000..<1_030), losses: session).brokerLost == 20)
    }

    /// The gateway's own acknowledgement is excused by nothing.
    @Test func whatTheGatewayAcknowledgedIsNeverTheBrokersLoss() {
        var losses = Losses()
        losses.killed(at: 5_000, backAt: 5_500, stoppedMilliseconds: 0)
        let found = Self.found(Self.sent(50), Self.seen(0..<50, acknowledged: 0..<50), stored: Array(1_000..<1_045), losses: losses)
        #expect(found.lost == 5 && found.brokerLost == 0)
    }

    @Test func onTheWayWhenTheBrokerEndedMayBeThereOrNot() {
        var losses = Losses()
        losses.killed(at: 5_000, backAt: 5_500, stoppedMilliseconds: 0)
        let seen = Self.seen(0..<50, acknowledged: 0..<40)
        for kept in [1_040, 1_044, 1_050] {
            let found = Self.found(Self.sent(50), seen, stored: Array(1_000..<kept), losses: losses)
            #expect(found.isGood && found.brokerLost == 1_050 - kept)
        }
        #expect(Self.found(Self.sent(50), seen, stored: Array(1_000..<1_045)).lost == 5)
    }

    @Test func whatWasNeverOnItsWayIsNotThere() {
        var sent = Self.sent(50)
        for i in 40..<50 { sent[i].acknowledgedAt = nil }
        let seen = Self.seen(0..<40, acknowledged: 0..<40)
        #expect(Self.found(sent, seen, stored: Array(1_000..<1_040)).isGood)
        #expect(Self.found(sent, seen, stored: Array(1_000..<1_041)).doubled == 1)
    }

    /// The broker had never answered for it, and the gateway acknowledged it: then it counts.
    @Test func acknowledgedByTheGatewayCountsAlsoWithoutTheBrokersAnswer() {
        var sent = Self.sent(50)
        sent[49].acknowledgedAt = nil
        let seen = Self.seen(0..<50, acknowledged: 0..<50)
        #expect(Self.found(sent, seen, stored: Array(1_000..<1_050)).isGood)
        #expect(Self.found(sent, seen, stored: Array(1_000..<1_049)).lost == 1)
    }

    @Test func whatIsThinnedOutIsCountedToTheLastOne() {
        let seen = Self.seen(0..<50, acknowledged: 0..<50)
        let kept = Array(stride(from: 1_000, to: 1_050, by: 5))
        #expect(Self.found(Self.sent(50), seen, stored: kept, thinned: 40).isGood)
        #expect(Self.found(Self.sent(50), seen, stored: kept, thinned: 39).lost == 1)
        #expect(!Self.found(Self.sent(50), seen, stored: kept, thinned: 41).isGood)
        // A press is never thinned out.
        let presses = Self.found(Self.sent(50, kind: .press), seen, stored: Array(repeating: 1, count: 49), thinned: 1, kind: .press)
        #expect(presses.lost == 1)
    }
}
