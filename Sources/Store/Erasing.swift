import Care
import Foundation
import GRDB

enum ErasureSchema {
    static let table = """
        -- What citizens wanted to be erased, and how far that is: a restart goes on with it. `doneAt`: nothing of it is left.
        CREATE TABLE erasure (id INTEGER PRIMARY KEY, citizen TEXT NOT NULL, body TEXT NOT NULL, doneAt INTEGER) STRICT;
        CREATE INDEX erasureOfCitizen ON erasure (citizen);
        """
}

/// What a citizen wanted to be erased, and how far that is.
public struct Erasure: Codable, Hashable, Sendable {
    /// In this order.
    public enum Phase: String, Codable, Sendable { case readings, records, decisions, leftovers, names, pages, log, copies, done }

    public var id: Int64
    public var citizen: PersonID
    public var at: Instant
    /// What is from then on stays.
    public var end: Instant
    /// Not only readings.
    public var isAll: Bool
    /// Whose readings go.
    public var series: [Int32]
    /// The last entry of the citizen's chain that may lose its contents.
    public var upToEntry: Int64
    public var phase = Phase.readings
    /// Where the phase goes on; what it counts depends on the phase.
    public var place: Int64 = 0
    /// Something had still to be sent, and is looked at again.
    public var isWaiting = false
    /// Rows that went.
    public var rows = 0
    /// When the database itself held nothing of it any more.
    public var cleanAt: Instant?
    /// True: the citizen wants less to be kept. The rounds of retention remove it; this is only about files and copies.
    public var isKeeping: Bool?
    /// True: they were removed from the scheme, and nothing of them is in force; at the end they themselves go.
    public var isGone: Bool?
    /// Where they live or lived.
    public var home: HomeID?

    public init(id: Int64, citizen: PersonID, at: Instant, end: Instant, isAll: Bool, series: [Int32], upToEntry: Int64) {
        self.id = id
        self.citizen = citizen
        self.at = at
        self.end = end
        self.isAll = isAll
        self.series = series
        self.upToEntry = upToEntry
    }

    public mutating func go(to next: Phase) {
        phase = next
        place = 0
    }
}

extension StoreTurn {
    /// Erasures of one citizen that are remembered when they are done; the oldest go.
    public static var erasuresKeptMax: Int { 100 }

    public func save(_ erasure: Erasure, doneAt: Instant? = nil) throws {
        try run(
            """
            INSERT INTO erasure (id, citizen, body, doneAt) VALUES (?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET body = excluded.body, doneAt = excluded.doneAt
            """, [erasure.id, erasure.citizen.name, try Body.encode(erasure), doneAt?.milliseconds])
        try run(
            """
            DELETE FROM erasure WHERE citizen = ?1 AND doneAt IS NOT NULL
                AND id NOT IN (SELECT id FROM erasure WHERE citizen = ?1 AND doneAt IS NOT NULL ORDER BY id DESC LIMIT ?2)
            """, [erasure.citizen.name, Self.erasuresKeptMax])
    }

    public func removeErasure(_ id: Int64) throws { try run("DELETE FROM erasure WHERE id = ?", [id]) }

    /// What is deleted in this turn is written over, whatever the library does by itself.
    public func overwriteDeleted() throws { try db.execute(sql: "PRAGMA secure_delete = ON") }

    /// That something was erased, where no entry lost its contents: readings are in no chain.
    public func enterErased(_ citizen: PersonID, at: Instant) throws {
        try enter(.erased, row: nil, of: try pseudonym(citizen), ChainBody.erased([], because: ErasedBecause.citizen.rawValue, at: at))
    }

    /// Numbers of rows that are gone are not given again: exports and chains name them.
    func noteErased(_ table: String, upTo n: Int64) throws {
        try setCounter(StoreReader.erasedCounter(table), max(n, try StoreReader(db: db).erasedUpTo(table)))
    }

    // MARK: Readings

    /// Deletes readings of the time in which their device was this citizen's and nobody else's who has not wanted the same.
    ///
    /// - Parameter rowsMax: about as many rows go.
    public func eraseReadings(_ erasure: inout Erasure, rowsMax: Int) throws {
        try store.insertPending(db)
        var left = rowsMax
        while left > 0 {
            guard Int(erasure.place) < erasure.series.count else { return erasure.go(to: erasure.isAll ? .records : .pages) }
            let series = erasure.series[Int(erasure.place)]
            let newest = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? ORDER BY at DESC LIMIT 1"), arguments: [series])
            for range in try erasable(series, erasure) where left > 0 {
                let (from, end) = (range.from << 6, range.until << 6)
                let bound = try Int64.fetchOne(
                    db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT 1 OFFSET ?"),
                    arguments: [series, from, end, left]) ?? end
                try run("DELETE FROM reading WHERE series = ? AND at >= ? AND at < ?", [Int64(series), from, bound])
                erasure.rows += db.changesCount
                left -= db.changesCount
                try run("DELETE FROM importedEarliest WHERE series = ? AND at >= ? AND at < ?", [Int64(series), from, bound])
                // What old readings became goes with them, the figures of a whole day also where only a part of it was meant.
                try run("DELETE FROM foldedTime WHERE series = ? AND at >= ? AND at < ?", [Int64(series), from, bound])
                try run("DELETE FROM dailyFigure WHERE series = ? AND at >= ? AND at < ?", [Int64(series), range.from, bound == end ? range.until : bound >> 6])
                erasure.rows += db.changesCount
                if let newest, (from..<bound).contains(newest) {
                    // Watching goes on from there after a restart: nobody may be missed because their readings are gone.
                    try run("UPDATE series SET addedAt = max(addedAt, ?) WHERE id = ?", [ReadingKey(raw: newest).at.milliseconds, Int64(series)])
                }
            }
            // What memory knows of the newest one may be wrong now.
            if Int(series) < store.newestKeys.count { store.newestKeys[Int(series)] = Store.unknownKey }
            if left <= 0 { return }
            left -= 1
            erasure.place += 1
        }
    }

    /// In milliseconds: the citizen's own claims, without the times of others who have not erased the same.
    private func erasable(_ series: Int32, _ erasure: Erasure) throws -> [(from: Int64, until: Int64)] {
        let claims = try Row.fetchAll(
            db.cachedStatement(sql: """
                SELECT citizen, at, releasedAt FROM claim WHERE device = (SELECT device FROM series WHERE id = ?) ORDER BY at, n
                """), arguments: [series]
        ).map { (citizen: $0[0] as String, from: $0[1] as Int64, until: $0[2] as Int64? ?? .max >> 6) }
        var free: [(from: Int64, until: Int64)] = []
        for own in claims where own.citizen == erasure.citizen.name && own.from < erasure.end.milliseconds {
            free.append((own.from, min(own.until, erasure.end.milliseconds)))
        }
        for other in claims where other.citizen != erasure.citizen.name {
            let wished = try StoreReader(db: db).erasures(of: PersonID(other.citizen)).filter { $0.series.contains(series) }.map(\.end.milliseconds).max()
            let from = max(other.from, wished ?? .min)
            free = free.flatMap { one in [(one.from, min(one.until, from)), (max(one.from, other.until), one.until)].filter { $0.0 < $0.1 } }
        }
        return free
    }

    // MARK: Everything else

    /// Decisions about nobody else, which no disclosure names any more.
    public func eraseDecisions(_ erasure: inout Erasure, rowsMax: Int) throws {
        let ids = try Int64.fetchAll(
            db.cachedStatement(sql: "SELECT id FROM decision WHERE id > ? ORDER BY id LIMIT ?"), arguments: [erasure.place, rowsMax])
        guard let last = ids.last else { return erasure.go(to: .leftovers) }
        try run(
            """
            DELETE FROM decision WHERE id > ? AND id <= ? AND at < ? AND citizens = ?
                AND NOT EXISTS (SELECT 1 FROM disclosure WHERE disclosure.decision = decision.id)
            """, [erasure.place, last, erasure.end.milliseconds, try Body.encode([erasure.citizen])])
        erasure.rows += db.changesCount
        erasure.place = last
    }

    /// What could not be read, what exports brought, and claims that are over.
    ///
    /// - Parameters:
    ///   - home: where they live; what could not be read is looked for there.
    ///   - isAlone: nobody else lives there or has a device there, so that all of it was about them.
    public func eraseLeftovers(_ erasure: inout Erasure, home: HomeID, isAlone: Bool, rowsMax: Int) throws {
        let before = erasure.rows
        let own = """
            SELECT address FROM device WHERE home = ?1 AND EXISTS (SELECT 1 FROM claim WHERE device = device.id AND citizen = ?2)
                AND NOT EXISTS (SELECT 1 FROM claim WHERE device = device.id AND citizen <> ?2)
            """
        let alone = isAlone ? 1 : 0
        for sql in [
            """
            DELETE FROM undecodable WHERE n IN (
                SELECT n FROM undecodable WHERE home = ?1 AND at < ?3 AND (?4 OR address IN (\(own))) LIMIT ?5)
            """,
            """
            DELETE FROM quarantine WHERE n IN (
                SELECT n FROM quarantine WHERE home = ?1 AND at < ?3 AND (?4 OR EXISTS (
                    SELECT 1 FROM (\(own)) AS d WHERE substr(topic || '/', 1, length('homes/' || ?1 || '/' || d.address || '/')) = 'homes/' || ?1 || '/' || d.address || '/')) LIMIT ?5)
            """,
        ] {
            try run(sql, [home.name, erasure.citizen.name, erasure.end.milliseconds, alone, rowsMax])
            erasure.rows += db.changesCount
        }
        for sql in [
            "DELETE FROM importedEntry WHERE n IN (SELECT n FROM importedEntry WHERE citizen = ? LIMIT ?)",
            "DELETE FROM importedDevice WHERE rowid IN (SELECT rowid FROM importedDevice WHERE citizen = ? LIMIT ?)",
        ] {
            try run(sql, [erasure.citizen.name, rowsMax])
            erasure.rows += db.changesCount
        }
        // Whose devices these were is what the rest was found by.
        guard erasure.rows == before else { return }
        try run(
            "DELETE FROM claim WHERE n IN (SELECT n FROM claim WHERE citizen = ? AND releasedAt <= ? LIMIT ?)",
            [erasure.citizen.name, erasure.end.milliseconds, rowsMax])
        erasure.rows += db.changesCount
        if erasure.rows == before { erasure.go(to: erasure.isGone == true ? .names : .pages) }
    }
}

extension StoreReader {
    static func erasedCounter(_ table: String) -> String { "erased \(table)" }

    /// The greatest number of a row of this table that was erased; new ones are greater.
    func erasedUpTo(_ table: String) throws -> Int64 { try counter(Self.erasedCounter(table)) }

    /// In order; also those that are done.
    public func erasures(of citizen: PersonID) throws -> [Erasure] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT body FROM erasure WHERE citizen = ? ORDER BY id"), arguments: [citizen.name])
            .map { try Body.decode(Erasure.self, $0) }
    }
    /// What is not done yet, in order.
    public func openErasures() throws -> [Erasure] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT body FROM erasure WHERE doneAt IS NULL ORDER BY id")).map { try Body.decode(Erasure.self, $0) }
    }

    /// Everything that was ever this citizen's, also what an export brought, and whether somebody else had it at the same time.
    public func seriesEver(of citizen: PersonID) throws -> [(series: Int32, device: DeviceID, quantity: String, isShared: Bool)] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT id, device, quantity, EXISTS (SELECT 1 FROM claim AS own, claim AS other WHERE own.device = series.device
                    AND other.device = series.device AND own.citizen = ?1 AND other.citizen <> ?1
                    AND own.at < coalesce(other.releasedAt, 9e18) AND other.at < coalesce(own.releasedAt, 9e18))
                FROM series WHERE device IN (SELECT device FROM claim WHERE citizen = ?1) ORDER BY id
                """, arguments: [citizen.name]
        ).map { ($0[0], DeviceID($0[1] as Int32), $0[2], $0[3]) }
    }

    /// Who was told something, or read it, with the newest time: of the newest `limit` disclosures.
    public func copiesHandedOut(_ citizen: PersonID, limit: Int) throws -> [(recipient: PersonID, at: Instant, data: [String], hasRead: Bool)] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT recipient, max(at), group_concat(DISTINCT data), max(state = 'seen') FROM (
                    SELECT recipient, at, data, state FROM disclosure WHERE citizen = ? ORDER BY n DESC LIMIT ?)
                WHERE state IN ('sent', 'seen') GROUP BY recipient ORDER BY recipient
                """, arguments: [citizen.name, limit]
        ).map { (PersonID($0[0] as String), Instant(milliseconds: $0[1]), ($0[2] as String).split(separator: ",").map(String.init), $0[3]) }
    }

    /// Devices that only an export brought, as this citizen's and nobody else's.
    public func broughtDevices(_ citizen: PersonID) throws -> [DeviceID] {
        try Int32.fetchAll(
            db,
            sql: """
                SELECT device FROM importedDevice AS i WHERE citizen = ?1 AND NOT isOwn
                    AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.device = i.device AND (claim.by NOT LIKE 'import:%' OR claim.citizen <> ?1))
                """, arguments: [citizen.name]
        ).map { DeviceID($0) }
    }
}

// MARK: The files

extension Store {
    /// A larger database is not written anew as a whole: that would hold up an alarm for too long. Its deleted rows are written
    /// over all the same; what a page still has of a row that moved elsewhere is written over when the page is used again.
    public static var rewrittenBytesMax: Int64 { 32 << 20 }

    /// Writes the database anew without what was deleted, if that is soon done.
    ///
    /// - Returns: whether it was.
    @discardableResult
    public func rewrite(bytesMax: Int64 = Store.rewrittenBytesMax) throws -> Bool {
        statements.finalize()
        statements = HotStatements()
        return try pool.writeWithoutTransaction { db in
            let bytes = try (Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0) * (Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
            guard bytes <= bytesMax else { return false }
            try beforeRewrite?()
            try db.execute(sql: "VACUUM")
            return true
        }
    }

    /// Moves the log into the database and empties it, without waiting for anybody.
    ///
    /// - Returns: false while somebody still reads what the log holds.
    public func emptyLog() throws -> Bool {
        try pool.writeWithoutTransaction { db in
            let wait = try Int.fetchOne(db, sql: "PRAGMA busy_timeout") ?? 5_000
            try db.execute(sql: "PRAGMA busy_timeout = 0")
            defer { try? db.execute(sql: "PRAGMA busy_timeout = \(wait)") }
            let row = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return row.map { $0[0] as Int == 0 } ?? false
        }
    }
}
