import Care
import GRDB

/// Reads the database beside the thread that writes it, each time from one state of it.
///
/// `Sendable` because it holds nothing but GRDB's pool, whose readers are independent of the writer.
public struct SideReader: Sendable {
    let pool: DatabasePool

    public func read<T>(_ body: (StoreReader) throws -> T) throws -> T { try pool.read { try body(StoreReader(db: $0)) } }
}

extension Store {
    /// For what takes long and changes nothing.
    public var aside: SideReader { SideReader(pool: pool) }
}

extension StoreReader {
    /// Readings of one series in order of time, one at a time: nothing is collected.
    ///
    /// - Parameter until: not included.
    /// - Returns: how many there were, at most `limit`.
    @discardableResult
    public func eachReading(_ series: Series, since: Instant, until: Instant, limit: Int, _ body: (Reading) -> Void) throws -> Int {
        // Instants of the far future are beyond what a key can hold.
        let end = until.milliseconds >= Int64.max >> 6 ? Int64.max : until.milliseconds << 6
        let rows = try Row.fetchCursor(
            db.cachedStatement(sql: "SELECT at, value FROM reading WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT ?"),
            arguments: [series.id.number, since.milliseconds << 6, end, limit])
        var count = 0
        while let row = try rows.next() {
            body(Self.reading(series, row[0], row[1]))
            count += 1
        }
        return count
    }
}
