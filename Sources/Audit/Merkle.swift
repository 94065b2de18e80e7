import Crypto
import Foundation

/// A Merkle tree of the shape of RFC 6962: leaves and nodes are told apart by their first byte, and a node without a neighbour
/// is its own parent.
public struct Merkle: Sendable {
    /// From the leaves upward, without the nodes at the right edge that have no neighbour yet: they would change with the next leaf.
    private var levels: [[Data]] = [[]]

    /// Without a leaf; see `append`.
    public init() {}

    /// - Parameter leaves: hashes as `leaf` gives them; at least one.
    public init?(leaves: [Data]) {
        guard !leaves.isEmpty else { return nil }
        for leaf in leaves { append(leaf) }
    }

    /// Adds a leaf behind the others: two hashes at the most, on the average.
    public mutating func append(_ leaf: Data) {
        levels[0].append(leaf)
        var level = 0
        while levels[level].count % 2 == 0 {
            let last = levels[level].count
            if level + 1 == levels.count { levels.append([]) }
            levels[level + 1].append(Self.node(levels[level][last - 2], levels[level][last - 1]))
            level += 1
        }
    }

    public var count: Int { levels[0].count }
    /// Empty where there is no leaf.
    public var root: Data {
        (edges().last ?? nil) ?? Data()
    }

    /// The node at the right edge of each level; nil where all nodes of the level are in `levels`.
    private func edges() -> [Data?] {
        var edges: [Data?] = [nil]
        for level in levels {
            let alone = level.count % 2 == 1 ? level.last : nil
            switch (alone, edges.last ?? nil) {
            case (let left?, let right?): edges.append(Self.node(left, right))
            case (let one?, nil): edges.append(one)
            case (nil, let edge): edges.append(edge)
            }
        }
        return edges
    }

    /// What has to be hashed with a leaf, from the bottom up, to come to the root.
    public func path(_ index: Int) -> [Data] {
        let edges = edges()
        var (index, last) = (index, count - 1)
        var path: [Data] = []
        var level = 0
        while last > 0 {
            let neighbour = index ^ 1
            if neighbour <= last, let node = level < levels.count && neighbour < levels[level].count ? levels[level][neighbour] : edges[level] { path.append(node) }
            index >>= 1
            last >>= 1
            level += 1
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
