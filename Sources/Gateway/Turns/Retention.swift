import Care
import Logging
import Store

/// What has been kept for long enough goes in small steps between turns: readings as their citizens decided within the
/// scheme's bounds, records as the scheme says. Each step is a transaction, so a restart goes on where the last one ended.
extension Engine {
    /// Between two tries to empty the database's log of what was removed.
    static var retentionCleanEvery: Span { .minutes(1) }
    /// A database of up to so many bytes is written anew once a day when something was removed from it.
    static var retentionRewrittenBytesMax: Int64 { 8 << 20 }

    /// A round is due or under way.
    var isRetentionDue: Bool { sweepFrom != nil || now >= nextSweep }

    /// - Returns: whether there is more to remove.
    func retentionStep() throws -> Bool {
        guard isRetentionDue, !importing.holds(now) else {
            if now >= nextRetentionClean { try cleanAfterRetention() }
            return false
        }
        let next = try turn { tx in try retentionRows(tx, asOf: now) }
        sweepFrom = next
        if next == nil { nextSweep = now + Self.sweepEvery }
        return next != nil
    }

    /// All of it at once: after a restore nobody may be shown what had gone.
    ///
    /// - Parameter then: as it was to be done at that moment; nil: now.
    func keepNow(asOf then: Instant? = nil) throws {
        (sweepFrom, nextSweep) = (nil, .distantPast)
        importing = ImportUnderWay()
        repeat { sweepFrom = try turn { tx in try retentionRows(tx, asOf: then ?? now) } } while sweepFrom != nil
        nextSweep = now + Self.sweepEvery
    }

    private func retentionRows(_ tx: StoreTurn, asOf now: Instant) throws -> Int32? {
        // What is deleted in this turn is written over.
        try tx.overwriteDeleted()
        var rules = keepRules
        rules.now = now
        // Once for all series: everybody's choices are looked at for it.
        let soonest = Dictionary(Category.allCases.map { ($0, rules.soonest($0)) }, uniquingKeysWith: { a, _ in a })
        var (rows, gone) = (0, 0)
        var from = sweepFrom ?? 1
        defer { if gone > 0 { isRetentionDirty = true } }
        while from < .max, let number = try tx.reader.nextSeriesKept(from: from) {
            guard rows < Self.sweepRowsMax else { return try noteRemoved(gone, tx, next: number) }
            let step = try keepSeries(number, rules, soonest, rowsMax: Self.sweepRowsMax - rows, tx)
            rows += step.rows + 1
            gone += step.gone
            if !step.isDone { return try noteRemoved(gone, tx, next: number) }
            from = number < .max ? number + 1 : .max
        }
        let before = now - .days(Int64(configuration.limits.recordsKeptDays))
        var dropped = try tx.dropRecords(before: before, rowsMax: Self.sweepRowsMax, at: now)
        if dropped == 0 { dropped = try tx.dropImported(before: before, rowsMax: Self.sweepRowsMax, at: now) }
        dropped += try sweepFeeds(tx)
        gone += dropped
        // Readings are done; the step is repeated for the records alone.
        return try noteRemoved(gone, tx, next: dropped > 0 ? .max : nil)
    }

    private func noteRemoved(_ gone: Int, _ tx: StoreTurn, next: Int32?) throws -> Int32? {
        if gone > 0, isRetentionDirty != true { try tx.setMeta(Self.dirtyKey, "1") }
        return next
    }

    private static var dirtyKey: String { "retentionDirty" }

    private func keepSeries(
        _ number: Int32, _ rules: KeepRules, _ soonest: [Category: (readings: Instant, figures: Instant)], rowsMax: Int, _ tx: StoreTurn
    ) throws -> KeepStep {
        let now = rules.now
        guard let series = world.seriesInfo(SeriesID(number)) else {
            // A quantity that this version does not know any more.
            let (next, dropped) = try tx.dropReadings(
                before: now - .days(Int64(configuration.limits.readingsKeptDays)), fromSeries: number, lastSeries: number, rowsMax: rowsMax)
            return KeepStep(rows: dropped, gone: dropped, isDone: next == nil)
        }
        let reader = try tx.reader
        guard let soonest = soonest[series.quantity.category] else { return KeepStep() }
        let hasOld = try reader.oldestReading(number).map { $0 < soonest.readings } ?? false
        guard try hasOld || reader.oldestFigure(number).map({ $0 < soonest.figures }) ?? false else { return KeepStep() }
        let device = world.device(series.device)?.device
        let zone = device.map { world.zone(of: $0.home) } ?? .utc
        let terms = rules.terms(series.quantity.category, try reader.claims(ofAll: series.device), zone)
        return try tx.keep(series, terms, zone: zone, sparesNewest: !(device?.citizens.isEmpty ?? true), now: now, rowsMax: rowsMax)
    }

    // MARK: The files

    /// Once a round is over: what it removed goes from the database's log, and once a day from what its pages still hold.
    private func cleanAfterRetention() throws {
        if isRetentionDirty == nil { isRetentionDirty = try store.read { try $0.meta(Self.dirtyKey) } != nil }
        guard isRetentionDirty == true else {
            nextRetentionClean = now + Self.sweepEvery
            return
        }
        nextRetentionClean = now + Self.retentionCleanEvery
        if now >= nextRetentionRewrite {
            nextRetentionRewrite = now + .days(1)
            // Where there is no room for it, it is done tomorrow: what was removed is written over where it stood.
            do { try store.rewrite(bytesMax: Self.retentionRewrittenBytesMax) } catch where StoreProblem(error) != .corrupt {
                log.error("The database could not be written anew without what was removed; it is tried again tomorrow.", metadata: ["error": "\(type(of: error))"])
            }
        }
        // Somebody still reads what it holds, an export for instance.
        guard try store.emptyLog() else { return }
        try turn { tx in try tx.deleteMeta(Self.dirtyKey) }
        isRetentionDirty = false
    }
}

/// While an export is being taken in its readings stay readings: a day whose second half is still to come is not made.
struct ImportUnderWay: Sendable {
    /// After the last piece; an import that was broken off holds up nothing for longer.
    static let waitMax: Span = .minutes(10)
    /// However many pieces come.
    static let lastsMax: Span = .hours(6)

    private var since: Instant?
    private var last = Instant.distantPast

    mutating func note(_ now: Instant) {
        if since == nil || now - last > Self.lastsMax { since = now }
        last = now
    }
    mutating func end() { last = .distantPast }

    func holds(_ now: Instant) -> Bool {
        guard let since else { return false }
        return now - last < Self.waitMax && now - since < Self.lastsMax
    }
}
