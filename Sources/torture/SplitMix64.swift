/// The one source of chance of a run: a small generator whose state is its seed (G. L. Steele, D. Lea,
/// C. H. Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A generator of its own for one thread or one lane, so that what one draws never shifts what another draws.
    static func branch(_ seed: UInt64, _ number: UInt64) -> SplitMix64 {
        var root = SplitMix64(seed: seed ^ (number &* 0xD1B5_4A32_D192_ED03))
        return SplitMix64(seed: root.next())
    }

    mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
    /// True so many times in a hundred.
    mutating func happens(percent: Int) -> Bool { pick(0...99) < percent }
}
