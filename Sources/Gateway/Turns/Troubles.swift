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
        try turn { tx in try raise(.restored, from: recovered.backupAt, until: now, tx) }
    }

    // MARK: A message that ends the process

    /// From now on it is noted which message is being taken; one that two runs in a row ended with is set aside.
    public func watchForFatal(_ underway: Underway) throws {
        let known = try store.read { (try $0.meta("suspect"), try $0.meta("fatal")) }
        fatal = Set((known.1 ?? "").split(separator: " ").compactMap { UInt64($0, radix: 16) })
        self.underway = underway
        guard let found = underway.found else {
            if known.0 != nil { try turn { tx in try tx.setMeta("suspect", "") } }
            return
        }
        let suspect = "\(found.packetID) \(String(found.hash, radix: 16))"
        let isFatal = suspect == known.0
        log.error(isFatal ? "The gateway has ended twice while it took the same message, which is now set aside." : "The last run ended while it was taking a message.")
        if isFatal { fatal.insert(found.hash) }
        try turn { tx in
            try tx.setMeta("suspect", isFatal ? "" : suspect)
            // The newest are kept: a device that sends it again sends the same.
            let kept = fatal.sorted().filter { $0 != found.hash }.suffix(Self.fatalMax - 1) + (isFatal ? [found.hash] : [])
            try tx.setMeta("fatal", kept.map { String($0, radix: 16) }.joined(separator: " "))
        }
    }

    /// Messages that have ended the process and are known by their hash.
    static var fatalMax: Int { 64 }

    // MARK: A disk that says no

    /// Nothing can be written down as usual: nothing is acknowledged until that has changed.
    public func degrade(_ problem: StoreProblem) {
        guard degraded?.problem != problem else { return }
        degraded = (problem, degraded?.since ?? now)
        log.critical("\(problem.sentence) Nothing is acknowledged until then.", metadata: ["problem": "\(problem.rawValue)"])
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
