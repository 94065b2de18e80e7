import Foundation

/// A proof in a sealed envelope: it binds the gateway to how far a chain had come on a day, and does not tell it.
///
/// It is what lies at the broker, where all who live in a home read with one login: the number of entries alone would tell them
/// when somebody was told something. The citizen's own proof of that day, which the gateway keeps for a month and every export
/// holds, opens it; a gateway that wrote the chain anew meanwhile has no proof that does.
public struct SealedProof: Hashable, Codable, Sendable {
    public var version: Int
    public var signed: SignedDay
    /// The leaf of the tree. Without its blinding nobody can guess what it was made of.
    public var seal: Data
    public var index: Int
    public var path: [Data]

    public init(_ proof: DayProof) {
        version = proof.version
        signed = proof.signed
        seal = proof.leaf
        index = proof.index
        path = proof.path
    }

    /// What is wrong with it by itself, as a sentence; nil when the gateway has signed it.
    ///
    /// - Parameter key: as for a proof.
    public func problem(trusting key: Data? = nil) -> String? {
        guard version == SignedDay.version else { return "The sealed proof of \(signed.day) is of a version that is not known here." }
        if let key, key != signed.key { return "The sealed proof of \(signed.day) is signed with another key than the one that is trusted." }
        guard signed.isGenuine else { return "The signature of the sealed proof of \(signed.day) is not genuine." }
        guard Merkle.root(leaf: seal, index: index, count: signed.leaves, path: path) == signed.root else {
            return "The sealed proof of \(signed.day) does not lead to what was signed on that day: it was changed."
        }
        return nil
    }
}
