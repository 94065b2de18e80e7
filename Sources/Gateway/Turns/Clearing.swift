import Care
import Logging
import Notify
import Store

/// What the gateway left at the broker about somebody, and has to take away there: a row until the broker has done it.
extension Engine {
    static var clearingsMax: Int { 10_000 }
    /// On their way to the broker at once.
    static var clearingsUnderWayMax: Int { 128 }

    func oweClearing(_ topic: String, _ tx: StoreTurn) throws {
        guard outbound != nil else { return }  // A replay leaves nothing anywhere.
        guard world.clearings.count < Self.clearingsMax else {
            log.error("More has to be taken away at the broker than there is room for; what it was is forgotten at a restart.")
            return toClear.append(topic)
        }
        let clearing = OwedClearing(id: NoticeID(try tx.next("notice")), topic: topic)
        if try tx.save(clearing) { world.clearings.append(clearing) }
    }

    func sendClearings(_ outbound: any Outbound) throws {
        try removeCleared()
        guard isConnected, degraded == nil, !world.clearings.isEmpty, now >= wordsWaitUntil else { return }
        let underWay = Set(inFlight.values)
        let waiting = world.clearings.filter { !underWay.contains($0.id) }
        for clearing in waiting.prefix(Self.clearingsUnderWayMax - (world.clearings.count - waiting.count)) {
            do { inFlight[try outbound.publish(.cleared(topic: clearing.topic))] = clearing.id } catch {
                wordsWaitUntil = now + Self.retryFirst
                return
            }
        }
    }

    private func removeCleared() throws {
        if clearingsDone.isEmpty { return }
        try turn { tx in
            // What is deleted may name somebody who is gone.
            try tx.overwriteDeleted()
            for id in clearingsDone.sorted() { try tx.removeClearing(id) }
            world.clearings.removeAll { clearingsDone.contains($0.id) }
        }
        clearingsDone.removeAll()
    }

    /// - Returns: whether the number was a clearing's.
    func cleared(_ id: NoticeID) -> Bool {
        guard world.clearings.contains(where: { $0.id == id }) else { return false }
        clearingsDone.insert(id)
        return true
    }

    /// - Returns: whether the number was a clearing's; it is tried again.
    func notCleared(_ id: NoticeID) -> Bool {
        guard world.clearings.contains(where: { $0.id == id }) else { return false }
        wordsWaitUntil = now + Self.retryFirst
        return true
    }

    /// When one could go, for the next look.
    var nextClearing: Instant? {
        guard isConnected, degraded == nil, !world.clearings.isEmpty else { return nil }
        if !clearingsDone.isEmpty { return now }
        let underWay = Set(inFlight.values)
        let going = world.clearings.count { underWay.contains($0.id) }
        return going < min(world.clearings.count, Self.clearingsUnderWayMax) ? max(wordsWaitUntil, now) : nil
    }
}
