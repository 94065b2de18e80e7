/// The one source of chance of a run: a small generator whose state is its seed (G. L. Steele, D. Lea,
/// C. H. Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 for an empty range.
    mutating func below(_ end: Int) -> Int { end > 0 ? Int.random(in: 0..<end, using: &self) : 0 }

    mutating func pick<Element>(_ all: [Element]) -> Element? { all.isEmpty ? nil : all[below(all.count)] }

    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }

    /// Small ones often, large ones rarely: one to the power of two that is drawn first.
    mutating func length(max: Int) -> Int {
        guard max > 1 else { return max }
        return 1 + below(1 << below(min(Int.bitWidth - 2, (max - 1).bitWidth - (max - 1).leadingZeroBitCount + 1))) % max
    }
}
