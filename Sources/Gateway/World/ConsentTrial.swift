import Care

/// The past once more, with the records that a citizen tries and with today's, by the code that decides every day.
///
/// Each record counts as if it had been in force all the time; one that is withdrawn or over does not count.
struct ConsentTrial {
    let hasChanges: Bool
    private(set) var tally = LearningTally()
    private(set) var alerts = 0
    private(set) var requests = 0
    private var today: World
    private var tried: World
    private let citizen: PersonID
    private let now: Instant
    /// Whoever is out now was not then, and being off duty now says nothing of then: only their hours do.
    private let responders: [Responder]
    private var prepared: Set<PersonID>

    /// - Parameters:
    ///   - added: holds together with today's records.
    ///   - without: as if these were withdrawn.
    init(_ world: World, citizen: PersonID, adding added: ConsentRecord?, without: [ConsentID], now: Instant) {
        self.citizen = citizen
        self.now = now
        hasChanges = added != nil || !without.isEmpty
        responders = world.responders(for: .extreme).map { responder in
            var responder = responder
            responder.holding = 0
            responder.isOnDuty = true
            return responder
        }
        today = world
        today.consents[citizen] = Self.alwaysHolding(world.consents[citizen] ?? [], now)
        tried = today
        tried.consents[citizen]?.removeAll { without.contains($0.id) }
        if let added { tried.consents[citizen]?.append(contentsOf: Self.alwaysHolding([.record(added)], now)) }
        prepared = [citizen]
    }

    private static func alwaysHolding(_ records: [StoredConsent], _ now: Instant) -> [StoredConsent] {
        records.compactMap { stored in
            // What cannot be read denies, then as now.
            guard case .record(var record) = stored else { return stored }
            guard record.withdrawnAt ?? .distantFuture > now, record.until ?? .distantFuture > now else { return nil }
            record.from = .distantPast
            record.until = nil
            record.withdrawnAt = nil
            return .record(record)
        }
    }

    /// Others whom the same thing was about have a say in it, with their own records of today.
    private mutating func prepare(_ citizens: [PersonID]) {
        for other in citizens where prepared.insert(other).inserted {
            let records = Self.alwaysHolding(today.consents[other] ?? [], now)
            today.consents[other] = records
            tried.consents[other] = records
        }
    }

    mutating func take(_ alert: Alert) {
        // A test tells nobody anything that happened.
        guard alert.citizens.contains(citizen), !alert.isTest else { return }
        var alert = alert
        alert.ending = nil
        alerts += 1
        prepare(alert.citizens)
        let toldToday = told(alert, today)
        let toldTried = hasChanges ? told(alert, tried) : toldToday
        let data = alert.quantity?.name ?? alert.matter.category.rawValue
        for responder in responders {
            let (a, b) = (toldTried[responder.person], toldToday[responder.person])
            if a == nil, b == nil { continue }
            func learned(_ detail: (Told) -> Detail) -> [LearningTally.Learned] {
                Stage.allCases.map { .init(stage: $0, tried: a?[$0].map(detail) ?? .nothing, today: b?[$0].map(detail) ?? .nothing) }
            }
            tally.take(responder.person, data, learned(\.what))
            tally.take(responder.person, ToldWords.identity, learned(\.identity))
        }
    }

    private struct Told {
        var what: Detail
        var identity: Detail
    }

    /// By whoever could have been asked: all whom the steps would have come to.
    private func told(_ alert: Alert, _ world: World) -> [PersonID: [Stage: Told]] {
        let home = world.homes[alert.home]
        let zone = world.zone(of: alert.home)
        // Whoever may be asked is asked for by several steps and then told: each question is put once.
        var known: [PersonID: [Stage: World.Telling]] = [:]
        func telling(_ person: PersonID, _ stage: Stage) -> World.Telling? {
            if let found = known[person]?[stage] { return found }
            let found = world.telling(person, of: alert, stage: stage, at: alert.raisedAt)
            known[person, default: [:]][stage] = found
            return found
        }
        var asked: Set<PersonID> = []
        for step in world.plan(alert.matter.plan).steps {
            asked.formUnion(
                Care.candidates(
                    for: step, homeCircle: home?.circle, homePosition: home?.position, zone: zone, responders: responders, now: alert.raisedAt,
                    permits: { responder in World.mayBeAsked { telling(responder.person, $0) } }))
        }
        var told: [PersonID: [Stage: Told]] = [:]
        for person in asked {
            for stage in Stage.allCases {
                guard let telling = telling(person, stage), telling.decision.isPermitted else { continue }
                told[person, default: [:]][stage] = Told(what: telling.decision.detail, identity: telling.identity.detail)
            }
        }
        return told
    }

    /// - Parameter citizens: whose permit it needed.
    mutating func take(_ request: ConsentRequest, _ citizens: [PersonID]) {
        // Who is gone asks no more.
        guard today.people[request.recipient.person]?.asRecipient != nil else { return }
        requests += 1
        prepare(citizens)
        func read(_ world: World) -> Detail {
            // Values are shown or not shown: there is no less of them.
            decide(request, holders: world.holders(citizens)).detail == .readings ? .readings : .nothing
        }
        let readToday = read(today)
        let data: String
        switch request.data {
        case .identity: data = ToldWords.identity
        case .data(let category, let quantity, _): data = quantity?.name ?? category.rawValue
        }
        tally.take(request.recipient.person, data, [.init(stage: nil, tried: hasChanges ? read(tried) : readToday, today: readToday)])
    }
}
