import Testing

@testable import Care

/// How often a device speaks, learned from itself.
@Suite struct RhythmTests {
    private let monday = Instant(milliseconds: 1_767_571_200_000)  // 2026-01-05T00:00:00Z

    /// Every `every` from 07:00 to 23:00, each day.
    private func days(_ count: Int, every: Span) -> Rhythm {
        var rhythm = Rhythm()
        for day in 0..<count {
            var at = monday + .days(Int64(day)) + .hours(7)
            while at < monday + .days(Int64(day)) + .hours(23) {
                _ = rhythm.heard(at: at)
                at = at + every
            }
        }
        return rhythm
    }

    @Test func `the longest night and half as much again is expected`() {
        let rhythm = days(6, every: .minutes(20))
        // From 22:40 to 07:00.
        #expect(rhythm.expected == .minutes(500 + 250))
    }

    @Test func `nothing is known from a few days or a few messages`() {
        #expect(days(3, every: .minutes(20)).expected == nil)
        #expect(days(4, every: .minutes(20)).expected != nil)
        #expect(days(4, every: .hours(6)).expected == nil, "Twelve messages.")
    }

    @Test func `it is never shorter than its floor and never longer than its cap`() {
        var chatty = Rhythm()
        for minute in 0..<(5 * 1_440) { _ = chatty.heard(at: monday + .minutes(Int64(minute))) }
        #expect(chatty.expected == Rhythm.floor)
        var seldom = Rhythm()
        for time in 0..<60 { _ = seldom.heard(at: monday + .days(Int64(time) * 3)) }
        #expect(seldom.expected == nil, "Silent for days: it speaks when somebody uses it.")
    }

    @Test func `a silence of ours is none of the device's`() {
        var rhythm = days(6, every: .minutes(20))
        let before = rhythm.expected
        _ = rhythm.heard(at: monday + .days(7) + .hours(12), isGap: false)
        _ = rhythm.heard(at: monday + .days(8) + .hours(1), isGap: false)
        #expect(rhythm.expected == before)
        _ = rhythm.heard(at: monday + .days(9) + .hours(23), isGap: true)
        _ = rhythm.heard(at: monday + .days(10) + .hours(1), isGap: false)
        #expect(rhythm.expected != before)
    }

    @Test func `old days are forgotten and each new day is told once`() {
        var rhythm = days(3, every: .minutes(20))
        // Two quiet days first, then fourteen lively ones.
        var began = 0
        for day in 3..<20 {
            for minute in stride(from: 0, to: 1_440, by: 10) {
                if rhythm.heard(at: monday + .days(Int64(day)) + .minutes(Int64(minute))) { began += 1 }
            }
        }
        #expect(began == 17)
        #expect(rhythm.expected == Rhythm.floor)
    }
}

@Suite struct StandingTests {
    private let now = Instant(milliseconds: 1_767_571_200_000)

    private func standing(
        heard: Span? = .minutes(5), expected: Span? = .hours(1), offline: Bool = false, bridgeGone: Bool = false, low: Bool = false, understood: Bool = true
    ) -> Standing {
        var device = Device(id: DeviceID(1), home: "elm-3", address: "zigbee2mqtt/x", convention: "zigbee2mqtt", expected: nil, citizens: ["ada"], claimedAt: now - .days(1))
        device.bridge = "zigbee2mqtt/bridge"
        if offline { device.offlineSince = now - .minutes(30) }
        return .of(
            device, lastHeard: heard.map { now - $0 }, expected: expected, bridgeGoneSince: bridgeGone ? now - .minutes(10) : nil, isBatteryLow: low,
            isUnderstood: understood, now: now)
    }

    @Test func `each of them is told apart`() {
        #expect(standing() == .well)
        #expect(standing(heard: .hours(2)) == .silent(since: now - .hours(2)))
        #expect(standing(heard: .hours(2), expected: nil) == .well, "What speaks only when somebody uses it is not silent.")
        #expect(standing(heard: nil) == .neverHeard)
        #expect(standing(bridgeGone: true) == .cutOff(bridge: "zigbee2mqtt/bridge", since: now - .minutes(10)))
        #expect(standing(offline: true) == .offline(since: now - .minutes(30)))
        #expect(standing(low: true) == .batteryLow)
        #expect(standing(heard: nil, understood: false) == .notUnderstood)
    }

    @Test func `what matters more is said first`() {
        #expect(standing(heard: .hours(2), bridgeGone: true, low: true) == .cutOff(bridge: "zigbee2mqtt/bridge", since: now - .minutes(10)))
        #expect(standing(heard: .hours(2), low: true) == .silent(since: now - .hours(2)), "A flat battery does not hide silence.")
    }
}
