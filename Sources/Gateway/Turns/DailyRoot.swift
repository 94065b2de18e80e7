import Audit
import Care
import Foundation
import Logging
import Notify
import Store

/// Once a day, by UTC, the gateway signs the root over all chains' heads and gives each citizen theirs with its proof.
extension Engine {
    /// Proofs of so many days are kept; older ones were given out, and their roots and signatures stay.
    static var proofDaysKept: Int { 31 }
    /// Proofs published between two looks at everything else.
    static var proofsAtOnceMax: Int { 128 }

    /// Proofs that are being given out.
    struct ProofGiving {
        var signed: SignedDay
        var tree: Merkle
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

    /// The day's root, if it is not there yet and anybody has a chain; and when to look again.
    func signDay(_ tx: StoreTurn) throws {
        guard let auditKey else { return try saveDeadline(.dailyRoot, nil, tx) }
        let today = String(now.iso.prefix(10))
        let newest = try tx.reader.newestSignedDay()?.day ?? ""
        if newest < today {
            let leaves = try tx.newLeaves()
            if let tree = Merkle(leaves: leaves.map(\.hash)) {
                let signed = try auditKey.sign(day: today, root: tree.root, leaves: tree.count)
                try tx.save(signed, leaves, daysKept: Self.proofDaysKept)
                proofGiving = ProofGiving(signed: signed, tree: tree)
            }
        }
        let dayLength = Span.days(1).milliseconds
        try saveDeadline(.dailyRoot, Instant(milliseconds: (now.milliseconds / dayLength + 1) * dayLength), tx)
    }

    /// All proofs of the newest day are published again: at a start, and when the broker may have lost them.
    func giveProofsAnew() {
        proofGiving = nil
        guard auditKey != nil else { return }
        do {
            proofGiving = try store.read { disk in
                guard let signed = try disk.newestSignedDay(), let tree = try disk.dayTree(signed.day) else { return nil }
                return ProofGiving(signed: signed, tree: tree)
            }
        } catch {
            log.error("The proofs of the day cannot be read.", metadata: ["error": "\(type(of: error))"])
        }
    }

    /// Publishes some of the proofs that wait. Retained, so sending one again is never wrong.
    func giveProofs(_ outbound: any Outbound) throws {
        guard var giving = proofGiving, isConnected else { return }
        let (step, people) = try store.read { disk in
            let step = try disk.proofs(giving.signed, giving.tree, after: giving.after, index: giving.index, limit: Self.proofsAtOnceMax)
            return (step, try step.proofs.map { try disk.person($0.citizen) })
        }
        for (proof, person) in zip(step.proofs, people) {
            guard let person, let home = world.people[person]?.home else { continue }
            // What the broker does not take now is tried again, from the beginning of this step.
            do { _ = try outbound.publish(.proof(proof.text, home: home, citizen: person)) } catch { return }
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
    /// As it is published, shown and saved.
    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Numbers, texts and bytes: nothing of it can fail to be encoded.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension Publication {
    static func proofTopic(_ home: HomeID, _ citizen: PersonID) -> String { "homes/\(home)/caring/audit/\(citizen)" }

    /// Stays at the broker until the next day's takes its place.
    static func proof(_ text: String, home: HomeID, citizen: PersonID) -> Publication {
        Publication(topic: proofTopic(home, citizen), payload: text, retain: true)
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
