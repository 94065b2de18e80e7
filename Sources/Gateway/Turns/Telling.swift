import Care
import Store

/// decide ─▶ enqueue: the decision and the disclosure are written in the turn that queues the notice.
extension Engine {
    /// Queues what a person's part in an alert is now, over every channel they have.
    func queuePart(_ alert: Alert, _ person: PersonID, _ about: Notice.About, phone: Bool = true, _ tx: StoreTurn) throws {
        guard let known = world.people[person], let stage = alert.stage(of: person),
            let telling = world.telling(person, of: alert, stage: stage, at: now)
        else { return }
        let decision = try save(telling, alert, tx)
        // A coordinator may always learn *that* an alert is unanswered, and a helper who accepted is shown
        // that they did; but then nothing of what happened is in it (see `World.view`).
        guard telling.decision.isPermitted || known.kind == .coordinator else {
            try queueOver(alert, person, tellPhone: false, tx)
            return
        }
        var channels: [Notice.Channel] = [.mqtt]
        if phone, known.ntfy != nil { channels.append(.http) }
        for channel in channels {
            try supersede(alert.id, person, channel, tx)
            let notice = Notice(
                id: NoticeID(try tx.next("notice")), alert: alert.id, person: person, home: alert.home, channel: channel,
                about: about, queuedAt: now, decision: decision)
            try queue(notice, tx)
            try disclose(notice, alert, telling, decision, .queued, tx)
        }
    }

    /// Queues that a person's part is over: what their client shows is cleared. Tells nothing about anybody.
    func queueOver(_ alert: Alert, _ person: PersonID, tellPhone: Bool, _ tx: StoreTurn) throws {
        try supersede(alert.id, person, .mqtt, tx)
        try queue(
            Notice(
                id: NoticeID(try tx.next("notice")), alert: alert.id, person: person, home: alert.home, channel: .mqtt,
                about: .over, queuedAt: now, decision: nil), tx)
        try supersede(alert.id, person, .http, tx)
        guard tellPhone, world.people[person]?.ntfy != nil else { return }
        try queue(
            Notice(
                id: NoticeID(try tx.next("notice")), alert: alert.id, person: person, home: alert.home, channel: .http,
                about: .over, queuedAt: now, decision: nil), tx)
    }

    /// Whether this person's client may show something of this alert: a card went out, or may have. Where none did
    /// there is nothing to retract.
    func mayBeShown(_ alert: AlertID, to person: PersonID, _ tx: StoreTurn) throws -> Bool {
        try tx.reader.notices(of: alert).contains {
            $0.person == person && $0.channel == .mqtt && $0.about != .over && $0.attempts > 0
        }
    }

    /// Queues a word to the citizen.
    func queueHome(_ alert: Alert, _ about: Notice.About, _ tx: StoreTurn) throws {
        if alert.isInfrastructure { return }
        try queue(
            Notice(
                id: NoticeID(try tx.next("notice")), alert: alert.id, person: nil, home: alert.home, channel: .home,
                about: about, queuedAt: now, decision: nil), tx)
    }

    private func queue(_ notice: Notice, _ tx: StoreTurn) throws {
        guard outbound != nil else { return }  // A replay tells nobody.
        world.notices.append(notice)
        queuedInTurn.append(notice.id)
        try tx.save(notice)
    }

    /// A newer word about the same part takes the place of one that was not sent yet.
    private func supersede(_ alert: AlertID, _ person: PersonID, _ channel: Notice.Channel, _ tx: StoreTurn) throws {
        for notice in world.notices
        where notice.alert == alert && notice.person == person && notice.channel == channel && notice.state == .queued {
            try close(notice, .cancelled, problem: "a newer word took its place", tx)
        }
    }

    /// Takes a notice out of the queue with its outcome; its disclosures follow.
    func close(_ notice: Notice, _ state: Notice.State, problem: String?, _ tx: StoreTurn) throws {
        var done = notice
        done.state = state
        done.problem = problem
        try tx.save(done)
        world.notices.removeAll { $0.id == notice.id }
        if state == .cancelled || state == .failed { try discloseCancelled(notice, tx) }
    }

    // MARK: Decisions and disclosures

    /// Writes down what was decided of telling this person; one row for what happened, one for identity.
    /// - Returns: the first one's id.
    func save(_ telling: World.Telling, _ alert: Alert, _ tx: StoreTurn) throws -> DecisionID {
        let id = DecisionID(try tx.next("decision"))
        try tx.save(telling.decision, id: id, citizens: alert.citizens, request: telling.request)
        if telling.decision.isPermitted {
            let identity = DecisionID(try tx.next("decision"))
            try tx.save(telling.identity, id: identity, citizens: alert.citizens, request: telling.identityRequest)
        }
        return id
    }

    func disclose(
        _ notice: Notice, _ alert: Alert, _ telling: World.Telling, _ decision: DecisionID, _ state: Disclosure.State,
        _ tx: StoreTurn
    ) throws {
        guard outbound != nil, let person = notice.person else { return }
        for citizen in alert.citizens {
            var told = Disclosure(
                at: now, citizen: citizen, recipient: person, alert: alert.id, notice: notice.id, decision: decision,
                data: alert.quantity?.name ?? alert.matter.category.rawValue, detail: telling.decision.detail,
                stage: telling.request.stage, state: state, isEmergency: telling.decision.reason == .emergency)
            if !telling.decision.isPermitted { told.data = ToldWords.openAlert }
            try tx.append(told)
            if telling.decision.isPermitted && telling.identity.isPermitted {
                told.data = "identity"
                told.detail = telling.identity.detail
                told.isEmergency = telling.identity.reason == .emergency
                // The identity decision is the row after the first one.
                told.decision = DecisionID(decision.number + 1)
                try tx.append(told)
            }
        }
    }

    /// An answer shows that they read it.
    func markSeen(_ alert: AlertID, by person: PersonID, _ tx: StoreTurn) throws {
        let all = try tx.reader.disclosures(ofAlert: alert).filter { $0.recipient == person }
        var seen: [SeenKey] = all.filter { $0.state == .seen }.map(SeenKey.init)
        for told in all where told.state == .sent && !seen.contains(SeenKey(told)) {
            seen.append(SeenKey(told))
            var now = told
            now.at = self.now
            now.state = .seen
            try tx.append(now)
        }
    }

    private struct SeenKey: Equatable {
        var citizen: PersonID
        var data: String
        var detail: Detail
        var stage: Stage?
        init(_ d: Disclosure) { (citizen, data, detail, stage) = (d.citizen, d.data, d.detail, d.stage) }
    }

    // MARK: Consent that changed

    /// Cancels what waits to be sent about a citizen and is not permitted any more.
    func cancelDenied(about citizen: PersonID, _ tx: StoreTurn) throws {
        for notice in world.notices where notice.state == .queued {
            guard let person = notice.person, notice.about == .part || notice.about == .news,
                let alert = world.alert(notice.alert), alert.citizens.contains(citizen)
            else { continue }
            let stage = alert.stage(of: person)
            let allowed = stage.flatMap { world.view(alert, for: person, stage: $0, at: now) } != nil
            if !allowed { try close(notice, .cancelled, problem: "consent ended before it was sent", tx) }
        }
    }

    /// When consent now allows another detail than was told last, what the person's client shows is made anew.
    func refreshIfChanged(_ alert: Alert, _ person: PersonID, _ tx: StoreTurn) throws {
        guard let stage = alert.stage(of: person), let telling = world.telling(person, of: alert, stage: stage, at: now)
        else { return }
        let told = try tx.reader.disclosures(ofAlert: alert.id).filter {
            $0.recipient == person && $0.stage == stage && ($0.state == .sent || $0.state == .queued)
        }
        guard let last = told.last(where: { $0.data != "identity" }) else { return }
        let identityTold = told.last?.data == "identity"
        let identityNow = telling.decision.isPermitted && telling.identity.isPermitted
        if last.detail != telling.decision.detail || identityTold != identityNow { try queuePart(alert, person, .part, tx) }
    }
}
