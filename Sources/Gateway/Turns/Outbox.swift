import Care
import Notify
import Store

/// outbox ─▶ decide again ─▶ attempt recorded ─▶ COMMIT ─▶ send; the outcome is recorded in a turn of its own.
extension Engine {
    /// Notices taken in one go.
    static var outboxBatchMax: Int { 256 }
    /// The first wait after a failed attempt; doubled each time, an hour at most.
    static var retryFirst: Span { .seconds(5) }

    private enum Outgoing {
        case publication(Publication)
        case phone(PhoneMessage)
    }

    /// Sends what is due. Call it when no turn is open; it runs turns of its own.
    public func runOutbox() throws {
        guard let outbound else { return }
        if isConnected {
            for topic in toClear { _ = try? outbound.publish(Publication.cleared(topic: topic)) }
            toClear.removeAll()
        }
        let due = world.notices.filter {
            $0.state == .queued && $0.nextAttemptAt <= now && ($0.channel == .http || isConnected)
        }.prefix(Self.outboxBatchMax)
        guard !due.isEmpty else { return }
        var ready: [(Notice, Outgoing)] = []
        try turn { tx in
            for notice in due {
                guard let outgoing = try decideAgain(notice, tx) else {
                    try close(notice, .cancelled, problem: "not permitted, or not true any more, when it was to be sent", tx)
                    continue
                }
                var attempt = notice
                attempt.state = .attempted
                attempt.attempts += 1
                replace(attempt)
                try tx.save(attempt)
                ready.append((attempt, outgoing))
            }
        }
        for (notice, outgoing) in ready {
            switch outgoing {
            case .publication(let publication):
                do {
                    inFlight[try outbound.publish(publication)] = notice.id
                } catch {
                    try failed(notice.id, "the broker did not take it", final: false)
                }
            case .phone(let message): outbound.post(message, for: notice.id)
            }
        }
    }

    /// What is to be sent now; nil when nothing may be, or need be, said any more.
    private func decideAgain(_ notice: Notice, _ tx: StoreTurn) throws -> Outgoing? {
        let alert = try world.alert(notice.alert) ?? tx.reader.alert(notice.alert)
        guard let alert else { return nil }
        if notice.channel == .home { return homeWords(notice, alert).map(Outgoing.publication) }
        guard let person = notice.person else { return nil }
        let stage = alert.stage(of: person)
        guard notice.about != .over, let stage, let (view, telling) = world.view(alert, for: person, stage: stage, at: now) else {
            guard notice.channel == .mqtt else {
                guard notice.about == .over, let address = world.people[person]?.ntfy else { return nil }
                return .phone(
                    PhoneMessage(
                        address: address, title: "Thank you", priority: 2,
                        message: "You are not needed any more for the alert of \(world.zone(of: alert.home).local(alert.raisedAt)?.clock ?? alert.raisedAt.iso)."))
            }
            // Whatever lies there should not: an empty retained message takes it away.
            if notice.about != .over { try discloseCancelled(notice, tx) }
            return .publication(Publication.cleared(person: person, alert: alert.id))
        }
        try rewriteDisclosures(notice, alert, telling, tx)
        let card = card(view, stage, person, isNews: notice.about == .news)
        switch notice.channel {
        case .mqtt: return .publication(card.publication(to: person, now: now))
        case .http:
            guard let address = world.people[person]?.ntfy else { return nil }
            return .phone(
                PhoneMessage(
                    address: address, title: view.detail > .nothing ? view.title : "An alert needs somebody",
                    priority: priority(alert.matter.severity, view.detail), message: card.say))
        case .home: return nil
        }
    }

    private func priority(_ severity: Severity, _ detail: Detail) -> Int {
        guard detail > .nothing else { return 4 }
        return switch severity {
        case .extreme: 5
        case .severe: 4
        case .moderate: 3
        case .minor: 2
        }
    }

    private func card(_ view: AlertView, _ stage: Stage, _ person: PersonID, isNews: Bool) -> AlertCard {
        let alert = view.alert
        let offer = alert.offer(to: person)
        let isCoordinator = world.people[person]?.kind == .coordinator
        let until = alert.holder(person)?.until ?? offer?.answerBy ?? now
        let say: String
        switch stage {
        case _ where view.detail == .nothing: say = view.uncovered()
        case _ where isNews: say = view.news()
        case .asked: say = isCoordinator ? view.unanswered(answerBy: until) : view.asked(answerBy: until)
        case .accepted: say = view.accepted(until: until)
        case .attending: say = view.attending()
        }
        let told = view.detail > .nothing
        return AlertCard(
            alert: alert.id, say: say, severity: told ? alert.matter.severity : nil,
            urgency: told ? alert.matter.urgency : nil, category: told ? alert.matter.category : nil,
            kind: view.detail >= .alert ? alert.matter.kind : nil, place: view.identity ?? view.circle,
            since: view.detail >= .alert ? alert.since : nil, answerBy: until, stage: stage, test: alert.isTest, news: isNews)
    }

    private func homeWords(_ notice: Notice, _ alert: Alert) -> Publication? {
        let say: String
        switch notice.about {
        case .citizen(let news, let person): say = citizenSentence(news, helper: world.name(person))
        case .ended(let how): say = endedSentence(how, by: alert.ending?.by.map { world.name($0) })
        case .part, .news, .over: return nil
        }
        return Publication.citizenNotice(home: alert.home, alert: alert.id, say: say, at: now)
    }

    // MARK: Disclosures that follow the second decision

    /// What is told now may be less or more than what was queued: what stands in the log is what was told.
    private func rewriteDisclosures(_ notice: Notice, _ alert: Alert, _ telling: World.Telling, _ tx: StoreTurn) throws {
        let queued = try openDisclosures(notice.id, tx)
        let toldIdentity = queued.contains { $0.data == "identity" }
        let tellsIdentity = telling.decision.isPermitted && telling.identity.isPermitted
        let sameDetail = queued.first { $0.data != "identity" }.map {
            $0.detail == telling.decision.detail && $0.stage == telling.request.stage
        }
        if sameDetail == true && toldIdentity == tellsIdentity { return }
        try discloseCancelled(notice, tx)
        try disclose(notice, alert, telling, try save(telling, alert, tx), .queued, tx)
    }

    func discloseCancelled(_ notice: Notice, _ tx: StoreTurn) throws {
        for told in try openDisclosures(notice.id, tx) {
            var cancelled = told
            cancelled.at = now
            cancelled.state = .cancelled
            try tx.append(cancelled)
        }
    }

    /// Those that were queued and neither sent nor cancelled since.
    private func openDisclosures(_ notice: NoticeID, _ tx: StoreTurn) throws -> [Disclosure] {
        var open: [Disclosure] = []
        for told in try tx.reader.disclosures(ofNotice: notice) {
            switch told.state {
            case .queued: open.append(told)
            case .cancelled, .sent: open.removeAll { $0.citizen == told.citizen && $0.data == told.data && $0.decision == told.decision }
            case .seen: break
            }
        }
        return open
    }

    // MARK: Outcomes

    /// The broker has it.
    public func published(_ number: Int32) throws {
        guard let id = inFlight.removeValue(forKey: number) else { return }
        try sent(id)
    }

    /// The broker would not have it.
    public func publishRefused(_ number: Int32, _ reason: String) throws {
        guard let id = inFlight.removeValue(forKey: number) else { return }
        try failed(id, reason, final: false)
    }

    public func posted(_ id: NoticeID, _ outcome: PhoneOutcome) throws {
        switch outcome {
        case .delivered: try sent(id)
        case .refused(let status): try failed(id, "the phone's server refused it (HTTP \(status))", final: true)
        case .failed(let reason): try failed(id, reason, final: false)
        }
    }

    private func sent(_ id: NoticeID) throws {
        guard let notice = world.notices.first(where: { $0.id == id }) else { return }
        try turn { tx in
            for told in try openDisclosures(id, tx) {
                var sent = told
                sent.at = now
                sent.state = .sent
                try tx.append(sent)
            }
            try close(notice, .sent, problem: nil, tx)
        }
    }

    private func failed(_ id: NoticeID, _ reason: String, final: Bool) throws {
        guard var notice = world.notices.first(where: { $0.id == id }) else { return }
        try turn { tx in
            if final || notice.attempts >= configuration.limits.noticeAttemptsMax {
                try close(notice, .failed, problem: reason, tx)
                try nextHelperIfUnreachable(notice, tx)
                return
            }
            notice.state = .queued
            notice.problem = reason
            let doublings = min(notice.attempts - 1, 10)
            notice.nextAttemptAt = now + min(Self.retryFirst * (1 << Int64(max(0, doublings))), .hours(1))
            replace(notice)
            try tx.save(notice)
        }
    }

    /// When no channel is left that could reach somebody who was asked, the next one is asked.
    private func nextHelperIfUnreachable(_ notice: Notice, _ tx: StoreTurn) throws {
        guard let person = notice.person, notice.about == .part, let alert = world.alert(notice.alert),
            alert.stage(of: person) == .asked
        else { return }
        let stillTrying = world.notices.contains { $0.alert == alert.id && $0.person == person }
        let reached = try tx.reader.notices(of: alert.id).contains {
            $0.person == person && $0.state == .sent && $0.about == .part
        }
        if !stillTrying && !reached { try handle(.unreachable(person), alert.id, tx) }
    }

    private func replace(_ notice: Notice) {
        if let i = world.notices.firstIndex(where: { $0.id == notice.id }) { world.notices[i] = notice }
    }

    // MARK: The connection

    /// - Parameter sessionPresent: false when the broker knows nothing of us: what lay retained there may be
    ///   gone, so it is said again.
    public func connected(sessionPresent: Bool) throws {
        isConnected = true
        guard !sessionPresent else { return }
        try turn { tx in
            for alert in world.alerts {
                for offer in alert.offers where alert.stage(of: offer.person) != nil {
                    let waiting = world.notices.contains { $0.alert == alert.id && $0.person == offer.person && $0.channel == .mqtt }
                    if !waiting { try queuePart(alert, offer.person, .part, tx) }
                }
            }
        }
    }

    /// What the broker had not acknowledged is sent again; for a retained message twice is as good as once.
    public func disconnected() throws {
        isConnected = false
        let waiting = Set(inFlight.values)
        inFlight.removeAll()
        guard !waiting.isEmpty else { return }
        try turn { tx in
            for var notice in world.notices where waiting.contains(notice.id) && notice.state == .attempted {
                notice.state = .queued
                replace(notice)
                try tx.save(notice)
            }
        }
    }

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
