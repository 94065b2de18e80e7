import Care

/// How a reading's time, its time source and its place among others of the same millisecond share one
/// integer of six bytes, so that a boolean reading takes about 17 bytes on disk.
///
/// `milliseconds · 64 + ordinal · 2 + source`; the order of keys is the order of time. Good until the
/// year 2039 in six bytes (2⁴⁷ / 64 ms), in eight after that.
public struct ReadingKey: Hashable, Comparable, Sendable {
    public var raw: Int64

    /// Readings that one series may have in one millisecond.
    public static let perMillisecondMax: Int64 = 32

    public init(raw: Int64) { self.raw = raw }
    public init(at: Instant, source: TimeSource, ordinal: Int64 = 0) {
        raw = at.milliseconds << 6 | ordinal << 1 | (source == .device ? 1 : 0)
    }

    /// The next key, in the next millisecond where this one's has no room any more.
    init(after last: ReadingKey, source: TimeSource) {
        let hasRoom = last.ordinal + 1 < Self.perMillisecondMax
        self.init(
            at: hasRoom ? last.at : last.at + .milliseconds(1), source: source, ordinal: hasRoom ? last.ordinal + 1 : 0)
    }

    public var at: Instant { Instant(milliseconds: raw >> 6) }
    public var ordinal: Int64 { raw >> 1 & 31 }
    public var source: TimeSource { raw & 1 == 1 ? .device : .arrival }
    /// The first key of this millisecond.
    var millisecond: Int64 { raw >> 6 }

    public static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }
}
