import Care
@testable import Gateway
import Testing

/// What comes from elsewhere is looked at before it is reckoned with, and what opens somebody's data is given to few.
@Suite struct FromOutsideTests {
    private let day: Int64 = 20_700

    private func figures(_ row: String) throws -> [DailyFigure] {
        try Engine.figures(row, try #require(Quantity("heart_rate")), now: Instant(milliseconds: 1_795_000_000_000))
    }

    private func row(day said: Int64? = nil, count: Int64 = 2, sum: String = "140", most: String = "72") -> String {
        let from = day * 86_400_000
        return "\(from) \(said ?? day) \(count) 0 0 - \(sum) 68 \(most) 68 \(most) \(from + 1_000) \(from + 2_000)"
    }

    @Test func `a daily figure beyond all bounds is refused and ends nothing`() throws {
        #expect(try figures(row()).count == 1)
        for bad in [row(day: .min), row(day: .max), row(count: .max), row(count: DailyFigure.countMax + 1), row(sum: "1e308"), row(most: "1e300")] {
            #expect(throws: (any Error).self) { try figures(bad) }
        }
    }

    @Test func `who runs the scheme is given no key to what citizens share`() throws {
        let street = try Street()
        try street.gateway.say(.serviceAdd(service: "clinic", name: "Elm Clinic", uid: nil))
        for act in [ServiceAct.token(service: "clinic", end: false), .login(service: "clinic")] {
            let reply = try street.gateway.say(.service(act), as: "carla")
            #expect(reply.outcome == .refused && reply.items.isEmpty, "\(reply.say)")
        }
        #expect(try street.gateway.say(.service(.token(service: "clinic", end: false))).outcome == .done)
        #expect(try street.gateway.say(.service(.token(service: "clinic", end: true)), as: "carla").outcome == .done)
    }
}
