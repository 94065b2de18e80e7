import Care
import CareTesting
import Foundation
import Gateway
import Store
import Testing

/// Offers read like offers, and come to records like any other.
@Suite struct ConsentOfferTests {
    private func shipped() throws -> [ConsentOffer] {
        try ConsentOffers.load(folder: try #require(SharedFiles().consentsFolder()))
    }

    private func street() throws -> Street {
        var settings = GatewayConfiguration()
        settings.offers = try shipped()
        let street = try Street(permits: false, settings: settings)
        try street.gateway.say(.serviceAdd(service: "clinic", name: "the clinic", uid: nil))
        return street
    }

    @Test func `the three offers that come with the gateway can be accepted, and none is for emergencies`() throws {
        let street = try street()
        #expect(try shipped().map(\.say) == [
            "My daughter sees that I am up and about", "My practice sees my blood pressure until the next appointment",
            "My street may come when something happens",
        ])
        #expect(try street.gateway.say(.consentOffers, as: "ada").say.contains { $0.contains("caring consent accept practice --who SERVICE --until DAY") })
        let accepted = try street.gateway.say(.consentAccept(offer: "street", who: [], until: nil), as: "ada")
        #expect(accepted.say == [
            "Oak Street's helpers may know that something happened and what (safety), to come and help, at any hour, until withdrawn. (c1)",
            "Oak Street's helpers may know your name and address once they have accepted, to come and help, at any hour, until withdrawn. (c2)",
        ])
        #expect(try street.gateway.say(.consentAccept(offer: "daughter", who: ["maria"], until: nil), as: "ada").say.first?.contains("Maria Lopez may know whether all is well") == true)
        #expect(try street.gateway.say(.consentAccept(offer: "practice", who: ["clinic"], until: nil), as: "ada").outcome == .failed)
        #expect(try street.gateway.say(.consentAccept(offer: "practice", who: ["helper:maria"], until: "30d"), as: "ada").outcome == .failed)
        #expect(try street.gateway.say(.consentAccept(offer: "practice", who: ["clinic"], until: "30d"), as: "ada").outcome == .done)
        #expect(try street.gateway.say(.consentAccept(offer: "practise", who: ["clinic"], until: "30d"), as: "ada").outcome == .failed)
        let list = try street.gateway.say(.consentList(citizen: nil, all: false), as: "ada").items
        #expect(list.count == 4 && list.allSatisfy { $0["effect"]?.string == "permit" })
        try street.press()
        #expect(street.showing == ["maria", "tom"])
        try street.gateway.say(.consentWithdraw(id: "c1"), as: "ada")
        #expect(street.showing == ["carla"])
    }

    @Test func `what was accepted since a backup is done again, each record once, and not what was withdrawn`() throws {
        let street = try street()
        let folder = street.gateway.folder + "-acts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        street.gateway.engine.journal = journal
        let since = street.gateway.now
        try street.gateway.say(.consentAccept(offer: "street", who: [], until: nil), as: "ada")
        try street.gateway.say(.consentWithdraw(id: "c2"), as: "ada")
        let other = try Street(permits: false)
        try other.gateway.advance(.minutes(1))
        for _ in 0..<2 { #expect(try other.gateway.engine.repeatActs(of: journal, since: since).failed == 0) }
        let list = try other.gateway.say(.consentList(citizen: nil, all: false), as: "ada").items
        #expect(list.map { $0["data"]?.text } == [#"["safety"]"#])
    }

    @Test(arguments: [
        ("offer: x\nwho: circle\nrecords:\n  - {about: safty, purpose: emergency-response}\n", "street.yaml:4:13: "),
        ("offer: x\nwho: circle\nrecords:\n  - {about: safety, purpose: emergency-response, effect: emergency}\n", "street.yaml:4:"),
        ("offer: x\nwho: cirlce\nrecords:\n  - {about: safety, purpose: emergency-response}\n", "street.yaml:2:6: "),
        ("offer: x\nwho: circle\nrecords:\n  - {about: \"device:3\", purpose: emergency-response}\n", "names no device"),
        ("offer: x\nwho: circle\nrecords: []\n", "1 to 20 records"), ("offer: x\nwho: circle\n", "needs"), ("", "There is no offer"),
    ])
    func `a mistake in an offer is told with its place, and the offer is refused whole`(yaml: String, words: String) {
        #expect(throws: ConfigurationProblems.self) { _ = try ConsentOffers.parse(yaml: yaml, name: "street", file: "street.yaml") }
        do { _ = try ConsentOffers.parse(yaml: yaml, name: "street", file: "street.yaml") } catch {
            #expect(error.description.contains(words), "\(error.description)")
        }
    }

    @Test func `a grant asked for step by step is read back and changes nothing until it is given`() throws {
        let street = try street()
        var interview = ConsentInterview()
        for (answer, isTaken) in [
            ("", false), ("maria", false), ("circle:oak-street, helper:vera", true), ("safty", false), ("safety", true), ("9", false), ("1", true),
            ("lots", false), ("", true), ("morning", false), ("mon-fri 08:00-18:00; sat,sun 10:00-12:00", true), ("30d", true),
        ] {
            #expect(interview.question != nil)
            #expect((interview.answer(answer) == nil) == isTaken, "\(answer)")
        }
        #expect(interview.question == nil)
        let said = try street.gateway.say(.consentSay(interview.draft), as: "ada").say
        #expect(said.first?.hasPrefix("Oak Street's helpers and Vera Lind may know that something happened and what (safety), to come and help, from Monday to Friday between 08:00 and 18:00 or ") == true, "\(said)")
        #expect(try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items.isEmpty)
        let given = try street.gateway.say(.consentGrant(interview.draft), as: "ada")
        #expect(given.say.first == said.first.map { "\($0) (c1)" })
    }
}
