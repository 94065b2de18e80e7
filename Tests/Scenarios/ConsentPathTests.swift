import Care
import CareTesting
import Foundation
import Testing

/// Nothing is told without a decision that permits it at that moment, and withdrawal reaches people.
@Suite struct ConsentPathTests {
    @Test func `a refusal reaches no helper, and the coordinator learns that an alert is uncovered and nothing more`() throws {
        let street = try Street(permits: false)
        try street.gateway.say(.consentRefuse(consent(to: ["anyone"], data: ["everything"])), as: "ada")
        try street.press()
        #expect(street.showing == ["carla"])
        let card = try #require(try street.card("carla"))
        guard case .object(let members) = card else { return }
        #expect(Set(members.map(\.key)) == ["alert", "say", "where", "answerBy", "stage"])
        #expect(card["where"]?.string == "Oak Street")
        #expect(
            card["say"]?.string
                == "An alert in Oak Street is uncovered: no helper can be asked. If a life may be in danger, call 112.")
        try street.gateway.advance(.minutes(30))
        try street.answer("carla", "accept")
        try street.answer("carla", "arrive")
        // Neither what she is told nor what she may ask for says more.
        let asked = try [Command.alertList(all: true), .alertShow(alert: "a1"), .why(id: "a1"), .alertWatch(after: 0, waitSeconds: 0), .status]
            .map { try street.gateway.say($0, as: "carla") }
        let said = street.words + asked.flatMap { $0.say + $0.items.map(\.text) }
        for secret in ["sos", "alarm", "Ada", "ada", "Elm Road", "elm-3", "safety", "Extreme", "button"] {
            #expect(!said.contains { $0.contains(secret) }, "\(secret)")
        }
        #expect(street.words.allSatisfy { $0.hasPrefix("helpers/carla/") })
        for helper in ["maria", "tom", "uma", "vera"] { #expect(try street.told(helper).isEmpty) }
        #expect(try street.told("carla").allSatisfy { $0.hasPrefix("an alert is open nothing") })
    }

    @Test func `without any record nobody is told, and a permit that comes later is heard at once`() throws {
        let street = try Street(permits: false)
        try street.press()
        #expect(street.showing == ["carla"])
        try street.gateway.advance(.seconds(10))
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: "ada")
        #expect(street.showing == ["maria", "tom", "carla"])
    }

    @Test func `a withdrawal between enqueue and send sends nothing`() throws {
        let street = try Street()
        street.gateway.sayOnly(.alertTest(home: "elm-3", rule: "sos"), as: "ada")
        #expect(try street.told("maria") == ["sos alert asked queued"].map { $0.replacingOccurrences(of: "sos", with: "safety") })
        let reply = street.gateway.sayOnly(.consentWithdraw(id: "c1"), as: "ada")
        #expect(reply.say.contains { $0.contains("2 words that waited to be sent will not be.") })
        try street.gateway.settle()
        #expect(street.words.allSatisfy { $0.hasPrefix("helpers/carla/") }, "\(street.words)")
        #expect(try street.told("maria") == ["safety alert asked queued", "safety alert asked cancelled"])
        #expect(try street.alert().offer(to: "maria")?.state == .retracted)
    }

    /// The second decision is made in the turn that sends: nothing that was queued before it counts.
    @Test func `what was queued is decided again when it is sent`() throws {
        let street = try Street()
        street.gateway.isBrokerThere = false
        try street.gateway.say(.consentGrant(consent(to: ["helper:tom"], data: ["safety"], until: "60s")), as: "ada")
        try street.gateway.say(.consentWithdraw(id: "c1"), as: "ada")
        try street.press()
        #expect(try street.open() == ["tom"])
        // The permit ends while the word waits, and nobody is there to withdraw anything.
        street.gateway.clock.advance(.seconds(61))
        street.gateway.isBrokerThere = true
        try street.gateway.settle()
        #expect(!street.words.contains { $0.hasPrefix("helpers/tom") })
        #expect(try street.told("tom") == ["sos alert asked queued", "sos alert asked cancelled"])
    }

    @Test func `a withdrawal while somebody holds it takes back what their client shows, and others are asked`() throws {
        let street = try Street()
        try street.gateway.say(.consentGrant(consent(to: ["helper:vera"], data: ["safety"])), as: "ada")
        try street.press()
        try street.answer("maria", "accept")
        try street.gateway.advance(.seconds(30))
        let at = street.gateway.now
        let reply = try street.gateway.say(.consentWithdraw(id: "c1"), as: "ada")
        #expect(street.showing == ["vera"])
        #expect(street.gateway.now == at, "It happens at once.")
        #expect(reply.say.contains { $0.contains("1 client still showed is being taken back") })
        #expect(reply.say.contains { $0.contains("What was read cannot be unread") })
        let saw = try street.gateway.say(.whoSaw(citizen: nil, since: nil), as: "ada")
        #expect(saw.say.contains { $0.contains("Maria Lopez has read what happened (SOS)") })
        #expect(!saw.say.contains { $0.contains("Not yet retracted") })
        #expect(street.gateway.outbound.published(to: "homes/elm-3/caring/notices").last?.contains("Maria Lopez is not coming after all") == true)
        // What she answers now is no answer.
        try street.answer("maria", "arrive")
        #expect(try street.alert().holders.isEmpty)
    }

    @Test func `while the broker is away a withdrawal is said not to have reached the clients yet`() throws {
        let street = try Street()
        try street.press()
        street.gateway.isBrokerThere = false
        let reply = try street.gateway.say(.consentWithdraw(id: "c1"), as: "ada")
        #expect(reply.say.contains { $0.contains("not yet retracted: the broker is away") })
        #expect(street.showing == ["maria", "tom"])
        var saw = try street.gateway.say(.whoSaw(citizen: nil, since: nil), as: "ada")
        #expect(saw.say.contains("Not yet retracted: the client of Maria Lopez may still show alert a1, because the broker is away."))
        street.gateway.isBrokerThere = true
        try street.gateway.settle()
        #expect(street.showing == ["carla"])
        saw = try street.gateway.say(.whoSaw(citizen: nil, since: nil), as: "ada")
        #expect(!saw.say.contains { $0.contains("Not yet retracted") })
    }

    @Test func `a permit that ends while the offer is open is retracted in that second`() throws {
        let street = try Street(permits: false)
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"], until: "90s")), as: "ada")
        let start = street.gateway.now
        try street.press()
        try street.gateway.advance(.seconds(90) - .milliseconds(1))
        #expect(street.showing == ["maria", "tom"])
        try street.gateway.advance(.milliseconds(1))
        #expect(street.showing == ["carla"])
        #expect(try street.history(since: start).contains("90 s  retracted maria"))
    }

    @Test func `a withdrawn address disappears from the helper who is on the way, who keeps the alert`() throws {
        let street = try Street()
        try street.press()
        try street.answer("maria", "accept")
        #expect(try street.card("maria")?["where"]?.string == "Ada Brown, 3 Elm Road")
        try street.gateway.say(.consentWithdraw(id: "c2"), as: "ada")
        let card = try #require(try street.card("maria"))
        #expect(card["where"]?.string == "Oak Street")
        #expect(!card.text.contains("Ada") && !card.text.contains("Elm"))
        #expect(try street.alert().holder("maria") != nil)
    }

    @Test func `what never reached a client is not said to be still shown there`() throws {
        let street = try Street()
        street.gateway.isBrokerThere = false
        try street.press()
        let reply = try street.gateway.say(.consentWithdraw(id: "c1"), as: "ada")
        #expect(reply.say.contains { $0.contains("that waited to be sent will not be") })
        #expect(!reply.say.contains { $0.contains("retracted") || $0.contains("taken back") })
        #expect(try !street.gateway.say(.whoSaw(citizen: nil, since: nil), as: "ada").say.contains { $0.contains("Not yet retracted") })
    }

    @Test func `a shared device needs the permit of everybody whose it is`() throws {
        let street = try Street()
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try street.gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: ["bob"], expected: nil), as: "ada")
        try street.press()
        #expect(street.showing == ["carla"], "Ada permits, Bob has said nothing.")
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: "bob")
        #expect(street.showing == ["maria", "tom", "carla"])
        #expect(try street.gateway.read { try $0.disclosures(ofAlert: AlertID(1)) }.filter { $0.recipient == "maria" && $0.state == .sent }.map(\.citizen) == ["ada", "bob"])
        try street.answer("maria", "accept")
        #expect(try street.card("maria")?["where"]?.string == "Oak Street", "Bob has not shared their door.")
        try street.gateway.say(.consentRefuse(consent(to: ["helper:maria"], data: ["safety"])), as: "bob")
        #expect(!street.showing.contains("maria"))
    }

    @Test func `what holds only while an extreme alert is open says nothing of a lesser one`() throws {
        let street = try Street(permits: false)
        var draft = consent(to: ["circle:oak-street"], data: ["safety"])
        draft.severity = "Extreme"
        let reply = try street.gateway.say(.consentGrant(draft), as: "ada")
        #expect(reply.say.first?.contains("only while an extreme alert is open") == true)
        #expect(reply.items.first?["while"]?.string == "extreme")
        try street.gateway.say(.alertTest(home: "elm-3", rule: "still"), as: "ada")
        #expect(street.showing == ["carla"])
        try street.gateway.say(.alertCancel(alert: "a1", note: nil), as: "ada")
        try street.press()
        #expect(street.showing == ["maria", "tom"])
    }

    @Test func `a severity that there is none of is refused`() throws {
        let street = try Street(permits: false)
        var draft = consent(to: ["circle:oak-street"], data: ["safety"])
        draft.severity = "dreadful"
        let reply = try street.gateway.say(.consentGrant(draft), as: "ada")
        #expect(reply.outcome == .failed && reply.say.first?.contains("minor, moderate, severe, extreme") == true)
    }
}
