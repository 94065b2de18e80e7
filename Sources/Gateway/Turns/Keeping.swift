import Care
import Devices
import Logging
import MQTT
import Store

/// How a burst is kept: all of it, or, where one message cannot be taken, all but that one.
extension Engine {
    /// Messages that were taken before their burst could be kept; see `takeUrgent`.
    static var earlyMax: Int { 65_536 }

    /// One burst of MQTT messages. When it returns, everything it held is on disk and may be acknowledged;
    /// when it throws, nothing of it is, and nothing in memory has changed.
    ///
    /// Only the storage makes it throw. Any other failure is the message's: the burst is halved under savepoints down
    /// to the one, which is set aside with its reason.
    public func take(_ burst: borrowing Burst) throws {
        do {
            try keep(burst)
        } catch where StoreProblem(error) == nil {
            log.error("A message could not be taken; looking for it.", metadata: ["error": "\(type(of: error))", "messages": "\(burst.count)"])
            isCareful = true
            defer { isCareful = false }
            do { try keep(burst) } catch where StoreProblem(error) == nil {
                // Only the commit itself fails: no savepoint shows of which message, so each has a turn of its own.
                for i in 0..<burst.count { try keepAlone(burst, i) }
            }
        }
        lastTaken = now
    }

    private func keepAlone(_ burst: borrowing Burst, _ i: Int) throws {
        var one = Burst()
        burst.withMessage(i) { topic, payload, info in
            one.append(
                topic: topic, payload: payload, arrivedAtMilliseconds: info.arrivedAtMilliseconds, packetID: info.packetID, qos: info.qos,
                isRetained: info.isRetained, isDuplicate: info.isDuplicate)
        }
        do { try keep(one) } catch where StoreProblem(error) == nil {
            var entry = Ledger.Entry(packetID: 0, hash: 0)
            try turn { tx in
                try one.withMessage(0) { topic, payload, info in
                    entry = Ledger.Entry(packetID: info.packetID, hash: stableHash(payload, from: stableHash(topic)))
                    try setAside(topic, payload, entry.hash, "keeping it failed: \(Self.reason(error))", tx)
                    try saveAcknowledged(entry.packetID == 0 ? [] : [entry], tx)
                }
            }
            noteAcknowledged(entry.packetID == 0 ? [] : [entry])
        }
    }

    private func keep(_ burst: borrowing Burst) throws {
        // Only while it compares is the ledger changed before the commit.
        let ledgerBefore = ledger.isComparing ? ledger : nil
        let earlyBefore = early
        var acknowledged: [Ledger.Entry] = []
        let known = recognize(burst)
        defer { underway?.clear() }
        do {
            try turn { tx in
                if isCareful {
                    try halve(burst, 0..<burst.count, known, &acknowledged, tx)
                } else {
                    for i in 0..<burst.count { try takeOne(burst, i, known, &acknowledged, tx) }
                }
                underway?.clear()
                try flushThinned(tx)
                try saveStrangers(tx)
                try saveAcknowledged(acknowledged, tx)
            }
        } catch {
            if let ledgerBefore { ledger = ledgerBefore }
            early = earlyBefore
            throw error
        }
        noteAcknowledged(acknowledged)
    }

    private func saveAcknowledged(_ entries: [Ledger.Entry], _ tx: StoreTurn) throws {
        // The first message that is new shows what the broker has forgotten, and is itself appended.
        guard !entries.isEmpty else { return }
        let kept = acknowledgedEver - Int64(ledger.forgotten)
        if ledger.forgotten > 0 { try tx.cutAcknowledged(to: kept, entryBytes: Ledger.entryBytes) }
        let entries = ledger.moved + entries
        try tx.appendAcknowledged(upTo: kept + Int64(entries.count), entries: Ledger.bytes(entries), keep: Int64(Ledger.entriesMax))
    }

    private func noteAcknowledged(_ entries: [Ledger.Entry]) {
        guard !entries.isEmpty else { return }
        acknowledgedEver += Int64(ledger.moved.count + entries.count - ledger.forgotten)
        ledger.append(entries)
    }

    /// Delivered again, it counts once: which messages of a burst were kept before. Nil for nearly all of the time: none.
    private func recognize(_ burst: borrowing Burst) -> [Bool]? {
        guard ledger.isComparing else { return nil }
        var messages: [(entry: Ledger.Entry, isDuplicate: Bool?)] = []
        var places: [Int] = []
        for i in 0..<burst.count {
            burst.withMessage(i) { topic, payload, info in
                // What has no packet id (QoS 0, a replay) is never delivered again.
                guard info.packetID != 0 else { return }
                messages.append((Ledger.Entry(packetID: info.packetID, hash: stableHash(payload, from: stableHash(topic))), info.isDuplicate))
                places.append(i)
            }
        }
        var known = Array(repeating: false, count: burst.count)
        for (place, isKnown) in zip(places, ledger.recognize(messages)) { known[place] = isKnown }
        return known
    }

    private func takeOne(_ burst: borrowing Burst, _ i: Int, _ known: [Bool]?, _ acknowledged: inout [Ledger.Entry], _ tx: StoreTurn) throws {
        try burst.withMessage(i) { topic, payload, info in
            // A replay has no packet ids, and nothing comes again.
            let hash = info.packetID != 0 || !fatal.isEmpty ? stableHash(payload, from: stableHash(topic)) : 0
            let entry = Ledger.Entry(packetID: info.packetID, hash: hash)
            if try isKnown(entry, info, known?[i] ?? false, &acknowledged, tx) {
                guard mayBeNew(info), isUrgent(topic, payload, info) else {
                    counts.redelivered += 1
                    return
                }
            }
            let arrivedAt = Instant(milliseconds: info.arrivedAtMilliseconds)
            // What is done from here to the message itself is not the fault of the one before it.
            underway?.clear()
            // Deadlines that fall between two messages run between them: the size of a burst changes nothing.
            try runDeadlines(upTo: arrivedAt, tx)
            advance(to: arrivedAt)
            if !fatal.isEmpty, fatal[entry.hash] != nil {
                try setAside(topic, payload, entry.hash, "the gateway ended twice while taking it", tx)
                return
            }
            // Should the process die of this message, the next start finds which one it was.
            underway?.note(packetID: entry.packetID, hash: entry.hash)
            try receive(topic, payload, isRetained: info.isRetained, tx)
        }
    }

    private func isKnown(_ entry: Ledger.Entry, _ info: MessageInfo, _ isRecognized: Bool, _ acknowledged: inout [Ledger.Entry], _ tx: StoreTurn) throws -> Bool {
        guard entry.packetID != 0 else { return false }
        if isRecognized { return true }
        acknowledged.append(Ledger.Entry(packetID: entry.packetID, hash: entry.hash, waited: isCatchingUp))
        // What was taken early had been on its way to us.
        if !early.isEmpty, info.isDuplicate ?? true, early.remove(entry) != nil {
            try tx.forgetEarly(packetID: entry.packetID, hash: entry.hash)
            return true
        }
        return false
    }

    /// Where DUP is not known, a new alarm may look like one that was kept after a broker was killed; see `Ledger`. One alarm
    /// told twice is better than one not told.
    private func mayBeNew(_ info: MessageInfo) -> Bool { info.isDuplicate == nil && line.mayRepeatIDs }

    /// Whether it is of use to know of a message whether it is a duplicate.
    public var asksForDuplicates: Bool { ledger.isComparing || !early.isEmpty }

    // MARK: One bad message

    /// Takes a part of a burst; where it fails, its halves.
    private func halve(_ burst: borrowing Burst, _ range: Range<Int>, _ known: [Bool]?, _ acknowledged: inout [Ledger.Entry], _ tx: StoreTurn) throws {
        let memory = Memory(self)
        let acknowledgedBefore = acknowledged.count
        do {
            try tx.savepoint { for i in range { try takeOne(burst, i, known, &acknowledged, tx) } }
            return
        } catch where StoreProblem(error) == nil {
            memory.putBack(self)
            acknowledged.removeSubrange(acknowledgedBefore...)
            if range.count == 1 {
                try burst.withMessage(range.lowerBound) { topic, payload, info in
                    let entry = Ledger.Entry(packetID: info.packetID, hash: stableHash(payload, from: stableHash(topic)))
                    if entry.packetID != 0 {
                        acknowledged.append(Ledger.Entry(packetID: entry.packetID, hash: entry.hash, waited: isCatchingUp))
                    }
                    try setAside(topic, payload, entry.hash, "taking it failed: \(Self.reason(error))", tx)
                }
                return
            }
        }
        let middle = range.lowerBound + range.count / 2
        try halve(burst, range.lowerBound..<middle, known, &acknowledged, tx)
        try halve(burst, middle..<range.upperBound, known, &acknowledged, tx)
    }

    /// What a failure is called, without anything that it says of the message.
    private static func reason(_ error: any Error) -> String { "\(type(of: error)) \((error as? StoreError)?.description ?? "")" }

    private func setAside(
        _ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ hash: UInt64, _ reason: String, _ tx: StoreTurn
    ) throws {
        let text = String(decoding: topic, as: UTF8.self)
        let levels = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        let home = levels.count == 3 && levels[0] == "homes" ? HomeID(String(levels[1])) : nil
        try tx.quarantine(
            // What cannot be read may be what is paused: of it only where, when and why are kept, and the hash by which it is known.
            Quarantined(at: now, home: home, topic: text, payload: home.map(isAnythingPaused) ?? false ? [] : Array(payload), hash: hash, reason: reason),
            keptMax: configuration.limits.quarantineKeptMax)
        counts.quarantined += 1
        // A device that goes on sending such messages is told of once a minute.
        if quarantineTold.map({ now - $0 >= .minutes(1) }) ?? true {
            quarantineTold = now
            try raise(.quarantine, from: nil, until: now, tx)
        }
        log.error("A message could not be taken and is in quarantine; caring device problems shows it.", metadata: ["reason": "\(reason)"])
    }

    /// What has to be as it was when a savepoint is rolled back.
    struct Memory {
        let world: World
        let deadlineChanges: Int
        let counts: Counts
        let now: Instant
        let toClear: [String]
        let ledger: Ledger?
        let early: Set<Ledger.Entry>
        let strangers: [StrangerKey: Stranger]
        let strangerOrder: [StrangerKey]
        let thinning: Thinning
        let quarantineTold: Instant?
        let line: Line
        let deeds: Deeds
        let signing: (DayRoot?, ProofGiving?)

        init(_ engine: Engine) {
            world = engine.world
            deadlineChanges = engine.deadlines.changeCount
            counts = engine.counts
            now = engine.now
            toClear = engine.toClear
            ledger = engine.ledger.isComparing ? engine.ledger : nil
            early = engine.early
            strangers = engine.strangersOfTurn
            strangerOrder = engine.strangerOrder
            thinning = engine.thinning
            quarantineTold = engine.quarantineTold
            line = engine.line
            deeds = engine.deeds
            signing = (engine.dayRoot, engine.proofGiving)
        }

        func putBack(_ engine: Engine) {
            engine.world = world
            engine.deadlines.undo(to: deadlineChanges)
            engine.counts = counts
            engine.putBack(now: now)
            engine.toClear = toClear
            if let ledger { engine.ledger = ledger }
            engine.early = early
            engine.strangersOfTurn = strangers
            engine.strangerOrder = strangerOrder
            engine.thinning = thinning
            engine.quarantineTold = quarantineTold
            engine.line = line
            engine.deeds = deeds
            (engine.dayRoot, engine.proofGiving) = signing
            // What a topic remembers of its series may have been made in what is rolled back.
            engine.topics.removeAll()
            engine.shared.removeAll()
            engine.output.removeAll(keepingCapacity: false)
        }
    }

    // MARK: What cannot wait for the disk

    /// Takes what cannot wait out of a burst that cannot be kept as a whole: alarms, and what people answer. Nothing of
    /// the burst may be acknowledged; what was taken is remembered, so that it counts once when the burst comes again.
    public func takeUrgent(_ burst: borrowing Burst) throws {
        let (ledgerBefore, earlyBefore) = (ledger, early)
        let known = recognize(burst)
        defer { underway?.clear() }
        do {
            try turn { tx in
                for i in 0..<burst.count where early.count < Self.earlyMax {
                    try burst.withMessage(i) { topic, payload, info in
                        let entry = Ledger.Entry(packetID: info.packetID, hash: stableHash(payload, from: stableHash(topic)))
                        if known?[i] ?? false, !mayBeNew(info) { return }
                        guard entry.packetID != 0, !early.contains(entry), fatal[entry.hash] == nil else { return }
                        let arrivedAt = Instant(milliseconds: info.arrivedAtMilliseconds)
                        try runDeadlines(upTo: arrivedAt, tx)
                        advance(to: arrivedAt)
                        underway?.note(packetID: entry.packetID, hash: entry.hash)
                        defer { underway?.clear() }
                        guard isUrgent(topic, payload, info) else { return }
                        let memory = Memory(self)
                        do {
                            try tx.savepoint {
                                try receive(topic, payload, isRetained: info.isRetained, tx)
                                early.insert(entry)
                                try tx.noteEarly(packetID: entry.packetID, hash: entry.hash)
                            }
                        } catch where StoreProblem(error) == nil {
                            // One that cannot be taken stops no other; it is set aside when its burst can be kept.
                            memory.putBack(self)
                        }
                    }
                }
            }
        } catch {
            (ledger, early) = (ledgerBefore, earlyBefore)
            throw error
        }
        lastTaken = now
    }

    /// An alarm that is set, an event, or what a person answers.
    private func isUrgent(_ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ info: MessageInfo) -> Bool {
        if info.isRetained { return false }
        let meaning = topics.find(topic).map { topics[$0] }.flatMap { known in
            known.homeNumber < 0 || homeEpochs[Int(known.homeNumber)] == known.epoch ? known.meaning : nil
        } ?? lookUp(String(decoding: topic, as: UTF8.self)).meaning
        return isUrgent(meaning, payload)
    }

    private func isUrgent(_ meaning: TopicMeaning, _ payload: UnsafeRawBufferPointer) -> Bool {
        switch meaning {
        case .answers, .citizenAnswers: return true
        case .device(let topic):
            decoded.removeAll(keepingCapacity: true)
            _ = catalogue.decode(topic.route, payload: payload, arrivedAt: now, into: &decoded)
            return decoded.contains { isAlarm($0.quantity) && ($0.quantity.kind == .event || $0.value.asNumber != 0) }
        case .several(let meanings): return meanings.contains { isUrgent($0, payload) }
        case .shared(let home, let route): return isUrgent(shared(home, route, payload), payload)
        case .stranger, .shown, .marker, .ignored, .announcement, .bridge: return false
        }
    }

    /// Whether readings of this quantity are never thinned and never wait: events, and what an event rule watches.
    func isAlarm(_ quantity: Quantity) -> Bool { quantity.kind == .event || world.detectors.watchesEvents(of: quantity) }
}
