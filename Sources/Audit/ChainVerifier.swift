import Care
import Foundation

/// Something that is not as it was written, in a plain sentence.
public struct AuditFinding: Hashable, Sendable {
    public enum What: String, Codable, Sendable {
        case altered, missing, exchanged, misplaced, twice, emptied
        case proofNotGenuine = "proof-not-genuine", proofOfAnother = "proof-of-another", proofDiffers = "proof-differs"
        case rowChanged = "row-changed", rowMissing = "row-missing", rowUnrecorded = "row-unrecorded", cutOff = "cut-off"
    }
    public var what: What
    /// The entry's number; nil where it is about no single one.
    public var n: Int64?
    public var sentence: String

    public init(_ what: What, _ n: Int64?, _ sentence: String) {
        self.what = what
        self.n = n
        self.sentence = sentence
    }
}

/// What came of verifying one chain.
public struct AuditReport: Hashable, Sendable {
    public var entries: Int64 = 0
    /// Whose contents were erased, and an entry says so.
    public var erased: Int64 = 0
    public var findings: [AuditFinding] = []
    /// More than `ChainVerifier.findingsMax` are only counted.
    public var findingsLeftOut = 0
    /// What is worth knowing and no fault.
    public var notes: [String] = []
    public var proofs = 0
    public var newestProof: String?
    /// Days, in UTC, from a backup to the day on which the gateway went on from it: what was proved then may have gone with the damaged database.
    public var restoredDays: [ClosedRange<String>] = []

    public var isSound: Bool { findings.isEmpty }
    public init() {}
}

/// Verifies one chain, entry by entry in the order in which they stand. Keeps little in memory: the last hash, what is in doubt,
/// and sixteen bytes for each run of erased entries.
public struct ChainVerifier {
    public static var findingsMax: Int { 1_000 }
    /// Entries whose hash does not fit and that may yet turn out to have been exchanged.
    static var doubtsMax: Int { 64 }

    private struct Doubt {
        var entry: ChainEntry
        var inner: Data
        /// What may have stood before it.
        var previous: [Data]
    }
    private struct Restore {
        var n: Int64
        var at: Int64
        var backup: Int64
    }
    private struct Marks: Decodable {
        var entries: [[Int64]]?
        var at: Int64?
        var backup: Int64?
    }

    private let citizen: Int64
    private var report = AuditReport()
    /// Good ones, by the number of the entry that they prove.
    private var proofs: [DayProof] = []
    private var nextProof = 0
    private var proved: Int64 = 0
    private var last: Int64 = 0
    private var previous: [Data] = [ChainEntry.origin]
    private var doubts: [Doubt] = []
    private var missing = RangeSet<Int64>()
    private var emptied = RangeSet<Int64>()
    private var explained = RangeSet<Int64>()
    private var restores: [Restore] = []
    private var differing: [DayProof] = []

    /// - Parameters:
    ///   - citizen: the pseudonym of the one whose chain this is.
    ///   - proofs: that were given out for this chain, in any order.
    ///   - key: the public key to be believed; nil: that of each proof.
    public init(citizen: Int64, proofs: [DayProof] = [], key: Data? = nil) {
        self.citizen = citizen
        for proof in Set(proofs) {
            if proof.citizen != citizen {
                found(.proofOfAnother, nil, "The proof of \(safeText(proof.signed.day)) is about another person's chain.")
            } else if let problem = proof.problem(trusting: key) {
                found(.proofNotGenuine, nil, safeText(problem, charactersMax: 300))
            } else {
                self.proofs.append(proof)
            }
        }
        self.proofs.sort { ($0.entries, $0.signed.day) < ($1.entries, $1.signed.day) }
        report.proofs = self.proofs.count
        report.newestProof = self.proofs.map(\.signed.day).max()
    }

    /// Entries of one chain: more than a gateway could ever write.
    private static let numberMax: Int64 = 1 << 48

    public mutating func take(_ entry: ChainEntry) {
        report.entries += 1
        // No chain is so long; the number is another's work.
        guard (1..<Self.numberMax).contains(entry.n) else {
            found(.altered, nil, "An entry has a number that no chain reaches: it was changed.")
            return
        }
        guard entry.n > last else { return takeLate(entry) }
        if entry.n > last + 1 {
            missing.insert(contentsOf: last + 1..<entry.n)
            previous = []
        }
        last = entry.n
        check(entry)
        // A body of another kind than its entry's: the kind stands outside of the hash, so that it outlives the body.
        if let body = entry.body, !body.contains("\"kind\":\"\(entry.kind)\"") {
            found(.altered, entry.n, "\(capital(ChainWords.name(entry))) is filed as something else than it says.")
        }
        if entry.isErased { emptied.insert(contentsOf: entry.n..<entry.n + 1) }
        if entry.kind == "erased" || entry.kind == "restored" { note(entry) }
        while nextProof < proofs.count, proofs[nextProof].entries <= entry.n {
            let proof = proofs[nextProof]
            nextProof += 1
            guard proof.entries == entry.n else { continue }
            if proof.head == entry.hash { proved = entry.n } else { differing.append(proof) }
        }
    }

    /// What does not stand where its number belongs.
    private mutating func takeLate(_ entry: ChainEntry) {
        if missing.contains(entry.n) {
            missing.remove(contentsOf: entry.n..<entry.n + 1)
            found(.misplaced, entry.n, "\(capital(ChainWords.name(entry))) stands behind entry \(last): the order was changed.")
        } else {
            found(.twice, entry.n, "\(capital(ChainWords.name(entry))) is there a second time.")
        }
    }

    private mutating func check(_ entry: ChainEntry) {
        guard let inner = entry.innerHash else {
            found(.altered, entry.n, "\(capital(ChainWords.name(entry))) has been changed: a part of it was taken away.")
            previous = [entry.hash]
            return
        }
        // Behind a gap nothing is known of what stood before.
        let computed = previous.map { ChainEntry.hash(previous: $0, n: entry.n, inner: inner) }
        if computed.isEmpty || computed.contains(entry.hash) {
            previous = [entry.hash]
            return
        }
        let before = previous
        // The next one fits one of these: the stored one where the contents were changed, the computed one where the hash was.
        // Never more than these few, however many entries in a row do not fit.
        previous = [entry.hash] + computed.prefix(2)
        guard report.findings.count < Self.findingsMax else { return settle(Doubt(entry: entry, inner: inner, previous: [])) }
        if let i = doubts.firstIndex(where: { isExchanged($0, entry, inner) }) {
            let first = doubts.remove(at: i)
            found(
                .exchanged, first.entry.n,
                "Entries \(first.entry.n) and \(entry.n) have been exchanged: what stands as \(ChainWords.name(entry)) belongs in the place of \(ChainWords.name(first.entry)).")
            previous.append(first.entry.hash)
            // The one behind the first was in doubt only because the exchanged hash stood before it.
            doubts.removeAll {
                $0.entry.n == first.entry.n + 1 && ChainEntry.hash(previous: entry.hash, n: $0.entry.n, inner: $0.inner) == $0.entry.hash
            }
            return
        }
        if doubts.count == Self.doubtsMax { settle(doubts.removeFirst()) }
        doubts.append(Doubt(entry: entry, inner: inner, previous: before))
    }

    private func isExchanged(_ doubt: Doubt, _ entry: ChainEntry, _ inner: Data) -> Bool {
        doubt.previous.contains { previous in
            let hash = ChainEntry.hash(previous: previous, n: doubt.entry.n, inner: inner)
            // With their hashes, or their contents alone.
            return hash == entry.hash || hash == doubt.entry.hash
        }
    }

    private mutating func settle(_ doubt: Doubt) {
        found(.altered, doubt.entry.n, "\(capital(ChainWords.name(doubt.entry))) has been changed: its hash does not fit what it says.")
    }

    private mutating func note(_ entry: ChainEntry) {
        guard let body = entry.body, let marks = try? JSONDecoder().decode(Marks.self, from: Data(body.utf8)) else { return }
        if entry.kind == "restored" { restores.append(Restore(n: entry.n, at: marks.at ?? 0, backup: marks.backup ?? 0)) }
        for range in marks.entries ?? [] where range.count == 2 && range[0] <= range[1] {
            // It cannot speak of what comes after it.
            explained.insert(contentsOf: min(range[0], entry.n)..<min(range[1], entry.n - 1) + 1)
        }
    }

    public mutating func finish() -> AuditReport {
        for doubt in doubts { settle(doubt) }
        doubts.removeAll()
        for range in missing.ranges { found(.missing, range.lowerBound, "\(Self.entries(range.lowerBound, range.upperBound - 1)) missing.") }
        for range in emptied.subtracting(explained).ranges {
            found(
                .emptied, range.lowerBound,
                "\(Self.entries(range.lowerBound, range.upperBound - 1)) empty, and no later entry says that they were erased.")
        }
        report.erased = emptied.intersection(explained).ranges.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
        report.restoredDays = restores.compactMap { $0.backup <= $0.at ? Self.day($0.backup)...Self.day($0.at) : nil }
        for proof in differing { judge(proof) }
        for proof in proofs[nextProof...] { judge(proof) }
        if report.erased > 0 {
            report.notes.append("The contents of \(report.erased) \(report.erased == 1 ? "entry was" : "entries were") erased, as later entries say; that they were there still verifies.")
        }
        report.findings.sort { ($0.n ?? 0, $0.sentence) < ($1.n ?? 0, $1.sentence) }
        return report
    }

    /// A proof of another hash than the chain's, or of an entry that the chain does not reach.
    private mutating func judge(_ proof: DayProof) {
        if let restore = restores.last(where: { restore in
            restore.n <= proof.entries && proof.signed.day >= Self.day(restore.backup) && proof.signed.day <= Self.day(restore.at)
        }) {
            report.notes.append(
                "\(Self.entries(restore.n, proof.entries)) lost that the proof of \(proof.signed.day) knows: on \(Instant(milliseconds: restore.at).iso) the gateway was restored from a backup of \(Instant(milliseconds: restore.backup).iso), and what was written in between went with the damaged database. Entry \(restore.n) now says so.")
        } else if proof.entries > last {
            found(
                .missing, last + 1,
                "\(Self.entries(last + 1, proof.entries)) missing at the end: the proof of \(proof.signed.day) knows them.")
        } else {
            found(
                .proofDiffers, proof.entries,
                "The chain is not the one that was proved on \(proof.signed.day): something from entry \(proved + 1) to entry \(proof.entries) was written anew since.")
        }
    }

    private mutating func found(_ what: AuditFinding.What, _ n: Int64?, _ sentence: String) {
        guard report.findings.count < Self.findingsMax else {
            report.findingsLeftOut += 1
            return
        }
        report.findings.append(AuditFinding(what, n, sentence))
    }

    private static func entries(_ from: Int64, _ to: Int64) -> String {
        from >= to ? "Entry \(to) is" : "Entries \(from) to \(to) are"
    }
    private static func day(_ milliseconds: Int64) -> String { String(Instant(milliseconds: milliseconds).iso.prefix(10)) }
    private func capital(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
