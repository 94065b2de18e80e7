import Care
import CareTesting
import Foundation
@testable import Gateway
import Store
import Testing

/// What a citizen shares with a service flows, no more than that, and no longer.
@Suite struct FeedTests {
    @Test func `readings flow as they come, to whom they are permitted, and are counted for the citizen`() throws {
        let place = try FeedPlace()
        try place.beat(60)
        let record = try place.grant()
        try place.beat(61)
        try place.gateway.advance(.minutes(1))
        try place.beat(62)
        #expect(try place.values() == [61, 62])
        #expect(place.shared.allSatisfy { $0.hasPrefix("shared/clinic/ada/") })
        let first = try #require(try place.published().first)
        #expect(first["unit"] == .string("/min") && first["loinc"] == .string("8867-4") && first["record"] == .string(record))
        #expect(first["observedAt"] == .string("2026-11-18T10:00:00Z") && first["purpose"] == .string("daily-support"))
        #expect(place.gateway.outbound.publications.filter { $0.topic.hasPrefix("shared/") }.allSatisfy { !$0.retain && $0.qos == 1 })
        let said = try place.whoSaw()
        #expect(said.contains { $0.contains("the clinic received 2 heart rate readings on 18 November 2026") }, "\(said)")
        // One disclosure a day, whatever their number.
        let told = try place.gateway.read { try $0.disclosures(about: PersonID("ada"), since: .distantPast, limit: 100) }
        #expect(told.map(\.state) == [.queued, .sent])
        try place.gateway.advance(.days(1))
        try place.beat(63)
        #expect(try place.whoSaw().count { $0.contains("received") } == 2)
    }

    @Test func `nothing flows for other quantities, other purposes, less detail or other services`() throws {
        let place = try FeedPlace()
        try place.grant(FeedPlace.draft(["body_weight"]))
        try place.grant(FeedPlace.draft(purpose: "research"))
        try place.grant(FeedPlace.draft(purpose: "service-planning"))
        try place.grant(FeedPlace.draft(to: "council", detail: "alert"))
        try place.beat(61)
        try place.gateway.advance(.days(2))
        #expect(place.shared.isEmpty)
        var draft = FeedPlace.draft()
        draft.stage = "attending"
        try place.grant(draft)
        draft = FeedPlace.draft()
        draft.severity = "minor"
        try place.grant(draft)
        try place.beat(62)
        #expect(place.shared.isEmpty)
    }

    @Test func `a withdrawal ends it in its turn, and the service is told only that`() throws {
        let place = try FeedPlace()
        let token = try place.token()
        let record = try place.grant()
        try place.beat(61)
        place.gateway.isBrokerThere = false
        try place.beat(62)
        #expect(place.gateway.sayOnly(.consentWithdraw(id: record), as: "ada").outcome == .done)
        // In the very turn: nothing is left on disk either.
        #expect(try place.gateway.read { try $0.count("feed") } == 0)
        place.gateway.isBrokerThere = true
        try place.gateway.settle()
        try place.beat(63)
        #expect(try place.values() == [61])
        #expect(try place.page(token).values.isEmpty)
        #expect(place.gateway.outbound.published(to: "shared/clinic/ada/ended") == [#"{"ended":"2026-11-18T10:00:00Z"}"#])
        // Given again, nothing of before comes back.
        try place.grant()
        try place.beat(64)
        #expect(try place.values() == [61, 64])
        #expect(try place.page(token).values == [64])
    }

    @Test func `what only waited is said to have been cancelled`() throws {
        let place = try FeedPlace()
        let record = try place.grant()
        place.gateway.isBrokerThere = false
        try place.beat(62)
        try place.gateway.say(.consentWithdraw(id: record), as: "ada")
        let told = try place.gateway.read { try $0.disclosures(about: PersonID("ada"), since: .distantPast, limit: 100) }
        #expect(told.map(\.state) == [.queued, .cancelled])
        #expect(try place.whoSaw().contains { $0.contains("was to be given 1 heart rate reading") && $0.contains("has not been") })
    }

    @Test func `a refusal ends it as well, and one of readings leaves the summaries`() throws {
        let place = try FeedPlace()
        try place.grant()
        try place.beat(61)
        var refusal = FeedPlace.draft(detail: "readings")
        refusal.purposes = []
        #expect(try place.gateway.say(.consentRefuse(refusal), as: "ada").outcome == .done)
        try place.beat(62)
        #expect(try place.values() == [61])
        try place.gateway.advance(.days(1))
        let summary = try #require(try place.published().last)
        #expect(summary["count"] == .int(2) && summary["value"] == nil)
        refusal.detail = "summary"
        try place.gateway.say(.consentRefuse(refusal), as: "ada")
        try place.beat(63)
        try place.gateway.advance(.days(2))
        #expect(try place.published().count == 2)
        #expect(place.gateway.outbound.published(to: "shared/clinic/ada/ended").count == 1)
    }

    @Test func `it expires in its second`() throws {
        let place = try FeedPlace()
        try place.grant(FeedPlace.draft(until: "2026-11-18T10:30:00Z"))
        try place.gateway.advance(.minutes(30) - .milliseconds(1))
        try place.beat(61)
        // The broker holds none of it beyond that instant.
        let sent = try #require(place.gateway.outbound.publications.last { $0.topic.hasPrefix("shared/") })
        #expect(sent.expirySeconds == 1)
        place.gateway.isBrokerThere = false
        try place.beat(62)
        try place.gateway.advance(.milliseconds(1))
        place.gateway.isBrokerThere = true
        try place.gateway.settle()
        try place.beat(63)
        #expect(try place.values() == [61])
        #expect(place.gateway.outbound.published(to: "shared/clinic/ada/ended").count == 1)
    }

    @Test func `hours hold for what is observed and for what leaves; what was in them can be fetched in them`() throws {
        let place = try FeedPlace(at: "2026-11-18T16:59:00Z")
        let token = try place.token()
        try place.grant(FeedPlace.draft(hours: ["08:00-17:00"]))
        try place.beat(61)
        place.gateway.isBrokerThere = false
        try place.beat(62)
        try place.gateway.advance(.minutes(5))
        place.gateway.isBrokerThere = true
        try place.gateway.settle()
        try place.beat(63)
        #expect(try place.values() == [61])
        #expect(try place.page(token).values.isEmpty)
        try place.gateway.advance(.hours(16))
        #expect(try place.page(token).values == [61, 62])
        #expect(place.gateway.outbound.published(to: "shared/clinic/ada/ended").isEmpty)
    }

    @Test func `while a pause holds nothing leaves, not even of before`() throws {
        let place = try FeedPlace()
        let token = try place.token()
        try place.grant()
        place.gateway.isBrokerThere = false
        try place.beat(61)
        try place.gateway.say(.pause(PauseDraft(length: "2h")), as: "ada")
        place.gateway.isBrokerThere = true
        try place.gateway.settle()
        try place.beat(62)
        #expect(place.shared.isEmpty)
        #expect(try place.page(token).values.isEmpty)
        try place.gateway.advance(.hours(2))
        try place.beat(63)
        #expect(try place.values() == [63])
        #expect(try place.page(token).values == [61, 63])
    }

    @Test func `what waited at the broker flows only as far as it was permitted when it was observed`() throws {
        let place = try FeedPlace()
        try place.gateway.advance(.hours(1))
        try place.grant(FeedPlace.draft(["body_weight"]))
        try place.weigh(70, at: place.gateway.now - .minutes(30))
        try place.gateway.advance(.hours(1))
        try place.weigh(71, at: place.gateway.now - .minutes(30))
        #expect(try place.values("body_weight") == [71])
        try place.gateway.cutLine(for: .hours(1), waiting: [(place.scale, #"[{"n":"weight","u":"kg","v":72}]"#)])
        #expect(try place.values("body_weight") == [71, 72])
    }

    @Test func `a shared device gives what each of its people permits`() throws {
        let place = try FeedPlace()
        try place.claim("vitals/heart-rate", ["ada", "ben"])
        try place.grant()
        try place.beat(61)
        #expect(place.shared.isEmpty)
        let ben = try place.grant(as: "ben")
        try place.beat(62)
        #expect(try place.values() == [62])
        #expect(try place.values(about: "ben") == [62])
        let token = try place.token()
        try place.gateway.say(.consentWithdraw(id: ben), as: "ben")
        try place.beat(63)
        #expect(try place.values() == [62])
        // What was about both is given no more by one of them.
        #expect(try place.page(token).values.isEmpty)
    }

    @Test func `whoever is away fetches all that was permitted, page by page, and nobody else does`() throws {
        let place = try FeedPlace()
        let token = try place.token()
        try place.grant()
        for n in 0..<25 {
            try place.beat(Double(60 + n))
            try place.gateway.advance(.seconds(10))
        }
        var (all, next): ([Double], String?) = ([], nil)
        for _ in 0..<5 {
            let page = try place.page(token, after: next, limit: "10")
            all += page.values
            next = page.next
        }
        #expect(all == (0..<25).map { Double(60 + $0) })
        #expect(try place.fetch(token, since: "2026-11-18T10:03:00Z").items.count == 8)
        for wrong in [try place.fetch("", "heart_rate"), try place.fetch(token, service: "council"), try place.fetch(token, service: "nobody"), try place.fetch(try place.token("council"))] {
            #expect(wrong.outcome == .refused && wrong.items.isEmpty)
        }
        // Who does not exist and who permits nothing look the same.
        #expect(try place.fetch(token, citizen: "ben").items == (try place.fetch(token, citizen: "nobody").items))
        #expect(try place.whoSaw().contains { $0.contains("it has fetched") })
        try place.gateway.say(.service(.token(service: "clinic", end: true)))
        #expect(try place.fetch(token).outcome == .refused)
        let newer = try place.token()
        #expect(try place.fetch(newer).outcome == .done && newer.count == 64)
        #expect(try place.gateway.say(.service(.token(service: "clinic", end: false)), as: "ada").outcome == .refused)
    }

    @Test func `a restart at any point loses nothing, and what is sent again has the same number`() throws {
        let place = try FeedPlace()
        try place.grant()
        place.gateway.isBrokerThere = false
        for n in 0..<10 { try place.beat(Double(60 + n)) }
        try place.gateway.restart()
        place.gateway.isBrokerThere = true
        try place.gateway.engine.runOutbox()
        // Handed over, and the process is killed before the broker's word is written down.
        let before = try place.published().compactMap { $0["id"]?.int }
        #expect(before.count == 10)
        try place.gateway.restart()
        let after = try place.published().compactMap { $0["id"]?.int }
        #expect(after.count == 20 && Array(after.suffix(10)) == before)
        try place.gateway.restart()
        #expect(try place.published().count == 20)
        #expect(try place.values().suffix(10) == (0..<10).map { Double(60 + $0) })
    }

    @Test func `a broker that takes nothing is asked again, and a line that is cut begins anew`() throws {
        let place = try FeedPlace()
        try place.grant()
        place.gateway.outbound.refusesPublications = true
        try place.beat(61)
        try place.beat(62)
        place.gateway.outbound.refusesPublications = false
        try place.gateway.advance(.seconds(6))
        #expect(try place.values() == [61, 62])
        #expect(try place.gateway.read { try $0.feedWaitingCount() } == 0)
    }

    @Test func `beyond the limit the oldest go, and that is said to the service and to whoever runs the scheme`() throws {
        var settings = GatewayConfiguration()
        settings.limits.feedRowsOfServiceMax = 20
        let place = try FeedPlace(settings: settings)
        let token = try place.token()
        try place.grant()
        place.gateway.isBrokerThere = false
        for n in 0..<30 { try place.beat(Double(60 + n)) }
        place.gateway.isBrokerThere = true
        try place.gateway.settle()
        let sent = try place.published()
        #expect(sent.compactMap { number($0["value"]) } == (10..<30).map { Double(60 + $0) })
        let missing = try #require(sent.first?["missing"])
        #expect(missing["rows"] == .int(10) && missing["upTo"] == .int(10))
        let page = try place.fetch(token).items
        #expect(page.first?["missing"]?["rows"] == .int(10) && page.count == 22)
        // Whoever has them all misses nothing.
        #expect(try place.fetch(token, after: "10").items.first?["missing"] == nil)
        #expect(try place.gateway.say(.status).say.contains { $0.contains("10 shared readings and summaries went") })
        try place.gateway.restart()
        #expect(try place.fetch(token).items.first?["missing"]?["rows"] == .int(10))
    }

    @Test func `what is older than a week goes`() throws {
        let place = try FeedPlace()
        let token = try place.token()
        try place.grant()
        try place.beat(61)
        try place.gateway.advance(.days(8))
        try place.beat(62)
        while try place.gateway.engine.sweep() {}
        let page = try place.fetch(token).items
        #expect(page.compactMap { number($0["value"]) } == [62])
        #expect(page.first?["missing"]?["upTo"] == .int(1))
    }

    @Test func `what is erased does not leave any more`() throws {
        let place = try FeedPlace()
        let token = try place.token()
        try place.grant()
        place.gateway.isBrokerThere = false
        try place.beat(61)
        #expect(place.gateway.sayOnly(.dataErase(ErasureDraft(categories: ["health"])), as: "ada").outcome == .done)
        #expect(try place.gateway.read { try $0.count("feed") } == 0)
        place.gateway.isBrokerThere = true
        try place.gateway.settle()
        try place.gateway.advance(.seconds(1))
        try place.beat(62)
        #expect(try place.values() == [62])
        try place.gateway.advance(.seconds(1))
        try place.gateway.say(.dataErase(ErasureDraft(all: true)), as: "ada")
        while try place.gateway.engine.sweep() {}
        #expect(try place.page(token).values.isEmpty)
        #expect(try place.gateway.read { try $0.count("feedDay") } == 0)
        #expect(try !place.whoSaw().contains { $0.contains("the clinic") })
    }

    @Test func `what was erased is in no file, neither as a value nor in a summary`() throws {
        let place = try FeedPlace()
        try place.grant()
        try place.grant(FeedPlace.draft(to: "council", detail: "summary"))
        try place.beat(83.125)
        try place.gateway.advance(.days(1))
        #expect(try place.published(to: "council").first.flatMap { number($0["mean"]) } == 83.125)
        func files() throws -> [String] {
            let value = withUnsafeBytes(of: (83.125).bitPattern.bigEndian) { Data($0) }
            return try FileManager.default.subpathsOfDirectory(atPath: place.gateway.folder).filter { name in
                guard let bytes = FileManager.default.contents(atPath: "\(place.gateway.folder)/\(name)") else { return false }
                return bytes.range(of: value) != nil || bytes.range(of: Data("83.125".utf8)) != nil
            }
        }
        #expect(try !files().isEmpty)
        try place.gateway.say(.dataErase(ErasureDraft(all: true)), as: "ada")
        for _ in 0..<20 {
            while try place.gateway.engine.sweep() {}
            try place.gateway.advance(.seconds(11))
        }
        #expect(try files().isEmpty)
    }

    @Test func `who is removed is given nothing and gives nothing`() throws {
        let place = try FeedPlace()
        try place.grant()
        try place.grant(FeedPlace.draft(to: "council"))
        try place.beat(61)
        try place.gateway.say(.serviceRemove(service: "council"))
        try place.beat(62)
        #expect(try place.values(to: "council") == [61])
        #expect(try place.values() == [61, 62])
        #expect(try place.gateway.say(.citizenRemove(citizen: "ada")).outcome == .done)
        #expect(try place.gateway.read { try $0.count("feed") } == 0)
        #expect(place.gateway.outbound.published(to: "shared/clinic/ada/ended").count == 1)
        try place.gateway.restart()
        #expect(place.gateway.outbound.published(to: "shared/clinic/ada/ended").count == 1)
    }

    @Test func `an alarm goes before what flows`() throws {
        let place = try FeedPlace()
        try place.gateway.say(.coordinatorAdd(coordinator: "carla", name: "Carla Stone", uid: nil, ntfy: nil))
        try place.claim("zigbee2mqtt/hall button", ["ada"])
        try place.grant()
        try place.gateway.publish(burst: (0..<600).map { (place.heart, "\(60 + $0 % 50)") } + [("homes/elm-3/zigbee2mqtt/hall button", #"{"action":"emergency"}"#)])
        let topics = place.gateway.outbound.publications.map(\.topic)
        let alarm = try #require(topics.firstIndex { $0.hasPrefix("helpers/carla") })
        #expect(topics[..<alarm].allSatisfy { !$0.hasPrefix("shared/") })
        try place.gateway.advance(.seconds(1))
        #expect(try place.published().count == 600)
    }
}
