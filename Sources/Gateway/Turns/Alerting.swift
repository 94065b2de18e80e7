import Care
import Store

/// detect ─▶ alert ─▶ decide ─▶ enqueue.
extension Engine {
    /// Performs what the detectors put out: rows for what must survive a restart, alerts for what was seen.
    func takeOver(_ tx: StoreTurn) throws {
        let done = output
        output.removeAll(keepingCapacity: true)
        for (key, phase) in done.phases { try tx.save(phase, key: key.text) }
        for (key, at) in done.deadlines { try saveDeadline(.detector(key), at, tx) }
        for detection in done.detections { try take(detection, tx) }
    }

    private func take(_ detection: Detection, _ tx: StoreTurn) throws {
        guard let rule = world.rules[detection.rule], world.homes[detection.home] != nil else { return }
        let citizens =
            detection.device.flatMap { world.device($0)?.device.citizens } ?? world.citizens(of: detection.home)
        let source = Alert.Source(series: detection.series, device: detection.device)
        switch detection.what {
        case .over:
            for alert in world.alerts where alert.matter.rule == rule.id && alert.home == detection.home {
                guard let index = world.alertIndex(alert.id), alert.sources.contains(source) else { continue }
                world.alerts[index].sources.removeAll { $0 == source }
                // Another sensor still shows it: it is not over.
                if world.alerts[index].sources.isEmpty { try handle(.over, alert.id, tx) } else { try tx.save(world.alerts[index]) }
            }
        case .seen:
            // The same rule on the same home and citizens adds to the open alert; another citizen or a higher
            // severity is a second alert.
            let open = world.alerts.firstIndex {
                $0.matter.rule == rule.id && $0.home == detection.home && $0.citizens == citizens && !$0.isTest
                    && $0.matter.severity >= rule.severity && sameSource($0, detection, rule)
            }
            guard let open else {
                try raise(rule, detection, citizens, isTest: false, tx)
                return
            }
            if !world.alerts[open].sources.contains(source) { world.alerts[open].sources.append(source) }
            let isEvent = if case .event = rule.watch { true } else { false }
            try handle(.seenAgain(isEvent: isEvent), world.alerts[open].id, tx)
        }
    }

    /// A silence is about one device: that another one falls silent is another alert.
    private func sameSource(_ alert: Alert, _ detection: Detection, _ rule: Rule) -> Bool {
        if case .silence = rule.watch { return alert.device == detection.device }
        return true
    }

    @discardableResult
    func raise(
        _ rule: Rule, _ detection: Detection, _ citizens: [PersonID], isTest: Bool, _ tx: StoreTurn
    ) throws -> AlertID? {
        // Only a rule that has an alert open in this home already can be one too many: fifty silent devices must
        // not keep an SOS from being raised.
        let open = world.alerts.filter { $0.home == detection.home }
        if open.count >= configuration.limits.openAlertsPerHomeMax, isTest || open.contains(where: { $0.matter.rule == rule.id }) {
            counts.alertsNotRaised += 1
            log.error("A home has as many open alerts as it may have; one more of the same rule is not raised.", metadata: ["rule": "\(rule.id)"])
            return nil
        }
        var alert = Alert(
            id: AlertID(try tx.next("alert")), matter: .init(rule), home: detection.home, citizens: citizens,
            device: detection.device, quantity: detection.series.flatMap { world.seriesInfo($0)?.quantity },
            value: detection.value?.asNumber, raisedAt: now, since: min(detection.at, now), lastSeen: detection.lastSeen,
            isTest: isTest)
        alert.earliest = earliest(detection)
        alert.sources = isTest ? [] : [.init(series: detection.series, device: detection.device)]
        world.alerts.append(alert)
        // Written down there, before anything that refers to it.
        try handle(.raised, alert.id, tx)
        return alert.id
    }

    /// Since when it may have happened, where the message that showed it had waited at the broker; nil where it was not late.
    private func earliest(_ detection: Detection) -> Instant? {
        guard let queuedSince = line.queuedSince else { return nil }
        switch detection.source {
        case .queued: return min(queuedSince, detection.at)
        case .device: return now - detection.at >= Line.queuedAfter ? detection.at : nil
        case .arrival, nil: return nil
        }
    }

    /// One input to one alert, and everything that follows from it within this turn.
    ///
    /// - Returns: why a person's answer changed nothing; nil otherwise.
    @discardableResult
    func handle(_ input: AlertInput, _ id: AlertID, _ tx: StoreTurn) throws -> AnswerProblem? {
        guard let index = world.alertIndex(id) else { return .alertIsOver }
        var alert = world.alerts[index]
        let held = alert.holders.map(\.person)
        let before = try tx.reader.counter("offer")
        // Values of before: whom a step would ask does not depend on what this input changes.
        let (world, now, matter) = (self.world, self.now, alert)
        var machine = AlertMachine(
            plan: world.plan(alert.matter.plan), nextOffer: before,
            candidates: { step in world.candidates(step, for: matter, now: now) })
        let actions: [AlertAction]
        do throws(AnswerProblem) {
            actions = try machine.handle(input, &alert, now: now)
        } catch {
            return error
        }
        if machine.nextOffer != before { try tx.setCounter("offer", machine.nextOffer) }
        self.world.alerts[index] = alert
        try tx.save(alert)
        for action in actions { try perform(action, alert, heldBefore: held, tx) }
        try saveDeadline(.alert(id), nextLook(alert), tx)
        if !alert.isOpen {
            self.world.alerts.removeAll { $0.id == id }
            nextPressIsNew(alert)
        }
        return nil
    }

    /// Whoever presses again after their call was ended, by mistake perhaps, calls again: that is no telegram of the press before.
    private func nextPressIsNew(_ alert: Alert) {
        for state in world.devices(of: alert.home) where alert.device == nil || alert.device == state.device.id {
            for slot in state.slots.indices where state.slots[slot].quantity == alert.quantity {
                world.devices[Int(state.device.id.number)]?.slots[slot].lastEventAt = nil
            }
        }
    }

    /// The alert decides, this does.
    private func perform(_ action: AlertAction, _ alert: Alert, heldBefore: [PersonID], _ tx: StoreTurn) throws {
        switch action {
        case .ask(let offer): try queuePart(alert, offer.person, .part, tx)
        case .tellHolder(let person): try queuePart(alert, person, .part, tx)
        case .tellNews(let person): try queuePart(alert, person, .news, tx)
        case .standDown(let person, let state):
            // Who was on the way is told to turn round, on the phone too; who has closed it themselves is not.
            let wasHolder = heldBefore.contains(person) && alert.ending?.by != person && state != .declined
            try queueOver(alert, person, tellPhone: state == .stoodDown || wasHolder, tx)
        case .tellCitizen(let news, let person): try queueHome(alert, .citizen(news, person), tx)
        case .ended(let ending): try queueHome(alert, .ended(ending.how), tx)
        case .note(let what, let person, let text):
            try tx.append(HistoryEntry(at: now, what: what, person: person, text: text), to: alert.id)
            historyGrew = true
        }
    }

    // MARK: Deadlines of alerts

    func alertDue(_ id: AlertID, _ tx: StoreTurn) throws {
        guard let alert = world.alert(id) else {
            try saveDeadline(.alert(id), nil, tx)
            return
        }
        if let after = assumeEndedAfter, now - alert.lastOccurrenceAt >= after {
            try handle(.assumeEnded, id, tx)
            return
        }
        try recheck(id, tx)
        if let due = world.alert(id)?.deadline, due <= now { try handle(.due, id, tx) }
        if let alert = world.alert(id) { try saveDeadline(.alert(id), nextLook(alert), tx) }
    }

    /// When the alert itself, or the consent it lives by, has to be looked at again.
    private func nextLook(_ alert: Alert) -> Instant? {
        guard alert.isOpen else { return nil }
        var next = [alert.deadline, assumeEndedAfter.map { alert.lastOccurrenceAt + $0 }].compactMap { $0 }.min()
        guard !alert.offers.isEmpty || alert.asking != nil else { return next }
        for citizen in alert.citizens {
            for case .record(let record) in world.consents[citizen] ?? [] where record.withdrawnAt == nil {
                for edge in [record.from, record.until].compactMap({ $0 }) where edge > now { next = min(next ?? edge, edge) }
                if !record.hours.isEmpty, record.until ?? .distantFuture > now {
                    // Its hours may begin or end: looked at each minute, as the clocks show no less.
                    let edge = Instant(milliseconds: (now.milliseconds / 60_000 + 1) * 60_000)
                    next = min(next ?? edge, edge)
                }
            }
        }
        return next
    }

    // MARK: Consent that changed

    /// Decides anew for everybody who has a part in the alert.
    func recheck(_ id: AlertID, _ tx: StoreTurn) throws {
        guard let alert = world.alert(id) else { return }
        var lost: [PersonID] = []
        for offer in alert.offers {
            guard let stage = alert.stage(of: offer.person) else { continue }
            guard let telling = world.telling(offer.person, of: alert, stage: stage, at: now) else {
                lost.append(offer.person)
                continue
            }
            if offer.role == .helper, !telling.decision.isPermitted { lost.append(offer.person) }
        }
        try handle(.recheck(lost: lost), id, tx)
        guard let after = world.alert(id) else { return }
        // Who keeps their part may be allowed to know less, or more, than what they were shown.
        for offer in after.offers where !lost.contains(offer.person) && after.stage(of: offer.person) != nil {
            try refreshIfChanged(after, offer.person, tx)
        }
    }

    /// After a citizen's records changed: all their open alerts, and what waits to be sent.
    func consentChanged(_ citizen: PersonID, _ tx: StoreTurn) throws {
        for alert in world.alerts where alert.citizens.contains(citizen) { try recheck(alert.id, tx) }
        try cancelDenied(about: citizen, tx)
        try feedsChanged(about: citizen, tx)
    }
}
