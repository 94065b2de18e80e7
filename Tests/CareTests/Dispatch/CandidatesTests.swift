import Care
import Testing

/// Whom a step asks, and in which order.
@Suite struct CandidatesTests {
    // A Wednesday, nine in the evening in UTC.
    private static let now = Instant(iso: "2026-11-18T21:00:00Z") ?? .distantPast
    private static let home = Position(latitude: 51.5, longitude: -0.1)
    private static let near = Position(latitude: 51.501, longitude: -0.1)
    private static let far = Position(latitude: 51.51, longitude: -0.1)

    private func helper(
        _ name: PersonID, at position: Position? = nil, onDuty: Bool = true, hours: [String] = [], holding: Int = 0,
        circles: [CircleID] = ["oak"]
    ) throws -> Responder {
        Responder(
            person: name, role: .helper, circles: circles, position: position, isOnDuty: onDuty,
            hours: try hours.map { try HourWindow(text: $0) }, holding: holding)
    }
    private let carla = Responder(
        person: "carla", role: .coordinator, circles: [], position: nil, isOnDuty: true, hours: [], holding: 0)

    private func ask(
        _ who: Step.Who, _ responders: [Responder], onDutyOnly: Bool = false, zone: Zone = .utc, circle: CircleID? = "oak",
        position: Position? = home, holdingMax: Int = 1, now: Instant = now, permits: (Responder) -> Bool = { _ in true }
    ) -> [PersonID] {
        candidates(
            for: Step(who: who, onDutyOnly: onDutyOnly, atOnce: 2, wait: .minutes(2)), homeCircle: circle, homePosition: position,
            zone: zone, responders: responders, now: now, holdingMax: holdingMax, permits: permits)
    }

    @Test func `on duty comes before near, near before free, free before the alphabet`() throws {
        let people = [
            try helper("zoe", at: Self.near), try helper("abe", at: Self.near), try helper("busy", at: Self.near, holding: 1),
            try helper("far", at: Self.far), try helper("nowhere"), try helper("off", at: Self.home, onDuty: false),
        ]
        let order: [PersonID] = ["abe", "zoe", "busy", "far", "nowhere", "off"]
        #expect(ask(.everyonePermitted, people, holdingMax: 2) == order)
        #expect(ask(.everyonePermitted, people.reversed(), holdingMax: 2) == order, "The order they are known in must not matter.")
    }

    @Test func `without a place for the home nobody is nearer than others`() throws {
        let people = [try helper("zoe", at: Self.near), try helper("abe", at: Self.far)]
        #expect(ask(.everyonePermitted, people, position: nil) == ["abe", "zoe"])
    }

    @Test func `hours are those of the home's own clocks`() throws {
        let people = [try helper("evening", hours: ["20:00-23:00"]), try helper("morning", hours: ["07:00-10:00"])]
        #expect(ask(.ownCircle, people, onDutyOnly: true) == ["evening"])
        let tokyo = Zone(
            name: "Asia/Tokyo", transitions: [.init(at: .distantPast, offsetSeconds: 9 * 3_600)], until: .distantFuture)
        #expect(ask(.ownCircle, people, onDutyOnly: true, zone: tokyo).isEmpty, "It is six in the morning there.")
        #expect(ask(.ownCircle, people, onDutyOnly: true, zone: tokyo, now: Self.now + .hours(1)) == ["morning"])
        #expect(ask(.ownCircle, people) == ["evening", "morning"], "A step that takes everybody asks those on duty first.")
    }

    @Test func `hours belong to their days, and one that runs past midnight to the day on which it began`() throws {
        let people = [
            try helper("tuesdays", hours: ["tue 20:00-23:00"]), try helper("wednesdays", hours: ["wed 20:00-02:00"]),
        ]
        #expect(ask(.ownCircle, people, onDutyOnly: true) == ["wednesdays"])
        #expect(ask(.ownCircle, people, onDutyOnly: true, now: Self.now + .hours(4)) == ["wednesdays"])
        #expect(ask(.ownCircle, people, onDutyOnly: true, now: Self.now - .hours(20)).isEmpty)
    }

    @Test func `who said that they are off duty is off duty at every hour`() throws {
        let people = [try helper("ann", onDuty: false), try helper("ben", onDuty: false, hours: ["20:00-23:00"])]
        #expect(ask(.ownCircle, people, onDutyOnly: true).isEmpty)
        #expect(ask(.everyonePermitted, people) == ["ann", "ben"])
    }

    /// A zone table that ends keeps nobody from being asked: duty is no consent.
    @Test func `hours that cannot be told keep nobody away`() throws {
        let ended = Zone(name: "Test/Ended", transitions: [.init(at: .distantPast, offsetSeconds: 0)], until: Self.now)
        #expect(ask(.ownCircle, [try helper("ann", hours: ["07:00-10:00"])], onDutyOnly: true, zone: ended) == ["ann"])
    }

    @Test func `the own circle is the home's, and a home without one has none`() throws {
        let people = [try helper("oak"), try helper("elm", circles: ["elm"]), try helper("both", circles: ["elm", "oak"]), carla]
        #expect(ask(.ownCircle, people) == ["both", "oak"])
        #expect(ask(.ownCircle, people, circle: nil).isEmpty)
        #expect(ask(.everyonePermitted, people) == ["both", "elm", "oak"])
    }

    @Test func `whom consent does not permit is never a candidate`() throws {
        let people = [try helper("ann"), try helper("ben")]
        for step in [Step.Who.ownCircle, .everyonePermitted] {
            #expect(ask(step, people) { $0.person == "ben" } == ["ben"])
            #expect(ask(step, people) { _ in false }.isEmpty)
        }
    }

    @Test func `whoever holds as many alerts as one may is left in peace`() throws {
        let people = [try helper("ann", holding: 1), try helper("ben"), try helper("cat", holding: 2)]
        #expect(ask(.ownCircle, people) == ["ben"])
        #expect(ask(.ownCircle, people, holdingMax: 2) == ["ben", "ann"])
    }

    /// They may always learn that an alert is unanswered; what else, `view` asks consent for.
    @Test func `coordinators are asked without consent, however much they hold, and never as helpers`() throws {
        var busy = carla
        busy.holding = 5
        let people = [busy, try helper("ann")]
        #expect(ask(.coordinators, people) { _ in false } == ["carla"])
        #expect(ask(.everyonePermitted, people) == ["ann"])
    }

    @Test func `metres are right within one percent`() throws {
        // Trafalgar Square to St Paul's by the haversine formula: 2 154 m.
        let trafalgar = try #require(Position(latitude: 51.508, longitude: -0.1281))
        let stPauls = try #require(Position(latitude: 51.5138, longitude: -0.0984))
        let metres = trafalgar.metres(to: stPauls)
        #expect(abs(metres - 2_154) < 21, "\(metres)")
        #expect(stPauls.metres(to: trafalgar) == metres)
        let fiji = try #require(Position(latitude: -17, longitude: 179.9))
        let samoa = try #require(Position(latitude: -17, longitude: -179.9))
        #expect(fiji.metres(to: samoa) < 22_000, "The date line is no distance.")
        #expect(Position(latitude: 91, longitude: 0) == nil)
        #expect(Position(latitude: 0, longitude: -181) == nil)
    }
}
