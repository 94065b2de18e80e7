/// What was acknowledged last, in order: packet id, and a hash of topic and payload.
///
/// After a kill the broker sends again what it had not yet read the acknowledgement of: first, in order, with the
/// old packet ids. Packet ids repeat, and two presses of one button are the same bytes, so a single entry shows
/// little; an ordered run of them does. While what comes matches one contiguous run of the ledger it was kept
/// before; the first message that does not match ends the comparison until the next connection.
///
/// A run can only begin at the latest entry with its packet id, among those that can all be unacknowledged at
/// once. So the first new message of a home whose every message is the same is not taken for one of 65 535
/// messages ago.
struct Ledger: Sendable {
    /// Entries that are kept: twice as many as there are packet ids, so that what can come again is among them.
    static let entriesMax = 131_072

    struct Entry: Hashable, Sendable {
        var packetID: UInt16
        var hash: UInt64
    }

    /// Messages that can be unacknowledged at once, less one: the next new message has the id of the one before
    /// these (MQTT 5, 2.2.1: ids are 1 … 65 535).
    static let unacknowledgedMax = 65_534

    private enum Comparing: Sendable {
        case no
        case first
        /// Where the next message has to match.
        case at(Int)
    }

    private var entries: [Entry] = []
    private var comparing = Comparing.no

    var count: Int { entries.count }
    /// Whether messages are being compared; false for nearly all of the time.
    var isComparing: Bool { if case .no = comparing { false } else { true } }

    /// The session was resumed: what comes first may be known.
    mutating func beginComparing() { comparing = entries.isEmpty ? .no : .first }

    /// The broker knows no session: nothing of before comes again, and packet ids begin anew.
    mutating func removeAll() {
        entries.removeAll()
        comparing = .no
    }

    /// Whether this message is one that was kept before. Once it says no it says no until the next connection.
    mutating func knows(_ entry: Entry) -> Bool {
        let position: Int?
        switch comparing {
        case .no: return false
        case .first: position = entries.suffix(Self.unacknowledgedMax).lastIndex { $0.packetID == entry.packetID }
        case .at(let next): position = next < entries.count ? next : nil
        }
        guard let position, entries[position] == entry else {
            comparing = .no
            return false
        }
        comparing = .at(position + 1)
        return true
    }

    /// After the commit that kept them.
    mutating func append(_ new: [Entry]) {
        entries.append(contentsOf: new)
        // Cut seldom and by much: while a run is compared, positions must not move.
        if entries.count > 2 * Self.entriesMax && !isComparing {
            entries.removeFirst(entries.count - Self.entriesMax)
        }
    }

    // MARK: As bytes

    /// Ten bytes an entry, little-endian.
    static func bytes(_ entries: [Entry]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * 10)
        for entry in entries {
            withUnsafeBytes(of: entry.packetID.littleEndian) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: entry.hash.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    static func entries(_ bytes: [UInt8]) -> [Entry] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / 10).map { i in
                Entry(
                    packetID: UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: i * 10, as: UInt16.self)),
                    hash: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: i * 10 + 2, as: UInt64.self)))
            }
        }
    }
}

/// Fowler-Noll-Vo 1a with a mix, eight bytes at a time; the same in every process. Not keyed: whoever publishes is
/// logged in, tables that use it are bounded, and a ledger entry counts only in an ordered run.
func stableHash(_ bytes: UnsafeRawBufferPointer, from seed: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
    var h = seed
    var i = 0
    while i + 8 <= bytes.count {
        h = (h ^ bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
        h ^= h >> 29
        i += 8
    }
    while i < bytes.count {
        h = (h ^ UInt64(bytes[i])) &* 0x100_0000_01b3
        i += 1
    }
    return h ^ (h >> 32)
}
