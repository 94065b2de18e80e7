import Testing

@testable import torture

@Suite struct AlertAccounts {
    private static func alert(_ number: Int64, _ home: String = "home-1", occurrences: Int = 1) -> AlertAccount.OneAlert {
        .init(number: number, home: home, rule: "sos", occurrences: occurrences, isEndedByPerson: true, isEnded: true)
    }

    private static func account(
        _ alerts: [AlertAccount.OneAlert], last: Int64 = 3, presses: [String: Int] = ["home-1": 5], shown: Set<Int64> = [1, 2, 3]
    ) -> AlertAccount.Result { AlertAccount.account(alerts: alerts, lastNumber: last, pressesKept: presses, shown: shown) }

    private static let good = [alert(1), alert(2, occurrences: 3), alert(3)]

    @Test func whatIsAsItShouldBeIsGood() {
        #expect(Self.account(Self.good) == .init())
        var open = Self.good
        open[2].isEnded = false
        open[2].isEndedByPerson = false
        #expect(Self.account(open) == .init())
    }

    @Test func anAlertThatIsGoneIsDropped() {
        // Its number, and the press that it was for.
        #expect(Self.account(Array(Self.good.dropFirst())).dropped == 2)
        #expect(Self.account(Array(Self.good.dropLast())).dropped == 2)
    }

    @Test func aPressThatLedToNothingIsDropped() {
        #expect(Self.account(Self.good, presses: ["home-1": 6]).dropped == 1)
        #expect(Self.account(Self.good, presses: ["home-1": 5, "home-2": 2]).dropped == 2)
        #expect(Self.account(Self.good, presses: ["home-1": 4]).doubled == 1)
    }

    @Test func anAlertThatNobodyEndedIsDropped() {
        var alerts = Self.good
        alerts[0].isEndedByPerson = false
        #expect(Self.account(alerts).dropped == 1)
    }

    @Test func anOpenAlertThatNobodyLooksAtIsDropped() {
        var alerts = Self.good
        alerts[0].isEnded = false
        alerts[0].isAlive = false
        #expect(Self.account(alerts).dropped == 1)
        alerts[0].isAlive = true
        alerts[0].hasDeadline = false
        #expect(Self.account(alerts).dropped == 1)
    }

    @Test func anAlertThatNobodyWasShownIsDropped() { #expect(Self.account(Self.good, shown: [1, 3]).dropped == 1) }

    @Test func anAlertOfAnotherRuleHasNoCause() {
        var alerts = Self.good
        alerts.append(Self.alert(4))
        alerts[3].rule = "no-movement"
        #expect(Self.account(alerts, last: 4, shown: [1, 2, 3, 4]).withoutCause == 1)
    }
}
