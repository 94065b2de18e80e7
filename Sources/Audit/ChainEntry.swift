import Crypto
import Foundation

/// One entry of a citizen's chain.
///
/// Its hash covers the entry before it, its number and the hash of salt and body (the *inner* hash), so that salt and body can be
/// erased and the chain still verifies: the inner hash is kept in their place.
public struct ChainEntry: Hashable, Sendable {
    /// From 1, without gaps.
    public var n: Int64
    /// `consent`, `disclosure`, `alert`, `erased`, `restored`, `keeping`; a body says the same, so that it cannot be changed unnoticed.
    public var kind: String
    /// 16 random bytes. Without them a short body could be guessed from its hash after it was erased.
    public var salt: Data?
    /// Canonical JSON: sorted keys, people as pseudonyms.
    public var body: String?
    /// Kept only where there is no body.
    public var inner: Data?
    public var hash: Data
    /// The body is there, but not for whoever asked for this: an operator. Milliseconds since 1970 of what it records.
    public var hiddenAt: Int64?

    public init(
        n: Int64, kind: String, salt: Data? = nil, body: String? = nil, inner: Data? = nil, hash: Data, hiddenAt: Int64? = nil
    ) {
        self.n = n
        self.kind = kind
        self.salt = salt
        self.body = body
        self.inner = inner
        self.hash = hash
        self.hiddenAt = hiddenAt
    }

    public static let saltBytes = 16
    /// What stands in the place of a previous hash in the first entry.
    public static let origin = Data(repeating: 0, count: 32)

    public var isErased: Bool { body == nil && hiddenAt == nil }

    /// The hash of salt and body, or, where they are not there, what is kept of it; nil where neither is.
    public var innerHash: Data? {
        switch (salt, body) {
        case (let salt?, let body?): Self.inner(salt: salt, body: body)
        case (nil, nil): inner?.count == 32 ? inner : nil
        default: nil
        }
    }

    public static func inner(salt: Data, body: String) -> Data {
        var hasher = SHA256()
        hasher.update(data: salt)
        var body = body
        body.withUTF8 { hasher.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        return Data(hasher.finalize())
    }

    public static func hash(previous: Data, n: Int64, inner: Data) -> Data {
        var hasher = SHA256()
        hasher.update(data: previous)
        withUnsafeBytes(of: n.bigEndian) { hasher.update(bufferPointer: $0) }
        hasher.update(data: inner)
        return Data(hasher.finalize())
    }

    /// The entry without what only its citizen may see; its hash is checked all the same.
    public func hidden() -> ChainEntry {
        guard let inner = innerHash, !isErased, kind != "erased", kind != "restored" else { return self }
        return ChainEntry(n: n, kind: kind, inner: inner, hash: hash, hiddenAt: ChainWords(self)?.at ?? 0)
    }
}

extension ChainEntry: Codable {
    private enum CodingKeys: String, CodingKey { case n, kind, salt, body, inner, hash, hiddenAt }

    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        n = try c.decode(Int64.self, forKey: .n)
        kind = try c.decode(String.self, forKey: .kind)
        salt = try c.decodeIfPresent(Data.self, forKey: .salt)
        body = try c.decodeIfPresent(String.self, forKey: .body)
        inner = try c.decodeIfPresent(Data.self, forKey: .inner)
        hash = try c.decode(Data.self, forKey: .hash)
        hiddenAt = try c.decodeIfPresent(Int64.self, forKey: .hiddenAt)
    }
}
