/// A piece of an export on its way into a gateway: small enough for one turn. Whoever takes an export in says these in
/// order; said again, a piece changes nothing.
public enum ImportPart: Codable, Hashable, Sendable {
    /// Rows of `readings` in one piece.
    public static let readingsMax = 4_000
    /// Lines of `entries` in one piece, and their bytes together.
    public static let entriesMax = 500
    public static let entryBytesMax = 64 * 1024
    public static let entriesBytesMax = 160 * 1024

    /// How an export comes in: whose gateway wrote it and when.
    case begin(origin: String, exportedAt: String, readings: Int64, devices: Int64)
    /// One entry of `devices.json`, as it stands there.
    case device(String)
    /// Rows of one series, a line each: milliseconds since 1970, place within the millisecond, `d` (the device's time)
    /// or `a` (its arrival), the value, and for what had waited the earliest instant in milliseconds; with spaces between.
    case readings(home: String, device: String, quantity: String, channel: String, rows: String)
    /// Rows of daily figures of one series, a line each, before its readings: milliseconds since 1970 where the day or its part
    /// begins, the day's number since 1970, how many readings, how often, how many milliseconds it lasted, up to when it is
    /// made, and where there were readings their sum, least, most, first, last, and the instants of these two; `-` for none.
    case figures(home: String, device: String, quantity: String, channel: String, rows: String)
    /// Lines of `consents.jsonl`, `decisions.jsonl`, `who-saw.jsonl`, `alerts.jsonl` or `delegates.jsonl`, as they stand
    /// there. `kind`: `consent`, `decision`, `told`, `alert`, `delegate`, `keeping` (of `retention.jsonl`).
    case entries(kind: String, lines: [String])
    case end
}
