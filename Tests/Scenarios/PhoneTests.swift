import Care
import CareTesting
import Foundation
import Notify
import Testing

/// Channels that fail: tried again with a limit, then the next helper.
@Suite struct PhoneTests {
    /// An hour to answer, so that the limit of attempts comes before the limit of time.
    private func patientStreet() throws -> Street {
        try Street(rules: Street.rules.replacingOccurrences(of: "wait: 2m", with: "wait: 1h"), phone: "http://phone.example/maria")
    }

    @Test func `a phone is told the sentence and nothing that consent does not permit`() throws {
        let street = try patientStreet()
        try street.press()
        let message = try #require(street.gateway.outbound.posts.first?.message)
        #expect(message.title == "Sos in Oak Street")
        #expect(message.priority == 5)
        #expect(message.message.contains("Someone has pressed their alarm button."))
        #expect(message.message.contains("call 112"))
        #expect(!message.message.contains("Ada") && !message.message.contains("Elm"))
        #expect(try street.told("maria") == ["sos alert asked queued", "sos alert asked queued", "sos alert asked sent", "sos alert asked sent"])
    }

    @Test func `after eight failures on every channel the next helper is asked`() throws {
        let street = try patientStreet()
        street.gateway.outbound.phoneOutcome = .failed("no route")
        street.gateway.outbound.refusesPublications = true
        try street.press()
        // 5 + 10 + 20 + 40 + 80 + 160 + 320 seconds between eight attempts.
        try street.gateway.advance(.seconds(635) - .milliseconds(1))
        #expect(street.gateway.outbound.posts.count == 7)
        #expect(try street.open() == ["maria", "tom"])
        try street.gateway.advance(.milliseconds(1))
        #expect(street.gateway.outbound.posts.count == 8)
        #expect(try street.open() == ["uma"])
        #expect(try street.alert().offer(to: "maria")?.state == .unreachable)
        street.gateway.outbound.refusesPublications = false
        try street.gateway.advance(.seconds(5))
        #expect(street.showing == ["uma"])
        let told = try street.told("maria")
        #expect(told == Array(repeating: "sos alert asked queued", count: 2) + Array(repeating: "sos alert asked cancelled", count: 2), "Each word that was not sent is cancelled once.")
    }

    @Test func `a phone that fails is no reason to ask the next one while the client shows the alert`() throws {
        let street = try patientStreet()
        street.gateway.outbound.phoneOutcome = .failed("no route")
        try street.press()
        try street.gateway.advance(.minutes(30))
        #expect(street.gateway.outbound.posts.count == 8)
        #expect(street.showing == ["maria", "tom"])
        #expect(try street.open() == ["maria", "tom"])
    }

    @Test func `a phone's server that will not take it is not asked again`() throws {
        let street = try patientStreet()
        street.gateway.outbound.phoneOutcome = .refused(status: 404)
        try street.press()
        try street.gateway.advance(.minutes(30))
        #expect(street.gateway.outbound.posts.count == 1)
    }

    @Test func `a phone is told that its owner is not needed any more, and who declined is left in peace`() throws {
        let street = try patientStreet()
        try street.press()
        try street.answer("tom", "accept")
        #expect(street.gateway.outbound.posts.last?.message.title == "Thank you")
        #expect(street.gateway.outbound.posts.count == 2)
        let other = try patientStreet()
        try other.press()
        try other.answer("maria", "decline")
        #expect(other.gateway.outbound.posts.count == 1)
    }

    @Test func `an attempt that fails once is sent the next time, and the permit is asked for again`() throws {
        let street = try patientStreet()
        street.gateway.outbound.phoneOutcome = .failed("no route")
        try street.press()
        street.gateway.outbound.phoneOutcome = .delivered
        try street.gateway.advance(.seconds(5))
        #expect(street.gateway.outbound.posts.count == 2)
        let other = try patientStreet()
        other.gateway.outbound.phoneOutcome = .failed("no route")
        try other.press()
        try other.gateway.say(.consentWithdraw(id: "c1"), as: "ada")
        other.gateway.outbound.phoneOutcome = .delivered
        try other.gateway.advance(.minutes(10))
        #expect(other.gateway.outbound.posts.count == 1, "The attempt that failed was the last.")
    }
}
