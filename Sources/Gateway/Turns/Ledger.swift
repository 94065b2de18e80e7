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
/// **What has expired at the broker** is missing from what comes again, so a run may pass over a few entries (`gapMax`), where it is
/// known whether DUP (MQTT 5, 3.3.1.1) is set: a packet id stands in those few once.
///
/// **A broker that was killed** comes back with what it saved last, up to its `autosave_interval` ago. Then the run is
/// followed by entries that the broker has forgotten, and it gives their packet ids again: new messages of equal bytes
/// would go on matching. DUP tells them apart. A message that was on its way to us before the broker saved
/// is sent again with it; so what comes without is new, unless it had waited for us when the broker saved and was first
/// sent after that, on a connection that the broker does not remember. Only entries that had waited (`Entry.waited`) can
/// be that. What is left in doubt is plain: after the broker saved without us, equal bytes of one home that came until we
/// had caught up, and equal bytes that came between the broker's return and ours. What the broker has forgotten leaves the
/// ledger with the first message that is new: it cannot come again, and its ids can.
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

    private struct Run: Sendable {
        var start: Int
        /// Where the next message has to match.
        var next: Int
    }

    private enum Comparing: Sendable {
        case no
        case first
        /// The latest run that can be meant first; not empty.
        case at([Run])
    }

    private var entries: [Entry] = []
    private var comparing = Comparing.no
    /// No broker answered before this connection: what comes again may be older than all that can be unacknowledged.
    private var isOlderPossible = false
    /// Entries that have left the end since the last commit, because the broker has forgotten them.
    private(set) var forgotten = 0

    var count: Int { entries.count }
    /// Whether messages are being compared; false for nearly all of the time.
    var isComparing: Bool { if case .no = comparing { false } else { true } }

    /// The session was resumed: what comes first may be known.
    mutating func beginComparing(brokerWasDown: Bool = false) {
        comparing = entries.isEmpty ? .no : .first
        isOlderPossible = brokerWasDown
    }

    /// The broker knows no session: nothing of before comes again, and packet ids begin anew.
    mutating func removeAll() {
        entries.removeAll()
        forgotten = 0
        comparing = .no
    }

    /// Whether this message is one that was kept before. Once it says no it says no until the next connection.
    ///
    /// - Parameter isDuplicate: DUP; nil where it is not known, which counts as set.
    mutating func knows(_ entry: Entry, isDuplicate: Bool? = nil) -> Bool {
        let runs: [Run]
        switch comparing {
        case .no: return false
        case .first: runs = beginnings(entry, isDuplicate)
        case .at(let found): runs = found
        }
        let going = runs.compactMap { run in place(of: entry, in: run, isDuplicate).map { Run(start: run.start, next: $0 + 1) } }
        // Behind the last entry is what was never kept, whatever an older run of the same bytes would say.
        if going.isEmpty || (runs.first?.next ?? 0) >= entries.count {
            forgetWhatTheBrokerForgot(runs.first, isFollowedBy: entry.packetID)
            comparing = .no
            return false
        }
        comparing = .at(going)
        return true
    }

    /// So many entries of a run may be missing from what comes again: offers and answers that have expired at the broker.
    static let gapMax = 64

    /// Where in a run this message stands; nil: it does not.
    private func place(of entry: Entry, in run: Run, _ isDuplicate: Bool?) -> Int? {
        func matches(_ index: Int) -> Bool { entries[index].isSameMessage(as: entry) && (isDuplicate ?? true || entries[index].waited) }
        guard run.next < entries.count else { return nil }
        if matches(run.next) { return run.next }
        // A run that has not begun has no gaps.
        guard isDuplicate != nil, run.start < run.next else { return nil }
        return (run.next..<min(entries.count, run.next + Self.gapMax)).first(where: matches)
    }

    /// How far one packet id is ahead of another as ids go round, 1 … 65 535: 0 … 65 534.
    private static func distance(from: UInt16, to: UInt16) -> Int { (Int(to) - Int(from) + 65_535) % 65_535 }

    /// The broker has sent all that it knows of and gives this id anew. So it has forgotten what stands behind the run;
    /// and, where nothing came again, whatever has this id or one after it.
    private mutating func forgetWhatTheBrokerForgot(_ run: Run?, isFollowedBy id: UInt16) {
        var end = entries.count
        if let run, run.start < run.next {
            end = run.next
        } else {
            // An id that is less than half a round behind is behind; of what is farther nothing can be said.
            while end > 0, entries.count - end < Self.unacknowledgedMax / 2,
                Self.distance(from: id, to: entries[end - 1].packetID) < Self.unacknowledgedMax / 2 { end -= 1 }
        }
        forgotten += entries.count - end
        entries.removeLast(entries.count - end)
    }

    /// Bytes that stand in the ledger more often than this show nothing of where a run began.
    static let rareMax = 2

    /// Where a run can begin with this message, the latest first.
    ///
    /// Beyond what can be unacknowledged at once only what a killed broker saved long ago can come again. Where it is not known
    /// that it was killed (we may have ended at the same time), a run begins there only with bytes that are rare: ids go round,
    /// and a message that was never kept may be the same as one of 65 535 messages ago.
    ///
    /// A message whose id is the next one, or nearly, is the next one: never kept, though 65 535 ago stands the same.
    private func beginnings(_ entry: Entry, _ isDuplicate: Bool?) -> [Run] {
        func all() -> [Run] { entries.indices.reversed().filter { entries[$0].isSameMessage(as: entry) }.map { Run(start: $0, next: $0) } }
        let latest = entries.suffix(Self.unacknowledgedMax).lastIndex(where: { $0.packetID == entry.packetID })
        let isNext = latest == nil && entries.last.map { Self.distance(from: $0.packetID, to: entry.packetID) <= Self.gapMax } ?? true
        if isOlderPossible && !isNext { return all() }
        if let latest, entries[latest].isSameMessage(as: entry) { return [Run(start: latest, next: latest)] }
        guard isDuplicate == true else { return [] }
        var times = 0
        for other in entries where other.hash == entry.hash {
            times += 1
            if times > Self.rareMax { return [] }
        }
        return all()
    }

    /// After the commit that kept them, and that forgot what the broker has forgotten.
    /// After the commit that kept them.
    mutating func append(_ new: [Entry]) {
        forgotten = 0
        entries.append(contentsOf: new)
        // Cut seldom and by much: while a run is compared, positions must not move.
        if entries.count > 2 * Self.entriesMax && !isComparing {
            entries.removeFirst(entries.count - Self.entriesMax)
        }
    }

    // MARK: As bytes

    static let entryBytes = 10

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
