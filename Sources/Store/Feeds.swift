import Care
import Foundation
import GRDB

/// What flows to services, written within a turn.
extension StoreTurn {
    /// How many rows went, and how many of them the broker had not been given.
    public struct FeedsDropped: Sendable {
        public var rows = 0
        public var waiting = 0
        /// Of which nothing more is left although nothing of it was told.
        public var untold: [FeedDay] = []
    }

    public func append(_ row: FeedRow) throws {
        try run(
            """
            INSERT INTO feed (n, service, citizen, quantity, detail, sources, others, at, observedAt, value, summary, purpose, record, told, state)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [row.n, row.of.service.name, row.of.citizen.name, row.of.quantity.name, row.of.detail.name, row.of.sourcesText, row.of.othersText,
                row.at.milliseconds, row.observedAt.milliseconds, row.value, try row.summary.map { try Body.encode($0) }, row.purpose.rawValue,
                row.record?.number, row.told, row.state.rawValue])
    }

    // MARK: What was told, counted

    /// - Returns: the row that counts it; nil where there is none for that day yet.
    public func countQueued(_ service: PersonID, _ citizen: PersonID, _ quantity: Quantity, _ day: Day, _ detail: Detail, _ record: ConsentID?, at: Instant) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(sql: """
                UPDATE feedDay SET queued = queued + 1, lastAt = ? WHERE citizen = ? AND service = ? AND quantity = ? AND day = ? AND record = ? AND detail = ? AND NOT inFigure
                RETURNING id
                """), arguments: [at.milliseconds, citizen.name, service.name, quantity.name, day.iso, record?.number ?? 0, detail.name])
    }

    public func begin(_ day: FeedDay) throws {
        try run(
            """
            INSERT INTO feedDay (id, service, citizen, quantity, day, detail, record, inFigure, decision, queued, sent, fetched, firstAt, lastAt)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [day.id, day.service.name, day.citizen.name, day.quantity.name, day.day.iso, day.detail.name, day.record?.number ?? 0, day.inFigure, day.decision.number,
                day.queued, day.sent, day.fetched, day.firstAt.milliseconds, day.lastAt.milliseconds])
    }

    /// Somebody is counted in a figure: written down once, also where it was said before that they were not after all.
    ///
    /// - Returns: the row that says so.
    public func beginCounted(_ day: FeedDay) throws -> Int64 {
        try Int64.fetchOne(
            db.cachedStatement(sql: """
                INSERT INTO feedDay (id, service, citizen, quantity, day, detail, record, inFigure, decision, queued, sent, fetched, firstAt, lastAt)
                VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, 1, 1, 0, ?, ?)
                ON CONFLICT (citizen, service, quantity, day, record, detail, inFigure) DO UPDATE SET sent = 1, decision = excluded.decision, lastAt = excluded.lastAt
                RETURNING id
                """),
            arguments: [
                day.id, day.service.name, day.citizen.name, day.quantity.name, day.day.iso, day.detail.name, day.record?.number ?? 0, day.decision.number,
                day.firstAt.milliseconds, day.lastAt.milliseconds,
            ]) ?? day.id
    }

    /// The broker has these.
    ///
    /// - Returns: the days of which nothing had been sent before, and how many rows no longer wait.
    public func noteSent(_ rows: [Int64]) throws -> (first: [FeedDay], rows: Int) {
        var counts: [Int64: (rows: Int, new: Int)] = [:]
        for n in rows {
            // What was taken back meanwhile was sent all the same, but is not there to be counted.
            guard let row = try Row.fetchOne(db.cachedStatement(sql: "UPDATE feed SET state = 1 WHERE n = ? AND state = 0 RETURNING told, fetched"), arguments: [n]) else { continue }
            counts[row[0], default: (0, 0)].rows += 1
            if !(row[1] as Bool) { counts[row[0], default: (0, 0)].new += 1 }
        }
        return (try add(counts, to: "sent"), counts.values.reduce(0) { $0 + $1.rows })
    }

    /// The service has fetched these. One that is fetched again does not count again.
    ///
    /// - Returns: the days of which nothing had been fetched before.
    public func noteFetched(_ rows: [FeedRow]) throws -> [FeedDay] {
        var counts: [Int64: (rows: Int, new: Int)] = [:]
        for row in rows {
            guard let state = try Int.fetchOne(db.cachedStatement(sql: "UPDATE feed SET fetched = 1 WHERE n = ? AND NOT fetched RETURNING state"), arguments: [row.n]) else { continue }
            counts[row.told, default: (0, 0)].rows += 1
            if state != FeedRow.State.sent.rawValue { counts[row.told, default: (0, 0)].new += 1 }
        }
        return try add(counts, to: "fetched")
    }

    /// - Parameter counts: `new`: of these, those that had neither been sent nor fetched before.
    private func add(_ counts: [Int64: (rows: Int, new: Int)], to column: String) throws -> [FeedDay] {
        var first: [FeedDay] = []
        for (told, count) in counts.sorted(by: { $0.key < $1.key }) {
            try run("UPDATE feedDay SET \(column) = \(column) + ?, given = given + ? WHERE id = ?", [count.rows, count.new, told])
            guard let day = try StoreReader(db: db).feedDay(told) else { continue }
            if (column == "sent" ? day.sent : day.fetched) == count.rows { first.append(day) }
        }
        return first
    }

    public func hold(_ rows: [Int64]) throws -> Int {
        var held = 0
        for n in rows {
            try run("UPDATE feed SET state = 2 WHERE n = ? AND state = 0", [n])
            held += db.changesCount
        }
        return held
    }

    // MARK: What goes

    /// - Parameter before: only what was observed before; nil: all.
    public func drop(_ group: FeedGroup, observedBefore before: Instant? = nil) throws -> FeedsDropped {
        var dropped = FeedsDropped()
        let clause = "service = ? AND citizen = ? AND quantity = ? AND detail = ? AND sources = ? AND others = ? AND observedAt < ?"
        let arguments: [(any DatabaseValueConvertible)?] = [
            group.service.name, group.citizen.name, group.quantity.name, group.detail.name, group.sourcesText, group.othersText,
            before?.milliseconds ?? Int64.max,
        ]
        let told = try Row.fetchAll(db.cachedStatement(sql: "DELETE FROM feed WHERE \(clause) RETURNING told, state"), arguments: StatementArguments(arguments))
        dropped.rows = told.count
        dropped.waiting = told.count { $0[1] as Int == FeedRow.State.waiting.rawValue }
        for id in Set(told.map { $0[0] as Int64 }).sorted() {
            guard let day = try StoreReader(db: db).feedDay(id), day.sent == 0, day.fetched == 0,
                try !(Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM feed WHERE citizen = ? AND service = ? AND told = ?)", arguments: [day.citizen.name, day.service.name, id]) ?? false)
            else { continue }
            dropped.untold.append(day)
        }
        return dropped
    }

    /// The oldest of one service make room; how many, and until when, is remembered as a gap.
    ///
    /// - Parameters:
    ///   - before: only what was written down before, because it is old; nil: because there is no more room.
    ///   - citizen: only of this one; nil: of all.
    /// - Returns: how many went, and how many of them waited.
    public func dropOldest(of service: PersonID, rows: Int, before: Instant? = nil, citizen: PersonID? = nil) throws -> (rows: Int, waiting: Int) {
        let gone = try Row.fetchAll(
            db.cachedStatement(sql: """
                DELETE FROM feed WHERE n IN (SELECT n FROM feed WHERE service = ?1 AND at < ?2 AND \(citizen == nil ? "?4 IS NULL" : "citizen = ?4") ORDER BY n LIMIT ?3)
                RETURNING citizen, quantity, n, observedAt, state
                """), arguments: [service.name, before?.milliseconds ?? Int64.max, rows, citizen?.name])
        var waiting = 0
        var gaps: [String: (citizen: String, quantity: String, gap: FeedGap)] = [:]
        for row in gone {
            let isWaiting = row[4] as Int == FeedRow.State.waiting.rawValue
            if isWaiting { waiting += 1 }
            let (citizen, quantity) = (row[0] as String, row[1] as String)
            let (n, at) = (row[2] as Int64, Instant(milliseconds: row[3]))
            var gap = gaps["\(citizen) \(quantity)"]?.gap ?? FeedGap(rows: 0, upTo: n, unsentUpTo: nil, observedFrom: at, observedUntil: at)
            gap.rows += 1
            gap.upTo = max(gap.upTo, n)
            if isWaiting { gap.unsentUpTo = max(gap.unsentUpTo ?? n, n) }
            (gap.observedFrom, gap.observedUntil) = (min(gap.observedFrom, at), max(gap.observedUntil, at))
            gaps["\(citizen) \(quantity)"] = (citizen, quantity, gap)
        }
        for (_, one) in gaps.sorted(by: { $0.key < $1.key }) {
            try run(
                """
                INSERT INTO feedGap (service, citizen, quantity, droppedRows, overLimit, upTo, unsentUpTo, observedFrom, observedUntil) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET droppedRows = droppedRows + excluded.droppedRows, overLimit = overLimit + excluded.overLimit, upTo = max(upTo, excluded.upTo),
                    unsentUpTo = ifnull(excluded.unsentUpTo, unsentUpTo), observedFrom = min(observedFrom, excluded.observedFrom),
                    observedUntil = max(observedUntil, excluded.observedUntil)
                """,
                [service.name, one.citizen, one.quantity, one.gap.rows, before == nil ? one.gap.rows : 0, one.gap.upTo, one.gap.unsentUpTo,
                    one.gap.observedFrom.milliseconds, one.gap.observedUntil.milliseconds])
        }
        return (gone.count, waiting)
    }

    /// Nothing is left of what flowed to this service, or of what is due to it, its token included.
    public func dropFeeds(ofService service: PersonID) throws {
        for table in ["feed", "feedStream", "feedPeriod", "feedGap", "figure", "serviceAccess"] {
            try run("DELETE FROM \(table) WHERE service = ?", [service.name])
        }
    }

    /// What one citizen's feeds still hold; what was told stays told.
    public func dropFeeds(ofCitizen citizen: PersonID) throws {
        for table in ["feed", "feedPeriod", "feedGap"] { try run("DELETE FROM \(table) WHERE citizen = ?", [citizen.name]) }
    }

    public func dropFeedGaps(of citizen: PersonID) throws { try run("DELETE FROM feedGap WHERE citizen = ?", [citizen.name]) }

    public func dropFeedDays(of citizen: PersonID, before: Instant) throws {
        try run("DELETE FROM feedDay WHERE citizen = ? AND lastAt < ?", [citizen.name, before.milliseconds])
    }

    /// What was counted so long ago that its disclosure goes, too, and hours and days that nothing can correct any more.
    ///
    /// - Returns: how many rows went.
    public func dropOldFeedDays(before: Instant, periodsBefore: Instant, rowsMax: Int) throws -> Int {
        try run("DELETE FROM feedDay WHERE id IN (SELECT id FROM feedDay WHERE lastAt < ? LIMIT ?)", [before.milliseconds, rowsMax])
        var gone = db.changesCount
        try run(
            """
            DELETE FROM feedPeriod WHERE (citizen, service, quantity, fromAt, toAt) IN (
                SELECT citizen, service, quantity, fromAt, toAt FROM feedPeriod WHERE due IS NULL AND toAt < ? LIMIT ?)
            """, [periodsBefore.milliseconds, rowsMax])
        gone += db.changesCount
        return gone
    }

    // MARK: Streams

    public func save(_ stream: FeedStream, endedAt: Instant?) throws {
        try run(
            "INSERT INTO feedStream (service, citizen, endedAt) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET endedAt = excluded.endedAt",
            [stream.service.name, stream.citizen.name, endedAt?.milliseconds])
    }
    public func remove(_ stream: FeedStream) throws {
        try run("DELETE FROM feedStream WHERE service = ? AND citizen = ?", [stream.service.name, stream.citizen.name])
    }

    // MARK: Hours and days

    /// A summary of this time is due when it is over; where one was made already, it is made again at `again`.
    ///
    /// - Returns: when it is due.
    public func expect(_ period: FeedPeriod, _ stream: FeedStream, _ quantity: Quantity, again: Instant) throws -> Instant {
        let due = try Int64.fetchOne(
            db.cachedStatement(sql: """
                INSERT INTO feedPeriod (service, citizen, quantity, fromAt, toAt, version, due) VALUES (?, ?, ?, ?, ?, 0, ?)
                ON CONFLICT DO UPDATE SET due = ifnull(due, ?) RETURNING due
                """),
            arguments: [
                stream.service.name, stream.citizen.name, quantity.name, period.from.milliseconds, period.to.milliseconds, period.to.milliseconds, again.milliseconds,
            ])
        return Instant(milliseconds: due ?? period.to.milliseconds)
    }

    public func done(_ due: FeedDue, _ summary: FeedSummary?) throws {
        try run(
            "UPDATE feedPeriod SET due = NULL, version = ?, summary = ? WHERE citizen = ? AND service = ? AND quantity = ? AND fromAt = ? AND toAt = ?",
            [summary?.version ?? due.version, try (summary ?? due.summary).map { try Body.encode($0) }, due.stream.citizen.name, due.stream.service.name, due.quantity.name,
                due.period.from.milliseconds, due.period.to.milliseconds])
    }

    public func postpone(_ due: FeedDue, until: Instant) throws {
        try run(
            "UPDATE feedPeriod SET due = ? WHERE citizen = ? AND service = ? AND quantity = ? AND fromAt = ? AND toAt = ?",
            [until.milliseconds, due.stream.citizen.name, due.stream.service.name, due.quantity.name, due.period.from.milliseconds, due.period.to.milliseconds])
    }

    public func dropPeriods(_ stream: FeedStream, _ quantity: Quantity) throws {
        try run("DELETE FROM feedPeriod WHERE citizen = ? AND service = ? AND quantity = ?", [stream.citizen.name, stream.service.name, quantity.name])
    }

    /// What was said of them before goes; what is due is made again from what is left.
    public func dropPeriods(of citizen: PersonID, _ quantities: [Quantity], before: Instant) throws {
        for quantity in quantities {
            try run("DELETE FROM feedPeriod WHERE citizen = ? AND quantity = ? AND fromAt < ? AND due IS NULL", [citizen.name, quantity.name, before.milliseconds])
            try run("UPDATE feedPeriod SET summary = NULL WHERE citizen = ? AND quantity = ? AND fromAt < ?", [citizen.name, quantity.name, before.milliseconds])
        }
    }

    // MARK: Services

    /// - Parameter tokenHash: nil: it has none any more.
    public func saveToken(_ service: PersonID, hash: [UInt8]?) throws {
        try run(
            "INSERT INTO serviceAccess (service, tokenHash) VALUES (?, ?) ON CONFLICT DO UPDATE SET tokenHash = excluded.tokenHash",
            [service.name, hash.map { Data($0) }])
    }
    public func saveHourly(_ service: PersonID, _ isHourly: Bool) throws {
        try run(
            "INSERT INTO serviceAccess (service, hourly) VALUES (?, ?) ON CONFLICT DO UPDATE SET hourly = excluded.hourly", [service.name, isHourly])
    }
}

/// An hour or a day of which a summary is due.
public struct FeedDue: Hashable, Sendable {
    public var stream: FeedStream
    public var quantity: Quantity
    public var period: FeedPeriod
    /// Of the last one that was made; 0: none.
    public var version: Int
    public var summary: FeedSummary?
}

extension FeedGroup {
    var sourcesText: String { sources.map { String($0.number) }.joined(separator: " ") }
    var othersText: String { others.map(\.name).joined(separator: " ") }
}
