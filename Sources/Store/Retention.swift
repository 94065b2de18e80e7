import Care
import GRDB

/// What has outlived its time goes in small steps, each in a turn of its own, so that no turn lasts long.
extension StoreTurn {
    /// Deletes readings observed before `before`, series by series from the number `fromSeries` on; never the newest
    /// of a series, which says how things are now.
    ///
    /// - Parameters:
    ///   - lastSeries: the last one that is looked at.
    ///   - rowsMax: about as many rows are looked at or deleted; a series that has nothing to lose counts as one.
    /// - Returns: where to go on with the next call, nil when all series have been seen; and how many readings went.
    public func dropReadings(before: Instant, fromSeries: Int32, lastSeries: Int32 = .max, rowsMax: Int) throws -> (next: Int32?, dropped: Int) {
        try store.insertPending(db)
        let end = ReadingKey(at: before, source: .arrival).raw
        var left = max(1, rowsMax)
        var dropped = 0
        var from = fromSeries
        // Each of these is found at its place in the primary key: nothing is scanned but what is deleted.
        while let series = try Int32.fetchOne(
            db.cachedStatement(sql: "SELECT series FROM reading WHERE series >= ? ORDER BY series LIMIT 1"), arguments: [from])
        {
            guard series <= lastSeries else { break }
            guard left > 0 else { return (series, dropped) }
            let newest = try newestInTable(series)
            let bound = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? AND at < ? ORDER BY at LIMIT 1 OFFSET ?"),
                arguments: [series, min(end, newest), left])
            try run("DELETE FROM reading WHERE series = ? AND at < ?", [Int64(series), bound ?? min(end, newest)])
            dropped += db.changesCount
            left -= db.changesCount + 1
            // There is more of this series than one call may delete.
            if bound != nil { return (series, dropped) }
            guard series < lastSeries else { break }
            from = series + 1
        }
        return (nil, dropped)
    }

    private func newestInTable(_ series: Int32) throws -> Int64 {
        try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? ORDER BY at DESC LIMIT 1"), arguments: [series]) ?? .min
    }

    /// Deletes what was written down before `before`: alerts that ended before it with their history and notices,
    /// disclosures, decisions that no disclosure names any more, and what operators did.
    ///
    /// What belongs to an alert that is kept stays with it, however old. An alert stays while it is open, while one of
    /// its notices has still to be sent, and while it has the newest entry of all history, from which entries are numbered.
    ///
    /// The entries that record them in their citizens' chains lose their contents, and the chains say so.
    ///
    /// - Parameters:
    ///   - rowsMax: about as many rows go; one alert always goes whole.
    ///   - at: when this happens; nil: not known better than `before`.
    /// - Returns: how many rows went; 0 when there is nothing more to do.
    public func dropRecords(before: Instant, rowsMax: Int, at: Instant? = nil) throws -> Int {
        var dropped = 0
        var entries: [Int64: [Int64]] = [:]
        let alerts = try Int64.fetchAll(
            db,
            sql: """
                SELECT id FROM alert WHERE endedAt < ?
                    AND NOT EXISTS (SELECT 1 FROM notice WHERE notice.alert = alert.id AND notice.state IN ('queued', 'attempted'))
                    AND id IS NOT (SELECT alert FROM history ORDER BY n DESC LIMIT 1)
                ORDER BY endedAt, id LIMIT ?
                """, arguments: [before.milliseconds, rowsMax])
        for alert in alerts where dropped < rowsMax {
            for row in try Row.fetchAll(db, sql: "SELECT raisedEntries, endedEntries FROM alert WHERE id = ?", arguments: [alert]) {
                for entry in "\(row[0] as String? ?? "") \(row[1] as String? ?? "")".split(separator: " ") {
                    let parts = entry.split(separator: ":").compactMap { Int64($0) }
                    if parts.count == 2 { entries[parts[0], default: []].append(parts[1]) }
                }
            }
            for sql in ["DELETE FROM history WHERE alert = ?", "DELETE FROM notice WHERE alert = ?", "DELETE FROM alert WHERE id = ?"] {
                try run(sql, [alert])
                dropped += db.changesCount
            }
        }
        if dropped < rowsMax {
            let told = try Row.fetchAll(
                db.cachedStatement(sql: """
                    DELETE FROM disclosure WHERE n IN (
                        SELECT n FROM disclosure AS d WHERE at < ?
                            AND NOT EXISTS (SELECT 1 FROM alert WHERE alert.id = d.alert) ORDER BY at LIMIT ?)
                    RETURNING citizen, entry
                    """), arguments: [before.milliseconds, rowsMax - dropped])
            dropped += told.count
            for row in told {
                guard let entry = row[1] as Int64?, let citizen = try StoreReader(db: db).pseudonym(PersonID(row[0] as String)) else { continue }
                entries[citizen, default: []].append(entry)
            }
        }
        if dropped < rowsMax {
            let (rows, more) = try dropDelegates(before: before, rowsMax: rowsMax - dropped)
            dropped += rows
            entries.merge(more) { $0 + $1 }
        }
        for (citizen, numbers) in entries.sorted(by: { $0.key < $1.key }) {
            try eraseChainBodies(of: citizen, entries: numbers, because: .age, at: at ?? before)
        }
        for sql in [
            """
            DELETE FROM decision WHERE id IN (
                SELECT id FROM decision AS d WHERE at < ?
                    AND NOT EXISTS (SELECT 1 FROM disclosure WHERE disclosure.decision = d.id) ORDER BY at LIMIT ?)
            """,
            "DELETE FROM operatorLog WHERE n IN (SELECT n FROM operatorLog WHERE at < ? ORDER BY at LIMIT ?)",
        ] where dropped < rowsMax {
            try run(sql, [before.milliseconds, rowsMax - dropped])
            dropped += db.changesCount
        }
        return dropped
    }
}
