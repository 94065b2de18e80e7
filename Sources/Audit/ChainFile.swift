import Care
import Foundation

/// Whose chain the lines behind it are.
public struct ChainHeader: Hashable, Codable, Sendable {
    public var version: Int
    /// The pseudonym.
    public var citizen: Int64
    /// What the citizen is called in commands; nil where it is not said or was erased.
    public var name: String?

    public init(citizen: Int64, name: String?) {
        version = SignedDay.version
        self.citizen = citizen
        self.name = name
    }
}

/// How a chain ended when it was written: a file that was cut off shows it.
public struct ChainEnd: Hashable, Codable, Sendable {
    public var entries: Int64

    public init(entries: Int64) { self.entries = entries }
}

/// One line of an export: JSON Lines, for each chain a header, its proofs, its entries and an end.
///
/// The same lines are what the gateway gives the command line, so a file is verified exactly as a running gateway is.
public enum ChainLine: Hashable, Sendable {
    case chain(ChainHeader)
    case proof(DayProof)
    case entry(ChainEntry)
    case end(ChainEnd)

    private struct Wrapped: Codable {
        var chain: ChainHeader?
        var proof: DayProof?
        var entry: ChainEntry?
        var end: ChainEnd?
    }

    public var text: String {
        var wrapped = Wrapped()
        switch self {
        case .chain(let header): wrapped.chain = header
        case .proof(let proof): wrapped.proof = proof
        case .entry(let entry): wrapped.entry = entry
        case .end(let end): wrapped.end = end
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Numbers, texts and bytes: nothing of it can fail to be encoded.
        return (try? encoder.encode(wrapped)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Nil where it is no line of an export.
    public init?(_ text: some DataProtocol) {
        guard let wrapped = try? JSONDecoder().decode(Wrapped.self, from: Data(text)) else { return nil }
        if let header = wrapped.chain {
            self = .chain(header)
        } else if let proof = wrapped.proof {
            self = .proof(proof)
        } else if let entry = wrapped.entry {
            self = .entry(entry)
        } else if let end = wrapped.end {
            self = .end(end)
        } else {
            return nil
        }
    }
}

/// What keeps a file from being verified at all, as a sentence.
public struct ChainFileProblem: Error, CustomStringConvertible {
    public var description: String
}

/// Reads a stream of lines and verifies each chain in it.
public struct ChainFileVerifier {
    /// Longer than any line that the gateway writes, in bytes.
    public static var lineBytesMax: Int { 1 << 20 }
    /// Proofs of one chain, in a file or beside it.
    public static var proofsMax: Int { 100_000 }

    private let key: Data?
    /// Proofs from elsewhere; each chain is held against those about it.
    private let others: [DayProof]
    /// Sealed ones from elsewhere; of whose chain each is only an open proof of the same day can tell.
    private let sealed: [SealedProof]
    /// The leaves of the proofs that came with the chains, by day.
    private var leaves: [String: Set<Data>] = [:]
    private var header: ChainHeader?
    private var proofs: [DayProof] = []
    private var verifier: ChainVerifier?
    private var last: Int64 = 0
    private var hasEnded = false
    private var othersFound: [AuditFinding] = []
    public private(set) var reports: [(header: ChainHeader, report: AuditReport)] = []

    public init(key: Data? = nil, proofs: [DayProof] = [], sealed: [SealedProof] = []) {
        self.key = key
        others = proofs
        self.sealed = sealed
    }

    /// Lines that stand before an entry.
    public mutating func take(_ line: ChainLine) throws(ChainFileProblem) {
        switch line {
        case .chain(let new):
            close()
            guard new.version == SignedDay.version else { throw ChainFileProblem(description: "This was written by a newer version than this program understands.") }
            header = new
        case .proof(let proof):
            guard header != nil, verifier == nil, proofs.count < Self.proofsMax else {
                throw ChainFileProblem(description: "A proof stands where none belongs: take the file as it was written.")
            }
            proofs.append(proof)
            if !sealed.isEmpty { leaves[proof.signed.day, default: []].insert(proof.leaf) }
        case .entry(let entry):
            guard begin(), !hasEnded else { throw ChainFileProblem(description: "An entry stands where none belongs: take the file as it was written.") }
            verifier?.take(entry)
            last = max(last, entry.n)
        case .end(let end):
            guard begin() else { throw ChainFileProblem(description: "The end of a chain stands where none belongs: take the file as it was written.") }
            hasEnded = end.entries == last
        }
    }

    /// What was found about the present chain in another way: rows that do not fit it.
    public mutating func add(_ finding: AuditFinding) { othersFound.append(finding) }

    private mutating func begin() -> Bool {
        guard let header else { return false }
        if verifier == nil {
            verifier = ChainVerifier(citizen: header.citizen, proofs: proofs + others.filter { $0.citizen == header.citizen || reports.isEmpty && others.count == 1 }, key: key)
        }
        return true
    }

    private mutating func close() {
        guard let header, begin(), var finished = verifier else { return }
        var report = finished.finish()
        if !hasEnded { report.findings.append(AuditFinding(.cutOff, last, "The chain in this file ends before its end, behind entry \(last): a part is missing.")) }
        report.findings += othersFound
        othersFound = []
        reports.append((header, report))
        self.header = nil
        verifier = nil
        proofs = []
        last = 0
        hasEnded = false
    }

    public mutating func finish() -> [(header: ChainHeader, report: AuditReport)] {
        close()
        if !reports.isEmpty { for proof in Set(sealed).sorted(by: { ($0.signed.day, $0.index) < ($1.signed.day, $1.index) }) { open(proof) } }
        return reports
    }

    /// Holds a sealed proof against the proofs of its day; what is wrong stands in the first report.
    private mutating func open(_ proof: SealedProof) {
        let day = safeText(proof.signed.day)
        if let problem = proof.problem(trusting: key) {
            reports[0].report.findings.append(AuditFinding(.proofNotGenuine, nil, safeText(problem, charactersMax: 300)))
        } else if let known = leaves[proof.signed.day] {
            if known.contains(proof.seal) { return reports[0].report.notes.append("The sealed proof of \(day) was opened: it is the one that the chain fits.") }
            guard !reports.contains(where: { $0.report.restoredDays.contains { $0.contains(proof.signed.day) } }) else {
                return reports[0].report.notes.append("What was proved on \(day) is not what the sealed proof of that day holds: about that day the gateway was restored from a backup, as the chain says.")
            }
            reports[0].report.findings.append(
                AuditFinding(.proofDiffers, nil, "What was proved on \(day) is not what the sealed proof of that day holds: the chain was written anew since, or the sealed proof is somebody else's."))
        } else {
            reports[0].report.notes.append("The sealed proof of \(day) cannot be opened: there is no proof of that day with the chain. The gateway keeps them for a month; an export of that time has it.")
        }
    }

    /// Verifies a file line by line; it may be larger than the memory.
    public static func verify(
        path: String, key: Data? = nil, proofs: [DayProof] = [], sealed: [SealedProof] = []
    ) throws -> [(header: ChainHeader, report: AuditReport)] {
        var verifier = ChainFileVerifier(key: key, proofs: proofs, sealed: sealed)
        try forEachLine(path: path) { line in
            guard let line = ChainLine(line) else {
                throw ChainFileProblem(description: "There is a line in the file that is none of an audit export. It was damaged, or is another kind of file.")
            }
            try verifier.take(line)
        }
        let reports = verifier.finish()
        guard !reports.isEmpty else { throw ChainFileProblem(description: "There is no chain in the file: make it with caring audit export --out FILE.") }
        return reports
    }

    /// Proofs in a file: a proof that was saved, one a line or alone, or an export.
    public static func proofs(path: String) throws -> [DayProof] { try saved(path: path).proofs }

    /// The same, with those that are sealed.
    public static func saved(path: String) throws -> (proofs: [DayProof], sealed: [SealedProof]) {
        var proofs: [DayProof] = []
        var sealed: [SealedProof] = []
        try forEachLine(path: path) { line in
            if case .proof(let proof)? = ChainLine(line) { proofs.append(proof) }
            if let proof = try? JSONDecoder().decode(DayProof.self, from: line) { proofs.append(proof) }
            if let proof = try? JSONDecoder().decode(SealedProof.self, from: line) { sealed.append(proof) }
            guard proofs.count + sealed.count <= proofsMax else { throw ChainFileProblem(description: "There are more than \(proofsMax) proofs in the file.") }
        }
        guard !proofs.isEmpty || !sealed.isEmpty else { throw ChainFileProblem(description: "There is no proof in the file: save one with caring audit proof --json.") }
        return (proofs, sealed)
    }

    private static func forEachLine(path: String, _ body: (Data) throws -> Void) throws {
        guard let file = FileHandle(forReadingAtPath: path) else { throw ChainFileProblem(description: "The file cannot be read; check its name and who may read it.") }
        defer { try? file.close() }
        var rest = Data()
        while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty {
            rest.append(chunk)
            var start = rest.startIndex
            while let end = rest[start...].firstIndex(of: 10) {
                if end > start { try body(Data(rest[start..<end])) }
                start = end + 1
            }
            rest = Data(rest[start...])
            guard rest.count <= lineBytesMax else { throw ChainFileProblem(description: "There is a line in the file that is too long for an audit export.") }
        }
        if !rest.isEmpty { try body(rest) }
    }
}
