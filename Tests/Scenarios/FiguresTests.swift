import Care
import CareTesting
import Foundation
import GRDB
import Logging
import MQTT
import Testing

@testable import Gateway

/// What the turns let be known of themselves.
@Suite struct FiguresTests {
    private let registry = PrometheusRegistry(describing: GatewayMetrics.descriptions)
    private let home = HomeHash()
    private let metrics: GatewayMetrics
    init() { metrics = GatewayMetrics(home: home, factory: registry) }

    /// As the running service takes a burst; each reading of its clock is two milliseconds later.
    private func take(_ messages: [(topic: String, payload: String)], _ street: Street) throws {
        var burst = Burst()
        for message in messages {
            burst.append(topic: message.topic, payload: Array(message.payload.utf8), arrivedAtMilliseconds: street.gateway.now.milliseconds)
        }
        var clock: Int64 = 0
        try street.gateway.engine.take(burst, measuredBy: metrics) {
            clock += 2_000_000
            return clock
        }
    }

    private func figures(_ street: Street) -> GatewayFigures { street.gateway.engine.figures(at: street.gateway.now) }

    @Test func `what waited at the broker is counted up to the marker and no further`() throws {
        let street = try Street()
        let engine = street.gateway.engine
        let press = (street.button, #"{"action":"emergency"}"#)
        try take([press], street)
        #expect(figures(street).backlogMessages == 0 && !figures(street).isTakingBacklog)

        engine.disconnected()
        engine.noteConnected(sessionPresent: true)
        #expect(figures(street).isTakingBacklog)
        try take([press, press], street)
        try take([press, (Engine.markerTopic, engine.markerPayload), press, press, press], street)
        #expect(figures(street).backlogMessages == 3 && !figures(street).isTakingBacklog)
        try take([press], street)
        #expect(figures(street).backlogMessages == 3)

        engine.disconnected()
        #expect(!figures(street).isConnected && !figures(street).isTakingBacklog)
        engine.noteConnected(sessionPresent: true)
        try take([press], street)
        #expect(figures(street).backlogMessages == 4 && figures(street).backlogMessagesThisTime == 1)
        #expect(figures(street).reconnects == 2 && figures(street).sessionsLost == 0)
    }

    @Test func `a burst that cannot be kept is withheld until one can`() throws {
        let street = try Street()
        let press = (street.button, #"{"action":"emergency"}"#)
        street.gateway.storeProblem = .inputOutput
        let began = street.gateway.now
        #expect(throws: (any Error).self) { try take([press, press, press], street) }
        street.gateway.clock.advance(.minutes(4))
        #expect(throws: (any Error).self) { try take([press], street) }
        var figures = figures(street)
        #expect(figures.withheldMessages == 3 && figures.oldestUnacknowledged == began && figures.turnsFailed == 2)
        #expect(figures.lastBurst == nil)
        metrics.take(figures)
        var read = try PrometheusText(registry.text())
        #expect(try read.value("caring_acknowledgements_withheld") == 1)
        #expect(try read.value("caring_oldest_unacknowledged_seconds") == 240)
        #expect(try read.value("caring_turns_failed_total") == 2)
        #expect(try read.value("caring_burst_messages_count") == 0)
        let status = try street.gateway.say(.status, as: "carla")
        #expect(status.say.contains { $0.hasPrefix("3 messages were not acknowledged") && $0.hasSuffix("The oldest message has waited for 4 minutes.") })
        #expect(status.items.first?["withheld"] == .int(3) && status.items.first?["oldestUnacknowledgedAt"] == .string(began.iso))

        street.gateway.storeProblem = nil
        try take([press, press, press], street)
        figures = self.figures(street)
        #expect(figures.withheldMessages == 0 && figures.oldestUnacknowledged == nil)
        metrics.take(figures)
        read = try PrometheusText(registry.text())
        #expect(try read.value("caring_acknowledgements_withheld") == 0)
        #expect(try read.value("caring_burst_messages_sum") == 3)
        #expect(try read.value("caring_turn_seconds_sum") == 0.002)
        let commit = try #require(try read.value("caring_commit_seconds_sum"))
        #expect(commit > 0 && commit < 60, "The real disk took it.")
        #expect(try street.gateway.say(.status, as: "carla").items.first?["turnsFailed"] == .int(2))
    }

    @Test func `what is refused to a person is no failed turn`() throws {
        let street = try Street()
        #expect(try street.gateway.say(.homeAdd(home: "elm-3", circle: nil, zone: nil, address: nil, latitude: nil, longitude: nil)).outcome == .failed)
        #expect(try street.gateway.say(.alertCancel(alert: "a99", note: nil), as: "ada").outcome != .done)
        #expect(figures(street).turnsFailed == 0)
    }

    @Test func `a deadline that runs late is known for a minute`() throws {
        let street = try Street()
        try street.press()
        let engine = street.gateway.engine
        let due = try #require(engine.nextWake)
        engine.noteLateness(at: due)
        #expect(figures(street).deadlinesLate == .zero, "In time is not late.")
        let present = due + .seconds(7)
        engine.noteLateness(at: present)
        try engine.catchUp(to: present)
        engine.noteLateness(at: present)
        #expect(engine.figures(at: present + .seconds(50)).deadlinesLate == .seconds(7))
        #expect(engine.figures(at: present + .seconds(61)).deadlinesLate == .zero)
    }

    @Test func `how many there are of everything`() throws {
        let street = try Street()
        try street.press()
        let figures = figures(street)
        #expect(figures.homes == 1 && figures.devices == 1 && figures.openAlerts == 1 && figures.deadlines > 0)
        #expect(figures.databaseBytes > 4_096 && (figures.diskFreeBytes ?? 0) > 0)
        street.gateway.isBrokerThere = false
        let queuedAt = street.gateway.now
        try street.gateway.say(.alertCancel(alert: "a1", note: nil), as: "ada")
        #expect(self.figures(street).outboxWaiting > 0 && self.figures(street).outboxOldest == queuedAt)
    }

    @Test func `no name of a home, a person or a device is in the text`() throws {
        let street = try Street()
        try street.press()
        try take([(street.button, #"{"action":"emergency"}"#), ("homes/elm-3/zigbee2mqtt/unclaimed lamp", "{}")], street)
        var figures = figures(street)
        figures.thinnedByHome["elm-3"] = 5
        metrics.take(figures)
        #expect(try PrometheusText(registry.text()).value("caring_thinned_readings_total", ["home": home("elm-3")]) == 5)
        // Twelve digits of chance could spell "ada".
        let text = registry.text().replacing(#/home="[0-9a-f]{12}"/#, with: "")
        for name in ["elm", "ada", "maria", "tom", "carla", "oak-street", "hall", "zigbee", "lamp", "Ada", "Brown", "Elm Road"] {
            #expect(!text.split(separator: "\n").contains { !$0.hasPrefix("#") && $0.contains(name) }, "\(name)")
        }
    }
}
