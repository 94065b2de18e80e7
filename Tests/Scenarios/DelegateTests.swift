import Audit
import Care
import CareTesting
import Foundation
import Gateway
import Store
import Testing

/// Ada's street with Anna, who is only a delegate (user 2001), and Bea, a helper (user 2002).
struct DelegateStreet {
    let street: Street
    var gateway: TestGateway { street.gateway }
    static let notices = "homes/elm-3/caring/notices"

    init(settings: GatewayConfiguration = GatewayConfiguration()) throws {
        street = try Street(permits: false, settings: settings)
        try gateway.say(.delegate(.add(delegate: "anna", name: "Anna Hill", uid: 2_001)))
        try gateway.say(
            .helperAdd(helper: "bea", name: "Bea Moss", circles: [], uid: 2_002, latitude: nil, longitude: nil, hours: [], ntfy: nil))
        try gateway.say(.serviceAdd(service: "clinic", name: "the clinic", uid: nil))
        for device in ["vitals/heart-rate", "zigbee2mqtt/hall motion"] {
            try gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: "ada")
        }
    }

    static func mandate(
        _ delegate: String = "anna", categories: [String] = ["health"], purposes: [String] = ["daily-support"], until: String = "30d", isCourt: Bool = false,
        two: [String] = []
    ) -> Command {
        .delegate(
            .appoint(
                MandateDraft(
                    delegate: delegate, categories: categories, purposes: purposes, until: until, authority: "I asked her to", isCourt: isCourt, two: two)))
    }

    static func draft(to: [String] = ["service:clinic"], data: [String] = ["health"], purposes: [String] = ["daily-support"], until: String? = nil) -> ConsentDraft {
        ConsentDraft(citizen: nil, to: to, purposes: purposes, data: data, detail: nil, stage: nil, hours: [], from: nil, until: until)
    }

    @discardableResult
    func appoint(_ command: Command = mandate()) throws -> Reply {
        let reply = try gateway.say(command, as: "ada")
        #expect(reply.outcome == .done, "\(reply.say)")
        return reply
    }

    /// By her own user, who is no operator.
    @discardableResult
    func anna(_ command: Command) throws -> Reply { try gateway.say(command, byUser: 2_001, as: "ada") }
    @discardableResult
    func bea(_ command: Command) throws -> Reply { try gateway.say(command, byUser: 2_002, as: "ada") }
    @discardableResult
    func ada(_ command: Command) throws -> Reply { try gateway.say(command, as: "ada") }

    func states(_ id: String) throws -> [String] {
        try gateway.read { try $0.versions(of: try #require(ConsentID(text: id))) }.map { "\($0.state.rawValue) \($0.by)" }
    }
    func acts() throws -> [String] {
        try ada(.delegate(.acts(since: nil))).items.map { "\($0["act"]?.string ?? "") \($0["effect"]?.string ?? "") \($0["made"]?.string ?? "-") \($0["state"]?.string ?? "")" }
    }
    /// What the clinic would be told about Ada's heart; `health` of `daily-support`.
    func mayKnow() throws -> Bool {
        try ada(.consentList(citizen: nil, all: false)).items.contains { $0["effect"]?.string == "permit" && $0["to"]?.text.contains("clinic") == true }
    }
    /// What is wrong with Ada's chain and the rows that it records.
    func findings() throws -> [String] {
        // What came before the chains is looked for first.
        while try gateway.engine.sweep() {}
        var found: [String] = []
        for item in try ada(.audit(.chains(citizen: nil, after: 0))).items.compactMap(\.string) {
            guard case .chain(let header)? = ChainLine(Data(item.utf8)) else { continue }
            var lines = [item]
            var after: Int64? = 0
            var last: Int64 = 0
            while let from = after {
                let reply = try ada(.audit(.page(chain: header.citizen, after: from)))
                for item in reply.items {
                    if let text = item.string { lines.append(text) } else { found.append(item["say"]?.string ?? "?") }
                    if let text = item.string, case .entry(let entry)? = ChainLine(Data(text.utf8)) { last = entry.n }
                }
                after = reply.next
            }
            var verifier = ChainFileVerifier(key: nil, proofs: [])
            for line in lines { if let line = ChainLine(Data(line.utf8)) { try verifier.take(line) } }
            try verifier.take(.end(ChainEnd(entries: last)))
            found += verifier.finish().flatMap { $0.report.findings.map(\.sentence) }
            found += try ada(.audit(.rows(chain: header.citizen, after: 0))).items.map { $0["say"]?.string ?? "?" }
        }
        return found
    }
}

/// Somebody acts for a citizen: within bounds, seen, undone.
@Suite struct DelegateTests {
    typealias Place = DelegateStreet

    // MARK: Within and outside

    @Test func `within the mandate a delegate decides, and everything says who did it for whom`() throws {
        let place = try Place()
        let appointed = try place.appoint()
        #expect(appointed.say.first?.contains("Anna Hill may act for Ada Brown about health, for daily-support, until") == true, "\(appointed.say)")
        let granted = try place.anna(.consentGrant(Place.draft(data: ["heart_rate"])))
        #expect(granted.outcome == .done && granted.say.contains { $0.contains("Anna Hill for Ada Brown (mandate m1): this is x1.") }, "\(granted.say)")
        #expect(try place.states("c1") == ["given anna for ada (mandate m1)"])
        #expect(try place.ada(.consentHistory(id: "c1")).say.contains { $0.contains("anna for ada (mandate m1) gave it") })
        #expect(try place.ada(.why(id: "x1")).say.contains { $0.contains("Anna Hill for Ada Brown (mandate m1) permits: The clinic") })
        #expect(try place.gateway.say(.why(id: "x1"), as: "maria").outcome == .refused)
        #expect(try place.ada(.why(id: "c1")).say.contains { $0.contains("by anna for ada (mandate m1)") })
        let ended = try place.anna(.consentWithdraw(id: "c1"))
        #expect(ended.outcome == .done && ended.items.first?["state"]?.string == "revoked")
        #expect(try place.states("c1").last == "revoked anna for ada (mandate m1)")
        #expect(try place.anna(.consentRefuse(Place.draft(data: ["health"]))).outcome == .done)
        #expect(try place.anna(.pause(PauseDraft(length: "2h", categories: ["health"]))).outcome == .done)
        #expect(try place.acts() == ["x1 gave c1 done", "x2 ended c1 done", "x3 gave c2 done", "x4 paused p1 done"])
        #expect(try place.ada(.delegate(.acts(since: nil))).say.first?.contains("Anna Hill for Ada Brown (mandate m1) permits: The clinic may know") == true)
        let words = place.gateway.outbound.published(to: Place.notices)
        #expect(words.count { $0.contains("has done something (x") } == 4 && words.allSatisfy { !$0.contains("clinic") && !$0.contains("Anna") })
        #expect(try place.findings() == [])
        // By an operator's hand it says so, too.
        #expect(try place.gateway.say(.consentRefuse(Place.draft(data: ["glucose"])), as: "ada", by: "anna").outcome == .done)
        #expect(try place.states("c3") == ["refused operator 0 for anna for ada (mandate m1)"])
        #expect(try place.ada(.why(id: "m1")).say.contains { $0.contains("I asked her to") } && place.anna(.why(id: "m1")).outcome == .done)
        #expect(try place.findings() == [])
    }

    @Test func `what touches another category or purpose is refused with what the mandate covers`() throws {
        let place = try Place()
        try place.appoint()
        let beyond: [Command] = [
            .consentGrant(Place.draft(data: ["safety"])), .consentGrant(Place.draft(data: ["everything"])), .consentGrant(Place.draft(data: ["health", "motion"])),
            .consentGrant(Place.draft(purposes: ["research"])), .consentRefuse(Place.draft(purposes: ["daily-support", "research"])), .consentRefuse(Place.draft(purposes: [])),
            .consentRefuse(Place.draft(data: ["device:zigbee2mqtt/hall motion"])), .pause(PauseDraft(length: "2h")), .pause(PauseDraft(length: "2h", categories: ["health", "safety"])),
            .pause(PauseDraft(length: "2h", devices: ["zigbee2mqtt/hall motion"])),
        ]
        try place.gateway.publish("homes/elm-3/zigbee2mqtt/hall motion", #"{"occupancy":true}"#)
        for command in beyond {
            let reply = try place.anna(command)
            #expect(reply.outcome == .refused && reply.say.count == 1 && reply.say[0].contains("mandate m1 covers health, for daily-support, until"), "\(command) \(reply.say)")
        }
        // What is in nobody's mandate.
        try place.ada(.consentEmergency(on: true, circles: []))
        let never: [Command] = [
            .consentGrant(Place.draft(data: ["health", "identity"])), .consentWithdraw(id: "c1"), .consentEmergency(on: false, circles: []), .consentEmergency(on: true, circles: []),
            Place.mandate("bea"), .delegate(.undo(act: "x1")), .dataErase(ErasureDraft(all: true)), .dataErase(ErasureDraft(categories: ["health"])), .dataExport(citizen: nil),
            .audit(.chains(citizen: nil, after: 0)), .audit(.proof(citizen: nil)), .deviceRelease(home: nil, device: "vitals/heart-rate"), .consentRenew(id: "c1", until: "9d"),
            .consentPreview(ConsentChange()), .coverage(circle: nil, all: false), .alertList(all: true), .pauseEnd(id: nil), .consentAccept(offer: "street", who: [], until: nil),
            .pause(PauseDraft(length: "2h", devices: ["vitals/heart-rate"], evenSOS: true)),
        ]
        for command in never { #expect(try place.anna(command).outcome == .refused, "\(command)") }
        // A mandate is not for helping oneself.
        try place.appoint(Place.mandate("bea"))
        let own = try place.bea(.consentGrant(Place.draft(to: ["helper:bea"])))
        #expect(own.outcome == .refused && own.say[0].contains("Nobody permits themselves"), "\(own.say)")
        #expect(try place.bea(.consentGrant(Place.draft(to: ["helper:*"]))).outcome == .refused, "She is one of them.")
        #expect(try place.bea(.consentRefuse(Place.draft(to: ["helper:bea"]))).outcome == .done)
        #expect(try place.acts().count == 1)
        // And nobody else acts at all.
        #expect(try place.gateway.say(.consentRefuse(Place.draft()), byUser: 2_001, as: "bea").outcome == .refused)
        #expect(try place.gateway.say(.consentRefuse(Place.draft()), as: "ada", by: "maria").outcome == .refused)
        #expect(try place.anna(.status).say.allSatisfy { !$0.contains("Paused") })
    }

    @Test func `a mandate ends in its second, and its citizen is warned 14 days and 1 day before`() throws {
        let place = try Place()
        try place.appoint(Place.mandate(until: "30d"))
        try place.appoint(Place.mandate("bea", until: "2h"))
        func warned() -> Int { place.gateway.outbound.published(to: Place.notices).count { $0.contains("mandate m1, by which somebody acts for you, ends on") } }
        try place.gateway.advance(.hours(2) - .milliseconds(1))
        #expect(try place.bea(.consentRefuse(Place.draft())).outcome == .done)
        // Nothing of what came due has been looked at yet: the clock alone decides.
        place.gateway.clock.advance(.milliseconds(1))
        #expect(try place.bea(.consentRefuse(Place.draft())).outcome == .refused)
        try place.gateway.advance(.days(16) - .hours(2) - .milliseconds(1))
        #expect(warned() == 0)
        try place.gateway.advance(.milliseconds(1))
        #expect(warned() == 1)
        try place.gateway.restart()
        try place.gateway.advance(.days(13))
        #expect(warned() == 2)
        try place.gateway.advance(.days(1) - .milliseconds(1))
        #expect(try place.anna(.consentRefuse(Place.draft())).outcome == .done)
        try place.gateway.advance(.milliseconds(1))
        #expect(try place.anna(.consentRefuse(Place.draft())).outcome == .refused)
        #expect(warned() == 2)
        #expect(try place.ada(.delegate(.list(all: false))).say == ["Nobody acts for ada."])
        let all = try place.ada(.delegate(.list(all: true)))
        #expect(all.items.count == 2 && all.say.allSatisfy { $0.contains("It is over since") }, "\(all.say)")
        #expect(try place.findings() == [])
    }

    @Test func `how many may act, and what a mandate has to say, is bounded`() throws {
        let place = try Place()
        for (command, word) in [
            (Place.mandate("nobody"), "nobody called"), (Place.mandate("ada"), "act for yourself"), (Place.mandate(categories: []), "Say about what"),
            (Place.mandate(categories: ["love"]), "is no category"), (Place.mandate(purposes: ["fun"]), "is no purpose"), (Place.mandate(until: "4000d"), "ten years"),
            (Place.mandate(until: "2020-01-01"), "before it begins"), (Place.mandate(two: ["look"]), "cannot be set to need two"),
            (.delegate(.appoint(MandateDraft(delegate: "anna", categories: ["health"], purposes: ["research"], until: "9d", authority: ""))), "by which right"),
            (.delegate(.appoint(MandateDraft(delegate: "anna", categories: ["health"], purposes: ["research"], until: "9d", authority: "a\u{1B}[2J"))), "by which right"),
            (.delegate(.appoint(MandateDraft(delegate: "anna", categories: ["health"], purposes: ["research"], until: "9d", authority: String(repeating: "é", count: 201)))), "by which right"),
        ] {
            let reply = try place.ada(command)
            #expect(reply.outcome == .failed && reply.say.first?.contains(word) == true, "\(command) \(reply.say)")
        }
        for _ in 0..<Mandate.holdingMax { try place.appoint() }
        let more = try place.ada(Place.mandate())
        #expect(more.outcome == .failed && more.say[0].contains("20 mandates hold"), "\(more.say)")
        let crowded = try Place()
        for n in 0..<Mandate.delegatesMax {
            try crowded.gateway.say(.delegate(.add(delegate: "d\(n)", name: "D \(n)", uid: nil)))
            try crowded.appoint(Place.mandate("d\(n)"))
        }
        #expect(try crowded.ada(Place.mandate()).say[0].contains("10 people act for you"))
        #expect(try crowded.ada(Place.mandate("d3")).outcome == .done)
        for person in ["maria", "carla", "anna"] { #expect(try place.gateway.say(Place.mandate(), as: person).outcome == .failed, "Only a citizen has somebody act for them.") }
        #expect(try place.gateway.say(Place.mandate()).outcome == .failed)
    }

    // MARK: The citizen's word, and a court's

    @Test func `a citizen's own refusal stands against a delegate, a delegate's does not, and a court's delegate lifts both`() throws {
        let place = try Place()
        try place.appoint()
        try place.ada(.consentRefuse(Place.draft()))
        let reply = try place.anna(.consentWithdraw(id: "c1"))
        #expect(reply.outcome == .refused && reply.say == ["ada refused this, and a refusal of their own stands against whoever acts for them, unless a court has said otherwise (c1)."])
        #expect(try place.anna(.consentGrant(Place.draft())).outcome == .done)
        try place.gateway.publish("homes/elm-3/vitals/heart-rate", "71")
        let asked = Command.readingList(citizen: "ada", home: nil, quantity: "heart_rate", since: nil, limit: 9, purpose: "daily-support")
        #expect(try place.gateway.say(asked, as: "clinic").outcome == .refused, "The refusal beats what the delegate permitted.")
        #expect(try place.anna(.consentRefuse(Place.draft(to: ["anyone"]))).outcome == .done)
        #expect(try place.anna(.consentWithdraw(id: "c3")).outcome == .done, "What she refused herself she may take back.")

        #expect(try place.gateway.say(Place.mandate("bea", isCourt: true), byUser: 2_002, as: "ada").outcome == .refused)
        try place.gateway.say(.citizenAdd(citizen: "ben", home: "elm-3", name: "Ben Brown", uid: 2_009))
        #expect(try place.gateway.say(Place.mandate("bea", isCourt: true), byUser: 2_009).outcome == .refused, "A citizen makes no court of themselves.")
        try place.appoint(Place.mandate("bea", isCourt: true))
        #expect(try place.ada(.delegate(.list(all: false))).say.last?.contains("by a court") == true)
        #expect(try place.bea(.consentWithdraw(id: "c1")).outcome == .done)
        #expect(try place.states("c1").last == "revoked bea for ada (mandate m2)")
        // Seen and undone, but not ended by who is under it.
        let (benDraft, uid) = (Place.mandate("bea", categories: ["family"], isCourt: true), UInt32(2_009))
        try place.gateway.say(benDraft, as: "ben")
        let end = try place.gateway.say(.delegate(.end(mandate: "m3")), byUser: uid)
        #expect(end.outcome == .refused && end.say[0].contains("was given by a court: you see it"), "\(end.say)")
        #expect(try place.gateway.say(.delegate(.end(mandate: "m3")), as: "ben").outcome == .done, "An operator ends it.")
        #expect(try place.ada(.delegate(.undo(act: "x4"))).outcome == .done)
        #expect(try place.states("c1").last == "refused operator 0 for ada")
    }

    // MARK: Undone

    @Test func `the citizen undoes whatever can be undone, and is told what cannot`() throws {
        let place = try Place()
        try place.appoint()
        var wish = Place.draft(to: [])
        wish.citizen = "ada"
        for _ in 0..<2 { try place.gateway.say(.consentRequest(wish, reason: "please"), as: "clinic") }  // c1, c2
        #expect(try place.anna(.consentGrant(Place.draft())).outcome == .done)  // x1, c3
        try place.ada(.consentGrant(Place.draft(data: ["glucose"], until: "20d")))  // c4
        for command in [Command.consentWithdraw(id: "c4"), .consentDeny(id: "c1"), .consentDefer(id: "c2"), .pause(PauseDraft(length: "2h", categories: ["health"]))] {
            #expect(try place.anna(command).outcome == .done)
        }
        #expect(try place.mayKnow())
        try place.gateway.restart()
        #expect(try place.ada(.delegate(.undo(act: "x1"))).outcome == .done)
        #expect(try !place.mayKnow() && place.states("c3") == ["given anna for ada (mandate m1)", "withdrawn operator 0 for ada"])
        let given = try place.ada(.delegate(.undo(act: "x2")))
        #expect(given.outcome == .done && given.say.contains("x2 is undone: Anna Hill for Ada Brown (mandate m1) \(given.items.last?["what"]?.string ?? "")"), "\(given.say)")
        #expect(try place.states("c4") == ["given operator 0 for ada", "revoked anna for ada (mandate m1)", "given operator 0 for ada"])
        #expect(try place.mayKnow())
        for (act, request) in [("x3", "c1"), ("x4", "c2")] {
            #expect(try place.ada(.delegate(.undo(act: act))).outcome == .done)
            #expect(try place.ada(.consentRequests).items.contains { $0["consent"]?.string == request && $0["state"]?.string == "requested" })
        }
        #expect(try place.ada(.pauseList(citizen: nil)).items.count == 1)
        #expect(try place.ada(.delegate(.undo(act: "x5"))).outcome == .done)
        #expect(try place.ada(.pauseList(citizen: nil)).items.isEmpty)
        #expect(try place.anna(.consentList(citizen: nil, all: true)).outcome == .done)  // x6
        let look = try place.ada(.delegate(.undo(act: "x6")))
        #expect(look.outcome == .failed && look.say[0].hasPrefix("What was read cannot be unread") && look.say[0].contains("caring delegate end m1"), "\(look.say)")
        #expect(try place.ada(.delegate(.undo(act: "x1"))).say == ["x1 was undone before."])
        #expect(try place.acts().map { $0.split(separator: " ").last ?? "" } == ["undone", "undone", "undone", "undone", "undone", "done"])
        try place.gateway.restart()
        #expect(try place.ada(.consentRequests).items.count == 2 && place.mayKnow())
        try place.gateway.advance(.days(19))
        #expect(try place.mayKnow())
        try place.gateway.advance(.days(1))
        #expect(try !place.mayKnow(), "What is given again ends when it was to end.")
        #expect(try place.findings() == [])
        #expect(try place.gateway.say(.delegate(.undo(act: "x2")), as: "maria").outcome != .done)
    }

    @Test func `ended by the citizen it holds no more in that moment, and what was done stays until it is undone`() throws {
        let place = try Place()
        try place.appoint()
        #expect(try place.anna(.consentGrant(Place.draft())).outcome == .done)
        #expect(try place.ada(.delegate(.end(mandate: "m1"))).outcome == .done)
        #expect(try place.anna(.consentWithdraw(id: "c1")).outcome == .refused)
        #expect(try place.mayKnow())
        #expect(try place.ada(.delegate(.end(mandate: "m1"))).outcome == .failed)
        #expect(try place.ada(.delegate(.undo(act: "x1"))).outcome == .done)
        #expect(try !place.mayKnow())
        // Who acts may lay it down; who is removed acts no more.
        try place.appoint()
        #expect(try place.gateway.say(.delegate(.end(mandate: "m2")), byUser: 2_001).outcome == .done)
        try place.appoint()
        #expect(try place.gateway.say(.delegate(.remove(delegate: "anna"))).outcome == .done)
        #expect(try place.ada(.delegate(.list(all: false))).items.isEmpty)
        try place.gateway.restart()
        #expect(try place.ada(.delegate(.list(all: true))).items.allSatisfy { $0["holds"] == .bool(false) })
        #expect(try place.findings() == [])
    }

    // MARK: Two

    @Test func `what needs two is done when a second person has confirmed it, as of then`() throws {
        let place = try Place()
        try place.appoint(Place.mandate(two: ["consent"]))
        try place.appoint(Place.mandate("bea", categories: ["safety"]))
        let proposed = try place.anna(.consentGrant(Place.draft(until: "20d")))
        #expect(proposed.outcome == .done && proposed.say[0].hasPrefix("x1 waits for a second person"), "\(proposed.say)")
        #expect(try !place.mayKnow() && place.ada(.consentList(citizen: nil, all: true)).items.isEmpty)
        #expect(place.gateway.outbound.published(to: Place.notices).last?.contains("needs a second word (x1)") == true)
        #expect(try place.anna(.pause(PauseDraft(length: "2h", categories: ["health"]))).outcome == .done, "Only consents need two.")
        let own = try place.anna(.delegate(.confirm(act: "x1")))
        #expect(own.outcome == .refused && own.say[0].contains("somebody else"), "\(own.say)")
        let other = try place.bea(.delegate(.confirm(act: "x1")))
        #expect(other.outcome == .refused && other.say[0].contains("mandate m2 covers safety"), "\(other.say)")
        #expect(try place.bea(.delegate(.acts(since: nil))).items.isEmpty, "She sees what she could confirm.")
        try place.appoint(Place.mandate("bea", categories: ["health", "family"]))
        try place.gateway.restart()
        try place.gateway.advance(.days(3))
        let said = try place.bea(.delegate(.acts(since: nil)))
        #expect(said.say.contains { $0.contains("wants this: permits: The clinic may know") && $0.contains("waits for a second person, until") }, "\(said.say)")
        let done = try place.bea(.delegate(.confirm(act: "x1")))
        #expect(done.outcome == .done, "\(done.say)")
        #expect(try place.states("c1") == ["given anna for ada (mandate m1)"])
        #expect(done.items.first?["until"]?.string == (place.gateway.now + .days(17)).iso, "Until when it was said to end, and not for as long from now.")
        #expect(try place.ada(.delegate(.acts(since: nil))).say.contains { $0.hasSuffix("Confirmed by bea for ada (mandate m3).") })
        #expect(try place.bea(.delegate(.confirm(act: "x1"))).outcome == .failed, "Once.")
        // The citizen confirms, declines; and what cannot be any more is not done.
        for act in ["x3", "x4", "x5"] { #expect(try place.anna(.consentRefuse(Place.draft())).say[0].hasPrefix("\(act) waits")) }
        #expect(try place.ada(.delegate(.confirm(act: "x3"))).outcome == .done)
        #expect(try place.ada(.delegate(.decline(act: "x4"))).outcome == .done)
        #expect(try place.ada(.delegate(.undo(act: "x5"))).say[0].contains("caring delegate decline x5"))
        #expect(try place.acts().map { $0.split(separator: " ").last ?? "" } == ["done", "done", "done", "declined", "proposed"])
        #expect(try place.findings() == [])
    }

    @Test func `what nobody confirms lapses in its second, and what its mandate outlives is cancelled`() throws {
        let place = try Place()
        try place.appoint(Place.mandate(until: "60d", two: ["consent", "pause"]))
        try place.anna(.consentGrant(Place.draft()))
        try place.gateway.advance(.days(14) - .milliseconds(1))
        try place.anna(.consentRefuse(Place.draft()))
        #expect(try place.acts() == ["x1 gave - proposed", "x2 gave - proposed"])
        // The clock alone decides, also before what came due has been looked at.
        place.gateway.clock.advance(.milliseconds(1))
        let late = place.gateway.sayOnly(.delegate(.confirm(act: "x1")), as: "ada")
        #expect(late.outcome == .failed && late.say[0].contains("waits for a second person"), "\(late.say)")
        try place.gateway.advance(.zero)
        #expect(try place.acts() == ["x1 gave - lapsed", "x2 gave - proposed"])
        #expect(try place.ada(.delegate(.confirm(act: "x1"))).outcome == .failed)
        let end = try place.ada(.delegate(.end(mandate: "m1")))
        #expect(end.say.contains("1 act that waited for a second person is cancelled."), "\(end.say)")
        #expect(try place.acts() == ["x1 gave - lapsed", "x2 gave - cancelled"])
        #expect(try place.ada(.delegate(.confirm(act: "x2"))).outcome == .failed && !place.mayKnow())
        // By its date, too, and while the gateway was away.
        try place.appoint(Place.mandate(until: "3d", two: ["pause"]))
        #expect(try place.anna(.pause(PauseDraft(length: "2h", categories: ["health"]))).say[0].hasPrefix("x3 waits"))
        try place.gateway.restart(after: .days(3))
        #expect(try place.acts().last == "x3 paused - cancelled")
        // As many as may wait.
        try place.appoint(Place.mandate(two: ["consent"]))
        for _ in 0..<DelegateAct.proposedMax { #expect(try place.anna(.consentRefuse(Place.draft())).outcome == .done) }
        #expect(try place.anna(.consentRefuse(Place.draft())).outcome == .failed)
        #expect(try place.findings() == [])
    }

    @Test func `when it is confirmed the citizen's refusal of meanwhile counts`() throws {
        let place = try Place()
        try place.appoint(Place.mandate(two: ["consent"]))
        try place.ada(.consentGrant(Place.draft()))
        #expect(try place.anna(.consentWithdraw(id: "c1")).say[0].hasPrefix("x1 waits"))
        try place.ada(.consentWithdraw(id: "c1"))
        let reply = try place.ada(.delegate(.confirm(act: "x1")))
        #expect(reply.outcome == .failed && reply.say[0].contains("withdrawn before"), "\(reply.say)")
        #expect(try place.acts() == ["x1 ended - proposed"], "Nothing was done by halves.")
    }
}
