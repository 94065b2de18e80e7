import Care
import CareTesting
import Foundation
@testable import Gateway
@testable import Store
import Testing

/// Whose a device was then decides, and what goes wrong with feeds stays with feeds.
@Suite struct FeedHandsTests {
    @Test func `what nothing measures is in no summary, and nothing fails of it`() throws {
        let place = try FeedPlace()
        try place.grant(FeedPlace.draft(["body_weight"], detail: "summary"))
        for (n, value) in [1e308, 1e308, 70].enumerated() {
            try place.weigh(value, at: place.gateway.now + .seconds(Int64(n)))
            try place.gateway.advance(.minutes(1))
        }
        try place.gateway.advance(.days(1))
        let all = try place.published("body_weight")
        #expect(all.map { $0["count"] } == [.int(1)] && all.first.flatMap { number($0["mean"]) } == 70)
        var folding = FeedFolding(try #require(Quantity("body_weight")))
        for value in [1e308, 1e308, .infinity, .nan, 70] { folding.take(at: place.gateway.now, value) }
        #expect(folding.summary(FeedPeriod(from: place.gateway.now, to: place.gateway.now + .hours(1)), version: 1).mean == 70)
    }

    @Test func `a summary that cannot be made is tried again and holds up no house`() throws {
        let place = try FeedPlace()
        try place.gateway.say(.coordinatorAdd(coordinator: "carla", name: "Carla Stone", uid: nil, ntfy: nil))
        try place.claim("zigbee2mqtt/hall button", ["ada"])
        try place.grant(FeedPlace.draft(["body_weight"], detail: "summary"))
        try place.weigh(70, at: place.gateway.now)
        try place.gateway.write { try $0.run("UPDATE feedPeriod SET summary = '{'", []) }
        try place.gateway.advance(.hours(15))
        #expect(try place.published("body_weight").isEmpty)
        try place.gateway.publish("homes/elm-3/zigbee2mqtt/hall button", #"{"action":"emergency"}"#)
        #expect(place.gateway.outbound.publications.contains { $0.topic.hasPrefix("helpers/carla") })
        while try place.gateway.engine.sweep() {}
        try place.gateway.write { try $0.run("UPDATE feedPeriod SET summary = NULL", []) }
        try place.gateway.advance(.minutes(2))
        #expect(try place.published("body_weight").map { $0["count"] } == [.int(1)])
    }

    @Test func `a summary holds of a shared time only what each of them permits`() throws {
        let place = try FeedPlace()
        try place.claim("vitals/heart-rate", ["ada", "ben"])
        try place.gateway.advance(.hours(1))
        try place.grant(FeedPlace.draft(detail: "summary"))
        try place.beat(50)
        try place.gateway.advance(.hours(1))
        #expect(try place.gateway.say(.deviceRelease(home: nil, device: "vitals/heart-rate"), as: "ada").outcome == .done)
        try place.claim("vitals/heart-rate", ["ada"])
        try place.gateway.advance(.hours(1))
        try place.beat(70)
        try place.gateway.advance(.days(1))
        let all = try place.published()
        #expect(all.map { $0["count"] } == [.int(1)] && all.first.flatMap { number($0["mean"]) } == 70)
    }

    @Test func `a device that changes hands holds back nothing of before, and a withdrawal still takes it back`() throws {
        let place = try FeedPlace()
        let token = try place.token()
        let record = try place.grant()
        try place.beat(61)
        try place.gateway.advance(.minutes(1))
        #expect(try place.gateway.say(.deviceMove(home: nil, device: "vitals/heart-rate", to: "ben"), as: "ada").outcome == .done)
        try place.beat(62)
        #expect(try place.values() == [61] && place.values(about: "ben").isEmpty)
        #expect(try place.page(token).values == [61])
        try place.gateway.say(.consentWithdraw(id: record), as: "ada")
        #expect(try place.page(token).values.isEmpty)
        #expect(try place.gateway.read { try $0.count("feed") } == 0)
        #expect(place.gateway.outbound.published(to: "shared/clinic/ada/ended").count == 1)
    }

    @Test func `a row that is fetched twice was given once`() throws {
        let place = try FeedPlace()
        let token = try place.token()
        try place.grant()
        try place.beat(61)
        for _ in 0..<3 { _ = try place.page(token) }
        #expect(try place.whoSaw().contains { $0.contains("received 1 heart rate reading on") && $0.contains("it has fetched them") })
        place.gateway.isBrokerThere = false
        try place.beat(62)
        _ = try place.page(token, after: "1")
        #expect(try place.whoSaw().contains { $0.contains("received 2 heart rate readings on") })
        place.gateway.isBrokerThere = true
        try place.gateway.settle()
        #expect(try place.values() == [61, 62])
        #expect(try place.whoSaw().contains { $0.contains("received 2 heart rate readings on") })
    }

    @Test func `what is not kept any longer is not kept for a service either`() throws {
        var settings = GatewayConfiguration()
        settings.limits.readingsKeptDays = 2
        let place = try FeedPlace(settings: settings)
        try place.grant(FeedPlace.draft(["body_weight"]))
        let observed = place.gateway.now + .hours(1)
        try place.gateway.advance(.hours(15))
        try place.weigh(71, at: observed)
        try place.gateway.advance(.hours(33) - .minutes(1))
        while try place.gateway.engine.sweep() {}
        #expect(try place.gateway.read { try $0.count("feed") } == 1)
        try place.gateway.advance(.hours(3))
        while try place.gateway.engine.sweep() {}
        #expect(try place.gateway.read { try $0.count("feed") } == 0)
    }

    @Test func `one busy sensor does not push out what others share`() throws {
        var settings = GatewayConfiguration()
        settings.limits.feedRowsOfServiceMax = 20
        let place = try FeedPlace(settings: settings)
        let token = try place.token()
        #expect(try place.gateway.say(.deviceMove(home: nil, device: "senml/scale", to: "ben"), as: "ada").outcome == .done)
        try place.gateway.advance(.minutes(1))
        try place.grant()
        try place.grant(FeedPlace.draft(["body_weight"]), as: "ben")
        try place.weigh(70, at: place.gateway.now)
        for n in 0..<60 { try place.beat(Double(60 + n)) }
        #expect(try place.fetch(token, "body_weight", citizen: "ben").items.compactMap { number($0["value"]) } == [70])
        #expect(try place.page(token).values.last == 119)
    }

    @Test func `who was not counted after all is counted again in the same row`() throws {
        let place = try FeedPlace()
        var day = FeedDay(
            id: 900, service: PersonID("council"), citizen: PersonID("ada"), quantity: try #require(Quantity("heart_rate")), day: Day(number: 20_000), detail: .summary, record: nil,
            inFigure: true, decision: DecisionID(1), queued: 1, sent: 1, fetched: 0, firstAt: place.gateway.now, lastAt: place.gateway.now)
        try place.gateway.write { tx in
            #expect(try tx.beginCounted(day) == 900)
            try tx.noteNotCounted(900)
            #expect(try tx.reader.countedDays(day.service, day.day).isEmpty)
            day.id = 901
            #expect(try tx.beginCounted(day) == 900)
            #expect(try tx.reader.countedDays(day.service, day.day).map(\.id) == [900])
        }
    }

    @Test func `times of the same people are one`() throws {
        func at(_ hour: Int64) -> Instant { Instant(milliseconds: hour * 3_600_000) }
        let (ada, ben) = (PersonID("ada"), PersonID("ben"))
        let all = Holding.all([(ada, at(1), at(9)), (ben, at(3), at(5)), (ada, at(4), at(9)), (ben, at(7), at(7)), (ben, at(20), .distantFuture)])
        #expect(all.map(\.people) == [[ada], [ada, ben], [ada], [ben]])
        #expect(all.map(\.from) == [at(1), at(3), at(5), at(20)] && all.map(\.until) == [at(3), at(5), at(9), .distantFuture])
    }
}
