import Care
import Logging
import Store

/// Hours and days that are over, and those that something late belongs to, are summed up a little at a time.
extension Engine {
    /// Of one turn: some milliseconds.
    static var feedSumsMax: Int { 16 }
    static var feedSumReadingsMax: Int { 20_000 }
    /// Of one hour or day; beyond, the summary is about the first ones and says so.
    static var feedPeriodReadingsMax: Int { 50_000 }

    /// Whether a summary may go that might not when it was due.
    static var feedLooksAgain: Span { .minutes(15) }

    func sumUp() throws {
        guard let due = world.feeds.nextDue, due <= now else { return }
        try turn { tx in
            var left = Self.feedSumReadingsMax
            for one in try tx.reader.feedsDue(by: now, limit: Self.feedSumsMax) {
                if left <= 0 { break }
                let before = world.feeds
                do { try tx.savepoint { left -= try sumUp(one, tx) } } catch where StoreProblem(error) == nil {
                    // One that cannot be made holds up nobody else's.
                    world.feeds = before
                    log.error("A summary could not be made; it is tried again in a minute.", metadata: ["error": "\(type(of: error))"])
                    try tx.postpone(one, until: now + .minutes(1))
                }
            }
            world.feeds.nextDue = try tx.reader.nextFeedDue()
        }
    }

    /// - Returns: how many readings were looked at.
    private func sumUp(_ due: FeedDue, _ tx: StoreTurn) throws -> Int {
        guard let service = world.people[due.stream.service]?.asRecipient, due.period.to > now - feedKept else {
            try tx.done(due, nil)
            return 0
        }
        var folding = FeedFolding(due.quantity)
        var unread = Self.feedPeriodReadingsMax
        var sources: [SeriesID] = []
        var others: Set<PersonID> = []
        let rules = keepRules
        for (device, series) in world.measuring(due.quantity, of: due.stream.citizen) {
            let claims = try tx.reader.claims(ofAll: device.id)
            let holdings = Holding.all(claims).compactMap { $0.within(due.period) }.filter { $0.people.contains(due.stream.citizen) }
            // Readings of then have gone, all or some: of what is left no summary is made, and the one that there is stays.
            let terms = rules.terms(due.quantity.category, claims, world.zone(of: device.home))
            let isPartlyGone = holdings.contains { holding in
                terms.contains { $0.from < holding.until && $0.until > holding.from && max($0.from, holding.from) < $0.readingsBefore }
            }
            if isPartlyGone {
                try tx.done(due, nil)
                return Self.feedPeriodReadingsMax - unread
            }
            for holding in holdings {
                // Not now, or no more, or not from this one: by everybody whose it was then.
                guard world.feedPermit(service, due.quantity, device.id, about: holding.people, at: now, .atAnyHour) != nil else { continue }
                let holders = world.holders(holding.people).map { $0.permitting(at: now) }
                for one in series where unread > 0 {
                    var used = 0
                    unread -= try tx.reader.eachReading(one, since: holding.from, until: holding.until, limit: unread) { reading in
                        guard isPermitted(reading, one, service, holders) else { return }
                        folding.take(at: reading.at, reading.value.asNumber)
                        used += 1
                    }
                    if used == 0 { continue }
                    if !sources.contains(one.id) { sources.append(one.id) }
                    others.formUnion(holding.people)
                }
            }
        }
        var summary = folding.summary(due.period, version: due.version + 1)
        if unread == 0 { summary.isCut = true }
        guard summary.differs(from: due.summary), !sources.isEmpty else {
            try tx.done(due, nil)
            return Self.feedPeriodReadingsMax - unread
        }
        others.remove(due.stream.citizen)
        let group = FeedGroup(
            service: due.stream.service, citizen: due.stream.citizen, quantity: due.quantity, detail: .summary, sources: sources.sorted(), others: others.sorted())
        guard var permit = world.feedPermits(group, at: now, .present)?.first, !world.isPaused(group, at: now) else {
            // Not at this hour, or not during the pause.
            try tx.postpone(due, until: now + Self.feedLooksAgain)
            return Self.feedPeriodReadingsMax - unread
        }
        try tx.done(due, summary)
        permit.decision.detail = .summary
        try enqueue(group, observedAt: due.period.from, value: nil, summary: summary, permit, tx)
        return Self.feedPeriodReadingsMax - unread
    }

    /// Whether a summary may hold this reading: by what permits now, at the time when it was observed.
    private func isPermitted(_ reading: Reading, _ series: Series, _ service: Recipient, _ holders: [ConsentHolder]) -> Bool {
        Purpose.aboutOnePerson.contains { purpose in
            decide(
                ConsentRequest(
                    recipient: service, purpose: purpose, data: .data(category: series.quantity.category, quantity: series.quantity, device: series.device),
                    detail: .summary, stage: nil, at: reading.at), holders: holders
            ).detail == .summary
        }
    }
}
