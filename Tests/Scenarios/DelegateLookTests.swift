import Care
import CareTesting
import Foundation
import Gateway
import GRDB
import Store
import Testing

/// Looking in a citizen's place, and what of a mandate outlives restarts, restores, exports.
@Suite struct DelegateLookTests {
    typealias Place = DelegateStreet

    private func readings(_ quantity: String? = nil, _ purpose: String? = nil) -> Command {
        .readingList(citizen: nil, home: nil, quantity: quantity, since: "7d", limit: 100, purpose: purpose)
    }

    private func lived() throws -> Place {
        let place = try Place()
        for n in 0..<4 {
            try place.gateway.publish("homes/elm-3/vitals/heart-rate", "\(70 + n)")
            try place.gateway.publish("homes/elm-3/zigbee2mqtt/hall motion", #"{"occupancy":\#(n % 2 == 0)}"#)
            try place.gateway.advance(.minutes(10))
        }
        return place
    }

    // MARK: Looking

    @Test func `a delegate sees what the mandate covers, and the citizen sees that they looked`() throws {
        let place = try lived()
        try place.appoint()
        let seen = try place.anna(readings())
        #expect(seen.items.count == 4 && seen.items.allSatisfy { $0["quantity"]?.string == "heart_rate" }, "\(seen)")
        for (command, outcome) in [(readings("occupancy"), Reply.Outcome.refused), (readings(nil, "research"), .refused), (readings(nil, "nonsense"), .failed)] {
            let reply = try place.anna(command)
            #expect(reply.outcome == outcome && reply.items.isEmpty, "\(reply)")
        }
        let said = try place.ada(.whoSaw(citizen: nil, since: nil))
        let told = said.items.filter { $0["entry"]?.string == "disclosure" }
        #expect(told.count == 1)
        #expect(told.first?["mandate"]?.string == "m1" && told.first?["purpose"]?.string == "daily-support" && told.first?["detail"]?.string == "readings")
        #expect(said.say.contains { $0.contains("Anna Hill for Ada Brown (mandate m1): looked at the readings (heart rate), for daily-support.") }, "\(said.say)")
        #expect(try place.acts() == ["x1 looked - done"])
        #expect(try place.ada(.delegate(.acts(since: nil))).say.first?.contains("looked at readings: heart rate") == true)
        #expect(try place.findings() == [])
        // With more than one purpose it has to be said which.
        try place.appoint(Place.mandate("bea", purposes: ["research", "daily-support"]))
        #expect(try place.bea(readings()).outcome == .failed && place.bea(readings(nil, "research")).items.count == 4)
    }

    @Test func `insights, consents, who saw and why show no more than the mandate`() throws {
        let place = try lived()
        try place.appoint(Place.mandate(purposes: ["daily-support"]))
        for data in [["health"], ["safety"], ["everything"], ["heart_rate"], ["identity"]] { try place.ada(.consentGrant(Place.draft(to: ["helper:maria", "service:clinic"], data: data))) }
        let list = try place.anna(.consentList(citizen: nil, all: true)).items.map { $0["consent"]?.string ?? "" }
        #expect(list == ["c1", "c4"])
        #expect(try place.anna(.consentHistory(id: "c1")).outcome == .done && place.anna(.why(id: "c4")).outcome == .done)
        for command in [Command.consentHistory(id: "c2"), .why(id: "c3"), .why(id: "c5")] {
            let reply = try place.anna(command)
            #expect(reply.outcome == .refused && reply.say[0].contains("mandate m1 covers health"), "\(reply.say)")
        }
        #expect(try place.gateway.say(readings("heart_rate", "daily-support"), as: "ada").outcome == .done)
        for quantity in ["heart_rate", "occupancy"] {
            _ = try place.gateway.say(.readingList(citizen: "ada", home: nil, quantity: quantity, since: nil, limit: 9, purpose: "daily-support"), as: "clinic")
        }
        try place.ada(.consentGrant({ var draft = Place.draft(data: ["everything"]); draft.detail = "readings"; return draft }()))
        for quantity in ["heart_rate", "occupancy"] {
            #expect(try place.gateway.say(.readingList(citizen: "ada", home: nil, quantity: quantity, since: nil, limit: 9, purpose: "daily-support"), as: "clinic").outcome == .done)
        }
        let saw = try place.anna(.whoSaw(citizen: nil, since: nil))
        #expect(saw.items.map { $0["data"]?.string } == ["heart_rate"], "\(saw.items)")
        #expect(saw.say.allSatisfy { !$0.contains("Operator") })
        let decisions = try place.ada(.whoSaw(citizen: nil, since: nil)).items.compactMap { item in item["decision"]?.string.map { ($0, item["data"]?.string) } }
        for (decision, data) in decisions { #expect(try place.anna(.why(id: decision)).outcome == (data == "heart_rate" ? .done : .refused)) }
        let insights = try place.anna(.insights(since: nil))
        #expect(insights.outcome == .done && insights.say.contains { $0.lowercased().contains("heart") }, "\(insights.say)")
        #expect(try place.ada(.whoSaw(citizen: nil, since: nil)).items.contains { $0["mandate"]?.string == "m1" && $0["data"]?.string == "heart_rate" && $0["detail"]?.string == "summary" })
        try place.street.press()
        #expect(try place.anna(.why(id: "a1")).outcome == .refused)
    }

    @Test func `what is also about another is not one citizen's to have shown`() throws {
        let place = try lived()
        try place.gateway.say(.citizenAdd(citizen: "ben", home: "elm-3", name: "Ben Brown", uid: nil))
        #expect(try place.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: ["ben"], expected: nil), as: "ada").outcome == .done)
        try place.appoint()
        #expect(try place.anna(readings()).items.isEmpty)
        #expect(try !place.ada(readings()).items.isEmpty)
        #expect(try place.acts() == ["x1 looked - done"])
    }

    // MARK: Restart, restore

    @Test func `what delegates did since the backup is done again in their name, and an ended mandate stays ended`() throws {
        let (place, other) = (try Place(), try Place())
        let folder = place.gateway.folder + "-acts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        // Both live through this, so the backup has it.
        for one in [place, other] {
            try one.gateway.publish("homes/elm-3/vitals/heart-rate", "70")
            try one.appoint(Place.mandate(until: "40d"))
            try one.ada(.consentGrant(Place.draft(data: ["glucose"])))  // c1
            try one.anna(.consentGrant(Place.draft(data: ["body_weight"])))  // x1, c2
        }
        place.gateway.engine.journal = journal
        try place.gateway.advance(.minutes(1))
        let since = place.gateway.now
        try place.appoint(Place.mandate("bea", until: "40d", two: ["consent"]))  // m2
        try place.appoint(Place.mandate("bea", categories: ["family"], until: "40d"))  // m3
        let steps: [() throws -> Reply] = [
            { try place.anna(.consentWithdraw(id: "c1")) },  // x2
            { try place.anna(.consentRefuse(Place.draft(data: ["heart_rate"]))) },  // x3, c3
            { try place.anna(.pause(PauseDraft(length: "9h", categories: ["health"]))) },  // x4
            { try place.bea(.consentRefuse(Place.draft(data: ["oxygen_saturation"]))) },  // x5 waits
            { try place.ada(.delegate(.confirm(act: "x5"))) },  // c4
            { try place.bea(.consentGrant(Place.draft(data: ["glucose"]))) },  // x6 waits, and is not done
            { try place.ada(.delegate(.undo(act: "x1"))) },
            { try place.anna(.pause(PauseDraft(length: "8h", devices: ["vitals/heart-rate"]))) },  // x7
            { try place.ada(.delegate(.undo(act: "x7"))) },
            { try place.ada(.delegate(.end(mandate: "m1"))) },
            { try place.ada(.delegate(.end(mandate: "m3"))) },
        ]
        for step in steps {
            let reply = try step()
            #expect(reply.outcome == .done, "\(reply.say)")
            try place.gateway.advance(.seconds(1))
        }
        try other.gateway.advance(.minutes(10))
        for _ in 0..<2 {
            // The second time as if the first had been cut off at its end.
            let (_, failed) = try other.gateway.engine.repeatActs(of: journal, since: since)
            #expect(failed == 0)
        }
        try other.gateway.settle()
        #expect(try other.ada(.delegate(.list(all: false))).items.map { "\($0["delegate"]?.string ?? "") \($0["categories"]?.text ?? "")" } == [#"bea ["health"]"#])
        #expect(try other.ada(.delegate(.list(all: true))).items.count == 3)
        #expect(try other.anna(.consentGrant(Place.draft())).outcome == .refused)
        let inForce = try other.ada(.consentList(citizen: nil, all: false)).items.map { "\($0["effect"]?.string ?? "") \($0["data"]?.text ?? "")" }
        #expect(Set(inForce) == [#"refuse ["quantity:heart_rate"]"#, #"refuse ["quantity:oxygen_saturation"]"#], "\(inForce)")
        #expect(try other.states("c1").last == "revoked anna for ada (mandate m1)")
        #expect(try other.ada(.pauseList(citizen: nil)).items.count == 1)
        let acts = try other.ada(.delegate(.acts(since: nil))).items.map { "\($0["delegate"]?.string ?? "") \($0["effect"]?.string ?? "") \($0["state"]?.string ?? "")" }
        #expect(acts == ["anna gave undone", "anna ended done", "anna gave done", "anna paused done", "bea gave done", "anna paused undone"], "\(acts)")
        // What was done again can be undone.
        #expect(try other.ada(.delegate(.undo(act: "x2"))).outcome == .done && other.mayKnow())
        #expect(try other.findings() == [])
    }

    @Test func `what a delegate ended and the citizen gave again holds after a restore`() throws {
        let (place, other) = (try Place(), try Place())
        let folder = place.gateway.folder + "-acts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try ActJournal(folder: folder)
        for one in [place, other] {
            try one.appoint()
            try one.ada(.consentGrant(Place.draft()))
        }
        place.gateway.engine.journal = journal
        let since = place.gateway.now
        try place.anna(.consentWithdraw(id: "c1"))
        #expect(try place.ada(.delegate(.undo(act: "x1"))).outcome == .done)
        try other.gateway.advance(.minutes(1))
        #expect(try other.gateway.engine.repeatActs(of: journal, since: since).failed == 0)
        #expect(try other.mayKnow())
        #expect(try other.acts() == ["x1 ended c1 undone"])
    }

    // MARK: Taken along, kept

    @Test func `mandates and acts are in what is taken along`() throws {
        let place = try lived()
        try place.appoint()
        try place.anna(.consentRefuse(Place.draft()))
        try place.anna(readings())
        let files = try DataExportTests.unpack(try #require(try place.gateway.export(as: "ada")))
        let lines = try #require(files["delegates.jsonl"]).split(separator: "\n").map(String.init)
        #expect(lines.count == 3 && lines[0].contains(#""id":"m1""#) && lines[0].contains("I asked her to") && lines[1].contains(#""id":"x1""#), "\(lines)")
        #expect(lines[1].contains("refuses: The clinic may not know") && lines[1].contains(#""name":"Anna Hill""#))
        #expect(files["who-saw.jsonl"]?.contains(#""mandate":"m1""#) == true)
        let ben = try place.gateway.say(.citizenAdd(citizen: "ben", home: "elm-3", name: "Ben Brown", uid: nil))
        #expect(ben.outcome == .done)
        #expect(try DataExportTests.unpack(try #require(try place.gateway.export(as: "ben")))["delegates.jsonl"] == "")
    }

    @Test func `when everything is erased, mandates in force and what waits stay, and the rest goes`() throws {
        let place = try lived()
        try place.appoint(Place.mandate(two: ["consent"]))
        try place.appoint(Place.mandate("bea"))
        try place.appoint(Place.mandate("tom"))
        try place.ada(.delegate(.end(mandate: "m3")))
        #expect(try place.anna(readings()).outcome == .done)  // x1
        #expect(try place.bea(.consentRefuse(Place.draft())).outcome == .done)  // x2
        #expect(try place.anna(.consentRefuse(Place.draft(data: ["glucose"]))).outcome == .done)  // x3 waits
        try place.gateway.advance(.minutes(1))
        #expect(try place.ada(.dataErase(ErasureDraft(all: true))).outcome == .done)
        for _ in 0..<20 {
            while try place.gateway.engine.sweep() {}
            try place.gateway.advance(.seconds(11))
        }
        #expect(try place.acts() == ["x3 gave - proposed"])
        #expect(try place.ada(.delegate(.list(all: true))).items.map { $0["mandate"]?.string } == ["m1", "m2"])
        #expect(try place.findings() == [])
        #expect(try place.ada(.delegate(.undo(act: "x2"))).outcome == .failed)
        try place.gateway.restart()
        #expect(try place.ada(.delegate(.confirm(act: "x3"))).outcome == .done && place.bea(.consentRefuse(Place.draft())).outcome == .done)
        #expect(try place.findings() == [])
    }

    @Test func `another hand's change of a mandate or an act is found`() throws {
        let place = try Place()
        try place.appoint()
        try place.anna(.consentRefuse(Place.draft()))
        #expect(try place.findings() == [])
        let database = try DatabaseQueue(path: place.gateway.folder + "/caring.sqlite")
        let insert = "INSERT INTO delegateEntry (n, at, citizen, event, mandate, by, body) VALUES (9, 0, 'ada', 'appointed', 7, 'x', '{}')"
        for (change, back) in [
            ("UPDATE mandate SET body = replace(body, 'health', 'safety')", "UPDATE mandate SET body = replace(body, 'safety', 'health')"),
            ("UPDATE mandate SET endedAt = 5", "UPDATE mandate SET endedAt = NULL"),
            ("UPDATE delegateEntry SET by = 'tom' WHERE n = 2", "UPDATE delegateEntry SET by = 'anna for ada (mandate m1)' WHERE n = 2"),
            ("UPDATE delegateEntry SET event = 'declined' WHERE n = 2", "UPDATE delegateEntry SET event = 'did' WHERE n = 2"), (insert, "DELETE FROM delegateEntry WHERE n = 9"),
            ("INSERT INTO mandate (id, citizen, delegate, body) VALUES (9, 'ada', 'tom', '{}')", "DELETE FROM mandate WHERE id = 9"),
        ] {
            try database.write { try $0.execute(sql: change) }
            let found = try place.findings()
            #expect(found.count == 1, "\(change) \(found)")
            try database.write { try $0.execute(sql: back) }
            #expect(try place.findings() == [], "\(back)")
        }
        // What cannot be read whole lets nobody act, and keeps nothing from starting.
        for body in ["'{}'", "json_insert(body, '$.onlyOn', 'sunday')"] {
            let before = try #require(try database.read { try String.fetchOne($0, sql: "SELECT body FROM mandate") })
            try database.write { try $0.execute(sql: "UPDATE mandate SET body = \(body)") }
            try place.gateway.restart()
            #expect(try place.anna(.consentRefuse(Place.draft())).outcome == .refused)
            try database.write { try $0.execute(sql: "UPDATE mandate SET body = ?", arguments: [before]) }
        }
        try place.gateway.restart()
        #expect(try place.anna(.consentRefuse(Place.draft())).outcome == .done)
    }

    @Test func `what is old goes, what is in force stays`() throws {
        var settings = GatewayConfiguration()
        settings.limits.recordsKeptDays = 30
        let place = try Place(settings: settings)
        try place.appoint(Place.mandate(until: "300d"))
        try place.appoint(Place.mandate(until: "5d"))
        try place.anna(.consentRefuse(Place.draft()))
        try place.gateway.advance(.days(20))
        try place.appoint(Place.mandate("bea", until: "20d", two: ["consent"]))
        try place.gateway.advance(.days(17))
        try place.bea(.consentRefuse(Place.draft()))
        while try place.gateway.engine.sweep() {}
        #expect(try place.ada(.delegate(.list(all: true))).items.map { $0["mandate"]?.string } == ["m1", "m3"])
        #expect(try place.acts() == ["x2 gave - proposed"])
        #expect(try place.findings() == [])
        #expect(try place.anna(.consentRefuse(Place.draft(data: ["glucose"]))).outcome == .done)
    }
}
