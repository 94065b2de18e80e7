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
        Entry(key: "homes_max", path: \.homesMax, range: 1...100_000, unit: "homes"),
        Entry(key: "devices_per_home_max", path: \.devicesPerHomeMax, range: 1...10_000, unit: "devices"),
        Entry(key: "series_per_device_max", path: \.seriesPerDeviceMax, range: 1...1_000, unit: "series"),
        Entry(key: "open_alerts_per_home_max", path: \.openAlertsPerHomeMax, range: 1...1_000, unit: "alerts"),
        Entry(key: "notice_attempts_max", path: \.noticeAttemptsMax, range: 1...100, unit: "attempts"),
    ]
}
