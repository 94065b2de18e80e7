import Care
import GRDB

/// Consent records: the one in force in `consent`, each version that there ever was in `consentVersion`.
extension StoreTurn {
    public func save(_ record: ConsentRecord, givenBy: String, at: Instant) throws {
        try run("INSERT INTO consent (id, citizen, body, givenAt, givenBy) VALUES (?, ?, ?, ?, ?)",
            [record.id.number, record.citizen.name, try Body.encode(record), at.milliseconds, givenBy])
        try append(record, record.effect == .refuse ? .refused : .given, by: givenBy, at: at)
    }

    /// The record itself stays as it was given; that it was withdrawn or revoked stands beside it.
    public func withdraw(_ id: ConsentID, as state: ConsentState = .withdrawn, reason: String? = nil, by: String, at: Instant) throws {
        try run("UPDATE consent SET withdrawnAt = ?, withdrawnBy = ? WHERE id = ? AND withdrawnAt IS NULL",
            [at.milliseconds, by, id.number])
        if db.changesCount > 0 { try appendAsItStands(id, state, reason: reason, by: by, at: at) }
    }

    public func expire(_ id: ConsentID, at: Instant) throws { try appendAsItStands(id, .expired, reason: nil, by: "caring", at: at) }

    public func renew(_ record: ConsentRecord, by: String, at: Instant) throws {
        try run("UPDATE consent SET body = ? WHERE id = ?", [try Body.encode(record), record.id.number])
        try append(record, .renewed, by: by, at: at)
    }

    /// - Parameter asker: who asks for it, in the first version of a request.
    public func append(
        _ record: ConsentRecord, _ state: ConsentState, reason: String? = nil, asker: PersonID? = nil, by: String, at: Instant
    ) throws {
        try appendVersion(record.id, of: record.citizen, state, reason, asker, by, at, body: try Body.encode(record))
    }

    /// Also of a record that nobody can read.
    private func appendAsItStands(_ id: ConsentID, _ state: ConsentState, reason: String?, by: String, at: Instant) throws {
        guard let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT citizen, body FROM consent WHERE id = ?"), arguments: [id.number]) else { return }
        try appendVersion(id, of: PersonID(row[0] as String), state, reason, nil, by, at, body: row[1])
    }

    /// The one place where versions are written, each with its entry in its citizen's chain.
    private func appendVersion(
        _ id: ConsentID, of citizen: PersonID, _ state: ConsentState, _ reason: String?, _ asker: PersonID?, _ by: String, _ at: Instant, body: String
    ) throws {
        let entry = try enterConsent(state.rawValue, id, of: citizen, by: by, at: at, body: body)
        try run(
            """
            INSERT INTO consentVersion (id, version, state, at, by, reason, body, asker, entry)
            SELECT ?1, 1 + ifnull(max(version), 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM consentVersion WHERE id = ?1
            """, [id.number, state.rawValue, at.milliseconds, by, reason, body, asker?.name, entry])
    }
}

extension StoreReader {
    /// All versions of a record, in order.
    public func versions(of id: ConsentID) throws -> [ConsentVersion] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT id, version, state, at, by, reason, body FROM consentVersion WHERE id = ? ORDER BY version"),
            arguments: [id.number]
        ).compactMap(Self.version)
    }

    private static func version(_ row: Row) -> ConsentVersion? {
        guard let state = ConsentState(rawValue: row[2]) else { return nil }
        return ConsentVersion(
            id: ConsentID(row[0]), version: row[1], state: state, at: Instant(milliseconds: row[3]), by: row[4], reason: row[5],
            record: try? Body.decode(ConsentRecord.self, row[6]))
    }

    private static var isLatest: String { "v.version = (SELECT max(version) FROM consentVersion WHERE id = v.id)" }

    /// What became last of each of a citizen's records.
    public func consentStates(of citizen: PersonID) throws -> [ConsentID: ConsentState] {
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT v.id, v.state FROM consent c JOIN consentVersion v ON v.id = c.id WHERE c.citizen = ? AND \(Self.isLatest)"),
            arguments: [citizen.name])
        return Dictionary(rows.compactMap { row in ConsentState(rawValue: row[1]).map { (ConsentID(row[0]), $0) } }, uniquingKeysWith: { a, _ in a })
    }

    /// Records whose end has been written down.
    public func expiredConsents() throws -> Set<ConsentID> {
        Set(try Int64.fetchAll(db.cachedStatement(sql: "SELECT v.id FROM consentVersion v WHERE v.state = 'expired' AND \(Self.isLatest)")).map { ConsentID($0) })
    }

    public func citizen(of id: ConsentID) throws -> PersonID? {
        try String.fetchOne(db.cachedStatement(sql: "SELECT citizen FROM consent WHERE id = ?"), arguments: [id.number]).map { PersonID($0) }
    }

    /// Requests that have no answer yet, in order of id.
    public func askedConsents() throws -> [AskedConsent] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT v.state, v.body, f.reason, f.at, f.asker FROM consentVersion v
                    JOIN consentVersion f ON f.id = v.id AND f.version = 1
                    WHERE v.state IN ('requested', 'deferred') AND \(Self.isLatest) ORDER BY v.id
                    """)
        ).compactMap { row in
            // One that cannot be read permits nothing; it can be asked for again.
            guard let record = try? Body.decode(ConsentRecord.self, row[1]), let asker = row[4] as String? else { return nil }
            return AskedConsent(
                record: record, asker: PersonID(asker), reason: row[2] ?? "", askedAt: Instant(milliseconds: row[3]), isDeferred: row[0] == "deferred")
        }
    }

    /// What somebody asked one citizen for, of which something was said since then: when it was asked, what became of it last, and when.
    public func consentsAsked(by person: PersonID, of citizen: PersonID, since: Instant) throws -> [(record: ConsentRecord?, askedAt: Instant, isDenied: Bool, at: Instant)] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT f.body, f.at, v.state = 'refused' AND v.reason IS NULL, v.at FROM consentVersion f
                    JOIN consentVersion v ON v.id = f.id
                    WHERE f.asker = ?1 AND v.at > ?3 AND json_valid(f.body) AND json_extract(f.body, '$.citizen') = ?2 AND \(Self.isLatest) ORDER BY f.id
                    """), arguments: [person.name, citizen.name, since.milliseconds]
        ).map { (try? Body.decode(ConsentRecord.self, $0[0]), Instant(milliseconds: $0[1]), $0[2], Instant(milliseconds: $0[3])) }
    }

    /// What somebody has asked for, with what became of it; the newest `limit`, in order of id.
    public func consentsAsked(by person: PersonID, limit: Int) throws -> [(asked: ConsentVersion, state: ConsentState)] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT f.id, f.version, f.state, f.at, f.by, f.reason, f.body, v.state FROM consentVersion f
                    JOIN consentVersion v ON v.id = f.id WHERE f.asker = ? AND \(Self.isLatest) ORDER BY f.id DESC LIMIT ?
                    """), arguments: [person.name, limit]
        ).reversed().compactMap { row in
            guard let asked = Self.version(row), let state = ConsentState(rawValue: row[7]) else { return nil }
            return (asked, state)
        }
    }
}

extension StoreTurn {
    /// A record that somebody else than its citizen ended holds again, as it did before.
    public func giveAgain(_ record: ConsentRecord, by: String, at: Instant) throws {
        try run("UPDATE consent SET withdrawnAt = NULL, withdrawnBy = NULL WHERE id = ?", [record.id.number])
        var held = record
        held.withdrawnAt = nil
        try run("UPDATE consent SET body = ? WHERE id = ?", [try Body.encode(held), record.id.number])
        try append(held, record.effect == .refuse ? .refused : .given, by: by, at: at)
    }
}
