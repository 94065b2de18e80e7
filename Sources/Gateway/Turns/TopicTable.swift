/// What each topic means, found once and then looked up by its bytes: no text is made for a message.
///
/// Open addressing; at most `topicsMax` topics, then it begins anew (a home that invents topics must not
/// fill the memory).
struct TopicTable<Meaning> {
    static var topicsMax: Int { 262_144 }

    private var slots: [Int32]
    private var hashes: [UInt64] = []
    private var starts: [Int] = [0]
    private var bytes: [UInt8] = []
    private var meanings: [Meaning] = []

    init() { slots = Array(repeating: -1, count: 1_024) }

    var count: Int { meanings.count }

    func find(_ topic: UnsafeRawBufferPointer) -> Int? {
        let hash = stableHash(topic)
        let mask = slots.count - 1
        var i = Int(truncatingIfNeeded: hash) & mask
        while slots[i] >= 0 {
            let n = Int(slots[i])
            if hashes[n] == hash && isSame(n, topic) { return n }
            i = (i + 1) & mask
        }
        return nil
    }

    subscript(index: Int) -> Meaning {
        get { meanings[index] }
        _modify { yield &meanings[index] }
    }

    mutating func add(_ topic: UnsafeRawBufferPointer, _ meaning: Meaning) -> Int {
        if meanings.count >= Self.topicsMax { removeAll() }
        let n = meanings.count
        hashes.append(stableHash(topic))
        bytes.append(contentsOf: topic)
        starts.append(bytes.count)
        meanings.append(meaning)
        if 2 * meanings.count > slots.count { grow() } else { place(n) }
        return n
    }

    mutating func removeAll() { self = TopicTable() }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 2)
        for n in meanings.indices { place(n) }
    }

    private mutating func place(_ n: Int) {
        let mask = slots.count - 1
        var i = Int(truncatingIfNeeded: hashes[n]) & mask
        while slots[i] >= 0 { i = (i + 1) & mask }
        slots[i] = Int32(n)
    }

    private func isSame(_ n: Int, _ topic: UnsafeRawBufferPointer) -> Bool {
        let start = starts[n]
        guard starts[n + 1] - start == topic.count else { return false }
        return bytes.withUnsafeBytes { all in
            for i in 0..<topic.count where all[start + i] != topic[i] { return false }
            return true
        }
    }
}
