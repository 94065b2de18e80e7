import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// The wall clock is set, by an hour or a day, while much is going on: nothing is raised or ended because of it.
@Suite struct SetClockTests {
    private static let rules =
        Street.rules.replacingOccurrences(
            of: "rules:\n",
            with: """
                rules:
                  cold: {threshold: temperature, below: 12, return_by: 1, for: 2h, category: safety, purpose: emergency-response, severity: Moderate, urgency: Expected, certainty: Likely, kind: cold room, say: It is cold., ends_when_over: true}
                  silent: {silence: 2, category: safety, purpose: daily-support, severity: Minor, urgency: Future, certainty: Observed, kind: silent device, say: A device is silent.}

                """)
    private let motion = "homes/elm-3/motion/hallway"
    private let scale = "homes/elm-3/senml/scale"

    /// Half a day with an alert that is answered late, a cold room, a silence and an absence; the clock is set by `jump`
    /// again and again. Returns what happened, by the time since the beginning as it really went by, and what was recorded.
    private func day(_ jump: Span, restarts: Bool) throws -> (happened: [String], values: [Double]) {
        let street = try Street(rules: Self.rules)
        let gateway = street.gateway
        var went = Span.zero
        var happened: [String] = []
        var known: Int64 = 0
        func note() throws {
            let entries = try gateway.read { try $0.history(after: known, limit: 1_000) }
            for (n, alert, entry) in entries {
                known = n
                happened.append("\(went.milliseconds / 60_000) min  \(alert) \(entry.what.rawValue)\(entry.person.map { " \($0)" } ?? "")")
            }
        }
        func wait(_ minutes: Int) throws {
            let end = went + .minutes(Int64(minutes))
            while went < end {
                let step = min(Span.minutes(10), end - went)
                try gateway.advance(step)
                went = went + step
                try note()
            }
        }
        func setClock() { gateway.clock.setWall(gateway.clock.wall() + jump) }
        for device in ["motion/hallway", "senml/scale"] {
            try gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: "3h"), as: "ada")
        }
        try gateway.publish(motion, "1")
        try gateway.publish(scale, #"[{"n":"temperature","u":"Cel","v":11}]"#)
        try wait(30)
        setClock()
        try street.press()
        try wait(1)
        setClock()
        try wait(5)
        try street.answer("tom", "accept")
        setClock()
        try wait(60)
        if restarts { try gateway.restart() }
        try gateway.publish(scale, #"[{"n":"temperature","u":"Cel","v":10}]"#)
        try wait(60)
        setClock()
        try gateway.publish(scale, #"[{"n":"temperature","u":"Cel","v":20}]"#)
        try wait(5 * 60)
        setClock()
        try wait(6 * 60)
        let values = try gateway.say(
            .readingList(citizen: nil, home: nil, quantity: "temperature", since: "60d", limit: 100, purpose: nil), as: "ada"
        ).items.compactMap { number($0["value"]) }
        return (happened, values)
    }

    @Test(arguments: [Span.hours(1), .hours(-1), .days(1), .days(-1)])
    func `nothing is raised, ended, hurried or put off`(_ jump: Span) throws {
        let steady = try day(.zero, restarts: false)
        #expect(steady.happened.contains { $0.contains("raised") })
        #expect(steady.happened.count > 10)
        let jumping = try day(jump, restarts: false)
        #expect(jumping.happened == steady.happened)
        #expect(jumping.values == [20, 10, 11], "The order in which they came.")
    }

    /// Set back, and then a restart: time goes on from what is on disk, and the order of readings holds.
    @Test(arguments: [Span.hours(-1), .days(-1)])
    func `a restart after the clock was set back puts nothing off`(_ jump: Span) throws {
        let steady = try day(.zero, restarts: true)
        let jumping = try day(jump, restarts: true)
        #expect(jumping.happened == steady.happened)
        #expect(jumping.values == [20, 10, 11])
    }
}
