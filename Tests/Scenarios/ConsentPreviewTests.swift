import Care
import CareTesting
import Foundation
import Gateway
import Store
import Synchronization
import Testing

/// Try before you decide: what records would have meant, worked out from what happened.
@Suite struct ConsentPreviewTests {
    private func preview(
        _ street: Street, _ draft: ConsentDraft? = nil, isRefusal: Bool = false, emergency: [String]? = nil, without: [String] = [], since: String? = nil, citizen: String? = nil,
        as person: String? = "ada"
    ) throws -> Reply {
        try street.gateway.say(
            .consentPreview(ConsentChange(draft: draft, isRefusal: isRefusal, emergency: emergency, without: without, since: since, citizen: citizen)), as: person)
    }

    /// "maria sos alert asked 2 1": recipient, data, detail, stage, with what is tried, today.
    private func learned(_ reply: Reply, _ recipient: String) -> [String] {
        reply.items.filter { $0["recipient"] == .string(recipient) }.map { item in
            [item["data"]?.string, item["detail"]?.string, item["stage"]?.string ?? "-"].compactMap { $0 }.joined(separator: " ")
                + " \(item["count"]?.int ?? -1) \(item["countNow"]?.int ?? -1)"
        }
    }

    /// The button is pressed, and nobody needs to come.
    private func pressed(_ street: Street, times: Int = 1, apart: Span = .hours(12)) throws {
        for _ in 0..<times {
            try street.press()
            let open = try street.gateway.read { try $0.openAlerts() }
            for alert in open { try street.gateway.say(.alertCancel(alert: alert.id.description, note: nil), as: "ada") }
            try street.gateway.advance(apart)
        }
    }

    /// No rule of the street's but the button's.
    private static let rules = Street.rules.replacing("for: 12h", with: "for: 2400h")

    @Test func `without changes it says what today's records mean`() throws {
        let street = try Street(rules: Self.rules)
        try pressed(street, times: 2)
        let reply = try preview(street)
        #expect(
            learned(reply, "maria") == [
                "sos alert asked 2 2", "identity alert accepted 2 2", "sos alert accepted 2 2", "identity alert attending 2 2", "sos alert attending 2 2",
            ])
        #expect(learned(reply, "carla").isEmpty)
        let said = reply.say.joined(separator: "\n")
        #expect(said.contains("2 alerts about you"))
        let sos = Quantity("sos")?.words ?? ""
        #expect(reply.say.contains("Maria Lopez would have learned, when asked, 2 times what happened (\(sos)); after accepting, 2 times your name and address."))
        #expect(!said.contains("New:") && !said.contains("Nothing changes."))
        #expect(said.contains("coordinators learn without a consent"))
        // What was before that is not looked at.
        #expect(learned(try preview(street, since: "13h"), "maria").first == "sos alert asked 1 1")
        try street.gateway.advance(.days(31))
        #expect(try preview(street).say.contains("Nobody would have learned anything."))
        #expect(learned(try preview(street, since: "60d"), "maria").first == "sos alert asked 2 2")
    }

    @Test func `what would be granted counts for the whole time, also while an alert was open`() throws {
        let street = try Street(rules: Self.rules, permits: false)
        try pressed(street, times: 3)
        #expect(try preview(street).say.contains("Nobody would have learned anything."))
        var draft = consent(to: ["helper:maria"], data: ["safety"])
        draft.severity = "severe"
        let reply = try preview(street, draft)
        #expect(learned(reply, "maria") == ["sos alert asked 3 0", "sos alert accepted 3 0", "sos alert attending 3 0"])
        #expect(learned(reply, "tom").isEmpty)
        #expect(reply.say.contains { $0.hasPrefix("Supposed: Maria Lopez may know") })
        #expect(reply.say.contains { $0.hasPrefix("New: Maria Lopez learns what happened") && $0.hasSuffix("when asked; in this time 3 times.") })
        #expect(!reply.say.contains("Nothing changes."))
        // Readings are for who is there: new at that stage alone.
        try street.gateway.say(.consentGrant(draft), as: "ada")
        let more = try preview(street, consent(to: ["helper:maria"], data: ["safety"], detail: "readings", stage: "attending"))
        #expect(learned(more, "maria").suffix(2) == ["sos alert attending 0 3", "sos readings attending 3 0"])
        #expect(more.say.count { $0.hasPrefix("New:") } == 1)
        #expect(!more.say.contains { $0.hasPrefix("No longer:") })
        #expect(try preview(street, draft).say.contains("Nothing changes."))
    }

    @Test func `a withdrawal takes away what only it permitted`() throws {
        let street = try Street(rules: Self.rules)
        try pressed(street, times: 2)
        let name = try preview(street, without: ["c2"])
        #expect(learned(name, "maria").filter { $0.hasPrefix("identity") } == ["identity alert accepted 0 2", "identity alert attending 0 2"])
        #expect(name.say.contains("No longer: Maria Lopez learns your name and address after accepting; in this time 2 times."))
        #expect(!name.say.contains { $0.hasPrefix("New:") })
        let all = try preview(street, without: ["c1", "c2", "c1"])
        #expect(learned(all, "tom").allSatisfy { $0.hasSuffix(" 0 2") })
        #expect(all.say.contains("Tom Hill would have learned nothing."))
        #expect(try preview(street, without: ["c9"]).outcome == .failed)
        // What holds no more means nothing today, for the past neither.
        try street.gateway.say(.consentWithdraw(id: "c1"), as: "ada")
        #expect(try preview(street).say.contains("Nobody would have learned anything."))
        #expect(try preview(street, without: ["c1"]).outcome == .failed)
    }

    @Test func `a record that is over counts no more, one that begins later counts`() throws {
        let street = try Street(rules: Self.rules, permits: false)
        try pressed(street)
        try street.gateway.say(.consentGrant(consent(to: ["helper:tom"], data: ["safety"], until: "1d")), as: "ada")
        #expect(learned(try preview(street), "tom").first == "sos alert asked 1 1")
        try street.gateway.advance(.days(2))
        #expect(learned(try preview(street), "tom").isEmpty)
        var later = consent(to: ["helper:maria"], data: ["safety"])
        later.from = "10d"
        #expect(learned(try preview(street, later), "maria").first == "sos alert asked 1 0")
    }

    @Test func `hours count, and to move them changes something although the sums are the same`() throws {
        let street = try Street(rules: Self.rules, permits: false)
        // Twice at about eleven in the morning, twice at about eleven at night.
        try pressed(street, times: 4)
        var morning = consent(to: ["helper:maria"], data: ["safety"])
        morning.hours = ["10:00-14:00"]
        #expect(learned(try preview(street, morning), "maria").first == "sos alert asked 2 0")
        try street.gateway.say(.consentGrant(morning), as: "ada")
        var evening = morning
        evening.hours = ["20:00-02:00"]
        let reply = try preview(street, evening, without: ["c1"])
        #expect(learned(reply, "maria").first == "sos alert asked 2 2")
        #expect(reply.say.contains { $0.hasPrefix("More often: Maria Lopez") } && reply.say.contains { $0.hasPrefix("Less often: Maria Lopez") })
        #expect(!reply.say.contains("Nothing changes."))
    }

    @Test func `helpers are asked at their hours, whether on duty today or not`() throws {
        let street = try Street(rules: Self.rules.replacing("{who: everyone-permitted, at_once: 4", with: "{who: everyone-permitted, on_duty_only: true, at_once: 4"))
        try street.gateway.say(
            .helperAdd(
                helper: "nina", name: "Nina West", circles: ["oak-street"], uid: nil, latitude: nil, longitude: nil, hours: ["20:00-02:00"], ntfy: nil))
        try pressed(street, times: 2)
        try street.gateway.say(.helperDuty(helper: "maria", on: false))
        let reply = try preview(street)
        #expect(learned(reply, "nina").first == "sos alert asked 1 1")
        #expect(learned(reply, "maria").first == "sos alert asked 2 2")
    }

    @Test func `a refusal wins`() throws {
        let street = try Street(rules: Self.rules)
        try pressed(street)
        var draft = consent(to: ["helper:tom"], data: ["safety"])
        draft.purposes = []
        let reply = try preview(street, draft, isRefusal: true)
        #expect(learned(reply, "tom").allSatisfy { $0.hasSuffix(" 0 1") } && !learned(reply, "tom").isEmpty)
        #expect(learned(reply, "maria").allSatisfy { $0.hasSuffix(" 1 1") })
        #expect(reply.say.contains { $0.hasPrefix("No longer: Tom Hill learns what happened") })
    }

    @Test func `a test tells nobody what happened`() throws {
        let street = try Street(rules: Self.rules)
        try street.gateway.say(.alertTest(home: "elm-3", rule: "sos"))
        #expect(try street.alert().isTest)
        #expect(try preview(street).say.contains("Nobody would have learned anything."))
    }

    @Test func `what was decided for emergencies counts too`() throws {
        let street = try Street(rules: Self.rules, permits: false)
        try pressed(street)
        try street.gateway.say(.consentEmergency(on: true, circles: []), as: "ada")
        let reply = try preview(street)
        #expect(learned(reply, "uma").prefix(2) == ["sos alert asked 1 1", "identity alert accepted 1 1"])
        #expect(learned(reply, "vera").isEmpty)
    }

    @Test func `of several people's device each has a say`() throws {
        let street = try Street(rules: Self.rules)
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: ["ada", "bob"], expected: nil), as: "ada")
        try pressed(street)
        try #require(try street.alert().citizens.count == 2)
        #expect(learned(try preview(street), "maria").isEmpty)
        try street.gateway.say(.consentGrant(consent(to: ["helper:maria"], data: ["safety"])), as: "bob")
        #expect(learned(try preview(street), "maria").first == "sos alert asked 1 1")
        #expect(learned(try preview(street), "tom").isEmpty)
    }

    @Test func `requests to read are decided anew`() throws {
        let street = try Street(rules: Self.rules)
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "ada")
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "70")
        for _ in 0..<2 {
            try street.gateway.say(
                .readingList(citizen: "ada", home: nil, quantity: "heart_rate", since: nil, limit: 10, purpose: "daily-support"), as: "maria")
            try street.gateway.advance(.hours(1))
        }
        #expect(try preview(street).say.contains { $0.contains("2 requests to read") })
        var draft = consent(to: ["helper:maria"], data: ["heart_rate"], detail: "readings")
        draft.purposes = ["daily-support"]
        let reply = try preview(street, draft)
        #expect(learned(reply, "maria") == ["heart_rate readings - 2 0"])
        #expect(reply.say.contains { $0.hasPrefix("New: Maria Lopez learns the readings") && $0.hasSuffix("on asking to read; in this time 2 times.") })
        // A summary is no values, and another purpose is another purpose.
        draft.detail = "summary"
        #expect(learned(try preview(street, draft), "maria").isEmpty)
        draft.detail = "readings"
        draft.purposes = ["research"]
        #expect(learned(try preview(street, draft), "maria").isEmpty)
    }

    @Test func `nothing is written but that an operator looked`() throws {
        let street = try Street(rules: Self.rules)
        try pressed(street)
        func state() throws -> [Int64] {
            try street.gateway.read { reader in
                try ["decision", "disclosure", "notice", "history", "consent", "consentVersion", "citizenWord", "alert", "deadline", "chain", "pseudonym"].map(reader.count)
                    + ["consent", "decision", "notice"].map(reader.counter)
            }
        }
        let (before, records) = (try state(), try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada"))
        let (publications, acts) = (street.gateway.outbound.publications.count, try street.gateway.read { try $0.count("operatorLog") })
        #expect(try preview(street, consent(to: ["helper:tom"], data: ["everything"]), without: ["c1"]).outcome == .done)
        #expect(try state() == before)
        #expect(try street.gateway.read { try $0.count("operatorLog") } == acts + 1)
        #expect(street.gateway.outbound.publications.count == publications)
        #expect(try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada") == records)
        #expect(try street.gateway.say(.whoSaw(citizen: nil, since: nil), as: "ada").say.contains { $0.contains("acted for you: consent preview") })
    }

    @Test func `nobody else may ask, and only of a time that can be looked at`() throws {
        let street = try Street(rules: Self.rules)
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try pressed(street)
        for other in ["maria", "carla", "bob"] {
            let reply = try preview(street, citizen: "ada", as: other)
            #expect(reply.outcome == .refused && reply.items.isEmpty)
            #expect(try preview(street, consent(to: ["helper:tom"], data: ["safety"]), without: ["c1"], as: other).outcome != .done)
        }
        #expect(try preview(street, as: nil).outcome == .failed)
        #expect(learned(try preview(street, as: "bob"), "maria").isEmpty)
        #expect(try preview(street, since: "92d").outcome == .done)
        #expect(try preview(street, since: "93d").outcome == .failed)
        #expect(try preview(street, since: "2030-01-01").outcome == .failed)
        #expect(try preview(street, consent(to: ["helper:nobody"], data: ["safety"])).outcome == .failed)
        var draft = consent(to: ["helper:tom"], data: ["safety"])
        draft.hours = ["sometimes"]
        #expect(try preview(street, draft).outcome == .failed)
    }

    @Test func `what would be decided for emergencies can be tried, and changes nothing`() throws {
        let street = try Street(rules: Self.rules, permits: false)
        try pressed(street, times: 2)
        #expect(try preview(street).say.contains("Nobody would have learned anything."))
        let reply = try preview(street, emergency: [])
        // What happened when asked, and who and where only after accepting; never readings.
        #expect(
            learned(reply, "maria") == [
                "sos alert asked 2 0", "identity alert accepted 2 0", "sos alert accepted 2 0", "identity alert attending 2 0", "sos alert attending 2 0",
            ])
        #expect(learned(reply, "vera").isEmpty, "She is in no circle.")
        #expect(reply.say.contains { $0.hasPrefix("Supposed: ") } && reply.say.contains { $0.hasPrefix("New: Maria Lopez learns what happened") }, "\(reply.say)")
        #expect(try preview(street, emergency: ["oak-street"]).items == reply.items)
        #expect(try preview(street, emergency: ["nowhere"]).outcome == .failed)
        #expect(try preview(street, consent(to: ["helper:maria"], data: ["safety"]), emergency: []).outcome == .failed)
        #expect(try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items.isEmpty)
        // Once it is decided, the same is said of today.
        #expect(try street.gateway.say(.consentEmergency(on: true, circles: []), as: "ada").outcome == .done)
        #expect(learned(try preview(street), "maria").first == "sos alert asked 2 2")
        #expect(try preview(street, emergency: []).say.contains("Nothing changes."))
    }

    @Test func `what was looked at for too long is cut, and that is said`() throws {
        let street = try Street(rules: Self.rules)
        try pressed(street, times: 3)
        let looks = Looks()
        street.gateway.engine.stopwatch = { looks.next() * 6_000_000_000 }
        let reply = try preview(street)
        #expect(reply.say.contains { $0.contains("1 alert about you") } && reply.say.contains { $0.contains("the oldest is left out") }, "\(reply.say)")
    }
}

private final class Looks: Sendable {
    private let count = Mutex<Int64>(0)
    func next() -> Int64 {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
