import Care
import CareTesting
import Foundation
import GRDB
import MQTT
import Notify
import Testing

/// From a pressed button to the words that ask somebody to come it is one commit, and still nothing goes out that is not
/// on disk, or not permitted at that moment.
@Suite struct OneCommitTests {
    /// A burst as the broker sends it, and nothing after it: the outbox has not run.
    private func take(_ street: Street, _ payloads: [(topic: String, payload: String)]) throws {
        var burst = Burst()
        for (topic, payload) in payloads {
            burst.append(topic: topic, payload: payload, arrivedAtMilliseconds: street.gateway.now.milliseconds, qos: 0)
        }
        try street.gateway.engine.take(burst)
    }

    private func press(_ street: Street) throws { try take(street, [(street.button, #"{"action":"emergency"}"#)]) }

    @Test func `a call for help takes one turn until it is offered`() throws {
        let street = try Street()
        let turns = street.gateway.engine.counts.turns
        try press(street)
        #expect(street.words.isEmpty, "Nothing goes out within a turn.")
        try street.gateway.engine.runOutbox()
        #expect(street.gateway.engine.counts.turns - turns == 1)
        #expect(street.showing == ["maria", "tom"])
        try street.gateway.settle()
        #expect(try street.told("maria") == ["sos alert asked queued", "sos alert asked sent"])
    }

    @Test func `each word takes one turn, the one that ends it included`() throws {
        let street = try Street()
        try street.press()
        let turns = street.gateway.engine.counts.turns
        try take(street, [("helpers/maria/answers", #"{"alert":"a1","answer":"accept"}"#)])
        try street.gateway.engine.runOutbox()
        #expect(street.gateway.engine.counts.turns - turns == 1)
        #expect(street.showing == ["maria"])
        #expect(try street.card("maria")?["stage"]?.string == "accepted")
    }

    @Test func `a call and its cancelling in one burst ask nobody`() throws {
        let street = try Street()
        try take(
            street,
            [(street.button, #"{"action":"emergency"}"#), ("homes/elm-3/caring/answers", #"{"alert":"a1","answer":"cancel"}"#)])
        try street.gateway.settle()
        #expect(street.words.isEmpty)
        #expect(try street.told("maria").last == "sos alert asked cancelled")
    }

    @Test(arguments: [true, false])
    func `a turn that comes between is decided with`(isWithdrawn: Bool) throws {
        let street = try Street()
        try press(street)
        // The attempt is on disk, the words have not gone. Whatever happens now happens before them.
        if isWithdrawn {
            #expect(street.gateway.sayOnly(.consentWithdraw(id: "c1"), as: "ada").outcome == .done)
        } else {
            try take(street, [("homes/elm-3/caring/answers", #"{"alert":"a1","answer":"cancel"}"#)])
        }
        try street.gateway.settle()
        #expect(!street.words.contains { $0.hasPrefix("helpers/maria") || $0.hasPrefix("helpers/tom") })
        #expect(try street.told("maria") == ["sos alert asked queued", "sos alert asked cancelled"])
    }

    @Test func `a turn that changes nothing costs no attempt`() throws {
        let street = try Street()
        try press(street)
        for _ in 0..<20 { try take(street, [("homes/elm-3/zigbee2mqtt/kettle", #"{"power":1}"#)]) }
        try street.gateway.settle()
        #expect(street.showing == ["maria", "tom"])
        let notices = try street.gateway.read { try $0.notices(of: AlertID(1)) }.filter { $0.person == "maria" }
        #expect(notices.map(\.attempts) == [1])
        #expect(notices.map(\.state) == [.sent])
        #expect(try street.told("maria") == ["sos alert asked queued", "sos alert asked sent"])
    }

    @Test func `a commit that fails sends nothing`() throws {
        let street = try Street()
        street.gateway.storeProblem = .diskFull
        #expect(throws: (any Error).self) { try press(street) }
        #expect(throws: Never.self) { try street.gateway.engine.runOutbox() }
        #expect(street.words.isEmpty && street.showing.isEmpty)
        street.gateway.storeProblem = nil
        try press(street)
        try street.gateway.settle()
        #expect(street.showing == ["maria", "tom"])
        #expect(try street.alert().id == AlertID(1), "The first was put back whole.")
    }

    /// Something is wrong with one notice, and not with the disk: neither the alarm nor the others are lost for it.
    @Test func `a notice that cannot be made keeps its alert, is tried again, and holds up no other`() throws {
        let street = try Street()
        let database = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        try database.write {
            try $0.execute(
                sql: "CREATE TRIGGER poison BEFORE UPDATE ON notice WHEN NEW.body LIKE '%maria%' AND NEW.state = 'attempted' BEGIN SELECT RAISE(ABORT, 'poison'); END")
        }
        try press(street)
        try street.gateway.settle()
        #expect(street.showing == ["tom"])
        #expect(try street.gateway.read { try $0.quarantined(limit: 10) }.isEmpty, "The button is not to blame.")
        try database.write { try $0.execute(sql: "DROP TRIGGER poison") }
        try street.gateway.advance(.minutes(1))
        #expect(street.showing == ["maria", "tom"])
    }

    @Test func `after a crash between commit and send it is sent by the next start`() throws {
        let street = try Street()
        try press(street)
        #expect(street.words.isEmpty)
        try street.gateway.restart()
        #expect(street.showing == ["maria", "tom"])
        #expect(try street.told("maria") == ["sos alert asked queued", "sos alert asked sent"])
    }

    @Test func `what the connection was lost before is decided when it is back`() throws {
        let street = try Street()
        try press(street)
        street.gateway.isBrokerThere = false
        try street.gateway.settle()
        #expect(street.words.isEmpty)
        try street.gateway.say(.consentWithdraw(id: "c1"), as: "ada")
        street.gateway.isBrokerThere = true
        try street.gateway.settle()
        #expect(!street.words.contains { $0.hasPrefix("helpers/maria") })
        #expect(try street.told("maria") == ["sos alert asked queued", "sos alert asked cancelled"])
    }

    @Test func `what the broker does not take is tried again later`() throws {
        let street = try Street()
        street.gateway.outbound.refusesPublications = true
        try press(street)
        try street.gateway.settle()
        #expect(street.words.isEmpty)
        street.gateway.outbound.refusesPublications = false
        try street.gateway.advance(.seconds(4))
        #expect(street.words.isEmpty)
        try street.gateway.advance(.seconds(2))
        #expect(street.showing == ["maria", "tom"])
        #expect(try street.gateway.read { try $0.notices(of: AlertID(1)) }.filter { $0.person == "maria" }.map(\.attempts) == [2])
    }
}
