import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// Random histories of permits, refusals, withdrawals, pauses, absences and restarts: what flowed is compared with what should have,
/// said anew in a few slow lines that know nothing of the gateway's code.
@Suite struct FeedRandomTests {
    private struct Said {
        var id: String
        var isRefusal: Bool
        var purposes: [String]
        var detail: Int
        var isByDay: Bool
        var from: Instant
        var until: Instant?
        var withdrawnAt: Instant?

        func holds(_ at: Instant) -> Bool { from <= at && at < until ?? .distantFuture && at < withdrawnAt ?? .distantFuture }
    }

    /// One beat: whether it still may be given at all, and whether it was published.
    private struct Beat {
        var value: Double
        var isAlive: Bool
        var waits: Bool
    }

    private struct Model {
        var said: [Said] = []
        var pauses: [(from: Instant, until: Instant)] = []
        var beats: [Beat] = []
        var published: [Double] = []

        /// 4: readings. In winter London's clocks are UTC's.
        func detail(_ at: Instant, anyHour: Bool) -> Int {
            let hour = at.milliseconds / 3_600_000 % 24
            let isDay = hour >= 8 && hour < 17
            var best = 0
            for purpose in ["daily-support", "family-contact", "emergency-response"] {
                var most = 0
                var left = 4
                for one in said where one.holds(at) && (one.purposes.isEmpty || one.purposes.contains(purpose)) {
                    if one.isByDay, anyHour ? one.isRefusal : !isDay { continue }
                    if one.isRefusal { left = min(left, one.detail - 1) } else { most = max(most, one.detail) }
                }
                best = max(best, min(most, left))
            }
            return best
        }
        func isPaused(_ at: Instant) -> Bool { pauses.contains { $0.from <= at && at < $0.until } }

        /// After anything that may have ended something.
        mutating func look(_ at: Instant) {
            if detail(at, anyHour: true) < 4 { for i in beats.indices { beats[i].isAlive = false } }
        }
        /// The broker is there: what waits goes, or may not go now.
        mutating func send(_ at: Instant) {
            for i in beats.indices where beats[i].waits {
                if beats[i].isAlive, detail(at, anyHour: false) == 4, !isPaused(at) { published.append(beats[i].value) }
                beats[i].waits = false
            }
        }
    }

    @Test(arguments: 0..<24) func `what flows is what should`(_ run: Int) throws {
        let seed = UInt64(20_261_118 + run)
        var state = seed
        func next(_ limit: Int) -> Int {
            // SplitMix64 (Steele, Lea and Flood, 2014).
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ (z >> 31)) % UInt64(limit))
        }
        let place = try FeedPlace(at: "2026-11-18T06:00:00Z")
        let gateway = place.gateway
        let token = try place.token()
        var model = Model()
        let details = ["wellbeing", "alert", "summary", "readings"]
        for step in 0..<70 {
            let now = gateway.now
            switch next(14) {
            case 0, 1, 2, 3, 4:
                let value = Double(100 + step)
                try place.beat(value)
                if !model.isPaused(now), model.detail(now, anyHour: false) == 4 {
                    model.beats.append(Beat(value: value, isAlive: true, waits: true))
                    if gateway.isBrokerThere { model.send(now) }
                }
            case 5, 6:
                let purposes = [["daily-support"], ["research"], ["daily-support", "family-contact"]][next(3)]
                let detail = next(3) == 0 ? next(4) : 3
                let isByDay = next(3) == 0
                let until = next(3) == 0 ? now + .minutes(Int64(1 + next(300))) : nil
                var draft = FeedPlace.draft([["heart_rate"], ["health"], ["everything"]][next(3)], detail: details[detail], hours: isByDay ? ["08:00-17:00"] : [], until: until?.iso)
                draft.purposes = purposes
                let id = try place.grant(draft)
                model.said.append(Said(id: id, isRefusal: false, purposes: purposes, detail: detail + 1, isByDay: isByDay, from: now, until: until))
                model.look(now)
            case 7:
                let detail = next(4)
                let isByDay = next(3) == 0
                let until = now + .minutes(Int64(1 + next(200)))
                var draft = FeedPlace.draft(detail: details[detail], hours: isByDay ? ["08:00-17:00"] : [], until: until.iso)
                draft.purposes = next(2) == 0 ? [] : ["daily-support"]
                let reply = try gateway.say(.consentRefuse(draft), as: "ada")
                let id = try #require(reply.items.first?["consent"]?.string)
                model.said.append(Said(id: id, isRefusal: true, purposes: draft.purposes, detail: detail + 1, isByDay: isByDay, from: now, until: until))
                model.look(now)
            case 8:
                let open = model.said.indices.filter { model.said[$0].withdrawnAt == nil && model.said[$0].until ?? .distantFuture > now }
                guard !open.isEmpty else { continue }
                let chosen = open[next(open.count)]
                #expect(try gateway.say(.consentWithdraw(id: model.said[chosen].id), as: "ada").outcome == .done)
                model.said[chosen].withdrawnAt = now
                model.look(now)
            case 9:
                let minutes = Int64(1 + next(60))
                if try gateway.say(.pause(PauseDraft(length: "\(minutes)m")), as: "ada").outcome == .done { model.pauses.append((now, now + .minutes(minutes))) }
            case 10:
                if gateway.isBrokerThere {
                    gateway.isBrokerThere = false
                } else {
                    gateway.isBrokerThere = true
                    try gateway.settle()
                    model.send(now)
                }
            case 11:
                try gateway.restart()
            default:
                let until = now + .minutes(Int64(1 + next(240)))
                // Each end on the way is looked at in its instant.
                for end in model.said.compactMap(\.until).filter({ $0 > now && $0 <= until }).sorted() {
                    model.look(end)
                }
                try gateway.advance(until - now)
            }
            let got = try place.values()
            #expect(got == model.published, "seed \(seed), step \(step)")
            if got != model.published { return }
            let fetched = try place.page(token).values
            let now2 = gateway.now
            let may = model.detail(now2, anyHour: false) == 4 && !model.isPaused(now2)
            let expected = may ? model.beats.filter(\.isAlive).map(\.value) : []
            #expect(fetched == expected, "seed \(seed), step \(step), fetched")
            if fetched != expected { return }
        }
    }
}
