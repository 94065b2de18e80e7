import Care
import GRDB

extension StoreTurn {
    /// Keeps this reading as the only one of its series and second, as far as the newest one goes: where the newest
    /// reading of the series lies in the same second, the later of the two stays and the other goes.
    ///
    /// What a device told before (same series, same device time, same value) changes nothing, as with `append`.
    ///
    /// - Returns: true when one reading gave way to another; false when it was appended like any other, or told before.
    @discardableResult
    public func appendThinned(_ reading: Reading) throws -> Bool {
        switch try keepThinned(reading) {
        case .appended, .known: false
        case .tookPlace, .gaveWay: true
        }
    }

    /// What became of a reading of a home that says too much.
    public enum Thinned: Sendable {
        /// Like any other.
        case appended
        /// Of the newest of its second, which is gone.
        case tookPlace
        /// It is older than the newest of its second, and not kept.
        case gaveWay
        /// Told before.
        case known
    }

    /// The same, telling what became of it.
    public func keepThinned(_ reading: Reading) throws -> Thinned {
        let newest = try newestKey(reading.series)
        let last = ReadingKey(raw: newest)
        // The gateway's own time never puts a reading before one that came earlier; see `append`.
        let at = reading.source == .arrival ? max(reading.at, last.at) : reading.at
        guard newest != Store.noKey, Self.second(at) == Self.second(last.at) else {
            return try append(reading) ? .appended : .known
        }
        if reading.source == .device, at <= last.at {
            if try millisecond(reading).contains(where: { Self.tellsTheSame($0, reading) }) { return .known }
            if at < last.at { return .gaveWay }
        }
        let key = ReadingKey(at: at, source: reading.source, ordinal: at == last.at ? last.ordinal : 0)
        let series = reading.series.number
        let replacement = PendingReading(series: series, key: key.raw, value: reading.value)
        if let place = store.thinnedPlaces[series], store.pending[place].key == newest {
            store.pending[place] = replacement
        } else {
            // It is in the table, or waits at a place that nobody knows.
            try store.insertPending(db)
            try run("DELETE FROM reading WHERE series = ? AND at = ?", [Int64(series), newest])
            store.thinnedPlaces[series] = store.pending.count
            store.pending.append(replacement)
        }
        store.newestKeys[Int(series)] = key.raw
        return .tookPlace
    }

    /// Whole seconds since 1970, rounded down.
    private static func second(_ at: Instant) -> Int64 {
        (at.milliseconds >= 0 ? at.milliseconds : at.milliseconds - 999) / 1_000
    }
}
