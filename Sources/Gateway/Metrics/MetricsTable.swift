import Care

/// Every metric of the gateway: its name with the unit, what it means, and where it comes from. docs/metrics.md is
/// the same table for people.
extension GatewayMetrics {
    struct CounterRow: Sendable {
        var name: String
        var help: String
        var value: @Sendable (GatewayFigures) -> Int

        init(_ name: String, _ help: String, _ value: @escaping @Sendable (GatewayFigures) -> Int) {
            (self.name, self.help, self.value) = (name, help, value)
        }
    }

    struct GaugeRow: Sendable {
        var name: String
        var help: String
        /// Nil: not known; it stays as it was.
        var value: @Sendable (GatewayFigures) -> Double?

        init(_ name: String, _ help: String, _ value: @escaping @Sendable (GatewayFigures) -> Double?) {
            (self.name, self.help, self.value) = (name, help, value)
        }
    }

    /// All from the start of the process.
    static let counterTable: [CounterRow] = [
        CounterRow("caring_messages_total", "Messages taken in, redelivered ones not included.") { $0.counts.messages },
        CounterRow("caring_readings_total", "Readings stored.") { $0.counts.readings },
        CounterRow("caring_readings_known_total", "Readings that were stored before and not stored again.") { $0.counts.readingsKnown },
        CounterRow("caring_repeated_total", "Events said again for one press, and what a bridge that came back remembered; not stored.") { $0.counts.repeated },
        CounterRow("caring_redelivered_total", "Messages that the broker delivered again although they had been kept.") { $0.counts.redelivered },
        CounterRow("caring_undecodable_total", "Messages of claimed devices that no convention understood.") { $0.counts.undecodable },
        CounterRow("caring_retained_total", "Retained messages of claimed devices: neither reading nor sign of life.") { $0.counts.retained },
        CounterRow("caring_turns_failed_total", "Turns that could not be written down and were undone.") { $0.turnsFailed },
        CounterRow("caring_backlog_messages_total", "Messages that had waited or lain retained at the broker, redelivered ones included.") { $0.backlogMessages },
        CounterRow("caring_reconnects_total", "Connections to the broker after the first.") { $0.reconnects },
        CounterRow("caring_sessions_lost_total", "Times that the broker had lost the gateway's session.") { $0.sessionsLost },
        CounterRow("caring_quarantined_total", "Messages put aside because nothing could be done with them.") { $0.quarantined },
    ]

    static let gaugeTable: [GaugeRow] = [
        GaugeRow("caring_connected", "1 while the gateway is connected to the broker, else 0.") { $0.isConnected ? 1 : 0 },
        GaugeRow("caring_backlog", "1 while what waited at the broker is being taken, else 0.") { $0.isTakingBacklog ? 1 : 0 },
        GaugeRow(
            "caring_acknowledgements_withheld", "1 while a burst was not acknowledged because it could not be kept, else 0."
        ) { $0.withheldMessages > 0 ? 1 : 0 },
        GaugeRow("caring_acknowledgements_withheld_messages", "Messages of that burst, else 0.") { Double($0.withheldMessages) },
        GaugeRow("caring_oldest_unacknowledged_seconds", "Age of the oldest message that was read and not kept, else 0.") {
            seconds(since: $0.oldestUnacknowledged, $0)
        },
        GaugeRow("caring_outbox_waiting", "Notices queued or under way.") { Double($0.outboxWaiting) },
        GaugeRow("caring_outbox_oldest_seconds", "Age of the oldest notice queued or under way, else 0.") { seconds(since: $0.outboxOldest, $0) },
        GaugeRow("caring_deadlines", "Deadlines that are set.") { Double($0.deadlines) },
        GaugeRow("caring_deadlines_late_seconds", "The latest that a deadline ran, or still waited, in the last minute.") {
            Double($0.deadlinesLate.milliseconds) / 1_000
        },
        GaugeRow("caring_open_alerts", "Alerts that nobody and no rule has ended yet.") { Double($0.openAlerts) },
        GaugeRow("caring_homes", "Homes.") { Double($0.homes) },
        GaugeRow("caring_devices", "Claimed devices.") { Double($0.devices) },
        GaugeRow("caring_database_bytes", "The database with its log.") { Double($0.databaseBytes) },
        GaugeRow("caring_disk_free_bytes", "What the gateway may still write on the disk of its data folder.") { $0.diskFreeBytes.map(Double.init) },
    ]

    private static let secondsBounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]

    /// What a back end has to be told for its text.
    public static let descriptions: [PrometheusRegistry.Description] =
        counterTable.map { .init(name: $0.name, help: $0.help) } + gaugeTable.map { .init(name: $0.name, help: $0.help) } + [
            .init(
                name: "caring_burst_messages", help: "Messages of the bursts that were kept: one transaction each.",
                bounds: [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536]),
            .init(
                name: "caring_turn_seconds", help: "What a burst took, from its first decoding until it was on disk.",
                bounds: secondsBounds),
            .init(name: "caring_commit_seconds", help: "What the commit of a burst took, flushing to disk included.", bounds: secondsBounds),
            .init(name: "caring_thinned_readings_total", help: "Readings thinned out because a home had too many; homes are hashed."),
            .init(name: "caring_degraded", help: "1 while the gateway does less than it should, for this reason; 0 when that is over."),
            .init(name: "caring_pass_age_seconds", help: "Since the thread of the turns last came round; grows while one turn hangs."),
            .init(name: "caring_build_info", help: "1; how this program was built."),
            .init(name: "process_resident_memory_bytes", help: "Memory of the process that is in use."),
            .init(name: "process_start_time_seconds", help: "When the process was started, in seconds since 1970 (UTC)."),
        ]

    private static func seconds(since: Instant?, _ figures: GatewayFigures) -> Double {
        since.map { max(0, Double((figures.at - $0).milliseconds) / 1_000) } ?? 0
    }
}
