import Care
import GRDB

/// What was recorded before there were chains is entered step by step, marked as entered later.
extension StoreTurn {
    private static let laterKey = "chainLater"
    private static let allDone = "done"
    private enum Table: String, CaseIterable { case consent, alert, disclosure }

    /// Enters a part of what has no entry yet.
    ///
    /// - Parameter rowsMax: so many rows are looked at.
    /// - Returns: whether there is more.
    public func enterLater(rowsMax: Int, at: Instant) throws -> Bool {
        let reader = StoreReader(db: db)
        let state = try reader.meta(Self.laterKey) ?? "consent 0"
        let words = state.split(separator: " ")
        guard words.count == 2, let table = Table(rawValue: String(words[0])), let after = Int64(words[1]) else { return false }
        let last =
            switch table {
            case .consent: try enterConsents(after, rowsMax, at)
            case .alert: try enterAlerts(after, rowsMax, at)
            case .disclosure: try enterDisclosures(after, rowsMax, at)
            }
        if let last {
            try setMeta(Self.laterKey, "\(table.rawValue) \(last)")
        } else {
            let next = Table.allCases.firstIndex(of: table).map { $0 + 1 } ?? Table.allCases.count
            try setMeta(Self.laterKey, next < Table.allCases.count ? "\(Table.allCases[next].rawValue) 0" : Self.allDone)
        }
        return true
    }

    /// Each returns the last row that it looked at; nil when there was none.
    private func enterConsents(_ after: Int64, _ rowsMax: Int, _ at: Instant) throws -> Int64? {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT id, version, state, at, by, body, \(StoreReader.citizenOfVersion) FROM consentVersion v
                WHERE entry IS NULL AND id IN (SELECT DISTINCT id FROM consentVersion WHERE id > ? ORDER BY id LIMIT ?) ORDER BY id, version
                """, arguments: [after, rowsMax])
        for row in rows {
            // Of one that cannot be read and stands in no other table nobody knows whose it is.
            guard let citizen = row[6] as String? else { continue }
            let entry = try enterConsent(
                row[2], ConsentID(row[0] as Int64), of: PersonID(citizen), by: row[4], at: Instant(milliseconds: row[3]), body: row[5], later: at)
            try run("UPDATE consentVersion SET entry = ? WHERE id = ? AND version = ?", [entry, row[0] as Int64, row[1] as Int64])
        }
        return try Int64.fetchOne(
            db, sql: "SELECT max(id) FROM (SELECT DISTINCT id FROM consentVersion WHERE id > ? ORDER BY id LIMIT ?)", arguments: [after, rowsMax])
    }

    private func enterAlerts(_ after: Int64, _ rowsMax: Int, _ at: Instant) throws -> Int64? {
        let rows = try Row.fetchAll(
            db, sql: "SELECT id, body, raisedEntries, endedEntries FROM alert WHERE id > ? ORDER BY id LIMIT ?", arguments: [after, rowsMax])
        for row in rows {
            // What cannot be read cannot be entered; verifying says nothing of it, as nothing was ever entered.
            guard let alert = try? Body.decode(Alert.self, row[1]), !alert.citizens.isEmpty else { continue }
            if row[2] as String? == nil { try enterRaised(alert, later: at) }
            if row[3] as String? == nil, let ending = alert.ending { try enterEnded(alert, ending, later: at) }
        }
        return rows.last?[0]
    }

    private func enterDisclosures(_ after: Int64, _ rowsMax: Int, _ at: Instant) throws -> Int64? {
        let rows = try Row.fetchAll(
            db, sql: "SELECT \(StoreReader.disclosureColumns), n, entry FROM disclosure WHERE n > ? ORDER BY n LIMIT ?", arguments: [after, rowsMax])
        for row in rows where row["entry"] as Int64? == nil {
            let told = StoreReader.disclosure(row)
            let n: Int64 = row["n"]
            let body = ChainBody.writtenLater(ChainBody.disclosure(told, n: n, to: try pseudonym(told.recipient)), at: at)
            let entry = try enter(.disclosure, row: n, of: try pseudonym(told.citizen), body)
            try run("UPDATE disclosure SET entry = ? WHERE n = ?", [entry, n])
        }
        return rows.last?["n"]
    }
}

extension StoreReader {
    /// Whether everything that was recorded before there were chains has its entry.
    public func isChainComplete() throws -> Bool { try meta("chainLater") == "done" }
}
