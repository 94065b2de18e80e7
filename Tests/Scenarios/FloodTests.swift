import Care
import CareTesting
import Foundation
import Gateway
import MQTT
import Testing

/// A home that says more than it may is thinned, and nothing that matters is.
@Suite struct FloodTests {
    private let scale = "homes/elm-3/senml/scale"

    private func street(messagesPerSecond: Int = 1, bytesPerSecond: Int = 262_144) throws -> Street {
        var settings = GatewayConfiguration()
        settings.limits.homeMessagesPerSecondMax = messagesPerSecond
        settings.limits.homeBytesPerSecondMax = bytesPerSecond
        let street = try Street(settings: settings)
        try street.gateway.say(.deviceClaim(home: nil, device: "senml/scale", citizens: [], expected: nil), as: "ada")
        return street
    }

    private func weight(_ n: Int) -> (topic: String, payload: String) { (scale, #"[{"n":"weight","u":"kg","v":\#(n)}]"#) }

    private func kept(_ street: Street, _ quantity: String = "body_weight") throws -> [Double] {
        try street.gateway.say(
            .readingList(citizen: nil, home: nil, quantity: quantity, since: "1d", limit: 10_000, purpose: nil), as: "ada"
        ).items.compactMap { number($0["value"]) }.reversed()
    }

    @Test func `beyond its allowance the newest of each second is kept, and it is counted and shown`() throws {
        let street = try street()
        // A minute's worth is saved up, so that a gateway that was held up takes no backlog for a flood.
        try street.gateway.publish(burst: (0..<60).map { weight($0) })
        #expect(try kept(street).count == 60)
        // Then five seconds of fifty each; each second earns one message.
        for second in 0..<5 {
            try street.gateway.advance(.seconds(1))
            try street.gateway.publish(burst: (0..<50).map { weight(1_000 * (second + 1) + $0) })
        }
        let values = try kept(street).dropFirst(60)
        // Of each second its newest; what its allowance let through before is part of the same second.
        #expect(values.filter { Int($0) % 1_000 == 49 }.count == 5, "\(Array(values))")
        #expect(values.count <= 10)
        let thinned = street.gateway.engine.counts.thinned
        #expect(thinned + values.count == 250, "\(thinned) thinned, \(values.count) kept")
        let onDisk = try street.gateway.read { try $0.thinned() }
        #expect(onDisk.map(\.home) == ["elm-3"] && onDisk.map(\.readings) == [Int64(thinned)])
        // Quiet for a while, it may speak again.
        try street.gateway.advance(.minutes(2))
        try street.gateway.publish(burst: (0..<60).map { weight($0) })
        #expect(street.gateway.engine.counts.thinned == thinned)
    }

    @Test func `the size of a burst changes nothing`() throws {
        func values(_ size: Int) throws -> [Double] {
            let street = try street()
            let messages = (0..<400).map { weight($0) }
            for start in stride(from: 0, to: 400, by: size) {
                try street.gateway.publish(burst: Array(messages[start..<min(start + size, 400)]))
            }
            return try kept(street)
        }
        let one = try values(1)
        #expect(one.last == 399)
        #expect(try values(7) == one)
        #expect(try values(400) == one)
    }

    /// Within one burst a home may come to be allowed a word again; what was held back before it must not outlast it.
    @Test func `what is held back never comes after what was said later`() throws {
        let street = try street()
        try street.gateway.publish(burst: (0..<60).map { weight($0) })
        try street.gateway.advance(.milliseconds(500))
        var burst = Burst()
        // After half a second too much, and too much again; with the second over, allowed.
        for (n, after) in [100, 400, 500].enumerated() {
            burst.append(
                topic: scale, payload: Array(weight(100 + n).payload.utf8), arrivedAtMilliseconds: street.gateway.now.milliseconds + Int64(after),
                packetID: UInt16(1_000 + n), qos: 1)
        }
        try street.gateway.engine.take(burst)
        try street.gateway.advance(.seconds(1))
        let values = try kept(street)
        #expect(values.last == 102)
        #expect(values == values.sorted(), "\(values)")
    }

    @Test func `events and alarms are never thinned, and another home notices nothing`() throws {
        let street = try street()
        try street.gateway.say(.homeAdd(home: "elm-4", circle: nil, zone: "Europe/London", address: nil, latitude: nil, longitude: nil))
        try street.gateway.say(.citizenAdd(citizen: "ben", home: "elm-4", name: "Ben", uid: nil))
        try street.gateway.say(.deviceClaim(home: nil, device: "senml/scale", citizens: [], expected: nil), as: "ben")
        try street.gateway.publish(burst: (0..<500).map { weight($0) })
        for _ in 0..<30 { try street.gateway.publish("homes/elm-3/senml/scale", #"[{"n":"sos","vb":true}]"#) }
        #expect(try street.alert(1).occurrences == 30)
        #expect(try kept(street, "sos").count == 30)
        try street.gateway.publish(burst: (0..<60).map { ("homes/elm-4/senml/scale", weight($0).payload) })
        #expect(try street.gateway.read { try $0.thinned() }.map(\.home) == ["elm-3"])
    }

    @Test func `bytes count as well`() throws {
        let street = try street(messagesPerSecond: 1_000_000, bytesPerSecond: 1_024)
        let long = String(repeating: " ", count: 4_000)
        try street.gateway.publish(burst: (0..<100).map { (scale, weight($0).payload + long) })
        // A minute's worth of a kibibyte a second is fifteen of these.
        #expect(try kept(street).count == 15)
        #expect(try kept(street).last == 99)
    }

    @Test func `a backlog is no flood`() throws {
        let street = try street()
        try street.gateway.cutLine(for: .hours(1), waiting: (0..<3_000).map { weight($0) })
        #expect(try kept(street) == (0..<3_000).map(Double.init))
        #expect(street.gateway.engine.counts.thinned == 0)
    }
}
