import Care
import CareTesting
import Foundation
import GRDB
import Testing

/// What is taken in, what is not, and what can be asked about it afterwards.
@Suite struct AdmittanceTests {
    /// Every byte that the gateway keeps: the database, its log and whatever lies beside them.
    private func isOnDisk(_ marker: String, _ gateway: TestGateway) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: gateway.folder).contains { name in
            let data = try Data(contentsOf: URL(fileURLWithPath: gateway.folder + "/" + name))
            return data.range(of: Data(marker.utf8)) != nil
        }
    }

    @Test func `nothing of an unclaimed device is stored but its topic and a count`() throws {
        let street = try Street()
        for _ in 0..<3 {
            try street.gateway.publish("homes/elm-3/zigbee2mqtt/bedside", #"{"action":"emergency","note":"MARKER-UNCLAIMED"}"#)
            try street.gateway.publish("homes/elm-3/vitals/heart-rate", "MARKER-VITALS")
        }
        try street.gateway.publish("homes/nowhere/motion/kitchen", "MARKER-UNKNOWN-HOME")
        try street.gateway.publish("homes/elm-3/unheard/of", "MARKER-CONVENTION")
        for marker in ["MARKER-UNCLAIMED", "MARKER-VITALS", "MARKER-UNKNOWN-HOME", "MARKER-CONVENTION"] {
            #expect(try !isOnDisk(marker, street.gateway), "\(marker)")
        }
        #expect(try street.gateway.read { try $0.count("reading") } == 0)
        #expect(try street.gateway.read { try $0.allAlerts() }.isEmpty)
        let strangers = try street.gateway.read { try $0.strangers(home: nil) }
        #expect(strangers.map { "\($0.home) \($0.address) \($0.convention) \($0.messages)" } == [
            "elm-3 unheard/of unknown 1", "elm-3 vitals/heart-rate plain 3", "elm-3 zigbee2mqtt/bedside zigbee2mqtt 3",
            "nowhere motion/kitchen plain 1",
        ])
        let list = try street.gateway.say(.deviceList(home: nil), as: "carla")
        #expect(list.say.contains { $0.contains("nowhere  motion/kitchen: of a home that nobody has added") })
        // Claiming is the act that permits storing: from then on, not from before.
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "ada")
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "72")
        #expect(try street.gateway.read { try $0.count("reading") } == 1)
        try street.gateway.say(.deviceRelease(home: nil, device: "vitals/heart-rate"), as: "ada")
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "73")
        #expect(try street.gateway.read { try $0.count("reading") } == 1)
    }

    /// The coordinator sees that something is wrong with a device; what it said is the citizen's.
    @Test func `a message that cannot be decoded is counted, and the stream goes on`() throws {
        let street = try Street()
        try street.gateway.publish(street.button, #"{"action": MARKER-BROKEN"#)
        try street.gateway.publish(street.button, "\u{0}\u{1}MARKER-BROKEN")
        try street.press()
        #expect(street.gateway.engine.counts.undecodable == 2)
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 1)
        let problems = try street.gateway.say(.deviceProblems(home: nil), as: "carla")
        #expect(problems.items.reduce(0) { $0 + ($1["messages"]?.int ?? 0) } == 2)
        #expect(!problems.items.map(\.text).joined().contains("MARKER-BROKEN"))
        #expect(!problems.say.joined().contains("MARKER-BROKEN"))
        #expect(problems.say.first?.contains("elm-3") == true && problems.say.first?.contains("zigbee2mqtt") == true)
        #expect(try isOnDisk("MARKER-BROKEN", street.gateway), "It is kept for its citizen; this also shows that the search above finds what is there.")
    }

    @Test func `why names the record that decided, to the citizen`() throws {
        let street = try Street()
        try street.gateway.say(.consentRefuse(consent(to: ["helper:uma"], data: ["safety"])), as: "ada")
        try street.press()
        let why = try street.gateway.say(.why(id: "a1"), as: "ada")
        #expect(why.say.first?.contains("Rule “sos” saw") == true)
        #expect(why.say.contains { $0.contains("Maria Lopez was asked.") })
        let reasons = why.items.map { "\($0["recipient"]?.string ?? "") \($0["reason"]?.string ?? "") \($0["consents"]?.text ?? "")" }
        #expect(reasons == [#"maria permitted ["c1"]"#, #"tom permitted ["c1"]"#, #"uma refused ["c3"]"#])
        // Each word has its decision, and the decision its record.
        let notices = try street.gateway.read { try $0.notices(of: AlertID(1)) }
        let notice = try #require(notices.first { $0.person == "maria" })
        let sentences = try street.gateway.say(.why(id: notice.id.description), as: "ada").say
        #expect(sentences.contains { $0.contains("sent after 1 attempt") })
        #expect(sentences.contains { $0.hasPrefix("c1: ") })
        #expect(sentences.contains { $0.contains("by operator 0 for ada") })
        #expect(try street.gateway.say(.why(id: "c1"), as: "maria").outcome == .refused)
        #expect(try street.gateway.say(.why(id: notice.id.description), as: "tom").outcome == .refused)
    }

    @Test func `what an operator does in somebody's name is logged, refusals included`() throws {
        let street = try Street()
        try street.press()
        try street.gateway.say(.alertShow(alert: "a1"), as: "maria")
        try street.gateway.say(.whoSaw(citizen: "ada", since: nil))
        let file = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        let logged = try file.read { try Row.fetchAll($0, sql: "SELECT uid, actingFor, command, outcome FROM operatorLog ORDER BY n") }
            .map { row in "\(row[0] as Int64) \(row[1] as String? ?? "-") \(row[2] as String) \(row[3] as String)" }
        try file.close()
        #expect(logged.contains("0 - circle add done"))
        #expect(logged.contains("0 ada consent grant done"))
        #expect(logged.contains("0 maria alert show done"))
    }

    @Test func `names with control characters reach no screen as they are`() throws {
        let street = try Street()
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/\u{1B}[31mred", #"{"occupancy":true}"#)
        let list = try street.gateway.say(.deviceList(home: nil), as: "carla")
        #expect(!list.say.joined().unicodeScalars.contains { $0.value < 0x20 })
        #expect(try street.gateway.say(.alertTest(home: "elm-3", rule: "no\u{1B}such")).say.joined().contains("\u{1B}") == false)
    }
}

/// Acknowledged means kept; what was not kept has not happened.
@Suite struct FailedCommitTests {
    @Test func `a commit that fails changes nothing in memory, and the same burst succeeds later`() throws {
        let street = try Street()
        try street.press()
        try street.answer("maria", "accept")
        try street.answer("maria", "resolve")
        // What comes at once after a press is one of its repetitions.
        try street.gateway.advance(.seconds(10))
        let (counts, wake) = (street.gateway.engine.counts, street.gateway.engine.nextWake)
        let sent = street.gateway.outbound.publications.count
        street.gateway.storeProblem = .diskFull
        for _ in 0..<3 { #expect(throws: (any Error).self) { try street.press() } }
        var expected = counts
        expected.turnsFailed = 3
        #expect(street.gateway.engine.counts == expected)
        #expect(street.gateway.engine.nextWake == wake)
        #expect(street.gateway.outbound.publications.count == sent, "No word of what was not kept.")
        #expect(try street.gateway.say(.alertList(all: false), as: "ada").items.isEmpty)
        #expect(try street.gateway.read { try $0.count("reading") } == 1)

        street.gateway.storeProblem = nil
        try street.press()
        #expect(try street.gateway.read { try $0.allAlerts() }.map(\.id) == [AlertID(1), AlertID(2)])
        #expect(try street.gateway.read { try $0.count("reading") } == 2)
        #expect(street.showing == ["maria", "tom"])
        #expect(try street.alert(2).offers.map(\.id) == [OfferID(3), OfferID(4)], "Numbers of what failed are given again, not skipped.")
    }

    @Test func `an answer that could not be kept is told to whoever gave it, and may be given again`() throws {
        let street = try Street()
        try street.press()
        street.gateway.storeProblem = .diskFull
        let reply = try street.gateway.say(.alertAnswer(alert: "a1", answer: .accept, note: nil), as: "maria")
        #expect(reply.outcome == .failed)
        #expect(reply.say.first?.contains("nothing was changed") == true)
        #expect(street.showing == ["maria", "tom"])
        street.gateway.storeProblem = nil
        #expect(try street.gateway.say(.alertAnswer(alert: "a1", answer: .accept, note: nil), as: "maria").outcome == .done)
        #expect(street.showing == ["maria"])
    }

    @Test func `a deadline that could not be kept is run again`() throws {
        let street = try Street()
        try street.press()
        street.gateway.storeProblem = .inputOutput
        #expect(throws: (any Error).self) { try street.gateway.advance(.minutes(2)) }
        #expect(street.showing == ["maria", "tom"])
        street.gateway.storeProblem = nil
        try street.gateway.settle()
        #expect(street.showing == ["uma"])
    }

    @Test func `a deadline that fails for another reason holds up no other`() throws {
        let street = try Street()
        try street.press()
        try street.answer("maria", "accept")
        try street.gateway.say(.alertTest(home: "elm-3", rule: "sos"))
        // Whatever comes due for the first alert cannot be written down; the disk itself is well.
        let other = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        try other.write {
            try $0.execute(sql: "CREATE TRIGGER poison BEFORE INSERT ON history WHEN NEW.alert = 1 BEGIN SELECT RAISE(ABORT, 'poison'); END")
        }
        try street.gateway.advance(.minutes(31))
        #expect(try street.alert(1).holders.map(\.person) == ["maria"])
        #expect(try street.alert(2).offers.contains { $0.person == "carla" }, "The second alert went all its way.")
        try other.write { try $0.execute(sql: "DROP TRIGGER poison") }
        try other.close()
        try street.gateway.advance(.minutes(1))
        #expect(try street.alert(1).holders.isEmpty, "It is tried again.")
    }
}
