import Care
import Logging
import Store

/// decide ─▶ enqueue, for what a citizen shares with a service: in the turn that keeps the reading.
extension Engine {
    /// One row, written down: its columns and a summary are no longer than that.
    static var feedRowBytesMax: Int { 1_024 }
    /// So many go at once where there is no more room.
    static var feedRowsDroppedAtOnce: Int { 1_000 }
    /// What came late corrects a summary after so long, together with what else came late.
    static var feedCorrectsAfter: Span { .minutes(1) }
    /// After a restore: more than a gateway gives between two backups.
    static var feedNumbersPassedOver: Int64 { 1_000_000_000 }
    var feedKept: Span { .days(Int64(configuration.limits.feedKeptDays)) }

    /// A reading that was kept, of a device of which something may flow.
    func feed(_ reading: Reading, _ targets: [Recipient], _ tx: StoreTurn) throws {
        guard outbound != nil, let series = world.seriesInfo(reading.series), let device = world.device(series.device)?.device else { return }
        let citizens = try holders(of: device, reading, tx)
        if citizens.isEmpty { return }
        for service in targets {
            guard
                let permit = world.feedPermit(service, series.quantity, device.id, about: citizens, observedAt: reading.at, at: now),
                permit.decision.detail >= .summary
            else { continue }
            for citizen in citizens {
                let stream = FeedStream(service: service.person, citizen: citizen)
                if permit.decision.detail == .summary {
                    try expectSummary(stream, series.quantity, reading.at, tx)
                } else {
                    let group = FeedGroup(
                        service: service.person, citizen: citizen, quantity: series.quantity, detail: .readings, sources: [series.id],
                        others: citizens.filter { $0 != citizen })
                    try enqueue(group, observedAt: reading.at, value: reading.value.asNumber, summary: nil, permit, tx)
                }
            }
        }
    }

    /// Whose the device was when this was observed: of what waited at the broker, everybody whose it was since it may have been said.
    private func holders(of device: Device, _ reading: Reading, _ tx: StoreTurn) throws -> [PersonID] {
        let since = reading.source == .queued ? line.queuedSince : nil
        if since == nil, reading.at == now { return device.citizens }
        let from = min(since ?? reading.at, reading.at)
        return Set(try tx.reader.claims(ofAll: device.id).filter { $0.from <= reading.at && from < $0.until }.map(\.citizen)).sorted()
    }

    /// The same where it is not known yet whether anything of the device may flow.
    func feed(_ reading: Reading, _ tx: StoreTurn) throws {
        guard !world.people.services.isEmpty, let series = world.seriesInfo(reading.series), let device = world.device(series.device)?.device else { return }
        let targets = world.feedTargets(device, at: now)
        if !targets.isEmpty { try feed(reading, targets, tx) }
    }

    private func expectSummary(_ stream: FeedStream, _ quantity: Quantity, _ at: Instant, _ tx: StoreTurn) throws {
        guard let home = world.people[stream.citizen]?.home else { return }
        let period = FeedPeriod.containing(at, in: world.zone(of: home), isHourly: world.feeds.hourly.contains(stream.service))
        // Nothing is remembered any more that it could correct.
        guard period.to > now - feedKept else { return }
        try begin(stream, tx)
        world.feeds.expect(try tx.expect(period, stream, quantity, again: now + Self.feedCorrectsAfter))
    }

    /// Writes down the row, what was decided, and that it is going to be told.
    func enqueue(_ group: FeedGroup, observedAt: Instant, value: Double?, summary: FeedSummary?, _ permit: FeedPermit, _ tx: StoreTurn) throws {
        let stream = FeedStream(service: group.service, citizen: group.citizen)
        try begin(stream, tx)
        let own = world.consents[group.citizen] ?? []
        let record = permit.decision.decidedBy.first { id in own.contains { $0.id == id } }
        let zone = world.people[group.citizen]?.home.map { world.zone(of: $0) } ?? .utc
        let day = zone.local(now)?.day ?? Day(number: now.milliseconds / 86_400_000)
        let told = try tx.countQueued(group.service, group.citizen, group.quantity, day, group.detail, record, at: now) ?? beginDay(group, day, record, permit, tx)
        try makeRoom(group.service, tx)
        try tx.append(
            FeedRow(
                n: try tx.next("feed"), of: group, at: now, observedAt: observedAt, value: value, summary: summary, purpose: permit.purpose, record: record, told: told))
        world.feeds.rows[group.service, default: 0] += 1
        world.feeds.waiting += 1
    }

    /// The first of a day: one decision and one disclosure stand for all of it, and are counted.
    private func beginDay(_ group: FeedGroup, _ day: Day, _ record: ConsentID?, _ permit: FeedPermit, _ tx: StoreTurn) throws -> Int64 {
        let decision = DecisionID(try tx.next("decision"))
        let citizens = (group.others + [group.citizen]).sorted()
        try tx.save(permit.decision, id: decision, citizens: citizens, request: permit.request)
        let id = try tx.next("feedDay")
        let begun = FeedDay(
            id: id, service: group.service, citizen: group.citizen, quantity: group.quantity, day: day, detail: group.detail, record: record, decision: decision,
            queued: 1, sent: 0, fetched: 0, firstAt: now, lastAt: now)
        try tx.begin(begun)
        try disclose(begun, .queued, tx)
        return id
    }

    func disclose(_ day: FeedDay, _ state: Disclosure.State, _ tx: StoreTurn) throws {
        try tx.append(
            Disclosure(
                at: now, citizen: day.citizen, recipient: day.service, alert: nil, notice: nil, decision: day.decision, data: day.quantity.name, detail: day.detail,
                stage: nil, state: state))
    }

    private func begin(_ stream: FeedStream, _ tx: StoreTurn) throws {
        if let known = world.feeds.streams[stream] {
            if known == nil { return }
            world.feeds.endings -= 1
        }
        world.feeds.streams[stream] = .some(nil)
        try tx.save(stream, endedAt: nil)
    }

    /// The oldest go, counted: the service is told how many it cannot have any more.
    private func makeRoom(_ service: PersonID, _ tx: StoreTurn) throws {
        let limit = configuration.limits.feedRowsOfServiceMax
        guard world.feeds.rows[service] ?? 0 >= limit else { return }
        // Of whoever has most, so that one busy home does not push out what others share.
        guard let most = try tx.reader.mostFeedRows(of: service) else { return }
        let rows = max(1, min(Self.feedRowsDroppedAtOnce, limit / 10, most.rows / 2))
        let gone = try tx.dropOldest(of: service, rows: rows, citizen: most.citizen)
        world.feeds.went(service, rows: gone.rows, waiting: gone.waiting)
        world.feeds.hasGaps = true
    }

    // MARK: Ends

    /// A citizen's records, devices or home are not as they were: what is permitted no more goes, in this turn.
    func feedsChanged(about citizen: PersonID, _ tx: StoreTurn) throws {
        if world.people.services.isEmpty { return }
        guard let home = world.people[citizen]?.home else { return }
        forgetTopics(of: home)
        try endFeeds(in: home, tx)
    }

    func endFeeds(in home: HomeID, _ tx: StoreTurn) throws {
        if world.people.services.isEmpty { return }
        // Also those to whom it was said that it is over because of a device that went: what was from before is still theirs to end.
        let living = world.people.values.filter { $0.kind == .citizen && $0.home == home }.map(\.id).sorted()
        for citizen in living {
            for group in try tx.reader.feedGroups(of: citizen) where world.feedPermits(group, at: now, .atAnyHour) == nil { try take(try tx.drop(group), of: group.service, tx) }
            for (stream, quantity) in try tx.reader.feedPeriods(of: citizen) where !mayBeSummed(stream, quantity) { try tx.dropPeriods(stream, quantity) }
            for stream in world.feeds.streams.keys.filter({ $0.citizen == citizen }).sorted() { try endIfOver(stream, tx) }
        }
        if !living.isEmpty { world.feeds.nextDue = try tx.reader.nextFeedDue() }
    }

    /// What was dropped is counted no more, and where nothing of a day's disclosure was told, that is said.
    func take(_ dropped: StoreTurn.FeedsDropped, of service: PersonID, _ tx: StoreTurn) throws {
        world.feeds.went(service, rows: dropped.rows, waiting: dropped.waiting)
        for day in dropped.untold { try disclose(day, .cancelled, tx) }
    }

    private func mayBeSummed(_ stream: FeedStream, _ quantity: Quantity) -> Bool {
        guard let service = world.people[stream.service]?.asRecipient else { return false }
        return world.measuring(quantity, of: stream.citizen).contains { device, _ in
            world.feedPermit(service, quantity, device.id, about: device.citizens, at: now, .atAnyHour) != nil
        }
    }

    /// Whether anything may still flow, whatever is measured: else the service is told that it is over, and nothing else.
    private func endIfOver(_ stream: FeedStream, _ tx: StoreTurn) throws {
        guard world.feeds.streams[stream] == .some(nil) else { return }
        let service = world.people[stream.service]?.asRecipient
        let goesOn = world.people[stream.citizen]?.home.map { home in
            world.devices(of: home).contains { state in
                state.device.citizens.contains(stream.citizen)
                    && state.slots.contains { slot in
                        service.map { world.feedPermit($0, slot.quantity, state.device.id, about: state.device.citizens, at: now, .atAnyHour) != nil } ?? false
                    }
            }
        }
        if goesOn ?? false { return }
        if service == nil {
            world.feeds.streams[stream] = nil
            return try tx.remove(stream)
        }
        world.feeds.streams[stream] = .some(now)
        world.feeds.endings += 1
        try tx.save(stream, endedAt: now)
    }

    /// Somebody is not there any more.
    func endFeeds(ofService service: PersonID, _ tx: StoreTurn) throws {
        try tx.dropFeeds(ofService: service)
        for stream in world.feeds.streams.keys where stream.service == service {
            if world.feeds.streams[stream] != .some(nil) { world.feeds.endings -= 1 }
            world.feeds.streams[stream] = nil
        }
        try loadFeeds(try tx.reader)
    }

    func endFeeds(ofCitizen citizen: PersonID, _ tx: StoreTurn) throws {
        for group in try tx.reader.feedGroups(of: citizen) { try take(try tx.drop(group), of: group.service, tx) }
        try tx.dropFeeds(ofCitizen: citizen)
        for stream in world.feeds.streams.keys.filter({ $0.citizen == citizen }).sorted() where world.feeds.streams[stream] == .some(nil) {
            world.feeds.streams[stream] = .some(now)
            world.feeds.endings += 1
            try tx.save(stream, endedAt: now)
        }
        world.feeds.nextDue = try tx.reader.nextFeedDue()
    }

    /// What is to be erased does not leave any more.
    func eraseFeeds(_ erasure: Erasure, _ tx: StoreTurn) throws {
        try tx.overwriteDeleted()
        for group in try tx.reader.feedGroups(of: erasure.citizen) where erasure.isAll || group.sources.contains(where: { erasure.series.contains($0.number) }) {
            try take(try tx.drop(group, observedBefore: erasure.end), of: group.service, tx)
        }
        let quantities = Set(erasure.series.compactMap { world.seriesInfo(SeriesID($0))?.quantity.name }).sorted().compactMap { Quantity($0) }
        try tx.dropPeriods(of: erasure.citizen, quantities, before: erasure.end)
        if erasure.isAll {
            try tx.dropFeedDays(of: erasure.citizen, before: erasure.end)
            try tx.dropFeedGaps(of: erasure.citizen)
        }
    }

    // MARK: Starting and keeping house

    func loadFeeds(_ disk: StoreReader) throws {
        var feeds = Feeds()
        for (service, rows) in try disk.feedRowCounts() { feeds.rows[service] = rows }
        feeds.waiting = try disk.feedWaitingCount()
        for (stream, endedAt) in try disk.feedStreams() {
            feeds.streams[stream] = .some(endedAt)
            if endedAt != nil { feeds.endings += 1 }
        }
        feeds.nextDue = try disk.nextFeedDue()
        feeds.hourly = Set(try disk.hourlyServices())
        feeds.hasGaps = try disk.hasFeedGaps()
        try loadFigures(disk, &feeds)
        world.feeds = feeds
    }

    /// What has been kept for long enough. - Returns: how many rows went.
    func sweepFeeds(_ tx: StoreTurn) throws -> Int {
        let before = world.feeds
        do { return try tx.savepoint { try sweepFeedRows(tx) } } catch where StoreProblem(error) == nil {
            // Nothing about feeds holds up what else has to go; it is tried again with the next round.
            world.feeds = before
            log.error("What was kept for services could not be looked through.", metadata: ["error": "\(type(of: error))"])
            return 0
        }
    }

    private func sweepFeedRows(_ tx: StoreTurn) throws -> Int {
        var gone = try sweepErased(tx)
        for service in world.people.services where world.feeds.rows[service] ?? 0 > 0 {
            let dropped = try tx.dropOldest(of: service, rows: Self.sweepRowsMax, before: now - feedKept)
            world.feeds.went(service, rows: dropped.rows, waiting: dropped.waiting)
            if dropped.rows > 0 { world.feeds.hasGaps = true }
            gone += dropped.rows
        }
        let figuresBefore = Day(number: now.milliseconds / 86_400_000 - Int64(configuration.limits.recordsKeptDays))
        gone += try tx.dropFigures(before: figuresBefore, rowsMax: Self.sweepRowsMax)
        return gone + (try tx.dropOldFeedDays(
            before: now - .days(Int64(configuration.limits.recordsKeptDays)), periodsBefore: now - feedKept, rowsMax: Self.sweepRowsMax))
    }

    /// What a citizen does not want kept any longer is not kept for services either, of whomever else it was about: it is written over.
    private func sweepErased(_ tx: StoreTurn) throws -> Int {
        let rules = keepRules
        func limit(_ people: [PersonID], _ quantity: Quantity, _ detail: Detail) -> Instant {
            people.map { person in
                let setting = rules.setting(person, quantity.category)
                // Where daily figures stay, so does what was summed up.
                let days = detail == .summary && setting.then == .daily ? rules.bounds(quantity.category).mostDays : setting.days
                return now - .days(Int64(days))
            }.max() ?? .distantPast
        }
        try tx.overwriteDeleted()
        var gone = 0
        for citizen in try tx.reader.feedCitizens() {
            for group in try tx.reader.feedGroups(of: citizen) {
                let dropped = try tx.drop(group, observedBefore: limit(group.others + [citizen], group.quantity, group.detail))
                try take(dropped, of: group.service, tx)
                gone += dropped.rows
            }
            for quantity in Set(try tx.reader.feedPeriods(of: citizen).map(\.quantity.name)).sorted().compactMap({ Quantity($0) }) {
                try tx.dropPeriods(of: citizen, [quantity], before: limit([citizen], quantity, .summary))
            }
        }
        return gone
    }
}
