import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// Backlog is not now: what waited at the broker is marked, told as late, and no reason to call silence a silence.
@Suite struct BacklogTests {
    private let motion = "homes/elm-3/motion/hallway"
    private let scale = "homes/elm-3/senml/scale"

    /// "2026-11-17T22:00:00.000Z" at the London home is 22:00.
    private func clock(_ instant: Instant, _ street: Street) -> String { String(instant.iso.dropFirst(11).prefix(5)) }

    private func readings(_ street: Street) throws -> [JSON] {
        try street.gateway.say(
            .readingList(citizen: nil, home: nil, quantity: nil, since: "7d", limit: 1_000, purpose: nil), as: "ada").items
    }

    @Test func `an SOS that waited at the broker is raised, and told as late`() throws {
        let street = try Street()
        try street.press()
        try street.answer("maria", "accept")
        try street.answer("maria", "resolve")
        let cut = street.gateway.now
        try street.gateway.cutLine(for: .minutes(115), waiting: [(street.button, #"{"action":"emergency"}"#)])
        let back = street.gateway.now
        let alert = try street.alert(2)
        // A line may be dead for three quarters of a minute before that is noticed; the button was heard after that.
        #expect(alert.earliest == cut)
        #expect(alert.since == back && alert.raisedAt == back)
        let say = try #require(try street.card("maria")?["say"]?.string)
        #expect(
            say.contains(
                "Someone has pressed their alarm button. That was some time between \(clock(cut, street)) and \(clock(back, street)); the word of it came late, at \(clock(back, street))."
            ), "\(say)")
        let why = try street.gateway.say(.why(id: "a2"), as: "ada").say.joined(separator: " ")
        #expect(why.contains("some time between") && why.contains("had to wait at the broker"), "\(why)")
    }

    @Test func `what the device itself dated happened then`() throws {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "senml/scale", citizens: [], expected: nil), as: "ada")
        let cut = street.gateway.now
        let pressed = cut + .minutes(30)
        let message = #"[{"n":"sos","vb":true,"t":\#(pressed.milliseconds / 1_000)}]"#
        try street.gateway.cutLine(for: .hours(2), waiting: [(scale, message)])
        let alert = try street.alert()
        let expected = Instant(milliseconds: pressed.milliseconds / 1_000 * 1_000)
        #expect(alert.since == expected && alert.earliest == expected)
        let say = try #require(try street.card("maria")?["say"]?.string)
        #expect(say.contains("That was at \(clock(expected, street)); the word of it came late"), "\(say)")
    }

    @Test func `what comes while the line is up is never late, whatever the device's clock says`() throws {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "senml/scale", citizens: [], expected: nil), as: "ada")
        // An hour behind, as after a summer's end.
        for minute in 0..<10 {
            let wrong = street.gateway.now - .hours(1)
            try street.gateway.publish(scale, #"[{"n":"temperature","u":"Cel","v":20.\#(minute),"t":\#(wrong.milliseconds / 1_000)}]"#)
            try street.gateway.advance(.minutes(1))
        }
        let wrong = street.gateway.now - .hours(1)
        try street.gateway.publish(scale, #"[{"n":"sos","vb":true,"t":\#(wrong.milliseconds / 1_000)}]"#)
        let alert = try street.alert()
        #expect(alert.earliest == nil)
        #expect((street.gateway.now - alert.since) < .seconds(2), "The skew was learned.")
        // And it is shown.
        let devices = try street.gateway.say(.deviceList(home: nil), as: "ada").say.joined(separator: " ")
        #expect(devices.contains("its clock is 60 minutes behind"), "\(devices)")
        // A backlog teaches nothing: each of its messages came hours after the device dated it.
        let right = street.gateway.now
        let waiting = (0..<20).map { n in
            (topic: scale, payload: #"[{"n":"temperature","u":"Cel","v":21.\#(n),"t":\#((right - .hours(1)).milliseconds / 1_000 + Int64(n) * 60)}]"#)
        }
        try street.gateway.cutLine(for: .hours(5), waiting: waiting)
        let after = try street.gateway.say(.deviceList(home: nil), as: "ada").say.joined(separator: " ")
        #expect(after.contains("its clock is 60 minutes behind"), "\(after)")
    }

    @Test func `a reading without a device's time is marked as queued, and only that`() throws {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "motion/hallway", citizens: [], expected: nil), as: "ada")
        try street.gateway.publish(motion, "1")
        try street.gateway.advance(.minutes(10))
        let cut = street.gateway.now - .seconds(45)
        try street.gateway.cutLine(for: .hours(2), waiting: [(motion, "0"), (motion, "1")])
        try street.gateway.advance(.seconds(10))
        try street.gateway.publish(motion, "0")
        func check() throws {
            let all = try readings(street)
            #expect(all.map { $0["timeSource"]?.string } == ["arrival", "queued", "queued", "arrival"])
            #expect(all.map { $0["earliest"]?.string } == [nil, cut.iso, cut.iso, nil])
            let say = try street.gateway.say(
                .readingList(citizen: nil, home: nil, quantity: nil, since: "7d", limit: 10, purpose: nil), as: "ada").say
            #expect(say.count { $0.hasSuffix("(queued, between \(clock(cut, street)) and then)") } == 2, "\(say)")
        }
        try check()
        try street.gateway.restart()
        try check()
    }

    @Test func `a second without the line makes nothing late`() throws {
        let street = try Street()
        try street.gateway.cutLine(for: .seconds(2), waiting: [(street.button, #"{"action":"emergency"}"#)])
        #expect(try street.alert().earliest == nil)
        #expect(try readings(street).map { $0["timeSource"]?.string } == ["arrival"])
    }

    // MARK: Silence

    private static let silence = """
        rules:
          silent: {silence: 2, category: safety, purpose: daily-support, severity: Minor, urgency: Future, certainty: Observed, kind: silent device, say: A device is silent.}
        """

    private func silentStreet() throws -> Street {
        let street = try Street(rules: Self.silence)
        try street.gateway.say(.deviceClaim(home: nil, device: "motion/hallway", citizens: [], expected: "1h"), as: "ada")
        try street.gateway.publish(motion, "1")
        return street
    }

    private func raised(_ street: Street) throws -> Int {
        try street.gateway.read { try $0.allAlerts() }.filter { $0.device != nil && !$0.isInfrastructure && $0.matter.rule == "silent" }
            .filter { alert in try street.gateway.say(.alertShow(alert: alert.id.description), as: "ada").items.first?["home"]?.string == "elm-3" }
            .count
    }

    @Test func `a device is called silent only after one expected interval with the line back`() throws {
        let street = try silentStreet()
        try street.gateway.say(.deviceRelease(home: nil, device: "zigbee2mqtt/hall button"), as: "ada")
        try street.gateway.cutLine(for: .hours(6))
        try street.gateway.advance(.minutes(60) - .seconds(1))
        #expect(try raised(street) == 0)
        try street.gateway.advance(.seconds(2))
        #expect(try raised(street) == 1)
    }

    @Test func `a line that comes and goes does not put a silence off for ever`() throws {
        let street = try silentStreet()
        try street.gateway.say(.deviceRelease(home: nil, device: "zigbee2mqtt/hall button"), as: "ada")
        for _ in 0..<20 {
            try street.gateway.cutLine(for: .seconds(30))
            try street.gateway.advance(.minutes(10))
        }
        #expect(try raised(street) == 1)
    }

    @Test func `what waits survives a restart of the gateway`() throws {
        let street = try silentStreet()
        try street.gateway.say(.deviceRelease(home: nil, device: "zigbee2mqtt/hall button"), as: "ada")
        street.gateway.engine.disconnected()
        try street.gateway.advance(.hours(6))
        try street.gateway.restart()
        try street.gateway.advance(.minutes(30))
        try street.gateway.restart()
        try street.gateway.advance(.minutes(29))
        #expect(try raised(street) == 0)
        try street.gateway.advance(.minutes(3))
        #expect(try raised(street) == 1)
    }

    // MARK: A session that is lost

    @Test func `a lost session is an alert to the coordinators, with the interval, and to nobody else`() throws {
        let street = try Street()
        try street.press()
        let cut = street.gateway.now
        try street.gateway.cutLine(for: .hours(2), sessionPresent: false)
        let back = street.gateway.now
        let alert = try street.alert(2)
        #expect(alert.isInfrastructure && alert.matter.rule == "session-lost" && alert.citizens.isEmpty)
        #expect(alert.earliest == cut && alert.since == back)
        #expect(alert.offers.map(\.person) == ["carla"])
        let cards = street.gateway.outbound.shown(to: "carla").filter { $0.contains("\"a2\"") }
        let say = try #require(cards.first)
        #expect(say.contains("may be lost, alarms included"))
        #expect(say.contains("It is about the time from \(clock(cut, street)) to \(clock(back, street))."), "\(say)")
        #expect(say.contains("Can you look after it?"))
        for helper in ["maria", "tom", "uma", "vera"] {
            #expect(!street.gateway.outbound.shown(to: helper).contains { $0.contains("\"a2\"") })
            #expect(try street.gateway.say(.alertShow(alert: "a2"), as: helper).outcome == .refused)
        }
        #expect(try street.gateway.say(.alertShow(alert: "a2"), as: "ada").outcome == .refused)
        // She looks after it and closes it.
        try street.answer("carla", "accept", alert: "a2")
        try street.answer("carla", "resolve", alert: "a2")
        #expect(try street.alert(2).ending?.how == .resolved)
        // Nothing was published about it below homes/.
        #expect(!street.gateway.outbound.publications.contains { $0.topic.hasPrefix("homes/caring") })
    }

    @Test func `a first connection has lost nothing`() throws {
        let gateway = try TestGateway(rules: Street.rules, isBrokerThere: false)
        try gateway.advance(.minutes(5))
        try gateway.restart()
        try gateway.engine.connected(sessionPresent: false)
        #expect(try gateway.read { try $0.allAlerts() }.isEmpty)
        // The next time there is something to lose.
        gateway.engine.disconnected()
        try gateway.engine.connected(sessionPresent: false)
        #expect(try gateway.read { try $0.allAlerts() }.map(\.matter.rule) == ["session-lost"])
    }
}

/// What the review of bad days found, each with the sequence of events that showed it.
@Suite struct BadSequenceTests {
    @Test func `a marker that an earlier connection left behind does not end the backlog`() throws {
        let street = try Street()
        let engine = street.gateway.engine
        engine.disconnected()
        try engine.connected(sessionPresent: true)
        let stale = engine.markerPayload
        // Cut before it came back; two hours later it comes first, and what was said meanwhile behind it.
        engine.disconnected()
        try street.gateway.advance(.hours(2))
        try engine.connected(sessionPresent: true)
        try engine.take(street.gateway.burst([(Engine.markerTopic, stale), (street.button, #"{"action":"emergency"}"#)]))
        #expect(engine.isCatchingUp)
        #expect(try street.alert().earliest != nil)
        try street.gateway.publish(Engine.markerTopic, engine.markerPayload)
        #expect(engine.isListening)
    }

    /// A killed broker comes back with what it saved last, and gives packet ids again that it gave since.
    @Test func `an alarm that looks like one that was kept is told after the broker was gone`() throws {
        let street = try Street()
        try street.press()
        try street.answer("maria", "accept")
        try street.answer("maria", "resolve")
        // What comes at once after a press is one of its repetitions.
        try street.gateway.advance(.seconds(10))
        try street.press()
        #expect(try street.alert(2).occurrences == 1)
        let engine = street.gateway.engine
        try street.gateway.advance(.seconds(10))
        engine.disconnected()
        engine.noteBrokerDown()
        try engine.connected(sessionPresent: true)
        try street.gateway.deliverAgain(1)
        #expect(try street.alert(2).occurrences == 2)
        // Where the broker was there all the time, it is the same press.
        engine.disconnected()
        try engine.connected(sessionPresent: true)
        try street.gateway.deliverAgain(1)
        #expect(try street.alert(2).occurrences == 2)
    }

    @Test func `after an hour without a disk people get their time anew`() throws {
        let street = try Street()
        try street.press()
        street.gateway.storeProblem = .readOnly
        // Each pass of the loop tries and fails.
        for _ in 0..<60 {
            street.gateway.clock.advance(.minutes(1))
            try? street.gateway.engine.catchUp(to: street.gateway.now)
        }
        street.gateway.storeProblem = nil
        street.gateway.engine.resume(at: street.gateway.now)
        try street.gateway.settle()
        #expect(street.showing == ["uma"], "One step of the plan, not all of them at once.")
    }

    @Test func `outages beyond what is remembered are told as one, as long as all of them`() throws {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "motion/hallway", citizens: [], expected: "1d"), as: "ada")
        try street.gateway.publish("homes/elm-3/motion/hallway", "1")
        for _ in 0..<300 {
            try street.gateway.cutLine(for: .seconds(10))
            try street.gateway.advance(.minutes(5))
        }
        // Listened to for 25 hours in all since the first cut: nothing is held any more.
        #expect(street.gateway.engine.heldForSilence(device: "motion/hallway", home: "elm-3") == nil)
    }

    @Test func `a queued reading is never taken for one that the device told before`() throws {
        let street = try Street()
        let scale = "homes/elm-3/senml/scale"
        try street.gateway.say(.deviceClaim(home: nil, device: "senml/scale", citizens: [], expected: nil), as: "ada")
        try street.gateway.cutLine(for: .hours(1), waiting: (0..<200).map { _ in (scale, #"[{"n":"weight","u":"kg","v":70}]"#) })
        #expect(try street.gateway.read { try $0.count("reading") } == 200)
    }
}
