import Audit
import Crypto
import Foundation
import Testing

func bytes(_ hex: String) -> Data {
    let digits = Array(hex)
    return Data(stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) })
}

@Suite struct MerkleTests {
    /// Leaves and roots of the vectors that implementations of RFC 6962 share; worked out again apart from this code.
    private let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    private let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    private func leaf(_ input: String) -> Data { Data(SHA256.hash(data: Data([0]) + bytes(input))) }

    @Test func `roots are those of RFC 6962`() throws {
        for count in 1...8 { #expect(try #require(Merkle(leaves: inputs.prefix(count).map(leaf))).root == bytes(roots[count - 1]), "\(count)") }
        #expect(Merkle(leaves: []) == nil)
    }

    @Test func `every path leads to the root, and no other leaf, place or size fits it`() throws {
        for count in 1...33 {
            let leaves = (0..<count).map { leaf(String(1_000 + $0)) }
            let tree = try #require(Merkle(leaves: leaves))
            for i in 0..<count {
                let path = tree.path(i)
                #expect(Merkle.root(leaf: leaves[i], index: i, count: count, path: path) == tree.root)
                if count > 1 {
                    #expect(Merkle.root(leaf: leaves[(i + 1) % count], index: i, count: count, path: path) != tree.root)
                    #expect(Merkle.root(leaf: leaves[i], index: i, count: count, path: Array(path.dropLast())) == nil)
                }
                #expect(Merkle.root(leaf: leaves[i], index: i, count: count, path: path + [tree.root]) == nil)
                #expect(Merkle.root(leaf: leaves[i], index: count, count: count, path: path) == nil)
                #expect(Merkle.root(leaf: leaves[i], index: -1, count: count, path: path) == nil)
            }
        }
    }

    @Test func `entries and leaves hash as the format says`() {
        let salt = Data(0..<16)
        let inner = ChainEntry.inner(salt: salt, body: #"{"a":1}"#)
        #expect(inner == bytes("aed8a0ebb5f60a8aa06554873318b8e888584ebddf7878258719930ae328cbb2"))
        let first = ChainEntry.hash(previous: ChainEntry.origin, n: 1, inner: inner)
        #expect(first == bytes("fe42a5997aeedce6ea5dbfd3ab2302ef270742445edfa441909fed3737e42849"))
        let second = ChainEntry.hash(previous: first, n: 2, inner: ChainEntry.inner(salt: Data(count: 16), body: #"{"b":2}"#))
        #expect(second == bytes("486edd3e46a967bed783545ed2e25bcc4cde41ee5473766ad403f750dfe4a4b2"))
        #expect(
            Merkle.leaf(blinding: salt, citizen: 3, n: 2, head: first) == bytes("168d190fdd8840c9543c7f5fd8b6dbb2509a43ca54a476b333895cd08325ea0b"))
        #expect(
            String(decoding: SignedDay.text(day: "2026-11-21", root: Data([1, 0xAB]), leaves: 12), as: UTF8.self)
                == "caring audit 1\nday 2026-11-21\nroot 01ab\nleaves 12\n")
    }
}
