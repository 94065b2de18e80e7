import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// Planning and research are given figures over many, made once, and never anything about one.
@Suite struct FigureTests {
    /// Homes with one citizen and one heart-rate sensor each, so many in each circle.
    private func place(_ sizes: [Int], purpose: String = "service-planning", at start: String = "2026-11-18T10:00:00Z") throws -> TestGateway {
        let gateway = try TestGateway(rules: FeedPlace.rules, at: try #require(Instant(iso: start)))
        try gateway.say(.serviceAdd(service: "council", name: "the council", uid: nil))
        try gateway.say(.serviceAdd(service: "clinic", name: "the clinic", uid: nil))
        var n = 0
        for (circle, size) in sizes.enumerated() {
            try gateway.say(.circleAdd(circle: "k\(circle)", title: "Circle \(circle)"))
            for _ in 0..<size {
                try gateway.say(.homeAdd(home: "h\(n)", circle: "k\(circle)", zone: "Europe/London", address: nil, latitude: nil, longitude: nil))
                try gateway.say(.citizenAdd(citizen: "p\(n)", home: "h\(n)", name: "Person \(n)", uid: nil))
                try gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "p\(n)")
                try permit(gateway, n, purpose)
                n += 1
            }
        }
        return gateway
    }

    private func permit(_ gateway: TestGateway, _ n: Int, _ purpose: String) throws {
        let reply = try gateway.say(.consentGrant(FeedPlace.draft(to: "council", detail: "summary", purpose: purpose)), as: "p\(n)")
        #expect(reply.outcome == .done, "\(reply.say)")
    }

    private func beat(_ gateway: TestGateway, _ count: Int, _ rate: (Int) -> Double = { Double(60 + $0) }) throws {
        for n in 0..<count { try gateway.publish("homes/h\(n)/vitals/heart-rate", "\(rate(n))") }
    }

    private func figures(_ gateway: TestGateway, byCircle: Bool = false) throws -> [JSON] {
        try gateway.say(.service(.figures(FiguresQuery(byCircle: byCircle))), as: "council").items
    }

    @Test func `nine citizens make no figure, ten do, and each of them sees that they were counted`() throws {
        for (count, shown) in [(9, false), (10, true)] {
            let gateway = try place([count])
            try beat(gateway, count)
            try gateway.advance(.hours(25))
            #expect(try figures(gateway).isEmpty, "A day is over when it is over everywhere, and late ones have come.")
            try gateway.advance(.days(1))
            let all = try figures(gateway)
            #expect(all.count == (shown ? 1 : 0))
            #expect(gateway.outbound.published(to: "shared/council/figures/heart_rate").count == (shown ? 1 : 0))
            let said = try gateway.say(.whoSaw(citizen: nil, since: nil), as: "p3").say
            #expect(said.contains { $0.contains("Your heart rate of 18 November 2026 was counted in a figure over at least 10 citizens for the council") } == shown, "\(said)")
            guard shown else { continue }
            #expect(all[0]["day"] == .string("2026-11-18") && all[0]["all"]?["citizens"] == .int(10) && number(all[0]["all"]?["mean"]) == 64.5)
            #expect(["min", "max", "first", "last"].allSatisfy { all[0]["all"]?[$0] == nil })
            // Nothing about one of them.
            #expect(gateway.outbound.publications.filter { $0.topic.hasPrefix("shared/") }.allSatisfy { $0.topic.hasPrefix("shared/council/figures/") })
            // Made once: asked again, and after a restart, it is the same.
            try gateway.restart()
            try gateway.advance(.days(3))
            #expect(try figures(gateway) == all)
            #expect(gateway.outbound.published(to: "shared/council/figures/heart_rate").count == 1)
            let told = try gateway.read { try $0.disclosures(about: PersonID("p3"), since: .distantPast, limit: 100) }
            #expect(told.count == 1)
            #expect(try gateway.say(.service(.figures(FiguresQuery())), as: "clinic").items.isEmpty)
            #expect(try gateway.say(.service(.figures(FiguresQuery(service: "council"))), as: "clinic").outcome == .refused)
            #expect(try gateway.say(.service(.figures(FiguresQuery())), as: "p3").outcome == .refused)
        }
    }

    @Test func `a circle with too few is hidden, and all with it`() throws {
        let gateway = try place([12, 3])
        try beat(gateway, 15)
        try gateway.advance(.days(2))
        let all = try figures(gateway, byCircle: true)
        #expect(all.count == 1 && all[0]["all"] == .null)
        guard case .array(let circles)? = all[0]["circles"] else { Issue.record("no circles"); return }
        #expect(circles.map { $0["circle"] } == [.string("k0")])
        #expect(try figures(gateway).isEmpty)
        // Who was hidden was not counted.
        #expect(try !gateway.say(.whoSaw(citizen: nil, since: nil), as: "p13").say.contains { $0.contains("counted") })
        #expect(try gateway.say(.whoSaw(citizen: nil, since: nil), as: "p3").say.contains { $0.contains("counted") })
    }

    @Test func `who withdraws is in no later figure, and what was made before stays as it was`() throws {
        let gateway = try place([11])
        try beat(gateway, 11)
        try gateway.advance(.days(1))
        try beat(gateway, 11)
        try gateway.advance(.hours(13))
        let first = try figures(gateway)
        #expect(first.count == 1)
        for n in [0, 1] {
            let record = try #require(try gateway.say(.consentList(citizen: nil, all: false), as: "p\(n)").items.first?["consent"]?.string)
            #expect(try gateway.say(.consentWithdraw(id: record), as: "p\(n)").outcome == .done)
        }
        try gateway.advance(.days(2))
        #expect(try figures(gateway) == first)
    }

    @Test func `only those are counted who permit just this purpose`() throws {
        let gateway = try place([10], purpose: "research")
        try beat(gateway, 10)
        try gateway.advance(.days(1))
        #expect(try gateway.say(.service(.counting(service: "council", purpose: "daily-support"))).outcome == .failed)
        try gateway.advance(.days(1))
        #expect(try figures(gateway).isEmpty)
        #expect(try gateway.say(.service(.counting(service: "council", purpose: "research"))).outcome == .done)
        try beat(gateway, 10)
        try gateway.advance(.days(2))
        #expect(try figures(gateway).map { $0["purpose"] } == [.string("research")])
        try gateway.restart()
        try beat(gateway, 10)
        try gateway.advance(.days(2))
        #expect(try figures(gateway).count == 2)
    }

    @Test func `a restart between any two steps changes no figure and counts nobody twice`() throws {
        let gateway = try place([70])
        try beat(gateway, 70)
        gateway.isBrokerThere = false
        // The first day's figures are due now; each step is a turn.
        try gateway.restart(after: .hours(38))
        for steps in 0..<12 {
            for _ in 0..<steps { try gateway.engine.runOutbox() }
            try gateway.restart()
        }
        gateway.isBrokerThere = true
        try gateway.advance(.minutes(1))
        #expect(try figures(gateway).map { $0["all"]?["citizens"] } == [.int(70)])
        for n in [0, 35, 69] {
            #expect(try gateway.read { try $0.disclosures(about: PersonID("p\(n)"), since: .distantPast, limit: 100) }.count == 1)
        }
        #expect(gateway.outbound.published(to: "shared/council/figures/heart_rate").count == 1)
    }

    @Test func `a token fetches one's own figures`() throws {
        let gateway = try place([10])
        try beat(gateway, 10)
        try gateway.advance(.days(2))
        let token = try #require(try gateway.say(.service(.token(service: "council", end: false))).items.first?["token"]?.string)
        func fetch(_ service: String, _ token: String) -> Reply {
            gateway.engine.perform(.service(.figures(FiguresQuery(service: service, token: token))), by: Caller(uid: .max), operatorUIDs: [0])
        }
        #expect(fetch("council", token).items.count == 1)
        #expect(fetch("clinic", token).outcome == .refused && fetch("council", "").outcome == .refused)
    }
}
