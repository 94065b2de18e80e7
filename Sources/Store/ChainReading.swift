import Audit
import Care
import Foundation
import GRDB

/// Chains and proofs as they stand, and whether they fit the rows that they record.
extension StoreReader {
    public func pseudonym(_ person: PersonID) throws -> Int64? {
        if let number = Self.number(ofNameless: person) { return number }
        return try Int64.fetchOne(db.cachedStatement(sql: "SELECT n FROM pseudonym WHERE person = ?"), arguments: [person.name])
    }
    /// Nil where the name was erased.
    public func person(_ pseudonym: Int64) throws -> PersonID? {
        try String.fetchOne(db.cachedStatement(sql: "SELECT person FROM pseudonym WHERE n = ?"), arguments: [pseudonym]).map { PersonID($0) }
    }
    public func chainHead(_ citizen: Int64) throws -> (n: Int64, hash: Data)? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT n, hash FROM chain WHERE citizen = ? ORDER BY n DESC LIMIT 1"), arguments: [citizen]
        ).map { ($0[0], $0[1]) }
    }
    /// Those who have a chain, by number. Each is found at its place in the key; entries are not scanned.
    public func chainedCitizens(after citizen: Int64 = 0, limit: Int = .max) throws -> [Int64] {
        var found: [Int64] = []
        let statement = try db.cachedStatement(sql: "SELECT citizen FROM chain WHERE citizen > ? ORDER BY citizen LIMIT 1")
        while found.count < limit, let next = try Int64.fetchOne(statement, arguments: [found.last ?? citizen]) { found.append(next) }
        return found
    }
    /// Entries after number `n`, oldest first, each with what is wrong with the row that it records.
    ///
    /// - Parameter isHidden: what the entries say is left out, also of what is said of them.
    public func chain(_ citizen: Int64, after n: Int64, limit: Int, isHidden: Bool = false) throws -> [(entry: ChainEntry, finding: AuditFinding?)] {
        try entries(citizen, after: n, limit: limit).map { entry, row in
            let shown = isHidden ? entry.hidden() : entry
            return (shown, try finding(entry, named: ChainWords.name(shown), row, of: citizen))
        }
    }
    private func entries(_ citizen: Int64, after n: Int64, limit: Int) throws -> [(entry: ChainEntry, row: Int64?)] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT n, kind, row, salt, body, inner, hash FROM chain WHERE citizen = ? AND n > ? ORDER BY n LIMIT ?"),
            arguments: [citizen, n, limit]
        ).map { (ChainEntry(n: $0[0], kind: $0[1], salt: $0[3], body: $0[4], inner: $0[5], hash: $0[6]), $0[2]) }
    }

    // MARK: Comparing

    private func finding(_ entry: ChainEntry, named name: @autoclosure () -> String, _ number: Int64?, of citizen: Int64) throws -> AuditFinding? {
        guard let body = entry.body, let kind = ChainKind(rawValue: entry.kind), kind != .erased, kind != .restored else { return nil }
        var changed: AuditFinding {
            AuditFinding(.rowChanged, entry.n, "The record that belongs to \(name()) has been changed: it does not say any more what the entry says.")
        }
        var gone: AuditFinding {
            AuditFinding(.rowMissing, entry.n, "The record that belongs to \(name()) is gone, although nothing says that it was erased.")
        }
        guard let number else { return changed }
        switch kind {
        case .disclosure:
            guard let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT \(Self.disclosureColumns) FROM disclosure WHERE n = ?"), arguments: [number]) else { return gone }
            let told = Self.disclosure(row)
            guard try pseudonym(told.citizen) == citizen, let to = try pseudonym(told.recipient),
                Self.isReadable(row), ChainBody.isSame(body, ChainBody.disclosure(told, n: number, to: to))
            else { return changed }
        case .alert:
            guard let alert = try alert(AlertID(number)) else { return gone }
            let isRaised = ChainBody.isSame(body, ChainBody.raised(alert))
            let isEnded = try alert.ending.map { ending in
                ChainBody.isSame(body, ChainBody.ended(alert, ending, by: try ending.by.flatMap { try pseudonym($0) }))
            }
            guard isRaised || isEnded == true else { return changed }
        case .consent: return try isConsentAsEntered(number, body).map { $0 ? nil : changed } ?? gone
        case .delegate: return try isDelegateAsEntered(number, of: citizen, body).map { $0 ? nil : changed } ?? gone
        case .keeping:
            guard let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT * FROM keeping WHERE id = ?"), arguments: [number]) else { return gone }
            guard let choice = Self.keepChoice(row), try pseudonym(choice.citizen) == citizen,
                ChainBody.isSame(body, ChainBody.keeping(choice, by: try ChainBody.pseudonymous(by: choice.by) { try pseudonym(PersonID($0)) ?? -1 }))
            else { return changed }
        case .erased, .restored: break
        }
        return nil
    }

    /// Words that this version does not know would pass for the nearest that it does.
    private static func isReadable(_ row: Row) -> Bool {
        Detail(row["detail"] as String) != nil && Disclosure.State(rawValue: row["state"]) != nil
            && (row["stage"] as String?).map { Stage($0) != nil } ?? true
    }

    private struct ConsentEntry: Decodable {
        var act: String
        var at: Int64
        var row: String
    }

    private func isConsentAsEntered(_ number: Int64, _ body: String) throws -> Bool? {
        guard let entry = try? Body.decode(ConsentEntry.self, body) else { return false }
        let rows = try Row.fetchAll(db.cachedStatement(sql: "SELECT state, at, body FROM consentVersion WHERE id = ?"), arguments: [number])
        if rows.isEmpty { return nil }
        return rows.contains { $0[0] == entry.act && $0[1] == entry.at && ChainBody.digest($0[2]) == entry.row }
    }

    /// Whose a version `v` is; a request stands in no other table.
    static var citizenOfVersion: String {
        "coalesce((SELECT citizen FROM consent c WHERE c.id = v.id), CASE WHEN json_valid(v.body) THEN json_extract(v.body, '$.citizen') END)"
    }

    /// Records that do not say what their newest version says: what decisions are made with was changed by another hand.
    private func changedConsents(_ person: PersonID) throws -> [AuditFinding] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT c.id, v.entry, v.id IS NULL FROM consent c LEFT JOIN consentVersion v
                    ON v.id = c.id AND v.version = (SELECT max(version) FROM consentVersion WHERE id = c.id)
                WHERE c.citizen = ? AND (v.id IS NULL OR v.body <> c.body OR (v.state IN ('withdrawn', 'revoked')) <> (c.withdrawnAt IS NOT NULL))
                ORDER BY c.id
                """, arguments: [person.name]
        ).map {
            if $0[2] as Bool {
                return AuditFinding(.rowUnrecorded, nil, "Consent record c\($0[0] as Int64) is in no entry of the chain: it did not come from the gateway.")
            }
            return AuditFinding(.rowChanged, $0[1], "Consent record c\($0[0] as Int64) has been changed: it does not say any more what its newest version says.")
        }
    }

    /// Disclosures and consent records of a citizen of which the chain knows nothing: put there by another hand.
    ///
    /// - Parameter after: the disclosure after which to go on.
    /// - Returns: the last disclosure that was looked at; nil: all were.
    public func unrecorded(_ person: PersonID, _ citizen: Int64, after: Int64, limit: Int) throws -> (findings: [AuditFinding], next: Int64?) {
        var findings: [AuditFinding] = []
        if after == 0 {
            findings += try changedConsents(person)
            findings += try changedDelegates(person, citizen)
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT v.id, v.version FROM consentVersion v
                    WHERE v.id IN (
                            SELECT id FROM consent WHERE citizen = ?1
                            UNION SELECT id FROM consentVersion WHERE asker IS NOT NULL AND json_valid(body) AND json_extract(body, '$.citizen') = ?1)
                        AND NOT EXISTS (
                            SELECT 1 FROM chain WHERE chain.citizen = ?2 AND chain.n = v.entry AND chain.kind = 'consent' AND chain.row = v.id)
                    ORDER BY v.id, v.version
                    """, arguments: [person.name, citizen])
            for row in rows {
                findings.append(
                    AuditFinding(
                        .rowUnrecorded, nil, "Version \(row[1] as Int64) of consent record c\(row[0] as Int64) is in no entry of the chain: it did not come from the gateway."))
            }
        }
        if after == 0 {
            let kept = try Int64.fetchAll(
                db,
                sql: """
                    SELECT id FROM keeping WHERE citizen = ?1 AND NOT EXISTS (
                        SELECT 1 FROM chain WHERE chain.citizen = ?2 AND chain.n = keeping.entry AND chain.kind = 'keeping' AND chain.row = keeping.id) ORDER BY id
                    """, arguments: [person.name, citizen])
            for id in kept {
                findings.append(AuditFinding(.rowUnrecorded, nil, "What k\(id) says of how long readings are kept is in no entry of the chain: it did not come from the gateway."))
            }
        }
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: """
                SELECT n, at, EXISTS (SELECT 1 FROM chain WHERE chain.citizen = ? AND chain.n = disclosure.entry AND chain.kind = 'disclosure' AND chain.row = disclosure.n)
                FROM disclosure WHERE citizen = ? AND n > ? ORDER BY n LIMIT ?
                """), arguments: [citizen, person.name, after, limit])
        for row in rows where !(row[2] as Bool) {
            findings.append(
                AuditFinding(.rowUnrecorded, nil, "A disclosure of \(Instant(milliseconds: row[1]).iso) is in no entry of the chain: it did not come from the gateway."))
        }
        return (findings, rows.count == limit ? rows.last?[0] : nil)
    }

    // MARK: Signed days

    public func newestSignedDay() throws -> SignedDay? { try signedDays("ORDER BY day DESC LIMIT 1").first }

    private func signedDays(_ clause: String, _ arguments: StatementArguments = []) throws -> [SignedDay] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT day, root, leaves, signature, key FROM signedDay " + clause), arguments: arguments).map {
            SignedDay(day: $0[0], root: $0[1], leaves: $0[2], signature: $0[3], key: $0[4])
        }
    }

    /// The tree of a day whose leaves are still kept.
    public func dayTree(_ day: String) throws -> Merkle? {
        Merkle(leaves: try Data.fetchAll(db.cachedStatement(sql: "SELECT leaf FROM dayLeaf WHERE day = ? ORDER BY citizen"), arguments: [day]))
    }

    /// Some of the leaves of a day, in order; fewer than `limit` when these were the last.
    public func leaves(_ day: String, after citizen: Int64, limit: Int) throws -> [(citizen: Int64, leaf: Data)] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT citizen, leaf FROM dayLeaf WHERE day = ? AND citizen > ? ORDER BY citizen LIMIT ?"),
            arguments: [day, citizen, limit]
        ).map { ($0[0], $0[1]) }
    }

    /// Some of the proofs of a day, in order of the citizens' numbers.
    ///
    /// - Parameters:
    ///   - after: the citizen after whom to go on; `index` is how many come before.
    /// - Returns: also the last citizen that was looked at, nil when there was none, and how many come before the next.
    public func proofs(
        _ signed: SignedDay, _ tree: Merkle, after citizen: Int64, index: Int, limit: Int
    ) throws -> (proofs: [DayProof], last: Int64?, index: Int) {
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT citizen, n, head, blinding FROM dayLeaf WHERE day = ? AND citizen > ? ORDER BY citizen LIMIT ?"),
            arguments: [signed.day, citizen, limit])
        let proofs = rows.enumerated().compactMap { place, row -> DayProof? in
            // Without its blinding there is nothing to prove any more.
            guard let blinding = row[3] as Data?, index + place < tree.count else { return nil }
            return DayProof(
                signed: signed, citizen: row[0], entries: row[1], head: row[2], blinding: blinding, index: index + place,
                path: tree.path(index + place))
        }
        return (proofs, rows.last?[0], index + rows.count)
    }

    /// A citizen's newest proofs, newest first.
    ///
    /// - Parameter before: only of days before this one.
    public func proofs(of citizen: Int64, limit: Int, before day: String?) throws -> [DayProof] {
        var proofs: [DayProof] = []
        for signed in try signedDays("WHERE day < ? ORDER BY day DESC LIMIT ?", [day ?? "~", limit]) {
            guard let tree = try dayTree(signed.day) else { break }
            let before = try Int.fetchOne(
                db.cachedStatement(sql: "SELECT count(*) FROM dayLeaf WHERE day = ? AND citizen < ?"), arguments: [signed.day, citizen]) ?? 0
            proofs += try self.proofs(signed, tree, after: citizen - 1, index: before, limit: 1).proofs.filter { $0.citizen == citizen }
        }
        return proofs
    }

    /// The lines of an audit export of one chain, in order: header, newest proofs, entries, end. Memory holds a page of it.
    public func chainLines(of citizen: Int64, proofsMax: Int = 31, _ body: (String) throws -> Void) throws {
        try body(ChainLine.chain(ChainHeader(citizen: citizen, name: try person(citizen)?.name)).text)
        for proof in try proofs(of: citizen, limit: proofsMax, before: nil) { try body(ChainLine.proof(proof).text) }
        var last: Int64 = 0
        while true {
            let page = try entries(citizen, after: last, limit: 1_000)
            for (entry, _) in page { try body(ChainLine.entry(entry).text) }
            guard let n = page.last?.entry.n else { break }
            last = n
        }
        try body(ChainLine.end(ChainEnd(entries: last)).text)
    }
}
