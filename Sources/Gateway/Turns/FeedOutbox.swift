import Care
import Logging
import Notify
import Store

/// What flows to services and is under way at the broker. Only in memory: what the broker has not acknowledged is on disk, and is sent
/// again with the same number.
struct FeedSending {
    enum Sent: Hashable {
        case row(Int64)
        case ended(FeedStream)
        case figure(Int64)
    }

    /// By the number of the publication.
    var inFlight: [Int32: Sent] = [:]
    /// What the broker has acknowledged, and is not written down yet.
    var confirmed: [Sent] = []
    /// The last row that was handed over on this connection.
    var upTo: Int64 = 0
    /// After the broker took nothing: not before then.
    var waitUntil = Instant.distantPast
    /// What could not be done, and is tried again then.
    var putOff: [Step: Instant] = [:]

    enum Step: String { case confirming, summing, counting, sendingRows, sendingEndings, sendingFigures }

    mutating func disconnected() {
        inFlight.removeAll()
        upTo = 0
    }
    /// Those that wait for nothing but the broker's word, or for that to be written down.
    var rowsUnderWay: Int { count { if case .row = $0 { true } else { false } } }
    var endingsUnderWay: Int { count { if case .ended = $0 { true } else { false } } }
    var figuresUnderWay: Int { count { if case .figure = $0 { true } else { false } } }
    private func count(_ isMeant: (Sent) -> Bool) -> Int { inFlight.values.count(where: isMeant) + confirmed.count(where: isMeant) }
}

/// decide again ─▶ send. Notices go before: a home with a feed never keeps an SOS waiting for longer than one batch.
extension Engine {
    /// Rows handed over in one go, and under way at once.
    static var feedBatchMax: Int { 256 }
    /// What the broker holds for a service that is away is taken back by nobody, so it holds it for no longer; the rest is fetched.
    static var feedExpiresAtBroker: Span { .hours(1) }

    /// When something could go or is to be written down, for the next look.
    var nextFeed: Instant? {
        var next: Instant?
        func could(_ step: FeedSending.Step, _ at: Instant?) {
            guard let at else { return }
            next = min(next ?? .distantFuture, max(at, feedSending.putOff[step] ?? .distantPast))
        }
        if !feedSending.confirmed.isEmpty { could(.confirming, now) }
        guard outbound != nil, degraded == nil else { return next }
        could(.summing, world.feeds.nextDue)
        could(.counting, nextFigure)
        guard isConnected else { return next }
        let soonest = max(now, feedSending.waitUntil)
        if world.feeds.waiting > feedSending.rowsUnderWay, feedSending.inFlight.count < Self.feedBatchMax { could(.sendingRows, soonest) }
        if world.feeds.endings > feedSending.endingsUnderWay { could(.sendingEndings, soonest) }
        if world.feeds.figuresWaiting > feedSending.figuresUnderWay { could(.sendingFigures, soonest) }
        return next
    }

    /// Call it when no turn is open.
    func runFeeds(_ outbound: any Outbound) throws {
        try step(.confirming) { try confirmFeeds() }
        guard degraded == nil else { return }
        try step(.summing) { try sumUp() }
        try step(.counting) { try countStep() }
        guard isConnected, now >= feedSending.waitUntil else { return }
        try step(.sendingRows) { try sendFeeds(outbound) }
        try step(.sendingEndings) { try sendEndings(outbound) }
        try step(.sendingFigures) { try sendFigures(outbound) }
    }

    /// Nothing about feeds ever holds up alarms, sweeps or backups: what cannot be done is tried again in a minute. That the disk says no is everybody's matter.
    private func step(_ step: FeedSending.Step, _ body: () throws -> Void) throws {
        if let until = feedSending.putOff[step], now < until { return }
        do {
            try body()
            feedSending.putOff[step] = nil
        } catch where StoreProblem(error) == nil {
            log.error("A step for what flows to services could not be done; it is tried again in a minute.", metadata: ["step": "\(step.rawValue)", "error": "\(type(of: error))"])
            feedSending.putOff[step] = now + .minutes(1)
            // Begun anew: what it had counted may be what fails.
            if step == .counting { figureJob = nil }
        }
    }

    /// The broker has it, or would not have it. - Returns: whether the number was a feed's.
    public func feedPublished(_ number: Int32, refused: Bool = false) -> Bool {
        guard let sent = feedSending.inFlight.removeValue(forKey: number) else { return false }
        if refused {
            if case .row(let n) = sent { feedSending.upTo = min(feedSending.upTo, n - 1) }
            feedSending.waitUntil = now + .minutes(1)
        } else {
            feedSending.confirmed.append(sent)
        }
        return true
    }

    private func confirmFeeds() throws {
        if feedSending.confirmed.isEmpty { return }
        let confirmed = feedSending.confirmed
        try turn { tx in
            let rows = confirmed.compactMap { if case .row(let n) = $0 { n } else { nil } }
            let noted = try tx.noteSent(rows)
            world.feeds.waiting = max(0, world.feeds.waiting - noted.rows)
            for day in noted.first { try disclose(day, .sent, tx) }
            for case .figure(let id) in confirmed where try tx.noteFigureSent(id) { world.feeds.figuresWaiting -= 1 }
            for case .ended(let stream) in confirmed {
                // It may flow again by now.
                guard let known = world.feeds.streams[stream], known != nil else { continue }
                world.feeds.streams[stream] = nil
                world.feeds.endings -= 1
                try tx.remove(stream)
            }
        }
        // Only now: when the turn fails, it is written down with the next.
        feedSending.confirmed.removeFirst(confirmed.count)
    }

    private func sendFeeds(_ outbound: any Outbound) throws {
        let room = Self.feedBatchMax - feedSending.inFlight.count
        guard room > 0, world.feeds.waiting > feedSending.rowsUnderWay else { return }
        let underWay = Set(feedSending.inFlight.values).union(feedSending.confirmed)
        let rows = try store.read { try $0.waitingFeed(after: feedSending.upTo, limit: room) }
        if rows.isEmpty {
            // All that waits is under way, or nothing waits: so much is known now.
            world.feeds.waiting = feedSending.rowsUnderWay
            return
        }
        let upToBefore = feedSending.upTo
        var notNow: [Int64] = []
        var over: [FeedGroup] = []
        for row in rows where !underWay.contains(.row(row.n)) {
            guard let permits = world.feedPermits(row.of, at: now, .present), !world.isPaused(row.of, at: now) else {
                if world.feedPermits(row.of, at: now, .atAnyHour) == nil {
                    if !over.contains(row.of) { over.append(row.of) }
                } else {
                    notNow.append(row.n)
                }
                feedSending.upTo = row.n
                continue
            }
            do {
                feedSending.inFlight[try outbound.publish(publication(row, permits))] = .row(row.n)
                feedSending.upTo = row.n
            } catch {
                feedSending.waitUntil = now + Self.retryFirst
                break
            }
        }
        if notNow.isEmpty && over.isEmpty { return }
        do {
            try turn { tx in
                world.feeds.waiting = max(0, world.feeds.waiting - (try tx.hold(notNow)))
                for group in over { try take(try tx.drop(group), of: group.service, tx) }
            }
        } catch {
            // Those that it was about are looked at again; those that the broker was handed are known as under way.
            feedSending.upTo = upToBefore
            throw error
        }
    }

    private func publication(_ row: FeedRow, _ permits: [FeedPermit]) throws -> Publication {
        let ends = permits.flatMap(\.decision.decidedBy).compactMap { id -> Instant? in
            for citizen in row.of.others + [row.of.citizen] {
                guard case .record(let record)? = world.consents[citizen]?.first(where: { $0.id == id }) else { continue }
                return record.until
            }
            return nil
        }
        let until = min(now + Self.feedExpiresAtBroker, ends.min() ?? .distantFuture)
        let missing = world.feeds.hasGaps ? try store.read { try $0.feedGap(FeedStream(service: row.of.service, citizen: row.of.citizen), row.of.quantity) } : nil
        return Publication(
            topic: "shared/\(row.of.service)/\(row.of.citizen)/\(row.of.quantity)", payload: json(row, missing: missing.flatMap { $0.unsentUpTo == nil ? nil : $0 }).text, retain: false,
            // Rounded down: never beyond the record's end.
            expirySeconds: UInt32(clamping: max(1, (until - now).milliseconds / 1_000)))
    }

    private func sendEndings(_ outbound: any Outbound) throws {
        guard world.feeds.endings > feedSending.endingsUnderWay else { return }
        let underWay = Set(feedSending.inFlight.values).union(feedSending.confirmed)
        for (stream, endedAt) in world.feeds.streams.sorted(by: { $0.key < $1.key }) {
            guard let endedAt, !underWay.contains(.ended(stream)) else { continue }
            let publication = Publication(
                topic: "shared/\(stream.service)/\(stream.citizen)/ended", payload: JSON.object(["ended": .string(endedAt.iso)]).text, retain: false)
            do { feedSending.inFlight[try outbound.publish(publication)] = .ended(stream) } catch {
                feedSending.waitUntil = now + Self.retryFirst
                return
            }
        }
    }

    private func sendFigures(_ outbound: any Outbound) throws {
        guard world.feeds.figuresWaiting > feedSending.figuresUnderWay else { return }
        let underWay = Set(feedSending.inFlight.values).union(feedSending.confirmed)
        for row in try store.read({ try $0.waitingFigures(limit: Self.feedBatchMax) }) where !underWay.contains(.figure(row.id)) {
            do { feedSending.inFlight[try outbound.publish(publication(row))] = .figure(row.id) } catch {
                feedSending.waitUntil = now + Self.retryFirst
                return
            }
        }
    }

    // MARK: As it is said

    func json(_ row: FeedRow, missing: FeedGap? = nil) -> JSON {
        let quantity = row.of.quantity
        func value(_ number: Double?) -> JSON { number.map { quantity.kind == .number ? .double($0) : .bool($0 != 0) } ?? .null }
        var members: [JSON.Member] = [
            .init("id", .int(row.n)), .init("citizen", .string(row.of.citizen.name)), .init("quantity", .string(quantity.name)), .init("unit", .string(quantity.unit)),
        ]
        if let loinc = quantity.loinc { members.append(.init("loinc", .string(loinc.code))) }
        if let summary = row.summary {
            members += [
                .init("from", .string(summary.from.iso)), .init("to", .string(summary.to.iso)), .init("version", .int(Int64(summary.version))),
                .init("count", .int(Int64(summary.count))),
            ]
            if let mean = summary.mean { members.append(.init("mean", .double(mean))) }
            if let min = summary.min { members.append(.init("min", .double(min))) }
            if let max = summary.max { members.append(.init("max", .double(max))) }
            if summary.first != nil { members += [.init("first", value(summary.first)), .init("last", value(summary.last))] }
            if summary.isCut == true { members.append(.init("cut", true)) }
        } else {
            members += [.init("observedAt", .string(row.observedAt.iso)), .init("value", value(row.value))]
            // Its number tells two devices apart; its name may name people.
            if let source = row.of.sources.first, let series = world.seriesInfo(source) {
                members.append(.init("device", .string(DataPattern.device(series.device).text)))
                if !series.channel.isEmpty { members.append(.init("channel", .string(series.channel))) }
            }
        }
        members += [.init("purpose", .string(row.purpose.rawValue)), .init("record", .optional(row.record?.description))]
        if let missing { members.append(.init("missing", json(missing))) }
        return .object(members)
    }

    func json(_ gap: FeedGap) -> JSON {
        .object([
            "rows": .int(Int64(gap.rows)), "upTo": .int(gap.upTo), "observedFrom": .string(gap.observedFrom.iso), "observedUntil": .string(gap.observedUntil.iso),
        ])
    }
}
