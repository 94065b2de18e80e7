import Care
import Logging
import Store

/// Trouble with the gateway itself: what coordinators are told of it, and what it means while it lasts.
extension Engine {
    /// Tells the coordinators, as an alert of its own. While one of the same kind is open, it is added to that one.
    func raise(_ trouble: Trouble, from: Instant?, until: Instant, _ tx: StoreTurn) throws {
        if let open = world.alerts.firstIndex(where: { $0.isInfrastructure && $0.matter.rule == trouble.rule }) {
            if let from { world.alerts[open].earliest = min(world.alerts[open].earliest ?? from, from) }
            world.alerts[open].since = max(world.alerts[open].since, until)
            try handle(.seenAgain(isEvent: true), world.alerts[open].id, tx)
            return
        }
        var alert = Alert(
            id: AlertID(try tx.next("alert")), matter: trouble.matter, home: .gateway, citizens: [], device: nil, quantity: nil,
            value: nil, raisedAt: now, since: min(until, now), lastSeen: nil, isTest: false)
        alert.earliest = from
        alert.hasAskedHelpers = true  // Helpers are never asked: it is not uncovered.
        world.alerts.append(alert)
        try tx.save(alert)
        try handle(.raised, alert.id, tx)
    }

    /// The database was damaged and a backup has taken its place.
    public func noteRestored(_ recovered: Recovered) throws {
        log.critical(
            "The database was damaged; the gateway goes on from a backup.",
            metadata: ["backup": "\(recovered.backupAt.iso)", "kept": "\(recovered.brokenFile)", "detail": "\(recovered.detail)"])
        try turn { tx in
            try tx.enterRestored(backup: recovered.backupAt, at: now)
            // Services know rows by numbers that the backup has never given.
            try tx.setCounter("feed", try tx.reader.counter("feed") + Self.feedNumbersPassedOver)
            // Nor is a figure made twice: which ones there were since the backup, nobody knows.
            try countedUntilNow(tx)
            try raise(.restored, from: recovered.backupAt, until: now, tx)
        }
    }

    // MARK: A message that ends the process

    /// From now on it is noted which message is being taken; one that two runs in a row ended with is set aside.
    public func watchForFatal(_ underway: Underway) throws {
        let known = try store.read { (try $0.meta("suspect"), try $0.meta("fatal")) }
        for entry in (known.1 ?? "").split(separator: " ") {
            let parts = entry.split(separator: "@")
            guard parts.count == 2, let hash = UInt64(parts[0], radix: 16), let at = Int64(parts[1]) else { continue }
            // A later version may understand it, and a button whose press ended the process once is pressed again.
            if now - Instant(milliseconds: at) < Self.fatalFor { fatal[hash] = Instant(milliseconds: at) }
        }
        self.underway = underway
        guard let found = underway.found else {
            if known.0 != nil { try turn { tx in try tx.setMeta("suspect", "") } }
            return
        }
        let suspect = "\(found.packetID) \(String(found.hash, radix: 16))"
        let isFatal = suspect == known.0
        log.error(isFatal ? "The gateway has ended twice while it took the same message, which is now set aside." : "The last run ended while it was taking a message.")
        if isFatal { fatal[found.hash] = now }
        // The newest are kept.
        fatal = Dictionary(uniqueKeysWithValues: fatal.sorted { ($1.value, $1.key) < ($0.value, $0.key) }.prefix(Self.fatalMax).map { ($0.key, $0.value) })
        let text = fatal.sorted { $0.key < $1.key }.map { "\(String($0.key, radix: 16))@\($0.value.milliseconds)" }.joined(separator: " ")
        try turn { tx in
            try tx.setMeta("suspect", isFatal ? "" : suspect)
            try tx.setMeta("fatal", text)
        }
    }

    /// How long the same bytes are set aside again.
    static var fatalFor: Span { .days(7) }
    /// Messages that have ended the process and are known by their hash.
    static var fatalMax: Int { 64 }

    // MARK: A disk that says no

    /// Nothing can be written down as usual: nothing is acknowledged until that has changed.
    public func degrade(_ problem: StoreProblem) {
        guard degraded?.problem != problem else { return }
        degraded = (problem, degraded?.since ?? now)
        log.critical("\(problem.sentence) Nothing is acknowledged until that is done.", metadata: ["problem": "\(problem.rawValue)"])
    }

    /// Whether a turn can be written down again; ends the state of `degrade` when it can.
    public func tryToRecover() -> Bool {
        guard let since = degraded?.since else { return true }
        do {
            try turn { tx in try tx.setMeta("heartbeat", String(now.milliseconds)) }
        } catch {
            if let problem = StoreProblem(error) { degrade(problem) }
            return false
        }
        degraded = nil
        measures.withheldMessages = 0
        measures.oldestUnacknowledged = nil
        log.notice("The gateway writes down and acknowledges again.", metadata: ["after": "\((now - since).inWords)"])
        return true
    }
}
