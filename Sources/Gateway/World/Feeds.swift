import Care
import Store

/// What is known in memory of what flows to services: enough to see that nothing does.
struct Feeds: Sendable {
    /// Rows that a service has waiting or can fetch.
    var rows: [PersonID: Int] = [:]
    /// Rows that the broker has not been given yet, of all services.
    var waiting = 0
    /// Between whom something flows; with an instant: since when no more, which is still to be said.
    var streams: [FeedStream: Instant?] = [:]
    /// How many of those are to be said.
    var endings = 0
    /// When the next summary is due.
    var nextDue: Instant?
    /// Services that want hours instead of days.
    var hourly: Set<PersonID> = []
    /// Figures that the broker has not been given yet.
    var figuresWaiting = 0
    /// The last day of which figures were made; nil: none yet.
    var figuresUntil: Day?
    /// For which purpose; who is not in it: service planning.
    var counting: [PersonID: Purpose] = [:]
    /// A gap is told with each row, so it is known whether there may be one at all.
    var hasGaps = false

    mutating func went(_ service: PersonID, rows gone: Int, waiting: Int) {
        rows[service] = max(0, (rows[service] ?? 0) - gone)
        self.waiting = max(0, self.waiting - waiting)
    }
    mutating func expect(_ due: Instant) { nextDue = min(nextDue ?? due, due) }
}

/// What may be given to a service now.
struct FeedPermit {
    var purpose: Purpose
    var decision: Decision
    var request: ConsentRequest
}

/// How the records are looked at.
enum FeedSight {
    /// As they are at that instant.
    case present
    /// Without regard to hours: whether something is over, or only not now.
    case atAnyHour
    /// What was observed then, with what permits now.
    case observed(now: Instant)
}

extension World {
    /// Services to which something of this device may flow; nearly always none.
    func feedTargets(_ device: Device, at now: Instant) -> [Recipient] {
        if people.services.isEmpty || device.citizens.isEmpty { return [] }
        return people.services.compactMap { service in
            guard let recipient = people[service]?.asRecipient else { return nil }
            let isPossible = device.citizens.allSatisfy { citizen in
                consents[citizen]?.contains { if case .record(let record) = $0 { record.mayFeed(recipient, at: now) } else { false } } ?? false
            }
            return isPossible ? recipient : nil
        }
    }

    /// What may be given at most, and for which purpose; nil: neither readings nor a summary.
    func feedPermit(
        _ service: Recipient, _ quantity: Quantity, _ device: DeviceID, about citizens: [PersonID], at: Instant, _ sight: FeedSight
    ) -> FeedPermit? {
        var holders = holders(citizens)
        switch sight {
        case .present: break
        case .atAnyHour: holders = holders.map { $0.atAnyHour() }
        case .observed(let now): holders = holders.map { $0.permitting(at: now) }
        }
        var best: FeedPermit?
        for purpose in Purpose.aboutOnePerson {
            let request = ConsentRequest(
                recipient: service, purpose: purpose, data: .data(category: quantity.category, quantity: quantity, device: device), detail: .readings,
                stage: nil, at: at)
            let decision = decide(request, holders: holders)
            if decision.detail >= .summary, decision.detail > best?.decision.detail ?? .nothing { best = FeedPermit(purpose: purpose, decision: decision, request: request) }
        }
        return best
    }

    /// What may be given of a reading: no more than is permitted now, and no more than was when it was observed.
    func feedPermit(_ service: Recipient, _ quantity: Quantity, _ device: DeviceID, about citizens: [PersonID], observedAt: Instant, at now: Instant) -> FeedPermit? {
        guard var permit = feedPermit(service, quantity, device, about: citizens, at: now, .present) else { return nil }
        if observedAt == now { return permit }
        guard let then = feedPermit(service, quantity, device, about: citizens, at: observedAt, .observed(now: now)) else { return nil }
        permit.decision.detail = min(permit.decision.detail, then.decision.detail)
        return permit
    }

    /// What permits these rows: of each of their sources, by everybody whom they are about.
    func feedPermits(_ group: FeedGroup, at now: Instant, _ sight: FeedSight) -> [FeedPermit]? {
        guard let service = people[group.service]?.asRecipient, service.kind == .service, people[group.citizen] != nil, !group.sources.isEmpty else { return nil }
        var permits: [FeedPermit] = []
        for source in group.sources {
            guard let device = seriesInfo(source)?.device else { return nil }
            // By those whom it was about then: whoever has the device now has no say in it.
            guard let permit = feedPermit(service, group.quantity, device, about: group.people, at: now, sight), permit.decision.detail >= group.detail else { return nil }
            permits.append(permit)
        }
        return permits
    }

    func isPaused(_ group: FeedGroup, at now: Instant) -> Bool {
        if pauses.isEmpty { return false }
        return group.sources.contains { source in
            guard let series = seriesInfo(source), let state = device(series.device) else { return false }
            let measures = state.slots.map(\.quantity)
            return (pauses[state.device.home] ?? []).contains {
                $0.holds(at: now) && group.people.contains($0.citizen) && $0.mayConcern(series.device, of: group.people) && $0.mayWithhold(series.quantity, measures: measures)
            }
        }
    }

    /// Devices of this citizen that measure this quantity, with their series of it.
    func measuring(_ quantity: Quantity, of citizen: PersonID) -> [(device: Device, series: [Series])] {
        guard let home = people[citizen]?.home else { return [] }
        return devices(of: home).compactMap { state in
            guard state.device.citizens.contains(citizen) else { return nil }
            let series = state.slots.filter { $0.quantity == quantity }.compactMap { seriesInfo($0.series) }
            return series.isEmpty ? nil : (state.device, series)
        }
    }
}
