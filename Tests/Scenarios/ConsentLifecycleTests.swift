import Care
import CareTesting
import Foundation
@testable import Gateway
import Store
import Testing

/// Consent that is asked for, given, narrowed, put off, denied, renewed, revoked, and that ends by itself.
@Suite struct ConsentLifecycleTests {
    private let notices = "homes/elm-3/caring/notices"

    private func asking(
        data: [String] = ["health"], detail: String? = "readings", hours: [String] = [], until: String? = "30d", citizen: String = "ada"
    ) -> ConsentDraft {
        ConsentDraft(
            citizen: citizen, to: [], purposes: ["daily-support"], data: data, detail: detail, stage: nil, hours: hours, from: nil, until: until)
    }

    private func clinic() throws -> Street {
        let street = try Street(permits: false)
        try street.gateway.say(.serviceAdd(service: "clinic", name: "the clinic", uid: nil))
        return street
    }

    private func ask(_ street: Street, _ draft: ConsentDraft? = nil) throws -> Reply {
        try street.gateway.say(.consentRequest(draft ?? asking(), reason: "We would like to see how you are."), as: "clinic")
    }

    private func decision(_ street: Street, _ quantity: String = "heart_rate") throws -> Reply {
        try street.gateway.say(
            .readingList(citizen: "ada", home: nil, quantity: quantity, since: nil, limit: 10, purpose: "daily-support"), as: "clinic")
    }

    private func states(_ street: Street, _ id: String) throws -> [String] {
        try street.gateway.read { try $0.versions(of: ConsentID(text: id) ?? ConsentID(1)) }.map { "\($0.version) \($0.state.rawValue) \($0.by)" }
    }

    // MARK: Requests

    @Test func `what is asked for or put off permits nothing, and what is given stands as it was asked`() throws {
        let street = try clinic()
        #expect(try ask(street).items.first?["consent"]?.string == "c1")
        #expect(street.gateway.outbound.published(to: notices).last?.contains("somebody asks for your consent (c1)") == true)
        #expect(street.gateway.outbound.published(to: notices).allSatisfy { !$0.contains("clinic") && !$0.contains("health") })
        let shown = try street.gateway.say(.consentRequests, as: "ada").say
        #expect(shown.contains { $0.contains("the clinic asked on") && $0.contains("We would like to see how you are.") })
        #expect(shown.contains { $0.contains("If you give it: The clinic may know everything about your health") })
        #expect(try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items.isEmpty)
        try street.gateway.say(.consentDefer(id: "c1"), as: "ada")
        try street.gateway.restart()
        #expect(try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items.isEmpty)
        #expect(try street.gateway.say(.consentRequests, as: "ada").items.first?["state"]?.string == "deferred")
        let given = try street.gateway.say(.consentGive(id: "c1", less: ConsentNarrowing()), as: "ada")
        #expect(given.items.first?["detail"]?.string == "readings" && given.items.first?["to"]?.text.contains("service:clinic") == true)
        #expect(try states(street, "c1") == ["1 requested operator 0 for clinic", "2 deferred operator 0 for ada", "3 given operator 0 for ada"])
        #expect(try street.gateway.say(.consentGive(id: "c1", less: ConsentNarrowing()), as: "ada").outcome == .failed, "One answer.")
    }

    @Test func `who asks learns the state and nothing else, and nobody but the citizen sees it`() throws {
        let street = try clinic()
        try street.gateway.say(.serviceAdd(service: "council", name: "the council", uid: nil))
        _ = try ask(street)
        #expect(try street.gateway.say(.consentRequests, as: "clinic").items.map(\.text) == [#"{"consent":"c1","state":"requested"}"#])
        try street.gateway.say(.consentGive(id: "c1", less: ConsentNarrowing(detail: "summary", until: "7d")), as: "ada")
        #expect(try street.gateway.say(.consentRequests, as: "clinic").items.map(\.text) == [#"{"consent":"c1","state":"given"}"#])
        #expect(try street.gateway.say(.consentRequests, as: "council").items.isEmpty)
        for person in ["clinic", "council", "carla", "maria"] {
            #expect(try street.gateway.say(.consentHistory(id: "c1"), as: person).outcome != .done)
            #expect(try street.gateway.say(.consentDeny(id: "c1"), as: person).outcome != .done)
        }
        #expect(try street.gateway.say(.consentRequest(asking(), reason: "x"), as: "ada").outcome == .refused)
        #expect(try ask(street, asking(data: ["device:zigbee2mqtt/hall button"])).outcome == .failed)
        #expect(try street.gateway.say(.consentRequest(asking(), reason: String(repeating: "a", count: 501)), as: "clinic").outcome == .failed)
    }

    @Test func `a citizen may give less and never more`() throws {
        let street = try clinic()
        _ = try ask(street, asking(detail: "summary", hours: ["mon-fri 08:00-18:00"]))
        for (less, word) in [
            (ConsentNarrowing(detail: "readings"), "more than was asked for"), (ConsentNarrowing(until: "31d"), "longer than was asked for"),
            (ConsentNarrowing(hours: ["mon-sat 09:00-10:00"]), "more hours"), (ConsentNarrowing(data: ["safety"]), "was not asked for"),
            (ConsentNarrowing(data: ["everything"]), "was not asked for"), (ConsentNarrowing(data: ["identity"]), "was not asked for"),
        ] {
            let reply = try street.gateway.say(.consentGive(id: "c1", less: less), as: "ada")
            #expect(reply.outcome == .failed && reply.say.first?.contains(word) == true, "\(reply.say)")
        }
        #expect(try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items.isEmpty)
        let less = ConsentNarrowing(detail: "alert", until: "7d", hours: ["tue 09:00-10:00"], data: ["heart_rate"])
        let given = try #require(try street.gateway.say(.consentGive(id: "c1", less: less), as: "ada").items.first)
        #expect(given["detail"]?.string == "alert" && given["data"]?.text == #"["quantity:heart_rate"]"# && given["hours"]?.text == #"["tue 09:00-10:00"]"#)
        #expect(given["until"]?.string == (street.gateway.now + .days(7)).iso)
    }

    @Test func `requests are bounded, and a denied one permits nothing`() throws {
        let street = try clinic()
        for _ in 0..<5 { #expect(try ask(street).outcome == .done) }
        #expect(try ask(street).outcome == .failed)
        try street.gateway.say(.consentDeny(id: "c1"), as: "ada")
        #expect(try states(street, "c1").last == "2 refused operator 0 for ada")
        #expect(try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items.isEmpty)
        #expect(try street.gateway.say(.consentRequests, as: "clinic").items.first?["state"]?.string == "refused")
        for n in 1...4 {
            try street.gateway.say(.serviceAdd(service: "s\(n)", name: "Service \(n)", uid: nil))
            for _ in 0..<(n < 4 ? 5 : 1) { #expect(try street.gateway.say(.consentRequest(asking(), reason: "please"), as: "s\(n)").outcome == .done) }
        }
        #expect(try street.gateway.say(.consentRequest(asking(), reason: "please"), as: "maria").outcome == .failed)
    }

    @Test func `what was denied may be asked for again after thirty days, and something else or less at once`() throws {
        let street = try clinic()
        #expect(try ask(street).outcome == .done)
        try street.gateway.say(.consentDeny(id: "c1"), as: "ada")
        let denied = street.gateway.now
        try street.gateway.restart()
        for data in [["health"], ["safety", "health"]] {
            let again = try ask(street, asking(data: data))
            #expect(again.outcome == .failed && again.say[0].contains("ask for it again from"), "\(again.say)")
        }
        var forAll = asking()
        forAll.purposes = []
        #expect(try ask(street, forAll).outcome == .failed, "No purpose named is all of them.")
        var other = asking()
        other.purposes = ["research"]
        for draft in [asking(data: ["heart_rate"]), asking(data: ["safety"]), other] { 
            let reply = try ask(street, draft)
            #expect(reply.outcome == .done, "\(reply.say)")
        }
        try street.gateway.say(.serviceAdd(service: "council", name: "the council", uid: nil))
        #expect(try street.gateway.say(.consentRequest(asking(), reason: "please"), as: "council").outcome == .done, "Another asker was denied nothing.")
        try street.gateway.advance(denied + Engine.askAgainAfterDenial - street.gateway.now - .seconds(1))
        #expect(try ask(street).outcome == .failed)
        try street.gateway.advance(.seconds(2))
        #expect(try ask(street).outcome == .done)
    }

    @Test func `nobody asks one citizen more than five times a day`() throws {
        let street = try clinic()
        try street.gateway.say(.citizenAdd(citizen: "dora", home: "elm-3", name: "Dora Grey", uid: nil))
        for n in 1...Engine.requestsPerDayMax {
            #expect(try ask(street).outcome == .done)
            try street.gateway.say(.consentGive(id: "c\(n)", less: ConsentNarrowing()), as: "ada")
            try street.gateway.advance(.minutes(1))
        }
        let reply = try ask(street)
        #expect(reply.outcome == .failed && reply.say[0].contains("within a day"), "\(reply.say)")
        #expect(try ask(street, asking(citizen: "dora")).outcome == .done, "It is counted for each citizen.")
        try street.gateway.advance(.days(1) - .minutes(5) + .seconds(1))
        #expect(try ask(street).outcome == .done && ask(street).outcome == .failed, "One day after the first there is room for one.")
    }

    @Test func `what somebody asked for who is here no more is not given, nor are another home's devices`() throws {
        let street = try clinic()
        _ = try ask(street, asking(data: ["everything"]))
        #expect(try street.gateway.say(.consentGive(id: "c1", less: ConsentNarrowing(data: ["device:77"])), as: "ada").outcome == .failed)
        try street.gateway.say(.serviceRemove(service: "clinic"))
        let reply = try street.gateway.say(.consentGive(id: "c1", less: ConsentNarrowing()), as: "ada")
        #expect(reply.outcome == .failed && reply.say.first?.contains("There is no service called") == true)
        #expect(try street.gateway.say(.consentDeny(id: "c1"), as: "ada").outcome == .done)
    }

    // MARK: Renewed, revoked, looked back on

    @Test func `a renewal adds a version and what has ended begins again`() throws {
        let street = try Street(permits: false)
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"], until: "2h")), as: "ada")
        let end = street.gateway.now + .hours(2)
        #expect(try street.gateway.say(.consentRenew(id: "c1", until: "1h"), as: "ada").outcome == .failed, "That is shorter.")
        try street.gateway.advance(.hours(3))
        #expect(try states(street, "c1").last == "2 expired caring")
        #expect(try street.gateway.read { try $0.versions(of: ConsentID(1)) }.last?.at == end, "In that second.")
        let renewed = try street.gateway.say(.consentRenew(id: "c1", until: "5h"), as: "ada")
        #expect(renewed.items.first?["state"]?.string == "renewed" && renewed.items.first?["from"]?.string == street.gateway.now.iso)
        try street.press()
        #expect(street.showing == ["maria", "tom"])
        try street.gateway.advance(.hours(5) - .milliseconds(1))
        let before = try states(street, "c1").count
        try street.gateway.advance(.milliseconds(1))
        #expect(try states(street, "c1").count == before + 1)
        let history = try street.gateway.say(.consentHistory(id: "c1"), as: "ada").say
        #expect(history.count == 4 && history.first?.hasPrefix("Version 1, ") == true && history.last?.contains("it ended, as had been said.") == true)
        #expect(history.dropFirst(2).first?.contains("operator 0 for ada renewed it.") == true)
    }

    @Test func `an operator revokes a permit with a reason, which is shown as that, and never a refusal`() throws {
        let street = try Street()
        try street.gateway.say(.consentRefuse(consent(to: ["helper:uma"], data: ["safety"])), as: "ada")
        try street.press()
        for person in ["maria", "carla", "ada"] {
            #expect(try street.gateway.say(.consentRevoke(id: "c1", reason: "court"), as: person).outcome == .refused)
        }
        #expect(try street.gateway.say(.consentRevoke(id: "c3", reason: "court")).outcome == .failed)
        #expect(try street.gateway.say(.consentRevoke(id: "c1", reason: "")).outcome == .failed)
        let reply = try street.gateway.say(.consentRevoke(id: "c1", reason: "By order of the court of 3 May."))
        #expect(reply.outcome == .done && !reply.say.joined().contains("Oak"))
        #expect(street.showing == ["carla"])
        let list = try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada")
        #expect(list.items.first?["state"]?.string == "revoked" && list.say.first?.contains("It was revoked, not withdrawn by you") == true)
        #expect(street.gateway.outbound.published(to: notices).last?.contains("your consent c1 was revoked, and not by you") == true)
        #expect(try street.gateway.say(.consentHistory(id: "c1"), as: "ada").say.last?.contains("operator 0 revoked it; you did not withdraw it yourself (\u{201C}By order of the court of 3 May.\u{201D})") == true)
        try street.gateway.restart()
        #expect(try street.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items.first?["state"]?.string == "revoked")
    }

    // MARK: The end

    @Test func `a citizen is warned 14 days and 1 day before, once each, also after a restart`() throws {
        let street = try Street(permits: false)
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"], until: "20d")), as: "ada")
        func warnings() -> Int { street.gateway.outbound.published(to: notices).count { $0.contains("your consent c1 ends on") } }
        try street.gateway.advance(.days(6) - .seconds(1))
        #expect(warnings() == 0)
        try street.gateway.advance(.seconds(1))
        #expect(warnings() == 1)
        try street.gateway.restart()
        #expect(warnings() == 1)
        // It is away when the second is due, and says it when it is back.
        try street.gateway.restart(after: .days(13) + .hours(1))
        #expect(warnings() == 2)
        try street.gateway.restart()
        try street.gateway.advance(.hours(22))
        #expect(warnings() == 2)
        try street.gateway.restart(after: .hours(2))
        #expect(warnings() == 2)
        #expect(try street.gateway.read { try $0.versions(of: ConsentID(1)) }.last?.state == .expired, "What ended meanwhile is written down.")
        try street.gateway.restart()
        #expect(try states(street, "c1").count == 2)
    }

    @Test func `what lasts less than that is not warned of, and what is withdrawn neither`() throws {
        let street = try Street(permits: false)
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"], until: "23h")), as: "ada")
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["health"], until: "10d")), as: "ada")
        try street.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["family"], until: "20d")), as: "ada")
        try street.gateway.say(.consentWithdraw(id: "c3"), as: "ada")
        // It lasts five days, although its end is fifteen days away.
        var later = consent(to: ["circle:oak-street"], data: ["security"], until: "15d")
        later.from = "10d"
        try street.gateway.say(.consentGrant(later), as: "ada")
        try street.gateway.advance(.days(21))
        let words = street.gateway.outbound.published(to: notices)
        #expect(words.count == 2 && words.first?.contains("your consent c2 ends on") == true, "\(words)")
        #expect(words.last?.contains("your consent c4 ends on") == true, "\(words)")
    }

    // MARK: After a restore

    @Test func `what was given, renewed and revoked since a backup is done again`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-acts-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        let (street, other) = (try clinic(), try clinic())
        // Both have lived through the same until then.
        for one in [street, other] {
            try one.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: "ada")
            try one.gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["family"], until: "2d")), as: "ada")
            _ = try ask(one)
        }
        street.gateway.engine.journal = journal
        let since = street.gateway.now
        try street.gateway.say(.consentGive(id: "c3", less: ConsentNarrowing(detail: "summary")), as: "ada")
        try street.gateway.say(.consentRenew(id: "c2", until: "9d"), as: "ada")
        try street.gateway.say(.consentRevoke(id: "c1", reason: "court"))
        try other.gateway.advance(.minutes(1))
        for _ in 0..<2 { #expect(try other.gateway.engine.repeatActs(of: journal, since: since).failed == 0) }
        let items = try other.gateway.say(.consentList(citizen: nil, all: true), as: "ada").items
        #expect(items.map { $0["state"]?.string } == ["revoked", "renewed", "given", "withdrawn"] || items.map { $0["state"]?.string } == ["revoked", "renewed", "given"], "\(items.map(\.text))")
        #expect(items.dropFirst().first?["until"]?.string == (since + .days(9)).iso)
        #expect(items.dropFirst(2).first?["detail"]?.string == "summary" && items.dropFirst(2).first?["to"]?.text == #"["service:clinic"]"#)
        #expect(try other.gateway.say(.consentRequests, as: "ada").items.isEmpty)
    }
}
