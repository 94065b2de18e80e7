import Care
import CareTesting
import Gateway
import Testing

/// Whose a device is, what it is called, and what is seen of it.
@Suite struct DeviceTests {
    private func list(_ street: Street, _ person: String = "ada", unclaimed: Bool = false) throws -> [JSON] {
        try street.gateway.say(.deviceList(home: nil, unclaimed: unclaimed), as: person).items
    }
    private func words(_ street: Street, _ person: String = "ada", unclaimed: Bool = false) throws -> String {
        try street.gateway.say(.deviceList(home: nil, unclaimed: unclaimed), as: person).say.joined(separator: "\n")
    }

    private func withBob(_ street: Street) throws {
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
    }

    @Test func `a device is called what its people call it, and found by that`() throws {
        let street = try Street()
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/0x00158d0001a2", #"{"contact": false}"#)
        #expect(try words(street, unclaimed: true).contains("zigbee2mqtt/0x00158d0001a2: not claimed"))
        try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/0x00158d0001a2", citizens: [], expected: nil, title: "bathroom door"), as: "ada")
        #expect(try words(street).contains("\u{201C}bathroom door\u{201D} (zigbee2mqtt/0x00158d0001a2): claimed by ada, never heard from"))
        #expect(try words(street, unclaimed: true) == "Every device that has been heard from is claimed.")
        try street.gateway.say(.deviceRelease(home: nil, device: "Bathroom Door"), as: "ada")
        #expect(try !words(street).contains("bathroom door\u{201D}"))
    }

    @Test func `what has moved to somebody else leaves its past where it was`() throws {
        let street = try Street()
        try withBob(street)
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "ada")
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "71")
        try street.gateway.advance(.hours(1))
        try street.gateway.say(.deviceMove(home: nil, device: "vitals/heart-rate", to: "bob"), as: "ada")
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "64")
        func values(_ person: String) throws -> [String?] {
            try street.gateway.say(.readingList(citizen: nil, home: nil, quantity: "heart_rate", since: nil, limit: 10, purpose: nil), as: person).items.map { $0["value"]?.text }
        }
        #expect(try values("ada") == ["71"])
        #expect(try values("bob") == ["64"])
        // However much the heir's days bring, what is asked for is one's own newest.
        for beats in 0..<12 {
            try street.gateway.advance(.minutes(1))
            try street.gateway.publish("homes/elm-3/vitals/heart-rate", "\(80 + beats)")
        }
        #expect(try values("ada") == ["71"])
        #expect(try values("bob").count == 10)
    }

    @Test func `what comes faster than can be shown is counted`() throws {
        let street = try Street()
        func look(_ after: Int64) throws -> Reply { try street.gateway.say(.deviceWatch(home: nil, after: after), as: "ada") }
        let next = try #require(try look(-1).next)
        for n in 0..<300 { try street.gateway.publish(street.button, #"{"battery":\#(n % 100)}"#) }
        let reply = try look(next)
        #expect(reply.say.first == "44 messages came faster than can be shown here.")
        #expect(reply.items.count == 257)
        #expect(try look(try #require(reply.next)).items.isEmpty)
    }

    @Test func `only whose it is alone may give it away, and only within the home`() throws {
        let street = try Street()
        try withBob(street)
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: ["ada"], expected: nil), as: "ada")
        #expect(try street.gateway.say(.deviceMove(home: nil, device: "vitals/heart-rate", to: "bob"), as: "bob").outcome != .done)
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: ["bob"], expected: nil), as: "ada")
        #expect(try street.gateway.say(.deviceMove(home: nil, device: "vitals/heart-rate", to: "bob"), as: "ada").outcome != .done)
        #expect(try street.gateway.say(.deviceMove(home: nil, device: "zigbee2mqtt/hall button", to: "maria"), as: "ada").outcome != .done)
    }

    @Test func `what is out of use is not shown, and what it says is nobody's`() throws {
        let street = try Street()
        try street.gateway.say(.deviceRetire(home: nil, device: "zigbee2mqtt/hall button"), as: "ada")
        #expect(try list(street).isEmpty)
        try street.press()
        #expect(try street.gateway.read { try $0.allAlerts() }.isEmpty)
        #expect(try words(street).contains("zigbee2mqtt/hall button: not claimed"))
        // It may be taken into use again.
        try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: [], expected: nil), as: "ada")
        try street.press()
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 1)
    }

    @Test func `a low battery and a long silence are said and raise nothing`() throws {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall", citizens: [], expected: "2h"), as: "ada")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/hall", #"{"temperature": 20, "battery": 90}"#)
        func standing() throws -> JSON? { try list(street).first { $0["device"] == "zigbee2mqtt/hall" }?["standing"] }
        #expect(try standing() == "well")
        try street.gateway.advance(.minutes(10))
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/hall", #"{"battery": 9}"#)
        #expect(try standing() == "battery-low")
        #expect(try words(street).contains("its battery is low"))
        try street.gateway.advance(.hours(3))
        #expect(try standing() == "silent")
        #expect(try street.gateway.read { try $0.allAlerts() }.isEmpty)
    }

    @Test func `nobody but its people sees what a home says as it says it`() throws {
        let street = try Street()
        try withBob(street)
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "ada")
        for person in ["maria", "carla"] {
            #expect(try street.gateway.say(.deviceWatch(home: "elm-3", after: -1), as: person).outcome != .done)
        }
        let from = try #require(try street.gateway.say(.deviceWatch(home: nil, after: -1), as: "ada").next)
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "71")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/new thing", #"{"temperature": 20.5}"#)
        try street.gateway.publish("homes/elm-3/strange/thing", "x")
        let seen = try street.gateway.say(.deviceWatch(home: nil, after: from), as: "ada")
        #expect(seen.say.count == 3)
        #expect(seen.say[0].contains("vitals/heart-rate  71  → vitals/heart-rate: heart_rate 71.0 /min"))
        #expect(seen.say[1].contains("temperature 20.5 Cel"))
        #expect(seen.say[2].contains("No convention understands this topic."))
        // Bob lives there, too, but Ada's heart is not his.
        _ = try street.gateway.say(.deviceWatch(home: nil, after: -1), as: "bob")
        let bobs = try street.gateway.say(.deviceWatch(home: nil, after: from), as: "bob")
        #expect(bobs.say[0].contains("somebody else's") && !bobs.say[0].contains("71"))
        #expect(!bobs.items[0].text.contains("71"))
        #expect(try street.gateway.say(.deviceWatch(home: nil, after: try #require(seen.next)), as: "ada").say.isEmpty)
    }
}
