import Audit
import Care
import CareTesting
import Foundation
@testable import Gateway
import GRDB
import Store
import Testing

/// Who leaves the scheme can be forgotten, down to the name; who lived with them keeps everything of their own.
@Suite struct LeavingTests {
    private let erasing = ErasureTests()
    private static let marks = ["quillfeather", "Quilla Marrowby", "MARKPAYLOAD", "MARKREASON", "MARKAUTHORITY", "MARKTITLE"]

    /// Quilla lives with Ada and has a device of her own and the button with her; something of everything is known about her.
    private func lived() throws -> Street {
        let street = try Street(auditKey: erasing.key)
        let gateway = street.gateway
        gateway.engine.journal = try ActJournal(folder: gateway.folder)
        while try gateway.engine.sweep() {}
        let quilla = "quillfeather"
        try gateway.say(.citizenAdd(citizen: quilla, home: "elm-3", name: "Quilla Marrowby", uid: nil))
        try gateway.say(.serviceAdd(service: "clinic", name: "Elm Clinic", uid: nil))
        try gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil, title: "MARKTITLE"), as: quilla)
        try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall motion", citizens: [], expected: nil), as: "ada")
        #expect(try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: [quilla], expected: nil), as: "ada").outcome == .done)
        try gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: quilla)
        var feed = consent(to: ["service:clinic"], data: ["health"], detail: "readings")
        feed.purposes = ["daily-support"]
        #expect(try gateway.say(.consentGrant(feed), as: quilla).outcome == .done)
        var wish = consent(to: [], data: ["safety"])
        wish.citizen = quilla
        #expect(try gateway.say(.consentRequest(wish, reason: "MARKREASON for the clinic"), as: "clinic").outcome == .done)
        #expect(try gateway.say(.dataKeep(KeepDraft(categories: ["health"], length: "30d", then: "daily", isDefault: false)), as: quilla).outcome == .done)
        let mandate = MandateDraft(delegate: "tom", categories: ["health"], purposes: ["daily-support"], until: "9d", authority: "MARKAUTHORITY")
        #expect(try gateway.say(.delegate(.appoint(mandate)), as: quilla).outcome == .done)
        #expect(try gateway.say(.readingList(citizen: nil, home: nil, quantity: nil, since: nil, limit: 10, purpose: "daily-support"), as: quilla, by: "tom").outcome == .done)
        for n in 0..<20 {
            try gateway.publish("homes/elm-3/vitals/heart-rate", "\(70 + n).125")
            try gateway.publish("homes/elm-3/zigbee2mqtt/hall motion", #"{"occupancy":\#(n % 2 == 0)}"#)
            try gateway.advance(.minutes(7))
        }
        try gateway.publish("homes/elm-3/vitals/heart-rate", "MARKPAYLOAD and no number")
        try street.press()
        try street.answer("maria", "accept")
        try gateway.say(.alertCancel(alert: "a1", note: nil), as: quilla)
        #expect(try gateway.say(.pause(PauseDraft(length: "1m", devices: ["vitals/heart-rate"])), as: quilla).outcome == .done)
        try gateway.advance(.hours(1))
        #expect(try street.alert().citizens == ["ada", "quillfeather"] && street.alert().ending?.by == "quillfeather")
        return street
    }

    private func isForgotten(_ street: Street, readings: Int) throws {
        for mark in Self.marks { #expect(try erasing.holding(mark, street).isEmpty, "\(mark)") }
        #expect(try street.alert().citizens == ["ada"], "What is also Ada's stays, as hers.")
        #expect(try erasing.number(street, "SELECT count(*) FROM reading") == readings)
        #expect(try erasing.number(street, "SELECT count(*) FROM consent WHERE citizen = 'ada'") == 2)
        #expect(try erasing.number(street, "SELECT count(*) FROM pseudonym WHERE person IS NULL") == 1)
        #expect(try erasing.number(street, "SELECT count(*) FROM operatorLog WHERE actingFor LIKE 'erased:%'") > 3, "That an operator acted for somebody stays.")
        #expect(try erasing.number(street, "SELECT count(*) FROM erasure") == 0)
        let report = try erasing.isSound(street)
        #expect(report.isSound, "\(report)")
    }

    private func kept(_ street: Street) throws -> Int {
        try erasing.number(street, "SELECT count(*) FROM reading WHERE series IN (SELECT series.id FROM series JOIN device ON device.id = device WHERE address <> 'vitals/heart-rate')")
    }

    @Test func `what they shared stays with whoever shared it`() throws {
        let street = try lived()
        #expect(try street.gateway.say(.citizenRemove(citizen: "quillfeather")).outcome == .done)
        #expect(try street.gateway.read { try $0.openAlerts() }.isEmpty)
        try street.press()
        #expect(try street.gateway.read { try $0.openAlerts() }.map(\.citizens) == [["ada"]], "The button that Ada shared is still hers.")
        try street.gateway.restart()
        #expect(try street.gateway.say(.deviceList(home: nil, unclaimed: false), as: "ada").items.contains { $0["device"]?.string == "zigbee2mqtt/hall button" })
    }

    @Test(arguments: [false, true]) func `whoever is removed and erased is in no file any more, also when it is cut off after each step`(isKilled: Bool) throws {
        let street = try lived()
        let gateway = street.gateway
        for mark in Self.marks { #expect(try !erasing.holding(mark, street).isEmpty, "\(mark) was there before.") }
        let readings = try kept(street)
        #expect(readings > 15)
        let reply = try gateway.say(.citizenRemove(citizen: "quillfeather", erase: true))
        #expect(reply.outcome == .done && reply.say.contains { $0.contains("is being erased") }, "\(reply)")
        if isKilled {
            var starts = 0
            while gateway.engine.copiesHoldErasedSince == nil, starts < 500 {
                _ = try gateway.engine.sweep()
                try gateway.restart(after: .seconds(11))
                _ = try gateway.engine.sweep()
                starts += 1
            }
            #expect(starts > 3 && starts < 500)
            gateway.engine.journal = try ActJournal(folder: gateway.folder)
        } else {
            try erasing.run(street)
            #expect(try gateway.say(.status).say.contains { $0.hasPrefix("Of somebody who was removed") })
        }
        try erasing.renewCopies(street)
        try isForgotten(street, readings: readings)
        // Life goes on, and the name is nobody's.
        try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: [], expected: nil), as: "ada")
        try street.press()
        #expect(try street.alert(2).citizens == ["ada"])
        try gateway.restart()
        #expect(try gateway.say(.citizenAdd(citizen: "quillfeather", home: "elm-3", name: "Another", uid: nil)).outcome == .done)
        #expect(try gateway.say(.whoSaw(citizen: nil, since: nil), as: "quillfeather").say == ["Nobody has been told anything about you."])
        #expect(try erasing.isSound(street).isSound)
    }

    @Test func `a removal alone says how to have it erased, which is done later and only of somebody who was removed`() throws {
        let street = try lived()
        let gateway = street.gateway
        let readings = try kept(street)
        #expect(try gateway.say(.citizenErase(citizen: "quillfeather")).outcome == .failed, "She is in the scheme.")
        let removed = try gateway.say(.citizenRemove(citizen: "quillfeather"))
        #expect(removed.say.contains { $0.contains("caring citizen erase quillfeather") }, "\(removed)")
        try erasing.run(street)
        #expect(try !erasing.holding("Quilla Marrowby", street).isEmpty)
        #expect(try gateway.say(.citizenErase(citizen: "quillfeather"), as: "maria").outcome == .refused)
        #expect(try gateway.say(.citizenErase(citizen: "maria")).outcome == .failed)
        #expect(try gateway.say(.citizenErase(citizen: "nobody")).outcome == .failed)
        try gateway.restart()
        gateway.engine.journal = try ActJournal(folder: gateway.folder)
        #expect(try gateway.say(.citizenErase(citizen: "quillfeather"), as: "carla").outcome == .done)
        #expect(try gateway.say(.citizenErase(citizen: "quillfeather")).say.contains { $0.hasPrefix("It is under way") })
        try erasing.run(street)
        try erasing.renewCopies(street)
        try isForgotten(street, readings: readings)
    }

    @Test(arguments: [true, false]) func `after a restore from a copy in which they still were they are removed and erased again`(atOnce: Bool) throws {
        let (street, other) = (try lived(), try lived())
        let since = street.gateway.now
        try street.gateway.say(.citizenRemove(citizen: "quillfeather", erase: atOnce ? true : nil))
        if !atOnce { try street.gateway.say(.citizenErase(citizen: "quillfeather")) }
        let journal = try #require(street.gateway.engine.journal)
        try other.gateway.advance(.minutes(1))
        let readings = try kept(other)
        for _ in 0..<2 { #expect(try other.gateway.engine.repeatActs(of: journal, since: since).failed == 0) }
        try erasing.run(other)
        try erasing.renewCopies(other)
        try isForgotten(other, readings: readings)
    }

    @Test func `what they did as another's delegate stays that one's, and verifies`() throws {
        let street = try lived()
        let gateway = street.gateway
        let mandate = MandateDraft(delegate: "quillfeather", categories: ["safety"], purposes: ["daily-support"], until: "9d", authority: "we agreed")
        #expect(try gateway.say(.delegate(.appoint(mandate)), as: "ada").outcome == .done)
        #expect(try gateway.say(.readingList(citizen: nil, home: nil, quantity: nil, since: nil, limit: 10, purpose: "daily-support"), as: "ada", by: "quillfeather").outcome == .done)
        try gateway.say(.citizenRemove(citizen: "quillfeather", erase: true))
        try erasing.run(street)
        #expect(try erasing.number(street, "SELECT count(*) FROM person WHERE name = 'quillfeather'") == 0)
        #expect(try erasing.number(street, "SELECT count(*) FROM pseudonym WHERE person = 'quillfeather'") == 1)
        #expect(try erasing.isSound(street).isSound)
        #expect(try erasing.holding("Quilla Marrowby", street).filter { !$0.hasPrefix("acts") }.isEmpty)
        // As old as the scheme keeps records.
        let later = gateway.now + .days(10_000)
        while try gateway.engine.store.turn({ try $0.dropRecords(before: later, rowsMax: 1_000, at: later) }) > 0 {}
        #expect(try erasing.number(street, "SELECT count(*) FROM mandate") == 0)
        #expect(try erasing.number(street, "SELECT count(*) FROM pseudonym WHERE person = 'quillfeather'") == 0)
        #expect(try erasing.isSound(street).isSound)
    }
}
