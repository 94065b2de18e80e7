import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// Deadlines are rows on disk: a restart resumes them, and nobody is asked twice or forgotten.
@Suite struct RestartTests {
    @Test func `a restart in the middle of an escalation keeps its deadlines`() throws {
        let street = try Street()
        let start = street.gateway.now
        try street.press()
        try street.gateway.advance(.seconds(90))
        let sent = Set(street.words)
        try street.gateway.restart()
        // A broker that was killed may have lost what lay there, so it is said again; nothing else is.
        #expect(Set(street.words) == sent)
        #expect(street.showing == ["maria", "tom"])
        try street.gateway.advance(.seconds(30) - .milliseconds(1))
        #expect(street.showing == ["maria", "tom"])
        try street.gateway.advance(.milliseconds(1))
        #expect(street.showing == ["uma"])
        try street.gateway.restart(after: .minutes(1))
        try street.gateway.advance(.minutes(1))
        try street.gateway.restart()
        #expect(street.showing == ["vera"])
        try street.gateway.advance(.minutes(3))
        #expect(
            try street.history(since: start) == [
                "0 s  raised", "0 s  asked maria", "0 s  asked tom", "120 s  unanswered maria", "120 s  unanswered tom", "120 s  asked uma",
                "240 s  unanswered uma", "240 s  asked vera", "420 s  unanswered vera", "420 s  unanswered", "420 s  asked carla",
            ])
        let offers = try street.alert().offers
        #expect(offers.map(\.id) == (1...5).map { OfferID($0) })
        #expect(offers.allSatisfy { $0.times == 1 })
    }

    /// People get their time anew from the moment at which they can be asked.
    @Test func `after three days away one step is taken, not all of them at once`() throws {
        let street = try Street()
        try street.press()
        try street.gateway.restart(after: .days(3))
        let back = street.gateway.now
        #expect(try street.open() == ["uma"])
        #expect(try street.alert().offer(to: "uma")?.answerBy == back + .minutes(2))
        #expect(street.showing == ["uma"])
        try street.gateway.advance(.minutes(2) - .milliseconds(1))
        #expect(try street.open() == ["uma"])
        try street.gateway.advance(.milliseconds(1))
        #expect(try street.open() == ["vera"])
        try street.gateway.advance(.minutes(3))
        #expect(try street.open() == ["carla"])
    }

    @Test func `whoever holds an alert holds it after a restart, and has the same time left`() throws {
        let street = try Street()
        let start = street.gateway.now
        try street.press()
        try street.answer("maria", "accept")
        try street.gateway.restart(after: .minutes(10))
        #expect(try street.alert().holder("maria")?.until == start + .minutes(30))
        try street.gateway.advance(.minutes(20))
        #expect(try street.alert().holders.isEmpty)
        #expect(try street.open() == ["tom", "uma"])
        try street.gateway.restart()
        try street.answer("tom", "arrive")
        try street.gateway.restart(after: .seconds(1))
        try street.answer("tom", "resolve")
        #expect(try street.alert().ending?.by == "tom")
        try street.gateway.restart()
        #expect(street.showing.isEmpty)
    }

    @Test func `a word that was queued before a kill is sent after it, once`() throws {
        let street = try Street()
        street.gateway.sayOnly(.alertTest(home: "elm-3", rule: "sos"), as: "ada")
        #expect(street.words.isEmpty)
        try street.gateway.restart()
        #expect(street.words.count == 2)
        #expect(street.showing == ["maria", "tom"])
        #expect(try street.told("maria") == ["safety alert asked queued", "safety alert asked sent"])
        try street.gateway.restart()
        #expect(Set(street.words).count == 2)
    }

    /// Told twice is better than not told; on a retained topic it is the same card.
    @Test func `an attempt whose outcome was lost is made again`() throws {
        let street = try Street()
        street.gateway.sayOnly(.alertTest(home: "elm-3", rule: "sos"), as: "ada")
        try street.gateway.engine.runOutbox()
        #expect(street.words.count == 2)
        try street.gateway.restart()
        #expect(street.words.count == 4)
        #expect(Set(street.words).count == 2)
        #expect(try street.told("maria") == ["safety alert asked queued", "safety alert asked sent"])
    }

    @Test func `a withdrawal before a kill holds after it`() throws {
        let street = try Street()
        try street.press()
        street.gateway.sayOnly(.consentWithdraw(id: "c1"), as: "ada")
        try street.gateway.restart()
        #expect(street.showing == ["carla"])
    }

    @Test func `detectors go on where they were`() throws {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "motion/kitchen", citizens: [], expected: nil), as: "ada")
        try street.gateway.publish("homes/elm-3/motion/kitchen", "1")
        try street.gateway.advance(.hours(6))
        try street.gateway.restart(after: .hours(5))
        try street.gateway.advance(.hours(1) - .milliseconds(1))
        #expect(try street.gateway.read { try $0.allAlerts() }.isEmpty)
        try street.gateway.advance(.milliseconds(1))
        #expect(try street.alert().matter.rule == "still")
        try street.gateway.restart()
        try street.gateway.advance(.days(1))
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 1, "Once, not again after each restart.")
        try street.gateway.publish("homes/elm-3/motion/kitchen", "1")
        #expect(try street.alert().ending?.how == .over)
    }
}

/// The wall clock is somebody else's to set; the gateway's time goes on steadily.
@Suite struct ClockTests {
    @Test(arguments: [Span.hours(-1), .days(1), .days(-400)])
    func `a wall clock that is set raises nothing, ends nothing and moves no deadline`(by: Span) throws {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "motion/kitchen", citizens: [], expected: nil), as: "ada")
        try street.gateway.publish("homes/elm-3/motion/kitchen", "1")
        let start = street.gateway.now
        try street.press()
        try street.gateway.advance(.seconds(60))
        street.gateway.clock.setWall(street.gateway.clock.wall() + by)
        #expect(street.gateway.now == start + .seconds(60))
        try street.gateway.settle()
        try street.gateway.advance(.seconds(60) - .milliseconds(1))
        #expect(street.showing == ["maria", "tom"])
        try street.gateway.advance(.milliseconds(1))
        #expect(street.showing == ["uma"])
        // The press counts as a sign of life as little as the clock does: twelve hours since the movement.
        try street.gateway.advance(.hours(12) - .minutes(2) - .milliseconds(1))
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 1)
        try street.gateway.advance(.milliseconds(1))
        #expect(try street.gateway.read { try $0.allAlerts() }.map(\.matter.rule) == ["sos", "still"])
    }

    @Test func `the gateway's time is the monotonic clock's, and a jump of the other one is told`() {
        let start = Instant(milliseconds: 1_795_000_000_000)
        let time = GatewayTime(wall: start, monotonic: 5_000_000_000, notBefore: nil)
        #expect(time.now(monotonic: 5_000_000_000) == start)
        #expect(time.now(monotonic: 65_000_000_000) == start + .minutes(1))
        #expect(time.jump(wall: start + .seconds(61), monotonic: 65_000_000_000) == nil)
        #expect(time.jump(wall: start - .hours(1), monotonic: 65_000_000_000) == .minutes(-61))
        #expect(time.jump(wall: start + .days(1), monotonic: 5_000_000_000) == .days(1))
    }

    @Test func `a start goes on from what stands on disk when the clock was set back in between`() {
        let start = Instant(milliseconds: 1_795_000_000_000)
        let time = GatewayTime(wall: start - .hours(1), monotonic: 0, notBefore: start)
        #expect(time.now(monotonic: 1_000_000) == start + .milliseconds(1))
        #expect(GatewayTime(wall: start + .hours(1), monotonic: 0, notBefore: start).now(monotonic: 0) == start + .hours(1))
    }
}
