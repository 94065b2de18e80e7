import Care
import Logging
import Store

/// Figures over many citizens, made once a day of the day before, a little at a time.
///
/// A day is over when it is over in every time zone; half a day later what came late is in it, too.
struct FigureJob {
    struct Counted {
        var member: FigureMember
        /// By which it is permitted, of each of the devices that it was taken from.
        var permits: [FeedPermit]
        /// Whose those devices were then.
        var about: [PersonID]
    }

    /// What has been taken of one citizen's day so far.
    struct Partial {
        var folding: FeedFolding
        var permits: [FeedPermit] = []
        var about: Set<PersonID> = []
    }

    var day: Day
    /// Those that are still to be given theirs, this one first.
    var services: [PersonID]
    var citizens: [PersonID] = []
    var next = 0
    var members: [Quantity: [Counted]] = [:]
    /// Of the next citizen, and up to which of their series: one with many readings is gone through in several steps.
    var partial: [Quantity: Partial] = [:]
    var lastSeries: Int32 = 0
    /// Made once all are looked through.
    var figures: [(quantity: Quantity, figure: Figure, counted: [PersonID])]?
    /// Whom it is written down for that they are counted, by the row that says so.
    var told: [Quantity: [PersonID: Int64]] = [:]
    var isLookedThrough: Bool { next >= citizens.count }
}

extension Engine {
    /// Of one turn: some milliseconds.
    static var figureCitizensMax: Int { 16 }
    static var figureTellingsMax: Int { 64 }
    /// After the day began by UTC.
    static var figureAfter: Span { .hours(36) }
    /// Days that are made up for after the gateway was away.
    static var figureDaysLateMax: Int64 { 7 }
    private static let figureMeta = "figures made until"

    func countingPurpose(_ service: PersonID) -> Purpose { world.feeds.counting[service] ?? .servicePlanning }

    /// The last day of which figures could be made now.
    private var figureDayNow: Day { Day(number: (now - Self.figureAfter).milliseconds / 86_400_000) }

    /// When figures are to be made next; nil: nobody is given any.
    var nextFigure: Instant? {
        if figureJob != nil { return now }
        guard let last = world.feeds.figuresUntil, !world.people.services.isEmpty else { return nil }
        return Instant(milliseconds: (last.number + 1) * 86_400_000) + Self.figureAfter
    }

    func loadFigures(_ disk: StoreReader, _ feeds: inout Feeds) throws {
        feeds.figuresWaiting = try disk.figuresWaiting()
        for (service, purpose) in try disk.countingPurposes() { feeds.counting[service] = purpose }
        feeds.figuresUntil = try disk.meta(Self.figureMeta).flatMap { Day(iso: $0) }
    }

    /// One step. Nothing of a job is on disk until it is done, so a start begins it anew; only who is counted is written down before.
    func countStep() throws {
        if world.people.services.isEmpty { return figureJob = nil }
        guard let last = world.feeds.figuresUntil else {
            // Of the time before there was anybody to give them to there are none.
            let day = figureDayNow
            return try turn { tx in try countedUntil(day, tx) }
        }
        if figureJob == nil {
            guard figureDayNow > last else { return }
            let day = Day(number: max(last.number + 1, figureDayNow.number - Self.figureDaysLateMax + 1))
            figureJob = FigureJob(day: day, services: try store.read { disk in try world.people.services.filter { try !disk.hasFigures($0, day) } })
            try beginService()
        }
        guard let job = figureJob else { return }
        guard let service = job.services.first, let recipient = world.people[service]?.asRecipient else {
            if job.services.isEmpty {
                try turn { tx in try countedUntil(job.day, tx) }
                figureJob = nil
            } else {
                figureJob?.services.removeFirst()
                try beginService()
            }
            return
        }
        if !job.isLookedThrough { return try lookThrough(recipient, job) }
        let figures = job.figures ?? Self.figures(of: job)
        figureJob?.figures = figures
        var untold: [(quantity: Quantity, citizen: PersonID)] = []
        for (quantity, _, counted) in figures {
            for citizen in counted where job.told[quantity]?[citizen] == nil && untold.count < Self.figureTellingsMax { untold.append((quantity, citizen)) }
        }
        if !untold.isEmpty, let job = figureJob { return try tellCounted(untold, recipient, job) }
        try finish(recipient, job)
    }

    /// Of days of which figures could have been made none are made any more.
    func countedUntilNow(_ tx: StoreTurn) throws {
        figureJob = nil
        try countedUntil(max(figureDayNow, world.feeds.figuresUntil ?? figureDayNow), tx)
    }

    private func countedUntil(_ day: Day, _ tx: StoreTurn) throws {
        try tx.setMeta(Self.figureMeta, day.iso)
        world.feeds.figuresUntil = day
    }

    private func beginService() throws {
        guard let day = figureJob?.day, let service = figureJob?.services.first, let recipient = world.people[service]?.asRecipient else { return }
        let purpose = countingPurpose(service)
        figureJob?.citizens = world.consents.filter { citizen, records in
            world.people[citizen] != nil && records.contains { if case .record(let record) = $0 { record.mayCount(for: recipient, purpose, at: now) } else { false } }
        }.keys.sorted()
        figureJob?.next = 0
        figureJob?.members = [:]
        figureJob?.figures = nil
        figureJob?.partial = [:]
        figureJob?.lastSeries = 0
        figureJob?.told = [:]
        // Written down by a run that was ended.
        for counted in try store.read({ try $0.countedDays(service, day) }) { figureJob?.told[counted.quantity, default: [:]][counted.citizen] = counted.id }
    }

    private static func figures(of job: FigureJob) -> [(quantity: Quantity, figure: Figure, counted: [PersonID])] {
        job.members.sorted { $0.key.name < $1.key.name }.compactMap { quantity, members in
            let (figure, counted) = Figure.over(members.map(\.member))
            return figure.isEmpty ? nil : (quantity, figure, counted)
        }
    }

    // MARK: Who is in it

    /// Reads some citizens' day. Only reads, so it is in no turn.
    private func lookThrough(_ service: Recipient, _ before: FigureJob) throws {
        var job = before
        var left = Self.feedSumReadingsMax
        try store.read { disk in
            let end = min(job.citizens.count, job.next + Self.figureCitizensMax)
            while job.next < end, left > 0 {
                let citizen = job.citizens[job.next]
                let isDone = try look(citizen, service, &job, &left, disk)
                // The rest of their series with the next step.
                guard isDone else { break }
                for (quantity, counted) in counted(citizen, job) { job.members[quantity, default: []].append(counted) }
                job.next += 1
                (job.partial, job.lastSeries) = ([:], 0)
            }
        }
        figureJob = job
    }

    /// One citizen's series, one after the other as far as the budget goes. - Returns: whether that was the last.
    private func look(_ citizen: PersonID, _ service: Recipient, _ job: inout FigureJob, _ left: inout Int, _ disk: StoreReader) throws -> Bool {
        guard let home = world.people[citizen]?.home, let day = day(job.day, in: home) else { return true }
        let purpose = countingPurpose(service.person)
        let series = world.devices(of: home).filter { $0.device.citizens.contains(citizen) }.flatMap(\.slots).filter { $0.quantity.kind != .event }
            .compactMap { world.seriesInfo($0.series) }.filter { $0.id.number > job.lastSeries }.sorted { $0.id < $1.id }
        for one in series {
            if left <= 0 { return false }
            job.lastSeries = one.id.number
            for holding in Holding.all(try disk.claims(ofAll: one.device)).compactMap({ $0.within(day) }) where holding.people.contains(citizen) {
                // By everybody whose it was then.
                guard let permit = countPermit(service, purpose, one.quantity, one.device, about: holding.people, at: now, .present) else { continue }
                let holders = world.holders(holding.people).map { $0.permitting(at: now) }
                var part = job.partial[one.quantity] ?? FigureJob.Partial(folding: FeedFolding(one.quantity))
                var used = 0
                left -= try disk.eachReading(one, since: holding.from, until: holding.until, limit: Self.feedPeriodReadingsMax) { reading in
                    var request = permit.request
                    request.at = reading.at
                    guard decide(request, holders: holders).detail >= .summary else { return }
                    part.folding.take(at: reading.at, reading.value.asNumber)
                    used += 1
                }
                if used > 0 {
                    part.permits.append(permit)
                    part.about.formUnion(holding.people)
                }
                job.partial[one.quantity] = part
            }
        }
        return true
    }

    private func day(_ day: Day, in home: HomeID) -> FeedPeriod? {
        let zone = world.zone(of: home)
        guard let midnight = MinuteOfDay(0), let from = zone.instant(day, midnight), let to = zone.instant(Day(number: day.number + 1), midnight) else { return nil }
        return FeedPeriod(from: from, to: to)
    }

    private func counted(_ citizen: PersonID, _ job: FigureJob) -> [(Quantity, FigureJob.Counted)] {
        guard let home = world.people[citizen]?.home, let day = day(job.day, in: home) else { return [] }
        let circle = world.homes[home]?.circle
        return job.partial.sorted { $0.key.name < $1.key.name }.compactMap { quantity, one in
            one.folding.summary(day, version: 1).mean.map { mean in
                (quantity, FigureJob.Counted(member: FigureMember(citizen: citizen, circle: circle, mean: mean), permits: one.permits, about: one.about.sorted()))
            }
        }
    }

    private func countPermit(
        _ service: Recipient, _ purpose: Purpose, _ quantity: Quantity, _ device: DeviceID, about citizens: [PersonID], at: Instant, _ sight: FeedSight
    ) -> FeedPermit? {
        var holders = world.holders(citizens)
        if case .atAnyHour = sight { holders = holders.map { $0.atAnyHour() } }
        let request = ConsentRequest(
            recipient: service, purpose: purpose, data: .data(category: quantity.category, quantity: quantity, device: device), detail: .summary, stage: nil, at: at)
        let decision = decide(request, holders: holders)
        return decision.detail >= .summary ? FeedPermit(purpose: purpose, decision: decision, request: request) : nil
    }

    /// As it is at this moment, of everybody whom it is about.
    private func isStillPermitted(_ one: FigureJob.Counted, _ service: Recipient, _ quantity: Quantity) -> Bool {
        guard world.people[one.member.citizen] != nil else { return false }
        return one.permits.allSatisfy { permit in
            guard case .data(_, _, let device?) = permit.request.data else { return false }
            return countPermit(service, permit.purpose, quantity, device, about: one.about, at: now, .present) != nil
        }
    }

    // MARK: Who is told

    /// That somebody is counted is written down before anybody can see the figure.
    private func tellCounted(_ untold: [(quantity: Quantity, citizen: PersonID)], _ service: Recipient, _ before: FigureJob) throws {
        var job = before
        try turn { tx in
            for (quantity, citizen) in untold {
                guard let one = job.members[quantity]?.first(where: { $0.member.citizen == citizen }), let permit = one.permits.first else { continue }
                let decision = DecisionID(try tx.next("decision"))
                try tx.save(permit.decision, id: decision, citizens: one.about, request: permit.request)
                let number = try tx.next("feedDay")
                let own = world.consents[citizen] ?? []
                var day = FeedDay(
                    id: number, service: service.person, citizen: citizen, quantity: quantity, day: job.day, detail: .summary,
                    record: permit.decision.decidedBy.first { id in own.contains { $0.id == id } }, inFigure: true, decision: decision, queued: 1, sent: 1, fetched: 0,
                    firstAt: now, lastAt: now)
                day.id = try tx.beginCounted(day)
                try disclose(day, .sent, tx)
                job.told[quantity, default: [:]][citizen] = day.id
            }
        }
        figureJob = job
    }

    /// Decided once more in the turn that makes the figures: who permits it no more is in none of them.
    private func finish(_ service: Recipient, _ before: FigureJob) throws {
        var job = before
        for (quantity, members) in job.members { job.members[quantity] = members.filter { isStillPermitted($0, service, quantity) } }
        let figures = Self.figures(of: job)
        job.figures = figures
        // Without them another circle may be shown: its citizens are told first.
        if figures.contains(where: { figure in figure.counted.contains { job.told[figure.quantity]?[$0] == nil } }) { return figureJob = job }
        try turn { tx in
            for (quantity, told) in job.told.sorted(by: { $0.key.name < $1.key.name }) {
                let counted = Set(figures.first { $0.quantity == quantity }?.counted ?? [])
                for (citizen, id) in told.sorted(by: { $0.key < $1.key }) where !counted.contains(citizen) {
                    try tx.noteNotCounted(id)
                    if let day = try tx.reader.countedDay(service.person, citizen, quantity, job.day) { try disclose(day, .cancelled, tx) }
                }
            }
            for (quantity, figure, _) in figures {
                try tx.append(
                    FigureRow(
                        id: try tx.next("figure"), service: service.person, quantity: quantity, day: job.day, purpose: countingPurpose(service.person), figure: figure))
            }
            world.feeds.figuresWaiting = try tx.reader.figuresWaiting()
        }
        job.services.removeFirst()
        figureJob = job
        try beginService()
    }
}
