import Care

/// Questions to consent, put together from the world as it is at that moment.
extension World {
    func holders(_ citizens: [PersonID]) -> [ConsentHolder] {
        citizens.map { citizen in
            ConsentHolder(
                citizen: citizen, zone: people[citizen]?.home.map { zone(of: $0) } ?? .utc,
                records: consents[citizen] ?? [])
        }
    }

    /// What consent says of telling one person about one alert.
    struct Telling: Sendable {
        var request: ConsentRequest
        var decision: Decision
        var identityRequest: ConsentRequest
        var identity: Decision
    }

    /// Nil for somebody who is no recipient: unknown, removed, or a citizen.
    func telling(_ person: PersonID, of alert: Alert, stage: Stage, at now: Instant) -> Telling? {
        guard let recipient = people[person]?.asRecipient else { return nil }
        if alert.isInfrastructure { return tellingOfTrouble(recipient, alert, stage, now) }
        var holders = holders(alert.citizens)
        // A test is no emergency: whoever raises one must not learn by it what nothing else permits.
        if alert.isTest { for i in holders.indices { holders[i].records.removeAll(where: \.isForEmergencies) } }
        // What holds only while an alert is open ends with it.
        let severity = alert.isOpen ? alert.matter.severity : nil
        let request = ConsentRequest(
            recipient: recipient, purpose: alert.matter.purpose,
            data: .data(category: alert.matter.category, quantity: alert.quantity, device: alert.device),
            detail: stage == .attending ? .readings : .alert, stage: stage, severity: severity, at: now)
        let identityRequest = ConsentRequest(
            recipient: recipient, purpose: alert.matter.purpose, data: .identity, detail: .alert, stage: stage,
            severity: severity, at: now)
        return Telling(
            request: request, decision: decide(request, holders: holders),
            identityRequest: identityRequest, identity: decide(identityRequest, holders: holders))
    }

    /// Trouble with the gateway itself is about nobody, so nobody's consent is asked; it is told to coordinators only.
    private func tellingOfTrouble(_ recipient: Recipient, _ alert: Alert, _ stage: Stage, _ now: Instant) -> Telling? {
        guard people[recipient.person]?.kind == .coordinator else { return nil }
        let request = ConsentRequest(
            recipient: recipient, purpose: alert.matter.purpose, data: .data(category: alert.matter.category, quantity: nil, device: nil),
            detail: .alert, stage: stage, at: now)
        return Telling(
            request: request, decision: Decision(detail: .alert, reason: .permitted, decidedBy: []), identityRequest: request,
            identity: Decision(detail: .nothing, reason: .nobodyToPermit, decidedBy: []))
    }

    /// Whom a step of the plan would ask for this alert now, best first.
    func candidates(_ step: Step, for alert: Alert, now: Instant) -> [PersonID] {
        let home = homes[alert.home]
        return Care.candidates(
            for: step, homeCircle: home?.circle, homePosition: home?.position, zone: zone(of: alert.home),
            responders: responders(for: alert.matter.severity), now: now,
            permits: { mayBeAsked($0.person, alert, now) })
    }

    /// What this person may see of the alert now; nil when nothing at all may be shown.
    /// Coordinators always learn that an alert is open, which a view of detail *nothing* says.
    func view(_ alert: Alert, for person: PersonID, stage: Stage, at now: Instant) -> (view: AlertView, telling: Telling)? {
        guard let telling = telling(person, of: alert, stage: stage, at: now) else { return nil }
        guard telling.decision.isPermitted || people[person]?.kind == .coordinator else { return nil }
        let circle = homes[alert.home]?.circle.map { circleTitle($0) }
        let identity = telling.decision.isPermitted && telling.identity.isPermitted ? identityWords(alert) : nil
        return (
            AlertView(
                alert: alert, detail: telling.decision.detail, identity: identity, circle: circle,
                zone: zone(of: alert.home), emergencyNumber: emergencyNumber),
            telling
        )
    }

    /// "Ada Brown, 3 Elm Road": only where consent permits identity.
    func identityWords(_ alert: Alert) -> String {
        let names = alert.citizens.map { name($0) }
        let who = names.count > 1 ? names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "") : names.first ?? "somebody"
        return who + (homes[alert.home]?.address.map { ", \($0)" } ?? "")
    }
}
