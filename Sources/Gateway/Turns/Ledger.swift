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
/// be that. And even of those equal bytes show nothing: a home that says the same again and again says it after the broker's
/// return with the ids of before. So a message without DUP is known only once a later one of the same burst shows that the run
/// goes on: by bytes that are rare, or by several different ones. Where nothing shows it the message counts, twice perhaps:
/// better than not at all.
///
/// What the broker has forgotten leaves the ledger with the first message that is new: it cannot come again, and its ids can.
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
        /// Behind the last message of which it is certain.
        var sure: Int
    }

    private enum Verdict { case known, perhaps, new }

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
    /// Bytes that stand in the ledger more often than `rareMax`; made when they are asked for.
    private var common: Set<UInt64>?
    /// What has come without DUP since it was last certain, and the id of the first of them.
    private var doubtful: Set<UInt64> = []
    private var doubtfulSince: UInt16?
    /// Entries that have left the end since the last commit, because the broker has forgotten them.
    private(set) var forgotten = 0
    /// What has to be written again behind those: it was appended while messages were being compared.
    private(set) var moved: [Entry] = []
    /// Entries at the end that have been appended since the comparison began.
    private var appended = 0
    /// Where the entries of before the comparison end.
    private var end: Int { entries.count - appended }

    var count: Int { entries.count }
    /// Whether messages are being compared; false for nearly all of the time.
    var isComparing: Bool { if case .no = comparing { false } else { true } }

    /// The session was resumed: what comes first may be known.
    mutating func beginComparing(brokerWasDown: Bool = false) {
        comparing = entries.isEmpty ? .no : .first
        isOlderPossible = brokerWasDown
        appended = 0
        common = nil
        becomeCertain()
    }

    /// The broker knows no session: nothing of before comes again, and packet ids begin anew.
    mutating func removeAll() {
        entries.removeAll()
        (forgotten, moved, appended) = (0, [], 0)
        comparing = .no
    }

    /// Which of these messages were kept before; they are one burst, in order. Behind the first that is new all are.
    ///
    /// - Parameter messages: with DUP; nil where it is not known, which counts as set.
    mutating func recognize(_ messages: [(entry: Entry, isDuplicate: Bool?)]) -> [Bool] {
        var known = Array(repeating: false, count: messages.count)
        var doubtfulOnes: [Int] = []
        for (i, message) in messages.enumerated() {
            guard isComparing else { break }
            switch compare(message.entry, message.isDuplicate) {
            case .known:
                known[i] = true
                for one in doubtfulOnes { known[one] = true }
                doubtfulOnes.removeAll()
            case .perhaps: doubtfulOnes.append(i)
            case .new: break
            }
        }
        return known
    }

    private mutating func compare(_ entry: Entry, _ isDuplicate: Bool?) -> Verdict {
        let runs: [Run]
        switch comparing {
        case .no: return .new
        case .first: runs = beginnings(entry, isDuplicate)
        case .at(let found): runs = found
        }
        var going = runs.compactMap { run in place(of: entry, in: run, isDuplicate).map { Run(start: run.start, next: $0 + 1, sure: run.sure) } }
        // Behind the last entry is what was never kept, whatever an older run of the same bytes would say.
        if going.isEmpty || (runs.first?.next ?? 0) >= end {
            forgetWhatTheBrokerForgot(runs.first, isFollowedBy: doubtfulSince ?? entry.packetID)
            becomeCertain()
            common = nil
            comparing = .no
            return .new
        }
        let isCertain = isDuplicate ?? true || isRare(entry.hash) || doubtful.union([entry.hash]).count >= Self.differentMin
        if isCertain {
            for i in going.indices { going[i].sure = going[i].next }
            becomeCertain()
        } else {
            doubtful.insert(entry.hash)
            doubtfulSince = doubtfulSince ?? entry.packetID
        }
        comparing = .at(going)
        return isCertain ? .known : .perhaps
    }

    /// So many different messages, each in its place, are no chance.
    static let differentMin = 4

    private mutating func becomeCertain() {
        doubtful.removeAll()
        doubtfulSince = nil
    }

    private mutating func isRare(_ hash: UInt64) -> Bool {
        if let common { return !common.contains(hash) }
        var times: [UInt64: Int] = [:]
        for entry in entries { times[entry.hash, default: 0] += 1 }
        let found = Set(times.lazy.filter { $0.value > Self.rareMax }.map(\.key))
        common = found
        return !found.contains(hash)
    }

    /// So many entries of a run may be missing from what comes again: offers and answers that have expired at the broker.
    static let gapMax = 64

    /// Where in a run this message stands; nil: it does not.
    private func place(of entry: Entry, in run: Run, _ isDuplicate: Bool?) -> Int? {
        func matches(_ index: Int) -> Bool { entries[index].isSameMessage(as: entry) && (isDuplicate ?? true || entries[index].waited) }
        guard run.next < end else { return nil }
        if matches(run.next) { return run.next }
        // A run that has not begun has no gaps.
        guard isDuplicate != nil, run.start < run.next else { return nil }
        return (run.next..<min(end, run.next + Self.gapMax)).first(where: matches)
    }

    /// How far one packet id is ahead of another as ids go round, 1 … 65 535: 0 … 65 534.
    private static func distance(from: UInt16, to: UInt16) -> Int { (Int(to) - Int(from) + 65_535) % 65_535 }

    /// The broker has sent all that it knows of and gives this id anew. So it has forgotten what stands behind the run;
    /// and, where nothing came again, whatever has this id or one after it.
    private mutating func forgetWhatTheBrokerForgot(_ run: Run?, isFollowedBy id: UInt16) {
        var kept = end
        if let run, run.start < run.sure {
            kept = run.sure
        } else {
            // An id that is less than half a round behind is behind; of what is farther nothing can be said.
            while kept > 0, end - kept < Self.unacknowledgedMax / 2,
                Self.distance(from: id, to: entries[kept - 1].packetID) < Self.unacknowledgedMax / 2 { kept -= 1 }
        }
        guard kept < end else { return }
        moved = Array(entries[end...])
        forgotten = entries.count - kept
        entries.removeSubrange(kept..<end)
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
        func all() -> [Run] { entries.indices.reversed().filter { entries[$0].isSameMessage(as: entry) }.map { Run(start: $0, next: $0, sure: $0) } }
        let latest = entries.suffix(Self.unacknowledgedMax).lastIndex(where: { $0.packetID == entry.packetID })
        let isNext = latest == nil && entries.last.map { Self.distance(from: $0.packetID, to: entry.packetID) <= Self.gapMax } ?? true
        if isOlderPossible && !isNext { return all() }
        if let latest, entries[latest].isSameMessage(as: entry) { return [Run(start: latest, next: latest, sure: latest)] }
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
        (forgotten, moved) = (0, [])
        entries.append(contentsOf: new)
        if isComparing { appended += new.count }
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
