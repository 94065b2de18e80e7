import Care
import Logging
import Store

/// What the line to the broker means for time: backlog is not now, and what could not be heard is no silence.
struct Line {
    /// Less than this long away is the time a message takes: nothing is marked as queued for it.
    static let queuedAfter: Span = .minutes(1)
    /// A connection may be dead for this long before that is noticed: one and a half times the keepalive of 30 s.
    static let unnoticedMax: Span = .seconds(45)
    /// How long the broker keeps our session, and what waits in it.
    static let sessionKept: Span = .days(7)
    /// An absence waits at most this long for a sign of life after the line was cut.
    static let absenceWaitMax: Span = .hours(1)
    /// Times at which nothing could be heard that are remembered.
    static let outagesMax = 256
    /// The marker can be lost like any message; then silence must not stay unwatched for good.
    static let markerWaitMax: Span = .minutes(10)

    struct Outage: Hashable, Sendable {
        var from: Instant
        var until: Instant
    }

    var isConnected = false
    var connectedAt: Instant?
    /// The last contact before this connection.
    var awayFrom: Instant?
    /// Everything that waited at the broker has been taken: from now on silence means something.
    var isListening = false
    /// The last instant at which what was published reached us, as far as is known; nil: never yet.
    var contact: Instant?
    /// Since when what is taken now may have waited at the broker; nil where nothing did.
    var queuedSince: Instant?
    /// No broker answered since the last connection: it may have been killed, and then what it saved last is what it
    /// knows. It gives packet ids again that it gave since, so equal bytes with an old id may be new.
    var brokerWasDown = false
    /// The same of the present connection.
    var mayRepeatIDs = false
    /// A session was lost, and what is on disk of it is not forgotten yet.
    var mustForget = false
    /// In order, and apart from one another.
    var outages: [Outage] = []

    mutating func note(_ outage: Outage) {
        if let last = outages.last, outage.from <= last.until {
            outages[outages.count - 1] = Outage(from: min(last.from, outage.from), until: max(last.until, outage.until))
        } else {
            outages.append(outage)
        }
        // The oldest are told as one, as long as both: dropped, they would move the beginning of what is waited for.
        while outages.count > Self.outagesMax {
            let second = outages.remove(at: 1)
            outages[0].until = outages[0].until + (second.until - second.from)
        }
    }

    /// How long it could have been heard since the first outage after `since` was over; nil where there was none.
    func listened(since: Instant, now: Instant) -> Span? {
        guard let first = outages.firstIndex(where: { $0.until > since }) else { return nil }
        var listened = now - outages[first].until
        for outage in outages[(first + 1)...] { listened = listened - (outage.until - outage.from) }
        return max(.zero, listened)
    }
}

extension Engine {
    public static var markerTopic: String { "gateway/marker" }
    /// What the marker of this connection says. One that an earlier connection left behind a backlog, and that was not
    /// acknowledged then, comes first and means nothing.
    public var markerPayload: String { "caught up \(line.connectedAt?.milliseconds ?? 0)" }

    var isConnected: Bool { line.isConnected }
    /// Whether what is taken now had waited at the broker.
    public var isCatchingUp: Bool { line.isConnected && !line.isListening }
    /// Whether everything that had waited has been taken.
    public var isListening: Bool { line.isListening }

    // MARK: The connection

    /// - Parameter sessionPresent: false when the broker knows nothing of us: what lay retained there may be
    ///   gone, so it is said again, and what waited there is lost, which coordinators are told.
    public func connected(sessionPresent: Bool) throws {
        noteConnected(sessionPresent: sessionPresent)
        giveProofsAnew()
        try turn { tx in
            if line.mustForget {
                try tx.forgetAcknowledged()
                try tx.forgetEarly()
            }
            if let connectedAt = line.connectedAt, let awayFrom = line.awayFrom {
                try tx.saveBacklog(connectedAt: connectedAt, lastContactAt: awayFrom, caughtUpAt: line.isListening ? now : nil)
            }
            if let lost = sessionLostUntold { try raise(.sessionLost, from: lost.from, until: lost.until, tx) }
            // A broker that was killed has lost what it had not saved: what should lie there is said again.
            for alert in world.alerts {
                for offer in alert.offers where alert.stage(of: offer.person) != nil {
                    let waiting = world.notices.contains { $0.alert == alert.id && $0.person == offer.person && $0.channel == .mqtt }
                    if !waiting { try queuePart(alert, offer.person, .part, phone: false, tx) }
                }
            }
        }
        sessionLostUntold = nil
        line.mustForget = false
    }

    /// No broker answered.
    public func noteBrokerDown() { line.brokerWasDown = true }

    /// What a new connection means for memory, before its first message is taken.
    public func noteConnected(sessionPresent: Bool) {
        guard !line.isConnected else { return }
        line.isConnected = true
        line.connectedAt = now
        measures.noteConnected()
        let from = min(line.contact ?? now, now)
        line.awayFrom = from
        line.mayRepeatIDs = line.brokerWasDown
        line.brokerWasDown = false
        line.note(.init(from: from, until: now))
        line.queuedSince = sessionPresent && now - from >= Line.queuedAfter ? from : nil
        if sessionPresent {
            ledger.beginComparing(brokerWasDown: line.mayRepeatIDs)
            return
        }
        // A session that was there before and is not any more has taken with it whatever waited in it.
        if line.contact != nil {
            sessionLost = (from: from, until: now)
            sessionLostUntold = sessionLost
            measures.sessionsLost += 1
            log.error("The broker has lost the gateway's session: what devices said in between may be lost.", metadata: ["since": "\(from.iso)"])
        }
        ledger.removeAll()
        early.removeAll()
        line.mustForget = true
    }

    /// The gateway's own marker has come back: everything that waited at the broker has been taken before it.
    func caughtUp(_ tx: StoreTurn) throws {
        guard line.isConnected, !line.isListening else { return }
        line.isListening = true
        line.queuedSince = nil
        measures.takenAtMarker = counts.taken
        // All that was not acknowledged came before the marker; what was taken early and did not come again never will.
        if !early.isEmpty {
            early.removeAll()
            try tx.forgetEarly()
        }
        guard let connectedAt = line.connectedAt, let awayFrom = line.awayFrom else { return }
        line.note(.init(from: awayFrom, until: now))
        // A long backlog of one series takes numbers ahead of its millisecond: they are part of it.
        try tx.saveBacklog(connectedAt: connectedAt, lastContactAt: awayFrom, caughtUpAt: max(now, store.newestKnown ?? now))
    }

    /// The same where no message says it: the marker did not come, or there is no broker in a test.
    public func caughtUp() throws { try turn { tx in try caughtUp(tx) } }

    /// What the broker had not acknowledged is sent again (see `isWaiting`); for a retained message twice is as
    /// good as once.
    public func disconnected() {
        if line.isConnected {
            // What was read last came over a line that worked; for the rest it may have been dead for a while.
            let known = max(lastTaken ?? .distantPast, line.isListening ? now - Line.unnoticedMax : .distantPast)
            let before = line.isListening ? line.connectedAt : line.awayFrom
            line.contact = max(known, before ?? line.contact ?? now)
        }
        line.isConnected = false
        line.isListening = false
        line.queuedSince = nil
        inFlight.removeAll()
        feedSending.disconnected()
        takeBackPrepared()
    }

    /// The last contact as it is written down each minute, for the next start.
    var contactNow: Instant? { line.isListening ? now : line.isConnected ? line.awayFrom : line.contact }

    // MARK: Silence

    /// Until when a detector that watches for nothing being heard has to wait, because nothing could be; nil: it may
    /// look.
    ///
    /// Whatever watches a device waits until it has been possible to hear it for one expected interval since the line was
    /// first cut; what watches a home, for the longest interval of its devices, an hour at most. Later cuts lengthen the
    /// wait only by themselves, so that a line that comes and goes does not put it off for ever. A replay has no line.
    func heldUntil(_ key: DetectorKey) -> Instant? {
        let held = [heldForLine(key), heldForPause(key)].compactMap { $0 }
        return held.max()
    }

    private func heldForLine(_ key: DetectorKey) -> Instant? {
        guard outbound != nil else { return nil }
        if case .series = key.subject { return nil }
        let wanted = listening(key)
        guard line.isListening else { return now + .minutes(1) }
        guard let listened = line.listened(since: world.detectors.lastSign(key) ?? .distantPast, now: now), listened < wanted
        else { return nil }
        return now + (wanted - listened)
    }

    /// For how long it has to be possible to hear what a detector watches before silence means something.
    func listening(_ key: DetectorKey) -> Span {
        switch key.subject {
        case .series(let id):
            let device = world.seriesInfo(id).flatMap { world.device($0.device) }
            return min(device.flatMap { expected(of: $0.device) } ?? .zero, Line.absenceWaitMax)
        case .device(let id): return world.device(id).flatMap { expected(of: $0.device) } ?? Line.absenceWaitMax
        case .home(let home):
            let intervals = world.devices(of: home).filter { !$0.device.citizens.isEmpty }.compactMap { expected(of: $0.device) }
            return min(intervals.max() ?? Line.absenceWaitMax, Line.absenceWaitMax)
        }
    }

    /// Until when a silence of this device would have to wait; nil: it need not. For tests and for asking why.
    public func heldForSilence(device address: String, home: HomeID) -> Instant? {
        guard let id = world.device(home, address)?.device.id,
            let key = world.detectors.deadlines().map(\.0).first(where: { $0.subject == .device(id) }) ?? nil
        else { return nil }
        return heldUntil(key)
    }

    // MARK: What lies retained

    /// Something lies retained on `helpers/<person>/alerts/<alert>`: taken away unless it should.
    func clearIfOutdated(_ person: PersonID, _ id: AlertID?, _ topic: String, _ tx: StoreTurn) throws {
        if let id, let alert = world.alert(id), let stage = alert.stage(of: person),
            world.view(alert, for: person, stage: stage, at: now) != nil
        {
            return
        }
        toClear.append(topic)
    }
}
