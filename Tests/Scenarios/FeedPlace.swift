import Care
import CareTesting
import Foundation
import Gateway
import Store
import Testing

/// A home in London with Ada and Ben, a heart-rate sensor of Ada's, a scale that tells times of its own, and services that may be shared with.
struct FeedPlace {
    let gateway: TestGateway
    let heart = "homes/elm-3/vitals/heart-rate"
    let scale = "homes/elm-3/senml/scale"

    static let rules = """
        rules:
          sos: {event: sos, category: safety, purpose: emergency-response, severity: Extreme, urgency: Immediate, certainty: Observed, kind: sos, say: Someone has pressed their alarm button.}
        plans:
          standard:
            steps:
              - {who: coordinators, at_once: 8, wait: 5m}
            arrive_within: 30m
            resolve_within: 2h
        """

    init(at start: String = "2026-11-18T10:00:00Z", settings: GatewayConfiguration = GatewayConfiguration()) throws {
        gateway = try TestGateway(rules: Self.rules, at: try #require(Instant(iso: start)), settings: settings)
        try gateway.say(.homeAdd(home: "elm-3", circle: nil, zone: "Europe/London", address: nil, latitude: nil, longitude: nil))
        try gateway.say(.citizenAdd(citizen: "ada", home: "elm-3", name: "Ada Brown", uid: nil))
        try gateway.say(.citizenAdd(citizen: "ben", home: "elm-3", name: "Ben Blue", uid: nil))
        try gateway.say(.serviceAdd(service: "clinic", name: "the clinic", uid: nil))
        try gateway.say(.serviceAdd(service: "council", name: "the council", uid: nil))
        for device in ["vitals/heart-rate", "senml/scale"] { try claim(device, ["ada"]) }
    }

    func claim(_ device: String, _ citizens: [String]) throws {
        let reply = try gateway.say(.deviceClaim(home: nil, device: device, citizens: citizens, expected: nil), as: citizens[0])
        #expect(reply.outcome == .done, "\(reply.say)")
    }

    static func draft(
        _ data: [String] = ["heart_rate"], to service: String = "clinic", detail: String = "readings", purpose: String = "daily-support", hours: [String] = [],
        until: String? = nil
    ) -> ConsentDraft {
        ConsentDraft(citizen: nil, to: ["service:\(service)"], purposes: [purpose], data: data, detail: detail, stage: nil, hours: hours, from: nil, until: until)
    }

    /// - Returns: the record's id.
    @discardableResult
    func grant(_ draft: ConsentDraft = Self.draft(), as person: String = "ada") throws -> String {
        let reply = try gateway.say(.consentGrant(draft), as: person)
        return try #require(reply.items.first?["consent"]?.string, "\(reply.say)")
    }

    func beat(_ rate: Double) throws { try gateway.publish(heart, "\(rate)") }

    func weigh(_ kilograms: Double, at: Instant) throws {
        try gateway.publish(scale, #"[{"n":"weight","u":"kg","v":\#(kilograms),"t":\#(at.milliseconds / 1_000)}]"#)
    }

    /// What was published, newest last.
    func published(_ quantity: String = "heart_rate", to service: String = "clinic", about citizen: String = "ada") throws -> [JSON] {
        try gateway.outbound.published(to: "shared/\(service)/\(citizen)/\(quantity)").map { try JSONDecoder().decode(JSON.self, from: Data($0.utf8)) }
    }
    func values(_ quantity: String = "heart_rate", to service: String = "clinic", about citizen: String = "ada") throws -> [Double] {
        try published(quantity, to: service, about: citizen).compactMap { number($0["value"]) }
    }

    func token(_ service: String = "clinic") throws -> String {
        try #require(try gateway.say(.service(.token(service: service, end: false))).items.first?["token"]?.string)
    }
    func fetch(_ token: String, _ quantity: String = "heart_rate", service: String = "clinic", citizen: String = "ada", after: String? = nil, limit: String? = nil, since: String? = nil) throws -> Reply {
        // Nobody of this machine.
        gateway.engine.perform(
            .service(.fetch(FeedQuery(service: service, citizen: citizen, quantity: quantity, since: since, after: after, limit: limit, token: token))),
            by: Caller(uid: .max), operatorUIDs: [0])
    }
    /// Values of a page, and where the next begins.
    func page(_ token: String, _ quantity: String = "heart_rate", after: String? = nil, limit: String? = nil) throws -> (values: [Double], next: String?) {
        let reply = try fetch(token, quantity, after: after, limit: limit)
        #expect(reply.outcome == .done, "\(reply.say)")
        return (reply.items.compactMap { number($0["value"]) }, reply.items.last?["next"]?.string)
    }

    var shared: [String] { gateway.outbound.publications.filter { $0.topic.hasPrefix("shared/") }.map(\.topic) }
    func instant(_ text: String) throws -> Instant { try #require(Instant(iso: text)) }
    func whoSaw(_ person: String = "ada") throws -> [String] { try gateway.say(.whoSaw(citizen: nil, since: nil), as: person).say }
}
