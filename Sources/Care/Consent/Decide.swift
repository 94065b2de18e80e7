/// What the consent records say of one request. The one place where this is decided.
///
/// - Nothing permits unless a record does: no matching permit, no word.
/// - A permit says how much may be told at most. A refusal says from which detail on nothing may be
///   told, and no permit outweighs it.
/// - Where none of a citizen's permits says anything, what they decided beforehand for emergencies is asked; a
///   refusal stands against it as against any permit.
/// - Data of several citizens (a shared device) need the permit of each: the least of them counts.
/// - A record that cannot be understood or evaluated could be a refusal, so it denies the whole request.
///
/// Pure and total: it throws nothing, and the same input gives the same decision with the same records.
/// `Tests/CareTests/Consent/ConsentSpecification.swift` says the same more slowly; a comparison of random
/// cases holds the two together.
public func decide(_ request: ConsentRequest, holders: [ConsentHolder]) -> Decision {
    guard request.detail > .nothing else { return .denial(.nothingPermits) }
    guard !holders.isEmpty else { return .denial(.nobodyToPermit) }

    var matching: [Matching] = []
    var notEvaluated: [ConsentID] = []
    /// The most that every citizen's permits allow, and the most that all refusals leave.
    var allowed = Detail.readings
    var left = Detail.readings
    var isEmergency = false
    for holder in holders {
        var allowedByCitizen = Detail.nothing
        var forEmergencies: [Matching] = []
        let question = ConsentRecord.Question(request, of: holder.citizen)
        // By its place, because most records are passed over and must not be copied for that.
        for i in holder.records.indices where holder.records[i].mayMatter(to: question) {
            let stored = holder.records[i]
            switch stored.answer(to: request, of: holder) {
            case .silent:
                continue
            case .notEvaluated:
                notEvaluated.append(stored.id)
            case .allows(let most):
                allowedByCitizen = max(allowedByCitizen, most)
                matching.append(Matching(id: stored.id, isRefusal: false, most: most))
            case .allowsInEmergency(let most):
                forEmergencies.append(Matching(id: stored.id, isRefusal: false, most: most))
            case .leaves(let most):
                left = min(left, most)
                matching.append(Matching(id: stored.id, isRefusal: true, most: most))
            }
        }
        if allowedByCitizen == .nothing, let most = forEmergencies.map(\.most).max(), most > .nothing {
            allowedByCitizen = most
            matching += forEmergencies
            isEmergency = true
        }
        allowed = min(allowed, allowedByCitizen)
    }

    guard notEvaluated.isEmpty else { return .denial(.notEvaluated, notEvaluated) }
    guard left > .nothing else {
        return .denial(.refused, matching.lazy.filter { $0.isRefusal && $0.most == .nothing }.map(\.id))
    }
    guard allowed > .nothing else { return .denial(.nothingPermits) }

    let granted = min(request.detail, allowed, left)
    let wasLowered = granted < min(request.detail, allowed)
    let deciding = matching.lazy.filter { $0.isRefusal ? wasLowered && $0.most == granted : $0.most >= granted }
    return Decision(detail: granted, reason: isEmergency ? .emergency : .permitted, decidedBy: inOrder(deciding.map(\.id)))
}

/// A record that has something to say of the request.
private struct Matching {
    var id: ConsentID
    var isRefusal: Bool
    /// Of a permit, the most that it allows; of a refusal, the most that it leaves.
    var most: Detail
}

private enum Verdict {
    /// The record is not about this request.
    case silent
    case allows(Detail)
    case allowsInEmergency(Detail)
    case leaves(Detail)
    case notEvaluated
}

extension StoredConsent {
    fileprivate func answer(to request: ConsentRequest, of holder: ConsentHolder) -> Verdict {
        switch self {
        case .unreadable: .notEvaluated
        case .record(let record): record.answer(to: request, of: holder)
        }
    }
}

extension ConsentRecord {
    fileprivate func answer(to request: ConsentRequest, of holder: ConsentHolder) -> Verdict {
        // Another citizen's record among these is somebody's mistake; to guess whose could disclose.
        guard citizen == holder.citizen else { return .notEvaluated }
        guard holds(at: request.at), holds(inStage: request.stage), holds(whileOpen: request.severity),
            isFor(request.purpose),
            data.contains(where: { $0.matches(request.data) }),
            recipients.contains(where: { $0.matches(request.recipient) }),
            effect != .emergency || isEmergency(request)
        else { return .silent }
        if !hours.isEmpty {
            // The hours come last: only a record that would otherwise match needs to know the time of day.
            guard let local = holder.zone.local(request.at) else { return .notEvaluated }
            guard hours.contains(where: { $0.contains(local) }) else { return .silent }
        }
        switch effect {
        case .permit: return .allows(mostAllowed(of: request.data))
        case .refuse: return .leaves(mostLeft(of: request.data))
        case .emergency: return .allowsInEmergency(request.data == .identity ? mostAllowed(of: request.data) : min(detail, .alert))
        }
    }

    /// Whether it is for this that something was decided beforehand: somebody of a named circle, in an extreme alert;
    /// name and address only for who has accepted.
    private func isEmergency(_ request: ConsentRequest) -> Bool {
        guard let stage = request.stage, request.severity == .extreme, request.data != .identity || stage >= .accepted else { return false }
        return recipients.contains { pattern in
            if case .circle = pattern { pattern.matches(request.recipient) } else { false }
        }
    }

    /// From `from` until `until` or the withdrawal, whichever comes first.
    private func holds(at now: Instant) -> Bool {
        guard from <= now else { return false }
        if let until, until <= now { return false }
        if let withdrawnAt, withdrawnAt <= now { return false }
        return true
    }

    private func holds(inStage reached: Stage?) -> Bool {
        guard let stage else { return true }
        guard let reached else { return false }
        return reached >= stage
    }

    /// What was said for the time of an alert says nothing at other times.
    private func holds(whileOpen open: Severity?) -> Bool {
        guard let severity else { return true }
        guard let open else { return false }
        return open >= severity
    }

    /// A name and address are told or not told: there are no degrees of them, so any permit permits them.
    private func mostAllowed(of data: DataSubject) -> Detail {
        if case .identity = data, detail > .nothing { return .readings }
        return detail
    }

    /// Likewise, any refusal refuses a name and address.
    private func mostLeft(of data: DataSubject) -> Detail {
        if case .identity = data { return .nothing }
        return Detail(rawValue: detail.rawValue - 1) ?? .nothing
    }
}

extension RecipientPattern {
    /// Whether this pattern means that recipient. Only a helper is meant as a member of a circle.
    public func matches(_ recipient: Recipient) -> Bool {
        switch self {
        case .anyone: true
        case .anyHelper: recipient.kind == .helper
        case .anyCoordinator: recipient.kind == .coordinator
        case .anyService: recipient.kind == .service
        case .helper(let person): recipient.kind == .helper && recipient.person == person
        case .coordinator(let person): recipient.kind == .coordinator && recipient.person == person
        case .service(let person): recipient.kind == .service && recipient.person == person
        case .circle(let circle): recipient.kind == .helper && recipient.circles.contains(circle)
        }
    }
}

extension DataPattern {
    /// Whether this pattern means that data. Identity has to be named; nothing else means it.
    public func matches(_ subject: DataSubject) -> Bool {
        switch (self, subject) {
        case (.identity, .identity): true
        case (.identity, _), (_, .identity): false
        case (.everything, .data): true
        case (.category(let meant), .data(let category, _, _)): meant == category
        case (.quantity(let meant), .data(_, let quantity, _)): meant == quantity
        case (.device(let meant), .data(_, _, let device)): meant == device
        }
    }
}

extension HourWindow {
    /// Whether a wall that shows `local` shows a time in this window.
    ///
    /// Nothing but the wall counts: a window holds twice in the hour that comes twice, and not at all in
    /// the hour that a change to summer time skips.
    public func contains(_ local: LocalTime) -> Bool {
        let minute = local.minuteOfDay
        guard let to else { return minute >= from.minute && begins(on: local.weekday) }
        if to > from { return minute >= from.minute && minute < to.minute && begins(on: local.weekday) }
        if minute >= from.minute, begins(on: local.weekday) { return true }
        return minute < to.minute && begins(on: Day(number: local.day.number - 1).weekday)
    }

    private func begins(on day: Weekday) -> Bool { days.isEmpty || days.contains(day) }
}

extension Decision {
    fileprivate static func denial(_ reason: Reason, _ records: some Sequence<ConsentID> = []) -> Decision {
        Decision(detail: .nothing, reason: reason, decidedBy: inOrder(records))
    }
}

/// Sorted and without doubles: two holders may bring the same record.
private func inOrder(_ ids: some Sequence<ConsentID>) -> [ConsentID] {
    var ordered: [ConsentID] = []
    for id in ids.sorted() where ordered.last != id { ordered.append(id) }
    return ordered
}
