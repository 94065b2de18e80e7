import Audit
import Care
import GRDB

/// What happened to a mandate, or to an act of a delegate.
public enum DelegateEvent: String, Sendable { case appointed, expired, ended, did, looked, proposed, confirmed, declined, lapsed, cancelled, undone }

/// One row of all that ever happened to mandates and acts.
public struct DelegateEntry: Sendable {
    public var n: Int64
    public var at: Instant
    public var event: DelegateEvent
    public var mandate: MandateID
    public var act: DelegateActID?
    /// Who, in words.
    public var by: String
}

/// Mandates and what delegates do by them: each thing that happens is a row of its own, and an entry of the citizen's chain.
extension StoreTurn {
    /// A mandate as it stands after this.
    public func save(_ mandate: Mandate, _ event: DelegateEvent, by: String, at: Instant) throws {
        let body = try Body.encode(mandate)
        let endedAt = event == .appointed ? nil : mandate.end
        try run(
            """
            INSERT INTO mandate (id, citizen, delegate, body, endedAt) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET body = excluded.body, endedAt = excluded.endedAt
            """, [mandate.id.number, mandate.citizen.name, mandate.delegate.name, body, endedAt?.milliseconds])
        try enter(event, mandate.id, nil, of: mandate.citizen, by: by, body: body, at: at)
    }

    public func save(_ act: DelegateAct, _ event: DelegateEvent, by: String, at: Instant) throws {
        let body = try Body.encode(act)
        try run(
            """
            INSERT INTO delegateAct (id, citizen, mandate, state, at, body) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body
            """, [act.id.number, act.citizen.name, act.mandate.number, act.state.rawValue, act.at.milliseconds, body])
        try run(
            """
            DELETE FROM delegateAct WHERE citizen = ?1 AND state <> 'proposed'
                AND id <= (SELECT id FROM delegateAct WHERE citizen = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
            """, [act.citizen.name, DelegateAct.keptMax])
        try enter(event, act.mandate, act.id, of: act.citizen, by: by, body: body, at: at)
    }

    private func enter(
        _ event: DelegateEvent, _ mandate: MandateID, _ act: DelegateActID?, of citizen: PersonID, by: String, body: String, at: Instant
    ) throws {
        let n = try next("delegateEntry")
        let number: (String) throws -> Int64 = { try pseudonym(PersonID($0)) }
        let text = ChainBody.delegate(
            event.rawValue, mandate, act, at: at, by: try ChainBody.pseudonymous(by: by, number), n: n, row: Self.delegateRow(by: by, body: body))
        let entry = try enter(.delegate, row: n, of: try pseudonym(citizen), text)
        try run("INSERT INTO delegateEntry (n, at, citizen, event, mandate, act, by, body, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [n, at.milliseconds, citizen.name, event.rawValue, mandate.number, act?.number, by, body, entry])
    }

    /// What a row says beside its columns that stand in the entry themselves.
    static func delegateRow(by: String, body: String) -> String { "\(by)\n\(body)" }
}

extension StoreReader {
    /// Those whose end is not written down, in order of id. By one that cannot be read whole nobody acts: what was passed over may
    /// have been a bound.
    public func openMandates() throws -> [Mandate] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT body FROM mandate WHERE endedAt IS NULL ORDER BY id")).compactMap { text in
            guard let mandate = try? Body.decode(Mandate.self, text), try Body.encode(mandate) == text else { return nil }
            return mandate
        }
    }
    /// In order of id; those that are over, too.
    public func mandates(of citizen: PersonID) throws -> [Mandate] { try mandates("citizen", citizen) }
    public func mandates(held delegate: PersonID) throws -> [Mandate] { try mandates("delegate", delegate) }
    private func mandates(_ column: String, _ person: PersonID) throws -> [Mandate] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT body FROM mandate WHERE \(column) = ? ORDER BY id"), arguments: [person.name])
            .compactMap { try? Body.decode(Mandate.self, $0) }
    }
    public func mandate(_ id: MandateID) throws -> Mandate? {
        try String.fetchOne(db.cachedStatement(sql: "SELECT body FROM mandate WHERE id = ?"), arguments: [id.number])
            .flatMap { try? Body.decode(Mandate.self, $0) }
    }

    /// Those that wait for a second person, in order of id.
    public func proposedActs() throws -> [DelegateAct] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT body FROM delegateAct WHERE state = 'proposed' ORDER BY id"))
            .compactMap { try? Body.decode(DelegateAct.self, $0) }
    }
    public func delegateAct(_ id: DelegateActID) throws -> DelegateAct? {
        try String.fetchOne(db.cachedStatement(sql: "SELECT body FROM delegateAct WHERE id = ?"), arguments: [id.number])
            .flatMap { try? Body.decode(DelegateAct.self, $0) }
    }
    /// The newest `limit`, oldest of them first; those that wait are among them whenever they were proposed.
    public func delegateActs(for citizen: PersonID, since: Instant, limit: Int) throws -> [DelegateAct] {
        try String.fetchAll(
            db.cachedStatement(sql: "SELECT body FROM delegateAct WHERE citizen = ? AND (at >= ? OR state = 'proposed') ORDER BY id DESC LIMIT ?"),
            arguments: [citizen.name, since.milliseconds, limit]
        ).reversed().compactMap { try? Body.decode(DelegateAct.self, $0) }
    }
    /// What there is of one delegate's act of one instant: after a restore it is looked for by that.
    public func delegateActs(for citizen: PersonID, at: Instant) throws -> [DelegateAct] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT body FROM delegateAct WHERE citizen = ? AND at = ? ORDER BY id"), arguments: [citizen.name, at.milliseconds])
            .compactMap { try? Body.decode(DelegateAct.self, $0) }
    }
    /// Of one mandate or act, in order.
    public func delegateEntries(_ mandate: MandateID, act: DelegateActID?) throws -> [DelegateEntry] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT n, at, event, mandate, act, by FROM delegateEntry WHERE mandate = ? AND act IS ? ORDER BY n"),
            arguments: [mandate.number, act?.number]
        ).compactMap { row in
            DelegateEvent(rawValue: row[2]).map {
                DelegateEntry(n: row[0], at: Instant(milliseconds: row[1]), event: $0, mandate: MandateID(row[3]), act: (row[4] as Int64?).map { DelegateActID($0) }, by: row[5])
            }
        }
    }

    // MARK: Verifying

    /// Nil: the row is gone.
    func isDelegateAsEntered(_ n: Int64, of citizen: Int64, _ body: String) throws -> Bool? {
        guard let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT * FROM delegateEntry WHERE n = ?"), arguments: [n]) else { return nil }
        guard let entry = try? Body.decode(DelegateChainEntry.self, body) else { return false }
        return try pseudonym(PersonID(row["citizen"] as String)) == citizen && entry.event == row["event"] && entry.at == row["at"]
            && entry.mandate == row["mandate"] && entry.act == row["act"]
            && entry.row == ChainBody.digest(StoreTurn.delegateRow(by: row["by"], body: row["body"]))
    }

    private struct DelegateChainEntry: Decodable {
        var event: String
        var at: Int64
        var mandate: Int64
        var act: Int64?
        var row: String
    }

    /// What decides who may act was put there or changed by another hand: the row does not say what its newest entry says.
    func changedDelegates(_ person: PersonID, _ citizen: Int64) throws -> [AuditFinding] {
        var findings = try Row.fetchAll(
            db,
            sql: """
                SELECT m.id, e.entry FROM mandate m LEFT JOIN delegateEntry e
                    ON e.n = (SELECT max(n) FROM delegateEntry WHERE mandate = m.id AND act IS NULL)
                WHERE m.citizen = ? AND (e.n IS NULL OR e.body <> m.body OR (e.event = 'appointed') <> (m.endedAt IS NULL)) ORDER BY m.id
                """, arguments: [person.name]
        ).map { AuditFinding(.rowChanged, $0[1], "Mandate m\($0[0] as Int64) has been changed: it does not say what the chain says of it.") }
        let rows = try Int64.fetchAll(
            db,
            sql: """
                SELECT n FROM delegateEntry WHERE citizen = ? AND NOT EXISTS (
                    SELECT 1 FROM chain WHERE chain.citizen = ? AND chain.n = delegateEntry.entry AND chain.kind = 'delegate' AND chain.row = delegateEntry.n)
                ORDER BY n
                """, arguments: [person.name, citizen])
        findings += rows.map { AuditFinding(.rowUnrecorded, nil, "Row \($0) of what delegates did is in no entry of the chain: it did not come from the gateway.") }
        return findings
    }
}
