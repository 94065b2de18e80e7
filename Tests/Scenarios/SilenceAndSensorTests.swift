import Care
import CareTesting
import Gateway
import Testing

/// Silence is told apart from a line that is cut, one sensor from another, and a message from its repetition.
@Suite struct SilenceAndSensorTests {
    private let motion = "homes/elm-3/motion/hallway"

    private func street() throws -> Street {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "motion/hallway", citizens: [], expected: nil), as: "ada")
        try street.gateway.publish(motion, "1")
        return street
    }

    private func raised(_ street: Street) throws -> [String] {
        try street.gateway.read { try $0.allAlerts() }.map(\.matter.rule.name)
    }

    @Test func `twelve hours without movement are seen while the line is up`() throws {
        let street = try street()
        try street.gateway.advance(.hours(12))
        #expect(try raised(street) == ["still"])
    }

    @Test func `while the broker is away nobody is taken for lying on the floor`() throws {
        let street = try street()
        try street.gateway.advance(.hours(2))
        street.gateway.isBrokerThere = false
        try street.gateway.advance(.hours(20))
        #expect(try raised(street).isEmpty)
        // It is back, and so, within the hour, is she.
        street.gateway.isBrokerThere = true
        try street.gateway.advance(.minutes(50))
        try street.gateway.publish(motion, "1")
        try street.gateway.advance(.hours(11))
        #expect(try raised(street).isEmpty)
        // From then on silence counts again.
        try street.gateway.advance(.hours(1))
        #expect(try raised(street) == ["still"])
    }

    @Test func `what waited at the broker comes before any absence is looked for`() throws {
        let street = try street()
        street.gateway.engine.disconnected()
        try street.gateway.engine.connected(sessionPresent: true)
        try street.gateway.advance(.hours(13))
        #expect(try raised(street).isEmpty, "The gateway's own marker has not come back yet.")
        try street.gateway.publish(motion, "1")
        try street.gateway.publish("gateway/marker", street.gateway.engine.markerPayload)
        try street.gateway.advance(.hours(2))
        #expect(try raised(street).isEmpty)
        try street.gateway.advance(.hours(10))
        #expect(try raised(street) == ["still"])
    }

    @Test func `an SOS is raised whatever the line is doing`() throws {
        let street = try street()
        street.gateway.engine.disconnected()
        try street.press()
        #expect(try raised(street) == ["sos"])
    }

    @Test func `an alert is not over while another sensor still shows it`() throws {
        let rules = """
            rules:
              cold: {threshold: temperature, below: 12, return_by: 1, category: safety, purpose: emergency-response, severity: Moderate, urgency: Expected, certainty: Likely, kind: cold room, say: It is very cold in a room.}
            """
        let street = try Street(rules: rules)
        for room in ["kitchen", "bedroom"] {
            try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/\(room)", citizens: [], expected: nil), as: "ada")
            try street.gateway.publish("homes/elm-3/zigbee2mqtt/\(room)", #"{"temperature":9}"#)
        }
        #expect(try street.alert().occurrences == 2)
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"temperature":20}"#)
        #expect(try street.alert().isOpen, "The bedroom is as cold as before.")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/bedroom", #"{"temperature":20}"#)
        #expect(try street.alert().ending?.how == .over)
    }

    @Test func `many lesser alerts do not keep an SOS from being raised`() throws {
        var settings = GatewayConfiguration()
        settings.limits.openAlertsPerHomeMax = 1
        let gateway = try TestGateway(rules: Street.rules, settings: settings)
        try gateway.say(.homeAdd(home: "elm-3", circle: nil, zone: "UTC", address: nil, latitude: nil, longitude: nil))
        try gateway.say(.citizenAdd(citizen: "ada", home: "elm-3", name: "Ada Brown", uid: nil))
        for device in ["zigbee2mqtt/hall button", "motion/hallway"] {
            try gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: "ada")
        }
        try gateway.publish(motion, "1")
        try gateway.advance(.hours(12))
        try gateway.publish("homes/elm-3/zigbee2mqtt/hall button", #"{"action":"emergency"}"#)
        #expect(try gateway.read { try $0.openAlerts() }.map(\.matter.rule) == ["still", "sos"])
    }

    @Test func `what the broker delivers again after a kill counts once`() throws {
        let street = try street()
        try street.press()
        for _ in 0..<20 { try street.gateway.publish(motion, "1") }
        let readings = try street.gateway.read { try $0.count("reading") }
        try street.gateway.restart()
        try street.gateway.deliverAgain(21)
        #expect(try street.gateway.read { try $0.count("reading") } == readings)
        #expect(try street.alert().occurrences == 1)
        #expect(street.gateway.engine.counts.redelivered == 21)
        // Then somebody really presses again.
        try street.press()
        #expect(try street.alert().occurrences == 2)
    }
}
