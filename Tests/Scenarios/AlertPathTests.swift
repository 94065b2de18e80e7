import Care
import CareTesting
import Foundation
import Testing

/// From a pressed button to somebody who came, over the real store in virtual time.
@Suite struct AlertPathTests {
    @Test func `a call for help is offered, accepted, attended and resolved, and every word is written down`() throws {
        let street = try Street()
        let start = street.gateway.now
        try street.press()
        #expect(street.showing == ["maria", "tom"], "The two nearest of the street.")
        #expect(try street.card("maria")?["kind"]?.string == "sos")
        try street.gateway.advance(.seconds(20))
        try street.answer("maria", "accept", note: "On my way")
        #expect(street.showing == ["maria"])
        try street.gateway.advance(.minutes(4))
        try street.answer("maria", "arrive")
        try street.gateway.advance(.minutes(10))
        try street.answer("maria", "resolve", note: "She is fine")
        #expect(street.showing.isEmpty)

        #expect(
            try street.history(since: start) == [
                "0 s  raised", "0 s  asked maria", "0 s  asked tom", "20 s  accepted maria", "20 s  stood-down tom", "260 s  arrived maria",
                "860 s  resolved maria",
            ])
        #expect(
            try street.told("maria") == [
                "sos alert asked queued", "sos alert asked sent", "sos alert asked seen",
                "sos alert accepted queued", "identity alert accepted queued", "sos alert accepted sent", "identity alert accepted sent",
                "sos alert accepted seen", "identity alert accepted seen",
                "sos alert attending queued", "identity alert attending queued", "sos alert attending sent", "identity alert attending sent",
                "sos alert attending seen", "identity alert attending seen",
            ])
        #expect(try street.told("tom") == ["sos alert asked queued", "sos alert asked sent"], "Nothing shows that Tom read it.")
        let ending = try #require(try street.alert().ending)
        #expect(ending.how == .resolved)
        #expect(ending.by == "maria")
        let home = street.gateway.outbound.published(to: "homes/elm-3/caring/notices")
        #expect(home.count == 3)
        #expect(home[0].contains("Maria Lopez is on the way to you."))
        #expect(home[1].contains("Maria Lopez has arrived."))
        #expect(home[2].contains("Your alert is closed"))
        try street.gateway.advance(.days(2))
        #expect(try street.history(since: start).count == 7, "What has ended stays ended.")
    }

    @Test func `who and where it is, only who has accepted is told`() throws {
        let street = try Street()
        try street.press()
        let asked = try #require(try street.card("maria"))
        #expect(asked["where"]?.string == "Oak Street")
        #expect(!asked.text.contains("Elm") && !asked.text.contains("Ada"))
        try street.answer("maria", "accept")
        let accepted = try #require(try street.card("maria"))
        #expect(accepted["where"]?.string == "Ada Brown, 3 Elm Road")
        #expect(accepted["say"]?.string?.contains("Ada Brown, 3 Elm Road") == true)
        #expect(!street.words.contains { $0.hasPrefix("helpers/tom") && ($0.contains("Elm") || $0.contains("Ada")) })
    }

    @Test func `unanswered offers go through every step to the coordinator, who is asked until somebody answers`() throws {
        let street = try Street()
        let start = street.gateway.now
        try street.press()
        let expected: [(minute: Int64, showing: [String])] = [
            (0, ["maria", "tom"]), (2, ["uma"]), (4, ["vera"]), (7, ["carla"]), (12, ["carla"]), (17, ["carla"]),
        ]
        for (minute, showing) in expected {
            try street.gateway.advance(start + .minutes(minute) - .milliseconds(1) - street.gateway.now)
            if minute > 0 { #expect(street.showing != showing || minute > 7, "Not before minute \(minute).") }
            try street.gateway.advance(.milliseconds(1))
            #expect(street.showing == showing, "minute \(minute)")
        }
        #expect(street.gateway.outbound.published(to: "helpers/carla/alerts/a1").count == 3)
        #expect(try street.alert().offer(to: "carla")?.times == 3)
        #expect(try street.card("carla")?["say"]?.string?.contains("helpers were asked and none comes yet") == true)
        try street.gateway.advance(.days(1))
        #expect(try street.alert().isOpen, "It is never dropped.")
        try street.answer("carla", "resolve", note: "I called her")
        #expect(try street.alert().ending?.by == "carla")
        #expect(street.showing.isEmpty)
    }

    @Test func `an answer that comes after somebody else's changes nothing, and the client is put right`() throws {
        let street = try Street()
        try street.press()
        try street.answer("tom", "accept")
        let before = try street.alert()
        let cleared = street.gateway.outbound.published(to: "helpers/maria/alerts/a1").count
        try street.answer("maria", "accept")
        #expect(try street.alert() == before)
        #expect(street.gateway.engine.counts.answersIgnored == 1)
        #expect(street.showing == ["tom"])
        #expect(street.gateway.outbound.published(to: "helpers/maria/alerts/a1").count == cleared + 1)
        #expect(street.gateway.outbound.published(to: "helpers/maria/alerts/a1").last == "")
    }

    @Test func `answers of people who were not asked, and answers that are none, are counted and change nothing`() throws {
        let street = try Street()
        try street.press()
        let before = try street.alert()
        try street.answer("vera", "accept")
        try street.answer("nobody", "accept")
        try street.answer("maria", "dance")
        try street.answer("maria", "accept", alert: "a99")
        try street.gateway.publish("helpers/maria/answers", "\u{0}{{{")
        #expect(try street.alert() == before)
        // Somebody whom nobody knows is not even counted as an answer.
        #expect(street.gateway.engine.counts.answersIgnored == 4)
    }

    /// What happened again is told to the one who holds it, and after arrival others are asked as well.
    @Test func `a second press adds to the open alert`() throws {
        let street = try Street()
        try street.press()
        try street.answer("maria", "accept")
        try street.gateway.advance(.minutes(1))
        try street.press()
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 1)
        #expect(try street.card("maria")?["say"]?.string?.contains("It happened again") == true)
        try street.answer("maria", "arrive")
        try street.gateway.advance(.minutes(1))
        try street.press()
        #expect(street.showing == ["maria", "tom", "uma"])
        #expect(try street.alert().occurrences == 3)
    }

    @Test func `a message that lay retained raises nothing`() throws {
        let street = try Street()
        try street.gateway.publish(street.button, #"{"action":"emergency"}"#, isRetained: true)
        #expect(try street.gateway.read { try $0.allAlerts() }.isEmpty)
        #expect(street.gateway.engine.counts.retained == 1)
        try street.press()
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 1)
    }

    @Test func `the citizen cancels, and whoever is on the way is told, on the phone as well`() throws {
        let street = try Street(phone: "http://phone.example/maria")
        try street.press()
        try street.answer("maria", "accept")
        let before = street.gateway.outbound.posts.count
        try street.gateway.publish("homes/elm-3/caring/answers", #"{"alert":"a1","answer":"cancel"}"#)
        #expect(try street.alert().ending?.how == .cancelled)
        #expect(street.showing.isEmpty)
        #expect(street.gateway.outbound.posts.count == before + 1)
        #expect(street.gateway.outbound.posts.last?.message.message.contains("not needed any more") == true)
    }

    @Test func `a home cannot cancel another home's alert`() throws {
        let street = try Street()
        try street.gateway.say(.homeAdd(home: "elm-5", circle: "oak-street", zone: "UTC", address: nil, latitude: nil, longitude: nil))
        try street.press()
        try street.gateway.publish("homes/elm-5/caring/answers", #"{"alert":"a1","answer":"cancel"}"#)
        #expect(try street.alert().isOpen)
    }
}
