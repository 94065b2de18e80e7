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
///
/// **A broker that was killed** comes back with what it saved last, up to its `autosave_interval` ago. Then the run is
/// followed by entries that the broker has forgotten, and it gives their packet ids again: new messages of equal bytes
/// would go on matching. DUP (MQTT 5, 3.3.1.1) tells them apart. A message that was on its way to us before the broker saved
/// is sent again with it; so what comes without is new, unless it had waited for us when the broker saved and was first
/// sent after that, on a connection that the broker does not remember. Only entries that had waited (`Entry.waited`) can
/// be that. What is left in doubt is plain: after the broker saved without us, equal bytes of one home that came until we
/// had caught up, and equal bytes that came between the broker's return and ours.
///
/// Where DUP is known, the comparison goes on as long as it is set. So it does not matter that an offer among what comes again
/// has expired at the broker meanwhile, nor where in the ledger a run begins: what the broker saved in a flood can be more than
/// 65 534 messages ago. There a run may only begin with bytes that are rare in the ledger, because ids go round.
struct Ledger: Sendable {
    /// Entries that are kept: twice as many as there are packet ids, so that what can come again is among them.
    static let entriesMax = 131_072

    struct Entry: Hashable, Sendable {
        var packetID: UInt16
        /// 63 bits.
        var hash: UInt64
        /// It came before the gateway had caught up, so it may have waited at the broker, not yet sent to anybody.
        var waited = false

        init(packetID: UInt16, hash: UInt64, waited: Bool = false) {
            self.packetID = packetID
            self.hash = hash & ~Self.waitedBit
            self.waited = waited
        }

        fileprivate static let waitedBit: UInt64 = 1 << 63

        fileprivate func isSameMessage(as other: Entry) -> Bool { packetID == other.packetID && hash == other.hash }
    }

    /// Messages that can be unacknowledged at once, less one: the next new message has the id of the one before
    /// these (MQTT 5, 2.2.1: ids are 1 … 65 535).
    static let unacknowledgedMax = 65_534

    /// So many entries of a run may be missing from what comes again: offers that have expired at the broker.
    static let gapMax = 64
    /// Bytes that stand in the ledger more often than this show nothing of where a run began.
    static let rareMax = 2

    private struct Run: Sendable {
        var start: Int
        /// Where the next message has to match.
        var next: Int
    }

    private enum Comparing: Sendable {
        case no
        case first
        case at(Run)
        /// What came last was new, but it was a duplicate: more may be known.
        case again
    }

    private var entries: [Entry] = []
    private var comparing = Comparing.no
    /// See `takeRepeated`.
    private var repeated: [Entry] = []

    var count: Int { entries.count }
    /// Whether messages are being compared; false for nearly all of the time.
    var isComparing: Bool { if case .no = comparing { false } else { true } }

    /// The session was resumed: what comes first may be known.
    mutating func beginComparing() {
        comparing = entries.isEmpty ? .no : .first
        repeated.removeAll()
    }

    /// The broker knows no session: nothing of before comes again, and packet ids begin anew.
    mutating func removeAll() {
        entries.removeAll()
        repeated.removeAll()
        comparing = .no
    }

    /// Whether this message is one that was kept before. Once it says no to what is no duplicate it says no until the next
    /// connection.
    ///
    /// - Parameter isDuplicate: DUP; nil where it is not known: then the first no is the last.
    mutating func knows(_ entry: Entry, isDuplicate: Bool? = nil) -> Bool {
        let run: Run?
        switch comparing {
        case .no: return false
        case .at(let going):
            guard going.next < entries.count else {
                // Behind the last entry is what was never kept, whatever older ones of the same bytes would say.
                comparing = .no
                return false
            }
            run = next(going, entry, isDuplicate) ?? (isDuplicate == true ? beginning(entry, isDuplicate) : nil)
        case .first, .again: run = beginning(entry, isDuplicate)
        }
        if let run {
            if case .at(let before) = comparing, before.start != run.start { noteRepeated(before) }
            comparing = .at(run)
            return true
        }
        if case .at(let before) = comparing { noteRepeated(before) }
        comparing = isDuplicate == true ? .again : .no
        return false
    }

    /// What comes again reaches to the last entry, unless the broker has forgotten what came behind it.
    private mutating func noteRepeated(_ run: Run) {
        if run.next < entries.count { repeated += entries[run.start..<run.next] }
    }

    private func matches(_ index: Int, _ entry: Entry, _ isDuplicate: Bool?) -> Bool {
        entries[index].isSameMessage(as: entry) && (isDuplicate ?? true || entries[index].waited)
    }

    /// The run with this message, too; nil where it does not belong to it.
    private func next(_ run: Run, _ entry: Entry, _ isDuplicate: Bool?) -> Run? {
        if run.next < entries.count, matches(run.next, entry, isDuplicate) { return Run(start: run.start, next: run.next + 1) }
        guard isDuplicate == true else { return nil }
        let end = min(entries.count, run.next + Self.gapMax)
        guard run.next < end, let found = (run.next..<end).first(where: { matches($0, entry, true) }) else { return nil }
        return Run(start: run.start, next: found + 1)
    }

    /// A run that begins with this message.
    private func beginning(_ entry: Entry, _ isDuplicate: Bool?) -> Run? {
        let latest = entries.suffix(Self.unacknowledgedMax).lastIndex { $0.packetID == entry.packetID }
        if let latest { return matches(latest, entry, isDuplicate) ? Run(start: latest, next: latest + 1) : older(entry, isDuplicate, before: latest) }
        return older(entry, isDuplicate, before: entries.count)
    }

    private func older(_ entry: Entry, _ isDuplicate: Bool?, before end: Int) -> Run? {
        guard isDuplicate == true, let found = entries[..<end].lastIndex(where: { $0.isSameMessage(as: entry) }) else { return nil }
        var times = 0
        for other in entries where other.hash == entry.hash {
            times += 1
            if times > Self.rareMax { return nil }
        }
        return Run(start: found, next: found + 1)
    }

    /// What was just acknowledged a second time and has to stand behind what the broker has forgotten, once: so that it is
    /// found in one run with what comes now, should both come again.
    mutating func takeRepeated() -> [Entry] {
        defer { repeated.removeAll() }
        return repeated
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

    /// Ten bytes an entry, little-endian: the packet id; the hash, with `waited` as its highest bit.
    static func bytes(_ entries: [Entry]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * 10)
        for entry in entries {
            withUnsafeBytes(of: entry.packetID.littleEndian) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: (entry.hash | (entry.waited ? Entry.waitedBit : 0)).littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    static func entries(_ bytes: [UInt8]) -> [Entry] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / 10).map { i in
                let hash = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: i * 10 + 2, as: UInt64.self))
                return Entry(
                    packetID: UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: i * 10, as: UInt16.self)), hash: hash,
                    waited: hash & Entry.waitedBit != 0)
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
