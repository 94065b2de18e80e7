/// A limit on everything that could grow: what a file key `limits:` may change.
public struct Limits: Sendable, Hashable {
    /// Messages that one transaction takes at most. A thousand homes' readings go to thousands of pages: the more
    /// messages share a transaction, the fewer times each page is written.
    public var burstMessagesMax = 16_384
    /// Rows about devices that nobody has claimed; beyond, new ones are only counted.
    public var strangersMax = 10_000
    /// Messages that no convention understood, kept to be looked at.
    public var undecodableKeptMax = 10_000
    public var undecodableKeptDays = 7
    /// Of each such message; the rest of its payload is cut off.
    public var undecodablePayloadBytesMax = 4_096
    public var homesMax = 2_000
    public var devicesPerHomeMax = 500
    public var seriesPerDeviceMax = 64
    /// Beyond, further detections in a home count as occurrences of the open alerts.
    public var openAlertsPerHomeMax = 50
    /// Times that one notice is sent before it counts as failed.
    public var noticeAttemptsMax = 8

    /// Messages set aside because they could not be taken, whole; beyond, the oldest go.
    public var quarantineKeptMax = 1_000
    /// What one home may say for longer than a minute; beyond, its plain states are thinned to the newest of each
    /// series and second. Events and alarms never are.
    public var homeMessagesPerSecondMax = 200
    public var homeBytesPerSecondMax = 262_144
    public var seriesPerHomeMax = 2_000
    /// How long readings are kept; the newest of each series stays.
    public var readingsKeptDays = 90
    /// How long it is kept who was told what, and why: ended alerts, decisions, disclosures, what operators did.
    public var recordsKeptDays = 1_096
    /// Space on the disk that is kept free for alerts, for when the disk is full otherwise.
    public var reserveMebibytes = 32
    /// Copies of the database, one a day.
    public var backupsKeptMax = 2
    /// What one service has waiting or can fetch; beyond, its oldest go, and it is told how many. A row has at most `Engine.feedRowBytesMax`.
    public var feedRowsOfServiceMax = 100_000
    /// How long a service can fetch what was for it.
    public var feedKeptDays = 7

    public init() {}

    struct Entry: Sendable {
        let key: String
        let path: any WritableKeyPath<Limits, Int> & Sendable
        let range: ClosedRange<Int>
        let unit: String
    }

    /// The one table of what may be written under `limits:`.
    static let table: [Entry] = [
        Entry(key: "burst_messages_max", path: \.burstMessagesMax, range: 1...65_536, unit: "messages"),
        Entry(key: "strangers_max", path: \.strangersMax, range: 0...1_000_000, unit: "rows"),
        Entry(key: "undecodable_kept_max", path: \.undecodableKeptMax, range: 0...1_000_000, unit: "messages"),
        Entry(key: "undecodable_kept_days", path: \.undecodableKeptDays, range: 0...365, unit: "days"),
        Entry(
            key: "undecodable_payload_bytes_max", path: \.undecodablePayloadBytesMax, range: 0...65_536,
            unit: "bytes"),
        Entry(key: "homes_max", path: \.homesMax, range: 1...1_000_000, unit: "homes"),
        Entry(key: "devices_per_home_max", path: \.devicesPerHomeMax, range: 1...10_000, unit: "devices"),
        Entry(key: "series_per_device_max", path: \.seriesPerDeviceMax, range: 1...1_000, unit: "series"),
        Entry(key: "open_alerts_per_home_max", path: \.openAlertsPerHomeMax, range: 1...1_000, unit: "alerts"),
        Entry(key: "quarantine_kept_max", path: \.quarantineKeptMax, range: 1...100_000, unit: "messages"),
        Entry(
            key: "home_messages_per_second_max", path: \.homeMessagesPerSecondMax, range: 1...1_000_000, unit: "messages a second"),
        Entry(
            key: "home_bytes_per_second_max", path: \.homeBytesPerSecondMax, range: 1_024...1_073_741_824, unit: "bytes a second"),
        Entry(key: "series_per_home_max", path: \.seriesPerHomeMax, range: 1...100_000, unit: "series"),
        Entry(key: "readings_kept_days", path: \.readingsKeptDays, range: 2...36_500, unit: "days"),
        Entry(key: "records_kept_days", path: \.recordsKeptDays, range: 30...36_500, unit: "days"),
        Entry(key: "reserve_mebibytes", path: \.reserveMebibytes, range: 4...4_096, unit: "MiB"),
        Entry(key: "backups_kept_max", path: \.backupsKeptMax, range: 0...100, unit: "copies"),
        Entry(key: "feed_rows_of_service_max", path: \.feedRowsOfServiceMax, range: 10...10_000_000, unit: "rows"),
        Entry(key: "feed_kept_days", path: \.feedKeptDays, range: 1...90, unit: "days"),
        Entry(key: "notice_attempts_max", path: \.noticeAttemptsMax, range: 1...100, unit: "attempts"),
    ]
}
