import Care
import Foundation
import GRDB

/// What may be read: within a turn, or of what was committed last.
public struct StoreReader {
    let db: Database

    public func counter(_ name: String) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT value FROM counter WHERE name = ?"), arguments: [name]) ?? 0
    }
    public func meta(_ key: String) throws -> String? {
        try String.fetchOne(db.cachedStatement(sql: "SELECT value FROM meta WHERE key = ?"), arguments: [key])
    }

    // MARK: Everything that a start needs

    public func circles() throws -> [Circle] { try bodies("SELECT body FROM circle ORDER BY name") }
    public func homes() throws -> [Home] { try bodies("SELECT body FROM home WHERE removedAt IS NULL ORDER BY name") }
    public func people() throws -> [Person] { try bodies("SELECT body FROM person WHERE removedAt IS NULL ORDER BY name") }
    /// Every name that was ever given to a home or a person: names are not given a second time.
    public func namesTaken() throws -> [String] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT name FROM home UNION SELECT name FROM person ORDER BY 1"))
    }
    public func logins() throws -> [(name: String, hash: String)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT name, hash FROM login ORDER BY name")).map { ($0[0], $0[1]) }
    }
    public func devices() throws -> [(device: Device, lastHeardAt: Instant?)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT body, lastHeardAt FROM device ORDER BY id")).map {
            (try Body.decode(Device.self, $0[0]), ($0[1] as Int64?).map(Instant.init(milliseconds:)))
        }
    }
    public func series() throws -> [Series] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT id, device, quantity, channel, addedAt FROM series ORDER BY id")).compactMap { row in
            // A quantity that this version does not know any more: its readings stay, nothing is made of them.
            Quantity(row[2] as String).map {
                Series(id: SeriesID(row[0]), device: DeviceID(row[1]), quantity: $0, channel: row[3], addedAt: Instant(milliseconds: row[4]))
            }
        }
    }
    /// The newest reading of each of these series that has one.
    public func lastReadings(_ series: [Series]) throws -> [Reading] {
        let statement = try db.makeStatement(
            sql: "SELECT at, value FROM reading WHERE series = ? ORDER BY at DESC LIMIT 1")
        return try series.compactMap { one in
            guard let row = try Row.fetchOne(statement, arguments: [one.id.number]) else { return nil }
            return Self.reading(one, row[0], row[1])
        }
    }
    /// When this series last was true, an event, or above zero.
    public func lastActivity(_ series: SeriesID) throws -> Instant? {
        try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT at FROM reading WHERE series = ? AND value > 0 ORDER BY at DESC LIMIT 1"),
            arguments: [series.number]
        ).map { ReadingKey(raw: $0).at }
    }
    static func reading(_ series: Series, _ raw: Int64, _ number: Double) -> Reading {
        let key = ReadingKey(raw: raw)
        return Reading(
            series: series.id, at: key.at, source: key.source,
            value: series.quantity.kind == .number ? .number(number) : .boolean(number != 0))
    }
    public func consents() throws -> [(stored: StoredConsent, citizen: PersonID)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT id, citizen, body, withdrawnAt FROM consent ORDER BY id")).compactMap { row in
            let id = ConsentID(row[0])
            let citizen = PersonID(row[1] as String)
            let withdrawnAt = (row[3] as Int64?).map(Instant.init(milliseconds:))
            let reason: String
            do {
                let body: String = row[2]
                var record = try Body.decode(ConsentRecord.self, body)
                // A key that decoding passes over may be a newer version's "unless": what was read has to be all.
                if record.id == id, record.citizen == citizen, try Body.encode(record) == body {
                    record.withdrawnAt = withdrawnAt
                    return (.record(record), citizen)
                }
                reason = "its body names another record or says more than this version understands"
            } catch {
                reason = "\(error)"
            }
            // Its citizen withdrew it although it could not be read: it says nothing any more.
            return withdrawnAt == nil ? (.unreadable(id, citizen: citizen, reason: reason), citizen) : nil
        }
    }
    public func detectorPhases() throws -> [(key: String, phase: DetectorPhase)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT key, phase FROM detector ORDER BY key")).map {
            ($0[0], try Body.decode(DetectorPhase.self, $0[1]))
        }
    }
    public func deadlines() throws -> [(key: String, at: Instant)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT key, at FROM deadline ORDER BY at, key")).map {
            ($0[0], Instant(milliseconds: $0[1]))
        }
    }
    public func openAlerts() throws -> [Alert] { try bodies("SELECT body FROM alert WHERE endedAt IS NULL ORDER BY id") }
    public func pendingNotices() throws -> [Notice] {
        try bodies("SELECT body FROM notice WHERE state IN ('queued', 'attempted') ORDER BY id")
    }
    /// Rows of what was acknowledged last, in order.
    public func acknowledged() throws -> (upTo: Int64, entries: [[UInt8]]) {
        let rows = try Row.fetchAll(db.cachedStatement(sql: "SELECT upTo, entries FROM acknowledged ORDER BY upTo"))
        return (rows.last?[0] ?? 0, rows.map { Array($0[1] as Data) })
    }
    public func subscriptions() throws -> [String] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT filter FROM subscription ORDER BY filter"))
    }

    // MARK: What people ask

    public func alert(_ id: AlertID) throws -> Alert? {
        try (bodies("SELECT body FROM alert WHERE id = ?", [id.number]) as [Alert]).first
    }
    /// Newest first.
    public func alerts(limit: Int) throws -> [Alert] {
        try bodies("SELECT body FROM alert ORDER BY id DESC LIMIT ?", [limit])
    }
    public func allAlerts() throws -> [Alert] { try bodies("SELECT body FROM alert ORDER BY id") }
    public func history(of alert: AlertID) throws -> [HistoryEntry] {
        try bodies("SELECT body FROM history WHERE alert = ? ORDER BY n", [alert.number])
    }
    public func history(after n: Int64, limit: Int) throws -> [(n: Int64, alert: AlertID, entry: HistoryEntry)] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT n, alert, body FROM history WHERE n > ? ORDER BY n LIMIT ?"), arguments: [n, limit]
        ).map { ($0[0], AlertID($0[1]), try Body.decode(HistoryEntry.self, $0[2])) }
    }
    public func lastHistory() throws -> Int64 { max(try Int64.fetchOne(db.cachedStatement(sql: "SELECT max(n) FROM history")) ?? 0, try erasedUpTo("history")) }
    public func notice(_ id: NoticeID) throws -> Notice? {
        try (bodies("SELECT body FROM notice WHERE id = ?", [id.number]) as [Notice]).first
    }
    public func notices(of alert: AlertID) throws -> [Notice] {
        try bodies("SELECT body FROM notice WHERE alert = ? ORDER BY id", [alert.number])
    }
    public func decision(_ id: DecisionID) throws -> (decision: Decision, citizens: [PersonID], request: ConsentRequest)? {
        guard
            let row = try Row.fetchOne(
                db.cachedStatement(sql: "SELECT outcome, citizens, request FROM decision WHERE id = ?"), arguments: [id.number])
        else { return nil }
        return (
            try Body.decode(Decision.self, row[0]), try Body.decode([PersonID].self, row[1]),
            try Body.decode(ConsentRequest.self, row[2])
        )
    }
    /// Decisions about this alert's telling: those that its disclosures name.
    public func disclosures(ofAlert alert: AlertID) throws -> [Disclosure] {
        try disclosures("alert = ? ORDER BY n", [alert.number])
    }
    public func disclosures(ofNotice notice: NoticeID) throws -> [Disclosure] {
        try disclosures("notice = ? ORDER BY n", [notice.number])
    }
    /// The newest `limit`, oldest of them first.
    public func disclosures(about citizen: PersonID, since: Instant, limit: Int) throws -> [Disclosure] {
        try disclosures("citizen = ? AND at >= ? ORDER BY n DESC LIMIT ?", [citizen.name, since.milliseconds, limit]).reversed()
    }
    /// Everybody who has read something about this citizen, by name.
    public func whoHasSeen(_ citizen: PersonID) throws -> [PersonID] {
        try String.fetchAll(
            db.cachedStatement(sql: "SELECT DISTINCT recipient FROM disclosure WHERE citizen = ? AND state = 'seen' ORDER BY recipient"),
            arguments: [citizen.name]
        ).map { PersonID($0) }
    }
    /// When a device was this citizen's: from each claim to its release.
    public func claims(_ device: DeviceID, _ citizen: PersonID) throws -> [(from: Instant, until: Instant)] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT at, releasedAt FROM claim WHERE device = ? AND citizen = ? ORDER BY n"), arguments: [device.number, citizen.name]
        ).map { (from: Instant(milliseconds: $0[0]), until: ($0[1] as Int64?).map(Instant.init(milliseconds:)) ?? .distantFuture) }
            // What an import brought may overlap with what was claimed here.
            .sorted { $0.from < $1.from }
            .reduce(into: []) { merged, claim in
                if let last = merged.last, claim.from <= last.until {
                    merged[merged.count - 1].until = max(last.until, claim.until)
                } else {
                    merged.append(claim)
                }
            }
    }
    private func disclosures(_ clause: String, _ arguments: StatementArguments) throws -> [Disclosure] {
        // Row by row: a copy of each was a good part of the time of `who-saw`.
        let rows = try Row.fetchCursor(db.cachedStatement(sql: "SELECT \(Self.disclosureColumns) FROM disclosure WHERE " + clause), arguments: arguments)
        var disclosures: [Disclosure] = []
        while let row = try rows.next() { disclosures.append(Self.disclosure(row)) }
        return disclosures
    }

    /// What `disclosure` reads by its place, because a search for each name was another part.
    static let disclosureColumns = "at, citizen, recipient, alert, notice, decision, data, detail, stage, state, emergency, mandate, purpose"

    /// - Parameter row: begins with `disclosureColumns`.
    static func disclosure(_ row: Row) -> Disclosure {
        Disclosure(
            at: Instant(milliseconds: row[0]), citizen: PersonID(row[1] as String), recipient: PersonID(row[2] as String),
            alert: (row[3] as Int64?).map(AlertID.init), notice: (row[4] as Int64?).map(NoticeID.init),
            decision: (row[5] as Int64?).map(DecisionID.init), data: row[6], detail: Detail(row[7] as String) ?? .nothing,
            stage: (row[8] as String?).flatMap { Stage($0) }, state: Disclosure.State(rawValue: row[9]) ?? .queued, isEmergency: row[10],
            mandate: (row[11] as Int64?).map { MandateID($0) }, purpose: (row[12] as String?).flatMap { Purpose(rawValue: $0) })
    }
    /// What operators did in this person's name. Oldest first.
    public func operatorActs(for person: PersonID, since: Instant, limit: Int) throws
        -> [(at: Instant, uid: UInt32, command: String, outcome: String)]
    {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT at, uid, command, outcome FROM operatorLog WHERE actingFor = ? AND at >= ? ORDER BY n DESC LIMIT ?"),
            arguments: [person.name, since.milliseconds, limit]
        ).reversed().map { (Instant(milliseconds: $0[0]), UInt32(truncatingIfNeeded: $0[1] as Int64), $0[2], $0[3]) }
    }
    public func consentGiving(_ id: ConsentID) throws -> (givenAt: Instant, givenBy: String, withdrawnBy: String?)? {
        try Row.fetchOne(db.cachedStatement(sql: "SELECT givenAt, givenBy, withdrawnBy FROM consent WHERE id = ?"), arguments: [id.number])
            .map { (Instant(milliseconds: $0[0]), $0[1], $0[2]) }
    }
    public func strangers(home: HomeID?) throws -> [Stranger] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT * FROM stranger WHERE ?1 IS NULL OR home = ?1 ORDER BY home, address"), arguments: [home?.name]
        ).map {
            Stranger(
                home: HomeID($0["home"] as String), address: $0["address"], convention: $0["convention"],
                messages: $0["messages"], firstSeenAt: Instant(milliseconds: $0["firstSeenAt"]),
                lastSeenAt: Instant(milliseconds: $0["lastSeenAt"]))
        }
    }
    public func undecodable(home: HomeID?) throws
        -> [(home: HomeID, convention: String, reason: String, messages: Int64, lastAt: Instant)]
    {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT home, convention, reason, messages, lastAt FROM undecodableCount WHERE ?1 IS NULL OR home = ?1 ORDER BY home, convention, reason"),
            arguments: [home?.name]
        ).map { (HomeID($0[0] as String), $0[1], $0[2], $0[3], Instant(milliseconds: $0[4])) }
    }
    /// The newest messages of a home's claimed devices that could not be decoded. For its citizens only.
    public func undecodableMessages(home: HomeID, limit: Int) throws -> [(address: String, reason: String, at: Instant, payload: [UInt8])] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT address, reason, at, payload FROM undecodable WHERE home = ? ORDER BY n DESC LIMIT ?"),
            arguments: [home.name, limit]
        ).map { ($0[0], $0[1], Instant(milliseconds: $0[2]), Array($0[3] as Data)) }
    }
    /// Newest first, of these series. `until` is not included; nil: up to now.
    public func readings(_ series: [Series], since: Instant, until: Instant? = nil, limit: Int) throws -> [Reading] {
        let statement = try db.makeStatement(
            sql: "SELECT at, value FROM reading WHERE series = ? AND at >= ? AND at < ? ORDER BY at DESC LIMIT ?")
        let end = until.map { $0.milliseconds << 6 } ?? .max
        var all: [Reading] = []
        for one in series {
            for row in try Row.fetchAll(
                statement, arguments: [one.id.number, since.milliseconds << 6, end, limit])
            {
                all.append(Self.reading(one, row[0], row[1]))
            }
        }
        all.sort { ($1.at, $0.series) < ($0.at, $1.series) }
        return Array(all.prefix(limit))
    }
    /// Table, rows: small figures for `status` and tests.
    public func count(_ table: String) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT count(*) FROM \(table.quotedDatabaseIdentifier)")) ?? 0
    }

    private func bodies<T: Decodable>(_ sql: String, _ arguments: StatementArguments = []) throws -> [T] {
        try String.fetchAll(db.cachedStatement(sql: sql), arguments: arguments).map { try Body.decode(T.self, $0) }
    }
}
