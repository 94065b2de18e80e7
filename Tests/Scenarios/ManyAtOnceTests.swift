import Care
import CareTesting
import Foundation
@testable import Gateway
import GRDB
import Store
import Synchronization
import Testing

/// Thousands of records that end in one second keep no alarm waiting, and permit nothing meanwhile.
@Suite struct ManyAtOnceTests {
    private let count = 350

    /// Ada's permits for the street, all of which end at the same instant.
    private func ending(in length: String) throws -> Street {
        let street = try Street(permits: false)
        var draft = consent(to: ["circle:oak-street"], data: ["safety"])
        draft.until = length
        for _ in 0..<count { #expect(try street.gateway.say(.consentGrant(draft), as: "ada").outcome == .done) }
        return street
    }

    private func number(_ street: Street, _ sql: String) throws -> Int {
        try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite").read { try Int.fetchOne($0, sql: sql) ?? -1 }
    }

    @Test func `records that end in one second are written down over several turns, and permit nothing from that second on`() throws {
        let street = try ending(in: "1h")
        let gateway = street.gateway
        let expired = "SELECT count(*) FROM consentVersion WHERE state = 'expired'"
        gateway.clock.advance(.hours(1))
        try gateway.engine.catchUp(to: gateway.now)
        #expect(try number(street, expired) == Engine.consentsPerTurnMax)
        #expect(try #require(gateway.engine.nextWake) <= gateway.now, "The rest is done at once.")
        // Between two of those turns somebody calls for help: that is one turn, and nobody is told by what has ended.
        try gateway.engine.take(gateway.burst([(street.button, #"{"action":"emergency"}"#)]))
        #expect(try number(street, "SELECT count(*) FROM alert") == 1)
        #expect(try number(street, expired) <= 2 * Engine.consentsPerTurnMax)
        #expect(try number(street, "SELECT count(*) FROM disclosure WHERE recipient <> 'carla'") == 0)
        for _ in 0..<3 { try gateway.engine.catchUp(to: gateway.now) }
        #expect(try number(street, expired) == count)
        try gateway.settle()
        #expect(street.showing == ["carla"])
    }

    @Test func `what is left when the process ends is done after the start`() throws {
        let street = try ending(in: "1h")
        street.gateway.clock.advance(.hours(1))
        try street.gateway.engine.catchUp(to: street.gateway.now)
        try street.gateway.restart()
        try street.gateway.advance(.seconds(1))
        #expect(try number(street, "SELECT count(*) FROM consentVersion WHERE state = 'expired'") == count)
        #expect(try number(street, "SELECT count(*) FROM deadline WHERE key LIKE 'consent/%'") == 0)
    }

    @Test func `many words go some at a time, those about an alert first, each once`() throws {
        let street = try ending(in: "2d")
        let gateway = street.gateway
        let notices = "homes/elm-3/caring/notices"
        let before = gateway.outbound.published(to: notices).count
        gateway.isBrokerThere = false
        try gateway.advance(.days(1))
        #expect(try number(street, "SELECT count(*) FROM citizenWord") == count)
        gateway.isBrokerThere = true
        try gateway.engine.runOutbox()
        #expect(gateway.outbound.published(to: notices).count - before == Engine.wordsUnderWayMax, "The broker has answered nothing yet.")
        let turns = gateway.engine.counts.turns
        try gateway.settle()
        #expect(gateway.outbound.published(to: notices).count - before == count)
        #expect(gateway.engine.counts.turns - turns < 10, "What the broker has taken is written down together.")
        #expect(try number(street, "SELECT count(*) FROM citizenWord") == 0)
        try gateway.restart()
        #expect(gateway.outbound.published(to: notices).count - before == count)
    }

    @Test func `a turn within a turn ends the process and says what to do`() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let store = try Store(folder: FileManager.default.temporaryDirectory.appendingPathComponent("caring-nested-\(UUID().uuidString)").path)
            try store.turn { _ in try store.turn { _ in } }
        }
        let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(said.contains("A turn was begun while another one is open. Hand the open turn's `tx` on"), "\(said)")
    }
}

/// What is about two people is explained to each of them.
@Suite struct SharedDecisionTests {
    @Test func `why a decision about two people is told to each, without the other's records`() throws {
        let street = try Street(permits: false)
        let gateway = street.gateway
        try gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        #expect(try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: ["bob"], expected: nil), as: "ada").outcome == .done)
        try gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: "ada")
        try gateway.say(.consentGrant(consent(to: ["helper:maria"], data: ["safety"])), as: "bob")
        try street.press()
        let decision = try #require(try gateway.say(.whoSaw(citizen: nil, since: nil), as: "bob").items.first { $0["recipient"]?.string == "maria" }?["decision"]?.string)
        for (person, own, others) in [("ada", "c1", "c2"), ("bob", "c2", "c1")] {
            let reply = try gateway.say(.why(id: decision), as: person)
            #expect(reply.outcome == .done, "\(reply.say)")
            #expect(reply.say.contains { $0.hasPrefix("\(own): ") && $0.contains("may know") }, "\(reply.say)")
            #expect(!reply.say.contains { $0.contains("\(others)") } && !reply.items.contains { $0.text.contains("\"\(others)\"") }, "\(reply)")
        }
    }
}

/// Why an alert about two people was told, or was not.
@Suite struct SharedAlertTests {
    @Test func `why an alert about two people names to each only themselves and their own records`() throws {
        let street = try Street(permits: false)
        let gateway = street.gateway
        try gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Grey", uid: nil))
        try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: ["bob"], expected: nil), as: "ada")
        try gateway.say(.consentGrant(consent(to: ["circle:oak-street"], data: ["safety"])), as: "ada")  // c1
        try gateway.say(.consentGrant(consent(to: ["helper:maria", "helper:tom"], data: ["safety"])), as: "bob")  // c2
        try gateway.say(.consentRefuse(consent(to: ["helper:tom"], data: ["safety"])), as: "bob")  // c3
        try street.press()
        for (person, own, name, others, otherName) in [("ada", ["c1"], "Ada Brown", ["c2", "c3"], "Bob Grey"), ("bob", ["c2", "c3"], "Bob Grey", ["c1"], "Ada Brown")] {
            let reply = try gateway.say(.why(id: "a1"), as: person)
            let text = (reply.say + reply.items.map(\.text)).joined(separator: " ")
            #expect(own.allSatisfy { text.contains($0) } && text.contains(name), "\(reply.say)")
            #expect(!text.contains(otherName) && others.allSatisfy { !text.contains($0) }, "\(reply.say)")
        }
        let ada = try gateway.say(.why(id: "a1"), as: "ada")
        #expect(ada.say.contains { $0.hasPrefix("Tom Hill may not be told anything") && $0.contains("not everybody whom it is about permits it") }, "\(ada.say)")
        #expect(ada.say.contains { $0.hasPrefix("Uma Rao may not be told anything") && $0.contains("not everybody whom it is about permits it") }, "Refused or not permitted is the other's to know.")
    }
}

/// Answers that take long are worked out two at once; some more wait for their turn, and no more than that.
@Suite struct AsideTests {
    @Test func `what finds no place waits for one, and only when too many wait it is refused`() async {
        let aside = Aside()
        let gate = DispatchSemaphore(value: 0)
        let count = Aside.workMax + Aside.waitingMax
        let asked = Asked()
        await withTaskGroup(of: Reply.self) { group in
            for n in 0..<count {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        aside.perform(
                            {
                                gate.wait()
                                return Reply(say: ["\(n)"])
                            }, continuation)
                        asked.count.withLock { $0 += 1 }
                    }
                }
            }
            while asked.count.withLock({ $0 }) < count { await Task.yield() }
            let refused = await withCheckedContinuation { aside.perform({ Reply() }, $0) }
            #expect(refused.outcome == .failed && refused.say.first?.hasPrefix("Other answers are being worked out") == true)
            for _ in 0..<count { gate.signal() }
            var said: Set<String> = []
            for await reply in group { said.formUnion(reply.say) }
            #expect(said.count == count)
        }
        // There is room again.
        #expect(await withCheckedContinuation { aside.perform({ Reply(say: ["done"]) }, $0) }.say == ["done"])
    }
}

private final class Asked: Sendable {
    let count = Mutex(0)
}
