import Care
import CareTesting
import Foundation
import GRDB
import Gateway
import MQTT
import Store
import Testing

/// One bad message stops nobody: it is found, set aside and told, and everything around it is kept.
@Suite struct QuarantineTests {
    private let scale = "homes/elm-3/senml/scale"

    private func street() throws -> Street {
        let street = try Street()
        try street.gateway.say(.deviceClaim(home: nil, device: "senml/scale", citizens: [], expected: nil), as: "ada")
        // A failure that is not the disk's, of some messages only: what no convention understands and holds this word
        // cannot be written down.
        let database = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        try database.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER poison BEFORE INSERT ON undecodable WHEN instr(CAST(NEW.payload AS TEXT), 'poison')
                    BEGIN SELECT RAISE(ABORT, 'poison'); END
                    """)
        }
        try database.close()
        return street
    }

    private func weight(_ n: Int) -> (topic: String, payload: String) { (scale, #"[{"n":"weight","u":"kg","v":\#(n)}]"#) }
    private let poison = "poison, which is no JSON"

    private func kept(_ street: Street) throws -> [Double] {
        try street.gateway.say(
            .readingList(citizen: nil, home: nil, quantity: "body_weight", since: "1d", limit: 10_000, purpose: nil), as: "ada"
        ).items.compactMap { number($0["value"]) }.reversed()
    }

    @Test func `all but the bad ones are kept, in their order, and the bad ones set aside`() throws {
        let street = try street()
        var messages = (0..<200).map { weight($0) }
        let places = [0, 77, 78, 199, 204]
        for place in places { messages.insert((scale, poison), at: min(place, messages.count)) }
        messages.insert((street.button, #"{"action":"emergency"}"#), at: 90)
        try street.gateway.publish(burst: messages)
        #expect(try kept(street).sorted() == (0..<200).map(Double.init))
        #expect(street.gateway.engine.counts.quarantined == places.count)
        #expect(street.gateway.engine.counts.messages >= 201)
        #expect(try street.alert(1).matter.rule == "quarantine")
        #expect(try street.alert(2).matter.rule == "sos")
        let set = try street.gateway.read { try $0.quarantined(limit: 100) }
        #expect(set.count == places.count && set.allSatisfy { $0.topic == scale && $0.home == "elm-3" && String(decoding: $0.payload, as: UTF8.self) == poison })
        // Acknowledged like the others: delivered again, each counts once.
        try street.gateway.restart()
        try street.gateway.deliverAgain(messages.count)
        #expect(try kept(street).count == 200)
        #expect(try street.gateway.read { try $0.quarantined(limit: 100) }.count == places.count)
    }

    /// What was undone to find the bad message is not in the journal of acts.
    @Test func `what a burst claims by itself beside a bad message stands in the journal once`() throws {
        let street = try street()
        let folder = street.gateway.folder + "-acts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        try street.gateway.say(.deviceClaimAnnounced(on: true), as: "ada")
        street.gateway.engine.journal = journal
        let description = #"{"homie":"5.0","version":1,"nodes":{"climate":{"properties":{"temperature":{"datatype":"float","unit":"°C"}}}}}"#
        try street.gateway.publish(burst: [("homes/elm-3/homie/5/kitchen/$description", description), weight(1), (scale, poison)])
        #expect(street.gateway.engine.counts.quarantined == 1)
        let acts = try journal.acts(since: .distantPast).acts.map { try JSONDecoder().decode(JSON.self, from: Data($0.body)) }
        guard acts.count == 1, case .array(let claims) = acts[0]["claims"] else {
            Issue.record("\(acts)")
            return
        }
        #expect(claims.map { $0["device"]?["address"] } == ["homie/5/kitchen"])
    }

    @Test func `they are reported to those whose they are, and to the coordinators as a fact`() throws {
        let street = try street()
        try street.gateway.publish(scale, poison)
        let mine = try street.gateway.say(.deviceProblems(home: nil), as: "ada").say.joined(separator: " ")
        #expect(mine.contains("was set aside, because taking it failed") && mine.contains(poison), "\(mine)")
        let carlas = try street.gateway.say(.deviceProblems(home: nil), as: "carla").say.joined(separator: " ")
        #expect(carlas.contains("elm-3: a message") && !carlas.contains(poison), "\(carlas)")
        let card = try #require(try street.card("carla")?["say"]?.string)
        #expect(card.contains("could not be taken and has been set aside") && card.contains("It may have been an alarm"))
        #expect(street.showing == ["carla"])
    }

    @Test func `an alarm that cannot wait is taken early, and counts once when its burst comes again`() throws {
        let street = try street()
        let burst = street.gateway.burst(
            (0..<50).map { weight($0) } + [(street.button, #"{"action":"emergency"}"#), ("helpers/tom/answers", #"{"alert":"a1","answer":"accept"}"#)])
        try street.gateway.engine.takeUrgent(burst)
        #expect(try street.alert(1).matter.rule == "sos")
        #expect(try street.alert(1).holders.map(\.person) == ["tom"])
        #expect(try kept(street).isEmpty)
        // It comes again while the disk still says no, after a restart too.
        try street.gateway.engine.takeUrgent(burst)
        street.gateway.isBrokerThere = false
        try street.gateway.restart()
        try street.gateway.engine.connected(sessionPresent: true)
        try street.gateway.engine.takeUrgent(burst)
        #expect(try street.alert(1).occurrences == 1)
        try street.gateway.engine.take(burst)
        #expect(try kept(street).count == 50)
        #expect(try street.alert(1).occurrences == 1)
        #expect(try street.gateway.read { try $0.early() }.isEmpty)
        try street.gateway.publish(Engine.markerTopic, street.gateway.engine.markerPayload)
        // The same press once more, later, is another one.
        try street.press()
        #expect(try street.alert(1).occurrences == 2)
    }
}
