import Care
import Foundation
import GRDB

/// What may be written within one turn. Valid only inside `Store.turn`.
public struct StoreTurn {
    let db: Database
    let store: Store

    /// What was written in this turn included.
    public var reader: StoreReader {
        get throws {
            try store.insertPending(db)
            return StoreReader(db: db)
        }
    }

    // MARK: Readings

    /// Appends one reading. It is in the table at the end of the turn, or earlier where somebody reads.
    ///
    /// - Returns: false when the device had told exactly this before (same series, same device time, same
    ///   value): delivered again, it counts once.
    @discardableResult
    public func append(_ reading: Reading) throws -> Bool {
        let newest = try newestKey(reading.series)
        var key = ReadingKey(at: reading.at, source: reading.source)
        if key.millisecond <= newest >> 6, reading.source != .device {
            // A reading that the gateway dated itself is never one told before, and it came after all others: the
            // place behind the newest is free. This is what a device that sends in bursts does, and a backlog.
            key = ReadingKey(after: ReadingKey(raw: newest), source: .arrival)
        } else if key.millisecond <= newest >> 6 {
            guard let free = try freeKey(reading, key, newest: ReadingKey(raw: newest)) else { return false }
            key = free
        }
        store.pending.append(PendingReading(series: reading.series.number, key: key.raw, value: reading.value))
        if key.raw > newest { store.newestKeys[Int(reading.series.number)] = key.raw }
        return true
    }

    /// The newest key of a series, waiting readings included; `Store.noKey` where it has none.
    func newestKey(_ series: SeriesID) throws -> Int64 {
        let index = Int(series.number)
        if store.newestKeys.count <= index {
            store.newestKeys.append(
                contentsOf: repeatElement(Store.unknownKey, count: index + 1 - store.newestKeys.count))
        }
        if store.newestKeys[index] == Store.unknownKey {
            store.newestKeys[index] = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT max(at) FROM reading WHERE series = ?"), arguments: [series.number]) ?? Store.noKey
        }
        return store.newestKeys[index]
    }

    /// A key for a reading whose millisecond is not newer than all others of its series; nil when the device
    /// has told it before.
    private func freeKey(_ reading: Reading, _ key: ReadingKey, newest: ReadingKey) throws -> ReadingKey? {
        let rows = try millisecond(reading)
        if rows.contains(where: { Self.tellsTheSame($0, reading) }) { return nil }
        let next = rows.last.map { ReadingKey(raw: $0[0]).ordinal + 1 } ?? 0
        if next < ReadingKey.perMillisecondMax { return ReadingKey(at: reading.at, source: reading.source, ordinal: next) }
        // More different values of one instant than there is room for: that clock stands still. They are kept in the
        // order in which they came. It must not end the turn, which would come again and stop everybody else's, too.
        return ReadingKey(after: newest, source: reading.source)
    }

    /// The rows of this reading's series and millisecond, waiting ones included, in order.
    func millisecond(_ reading: Reading) throws -> [Row] {
        try store.insertPending(db)
        let first = ReadingKey(at: reading.at, source: .arrival)
        return try Row.fetchAll(
            db.cachedStatement(sql: "SELECT at, value FROM reading WHERE series = ? AND at >= ? AND at < ? ORDER BY at"),
            arguments: [reading.series.number, first.raw, (first.millisecond + 1) << 6])
    }

    /// The device itself gave this time and this value before.
    static func tellsTheSame(_ row: Row, _ reading: Reading) -> Bool {
        ReadingKey(raw: row[0]).source == .device && row[1] as Double == reading.value.asNumber
    }

    // MARK: Counters

    /// The next number of this counter, beginning with 1; after a restore with a number that was surely not given out before.
    public func next(_ counter: String) throws -> Int64 {
        try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    INSERT INTO counter (name, value) VALUES (?1,
                        1 + CASE WHEN ?1 IN ('device', 'series') THEN 0 ELSE ifnull((SELECT value FROM counter WHERE name = '\(Store.countersBegin)'), 0) END)
                    ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value
                    """), arguments: [counter]) ?? 1
    }

    public func setCounter(_ counter: String, _ value: Int64) throws {
        try run("INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [counter, value])
    }

    public func deleteMeta(_ key: String) throws { try run("DELETE FROM meta WHERE key = ?", [key]) }

    public func setMeta(_ key: String, _ value: String) throws {
        try run("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", [key, value])
    }

    // MARK: People and things

    public func save(_ circle: Circle) throws {
        try run("INSERT INTO circle (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            [circle.id.name, try Body.encode(circle)])
    }
    public func save(_ home: Home) throws {
        try run(
            "INSERT INTO home (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body, removedAt = NULL",
            [home.id.name, try Body.encode(home)])
    }
    public func remove(_ home: HomeID, at: Instant) throws {
        try run("UPDATE home SET removedAt = ? WHERE name = ?", [at.milliseconds, home.name])
    }
    public func save(_ person: Person) throws {
        try run(
            "INSERT INTO person (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body, removedAt = NULL",
            [person.id.name, try Body.encode(person)])
    }
    public func remove(_ person: PersonID, at: Instant) throws {
        try run("UPDATE person SET removedAt = ? WHERE name = ?", [at.milliseconds, person.name])
    }
    public func saveLogin(_ name: String, hash: String) throws {
        try run("INSERT INTO login (name, hash) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash", [name, hash])
    }
    public func removeLogin(_ name: String) throws { try run("DELETE FROM login WHERE name = ?", [name]) }

    public func save(_ device: Device) throws {
        try run(
            """
            INSERT INTO device (id, home, address, body) VALUES (?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET body = excluded.body
            """, [device.id.number, device.home.name, device.address, try Body.encode(device)])
    }
    public func saveHeard(_ device: DeviceID, at: Instant) throws {
        try run("UPDATE device SET lastHeardAt = ? WHERE id = ?", [at.milliseconds, device.number])
    }
    public func claim(_ device: DeviceID, citizen: PersonID, by: String, at: Instant) throws {
        try run("INSERT INTO claim (device, citizen, by, at) VALUES (?, ?, ?, ?)",
            [device.number, citizen.name, by, at.milliseconds])
    }
    public func releaseClaims(_ device: DeviceID, at: Instant) throws {
        try run("UPDATE claim SET releasedAt = ? WHERE device = ? AND releasedAt IS NULL", [at.milliseconds, device.number])
    }
    public func releaseClaim(_ device: DeviceID, citizen: PersonID, at: Instant) throws {
        try run("UPDATE claim SET releasedAt = ? WHERE device = ? AND citizen = ? AND releasedAt IS NULL", [at.milliseconds, device.number, citizen.name])
    }
    public func save(_ series: Series) throws {
        try run("INSERT INTO series (id, device, quantity, channel, addedAt) VALUES (?, ?, ?, ?, ?)",
            [series.id.number, series.device.number, series.quantity.name, series.channel, series.addedAt.milliseconds])
    }

    /// Adds to what is known of an unclaimed device.
    public func count(_ stranger: Stranger) throws {
        try run(
            """
            INSERT INTO stranger (home, address, convention, messages, firstSeenAt, lastSeenAt) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (home, address) DO UPDATE SET messages = messages + excluded.messages,
                lastSeenAt = max(lastSeenAt, excluded.lastSeenAt), convention = excluded.convention
            """,
            [stranger.home.name, stranger.address, stranger.convention, stranger.messages,
                stranger.firstSeenAt.milliseconds, stranger.lastSeenAt.milliseconds])
    }
    /// Beyond `strangersMax` rows those that were silent longest make room. Once a turn that counted any.
    public func pruneStrangers(strangersMax: Int) throws {
        let over = (try Int.fetchOne(db.cachedStatement(sql: "SELECT count(*) FROM stranger")) ?? 0) - strangersMax
        guard over > 0 else { return }
        try run("DELETE FROM stranger WHERE (home, address) IN (SELECT home, address FROM stranger ORDER BY lastSeenAt, home, address LIMIT ?)", [over])
    }
    public func removeStrangers(_ home: HomeID) throws { try run("DELETE FROM stranger WHERE home = ?", [home.name]) }
    public func removeStranger(_ home: HomeID, _ address: String) throws {
        try run("DELETE FROM stranger WHERE home = ? AND address = ?", [home.name, address])
    }

    /// Keeps a message that could not be decoded: its count for ever, its payload (the first
    /// `payloadBytesMax`) while there are fewer than `keptMax`.
    public func keepUndecodable(
        home: HomeID, address: String, convention: String, reason: String, at: Instant, payload: [UInt8]?, keptMax: Int
    ) throws {
        try run(
            """
            INSERT INTO undecodableCount (home, convention, reason, messages, lastAt) VALUES (?, ?, ?, 1, ?)
            ON CONFLICT (home, convention, reason) DO UPDATE SET messages = messages + 1, lastAt = excluded.lastAt
            """, [home.name, convention, reason, at.milliseconds])
        guard let payload else { return }
        try run("INSERT INTO undecodable (home, address, convention, reason, at, payload) VALUES (?, ?, ?, ?, ?, ?)",
            [home.name, address, convention, reason, at.milliseconds, Data(payload)])
        try run("DELETE FROM undecodable WHERE n <= (SELECT max(n) FROM undecodable) - ?", [keptMax])
    }
    public func dropUndecodable(before: Instant) throws {
        try run("DELETE FROM undecodable WHERE at < ?", [before.milliseconds])
    }

    // MARK: Watching and alerts

    public func save(_ phase: DetectorPhase, key: String) throws {
        if phase == .idle {
            try run("DELETE FROM detector WHERE key = ?", [key])
        } else {
            try run("INSERT INTO detector (key, phase) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET phase = excluded.phase",
                [key, try Body.encode(phase)])
        }
    }
    /// Nil removes it.
    public func saveDeadline(_ key: String, at: Instant?) throws {
        if let at {
            try run("INSERT INTO deadline (key, at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET at = excluded.at",
                [key, at.milliseconds])
        } else {
            try run("DELETE FROM deadline WHERE key = ?", [key])
        }
    }
    public func save(_ alert: Alert) throws {
        let before = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT endedEntries FROM alert WHERE id = ?"), arguments: [alert.id.number])
        try run(
            """
            INSERT INTO alert (id, home, rule, raisedAt, endedAt, body) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET endedAt = excluded.endedAt, body = excluded.body
            """,
            [alert.id.number, alert.home.name, alert.matter.rule.name, alert.raisedAt.milliseconds,
                alert.ending?.at.milliseconds, try Body.encode(alert)])
        if alert.citizens.isEmpty { return }
        if before == nil { try enterRaised(alert) }
        if let ending = alert.ending, before?[0] as String? == nil { try enterEnded(alert, ending) }
    }
    public func append(_ entry: HistoryEntry, to alert: AlertID) throws {
        try run("INSERT INTO history (n, alert, at, body) VALUES (1 + max(ifnull((SELECT max(n) FROM history), 0), ?), ?, ?, ?)",
            [try StoreReader(db: db).erasedUpTo("history"), alert.number, entry.at.milliseconds, try Body.encode(entry)])
    }
    public func save(_ decision: Decision, id: DecisionID, citizens: [PersonID], request: ConsentRequest) throws {
        try run("INSERT INTO decision (id, at, citizens, request, outcome) VALUES (?, ?, ?, ?, ?)",
            [id.number, request.at.milliseconds, try Body.encode(citizens), try Body.encode(request), try Body.encode(decision)])
    }
    public func save(_ notice: Notice) throws {
        try run(
            """
            INSERT INTO notice (id, alert, state, body) VALUES (?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body
            """, [notice.id.number, notice.alert.number, notice.state.rawValue, try Body.encode(notice)])
    }
    public func append(_ d: Disclosure) throws {
        let (citizen, to) = (try pseudonym(d.citizen), try pseudonym(d.recipient))
        try run(
            """
            INSERT INTO disclosure (n, at, citizen, recipient, alert, notice, decision, data, detail, stage, state, emergency, mandate, purpose, entry)
            VALUES (1 + max(ifnull((SELECT max(n) FROM disclosure), 0), ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [try StoreReader(db: db).erasedUpTo("disclosure"), d.at.milliseconds, d.citizen.name, d.recipient.name, d.alert?.number, d.notice?.number, d.decision?.number,
                d.data, d.detail.name, d.stage?.name, d.state.rawValue, d.isEmergency, d.mandate?.number, d.purpose?.rawValue, try chainHead(citizen).n + 1])
        let n = db.lastInsertedRowID
        try enter(.disclosure, row: n, of: citizen, ChainBody.disclosure(d, n: n, to: to))
    }
    public func logOperator(at: Instant, uid: UInt32, actingFor: String?, command: String, outcome: String) throws {
        try run("INSERT INTO operatorLog (at, uid, actingFor, command, outcome) VALUES (?, ?, ?, ?, ?)",
            [at.milliseconds, Int64(uid), actingFor, command, outcome])
    }
    /// What this turn's commit acknowledges. Rows before the last `keep` entries go.
    public func appendAcknowledged(upTo: Int64, entries: [UInt8], keep: Int64) throws {
        try run("INSERT INTO acknowledged (upTo, entries) VALUES (?, ?)", [upTo, Data(entries)])
        try run("DELETE FROM acknowledged WHERE upTo <= ?", [upTo - keep])
    }
    /// What stands behind `upTo` goes: the broker has forgotten it.
    ///
    /// - Parameter entryBytes: the size of one entry in bytes.
    public func cutAcknowledged(to upTo: Int64, entryBytes: Int) throws {
        try run("DELETE FROM acknowledged WHERE upTo - length(entries) / ? >= ?", [Int64(entryBytes), upTo])
        try run(
            "UPDATE acknowledged SET entries = substr(entries, 1, length(entries) - (upTo - ?) * ?), upTo = ? WHERE upTo > ?",
            [upTo, Int64(entryBytes), upTo, upTo])
    }
    public func forgetAcknowledged() throws { try run("DELETE FROM acknowledged", []) }
    public func setSubscriptions(_ filters: [String]) throws {
        try run("DELETE FROM subscription", [])
        for filter in filters { try run("INSERT OR IGNORE INTO subscription (filter) VALUES (?)", [filter]) }
    }

    func run(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?]) throws {
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }
}
