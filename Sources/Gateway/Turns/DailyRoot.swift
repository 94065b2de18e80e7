import Audit
import Care
import Foundation
import Logging
import Notify
import Store

/// Once a day, by UTC, the gateway signs the root over all chains' heads and gives each citizen theirs with its proof.
///
/// All of it goes in steps between turns, however many chains there are: leaves are made, the root is signed, old leaves go, and
/// proofs are given out. A start goes on with the leaves that are there.
extension Engine {
    /// Proofs of so many days are kept; older ones were given out, and their roots and signatures stay.
    static var proofDaysKept: Int { 31 }
    /// Proofs published between two looks at everything else.
    static var proofsAtOnceMax: Int { 128 }
    /// Leaves that are read of a day that is signed, in one step.
    static var leavesReadAtOnceMax: Int { 2_000 }

    /// A day that is being signed.
    struct DayRoot {
        var day: String
        var tree = Merkle()
        /// The last citizen who has a leaf.
        var after: Int64 = 0
    }

    /// Proofs that are being given out.
    struct ProofGiving {
        var signed: SignedDay
        var tree = Merkle()
        /// The last leaf that was read; nil: all were.
        var readAfter: Int64? = 0
        /// The last citizen who has been given theirs, and how many stand before the next.
        var after: Int64 = 0
        var index = 0
    }

    /// From now on days are signed; today's at once where that was not done yet.
    public func beginAudit(_ key: AuditKey) throws {
        auditKey = key
        try turn { tx in try signDay(tx) }
        giveProofsAnew()
    }

    /// Begins with the day's root, if it is not there yet; and when to look again. What one step can do is done at once.
    func signDay(_ tx: StoreTurn) throws {
        guard auditKey != nil else { return try saveDeadline(.dailyRoot, nil, tx) }
        let today = String(now.iso.prefix(10))
        if dayRoot == nil, try tx.reader.newestSignedDay()?.day ?? "" < today { try addLeaves(DayRoot(day: today), tx) }
        let dayLength = Span.days(1).milliseconds
        try saveDeadline(.dailyRoot, Instant(milliseconds: (now.milliseconds / dayLength + 1) * dayLength), tx)
    }

    /// A step, if there is one to be done.
    ///
    /// - Returns: whether there may be more.
    func signOn() throws -> Bool {
        if auditKey == nil { return false }
        if let dayRoot {
            // Where the turn fails it is done anew with what was there before.
            try turn { tx in try addLeaves(dayRoot, tx) }
            return true
        }
        guard mayDropLeaves else { return false }
        mayDropLeaves = try turn { tx in try tx.dropLeaves(daysKept: Self.proofDaysKept, rowsMax: Self.sweepRowsMax) } > 0
        return mayDropLeaves
    }

    /// The next leaves of a day; with the last ones it is signed.
    private func addLeaves(_ before: DayRoot, _ tx: StoreTurn) throws {
        guard let auditKey else { return }
        var work = before
        let leaves = try tx.addLeaves(work.day, after: work.after, limit: dayLeavesAtOnceMax)
        for (citizen, leaf) in leaves {
            work.tree.append(leaf)
            work.after = citizen
        }
        if leaves.count == dayLeavesAtOnceMax {
            dayRoot = work
            return
        }
        dayRoot = nil
        mayDropLeaves = true
        // Nobody has a chain: there is nothing to sign.
        guard work.tree.count > 0 else { return }
        let signed = try auditKey.sign(day: work.day, root: work.tree.root, leaves: work.tree.count)
        try tx.save(signed)
        proofGiving = ProofGiving(signed: signed, tree: work.tree, readAfter: nil)
        // Signing may have lasted beyond midnight.
        let today = String(now.iso.prefix(10))
        if work.day < today { dayRoot = DayRoot(day: today) }
    }

    /// All proofs of the newest day are published again: at a start, and when the broker may have lost them.
    func giveProofsAnew() {
        proofGiving = nil
        guard auditKey != nil else { return }
        do {
            proofGiving = try store.read { try $0.newestSignedDay() }.map { ProofGiving(signed: $0) }
        } catch {
            log.error("The proofs of the day cannot be read.", metadata: ["error": "\(type(of: error))"])
        }
    }

    /// Publishes some of the proofs that wait. Retained, so sending one again is never wrong.
    func giveProofs(_ outbound: any Outbound) throws {
        guard var giving = proofGiving, isConnected else { return }
        if let after = giving.readAfter {
            let leaves = try store.read { try $0.leaves(giving.signed.day, after: after, limit: Self.leavesReadAtOnceMax) }
            for (_, leaf) in leaves { giving.tree.append(leaf) }
            giving.readAfter = leaves.count == Self.leavesReadAtOnceMax ? leaves.last?.citizen : nil
            proofGiving = giving
            if giving.readAfter != nil { return }
        }
        let (step, people) = try store.read { disk in
            let step = try disk.proofs(giving.signed, giving.tree, after: giving.after, index: giving.index, limit: Self.proofsAtOnceMax)
            return (step, try step.proofs.map { try disk.person($0.citizen) })
        }
        for (proof, person) in zip(step.proofs, people) {
            guard let person, let home = world.people[person]?.home else { continue }
            // What the broker does not take now is tried again, from the beginning of this step.
            do { _ = try outbound.publish(.proof(SealedProof(proof), home: home, citizen: person)) } catch { return }
        }
        guard let last = step.last else {
            proofGiving = nil
            return
        }
        giving.after = last
        giving.index = step.index
        proofGiving = giving
    }

    /// What was there before the chains is entered, a little between turns.
    ///
    /// - Returns: whether there is more.
    func enterLater() throws -> Bool {
        guard mayEnterLater else { return false }
        mayEnterLater = try turn { tx in try tx.enterLater(rowsMax: Self.enterLaterRowsMax, at: now) }
        return mayEnterLater
    }

    /// Rows of one step: some milliseconds.
    static var enterLaterRowsMax: Int { 500 }
}

extension DayProof {
    /// As it is shown and saved.
    var text: String { proofText(self) }
}

private func proofText(_ proof: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Numbers, texts and bytes: nothing of it can fail to be encoded.
    return (try? encoder.encode(proof)).map { String(decoding: $0, as: UTF8.self) } ?? ""
}

extension Publication {
    static func proofTopic(_ home: HomeID, _ citizen: PersonID) -> String { "homes/\(home)/caring/audit/\(citizen)" }

    /// Stays at the broker until the next day's takes its place. All who live in the home can read it, so it is sealed.
    static func proof(_ proof: SealedProof, home: HomeID, citizen: PersonID) -> Publication {
        Publication(topic: proofTopic(home, citizen), payload: proofText(proof), retain: true)
    }
}

/// `audit.key` in the data folder, mode 0600: what days are signed with.
public enum AuditKeyFile {
    /// Reads the key; on the first start makes it.
    ///
    /// - Throws: a sentence, where there is a file that is no key: it is not replaced, as all earlier proofs name it.
    public static func load(folder: String) throws -> AuditKey {
        let path = folder + "/audit.key"
        if FileManager.default.fileExists(atPath: path) {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8), let key = AuditKey(text: text) else {
                throw StoreError("The key in \(path) cannot be read, so no day is signed. Put a copy of it in its place, or move it away for a new one.", detail: "")
            }
            return key
        }
        let key = AuditKey()
        try AtomicFile.write(key.text, to: path)
        return key
    }
}
