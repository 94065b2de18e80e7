import Care
import CareTesting
import CoreMetrics
import Foundation
import Logging
import Testing

@testable import Gateway

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite struct GatewayMetricsTests {
    private let start = Instant(milliseconds: 1_795_000_000_000)

    private func made(_ home: HomeHash = HomeHash(), clock: ManualClock? = nil) -> (PrometheusRegistry, GatewayMetrics) {
        let registry = PrometheusRegistry(describing: GatewayMetrics.descriptions)
        return (registry, GatewayMetrics(home: home, factory: registry, clock: clock ?? ManualClock(start)))
    }

    @Test func everyMetricIsThereFromTheStart() throws {
        let (registry, _) = made()
        let read = try PrometheusText(registry.text())
        // These come with their first label.
        let labelled: Set = ["caring_thinned_readings_total", "caring_degraded"]
        let described = Set(GatewayMetrics.descriptions.map(\.name))
        #expect(Set(read.types.keys) == described.subtracting(labelled).union(["caring_metrics_dropped_total"]))
        for name in read.types.keys { #expect(read.helps[name]?.hasSuffix(".") == true, "\(name)") }
        #expect(try read.value("process_start_time_seconds") == 1_795_000_000)
    }

    @Test func countersTakeOverTheDifferenceAndGaugesTheValue() throws {
        let (registry, metrics) = made()
        var figures = GatewayFigures(at: start)
        figures.counts.messages = 100
        figures.counts.readings = 300
        figures.isConnected = true
        figures.connections = 1
        figures.oldestUnacknowledged = start - .seconds(90)
        figures.withheldMessages = 7
        figures.diskFreeBytes = 5_000
        metrics.take(figures)
        figures.at = start + .seconds(1)
        figures.counts.messages = 150
        figures.connections = 3
        figures.isConnected = false
        figures.diskFreeBytes = nil
        metrics.take(figures)
        metrics.take(figures)
        var read = try PrometheusText(registry.text())
        #expect(try read.value("caring_messages_total") == 150)
        #expect(try read.value("caring_readings_total") == 300)
        #expect(try read.value("caring_reconnects_total") == 2)
        #expect(try read.value("caring_connected") == 0)
        #expect(try read.value("caring_acknowledgements_withheld") == 1)
        #expect(try read.value("caring_acknowledgements_withheld_messages") == 7)
        #expect(try read.value("caring_oldest_unacknowledged_seconds") == 91)
        #expect(try read.value("caring_disk_free_bytes") == 5_000, "What is not known stays.")
        figures.withheldMessages = 0
        figures.oldestUnacknowledged = nil
        metrics.take(figures)
        read = try PrometheusText(registry.text())
        #expect(try read.value("caring_acknowledgements_withheld") == 0)
        #expect(try read.value("caring_oldest_unacknowledged_seconds") == 0)
    }

    @Test func eachFigureHasItsOwnMetric() throws {
        // A row that was copied and not changed would show the wrong figure.
        var figures = GatewayFigures(at: start)
        figures.counts.messages = 11
        figures.counts.readings = 12
        figures.counts.readingsKnown = 13
        figures.counts.redelivered = 14
        figures.counts.undecodable = 15
        figures.counts.retained = 16
        figures.counts.repeated = 33
        figures.turnsFailed = 17
        figures.backlogMessages = 18
        figures.connections = 20
        figures.sessionsLost = 20
        figures.quarantined = 21
        figures.outboxWaiting = 22
        figures.outboxOldest = start - .seconds(23)
        figures.deadlines = 24
        figures.deadlinesLate = .seconds(25)
        figures.openAlerts = 26
        figures.homes = 27
        figures.devices = 28
        figures.databaseBytes = 29
        figures.diskFreeBytes = 30
        figures.withheldMessages = 31
        figures.oldestUnacknowledged = start - .seconds(32)
        let (registry, metrics) = made()
        metrics.take(figures)
        let read = try PrometheusText(registry.text())
        for (name, value) in [
            ("messages_total", 11), ("readings_total", 12), ("readings_known_total", 13), ("redelivered_total", 14), ("undecodable_total", 15),
            ("retained_total", 16), ("repeated_total", 33), ("turns_failed_total", 17), ("backlog_messages_total", 18), ("reconnects_total", 19),
            ("sessions_lost_total", 20), ("quarantined_total", 21), ("outbox_waiting", 22), ("outbox_oldest_seconds", 23), ("deadlines", 24),
            ("deadlines_late_seconds", 25), ("open_alerts", 26), ("homes", 27), ("devices", 28), ("database_bytes", 29), ("disk_free_bytes", 30),
            ("acknowledgements_withheld_messages", 31), ("oldest_unacknowledged_seconds", 32), ("connected", 0), ("backlog", 0),
        ] as [(String, Double)] { #expect(try read.value("caring_" + name) == value, "\(name)") }
        figures.isConnected = true
        metrics.take(figures)
        #expect(try PrometheusText(registry.text()).value("caring_connected") == 1)
        figures.isConnected = false
        figures.isTakingBacklog = true
        metrics.take(figures)
        #expect(try PrometheusText(registry.text()).value("caring_backlog") == 1)
        #expect(try PrometheusText(registry.text()).value("caring_connected") == 0)
    }

    @Test func burstsAreRecordedOneByOne() throws {
        let (registry, metrics) = made()
        metrics.note(BurstFigures(at: start, messages: 1, turnNanoseconds: 3_000_000, commitNanoseconds: 2_000_000))
        metrics.note(BurstFigures(at: start, messages: 16_384, turnNanoseconds: 400_000_000, commitNanoseconds: 90_000_000))
        let read = try PrometheusText(registry.text())
        #expect(try read.value("caring_burst_messages_sum") == 16_385)
        #expect(try read.value("caring_burst_messages_bucket", ["le": "4096"]) == 1)
        #expect(try read.value("caring_turn_seconds_sum") == 0.403)
        #expect(try read.value("caring_commit_seconds_bucket", ["le": "0.1"]) == 2)
        #expect(try read.value("caring_commit_seconds_bucket", ["le": "0.05"]) == 1)
    }

    @Test func theAgeOfTheLastPassGrowsWhileItHangs() throws {
        let clock = ManualClock(start)
        let (registry, metrics) = made(clock: clock)
        clock.advance(.seconds(42))
        metrics.refresh()
        let read = try PrometheusText(registry.text())
        #expect(try read.value("caring_pass_age_seconds") == 42)
        #expect((try read.value("process_resident_memory_bytes") ?? 0) > 1_000_000)
    }

    @Test func aReasonIsOverWhenAnotherOrNoneHolds() throws {
        let (registry, metrics) = made()
        var figures = GatewayFigures(at: start)
        func take(_ reason: String?) throws -> [String: Double] {
            figures.degraded = reason
            metrics.take(figures)
            let read = try PrometheusText(registry.text())
            return Dictionary(uniqueKeysWithValues: read.samples.filter { $0.name == "caring_degraded" }.map { ($0.labels["reason"] ?? "", $0.value) })
        }
        #expect(try take(nil) == [:])
        #expect(try take("the disk is full") == ["the disk is full": 1])
        #expect(try take("the disk is read-only") == ["the disk is full": 0, "the disk is read-only": 1])
        #expect(try take(nil) == ["the disk is full": 0, "the disk is read-only": 0])
        for number in 0..<100 { _ = try take("reason \(number)") }
        let many = try take("yet another")
        #expect(many.count == GatewayMetrics.reasonsMax + 1 && many["other"] == 1 && many["yet another"] == nil)
    }

    // MARK: Homes

    @Test func aHomeIsCalledTheSameInOneFolderAndElsewhereOtherwise() throws {
        let (here, there) = (try ScratchFolder(), try ScratchFolder())
        let first = HomeHash(folder: here.path, log: quiet)
        let again = HomeHash(folder: here.path, log: quiet)
        let elsewhere = HomeHash(folder: there.path, log: quiet)
        for home in ["elm-3", "oak-1", "a"] as [HomeID] {
            let name = first(home)
            #expect(name.count == 12 && name.allSatisfy { $0.isHexDigit && !$0.isUppercase }, "\(name)")
            #expect(again(home) == name)
            #expect(elsewhere(home) != name)
            #expect(!name.contains(home.name) || home.name == "a")
        }
        #expect(first("elm-3") != first("elm-4"))
        let mode = try FileManager.default.attributesOfItem(atPath: here.path + "/metrics-key")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test(arguments: ["", "zz", String(repeating: "+f", count: 32), String(repeating: "ab", count: 31), "\u{0}\u{FFFF}"])
    func aDamagedKeyIsMadeAnew(kept: String) throws {
        let folder = try ScratchFolder()
        try folder.write(kept, to: "metrics-key")
        let made = HomeHash(folder: folder.path, log: quiet)
        #expect(HomeHash(folder: folder.path, log: quiet)("elm-3") == made("elm-3"))
        #expect(try String(contentsOfFile: folder.path + "/metrics-key", encoding: .utf8).count == 65)
    }

    @Test func withoutAFolderThatCanBeWrittenToItGoesOn() throws {
        let home = HomeHash(folder: "/proc/nowhere", log: quiet)
        #expect(home("elm-3").count == 12)
    }

    @Test func ofAHundredHomesEachHasALabelAndTheRestHasOne() throws {
        let hash = HomeHash()
        let (registry, metrics) = made(hash)
        var figures = GatewayFigures(at: start)
        for number in 0..<150 { figures.thinnedByHome[HomeID("house-\(String(format: "%03d", number))")] = 2 }
        metrics.take(figures)
        figures.thinnedByHome["house-000"] = 12
        figures.thinnedByHome["house-149"] = 7
        figures.thinnedByHome["house-001"] = nil
        metrics.take(figures)
        metrics.take(figures)
        let text = registry.text()
        let read = try PrometheusText(text)
        #expect(read.samples.count { $0.name == "caring_thinned_readings_total" } == 101)
        #expect(try read.value("caring_thinned_readings_total", ["home": hash("house-000")]) == 12)
        #expect(try read.value("caring_thinned_readings_total", ["home": hash("house-001")]) == 2)
        #expect(try read.value("caring_thinned_readings_total", ["home": "other"]) == 105)
        #expect(!text.contains("house"))
    }

    // MARK: The table for people

    @Test func theTableInTheDocumentsIsThisOne() throws {
        let text = try String(contentsOfFile: "\(repository)/docs/metrics.md", encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
        let (registry, _) = made()
        let types = try PrometheusText(registry.text()).types
        var found: [String: String] = [:]
        for row in rows where row.count == 3 {
            let name = row[0].replacing("`", with: "").prefix { $0 != "{" }
            found[String(name)] = row[2]
            if let type = types[String(name)] { #expect(row[1] == type, "\(name)") }
        }
        var expected = Dictionary(uniqueKeysWithValues: GatewayMetrics.descriptions.map { ($0.name, $0.help) })
        expected["caring_metrics_dropped_total"] = "Metrics that were not taken up, for want of room or of a free name."
        #expect(found == expected)
    }
}
