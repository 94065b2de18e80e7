import Crypto
import Foundation

/// What the gateway signed on one day: the root over all chains' heads.
public struct SignedDay: Hashable, Codable, Sendable {
    /// `2026-11-21`, in UTC.
    public var day: String
    public var root: Data
    public var leaves: Int
    public var signature: Data
    /// The public key, 32 bytes.
    public var key: Data

    public init(day: String, root: Data, leaves: Int, signature: Data, key: Data) {
        self.day = day
        self.root = root
        self.leaves = leaves
        self.signature = signature
        self.key = key
    }

    public static let version = 1

    /// What is signed.
    public static func text(day: String, root: Data, leaves: Int) -> Data {
        Data("caring audit \(version)\nday \(day)\nroot \(root.map { hex($0) }.joined())\nleaves \(leaves)\n".utf8)
    }

    private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    public var isGenuine: Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else { return false }
        return key.isValidSignature(signature, for: Self.text(day: day, root: root, leaves: leaves))
    }
}

/// One citizen's part of a signed day: how far their chain had come, and the way from there to the root. It tells of others only
/// how many chains there are.
public struct DayProof: Hashable, Codable, Sendable {
    public var version: Int
    public var signed: SignedDay
    /// The citizen's pseudonym.
    public var citizen: Int64
    /// The number of the chain's last entry, and its hash.
    public var entries: Int64
    public var head: Data
    public var blinding: Data
    public var index: Int
    public var path: [Data]

    public init(signed: SignedDay, citizen: Int64, entries: Int64, head: Data, blinding: Data, index: Int, path: [Data]) {
        version = SignedDay.version
        self.signed = signed
        self.citizen = citizen
        self.entries = entries
        self.head = head
        self.blinding = blinding
        self.index = index
        self.path = path
    }

    public static let blindingBytes = 16

    /// What stands for it in the tree.
    public var leaf: Data { Merkle.leaf(blinding: blinding, citizen: citizen, n: entries, head: head) }

    /// What is wrong with the proof itself, as a sentence; nil when it proves what it says.
    ///
    /// - Parameter key: the public key to be believed; nil: the one in the proof, which shows only that all of it belongs together.
    public func problem(trusting key: Data? = nil) -> String? {
        guard version == SignedDay.version else { return "The proof of \(signed.day) is of a version that is not known here." }
        if let key, key != signed.key { return "The proof of \(signed.day) is signed with another key than the one that is trusted." }
        guard signed.isGenuine else { return "The signature of the proof of \(signed.day) is not genuine." }
        guard Merkle.root(leaf: leaf, index: index, count: signed.leaves, path: path) == signed.root else {
            return "The proof of \(signed.day) does not lead to what was signed on that day: it was changed, or is somebody else's."
        }
        return nil
    }
}

/// The key that days are signed with.
public struct AuditKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    public init() { key = Curve25519.Signing.PrivateKey() }

    /// - Parameter text: as `text` wrote it; nil where it is no key.
    public init?(text: String) {
        guard let bytes = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        else { return nil }
        self.key = key
    }

    /// For the key's file. Secret.
    public var text: String { key.rawRepresentation.base64EncodedString() + "\n" }
    public var publicKey: Data { key.publicKey.rawRepresentation }

    public func sign(day: String, root: Data, leaves: Int) throws -> SignedDay {
        SignedDay(
            day: day, root: root, leaves: leaves, signature: try key.signature(for: SignedDay.text(day: day, root: root, leaves: leaves)),
            key: publicKey)
    }
}
