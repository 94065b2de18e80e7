/// What may be asked of the chains. Entries and proofs come as lines of an audit export (a text each), which whoever asks verifies.
public enum AuditQuery: Codable, Hashable, Sendable {
    /// The public key that days are signed with.
    case key
    /// The caller's chain, or, for an operator, all of them; `after`: the number of the last chain of the answer before.
    case chains(citizen: String?, after: Int64)
    /// The newest proof.
    case proof(citizen: String?)
    /// Proofs of a chain, newest first, of days before `before`.
    case proofs(chain: Int64, before: String?)
    /// Entries of a chain after entry `after`, and what is wrong with the rows that they record. The reply's `next` goes into the
    /// next call; nil: there are no more.
    case page(chain: Int64, after: Int64)
    /// Rows of which the chain knows nothing, going on after `after`.
    case rows(chain: Int64, after: Int64)

    /// For the log of what operators did.
    public var name: String {
        switch self {
        case .key: "key"
        case .chains: "verify"
        case .proof, .proofs: "proof"
        case .page: "page"
        case .rows: "rows"
        }
    }

    /// The parts of one verifying are logged once.
    public var isLogged: Bool {
        switch self {
        case .chains, .proof: true
        case .key, .proofs, .page, .rows: false
        }
    }
}
