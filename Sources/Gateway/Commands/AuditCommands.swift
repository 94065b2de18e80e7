import Audit
import Care
import Foundation
import Store

/// Chains and proofs, page by page: whoever asks verifies them, so that the gateway's own word is not all there is.
extension Engine {
    /// Entries of one answer: some milliseconds of a turn.
    static var auditPageMax: Int { 1_000 }
    /// Each needs the tree of its day.
    static var auditProofsMax: Int { 7 }
    static var auditChainsMax: Int { 1_000 }

    func audit(_ query: AuditQuery, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        switch query {
        case .key: return try auditPublicKey()
        case .chains(let citizen, let after): return try auditChains(citizen, after, actor, tx)
        case .proof(let citizen): return try auditProof(citizen, actor, tx)
        case .proofs(let chain, _) where chain < 1: throw CommandProblem.failed("There is no such chain.")
        case .proofs(let chain, let before): return try auditProofs(chain, before, actor, tx)
        case .page(let chain, let after): return try auditPage(chain, after, actor, tx)
        case .rows(let chain, let after): return try auditRows(chain, after, actor, tx)
        }
    }

    private func auditPublicKey() throws -> Reply {
        guard let auditKey else { throw CommandProblem.failed("This gateway has no key, so it signs nothing. Its log says why.") }
        let text = auditKey.publicKey.base64EncodedString()
        return Reply(say: [text], items: [.object(["key": .string(text)])])
    }

    /// The caller's own chain; an operator's: all of them.
    private func auditChains(_ name: String?, _ after: Int64, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let disk = try tx.reader
        if actor.isOperatorOnly, name == nil {
            let all = try disk.chainedCitizens().filter { $0 > after }
            let some = Array(all.prefix(Self.auditChainsMax))
            return Reply(
                items: try some.map { chain in .string(ChainLine.chain(ChainHeader(citizen: chain, name: try disk.person(chain)?.name)).text) },
                next: some.count < all.count ? some.last : nil)
        }
        let person = try citizen(name, actor)
        guard let number = try disk.pseudonym(person.id), try disk.chainHead(number) != nil else {
            return Reply(say: ["There is nothing in your chain yet: you have permitted nothing, and nobody was told anything."])
        }
        return Reply(items: [.string(ChainLine.chain(ChainHeader(citizen: number, name: person.id.name)).text)])
    }

    private func auditProof(_ name: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(name, actor)
        let disk = try tx.reader
        guard let number = try disk.pseudonym(person.id), let proof = try disk.proofs(of: number, limit: 1, before: nil).first else {
            throw CommandProblem.failed("There is no proof for you yet: the first is made on the day after something was written to your chain, at midnight UTC.")
        }
        return Reply(say: [proof.text], items: [try JSONDecoder().decode(JSON.self, from: Data(proof.text.utf8))])
    }

    /// Whether this caller sees what stands in the entries of a chain; an operator verifies them without.
    private func mayReadChain(_ chain: Int64, _ actor: Actor, _ disk: StoreReader) throws -> Bool {
        if actor.isOperatorOnly { return false }
        guard let person = actor.person, person.kind == .citizen, try disk.pseudonym(person.id) == chain else {
            throw CommandProblem.refused("Only the citizen whose chain it is, or an operator, may verify it.")
        }
        return true
    }

    private func auditProofs(_ chain: Int64, _ before: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let disk = try tx.reader
        let isOwn = try mayReadChain(chain, actor, disk)
        // An operator, who verifies many, gets the newest two.
        let proofs = isOwn || before == nil ? try disk.proofs(of: chain, limit: isOwn ? Self.auditProofsMax : 2, before: before) : []
        return Reply(items: proofs.map { .string(ChainLine.proof($0).text) })
    }

    private func auditPage(_ chain: Int64, _ after: Int64, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let disk = try tx.reader
        let isOwn = try mayReadChain(chain, actor, disk)
        let page = try disk.chain(chain, after: after, limit: Self.auditPageMax, isHidden: !isOwn)
        var items = page.map { JSON.string(ChainLine.entry($0.entry).text) }
        for finding in page.compactMap(\.finding) { items.append(json(finding)) }
        return Reply(items: items, next: page.count == Self.auditPageMax ? page.last?.entry.n : nil)
    }

    private func auditRows(_ chain: Int64, _ after: Int64, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let disk = try tx.reader
        _ = try mayReadChain(chain, actor, disk)
        guard try disk.isChainComplete() else {
            return Reply(say: ["What was recorded before there were chains is still being entered; ask again in a while."])
        }
        guard let person = try disk.person(chain) else { return Reply() }
        let (findings, next) = try disk.unrecorded(person, chain, after: after, limit: Self.auditPageMax)
        return Reply(items: findings.map(json), next: next)
    }

    private func json(_ finding: AuditFinding) -> JSON {
        .object([
            "finding": .string(finding.what.rawValue), "entry": finding.n.map { .int($0) } ?? .null, "say": .string(finding.sentence),
        ])
    }
}
