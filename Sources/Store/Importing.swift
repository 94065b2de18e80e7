import Care
import GRDB

/// What was taken in from an export of another gateway, or of this one's past.
enum ImportSchema {
    static let tables = """
        -- Devices that an export brought. `original`: how the export describes it, `key`: home and address there.
        -- `isOwn`: it is a device that this gateway had already.
        CREATE TABLE importedDevice (
            device INTEGER NOT NULL REFERENCES device(id), citizen TEXT NOT NULL, key TEXT NOT NULL, original TEXT NOT NULL,
            isOwn INTEGER NOT NULL, PRIMARY KEY (citizen, key)) STRICT;
        CREATE INDEX importedDeviceOf ON importedDevice (device);
        -- Readings that had waited at the other gateway's broker: when they were observed at the earliest.
        CREATE TABLE importedEarliest (
            series INTEGER NOT NULL, at INTEGER NOT NULL, earliest INTEGER NOT NULL, PRIMARY KEY (series, at)) STRICT, WITHOUT ROWID;
        -- Consents, decisions, disclosures and alerts of the other gateway, as its export wrote them. They are the past:
        -- nothing here is in force, open, or asked when something is decided.
        CREATE TABLE importedEntry (
            n INTEGER PRIMARY KEY, citizen TEXT NOT NULL, kind TEXT NOT NULL, origin TEXT NOT NULL, id TEXT NOT NULL,
            body TEXT NOT NULL, UNIQUE (citizen, kind, origin, id)) STRICT;
        """
}

/// One reading of an export, on its way in.
public struct ImportedReading: Hashable, Sendable {
    public var key: ReadingKey
    public var value: Value
    public var earliest: Instant?

    public init(key: ReadingKey, value: Value, earliest: Instant?) {
        self.key = key
        self.value = value
        self.earliest = earliest
    }
}

extension StoreTurn {
    /// Puts readings at exactly the places that they had; what is there already stays as it is, so that an import may be
    /// done again.
    ///
    /// What has become daily figures here already is known, too.
    ///
    /// - Returns: how many of them are new.
    public func insert(imported readings: [ImportedReading], series: SeriesID) throws -> Int {
        try store.insertPending(db)
        guard let least = readings.map(\.key.at).min(), let most = readings.map(\.key.at).max() else { return 0 }
        let figures = try StoreReader(db: db).figures(series.number, from: least - .days(2), until: most + .milliseconds(1))
        let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO reading (series, at, value) VALUES (?, ?, ?)")
        let note = try db.cachedStatement(sql: "INSERT OR IGNORE INTO importedEarliest (series, at, earliest) VALUES (?, ?, ?)")
        var added = 0
        for reading in readings {
            let at = reading.key.at
            // The part of a day that begins last before it is the one that it belongs to.
            var (low, high) = (0, figures.count)
            while low < high {
                let middle = (low + high) / 2
                if figures[middle].from <= at { low = middle + 1 } else { high = middle }
            }
            if low > 0, let upTo = figures[low - 1].upTo, at <= upTo { continue }
            let n = reading.value.asNumber
            // Whole numbers as integers, as all readings are.
            let value: any DatabaseValueConvertible = n.rounded(.towardZero) == n && abs(n) < 1e15 ? Int64(n) : n
            try insert.execute(arguments: [series.number, reading.key.raw, value])
            guard db.changesCount > 0 else { continue }
            added += 1
            if let earliest = reading.earliest { try note.execute(arguments: [series.number, reading.key.raw, earliest.milliseconds]) }
        }
        // What memory knows of the newest one may be wrong now.
        let index = Int(series.number)
        if index < store.newestKeys.count { store.newestKeys[index] = Store.unknownKey }
        return added
    }

    /// A time in which a device was this citizen's. One that is known already lasts at least as long.
    public func claimPast(_ device: DeviceID, citizen: PersonID, by: String, from: Instant, until: Instant) throws {
        try run("UPDATE claim SET releasedAt = max(releasedAt, ?) WHERE device = ? AND citizen = ? AND at = ? AND by LIKE 'import:%'",
            [until.milliseconds, device.number, citizen.name, from.milliseconds])
        try run(
            """
            INSERT INTO claim (device, citizen, by, at, releasedAt) SELECT ?1, ?2, ?3, ?4, ?5
            WHERE NOT EXISTS (SELECT 1 FROM claim WHERE device = ?1 AND citizen = ?2 AND at = ?4)
            """, [device.number, citizen.name, by, from.milliseconds, until.milliseconds])
    }

    /// A later export of the same gateway describes it anew.
    public func updateImported(_ citizen: PersonID, key: String, original: String) throws {
        try run("UPDATE importedDevice SET original = ? WHERE citizen = ? AND key = ?", [original, citizen.name, key])
    }

    public func saveImported(_ device: DeviceID, citizen: PersonID, key: String, original: String, isOwn: Bool) throws {
        try run("INSERT INTO importedDevice (device, citizen, key, original, isOwn) VALUES (?, ?, ?, ?, ?)",
            [device.number, citizen.name, key, original, isOwn ? 1 : 0])
    }

    /// - Returns: false when it is there already.
    public func saveImported(_ kind: String, citizen: PersonID, origin: String, id: String, body: String, at: Instant) throws -> Bool {
        try run("INSERT OR IGNORE INTO importedEntry (citizen, kind, origin, id, body, takenInAt) VALUES (?, ?, ?, ?, ?, ?)",
            [citizen.name, kind, origin, id, body, at.milliseconds])
        return db.changesCount > 0
    }
}

extension StoreReader {
    public func importedDevice(_ citizen: PersonID, key: String) throws -> (device: DeviceID, original: String)? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT device, original FROM importedDevice WHERE citizen = ? AND key = ?"), arguments: [citizen.name, key]
        ).map { (DeviceID($0[0] as Int32), $0[1]) }
    }
    /// Whether anybody ever claimed this device here, and not only an export brought it.
    public func wasClaimedHere(_ device: DeviceID) throws -> Bool {
        try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM claim WHERE device = ? AND by NOT LIKE 'import:%')", arguments: [device.number]) ?? false
    }
    /// Everybody whose this device ever was, by name.
    public func everClaimed(_ device: DeviceID) throws -> [PersonID] {
        try String.fetchAll(db, sql: "SELECT DISTINCT citizen FROM claim WHERE device = ? ORDER BY citizen", arguments: [device.number]).map { PersonID($0) }
    }
    public func importedCount(_ citizen: PersonID) throws -> Int64 {
        // Kept beside them: each of the thousands of pieces of an import asks.
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT entries FROM importedTally WHERE citizen = ?"), arguments: [citizen.name]) ?? 0
    }
    /// What was taken in of this kind, the newest of it, in the order in which it came.
    ///
    /// - Parameter bytesMax: of their texts together; the first one that goes beyond is left out, and all older ones.
    /// - Returns: whether there is more.
    public func imported(_ citizen: PersonID, _ kind: String, limit: Int, bytesMax: Int) throws -> (texts: [String], isCut: Bool) {
        let rows = try String.fetchCursor(
            db, sql: "SELECT body FROM importedEntry WHERE citizen = ? AND kind = ? ORDER BY n DESC LIMIT ?",
            arguments: [citizen.name, kind, limit + 1])
        var texts: [String] = []
        var bytes = 0
        while let text = try rows.next() {
            bytes += text.utf8.count
            guard texts.count < limit, bytes <= bytesMax else { return (texts.reversed(), true) }
            texts.append(text)
        }
        return (texts.reversed(), false)
    }
    /// Whether something of this number stands in one of the gateway's own tables as this citizen's.
    public func isOwn(_ kind: String, _ number: Int64, of citizen: PersonID) throws -> Bool {
        let sql: String
        switch kind {
        case "consent": sql = "SELECT EXISTS (SELECT 1 FROM consent WHERE id = ?1 AND citizen = ?2)"
        case "alert": sql = "SELECT EXISTS (SELECT 1 FROM alert, json_each(alert.body, '$.citizens') AS c WHERE alert.id = ?1 AND c.value = ?2)"
        case "decision": sql = "SELECT EXISTS (SELECT 1 FROM decision, json_each(decision.citizens) AS c WHERE decision.id = ?1 AND c.value = ?2)"
        case "disclosure": sql = "SELECT EXISTS (SELECT 1 FROM disclosure WHERE n = ?1 AND citizen = ?2)"
        case "history":
            sql = "SELECT EXISTS (SELECT 1 FROM history JOIN alert ON alert.id = history.alert, json_each(alert.body, '$.citizens') AS c WHERE history.n = ?1 AND c.value = ?2)"
        case "feed": sql = "SELECT EXISTS (SELECT 1 FROM feedDay WHERE id = ?1 AND citizen = ?2)"
        case "keeping": sql = "SELECT EXISTS (SELECT 1 FROM keeping WHERE id = ?1 AND citizen = ?2)"
        case "operator": sql = "SELECT EXISTS (SELECT 1 FROM operatorLog WHERE n = ?1 AND actingFor = ?2)"
        case "mandate": sql = "SELECT EXISTS (SELECT 1 FROM mandate WHERE id = ?1 AND citizen = ?2)"
        case "delegateAct": sql = "SELECT EXISTS (SELECT 1 FROM delegateAct WHERE id = ?1 AND citizen = ?2)"
        default: return false
        }
        return try Bool.fetchOne(db.cachedStatement(sql: sql), arguments: [number, citizen.name]) ?? false
    }
}
