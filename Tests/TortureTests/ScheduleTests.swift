import Testing

@testable import torture

@Suite struct Schedules {
    @Test func theSameSeedDrawsTheSameFaults() {
        let all = FaultKind.allCases
        #expect(Schedule(seed: 7, milliseconds: 300_000, kinds: all) == Schedule(seed: 7, milliseconds: 300_000, kinds: all.reversed()))
        #expect(Schedule(seed: 7, milliseconds: 300_000, kinds: all) != Schedule(seed: 8, milliseconds: 300_000, kinds: all))
    }

    /// Figures of the generator's authors: what a seed means must not change from one version to the next.
    @Test func theGeneratorIsTheOneThatItIsNamedAfter() {
        var chance = SplitMix64(seed: 1_234_567)
        #expect((0..<3).map { _ in chance.next() } == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }

    @Test func onlyWhatIsAskedForIsDone() {
        for kind in FaultKind.allCases {
            let schedule = Schedule(seed: 1, milliseconds: 120_000, kinds: [kind])
            let faults = (schedule.gateway + schedule.line).map(\.fault)
            #expect(faults.count > 3 && faults.allSatisfy { $0.kind == kind })
        }
    }

    /// Half a minute is what scripts/test has.
    @Test func aShortRunHasEveryUsualKind() {
        for seed in UInt64(0)..<200 {
            let schedule = Schedule(seed: seed, milliseconds: 40_000, kinds: FaultKind.usual)
            #expect(Set((schedule.gateway + schedule.line).map(\.fault.kind)) == Set(FaultKind.usual), "seed \(seed)")
        }
    }

    @Test func whatBeginsIsBroughtToItsEnd() {
        let planned = [
            Schedule.Planned(afterMilliseconds: 100, fault: .kill(downMilliseconds: 500)),
            Schedule.Planned(afterMilliseconds: 100, fault: .stop(milliseconds: 300)),
        ]
        var lane = Lane(planned, now: 0)
        #expect(lane.next(now: 99, isEnding: false) == nil)
        #expect(lane.next(now: 100, isEnding: false) == .killDaemon)
        #expect(lane.next(now: 599, isEnding: true) == nil)
        #expect(!lane.isIdle)
        #expect(lane.next(now: 600, isEnding: true) == .startDaemon)
        #expect(lane.isIdle && !lane.isDone)
        #expect(lane.next(now: 9_000, isEnding: true) == nil)
        #expect(lane.begun == [.kill: 1])
    }
}
