import Care
import CareTesting
import Foundation
@testable import Gateway
import Synchronization
import Testing

/// Who would be asked, before anything happens: the same code that asks answers.
@Suite struct CoverageTests {
    private func coverage(_ street: Street, _ circle: String? = nil, as person: String? = "ada") throws -> Reply {
        try street.gateway.say(.coverage(circle: circle, all: false), as: person)
    }

    private func hours(_ reply: Reply, _ rule: String, _ key: String) -> [Int64] {
        reply.items.filter { item in if case .array(let rules)? = item["rules"] { rules.contains(.string(rule)) } else { item["rule"] == .string(rule) } }
            .compactMap { $0[key]?.int }
    }

    private func helperWithHours(_ street: Street, _ hours: [String]) throws {
        for helper in ["maria", "tom", "uma", "vera"] { try street.gateway.say(.helperRemove(helper: helper)) }
        try street.gateway.say(
            .helperAdd(
                helper: "nina", name: "Nina West", circles: ["oak-street"], uid: nil, latitude: nil, longitude: nil, hours: hours, ntfy: nil))
    }

    @Test func `all permitted helpers are counted, on every hour of the week`() throws {
        let street = try Street()
        let reply = try coverage(street)
        #expect(hours(reply, "sos", "asked") == Array(repeating: 4, count: 168))
        #expect(hours(reply, "sos", "onDuty") == Array(repeating: 4, count: 168))
        #expect(reply.say.contains { $0.contains("4 helpers would be asked, at every hour.") })
        // Nobody moves is noticed without a device of its own; the button tells of no smoke, but no rule watches for it here.
        #expect(!reply.say.contains { $0.contains("may not be noticed") && $0.contains("no movement") })
    }

    @Test func `it says in one sentence when nobody comes`() throws {
        let street = try Street(
            rules: Street.rules.replacing("on_duty_only: true, at_once: 2", with: "on_duty_only: true, at_once: 2").replacing(
                "{who: everyone-permitted, at_once: 4", with: "{who: everyone-permitted, on_duty_only: true, at_once: 4"))
        try helperWithHours(street, ["mon-fri 06:30-22:00"])
        let reply = try coverage(street)
        let asked = hours(reply, "sos", "asked")
        // Half past six is not six.
        #expect(Array(asked[0..<24]) == Array(repeating: 0, count: 7) + Array(repeating: 1, count: 15) + [0, 0])
        #expect(Array(asked[5 * 24..<7 * 24]) == Array(repeating: 0, count: 48))
        #expect(
            reply.say.contains {
                $0.contains("reaches no helper Monday to Friday 00:00 to 07:00 and 22:00 to 24:00; Saturday, Sunday 00:00 to 24:00; else up to 1 helper would be asked.")
            })
        #expect(reply.say.contains("  A \u{201C}sos\u{201D} on Monday at 00:00 reaches nobody."))
    }

    @Test func `consent decides as it would then, its hours and its end included`() throws {
        let street = try Street(permits: false)
        #expect(try coverage(street).say.contains { $0.contains("reaches no helper at any hour") })
        var draft = consent(to: ["circle:oak-street"], data: ["safety"])
        draft.hours = ["sun 10:00-12:00"]
        try street.gateway.say(.consentGrant(draft), as: "ada")
        let asked = hours(try coverage(street), "sos", "asked")
        #expect(asked.indices.filter { asked[$0] > 0 } == [6 * 24 + 10, 6 * 24 + 11])
        // Who may not be told once they have accepted is not asked at all.
        var refusal = consent(to: ["helper:tom"], data: ["safety"], stage: "accepted")
        refusal.purposes = []
        try street.gateway.say(.consentRefuse(refusal), as: "ada")
        #expect(hours(try coverage(street), "sos", "asked").max() == 2)
    }

    @Test func `off duty is told apart, and so is what nothing would notice`() throws {
        let street = try Street(
            rules: Street.rules.replacing(
                "rules:", with: "rules:\n  smoke: {event: smoke, category: safety, purpose: emergency-response, severity: Extreme, urgency: Immediate, certainty: Likely, kind: smoke, say: Smoke.}"))
        for helper in ["maria", "tom", "uma", "vera"] { try street.gateway.say(.helperDuty(helper: helper, on: false)) }
        try street.press()
        let reply = try coverage(street)
        #expect(hours(reply, "sos", "onDuty").max() == 0)
        #expect(hours(reply, "sos", "asked").min() == 4)
        #expect(reply.say.contains { $0.contains("Nobody is on duty then, but somebody would be asked all the same: at every hour.") })
        #expect(reply.say.contains("  Nothing here has ever told of \u{201C}smoke\u{201D}: try it once, or it may not be noticed."))
        #expect(!reply.say.contains { $0.contains("ever told of \u{201C}sos\u{201D}") })
    }

    @Test func `what somebody else in the home permits for themselves is not told`() throws {
        let street = try Street(permits: false)
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/a button", citizens: [], expected: nil), as: "bob")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/a button", #"{"action":"emergency"}"#)
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: "bob")
        #expect(hours(try coverage(street), "sos", "asked").max() == 0)
        #expect(hours(try coverage(street, as: "bob"), "sos", "asked").min() == 3)
        // Nobody moves: that is about both, and Ada permits nothing.
        #expect(hours(try coverage(street, as: "bob"), "still", "asked").max() == 0)
        #expect(try coverage(street, as: "bob").say.contains { $0.contains("about everybody who lives here") })
    }

    private func add(_ street: Street, _ homes: ClosedRange<Int>, permitting: (Int) -> Bool = { _ in false }) throws {
        for n in homes {
            try street.gateway.say(.homeAdd(home: "elm-\(n)", circle: "oak-street", zone: "Europe/London", address: nil, latitude: nil, longitude: nil))
            try street.gateway.say(.citizenAdd(citizen: "c\(n)", home: "elm-\(n)", name: "Citizen \(n)", uid: nil))
            try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/button", citizens: [], expected: nil), as: "c\(n)")
            let draft = consent(to: ["circle:oak-street"], data: ["safety"])
            try street.gateway.say(permitting(n) ? .consentGrant(draft) : .consentRefuse(draft), as: "c\(n)")
            try street.gateway.advance(.minutes(1))
        }
    }

    @Test func `a circle is told in ranges, and of few homes not at all`() throws {
        let street = try Street()
        // Empty homes are no cover for the others.
        for n in 40...60 {
            try street.gateway.say(.homeAdd(home: "elm-\(n)", circle: "oak-street", zone: "Europe/London", address: nil, latitude: nil, longitude: nil))
            try street.gateway.say(.citizenAdd(citizen: "c\(n)", home: "elm-\(n)", name: "Citizen \(n)", uid: nil))
        }
        try add(street, 4...11)
        #expect(try coverage(street, "oak-street", as: "carla").items.isEmpty, "Nine homes.")
        #expect(try coverage(street, "oak-street", as: "carla").say.contains { $0.contains("With fewer than 10 homes") })
        try add(street, 12...12)
        let reply = try coverage(street, "oak-street", as: "carla")
        // Nine of ten are dark, which is said as five to ten.
        #expect(hours(reply, "sos", "darkMin") == Array(repeating: 5, count: 168))
        #expect(hours(reply, "sos", "darkMax") == Array(repeating: 10, count: 168))
        #expect(hours(reply, "sos", "homes") == Array(repeating: 10, count: 168))
        #expect(reply.say.contains { $0.contains("at the worst 5 to 10 of 10 homes reach no helper") })
        #expect(reply.say.contains { $0.hasPrefix("21 homes are in no count") })
        #expect(!reply.say.joined().contains("elm-"))
        #expect(try street.gateway.say(.coverage(circle: "oak-street", all: false), as: "ada").outcome == .refused)
    }

    @Test func `a home that is added changes no count until four others are, whatever it permits`() throws {
        for permits in [false, true] {
            let street = try Street()
            try add(street, 4...12) { $0 % 2 == 0 }
            let before = try coverage(street, "oak-street", as: "carla")
            #expect(!before.items.isEmpty)
            for n in 13...16 {
                try add(street, n...n) { _ in permits }
                #expect(try coverage(street, "oak-street", as: "carla").items == before.items)
            }
            try add(street, 17...17) { _ in permits }
            #expect(hours(try coverage(street, "oak-street", as: "carla"), "sos", "homes").first == 15)
        }
    }

    @Test func `no range tells of nobody, of all, or of one`() {
        for homes in 10...103 {
            let ranges = (0...homes).map { World.coverageRange($0, of: homes) }
            for (count, range) in ranges.enumerated() {
                #expect(range.contains(count) && range.count >= 5 && range.lowerBound >= 0 && range.upperBound <= homes)
                // All numbers of one range are told in the same way.
                for other in range { #expect(ranges[other] == range, "\(homes): \(count) and \(other)") }
            }
        }
    }

    @Test func `what there was not the time for is left out, and that is said`() throws {
        let street = try Street()
        try add(street, 4...20)
        // Each look at the stopwatch takes a second, or the home would have been looked at for far too long.
        func slow(_ looksPerSecond: Int64) {
            let looks = Counter()
            street.gateway.engine.stopwatch = { looks.next() * 1_000_000_000 / looksPerSecond }
        }
        slow(1)
        let own = try coverage(street)
        #expect(own.items.isEmpty && own.say.contains { $0.contains("There was not the time to work out \u{201C}sos\u{201D}") }, "\(own.say)")
        let circle = try coverage(street, "oak-street", as: "carla")
        #expect(circle.items.isEmpty && circle.say.contains { $0.contains("There was not the time to look at 10 homes") }, "\(circle.say)")
        // Two rules a home, 168 hours each: time enough for a part of the homes, of which whole fives are counted.
        slow(450)
        #expect(hours(try coverage(street, "oak-street", as: "carla"), "sos", "homes").first == 10)
        slow(10_000)
        #expect(hours(try coverage(street, "oak-street", as: "carla"), "sos", "homes").first == 15)
    }

    @Test func `it changes nothing`() throws {
        let street = try Street()
        let before = try street.gateway.read { try ($0.count("decision"), $0.count("disclosure"), $0.count("alert")) }
        _ = try coverage(street)
        #expect(try street.gateway.read { try ($0.count("decision"), $0.count("disclosure"), $0.count("alert")) } == before)
    }

    @Test func `hours of a week are said in few words`() throws {
        let street = try Street(permits: false)
        var draft = consent(to: ["circle:oak-street"], data: ["safety"])
        draft.hours = ["08:00-20:00"]
        try street.gateway.say(.consentGrant(draft), as: "ada")
        #expect(try coverage(street).say.contains { $0.contains("reaches no helper every day 00:00 to 08:00 and 20:00 to 24:00") })
    }
}

private final class Counter: Sendable {
    private let count = Mutex<Int64>(0)
    func next() -> Int64 {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
