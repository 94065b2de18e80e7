import Care
import CareTesting
import Foundation
import GRDB
import Gateway
import Store
import Testing

/// What is paused is not recorded, not now and not later; what somebody calls for help is.
@Suite struct PauseTests {
    private let motion = "homes/elm-3/motion/hallway"
    private let kitchen = "homes/elm-3/zigbee2mqtt/kitchen"
    private let scale = "homes/elm-3/senml/scale"

    static let rules =
        Street.rules.replacingOccurrences(
            of: "plans:",
            with: """
                  smoke: {event: smoke, category: safety, purpose: emergency-response, severity: Extreme, urgency: Immediate, certainty: Likely, kind: smoke, say: There is smoke.}
                plans:
                """)

    private func street() throws -> Street {
        let street = try Street(rules: Self.rules)
        for device in ["motion/hallway", "zigbee2mqtt/kitchen", "senml/scale"] {
            #expect(try street.gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: "ada").outcome == .done)
        }
        return street
    }

    @discardableResult
    private func pause(_ street: Street, _ draft: PauseDraft, as person: String = "ada", succeeds: Bool = true, _ place: SourceLocation = #_sourceLocation)
        throws -> Reply
    {
        let reply = try street.gateway.say(.pause(draft), as: person)
        #expect((reply.outcome == .done) == succeeds, "\(reply.say)", sourceLocation: place)
        return reply
    }

    private func readings(_ street: Street, _ person: String = "ada") throws -> [String] {
        try street.gateway.say(.readingList(citizen: nil, home: nil, quantity: nil, since: "30d", limit: 1_000, purpose: nil), as: person).items
            .map { "\($0["quantity"]?.string ?? "")" }
    }

    /// Everything that a message may leave on disk.
    private func traces(_ street: Street) throws -> [String: Int64] {
        try street.gateway.read { disk in
            var traces: [String: Int64] = [:]
            for table in ["reading", "series", "undecodable", "undecodableCount", "stranger", "quarantine", "detector", "deadline"] { traces[table] = try disk.count(table) }
            traces["heard"] = try disk.devices().compactMap { $0.lastHeardAt?.milliseconds }.reduce(0, &+)
            traces["said"] = Int64(try disk.devices().map { "\($0.device)" }.joined().count)
            return traces
        }
    }

    // MARK: What is not recorded

    @Test func `of what is paused nothing is left on disk, and a press of the call button still calls`() throws {
        let street = try street()
        try street.gateway.publish(kitchen, #"{"temperature":20}"#)
        try street.gateway.advance(.hours(7))
        try pause(street, PauseDraft(length: "2h"))
        let before = try traces(street)
        let undecodable = street.gateway.engine.counts.undecodable
        for payload in [#"{"temperature":21}"#, #"{"humidity":40}"#, "no JSON", #"{"update":{"state":"idle"}}"#] { try street.gateway.publish(kitchen, payload) }
        try street.gateway.publish(kitchen + "/availability", #"{"state":"offline"}"#)
        try street.gateway.publish(motion, "1")
        try street.gateway.publish("homes/elm-3/motion/attic", "1")
        #expect(try traces(street) == before)
        #expect(street.gateway.engine.counts.undecodable == undecodable)
        try street.press()
        #expect(try street.alert().matter.rule == "sos")
        #expect(try traces(street)["heard"] == before["heard"], "A call is taken as a call, and as nothing else.")
    }

    @Test func `it ends to the millisecond, over a restart and a clock that is set, and nothing is made up for`() throws {
        let street = try street()
        try pause(street, PauseDraft(length: "2h"))
        try street.gateway.advance(.minutes(30))
        try street.gateway.restart(after: .minutes(30))
        street.gateway.clock.setWall(street.gateway.now + .hours(5))
        try street.gateway.advance(.minutes(60) - .milliseconds(1))
        try street.gateway.publish(motion, "1")
        #expect(try readings(street).isEmpty)
        try street.gateway.advance(.milliseconds(1))
        try street.gateway.publish(motion, "1")
        #expect(try readings(street) == ["motion"])
    }

    @Test func `it ends at once when its citizen says so`() throws {
        let street = try street()
        try pause(street, PauseDraft(length: "2h"))
        try street.gateway.publish(motion, "1")
        #expect(try street.gateway.say(.pauseEnd(id: nil), as: "ada").outcome == .done)
        try street.gateway.publish(motion, "1")
        #expect(try readings(street) == ["motion"])
        #expect(try street.gateway.say(.pauseList(citizen: nil), as: "ada").say == ["Nothing is paused."])
    }

    @Test func `a message that tells by coming at all goes whole, and a battery goes with its device`() throws {
        let street = try street()
        try street.gateway.publish(kitchen, #"{"occupancy":true,"temperature":20,"battery":90}"#)
        try street.gateway.advance(.minutes(5))
        try pause(street, PauseDraft(length: "2h", categories: ["family"]))
        let before = try readings(street).count
        try street.gateway.publish(kitchen, #"{"occupancy":false,"temperature":21}"#)
        try street.gateway.publish(kitchen, #"{"battery":89}"#)
        try street.gateway.publish(motion, "1")
        #expect(try readings(street).count == before)
        // What is of another category and comes by itself is not paused.
        try street.gateway.publish(scale, #"[{"n":"temperature","u":"Cel","v":20}]"#)
        #expect(try readings(street).count == before + 1)
    }

    @Test func `a figure that is paused leaves the rest of its message`() throws {
        let street = try street()
        try pause(street, PauseDraft(length: "2h", categories: ["safety"]))
        try street.gateway.publish(kitchen, #"{"occupancy":true,"temperature":20}"#)
        #expect(try readings(street) == ["occupancy"])
    }

    @Test func `one device is paused by its name, and the others are not`() throws {
        let street = try street()
        try pause(street, PauseDraft(length: "2h", devices: ["zigbee2mqtt/kitchen"]))
        try street.gateway.publish(kitchen, #"{"temperature":20}"#)
        try street.gateway.publish(motion, "1")
        #expect(try readings(street) == ["motion"])
    }

    // MARK: Safety

    @Test func `a smoke alarm is taken only where it is excepted, a call always, unless its button is named`() throws {
        let street = try street()
        try pause(street, PauseDraft(length: "1h"))
        try street.gateway.publish(kitchen, #"{"smoke":true}"#)
        #expect(try street.gateway.read { try $0.allAlerts() }.isEmpty)
        try street.gateway.say(.pauseEnd(id: nil), as: "ada")
        try pause(street, PauseDraft(length: "1h", exceptSafety: true))
        try street.gateway.publish(kitchen, #"{"smoke":true,"temperature":60}"#)
        #expect(try street.alert().matter.rule == "smoke")
        #expect(try readings(street) == ["smoke"])
        // A second pause that excepts nothing is the stronger one.
        try pause(street, PauseDraft(length: "1h", devices: ["zigbee2mqtt/kitchen"]))
        try street.gateway.publish(kitchen, #"{"smoke":false}"#)
        #expect(try readings(street) == ["smoke"])
        try pause(street, PauseDraft(length: "1h", devices: ["zigbee2mqtt/hall button"]))
        try street.press()
        #expect(try readings(street).contains("sos"))
        let calls = try readings(street).count
        try pause(street, PauseDraft(length: "1h", evenSOS: true), succeeds: false)
        try pause(street, PauseDraft(length: "1h", devices: ["zigbee2mqtt/hall button"], evenSOS: true))
        try street.press()
        #expect(try readings(street).count == calls)
    }

    // MARK: What waited

    @Test func `what waited and may have been said in the pause is not recorded, except a call`() throws {
        let street = try street()
        try pause(street, PauseDraft(length: "1h"))
        try street.gateway.advance(.minutes(50))
        try street.gateway.cutLine(for: .hours(2), waiting: [(motion, "1"), (kitchen, "no JSON"), (street.button, #"{"action":"emergency"}"#)])
        #expect(try readings(street) == ["sos"])
        #expect(try street.gateway.read { try $0.count("undecodable") } == 0)
        // All of that waited after it was over.
        try street.gateway.advance(.minutes(10))
        try street.gateway.restart()
        try street.gateway.cutLine(for: .hours(2), waiting: [(motion, "1")])
        #expect(try readings(street).contains("motion"))
    }

    @Test func `a time of the device's own decides`() throws {
        let street = try street()
        let from = street.gateway.now
        func weigh(_ kilograms: Int, _ at: Instant) throws {
            try street.gateway.publish(scale, #"[{"n":"weight","u":"kg","v":\#(kilograms),"t":\#(at.milliseconds / 1_000)}]"#)
        }
        try street.gateway.advance(.minutes(10))
        try pause(street, PauseDraft(length: "1h"))
        try street.gateway.advance(.minutes(20))
        try weigh(61, from)
        try weigh(62, from + .minutes(25))
        try street.gateway.advance(.hours(2))
        try weigh(63, from + .minutes(60))
        try weigh(64, from + .minutes(100))
        let values = try street.gateway.say(.readingList(citizen: nil, home: nil, quantity: nil, since: "1d", limit: 100, purpose: nil), as: "ada").items
        #expect(Set(values.compactMap { number($0["value"]) }) == [61, 64])
    }

    // MARK: Others

    @Test func `a shared device is paused for both, and the other one is told`() throws {
        let street = try street()
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try street.gateway.say(.deviceClaim(home: nil, device: "motion/hallway", citizens: ["bob"], expected: nil), as: "ada")
        try pause(street, PauseDraft(length: "2h"), as: "bob")
        try street.gateway.publish(motion, "1")
        try street.gateway.publish(kitchen, #"{"temperature":20}"#)
        #expect(try readings(street) == ["temperature"])
        let list = try street.gateway.say(.deviceList(home: nil), as: "ada")
        let line = try #require(list.say.first { $0.contains("motion/hallway") })
        #expect(line.contains("paused until") && line.contains("by its citizen bob, so nothing of it is recorded about you either"), "\(line)")
        #expect(list.items.first { $0["device"]?.string == "motion/hallway" }?["standing"] == "paused")
    }

    @Test func `who looks at the messages sees that it is paused, once, and never that something came`() throws {
        let street = try street()
        var next = try #require(try street.gateway.say(.deviceWatch(home: nil, after: -1), as: "ada").next)
        try pause(street, PauseDraft(length: "2h", devices: ["motion/hallway"]))
        var said: [String] = []
        for _ in 0..<3 {
            try street.gateway.publish(motion, "1")
            let reply = try street.gateway.say(.deviceWatch(home: nil, after: next), as: "ada")
            said += reply.say
            next = reply.next ?? next
        }
        #expect(said.count == 1 && said[0].contains("paused until"), "\(said)")
        try street.gateway.publish(kitchen, #"{"temperature":20}"#)
        #expect(try street.gateway.say(.deviceWatch(home: nil, after: next), as: "ada").say.count == 1)
    }

    @Test func `of a message that is set aside while something is paused the payload is not kept`() throws {
        let street = try street()
        let database = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        try database.write { db in
            try db.execute(sql: "CREATE TRIGGER poison BEFORE INSERT ON reading BEGIN SELECT RAISE(ABORT, 'poison'); END")
        }
        try database.close()
        try pause(street, PauseDraft(length: "2h"))
        try street.press()
        let set = try street.gateway.read { try $0.quarantined(limit: 10) }
        #expect(set.count == 1 && set[0].payload.isEmpty && set[0].topic == street.button)
    }

    // MARK: Words and bounds

    @Test func `what a pause says when it begins is two plain sentences`() throws {
        let street = try street()
        let until = street.gateway.now + .hours(2)
        let clock = String(until.iso.dropFirst(11).prefix(5))
        let day = until.iso.prefix(10) == street.gateway.now.iso.prefix(10) ? "" : " on"
        #expect(
            try pause(street, PauseDraft(length: "2h")).say.map { $0.replacingOccurrences(of: #"( on \d+ \w+ \d+)"#, with: day, options: .regularExpression) } == [
                "Until \(clock)\(day) nothing is recorded about you, and nobody is called because you seem still.",
                "Your call button still works; alarms for smoke, gas, water and falls do not, unless you add --except-safety.",
            ])
        #expect(try pause(street, PauseDraft(length: "2h", categories: ["family"])).say.last == "Your call button and your smoke alarm still work.")
        #expect(
            try pause(street, PauseDraft(length: "2h", devices: ["zigbee2mqtt/hall button"], evenSOS: true)).say.last
                == "A call button among these does not work in that time: to call for help, use a telephone.")
        #expect(try street.gateway.say(.pauseList(citizen: nil), as: "ada").say.count == 3)
        #expect(try street.gateway.say(.status, as: "ada").say.count { $0.contains("by its citizen ada") } == 3)
        #expect(try street.gateway.say(.status, as: "carla").say.contains { $0.hasPrefix("In 1 home something is paused") })
        try street.gateway.say(.pauseEnd(id: "p1"), as: "ada")
        #expect(try street.gateway.say(.pauseEnd(id: nil), as: "ada").outcome == .failed)
        #expect(try street.gateway.say(.pauseList(citizen: nil), as: "ada").say.count == 2)
        #expect(try street.gateway.say(.pauseList(citizen: "ada"), as: "carla").outcome == .refused)
    }

    @Test func `a pause is of whole minutes, thirty days at most, and twenty at once`() throws {
        let street = try street()
        for length in ["90s", "0m", "31d", "soon"] { try pause(street, PauseDraft(length: length), succeeds: false) }
        for draft in [
            PauseDraft(), PauseDraft(length: "1h", until: "18:00"), PauseDraft(length: "1h", categories: ["pets"]), PauseDraft(length: "1h", devices: ["x"]),
            PauseDraft(length: "1h", categories: ["family"], devices: ["motion/hallway"]), PauseDraft(until: "2020-01-01"),
        ] { try pause(street, draft, succeeds: false) }
        let reply = try pause(street, PauseDraft(until: "18:00"))
        #expect(reply.items.first?["until"]?.string?.contains("T18:00:00Z") == true, "\(reply.items)")
        for _ in 0..<19 { try pause(street, PauseDraft(length: "30d")) }
        try pause(street, PauseDraft(length: "1m"), succeeds: false)
    }

    // MARK: After a restore

    @Test func `a pause since the backup holds after a restore, and one that was ended does not`() throws {
        for isEnded in [false, true] {
            let (street, backup) = (try street(), try street())
            let folder = street.gateway.folder + "-acts"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let journal = try ActJournal(folder: folder)
            street.gateway.engine.journal = journal
            let since = street.gateway.now
            try pause(street, PauseDraft(length: "2h", devices: ["motion/hallway"]))
            if isEnded { try street.gateway.say(.pauseEnd(id: nil), as: "ada") }
            for _ in 0..<2 {
                let (_, failed) = try backup.gateway.engine.repeatActs(of: journal, since: since)
                #expect(failed == 0)
            }
            try backup.gateway.publish(motion, "1")
            try backup.gateway.publish(kitchen, #"{"temperature":20}"#)
            #expect(try readings(backup).contains("motion") == isEnded)
            #expect(try readings(backup).contains("temperature"))
            #expect(try backup.gateway.read { try $0.count("pause") } == 1)
        }
    }
}
