import Care
import Testing

@testable import Gateway

/// What `caring status` says of an ingest that is held up.
@Suite struct StatusWordsTests {
    private let now = Instant(milliseconds: 1_795_000_000_000)

    private func say(_ change: (inout GatewayFigures) -> Void) -> [String] {
        var figures = GatewayFigures(at: now)
        figures.isConnected = true
        figures.connections = 1
        figures.counts.messages = 1_000
        figures.lastBurst = BurstFigures(at: now, messages: 12, turnNanoseconds: 4_000_000, commitNanoseconds: 3_000_000)
        change(&figures)
        return figures.sentences
    }

    @Test func nothingIsSaidWhereAllIsWell() { #expect(say { _ in }.isEmpty) }

    @Test func whatIsNotAcknowledgedComesFirst() {
        #expect(
            say {
                $0.degraded = "the disk is full"
                $0.withheldMessages = 40
                $0.oldestUnacknowledged = now - .minutes(4)
                $0.connections = 4
            } == ["Nothing is acknowledged: the disk is full. The oldest message has waited for 4 minutes.", "3 reconnects since the start."])
        #expect(say { $0.degraded = "the disk is read-only" } == ["Nothing is acknowledged: the disk is read-only."])
        let why = "not acknowledged because they could not be written down; the gateway's log says why. The broker sends them again."
        #expect(say { $0.withheldMessages = 16_384 } == ["16 384 messages were \(why)"])
        #expect(
            say {
                $0.withheldMessages = 1
                $0.oldestUnacknowledged = now - .seconds(2)
            } == ["1 message was \(why) The oldest message has waited for 2 seconds."])
    }

    @Test func whatWaitedAtTheBroker() {
        #expect(
            say {
                $0.isTakingBacklog = true
                $0.backlogMessages = 90_000
                $0.backlogMessagesThisTime = 12_400
            } == ["Taking what waited at the broker: 12 400 messages so far."])
        #expect(say { $0.backlogMessages = 90_000 }.isEmpty, "It is over.")
    }

    @Test func onlyABurstThatIsSlowAndOfNow() {
        func burst(_ milliseconds: Int64, commit: Int64 = 0, ago: Span = .zero) -> [String] {
            say {
                $0.lastBurst = BurstFigures(
                    at: now - ago, messages: 16_384, turnNanoseconds: milliseconds * 1_000_000, commitNanoseconds: commit * 1_000_000)
            }
        }
        #expect(burst(199).isEmpty)
        #expect(burst(240) == ["The last burst, of 16 384 messages, took 0.2 seconds to keep."])
        #expect(burst(12_960, commit: 12_000) == ["The last burst, of 16 384 messages, took 13.0 seconds to keep, most of it waiting for the disk."])
        #expect(burst(12_960, ago: .minutes(2)).isEmpty)
    }

    @Test func theOthers() {
        #expect(say { $0.connections = 2 } == ["1 reconnect since the start."])
        #expect(say { $0.quarantined = 1 } == ["1 message is in quarantine: see caring device problems."])
        #expect(say { $0.quarantined = 2 } == ["2 messages are in quarantine: see caring device problems."])
        #expect(say { $0.thinnedByHome = ["elm-3": 4_120] } == ["One home has said more than it may since the start: 4 120 readings were thinned."])
        #expect(say { $0.thinnedByHome = ["elm-3": 1, "oak-1": 0] } == ["One home has said more than it may since the start: 1 reading was thinned."])
        #expect(say { $0.thinnedByHome = ["elm-3": 4, "oak-1": 2] } == ["2 homes have said more than they may since the start: 6 readings were thinned."])
        #expect(say { $0.deadlinesLate = .seconds(12) } == ["In the last minute a deadline was 12 seconds late."])
        #expect(say { $0.deadlinesLate = .milliseconds(1_900) }.isEmpty)
        #expect(say { $0.turnsFailed = 1 } == ["1 turn could not be written down since the start."])
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1 000"), (12_400, "12 400"), (1_234_567, "1 234 567")])
    func numbersInThrees(n: Int, text: String) { #expect(grouped(n) == text) }

    @Test func latenessIsForgottenAfterAMinute() {
        var lateness = Lateness()
        lateness.note(.seconds(5), at: now)
        lateness.note(.seconds(9), at: now + .milliseconds(200))
        lateness.note(.seconds(1), at: now + .seconds(30))
        #expect(lateness.worst(at: now + .seconds(31)) == .seconds(9))
        #expect(lateness.worst(at: now + .seconds(70)) == .seconds(1))
        #expect(lateness.worst(at: now + .seconds(100)) == .zero)
    }
}
