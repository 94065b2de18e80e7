import Care
import GRDB

/// How much of a series a step has looked at, and what became of it.
public struct KeepStep: Hashable, Sendable {
    /// Rows that were looked at or deleted.
    public var rows = 0
    /// Readings and daily figures that went, or became figures.
    public var gone = 0
    /// There is nothing more to do with this series now.
    public var isDone = true

    public init(rows: Int = 0, gone: Int = 0, isDone: Bool = true) { (self.rows, self.gone, self.isDone) = (rows, gone, isDone) }
}

/// What has been kept for long enough is erased or made into figures of days, series by series and a bounded number of rows
/// in a turn: each reading is in its table, or in the figures, after every commit.
extension StoreTurn {
    /// Times of readings that were made into figures are remembered for so long after they were observed, to know those that
    /// are told again. What a device tells of an older day that has been made is dropped: it may have been told before.
    public static var foldedTimesKept: Span { .days(92) }

    /// - Parameters:
    ///   - terms: in order, all times.
    ///   - sparesNewest: the newest reading stays, because it says how things are now.
    ///   - rowsMax: about as many rows are looked at or deleted.
    public func keep(_ series: Series, _ terms: [KeepTerm], zone: Zone, sparesNewest: Bool, now: Instant, rowsMax: Int) throws -> KeepStep {
        try store.insertPending(db)
        var step = KeepStep()
        let number = series.id.number
        let newest = try Int64.fetchOne(db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? ORDER BY at DESC LIMIT 1"), arguments: [number])
        for term in terms {
            let from = Self.key(term.from)
            let end = min(Self.key(min(term.until, term.readingsBefore)), sparesNewest ? newest ?? .max : .max)
            let erased = min(end, Self.key(term.figuresBefore))
            if from < erased {
                try eraseKept(number, from: from, end: erased, rowsMax: max(1, rowsMax - step.rows), &step)
                guard step.isDone else { break }
            }
            // The newest is never made into figures: how long it holds is not known yet.
            let folded = min(end, newest ?? .max)
            if max(from, erased) < folded {
                try fold(series, term, zone, from: max(from, erased), end: folded, now: now, rowsMax: max(1, rowsMax - step.rows), &step)
                guard step.isDone else { break }
            }
            try eraseFigures(number, term, rowsMax: max(1, rowsMax - step.rows), &step)
            guard step.isDone else { break }
        }
        if step.gone > 0 {
            try run("DELETE FROM foldedTime WHERE series = ? AND at < ?", [Int64(number), Self.key(now - Self.foldedTimesKept)])
            if Int(number) < store.newestKeys.count { store.newestKeys[Int(number)] = Store.unknownKey }
        }
        return step
    }

    /// What an instant is in the order of readings, whatever the instant.
    static func key(_ at: Instant) -> Int64 { at <= Instant(milliseconds: 0) ? 0 : at.milliseconds >= Int64.max >> 6 ? .max : at.milliseconds << 6 }

    private func eraseKept(_ series: Int32, from: Int64, end: Int64, rowsMax: Int, _ step: inout KeepStep) throws {
        let bound = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT 1 OFFSET ?"),
            arguments: [series, from, end, rowsMax])
        try removeReadings(series, from: from, end: bound ?? end, &step)
        step.isDone = bound == nil
    }

    private func removeReadings(_ series: Int32, from: Int64, end: Int64, _ step: inout KeepStep) throws {
        try run("DELETE FROM reading WHERE series = ? AND at >= ? AND at < ?", [Int64(series), from, end])
        guard db.changesCount > 0 else { return }
        step.rows += db.changesCount
        step.gone += db.changesCount
        try run("DELETE FROM importedEarliest WHERE series = ? AND at >= ? AND at < ?", [Int64(series), from, end])
    }

    private func eraseFigures(_ series: Int32, _ term: KeepTerm, rowsMax: Int, _ step: inout KeepStep) throws {
        let end = min(term.until, term.figuresBefore)
        guard term.from < end else { return }
        try run(
            """
            DELETE FROM dailyFigure WHERE series = ?1 AND at IN (
                SELECT at FROM dailyFigure WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at LIMIT ?4)
            """, [Int64(series), term.from.milliseconds, end.milliseconds, rowsMax])
        let gone = db.changesCount
        step.rows += gone
        step.gone += gone
        step.isDone = gone < rowsMax
        if gone > 0 { try run("DELETE FROM foldedTime WHERE series = ? AND at >= ? AND at < ?", [Int64(series), Self.key(term.from), Self.key(end)]) }
    }

    // MARK: Into figures

    private func fold(_ series: Series, _ term: KeepTerm, _ zone: Zone, from: Int64, end: Int64, now: Instant, rowsMax: Int, _ step: inout KeepStep) throws {
        let number = series.id.number
        let isAny = try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM reading WHERE series = ? AND at >= ? AND at < ?)"), arguments: [number, from, end])
        // Most series of somebody who keeps them for longer than others have nothing to do here.
        guard isAny == true else { return }
        // One more than is folded: the next says how long the last one held.
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT at, value FROM reading WHERE series = ? AND at >= ? ORDER BY at LIMIT ?"), arguments: [number, from, rowsMax + 1]
        ).map { (key: ReadingKey(raw: $0[0]), value: $0[1] as Double) }
        guard let first = rows.first, let last = rows.last, first.key.raw < end else { return }
        let reader = StoreReader(db: db)
        let around = max(term.from, first.key.at - .days(2))
        // However long ago it was said: what a state was before decides whether it turned true.
        let near = try reader.lastFigure(number, from: term.from, until: around) + reader.figures(number, from: around, until: min(term.until, last.key.at + .days(2)))
        var folding = DailyFolding(kind: series.quantity.kind, zone: zone, term: term, figures: near)
        let remembered = Self.key(now - Self.foldedTimesKept)
        var bound = end
        for (i, row) in rows.enumerated() where row.key.raw < end {
            // Without the one behind it, it waits for the next step; where there is none it is the newest, which never gets here.
            guard i + 1 < rows.count else {
                bound = row.key.raw
                break
            }
            if folding.isMade(row.key.at) {
                let key = row.key.at.milliseconds << 6
                if row.key.source == .device, row.key.raw >= remembered, try !isFolded(number, key) {
                    folding.takeLate(row.value, at: row.key.at)
                    try noteFolded(number, key)
                }
            } else {
                folding.take(row.value, at: row.key.at, next: rows[i + 1].key.at)
                if row.key.source == .device, row.key.raw >= remembered { try noteFolded(number, row.key.at.milliseconds << 6) }
            }
        }
        for figure in folding.figures.values where folding.changed.contains(figure.from) { try save(figure, series.id) }
        try removeReadings(number, from: from, end: bound, &step)
        step.isDone = bound == end
    }

    private func isFolded(_ series: Int32, _ key: Int64) throws -> Bool {
        try Bool.fetchOne(db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM foldedTime WHERE series = ? AND at = ?)"), arguments: [series, key]) ?? false
    }
    private func noteFolded(_ series: Int32, _ key: Int64) throws {
        try run("INSERT OR IGNORE INTO foldedTime (series, at) VALUES (?, ?)", [Int64(series), key])
    }

    /// - Parameter replaces: false: one that is there already stays as it is.
    /// - Returns: whether it was written.
    @discardableResult
    public func save(_ figure: DailyFigure, _ series: SeriesID, replaces: Bool = true) throws -> Bool {
        try run(
            """
            INSERT OR \(replaces ? "REPLACE" : "IGNORE") INTO dailyFigure
                (series, at, day, count, sum, least, most, first, last, firstAt, lastAt, upTo, trueUntil, lasted, times)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                Int64(series.number), figure.from.milliseconds, figure.day.number, figure.count, figure.sum, figure.least, figure.most, figure.first, figure.last,
                figure.firstAt?.milliseconds, figure.lastAt?.milliseconds, figure.upTo?.milliseconds, figure.trueUntil?.milliseconds, figure.lasted.milliseconds,
                figure.times,
            ])
        return db.changesCount > 0
    }

    // MARK: Imported entries

    /// Entries of other gateways go when they have been here for long enough.
    ///
    /// - Returns: how many went.
    public func dropImported(before: Instant, rowsMax: Int, at: Instant) throws -> Int {
        try run("UPDATE importedEntry SET takenInAt = ? WHERE n IN (SELECT n FROM importedEntry WHERE takenInAt = 0 LIMIT ?)", [at.milliseconds, rowsMax])
        let dated = db.changesCount
        try run("DELETE FROM importedEntry WHERE n IN (SELECT n FROM importedEntry WHERE takenInAt > 0 AND takenInAt < ? LIMIT ?)", [before.milliseconds, rowsMax])
        return dated + db.changesCount
    }

    // MARK: What citizens decided

    /// Writes down what a citizen decided, in their chain as well.
    public func append(_ choice: KeepChoice) throws {
        let citizen = try pseudonym(choice.citizen)
        let by = try ChainBody.pseudonymous(by: choice.by) { try pseudonym(PersonID($0)) }
        let entry = try enter(.keeping, row: choice.id, of: citizen, ChainBody.keeping(choice, by: by))
        try run(
            "INSERT INTO keeping (id, citizen, category, days, after, at, by, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                choice.id, choice.citizen.name, choice.category.rawValue, choice.setting.map { Int64($0.days) }, choice.setting?.then.rawValue,
                choice.at.milliseconds, choice.by, entry,
            ])
    }

    /// Of what a citizen decided only what holds now stays.
    ///
    /// - Returns: whether the row went.
    func eraseKeeping(_ id: Int64, _ citizen: PersonID, before: Instant, isOver: Bool = false) throws -> Bool {
        try run(
            """
            DELETE FROM keeping WHERE id = ?1 AND citizen = ?2 AND at < ?3
                AND (?4 OR EXISTS (SELECT 1 FROM keeping AS newer WHERE newer.citizen = ?2 AND newer.category = keeping.category AND newer.id > ?1))
            """, [id, citizen.name, before.milliseconds, isOver])
        return db.changesCount > 0
    }
}

extension StoreReader {
    /// The next series that has readings or figures, from this number on.
    public func nextSeriesKept(from number: Int32) throws -> Int32? {
        try Int32.fetchOne(
            db.cachedStatement(sql: """
                SELECT min(series) FROM (
                    SELECT (SELECT series FROM reading WHERE series >= ?1 ORDER BY series LIMIT 1) AS series
                    UNION ALL SELECT (SELECT series FROM dailyFigure WHERE series >= ?1 ORDER BY series LIMIT 1))
                """), arguments: [number])
    }
    public func oldestReading(_ series: Int32) throws -> Instant? {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? ORDER BY at LIMIT 1"), arguments: [series]).map { ReadingKey(raw: $0).at }
    }
    public func oldestFigure(_ series: Int32) throws -> Instant? {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT at FROM dailyFigure WHERE series = ? ORDER BY at LIMIT 1"), arguments: [series])
            .map(Instant.init(milliseconds:))
    }

    /// Everybody's claims to a device.
    public func claims(ofAll device: DeviceID) throws -> [(citizen: PersonID, from: Instant, until: Instant)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT citizen, at, releasedAt FROM claim WHERE device = ? ORDER BY at, n"), arguments: [device.number]).map {
            (PersonID($0[0] as String), Instant(milliseconds: $0[1]), ($0[2] as Int64?).map(Instant.init(milliseconds:)) ?? .distantFuture)
        }
    }

    /// Whose beginning lies in this time, in order.
    public func figures(_ series: Int32, from: Instant, until: Instant) throws -> [DailyFigure] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT * FROM dailyFigure WHERE series = ? AND at >= ? AND at < ? ORDER BY at"),
            arguments: [series, from.milliseconds, until.milliseconds]
        ).map(Self.figure)
    }

    /// The last of a time that was made from readings.
    func lastFigure(_ series: Int32, from: Instant, until: Instant) throws -> [DailyFigure] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT * FROM dailyFigure WHERE series = ? AND at >= ? AND at < ? AND count > 0 ORDER BY at DESC LIMIT 1"),
            arguments: [series, from.milliseconds, until.milliseconds]
        ).map(Self.figure)
    }

    static func figure(_ row: Row) -> DailyFigure {
        var figure = DailyFigure(from: Instant(milliseconds: row["at"]), day: Day(number: row["day"]))
        (figure.count, figure.sum, figure.least, figure.most) = (row["count"], row["sum"], row["least"], row["most"])
        (figure.first, figure.last, figure.times, figure.lasted) = (row["first"], row["last"], row["times"], Span(milliseconds: row["lasted"]))
        func instant(_ column: String) -> Instant? { (row[column] as Int64?).map(Instant.init(milliseconds:)) }
        (figure.firstAt, figure.lastAt, figure.upTo, figure.trueUntil) = (instant("firstAt"), instant("lastAt"), instant("upTo"), instant("trueUntil"))
        return figure
    }

    /// What of a series a round of retention with these terms would find now.
    public struct Kept: Hashable, Sendable {
        public var readings: Int64 = 0
        public var figures: Int64 = 0
        /// Of anything.
        public var oldest: Instant?
        public var readingsErased: Int64 = 0
        public var readingsThinned: Int64 = 0
        public var figuresErased: Int64 = 0

        public init() {}
    }

    /// - Parameter times: only what was observed in these.
    public func kept(_ series: Int32, _ terms: [KeepTerm], in times: [(from: Instant, until: Instant)]) throws -> Kept {
        func readings(_ from: Instant, _ until: Instant) throws -> Int64 {
            guard from < until else { return 0 }
            return try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT count(*) FROM reading WHERE series = ? AND at >= ? AND at < ?"),
                arguments: [series, StoreTurn.key(from), StoreTurn.key(until)]) ?? 0
        }
        func figures(_ from: Instant, _ until: Instant) throws -> Int64 {
            guard from < until else { return 0 }
            return try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT count(*) FROM dailyFigure WHERE series = ? AND at >= ? AND at < ?"),
                arguments: [series, from.milliseconds, until.milliseconds]) ?? 0
        }
        var kept = Kept()
        let newest = try Int64.fetchOne(db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? ORDER BY at DESC LIMIT 1"), arguments: [series])
            .map { ReadingKey(raw: $0).at }
        for time in times {
            kept.readings += try readings(time.from, time.until)
            kept.figures += try figures(time.from, time.until)
            let first = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT 1"),
                arguments: [series, StoreTurn.key(time.from), StoreTurn.key(time.until)]).map { ReadingKey(raw: $0).at }
            let made = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT at FROM dailyFigure WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT 1"),
                arguments: [series, time.from.milliseconds, time.until.milliseconds]).map(Instant.init(milliseconds:))
            kept.oldest = [kept.oldest, first, made].compactMap { $0 }.min()
            for term in terms {
                let (from, until) = (max(time.from, term.from), min(time.until, term.until))
                let old = min(until, term.readingsBefore, newest ?? .distantPast)
                kept.readingsErased += try readings(from, min(old, term.figuresBefore))
                kept.readingsThinned += try readings(max(from, term.figuresBefore), old)
                kept.figuresErased += try figures(from, min(until, term.figuresBefore))
            }
        }
        return kept
    }

    /// What holds now, and with `all` also what held before, in order.
    public func keepChoices(of citizen: PersonID? = nil, all: Bool = false) throws -> [KeepChoice] {
        try Row.fetchAll(
            db.cachedStatement(sql: """
                SELECT * FROM keeping WHERE (?1 IS NULL OR citizen = ?1)
                    AND (?2 OR id = (SELECT max(id) FROM keeping AS k WHERE k.citizen = keeping.citizen AND k.category = keeping.category)) ORDER BY id
                """), arguments: [citizen?.name, all]
        ).compactMap(Self.keepChoice)
    }

    static func keepChoice(_ row: Row) -> KeepChoice? {
        guard let category = Category(rawValue: row["category"]) else { return nil }
        var setting: KeepSetting?
        if let days = row["days"] as Int64? {
            // A word that this version does not know keeps nothing.
            setting = KeepSetting(days: Int(clamping: days), then: (row["after"] as String?).flatMap(KeepAfter.init(rawValue:)) ?? .erase)
        }
        return KeepChoice(
            id: row["id"], citizen: PersonID(row["citizen"] as String), category: category, setting: setting, at: Instant(milliseconds: row["at"]), by: row["by"])
    }
}
