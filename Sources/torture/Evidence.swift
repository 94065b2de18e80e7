import Care
import Foundation
import GRDB

/// What the daemon has left on disk, read with SQL of our own.
struct Evidence {
    struct SeriesKey: Hashable {
        var home: String
        var address: String
        var quantity: String
    }
    /// Values of each series in the order of its keys.
    var readings: [SeriesKey: [Int]] = [:]
    /// Payloads of messages that could not be decoded, by home.
    var undecodable: [String: [String]] = [:]
    /// Payloads in quarantine, by home; empty where the gateway has none.
    var quarantined: [String: [String]] = [:]
    /// Readings that were thinned out, by home.
    var thinned: [String: Int] = [:]
    var alerts: [AlertAccount.OneAlert] = []
    var lastAlertNumber: Int64 = 0
    /// What SQLite itself says of the file; "ok" where all is well.
    var integrity = ""

    init() {}

    /// - Throws: where the file cannot be opened or read.
    init(database: String) throws {
        var configuration = Configuration()
        configuration.label = "torture"
        let queue = try DatabaseQueue(path: database, configuration: configuration)
        try queue.read { db in
            integrity = try String.fetchAll(db, sql: "PRAGMA integrity_check").joined(separator: "; ")
            for row in try Row.fetchAll(
                db, sql: "SELECT s.id, d.home, d.address, s.quantity FROM series s JOIN device d ON d.id = s.device WHERE s.channel = ''")
            {
                let key = SeriesKey(home: row[1], address: row[2], quantity: row[3])
                readings[key] = try Int.fetchAll(
                    db, sql: "SELECT CAST(value AS INTEGER) FROM reading WHERE series = ? ORDER BY at", arguments: [row[0] as Int64])
            }
            undecodable = try Self.payloads(db, "undecodable")
            if try db.tableExists("quarantine") { quarantined = try Self.payloads(db, "quarantine") }
            if try db.tableExists("thinned") {
                for row in try Row.fetchAll(db, sql: "SELECT home, sum(readings) FROM thinned GROUP BY home") { thinned[row[0]] = row[1] }
            }
            lastAlertNumber = try Int64.fetchOne(db, sql: "SELECT value FROM counter WHERE name = 'alert'") ?? 0
            let deadlines = Set(try String.fetchAll(db, sql: "SELECT key FROM deadline"))
            alerts = try Row.fetchAll(db, sql: "SELECT id, endedAt, body FROM alert ORDER BY id").map { row in
                try Self.alert(number: row[0], isEnded: (row[1] as Int64?) != nil, body: row[2], deadlines)
            }
        }
        try queue.close()
    }

    private static func payloads(_ db: Database, _ table: String) throws -> [String: [String]] {
        var found: [String: [String]] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT home, payload FROM \(table.quotedDatabaseIdentifier)") {
            found[row[0], default: []].append(String(decoding: row[1] as Data, as: UTF8.self))
        }
        return found
    }

    private static func alert(number: Int64, isEnded: Bool, body: String, _ deadlines: Set<String>) throws -> AlertAccount.OneAlert {
        let alert = try JSONDecoder().decode(Alert.self, from: Data(body.utf8))
        let isEndedByPerson = alert.ending.map { ($0.how == .resolved || $0.how == .cancelled) && $0.by != nil } ?? false
        return AlertAccount.OneAlert(
            number: number, home: alert.home.name, rule: alert.matter.rule.name, occurrences: alert.occurrences, isEndedByPerson: isEndedByPerson,
            isEnded: isEnded || !alert.isOpen, isAlive: alert.asking != nil || !alert.holders.isEmpty,
            hasDeadline: deadlines.contains("alert/\(number)"))
    }
}
