import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// Where only a summary is permitted no reading leaves, and the summary is right.
@Suite struct FeedSummaryTests {
    @Test func `a day is summed up when it is over, and no reading is ever shown`() throws {
        let place = try FeedPlace(at: "2026-11-18T10:00:00Z")
        let token = try place.token()
        try place.grant(FeedPlace.draft(detail: "summary"))
        for rate in [70.0, 60, 80] {
            try place.beat(rate)
            try place.gateway.advance(.hours(1))
        }
        #expect(place.shared.isEmpty)
        try place.gateway.advance(.hours(11) - .milliseconds(1))
        #expect(place.shared.isEmpty)
        try place.gateway.advance(.milliseconds(1))
        let summary = try #require(try place.published().first)
        #expect(summary["count"] == .int(3) && number(summary["mean"]) == 70 && number(summary["min"]) == 60 && number(summary["max"]) == 80)
        #expect(number(summary["first"]) == 70 && number(summary["last"]) == 80 && summary["version"] == .int(1))
        #expect(summary["from"] == .string("2026-11-18T00:00:00Z") && summary["to"] == .string("2026-11-19T00:00:00Z"))
        #expect(summary["value"] == nil && summary["observedAt"] == nil && summary["device"] == nil)
        let fetched = try #require(try place.fetch(token).items.first?.text)
        #expect(try JSONDecoder().decode(JSON.self, from: Data(fetched.utf8)) == summary)
        #expect(try place.whoSaw().contains { $0.contains("received a summary of heart rate") })
        // A day without anything has none.
        try place.gateway.advance(.days(3))
        #expect(try place.published().count == 1)
    }

    @Test func `what comes late corrects it with a higher version, also after a restart`() throws {
        let place = try FeedPlace(at: "2026-11-18T10:00:00Z")
        try place.grant(FeedPlace.draft(["body_weight"], detail: "summary"))
        try place.gateway.advance(.hours(2))
        try place.weigh(70, at: place.gateway.now)
        try place.gateway.advance(.hours(13))
        try place.weigh(72, at: try place.instant("2026-11-18T13:00:00Z"))
        try place.weigh(74, at: try place.instant("2026-11-18T14:00:00Z"))
        try place.gateway.restart()
        try place.gateway.advance(.minutes(2))
        let all = try place.published("body_weight")
        #expect(all.map { $0["version"] } == [.int(1), .int(2)])
        #expect(all.map { $0["count"] } == [.int(1), .int(3)])
        #expect(all.last.flatMap { number($0["last"]) } == 74)
    }

    @Test func `the days on which clocks change have 23 and 25 hours`() throws {
        for (start, hours) in [("2027-03-28T12:00:00Z", 23), ("2027-10-31T12:00:00Z", 25)] {
            let place = try FeedPlace(at: start)
            try place.grant(FeedPlace.draft(detail: "summary"))
            try place.beat(61)
            try place.gateway.advance(.days(1))
            let summary = try #require(try place.published().first)
            let from = try place.instant(summary["from"]?.string ?? ""), to = try place.instant(summary["to"]?.string ?? "")
            #expect(to - from == .hours(Int64(hours)), "\(start)")
        }
    }

    @Test func `a service may want hours, and the hour that comes twice is two`() throws {
        let place = try FeedPlace(at: "2027-10-31T00:10:00Z")
        #expect(try place.gateway.say(.service(.hourly(service: "clinic", on: true))).outcome == .done)
        try place.grant(FeedPlace.draft(detail: "summary"))
        for n in 0..<3 {
            try place.beat(Double(60 + n))
            try place.gateway.advance(.hours(1))
        }
        let all = try place.published()
        #expect(all.compactMap { $0["from"]?.string } == ["2027-10-31T00:00:00Z", "2027-10-31T01:00:00Z", "2027-10-31T02:00:00Z"])
        #expect(all.allSatisfy { $0["count"] == .int(1) })
    }

    @Test func `it holds only what was permitted when it was observed, by what permits now`() throws {
        let place = try FeedPlace(at: "2026-11-18T07:00:00Z")
        try place.beat(50)
        let first = try place.grant(FeedPlace.draft(detail: "summary"))
        try place.gateway.advance(.hours(1))
        try place.beat(60)
        try place.gateway.say(.consentWithdraw(id: first), as: "ada")
        try place.gateway.advance(.hours(1))
        try place.beat(70)
        try place.gateway.advance(.minutes(1))
        try place.grant(FeedPlace.draft(detail: "summary", hours: ["00:00-12:00"]))
        try place.gateway.advance(.hours(1))
        try place.beat(80)
        try place.gateway.advance(.hours(4))
        try place.beat(90)
        try place.gateway.advance(.hours(12))
        let all = try place.published()
        #expect(all.count == 1)
        #expect(all.first?["count"] == .int(1) && all.first.flatMap { number($0["mean"]) } == 80)
    }

    @Test func `at an hour that is not permitted it waits for one that is`() throws {
        let place = try FeedPlace(at: "2026-11-18T10:00:00Z")
        try place.grant(FeedPlace.draft(detail: "summary", hours: ["08:00-17:00"]))
        try place.beat(61)
        try place.gateway.advance(.hours(21))
        #expect(try place.published().isEmpty)
        try place.gateway.restart()
        try place.gateway.advance(.hours(2))
        #expect(try place.published().map { $0["count"] } == [.int(1)])
    }

    @Test func `a withdrawal before the day is over leaves no summary of it`() throws {
        let place = try FeedPlace(at: "2026-11-18T10:00:00Z")
        let record = try place.grant(FeedPlace.draft(detail: "summary"))
        try place.beat(61)
        try place.gateway.say(.consentWithdraw(id: record), as: "ada")
        try place.gateway.advance(.days(2))
        #expect(try place.published().isEmpty)
        #expect(place.gateway.outbound.published(to: "shared/clinic/ada/ended").count == 1)
    }
}
