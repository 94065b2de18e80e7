import Care
import GRDB

/// Mandates and acts that are over go; what is in force, or waits for a second person, stays.
extension StoreTurn {
    private static var isSettled: String {
        """
        CASE WHEN act IS NULL THEN NOT EXISTS (SELECT 1 FROM mandate WHERE mandate.id = delegateEntry.mandate AND endedAt IS NULL)
            ELSE NOT EXISTS (SELECT 1 FROM delegateAct WHERE delegateAct.id = delegateEntry.act AND state = 'proposed') END
        """
    }

    /// One row of what happened, and the mandate or act itself with its last one.
    ///
    /// - Returns: whether it went.
    func eraseDelegateEntry(_ n: Int64, _ erasure: inout Erasure) throws -> Bool {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT mandate, act FROM delegateEntry WHERE n = ? AND citizen = ? AND at < ? AND \(Self.isSettled)"),
            arguments: [n, erasure.citizen.name, erasure.end.milliseconds])
        guard let row else { return false }
        try run("DELETE FROM delegateEntry WHERE n = ?", [n])
        erasure.rows += 1
        if let act = row[1] as Int64? { try run("DELETE FROM delegateAct WHERE id = ?", [act]) } else { try run("DELETE FROM mandate WHERE id = ?", [row[0] as Int64]) }
        erasure.rows += db.changesCount
        return true
    }

    /// The same for what is older than the scheme keeps it.
    ///
    /// - Returns: how many rows went, and whose entries lose their contents.
    func dropDelegates(before: Instant, rowsMax: Int) throws -> (rows: Int, entries: [Int64: [Int64]]) {
        var dropped = 0
        var entries: [Int64: [Int64]] = [:]
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: """
                DELETE FROM delegateEntry WHERE n IN (SELECT n FROM delegateEntry WHERE at < ? AND \(Self.isSettled) ORDER BY at LIMIT ?)
                RETURNING citizen, entry, mandate, act
                """), arguments: [before.milliseconds, rowsMax])
        for row in rows {
            dropped += 1
            if let act = row[3] as Int64? {
                // An act that something newer was said of stays until that is old, too.
                try run("DELETE FROM delegateAct WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM delegateEntry WHERE act = ?1)", [act])
            } else {
                try run("DELETE FROM mandate WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM delegateEntry WHERE mandate = ?1 AND act IS NULL)", [row[2] as Int64])
            }
            dropped += db.changesCount
            if let entry = row[1] as Int64?, let citizen = try StoreReader(db: db).pseudonym(PersonID(row[0] as String)) { entries[citizen, default: []].append(entry) }
        }
        if dropped > 0 { try forgetDelegates() }
        return (dropped, entries)
    }
}
