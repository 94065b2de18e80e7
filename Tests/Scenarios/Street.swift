import Audit
import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// Oak Street: Ada in elm-3 with an alarm button, Maria, Tom and Uma who live ever farther away, Vera who is in no
/// circle, and Carla who coordinates. Ada lets them know *that* something happened, and who and where she is only
/// once somebody has accepted.
struct Street {
    let gateway: TestGateway
    let button = "homes/elm-3/zigbee2mqtt/hall button"

    static let rules = """
        rules:
          sos: {event: sos, category: safety, purpose: emergency-response, severity: Extreme, urgency: Immediate, certainty: Observed, kind: sos, say: Someone has pressed their alarm button.}
          still: {absence: activity, for: 12h, category: safety, purpose: emergency-response, severity: Severe, urgency: Expected, certainty: Possible, kind: no movement, say: Nobody has been seen moving for twelve hours.}
        plans:
          standard:
            steps:
              - {who: own-circle, on_duty_only: true, at_once: 2, wait: 2m}
              - {who: everyone-permitted, at_once: 4, wait: 3m}
              - {who: coordinators, at_once: 8, wait: 5m}
            arrive_within: 30m
            resolve_within: 2h
        """

    /// - Parameters:
    ///   - permits: Ada's two permits, c1 (that something happened) and c2 (who and where, once accepted).
    ///   - phone: Maria's address for messages to her phone.
    init(
        rules: String = Self.rules, permits: Bool = true, phone: String? = nil, settings: GatewayConfiguration = GatewayConfiguration(),
        auditKey: AuditKey? = nil
    ) throws {
        gateway = try TestGateway(rules: rules, settings: settings, auditKey: auditKey)
        try gateway.say(.circleAdd(circle: "oak-street", title: "Oak Street"))
        try gateway.say(
            .homeAdd(home: "elm-3", circle: "oak-street", zone: "Europe/London", address: "3 Elm Road", latitude: 51.5, longitude: -0.2))
        try gateway.say(.citizenAdd(citizen: "ada", home: "elm-3", name: "Ada Brown", uid: nil))
        for (n, (helper, name)) in [("maria", "Maria Lopez"), ("tom", "Tom Hill"), ("uma", "Uma Rao"), ("vera", "Vera Lind")].enumerated() {
            try gateway.say(
                .helperAdd(
                    helper: helper, name: name, circles: helper == "vera" ? [] : ["oak-street"], uid: nil, latitude: 51.5 + Double(n + 1) / 1_000,
                    longitude: -0.2, hours: [], ntfy: helper == "maria" ? phone : nil))
        }
        try gateway.say(.coordinatorAdd(coordinator: "carla", name: "Carla Stone", uid: nil, ntfy: nil))
        try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/hall button", citizens: [], expected: nil), as: "ada")
        guard permits else { return }
        try gateway.say(.consentGrant(consent(to: ["circle:oak-street", "helper:vera"], data: ["safety"])), as: "ada")
        try gateway.say(.consentGrant(consent(to: ["circle:oak-street", "helper:vera"], data: ["identity"], stage: "accepted")), as: "ada")
    }

    func press() throws { try gateway.publish(button, #"{"action":"emergency"}"#) }

    func answer(_ helper: String, _ answer: String, alert: String = "a1", note: String? = nil) throws {
        let note = note.map { #","note":"\#($0)""# } ?? ""
        try gateway.publish("helpers/\(helper)/answers", #"{"alert":"\#(alert)","answer":"\#(answer)"\#(note)}"#)
    }

    /// The only card that this person's client shows; nil when it shows none.
    func card(_ person: String) throws -> JSON? {
        let shown = gateway.outbound.shown(to: person)
        #expect(shown.count <= 1)
        return try shown.first.map { try JSONDecoder().decode(JSON.self, from: Data($0.utf8)) }
    }

    /// Whose clients show something now.
    var showing: [String] { ["maria", "tom", "uma", "vera", "carla"].filter { !gateway.outbound.shown(to: $0).isEmpty } }

    func alert(_ number: Int64 = 1) throws -> Alert { try #require(try gateway.read { try $0.alert(AlertID(number)) }) }

    func open() throws -> [String] { try alert().offers.filter { $0.state == .open }.map(\.person.name) }

    /// "12 s  accepted maria", by the time since `start`.
    func history(since start: Instant, alert: Int64 = 1) throws -> [String] {
        try gateway.read { try $0.history(of: AlertID(alert)) }.map {
            "\(($0.at - start).milliseconds / 1_000) s  \($0.what.rawValue)\($0.person.map { " \($0)" } ?? "")"
        }
    }

    /// "sos alert asked queued": what the log says that this person was told of, in its order.
    func told(_ person: String, alert: Int64 = 1) throws -> [String] {
        try gateway.read { try $0.disclosures(ofAlert: AlertID(alert)) }.filter { $0.recipient.name == person }
            .map { "\($0.data) \($0.detail.name) \($0.stage?.name ?? "-") \($0.state.rawValue)" }
    }

    /// All that went to people's clients and was no clearing.
    var words: [String] {
        gateway.outbound.publications.filter { $0.topic.hasPrefix("helpers/") && !$0.payload.isEmpty }.map { "\($0.topic) \($0.payload)" }
    }
}

/// For the purpose of emergency response, unless it says otherwise.
func consent(
    to recipients: [String], data: [String], detail: String? = nil, stage: String? = nil, until: String? = nil
) -> ConsentDraft {
    ConsentDraft(
        citizen: nil, to: recipients, purposes: ["emergency-response"], data: data, detail: detail, stage: stage, hours: [], from: nil,
        until: until)
}

/// A reading's value as a number; true is 1.
func number(_ value: JSON?) -> Double? {
    switch value {
    case .int(let n): Double(n)
    case .double(let n): n
    case .bool(let b): b ? 1 : 0
    default: nil
    }
}
