import Audit
import Care
import Foundation
import GRDB

/// What memory holds of the chains, so that an entry reads nothing. Only a cache: emptied whenever a turn fails.
struct ChainCache {
    /// Citizens and recipients; beyond it all are looked up anew.
    static var peopleMax: Int { 131_072 }

    var heads: [Int64: (n: Int64, hash: Data)] = [:]
    var numbers: [String: Int64] = [:]

    mutating func removeAll() {
        heads.removeAll(keepingCapacity: true)
        numbers.removeAll(keepingCapacity: true)
    }
}

/// What an entry records.
public enum ChainKind: String, Sendable, CaseIterable { case consent, disclosure, alert, erased, restored, delegate, keeping }

/// Why contents were erased; stands in the chain.
public enum ErasedBecause: String, Sendable {
    /// They were kept for as long as the scheme keeps them.
    case age
    /// Their citizen wanted it.
    case citizen
}

/// The citizens' hash chains. Written only here, in the transaction of what they record.
extension StoreTurn {
    /// The number that stands for a person in chains; a new one where there is none yet.
    public func pseudonym(_ person: PersonID) throws -> Int64 {
        if let known = store.chains.numbers[person.name] { return known }
        if store.chains.numbers.count >= ChainCache.peopleMax { store.chains.removeAll() }
        let number: Int64
        if let stored = try StoreReader(db: db).pseudonym(person) {
            number = stored
        } else {
            number = try next("pseudonym")
            try run("INSERT INTO pseudonym (n, person) VALUES (?, ?)", [number, person.name])
        }
        store.chains.numbers[person.name] = number
        return number
    }

    /// The last entry's number and hash; 0 and `origin` where there is none.
    func chainHead(_ citizen: Int64) throws -> (n: Int64, hash: Data) {
        if let known = store.chains.heads[citizen] { return known }
        let head = try StoreReader(db: db).chainHead(citizen) ?? (0, ChainEntry.origin)
        store.chains.heads[citizen] = head
        return head
    }

    /// Appends an entry to a citizen's chain: the one place where entries are made.
    ///
    /// - Parameter row: the number of the row that it records.
    /// - Returns: the entry's number.
    @discardableResult
    func enter(_ kind: ChainKind, row: Int64?, of citizen: Int64, _ body: String) throws -> Int64 {
        let head = try chainHead(citizen)
        let n = head.n + 1
        let salt = store.randomBytes(ChainEntry.saltBytes)
        let hash = ChainEntry.hash(previous: head.hash, n: n, inner: ChainEntry.inner(salt: salt, body: body))
        try run("INSERT INTO chain (citizen, n, kind, row, salt, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [citizen, n, kind.rawValue, row, salt, body, hash])
        store.chains.heads[citizen] = (n, hash)
        return n
    }

    // MARK: What is recorded

    /// An act on a consent record. Every act belongs here: given, withdrawn, and whatever else is done to one.
    ///
    /// - Parameters:
    ///   - body: the record's row as it stands.
    ///   - later: set where the act itself was long before its entry.
    /// - Returns: the entry's number.
    @discardableResult
    func enterConsent(
        _ act: String, _ id: ConsentID, of citizen: PersonID, by: String, at: Instant, body: String, later: Instant? = nil
    ) throws -> Int64 {
        let number: (String) throws -> Int64 = { try pseudonym(PersonID($0)) }
        let record = try? JSONDecoder().decode(JSON.self, from: Data(body.utf8))
        let text = ChainBody.consent(
            act, id, at: at, by: try ChainBody.pseudonymous(by: by, number), record: try record.map { try ChainBody.pseudonymous($0, number) },
            row: body)
        return try enter(.consent, row: id.number, of: try pseudonym(citizen), later.map { ChainBody.writtenLater(text, at: $0) } ?? text)
    }

    /// That an alert was raised, to the chain of each citizen whom it is about.
    func enterRaised(_ alert: Alert, later: Instant? = nil) throws {
        let body = ChainBody.raised(alert)
        let entries = try enter(alert, later.map { ChainBody.writtenLater(body, at: $0) } ?? body)
        try run("UPDATE alert SET raisedEntries = ? WHERE id = ?", [entries, alert.id.number])
    }

    func enterEnded(_ alert: Alert, _ ending: Alert.Ending, later: Instant? = nil) throws {
        let body = ChainBody.ended(alert, ending, by: try ending.by.map { try pseudonym($0) })
        let entries = try enter(alert, later.map { ChainBody.writtenLater(body, at: $0) } ?? body)
        try run("UPDATE alert SET endedEntries = ? WHERE id = ?", [entries, alert.id.number])
    }

    private func enter(_ alert: Alert, _ body: String) throws -> String {
        try alert.citizens.map { citizen in
            let number = try pseudonym(citizen)
            return "\(number):\(try enter(.alert, row: alert.id.number, of: number, body))"
        }.joined(separator: " ")
    }

    /// The database goes on from a backup: each chain says so, as nobody knows which of them had grown since.
    public func enterRestored(backup: Instant, at: Instant) throws {
        for citizen in try StoreReader(db: db).chainedCitizens() {
            try enter(.restored, row: nil, of: citizen, ChainBody.restored(backup: backup, at: at))
        }
    }

    // MARK: Erasing

    /// Erases salt and body of entries, and says so in an entry. The rows that they record are the caller's to delete, in the
    /// same turn.
    ///
    /// - Returns: how many were erased; those that were erased before do not count.
    @discardableResult
    public func eraseChainBodies(of citizen: Int64, entries: [Int64], because: ErasedBecause, at: Instant) throws -> Int {
        var erased: [Int64] = []
        for n in Set(entries).sorted() {
            guard let row = try Row.fetchOne(
                    db.cachedStatement(sql: "SELECT salt, body, inner FROM chain WHERE citizen = ? AND n = ?"), arguments: [citizen, n]),
                let salt = row[0] as Data?, let body = row[1] as String?
            else { continue }
            try run("UPDATE chain SET salt = NULL, body = NULL, inner = ? WHERE citizen = ? AND n = ?",
                [ChainEntry.inner(salt: salt, body: body), citizen, n])
            erased.append(n)
        }
        var ranges: [ClosedRange<Int64>] = []
        for n in erased {
            if let last = ranges.last, last.upperBound == n - 1 { ranges[ranges.count - 1] = last.lowerBound...n } else { ranges.append(n...n) }
        }
        for first in stride(from: 0, to: ranges.count, by: Self.rangesPerEntryMax) {
            try enter(
                .erased, row: nil, of: citizen,
                ChainBody.erased(Array(ranges[first..<min(first + Self.rangesPerEntryMax, ranges.count)]), because: because.rawValue, at: at))
        }
        return erased.count
    }

    /// Keeps a body of an `erased` entry at some kilobytes.
    private static var rangesPerEntryMax: Int { 500 }

    /// The same for all entries of some kinds up to a number, in steps.
    ///
    /// - Parameter entriesMax: so many go in this step.
    /// - Returns: how many went; fewer than `entriesMax` when there is nothing more to do.
    @discardableResult
    public func eraseChainBodies(
        of citizen: Int64, upTo n: Int64, kinds: [ChainKind], because: ErasedBecause, at: Instant, entriesMax: Int
    ) throws -> Int {
        let wanted = try Int64.fetchAll(
            db,
            sql: """
                SELECT n FROM chain WHERE citizen = ? AND n <= ? AND body IS NOT NULL
                    AND kind IN (\(kinds.map { "'\($0.rawValue)'" }.joined(separator: ","))) ORDER BY n LIMIT ?
                """, arguments: [citizen, n, entriesMax])
        return try eraseChainBodies(of: citizen, entries: wanted, because: because, at: at)
    }

    /// Forgets whom a number stands for; the number is never given again.
    public func erasePseudonym(_ citizen: Int64) throws {
        try run("UPDATE pseudonym SET person = NULL WHERE n = ?", [citizen])
        store.chains.removeAll()
    }

    // MARK: Signed days

    /// One citizen's place in a signed day.
    public struct DayLeaf: Sendable {
        public var citizen: Int64
        public var n: Int64
        public var head: Data
        public var blinding: Data
        public var hash: Data { Merkle.leaf(blinding: blinding, citizen: citizen, n: n, head: head) }
    }

    /// Heads of some chains as leaves of a day, in order of the citizens' numbers, each with a new blinding. What an earlier run began
    /// for this day stands as it is.
    ///
    /// - Returns: fewer than `limit` when these were the last.
    public func addLeaves(_ day: String, after citizen: Int64, limit: Int) throws -> [(citizen: Int64, leaf: Data)] {
        try StoreReader(db: db).chainedCitizens(after: citizen, limit: limit).map { citizen in
            if let known = try Data.fetchOne(
                db.cachedStatement(sql: "SELECT leaf FROM dayLeaf WHERE day = ? AND citizen = ?"), arguments: [day, citizen])
            {
                return (citizen, known)
            }
            let head = try chainHead(citizen)
            let leaf = DayLeaf(citizen: citizen, n: head.n, head: head.hash, blinding: store.randomBytes(DayProof.blindingBytes))
            let hash = leaf.hash
            try run("INSERT INTO dayLeaf (day, citizen, n, head, blinding, leaf) VALUES (?, ?, ?, ?, ?, ?)",
                [day, leaf.citizen, leaf.n, leaf.head, leaf.blinding, hash])
            return (citizen, hash)
        }
    }

    public func save(_ signed: SignedDay) throws {
        try run("INSERT INTO signedDay (day, root, leaves, signature, key) VALUES (?, ?, ?, ?, ?)",
            [signed.day, signed.root, signed.leaves, signed.signature, signed.key])
    }

    /// Older days keep their root and signature only; their proofs were given out.
    ///
    /// - Returns: how many leaves went; 0 when there is nothing more to do.
    public func dropLeaves(daysKept: Int, rowsMax: Int) throws -> Int {
        try run(
            """
            DELETE FROM dayLeaf WHERE (day, citizen) IN (
                SELECT day, citizen FROM dayLeaf WHERE day <= (SELECT day FROM signedDay ORDER BY day DESC LIMIT 1 OFFSET ?) ORDER BY day, citizen LIMIT ?)
            """, [daysKept, rowsMax])
        return db.changesCount
    }
}
