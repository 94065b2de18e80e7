import Audit
import Care
import Foundation
import Logging
import Store

/// Chains and proofs, page by page: whoever asks verifies them, so that the gateway's own word is not all there is.
///
/// Read beside the turns: a chain may have a million entries, and no alarm waits for somebody who verifies it.
extension Engine {
    func audit(_ query: AuditQuery, _ actor: Actor) throws -> @Sendable () -> Reply {
        let reading = AuditReading(reader: actor.isOperatorOnly ? nil : actor.person)
        let (aside, log) = (store.aside, self.log)
        func beside(_ body: @escaping @Sendable (StoreReader) throws -> Reply) -> @Sendable () -> Reply {
            {
                do { return try aside.read(body) } catch let problem as CommandProblem {
                    return problem.reply
                } catch {
                    log.error("A chain could not be read.", metadata: ["error": "\(type(of: error))"])
                    return .failed("The chain could not be read. The gateway's log says why.")
                }
            }
        }
        switch query {
        case .key:
            guard let auditKey else { throw CommandProblem.failed("This gateway has no key, so it signs nothing. Its log says why.") }
            let text = auditKey.publicKey.base64EncodedString()
            return { Reply(say: [text], items: [.object(["key": .string(text)])]) }
        case .chains(let name, let after):
            if actor.isOperatorOnly, name == nil { return beside { try reading.allChains(after: after, $0) } }
            let person = try citizen(name, actor).id
            return beside { try reading.chain(of: person, $0) }
        case .proof(let name):
            let person = try citizen(name, actor).id
            return beside { try reading.newestProof(of: person, $0) }
        case .proofs(let chain, _) where chain < 1: throw CommandProblem.failed("There is no such chain.")
        case .proofs(let chain, let before): return beside { try reading.proofs(chain, before: before, $0) }
        case .page(let chain, let after): return beside { try reading.page(chain, after: after, $0) }
        case .rows(let chain, let after): return beside { try reading.rows(chain, after: after, $0) }
        }
    }
}

/// What one caller may see of the chains, from one state of the database.
private struct AuditReading: Sendable {
    /// Nil: an operator, who verifies all chains and reads what stands in none.
    var reader: Person?

    /// Entries of one answer.
    static var pageMax: Int { 1_000 }
    /// Each needs the tree of its day.
    static var proofsMax: Int { 7 }
    static var chainsMax: Int { 1_000 }

    func allChains(after: Int64, _ disk: StoreReader) throws -> Reply {
        let some = try disk.chainedCitizens(after: after, limit: Self.chainsMax)
        return Reply(
            items: try some.map { chain in .string(ChainLine.chain(ChainHeader(citizen: chain, name: try disk.person(chain)?.name)).text) },
            next: some.count == Self.chainsMax ? some.last : nil)
    }

    func chain(of person: PersonID, _ disk: StoreReader) throws -> Reply {
        guard let number = try disk.pseudonym(person), try disk.chainHead(number) != nil else {
            return Reply(say: ["There is nothing in your chain yet: you have permitted nothing, and nobody was told anything."])
        }
        return Reply(items: [.string(ChainLine.chain(ChainHeader(citizen: number, name: person.name)).text)])
    }

    func newestProof(of person: PersonID, _ disk: StoreReader) throws -> Reply {
        guard let number = try disk.pseudonym(person), let proof = try disk.proofs(of: number, limit: 1, before: nil).first else {
            throw CommandProblem.failed("There is no proof for you yet: the first is made on the day after something was written to your chain, at midnight UTC.")
        }
        return Reply(say: [proof.text], items: [try JSONDecoder().decode(JSON.self, from: Data(proof.text.utf8))])
    }

    /// Whether this caller sees what stands in the entries of a chain; an operator verifies them without.
    private func mayRead(_ chain: Int64, _ disk: StoreReader) throws -> Bool {
        guard let reader else { return false }
        guard reader.kind == .citizen, try disk.pseudonym(reader.id) == chain else {
            throw CommandProblem.refused("Only the citizen whose chain it is, or an operator, may verify it.")
        }
        return true
    }

    func proofs(_ chain: Int64, before: String?, _ disk: StoreReader) throws -> Reply {
        let isOwn = try mayRead(chain, disk)
        // An operator, who verifies many, gets the newest two.
        let proofs = isOwn || before == nil ? try disk.proofs(of: chain, limit: isOwn ? Self.proofsMax : 2, before: before) : []
        return Reply(items: proofs.map { .string(ChainLine.proof($0).text) })
    }

    func page(_ chain: Int64, after: Int64, _ disk: StoreReader) throws -> Reply {
        let isOwn = try mayRead(chain, disk)
        let page = try disk.chain(chain, after: after, limit: Self.pageMax, isHidden: !isOwn)
        var items = page.map { JSON.string(ChainLine.entry($0.entry).text) }
        for finding in page.compactMap(\.finding) { items.append(json(finding)) }
        return Reply(items: items, next: page.count == Self.pageMax ? page.last?.entry.n : nil)
    }

    func rows(_ chain: Int64, after: Int64, _ disk: StoreReader) throws -> Reply {
        _ = try mayRead(chain, disk)
        guard try disk.isChainComplete() else {
            return Reply(say: ["What was recorded before there were chains is still being entered; ask again in a while."])
        }
        guard let person = try disk.person(chain) else { return Reply() }
        let (findings, next) = try disk.unrecorded(person, chain, after: after, limit: Self.pageMax)
        return Reply(items: findings.map(json), next: next)
    }

    private func json(_ finding: AuditFinding) -> JSON {
        .object([
            "finding": .string(finding.what.rawValue), "entry": finding.n.map { .int($0) } ?? .null, "say": .string(finding.sentence),
        ])
    }
}
