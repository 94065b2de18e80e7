import Foundation

/// The seed of a random test: `CARING_SEED` repeats a run, which is why it is printed.
func testSeed(_ test: String, usual: UInt64) -> UInt64 {
    let seed = ProcessInfo.processInfo.environment["CARING_SEED"].flatMap { UInt64($0) } ?? usual
    print("\(test): CARING_SEED=\(seed)")
    return seed
}

/// Sebastiano Vigna, `splitmix64.c` (2015).
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}
