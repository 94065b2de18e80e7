import Care
import CareTesting
import Foundation
import Store
import Testing

/// What a citizen decides beforehand: in an extreme alert their circle may be told although nothing else permits it.
@Suite struct EmergencyTests {
    private let notices = "homes/elm-3/caring/notices"

    private func prepared(phone: String? = nil) throws -> Street {
        let street = try Street(permits: false, phone: phone)
        try street.gateway.say(.consentEmergency(on: true, circles: []), as: "ada")
        return street
    }

    @Test func `in an extreme alert the circle is told, the citizen learns at once who learned what, and off takes it back`() throws {
        let street = try prepared()
        let start = street.gateway.now
        try street.press()
        #expect(street.showing == ["maria", "tom"], "Vera is in no circle.")
        let asked = try #require(try street.card("maria"))
        #expect(asked["kind"]?.string == "sos" && asked["where"]?.string == "Oak Street")
        #expect(street.gateway.now == start)
        let words = street.gateway.outbound.published(to: notices)
        #expect(words.count == 2)
        #expect(words.first?.contains("Maria Lopez was told what happened (sos). Nothing else permitted it: you allowed it for emergencies (c1).") == true)
        #expect(!words.contains { $0.contains("your name and address") })

        try street.answer("maria", "accept")
        #expect(try street.card("maria")?["where"]?.string == "Ada Brown, 3 Elm Road")
        #expect(street.gateway.outbound.published(to: notices).contains { $0.contains("Maria Lopez was told your name and address.") })

        try street.gateway.say(.consentEmergency(on: false, circles: []), as: "ada")
        #expect(street.showing == ["carla"])
    }

    @Test func `it is off until it is turned on, and says nothing below extreme`() throws {
        let off = try Street(permits: false)
        try off.press()
        #expect(off.showing == ["carla"])
        let street = try prepared()
        try street.gateway.say(.alertTest(home: "elm-3", rule: "still"), as: "ada")
        #expect(street.showing == ["carla"])
        #expect(street.gateway.outbound.published(to: notices).allSatisfy { !$0.contains("emergencies") })
    }

    /// Whoever runs the scheme may raise a test, and must not learn by it what nothing permits.
    @Test func `a test is no emergency`() throws {
        let street = try prepared()
        try street.gateway.say(.alertTest(home: "elm-3", rule: "sos"), as: "carla")
        #expect(street.showing == ["carla"])
    }

    @Test func `a refusal stands against it, and where something permits it is not asked`() throws {
        let refused = try prepared()
        try refused.gateway.say(.consentRefuse(consent(to: ["helper:maria"], data: ["safety"])), as: "ada")
        try refused.press()
        #expect(!refused.showing.contains("maria") && refused.showing.contains("tom"))

        let permitted = try Street()
        try permitted.gateway.say(.consentEmergency(on: true, circles: ["oak-street"]), as: "ada")
        try permitted.press()
        #expect(permitted.showing == ["maria", "tom"])
        #expect(try permitted.gateway.read { try $0.disclosures(ofAlert: AlertID(1)) }.allSatisfy { !$0.isEmergency })
        #expect(!permitted.gateway.outbound.published(to: notices).contains { $0.contains("emergencies") })
    }

    @Test func `log, history and why say that it was an emergency, to the citizen alone`() throws {
        let street = try prepared()
        try street.press()
        try street.answer("maria", "accept")
        let saw = try street.gateway.say(.whoSaw(citizen: nil, since: nil), as: "ada")
        #expect(saw.say.contains { $0.contains("Maria Lopez has read in an emergency, although nothing else permitted it, what happened (SOS)") })
        #expect(saw.say.contains { $0.contains("Maria Lopez was told in an emergency, although nothing else permitted it, your name and address") })
        let history = try street.gateway.say(.alertShow(alert: "a1"), as: "ada").say
        #expect(history.contains { $0.contains("In an emergency, although nothing else permitted it, Maria Lopez was told what happened (sos), by c1.") })
        let why = try street.gateway.say(.why(id: "d1"), as: "ada").say
        #expect(why.contains { $0.contains("because this is an emergency: consent c1 allows it then, and nothing else does.") })
        for person in ["maria", "carla"] {
            let shown = try [Command.alertShow(alert: "a1"), .alertWatch(after: 0, waitSeconds: 0)].flatMap { try street.gateway.say($0, as: person).say }
            #expect(!shown.contains { $0.contains("emergency, although") }, "\(person): \(shown)")
        }
        // It ends with the alert, and what happened then is still told as it was.
        try street.answer("maria", "resolve")
        #expect(street.showing.isEmpty)
        #expect(try street.gateway.say(.alertShow(alert: "a1"), as: "maria").outcome == .refused)
        #expect(try street.gateway.say(.why(id: "a1"), as: "ada").say.contains { $0.contains("Maria Lopez may be told") && $0.contains("emergency") })
    }

    @Test func `who is told over two channels is named once, and a word that waits is said after a restart`() throws {
        let street = try prepared(phone: "http://phone.example/maria")
        street.gateway.isBrokerThere = false
        try street.press()
        // The phone has it; the broker that would carry the word home is away.
        #expect(street.gateway.outbound.posts.count == 1)
        #expect(street.gateway.outbound.published(to: notices).isEmpty)
        try street.gateway.restart()
        street.gateway.isBrokerThere = true
        try street.gateway.settle()
        let said = street.gateway.outbound.published(to: notices).filter { $0.contains("Maria Lopez was told what happened") }
        #expect(said.count == 1, "\(said)")
    }

    @Test func `it is done again after a restore, and not where it was taken back`() throws {
        for isOff in [false, true] {
            let street = try Street(permits: false)
            let folder = street.gateway.folder + "-acts"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let journal = try ActJournal(folder: folder)
            street.gateway.engine.journal = journal
            let since = street.gateway.now
            try street.gateway.say(.consentEmergency(on: true, circles: []), as: "ada")
            if isOff { try street.gateway.say(.consentEmergency(on: false, circles: []), as: "ada") }
            let other = try Street(permits: false)
            try other.gateway.advance(.minutes(1))
            for _ in 0..<2 { #expect(try other.gateway.engine.repeatActs(of: journal, since: since).failed == 0) }
            try other.press()
            #expect(other.showing == (isOff ? ["carla"] : ["maria", "tom"]))
        }
    }

    @Test func `it is read back as a sentence, and twice is once`() throws {
        let street = try prepared()
        let again = try street.gateway.say(.consentEmergency(on: true, circles: ["oak-street"]), as: "ada")
        #expect(again.say.first?.hasPrefix("It is so already") == true)
        let list = try street.gateway.say(.consentList(citizen: nil, all: false), as: "ada").say
        #expect(
            list == [
                "c1  Oak Street's helpers may be told in an emergency, although nothing else permits it, that something happened and what, "
                    + "and your name and address once they have accepted, only while an extreme alert is open, to come and help, at any hour, until withdrawn."
            ])
        #expect(try street.gateway.say(.consentEmergency(on: true, circles: ["nowhere"]), as: "ada").outcome == .failed)
    }
}
