import Audit
import Foundation
import Testing

/// A chain as a gateway writes it, whose salts come from its numbers.
func chain(_ count: Int64, from entries: [ChainEntry] = []) -> [ChainEntry] {
    var entries = entries
    while Int64(entries.count) < count {
        let n = Int64(entries.count) + 1
        append(#"{"at":\#(n * 1_000),"data":"sos","kind":"disclosure","state":"sent","to":4}"#, kind: "disclosure", to: &entries)
    }
    return entries
}
func append(_ body: String, kind: String, to entries: inout [ChainEntry]) {
    let n = Int64(entries.count) + 1
    let salt = Data((0..<16).map { UInt8(truncatingIfNeeded: n &* 31 &+ Int64($0)) })
    let hash = ChainEntry.hash(previous: entries.last?.hash ?? ChainEntry.origin, n: n, inner: ChainEntry.inner(salt: salt, body: body))
    entries.append(ChainEntry(n: n, kind: kind, salt: salt, body: body, hash: hash))
}
func erase(_ entry: inout ChainEntry) {
    (entry.inner, entry.salt, entry.body) = (entry.innerHash, nil, nil)
}
func verify(_ entries: [ChainEntry], proofs: [DayProof] = [], citizen: Int64 = 3, key: Data? = nil) -> AuditReport {
    var verifier = ChainVerifier(citizen: citizen, proofs: proofs, key: key)
    for entry in entries { verifier.take(entry) }
    return verifier.finish()
}
func found(_ report: AuditReport) -> [String] { report.findings.map { "\($0.what.rawValue) \($0.n ?? 0)" } }

/// A signed day with five chains; the proof of the third, citizen 3.
func proof(_ entries: ArraySlice<ChainEntry>, day: String = "2026-11-21", key: AuditKey, citizen: Int64 = 3) throws -> DayProof {
    let last = try #require(entries.last)
    let blinding = Data(repeating: UInt8(citizen), count: 16)
    let leaves = (1...5).map { n in
        n == citizen ? Merkle.leaf(blinding: blinding, citizen: n, n: last.n, head: last.hash) : Merkle.leaf(blinding: blinding, citizen: n, n: 9, head: last.hash)
    }
    let tree = try #require(Merkle(leaves: leaves))
    let signed = try key.sign(day: day, root: tree.root, leaves: leaves.count)
    return DayProof(
        signed: signed, citizen: citizen, entries: last.n, head: last.hash, blinding: blinding, index: Int(citizen) - 1, path: tree.path(Int(citizen) - 1))
}

@Suite struct ChainVerifierTests {
    private let key = AuditKey()

    @Test func `a chain as it was written is sound`() throws {
        let entries = chain(50)
        let report = verify(entries, proofs: [try proof(entries[..<20], day: "2026-11-20", key: key), try proof(entries[...], key: key)], key: key.publicKey)
        #expect(report.isSound && report.entries == 50 && report.proofs == 2 && report.newestProof == "2026-11-21" && report.notes.isEmpty)
        #expect(verify([]).isSound)
    }

    @Test(arguments: [1, 7, 20])
    func `what is altered is named`(n: Int) {
        var body = chain(20), salt = chain(20), hash = chain(20), kind = chain(20), half = chain(20)
        body[n - 1].body = body[n - 1].body?.replacingOccurrences(of: "\"to\":4", with: "\"to\":5")
        salt[n - 1].salt?[3] ^= 1
        hash[n - 1].hash[0] ^= 1
        kind[n - 1].kind = "alert"
        half[n - 1].salt = nil
        for changed in [body, salt, hash, kind, half] { #expect(found(verify(changed)) == ["altered \(n)"]) }
        #expect(verify(body).findings.first?.sentence == "Entry \(n) (1970-01-01T00:00:\(n < 10 ? "0" : "")\(n)Z: a word to person 5 about \u{201C}sos\u{201D} was sent) has been changed: its hash does not fit what it says.")
    }

    @Test func `several altered entries are named one by one`() {
        var entries = chain(300)
        for n in stride(from: 1, to: 300, by: 2) { entries[n].salt?[0] ^= 1 }
        let report = verify(entries)
        #expect(report.findings.count == 150 && report.findings.allSatisfy { $0.what == .altered })
        for n in 0..<300 { entries[n].hash = Data(repeating: UInt8(n % 250), count: 32) }
        #expect(verify(entries).findings.count == 300)
        #expect(verify(chain(2_500).map { ChainEntry(n: $0.n, kind: $0.kind, salt: Data(count: 16), body: $0.body, hash: $0.hash) }).findingsLeftOut == 1_500)
    }

    @Test func `what is missing in the middle is named`() {
        var one = chain(20), many = chain(20), first = chain(20)
        one.remove(at: 6)
        many.removeSubrange(6..<12)
        first.removeFirst()
        #expect(found(verify(one)) == ["missing 7"])
        #expect(verify(one).findings.first?.sentence == "Entry 7 is missing.")
        #expect(found(verify(many)) == ["missing 7"])
        #expect(verify(many).findings.first?.sentence == "Entries 7 to 12 are missing.")
        #expect(found(verify(first)) == ["missing 1"])
    }

    @Test func `what is missing at the end is named by a proof`() throws {
        let entries = chain(20)
        let given = try proof(entries[...], key: key)
        #expect(verify(Array(entries.prefix(17))).isSound, "Without a proof nothing shows it.")
        #expect(verify(Array(entries.prefix(17)), proofs: [given]).findings.map(\.sentence) == ["Entries 18 to 20 are missing at the end: the proof of 2026-11-21 knows them."])
    }

    @Test(arguments: [(3, 4), (3, 9), (1, 20), (19, 20)])
    func `two that were exchanged are named`(a: Int, b: Int) {
        var contents = chain(20), rows = chain(20)
        let (x, y) = (contents[a - 1], contents[b - 1])
        (contents[a - 1].salt, contents[a - 1].body, contents[b - 1].salt, contents[b - 1].body) = (y.salt, y.body, x.salt, x.body)
        #expect(found(verify(contents)) == ["exchanged \(a)"])
        (rows[a - 1], rows[b - 1]) = (y, x)
        (rows[a - 1].n, rows[b - 1].n) = (Int64(a), Int64(b))
        #expect(found(verify(rows)) == ["exchanged \(a)"])
        // In a file whose lines were exchanged the numbers go with them.
        var lines = chain(20)
        lines.swapAt(a - 1, b - 1)
        let report = verify(lines)
        #expect(!report.isSound && report.findings.allSatisfy { [.misplaced, .twice].contains($0.what) })
    }

    @Test func `an entry that is there twice is named`() {
        var entries = chain(9)
        entries.insert(entries[3], at: 4)
        #expect(found(verify(entries)) == ["twice 4"])
    }

    @Test func `a chain that was written anew does not fit its proof`() throws {
        let entries = chain(20)
        let proofs = [try proof(entries[..<8], day: "2026-11-20", key: key), try proof(entries[..<16], key: key)]
        // From entry 12 on, with all hashes made anew.
        var forged = Array(entries.prefix(11))
        append(#"{"at":1,"data":"nothing","kind":"disclosure"}"#, kind: "disclosure", to: &forged)
        forged = chain(20, from: forged)
        #expect(verify(forged).isSound)
        let report = verify(forged, proofs: proofs)
        #expect(report.findings.map(\.sentence) == ["The chain is not the one that was proved on 2026-11-21: something from entry 9 to entry 16 was written anew since."])
    }

    @Test func `a forged proof is named`() throws {
        let entries = chain(20)
        let genuine = try proof(entries[...], key: key)
        var signature = genuine, head = genuine, root = genuine, day = genuine, leaves = genuine, path = genuine
        signature.signed.signature[9] ^= 1
        head.head[0] ^= 1
        root.signed.root[0] ^= 1
        day.signed.day = "2026-11-22"
        leaves.signed.leaves += 1
        path.path.removeLast()
        for forged in [signature, head, root, day, leaves, path] { #expect(found(verify(entries, proofs: [forged])) == ["proof-not-genuine 0"]) }
        let another = try proof(entries[...], key: AuditKey())
        #expect(verify(entries, proofs: [another]).isSound)
        #expect(found(verify(entries, proofs: [another], key: key.publicKey)) == ["proof-not-genuine 0"])
    }

    @Test func `another citizen's proof is named, and cannot be made to fit`() throws {
        let entries = chain(20)
        var another = try proof(entries[...], key: key, citizen: 4)
        #expect(found(verify(entries, proofs: [another])) == ["proof-of-another 0"])
        another.citizen = 3
        #expect(found(verify(entries, proofs: [another])) == ["proof-not-genuine 0"])
    }

    @Test func `what was erased verifies where an entry says so`() throws {
        var entries = chain(20)
        let given = try proof(entries[...], key: key)
        for n in 2...6 { erase(&entries[n]) }
        #expect(found(verify(entries, proofs: [given])) == ["emptied 3"])
        append(#"{"at":9,"because":"age","entries":[[3,5]],"kind":"erased"}"#, kind: "erased", to: &entries)
        #expect(verify(entries).findings.map(\.sentence) == ["Entries 6 to 7 are empty, and no later entry says that they were erased."])
        append(#"{"at":9,"because":"age","entries":[[6,7]],"kind":"erased"}"#, kind: "erased", to: &entries)
        let report = verify(entries, proofs: [given], key: key.publicKey)
        #expect(report.isSound && report.erased == 5 && report.notes.count == 1)
        // An erased entry's kept hash is not at will, and an entry speaks of earlier ones only.
        entries[3].inner?[0] ^= 1
        #expect(found(verify(entries)) == ["altered 4"])
        var early = chain(3)
        append(#"{"at":9,"because":"age","entries":[[1,9]],"kind":"erased"}"#, kind: "erased", to: &early)
        early = chain(9, from: early)
        erase(&early[6])
        #expect(found(verify(early)) == ["emptied 7"])
    }

    @Test func `a restore explains what a later proof knows, and nothing else`() throws {
        let day: Int64 = 86_400_000
        let before = chain(20)
        let given = try proof(before[...], day: "1970-01-06", key: key)
        var entries = Array(before.prefix(12))
        append(#"{"at":\#(7 * day),"backup":\#(4 * day),"kind":"restored"}"#, kind: "restored", to: &entries)
        for count: Int64 in [13, 16, 30] {
            let report = verify(chain(count, from: entries), proofs: [given])
            #expect(report.isSound && report.notes.count == 1)
            #expect(report.notes.first?.hasPrefix("Entries 13 to 20 are lost that the proof of 1970-01-06 knows") == true, "\(report.notes)")
        }
        let older = try proof(before[...], day: "1970-01-04", key: key)
        #expect(found(verify(chain(30, from: entries), proofs: [older])) == ["proof-differs 20"])
        let newer = try proof(before[...], day: "1970-01-09", key: key)
        #expect(found(verify(chain(16, from: entries), proofs: [newer])) == ["missing 17"])
    }

    @Test func `an operator verifies without seeing what entries say`() throws {
        var entries = chain(20)
        append(#"{"at":9,"because":"age","entries":[[3,3]],"kind":"erased"}"#, kind: "erased", to: &entries)
        erase(&entries[2])
        let hidden = entries.map { $0.hidden() }
        #expect(verify(hidden).isSound && verify(hidden).erased == 1)
        #expect(hidden.allSatisfy { $0.kind == "erased" || $0.body == nil && $0.salt == nil })
        var changed = entries
        changed[6].body = changed[6].body?.replacingOccurrences(of: "sos", with: "fall")
        let report = verify(changed.map { $0.hidden() })
        #expect(found(report) == ["altered 7"])
        #expect(report.findings.first?.sentence == "Entry 7 (1970-01-01T00:00:07Z, of the kind disclosure) has been changed: its hash does not fit what it says.")
    }
}

@Suite struct ChainFileTests {
    private let key = AuditKey()
    private func file(_ lines: [String]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UUID().uuidString).jsonl").path
        try lines.map { $0 + "\n" }.joined().write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
    private func lines(_ entries: [ChainEntry], _ proofs: [DayProof] = []) -> [String] {
        let last = entries.last?.n ?? 0
        return [ChainLine.chain(ChainHeader(citizen: 3, name: "ada")).text] + proofs.map { ChainLine.proof($0).text }
            + entries.map { ChainLine.entry($0).text } + [ChainLine.end(ChainEnd(entries: last)).text]
    }

    @Test func `a file verifies as the chain does, and one that was cut off shows it`() throws {
        var entries = chain(30)
        erase(&entries[4])
        append(#"{"at":9,"because":"age","entries":[[5,5]],"kind":"erased"}"#, kind: "erased", to: &entries)
        let all = lines(entries, [try proof(entries[...], key: key)])
        for line in all { #expect(ChainLine(Data(line.utf8))?.text == line) }
        let whole = try file(all)
        defer { unlink(whole) }
        let reports = try ChainFileVerifier.verify(path: whole, key: key.publicKey)
        #expect(reports.map(\.report.isSound) == [true] && reports[0].header.name == "ada" && reports[0].report.entries == 31)
        #expect(try ChainFileVerifier.proofs(path: whole).count == 1)
        for cut in [1, 3, 20] {
            let short = try file(Array(all.dropLast(cut)))
            defer { unlink(short) }
            #expect(try ChainFileVerifier.verify(path: short)[0].report.findings.contains { $0.what == .cutOff })
        }
        let twoChains = try file(all + all)
        defer { unlink(twoChains) }
        #expect(try ChainFileVerifier.verify(path: twoChains).count == 2)
    }

    @Test func `what is no export is refused with a sentence`() throws {
        for text in ["nonsense", "{}", #"{"entry":{"n":1}}"#, ChainLine.entry(chain(1)[0]).text, #"{"chain":{"citizen":3,"version":9}}"#, ""] {
            let path = try file([text])
            defer { unlink(path) }
            #expect(throws: ChainFileProblem.self, "\(text)") { try ChainFileVerifier.verify(path: path) }
        }
        #expect(throws: ChainFileProblem.self) { try ChainFileVerifier.verify(path: "/nowhere/at-all") }
    }
}
