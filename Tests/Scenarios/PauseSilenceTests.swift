import Care
import CareTesting
import Gateway
import Testing

/// A pause is no silence: no alarm comes of it, and when it is over the clocks begin again.
@Suite struct PauseSilenceTests {
    private let motion = "homes/elm-3/motion/hallway"
    private let kitchen = "homes/elm-3/zigbee2mqtt/kitchen"

    private func rules(_ rule: String) -> String {
        "rules:\n  one: {\(rule), category: safety, purpose: emergency-response, severity: Severe, urgency: Expected, certainty: Possible, kind: something, say: Something is the matter.}\n"
    }

    /// Somebody moves, then everything begins.
    private func street(_ rule: String, expected: String? = nil) throws -> Street {
        let street = try Street(rules: rules(rule))
        try street.gateway.say(.deviceRelease(home: nil, device: "zigbee2mqtt/hall button"), as: "ada")
        for device in ["motion/hallway", "zigbee2mqtt/kitchen"] {
            try street.gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: expected), as: "ada")
        }
        try street.gateway.publish(motion, "1")
        return street
    }

    private func pause(_ street: Street, _ length: String, categories: [String] = []) throws {
        #expect(try street.gateway.say(.pause(PauseDraft(length: length, categories: categories)), as: "ada").outcome == .done)
    }

    private func raised(_ street: Street) throws -> Int { try street.gateway.read { try $0.allAlerts() }.count { $0.matter.rule == "one" } }

    /// Not a second before, and then.
    private func expect(_ street: Street, raisedAfter span: Span, _ place: SourceLocation = #_sourceLocation) throws {
        try street.gateway.advance(span - .seconds(1))
        #expect(try raised(street) == 0, sourceLocation: place)
        try street.gateway.advance(.seconds(2))
        #expect(try raised(street) == 1, sourceLocation: place)
    }

    @Test func `the clock of an absence stands still while any of what shows movement is paused`() throws {
        for categories in [[], ["family"]] {
            let street = try street("absence: activity, for: 12h")
            try street.gateway.advance(.hours(2))
            try pause(street, "1d", categories: categories)
            try street.gateway.advance(.hours(5))
            try street.gateway.publish(motion, "1")
            let list = try street.gateway.say(.deviceList(home: nil), as: "ada").say
            #expect(list.contains { $0.contains("until that is over nobody is called because the home seems still") }, "\(list)")
            try street.gateway.restart()
            try expect(street, raisedAfter: .hours(29))
        }
    }

    @Test func `it goes on as soon as the pause is ended by hand`() throws {
        let street = try street("absence: activity, for: 12h")
        try street.gateway.advance(.hours(10))
        try pause(street, "7d")
        try street.gateway.advance(.hours(4))
        try street.gateway.say(.pauseEnd(id: nil), as: "ada")
        try expect(street, raisedAfter: .hours(2))
    }

    @Test func `after a pause it must have been possible to hear somebody for an hour`() throws {
        let street = try street("absence: activity, for: 12h")
        try street.gateway.advance(.hours(12) - .minutes(1))
        try pause(street, "1h")
        try street.gateway.advance(.hours(1))
        try expect(street, raisedAfter: .hours(1))
    }

    @Test func `a pause of what shows no movement holds up no absence`() throws {
        let street = try street("absence: activity, for: 12h")
        try street.gateway.advance(.hours(2))
        try pause(street, "1d", categories: ["health"])
        try expect(street, raisedAfter: .hours(10))
    }

    @Test func `a morning that was paused in part is not judged, the next one is`() throws {
        let street = try street(#"absence: activity, from: "05:00", by: "11:00""#)
        let today = street.gateway.now.milliseconds / 86_400_000
        let sixTomorrow = Instant(milliseconds: (today + 1) * 86_400_000 + 6 * 3_600_000)
        try street.gateway.advance(sixTomorrow - street.gateway.now)
        let before = try raised(street)
        try pause(street, "1h")
        try street.gateway.advance(.hours(20))
        #expect(try raised(street) == before)
        try street.gateway.advance(.hours(10))
        #expect(try raised(street) == before + 1)
    }

    @Test func `a paused device is not silent, and neither is one that could not be heard for long enough since`() throws {
        let street = try street("silence: 2", expected: "1h")
        try street.gateway.say(.deviceRelease(home: nil, device: "zigbee2mqtt/kitchen"), as: "ada")
        func standing() throws -> String? { try street.gateway.say(.deviceList(home: nil), as: "ada").items.first { $0["device"]?.string == "motion/hallway" }?["standing"]?.string }
        try street.gateway.advance(.minutes(30))
        try pause(street, "3h")
        try street.gateway.advance(.hours(2))
        #expect(try standing() == "paused")
        let words = try street.gateway.say(.deviceList(home: nil), as: "ada").say.joined()
        #expect(words.contains("by its citizen ada") && !words.contains("either"), "\(words)")
        try street.gateway.advance(.hours(1) + .minutes(10))
        #expect(try standing() == "well")
        try street.gateway.advance(.minutes(55))
        #expect(try standing() == "silent")
        try expect(street, raisedAfter: .minutes(25))
    }

    @Test func `how long a value has to last begins anew after the pause`() throws {
        let street = try street("threshold: temperature, below: 12, return_by: 1, for: 30m")
        try street.gateway.publish(kitchen, #"{"temperature":9}"#)
        try street.gateway.advance(.minutes(10))
        try pause(street, "1h")
        try street.gateway.advance(.minutes(61))
        try street.gateway.publish(kitchen, #"{"temperature":9}"#)
        try expect(street, raisedAfter: .minutes(29))
    }

    @Test func `what is true after the pause is seen, although it was true before`() throws {
        for isKilled in [false, true] {
            let street = try street("event: smoke")
            try street.gateway.publish(kitchen, #"{"smoke":true}"#)
            try street.gateway.say(.alertCancel(alert: "a1", note: nil), as: "ada")
            try pause(street, "1h")
            try street.gateway.publish(kitchen, #"{"smoke":false}"#)
            try street.gateway.advance(.hours(2))
            if isKilled { try street.gateway.restart() }
            try street.gateway.publish(kitchen, #"{"smoke":true}"#)
            try street.gateway.publish(kitchen, #"{"smoke":true}"#)
            #expect(try raised(street) == 2)
            #expect(try street.alert(2).occurrences == 1)
        }
    }

    @Test func `an alert that is open stays open`() throws {
        let street = try street("absence: activity, for: 12h")
        try street.gateway.advance(.hours(12))
        #expect(try raised(street) == 1)
        try pause(street, "2h")
        try street.gateway.publish(motion, "1")
        try street.gateway.advance(.minutes(1))
        #expect(try street.alert().isOpen)
    }

    @Test func `what is usual of a device is not learned from pauses`() throws {
        let street = try street("silence: 2")
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "ada")
        let heart = "homes/elm-3/vitals/heart-rate"
        for day in 0..<5 {
            for hour in 0..<24 {
                if day > 0, hour == 8 { try pause(street, "10h") }
                try street.gateway.publish(heart, "7\(hour % 10)")
                try street.gateway.advance(.hours(1))
            }
        }
        let rhythm = try #require(try street.gateway.read { try $0.devices() }.first { $0.device.address.hasSuffix("heart-rate") }?.device.rhythm)
        #expect(try #require(rhythm.expected) < .hours(2), "\(rhythm)")
    }
}
