import Crypto
import Foundation

/// A Merkle tree of the shape of RFC 6962: leaves and nodes are told apart by their first byte, and a node without a neighbour
/// is its own parent.
public struct Merkle: Sendable {
    /// From the leaves to the root.
    private let levels: [[Data]]

    /// - Parameter leaves: hashes as `leaf` gives them; at least one.
    public init?(leaves: [Data]) {
        guard !leaves.isEmpty else { return nil }
        var levels = [leaves]
        while let last = levels.last, last.count > 1 {
            levels.append(
                stride(from: 0, to: last.count, by: 2).map { i in
                    i + 1 < last.count ? Self.node(last[i], last[i + 1]) : last[i]
                })
        }
        self.levels = levels
    }

    public var count: Int { levels[0].count }
    public var root: Data { levels[levels.count - 1][0] }

    /// What has to be hashed with a leaf, from the bottom up, to come to the root.
    public func path(_ index: Int) -> [Data] {
        var index = index
        var path: [Data] = []
        for level in levels.dropLast() {
            let neighbour = index ^ 1
            if neighbour < level.count { path.append(level[neighbour]) }
            index >>= 1
        }
        return path
    }

    /// The root to which a leaf's path leads; nil where the path does not fit the size of the tree.
    public static func root(leaf: Data, index: Int, count: Int, path: [Data]) -> Data? {
        guard index >= 0, index < count else { return nil }
        var (index, last) = (index, count - 1)
        var hash = leaf
        var rest = path[...]
        while last > 0 {
            if index & 1 == 1 || index < last {
                guard let neighbour = rest.popFirst() else { return nil }
                hash = index & 1 == 1 ? node(neighbour, hash) : node(hash, neighbour)
            }
            index >>= 1
            last >>= 1
        }
        return rest.isEmpty ? hash : nil
    }

    public static func node(_ left: Data, _ right: Data) -> Data {
        var hasher = SHA256()
        hasher.update(data: [1])
        hasher.update(data: left)
        hasher.update(data: right)
        return Data(hasher.finalize())
    }

    /// One chain's head. The blinding keeps whoever sees the hash from guessing whose it is and how long the chain has become.
    public static func leaf(blinding: Data, citizen: Int64, n: Int64, head: Data) -> Data {
        var hasher = SHA256()
        hasher.update(data: [0])
        hasher.update(data: blinding)
        withUnsafeBytes(of: citizen.bigEndian) { hasher.update(bufferPointer: $0) }
        withUnsafeBytes(of: n.bigEndian) { hasher.update(bufferPointer: $0) }
        hasher.update(data: head)
        return Data(hasher.finalize())
    }
}
