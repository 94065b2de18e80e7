import Care
import Foundation
import GRDB
import GRDBSQLite

/// Where an export is read from. `Sendable`, so that it can be read on another thread while the writer goes on.
public struct ExportSource: Sendable {
    let pool: DatabasePool

    /// Reads on the calling thread, all of it as it is at one moment.
    ///
    /// While this lasts the log beside the database grows with what is written meanwhile: the caller must not wait
    /// without limit for anybody.
    public func snapshot<T>(_ body: (ExportReader) throws -> T) throws -> T {
        try pool.read { db in
            // What was read for the first time decides which moment it is: now.
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM meta")
            return try body(ExportReader(db: db))
        }
    }
}

extension Store {
    /// Good until the store is closed, which waits for who still reads.
    public var exportSource: ExportSource { ExportSource(pool: pool) }
}

/// A device that is or was somebody's, and what it was before it was taken in from elsewhere.
public struct ClaimedDevice: Sendable {
    public var device: Device
    /// How the export that it came in describes it; nil: it is this gateway's own, or it has gone on here since.
    public var original: String?
}

/// What an export reads. Valid only within `ExportSource.snapshot`.
public struct ExportReader {
    let db: Database

    public var reader: StoreReader { StoreReader(db: db) }

    /// In order of number; also those that were released, moved or retired.
    public func devicesEverOf(_ citizen: PersonID) throws -> [ClaimedDevice] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT device.body, importedDevice.original FROM device
                LEFT JOIN importedDevice ON importedDevice.device = device.id AND importedDevice.citizen = ?1
                    AND NOT importedDevice.isOwn
                    AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.device = device.id AND claim.by NOT LIKE 'import:%')
                WHERE device.id IN (SELECT device FROM claim WHERE citizen = ?1) ORDER BY device.id
                """, arguments: [citizen.name]
        ).map { ClaimedDevice(device: try Body.decode(Device.self, $0[0]), original: $0[1]) }
    }

    /// Whether somebody else had this device at the same time as this citizen.
    public func isShared(_ device: DeviceID, _ citizen: PersonID) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM claim AS own, claim AS other WHERE own.device = ?1 AND other.device = ?1
                    AND own.citizen = ?2 AND other.citizen <> ?2
                    AND own.at < coalesce(other.releasedAt, 9e18) AND other.at < coalesce(own.releasedAt, 9e18))
                """, arguments: [device.number, citizen.name]) ?? false
    }

    public func series(of device: DeviceID) throws -> [Series] {
        try Row.fetchAll(db, sql: "SELECT id, quantity, channel, addedAt FROM series WHERE device = ? ORDER BY quantity, channel", arguments: [device.number])
            .compactMap { row in
                Quantity(row[1] as String).map {
                    Series(id: SeriesID(row[0]), device: device, quantity: $0, channel: row[2], addedAt: Instant(milliseconds: row[3]))
                }
            }
    }

    /// How many readings a series has in these times.
    public func count(_ series: SeriesID, _ times: [Range<Instant>]) throws -> Int64 {
        try times.reduce(0) { sum, time in
            sum
                + (try Int64.fetchOne(
                    db.cachedStatement(sql: "SELECT count(*) FROM reading WHERE series = ? AND at >= ? AND at < ?"),
                    arguments: [series.number, time.lowerBound.milliseconds << 6, time.upperBound.milliseconds << 6]) ?? 0)
        }
    }

    public func readings(_ series: SeriesID, _ times: [Range<Instant>]) throws -> ReadingCursor {
        let waited = try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM importedEarliest WHERE series = ?)"), arguments: [series.number]) ?? false
        return try ReadingCursor(db, series, times, waited: waited)
    }

    /// The rows of a table that are this citizen's, in order, with every column that the table has.
    public func rows(_ sql: String, _ arguments: [any DatabaseValueConvertible & Sendable], _ body: (ExportRow) throws -> Void) throws {
        let rows = try Row.fetchCursor(db, sql: sql, arguments: StatementArguments(arguments))
        while let row = try rows.next() { try body(ExportRow(row: row)) }
    }

    /// The texts of a query with one column.
    public func texts(_ sql: String, _ arguments: [any DatabaseValueConvertible & Sendable]) throws -> [String] {
        try String.fetchAll(db, sql: sql, arguments: StatementArguments(arguments))
    }

    /// What was taken in from other gateways, as it came, in the order in which it came.
    public func imported(_ citizen: PersonID, _ kind: String, _ body: (String) throws -> Void) throws {
        let rows = try String.fetchCursor(
            db, sql: "SELECT body FROM importedEntry WHERE citizen = ? AND kind = ? ORDER BY n", arguments: [citizen.name, kind])
        while let text = try rows.next() { try body(text) }
    }
}

/// One row of any table.
public struct ExportRow {
    let row: Row

    public var columns: [String] { Array(row.columnNames) }
    public func text(_ column: String) -> String? { row[column] }
    public func int(_ column: String) -> Int64? { row[column] }
    public func decode<T: Decodable>(_ type: T.Type, _ column: String) throws -> T { try Body.decode(type, row[column] as String) }
    /// A column as JSON, whatever it holds.
    public func json(_ column: String) -> JSON {
        switch (row[column] as DatabaseValue).storage {
        case .null: .null
        case .int64(let n): .int(n)
        case .double(let d): .double(d)
        case .string(let s): .string(s)
        case .blob(let data): .string(data.base64EncodedString())
        }
    }
}

/// The readings of one series, in order, read without GRDB's boxes: there are millions.
///
/// Owns its statement; must not outlive the snapshot.
public final class ReadingCursor {
    public struct One {
        public var key: ReadingKey
        public var value: Double
        /// Of what waited at the broker of another gateway: when it was observed at the earliest.
        public var earliest: Instant?
    }

    private var statement: OpaquePointer?
    private let connection: OpaquePointer?
    private let series: SeriesID
    private var times: ArraySlice<Range<Instant>>
    private var isBound = false
    private let waited: Bool

    init(_ db: Database, _ series: SeriesID, _ times: [Range<Instant>], waited: Bool) throws {
        connection = db.sqliteConnection
        self.series = series
        self.times = times[...]
        self.waited = waited
        let sql =
            waited
            ? """
            SELECT reading.at, value, earliest FROM reading LEFT JOIN importedEarliest AS e ON e.series = reading.series AND e.at = reading.at
            WHERE reading.series = ?1 AND reading.at >= ?2 AND reading.at < ?3 ORDER BY reading.at
            """
            : "SELECT at, value FROM reading WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at"
        let code = sqlite3_prepare_v2(connection, sql, -1, &statement, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    deinit { sqlite3_finalize(statement) }

    public func next() throws -> One? {
        while true {
            if !isBound {
                guard let time = times.popFirst() else { return nil }
                sqlite3_reset(statement)
                sqlite3_bind_int64(statement, 1, Int64(series.number))
                sqlite3_bind_int64(statement, 2, time.lowerBound.milliseconds << 6)
                sqlite3_bind_int64(statement, 3, time.upperBound.milliseconds << 6)
                isBound = true
            }
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                var one = One(key: ReadingKey(raw: sqlite3_column_int64(statement, 0)), value: sqlite3_column_double(statement, 1))
                if waited, sqlite3_column_type(statement, 2) != SQLITE_NULL { one.earliest = Instant(milliseconds: sqlite3_column_int64(statement, 2)) }
                return one
            case SQLITE_DONE: isBound = false
            case let code: throw failure(code)
            }
        }
    }

    private func failure(_ code: Int32) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: code), message: connection.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "")
    }
}
