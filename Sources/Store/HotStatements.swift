import Care
import GRDB
import GRDBSQLite

/// A reading that waits for the end of its turn.
struct PendingReading {
    var series: Int32
    var key: Int64
    var value: Value
}

/// The one statement that runs for every reading, bound without GRDB's argument boxes.
///
/// Owns its statement: made on first use with the writer's connection, finalized before that is closed.
struct HotStatements {
    private var insert: OpaquePointer?
    private var connection: OpaquePointer?

    mutating func insert(_ db: Database, _ reading: PendingReading) throws {
        if insert == nil || connection != db.sqliteConnection {
            finalize()
            connection = db.sqliteConnection
            try check(
                sqlite3_prepare_v3(
                    connection, "INSERT INTO reading (series, at, value) VALUES (?1, ?2, ?3)", -1,
                    UInt32(SQLITE_PREPARE_PERSISTENT), &insert, nil))
        }
        sqlite3_bind_int64(insert, 1, Int64(reading.series))
        sqlite3_bind_int64(insert, 2, reading.key)
        switch reading.value {
        case .boolean(let b): sqlite3_bind_int64(insert, 3, b ? 1 : 0)
        case .number(let n):
            // Whole numbers as integers: one to three bytes instead of eight. The range guards the conversion.
            if n.rounded(.towardZero) == n, abs(n) < 1e15 {
                sqlite3_bind_int64(insert, 3, Int64(n))
            } else {
                sqlite3_bind_double(insert, 3, n)
            }
        }
        let result = sqlite3_step(insert)
        sqlite3_reset(insert)
        if result != SQLITE_DONE { try check(result) }
    }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK || code == SQLITE_DONE else {
            let message = connection.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? ""
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
    }

    mutating func finalize() {
        if let insert { sqlite3_finalize(insert) }
        insert = nil
        connection = nil
    }
}
