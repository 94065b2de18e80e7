/// The property names of a profile, found by the bytes of a key without making a string.
///
/// Nested objects have a table each: `ENERGY.Power` is the key `ENERGY`, whose table has `Power`. A class,
/// so that reaching it costs one reference count and not one for each array.
final class PropertyTable: Sendable {
    enum Target: Sendable {
        case property(Property)
        case time
        case object(PropertyTable)
    }

    private struct Entry: Sendable {
        let key: [UInt8]
        let target: Target
    }

    private let entries: [Entry]
    /// Indices of `entries`, or -1; a power of two in size and at most a quarter full, so that most keys
    /// that are not ours end at their first slot.
    private let slots: [Int16]
    private let mask: Int

    /// Keys of all levels of one profile.
    static let keysMax = 4_096

    init(_ targets: [(key: String, target: Target)]) {
        entries = targets.prefix(Self.keysMax).map { Entry(key: Array($0.key.utf8), target: $0.target) }
        var size = 16
        while size < entries.count * 4 { size *= 2 }
        mask = size - 1
        var slots = [Int16](repeating: -1, count: size)
        for (index, entry) in entries.enumerated() {
            var slot = entry.key.withUnsafeBytes { Self.hash($0) } & mask
            while slots[slot] >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Int16(index)
        }
        self.slots = slots
    }

    /// Of length, first, middle and two last bytes: cheap, and spread well over names such as `power_1`.
    /// The table is small, so the worst that chosen keys can do is a comparison with every entry.
    @inline(__always)
    private static func hash(_ key: UnsafeRawBufferPointer) -> Int {
        let count = key.count
        guard count > 1 else { return count == 1 ? Int(key[0]) : 0 }
        var mixed = UInt64(count) | UInt64(key[0]) << 8 | UInt64(key[count / 2]) << 16
        mixed |= UInt64(key[count - 1]) << 24 | UInt64(key[count - 2]) << 32
        return Int(truncatingIfNeeded: (mixed &* 0x9E37_79B9_7F4A_7C15) >> 44)
    }

    /// An index for `target(_:)`, or nil when the profile does not speak of this key.
    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer) -> Int? {
        var slot = Self.hash(key) & mask
        while true {
            let index = Int(slots[slot])
            if index < 0 { return nil }
            if entries[index].key.elementsEqual(key) { return index }
            slot = (slot + 1) & mask
        }
    }

    /// How many keys it has; indices are below.
    var count: Int { entries.count }

    func target(_ index: Int) -> Target { entries[index].target }
}
