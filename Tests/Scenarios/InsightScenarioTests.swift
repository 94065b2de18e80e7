import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// What one's own days have been like: one's own, in plain words, and nobody else's.
@Suite struct InsightScenarioTests {
    private func withSensor(_ street: Street) throws {
        try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/kitchen", citizens: [], expected: nil), as: "ada")
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "ada")
    }

    /// Somebody gets up at that hour, moves each hour until nine in the evening, and measures a pulse at noon.
    private func live(_ street: Street, days: Int, upAt: Int, pulse: Int) throws {
        for _ in 0..<days {
            for hour in 0..<24 {
                if hour >= upAt, hour <= 21 { try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"occupancy":true}"#) }
                if hour == 12 { try street.gateway.publish("homes/elm-3/vitals/heart-rate", "\(pulse)") }
                try street.gateway.advance(.hours(1))
            }
        }
    }

    private func midnight(_ street: Street) throws {
        let zone = try street.gateway.read { _ in street.gateway.now }
        let rest = 86_400_000 - zone.milliseconds % 86_400_000
        try street.gateway.advance(Span(milliseconds: rest))
    }

    @Test func `a week is compared with the four before, in words`() throws {
        let street = try Street(rules: Street.rules.replacing("for: 12h", with: "for: 48h"))
        try withSensor(street)
        try midnight(street)
        try live(street, days: 21, upAt: 7, pulse: 62)
        try live(street, days: 8, upAt: 10, pulse: 88)
        let reply = try street.gateway.say(.insights(since: nil), as: "ada")
        let said = reply.say.joined(separator: "\n")
        #expect(said.contains("Up in the morning: usually 10:00"))
        #expect(said.contains("That is later than in the four weeks before (07:00)."))
        #expect(said.contains("Heart rate: usually 88 per minute"))
        #expect(said.contains("That is higher than in the four weeks before (62 per minute)."))
        #expect(said.contains("They are no diagnosis"))
        let ups = reply.items.filter { $0["topic"] == .string("Up in the morning") }
        #expect(ups.count == 7)
        #expect(ups.dropLast().allSatisfy { $0["value"] == .double(600) && $0["change"] == .string("later") })
    }

    @Test func `what is usual is not said before it is known, and nothing is made of nothing`() throws {
        let street = try Street()
        #expect(try street.gateway.say(.insights(since: nil), as: "ada").say == ["Nothing is known of these days: no device of yours has said anything that this can show."])
        try withSensor(street)
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "70")
        let said = try street.gateway.say(.insights(since: "1m"), as: "ada").say.joined(separator: "\n")
        #expect(said.contains("Heart rate: 70 per minute."))
        #expect(said.contains("What is usual for you shows after 7 days with figures."))
    }

    @Test func `a day that was paused in part is not compared`() throws {
        let street = try Street(rules: Street.rules.replacing("for: 12h", with: "for: 48h"))
        try withSensor(street)
        try midnight(street)
        try live(street, days: 8, upAt: 7, pulse: 62)
        try street.gateway.say(.pause(PauseDraft(length: "10h")), as: "ada")
        try live(street, days: 1, upAt: 7, pulse: 62)
        let reply = try street.gateway.say(.insights(since: "4d"), as: "ada")
        #expect(reply.say.contains("One day on which you paused is left out."))
        #expect(!reply.say.contains { $0.contains("later than") })
    }

    @Test func `only one's own, and of a device that has moved only one's own time`() throws {
        let street = try Street()
        try withSensor(street)
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "70")
        try street.gateway.advance(.minutes(5))
        try street.gateway.say(.deviceMove(home: nil, device: "vitals/heart-rate", to: "bob"), as: "ada")
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "90")
        #expect(try street.gateway.say(.insights(since: nil), as: "ada").say.contains { $0.contains("Heart rate: 70 per minute (on one day)") })
        #expect(try street.gateway.say(.insights(since: nil), as: "bob").say.contains { $0.contains("Heart rate: 90 per minute (on one day)") })
        for other in ["maria", "carla"] { #expect(try street.gateway.say(.insights(since: nil), as: other).outcome != .done) }
        #expect(try street.gateway.say(.insights(since: "2020-01-01"), as: "ada").outcome == .failed)
    }
}
