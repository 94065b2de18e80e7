import Care

/// The meaning of consent, slowly and in few lines: what `decide` has to say. Where the two differ, one of
/// them is wrong, and this one is meant to be easier to judge. It shares no code with `Decide.swift`.
func specified(_ request: ConsentRequest, _ holders: [ConsentHolder]) -> Decision {
    func denied(_ reason: Decision.Reason, _ records: [ConsentID] = []) -> Decision {
        Decision(detail: .nothing, reason: reason, decidedBy: Set(records).sorted())
    }
    // Every detail that was asked for, from the most to the least.
    let asked = Detail.allCases.reversed().filter { $0 > .nothing && $0 <= request.detail }
    if asked.isEmpty { return denied(.nothingPermits) }
    if holders.isEmpty { return denied(.nobodyToPermit) }

    let unclear = holders.flatMap { holder in holder.records.filter { isUnclear($0, request, holder) } }
    if !unclear.isEmpty { return denied(.notEvaluated, unclear.map(\.id)) }

    // Of every citizen, the records that are about this request.
    let spoken = holders.map { holder in
        holder.records.compactMap { isAbout($0, request, holder) ? known($0) : nil }
    }
    /// None of these permits anything at all.
    func isSilent(_ records: [ConsentRecord]) -> Bool { !records.contains { permit($0, request, .wellbeing) } }
    func permits(_ level: Detail) -> [[ConsentID]] {
        spoken.map { records in
            let speaking = isSilent(records) ? records.filter { inEmergency($0, request, level) } : records.filter { permit($0, request, level) }
            return speaking.map(\.id)
        }
    }
    func refusals(_ level: Detail) -> [ConsentID] {
        spoken.flatMap { records in records.filter { refusal($0, request, level) }.map(\.id) }
    }
    func everyonePermits(_ level: Detail) -> Bool { permits(level).allSatisfy { !$0.isEmpty } }

    // Told is the highest detail that every citizen permits and none refuses.
    guard let told = asked.first(where: { everyonePermits($0) && refusals($0).isEmpty }) else {
        let against = refusals(.wellbeing)
        return against.isEmpty ? denied(.nothingPermits) : denied(.refused, against)
    }
    // The next detail up was held back by refusals only if all had permitted it.
    let next = asked.last { $0 > told }
    let lowering = next.map { everyonePermits($0) ? refusals($0) : [] } ?? []
    return Decision(
        detail: told, reason: spoken.contains(where: isSilent) ? .emergency : .permitted, decidedBy: Set(permits(told).flatMap { $0 } + lowering).sorted())
}

private func permit(_ record: ConsentRecord, _ request: ConsentRequest, _ level: Detail) -> Bool {
    guard record.effect == .permit else { return false }
    return request.data == .identity ? record.detail != .nothing : record.detail >= level
}

/// In an extreme alert, for a helper who is in a circle that the record names: what happened, and who and where for
/// whoever has said that they come.
private func inEmergency(_ record: ConsentRecord, _ request: ConsentRequest, _ level: Detail) -> Bool {
    guard record.effect == .emergency, record.detail != .nothing, request.data == .identity || level <= min(record.detail, .alert) else { return false }
    return isInEmergency(record, request)
}

private func isInEmergency(_ record: ConsentRecord, _ request: ConsentRequest) -> Bool {
    let circles = record.recipients.compactMap { if case .circle(let circle) = $0 { circle } else { nil } }
    let stages: [Stage] = request.data == .identity ? [.accepted, .attending] : [.asked, .accepted, .attending]
    return request.severity == .extreme && request.stage.map { stages.contains($0) } ?? false && request.recipient.kind == .helper
        && !Set(circles).isDisjoint(with: request.recipient.circles)
}

private func refusal(_ record: ConsentRecord, _ request: ConsentRequest, _ level: Detail) -> Bool {
    record.effect == .refuse && (request.data == .identity || record.detail <= level)
}

private func known(_ stored: StoredConsent) -> ConsentRecord? {
    if case .record(let record) = stored { record } else { nil }
}

/// It cannot be read, it is another's, or its hours would decide and the time of day is not known.
private func isUnclear(_ stored: StoredConsent, _ request: ConsentRequest, _ holder: ConsentHolder) -> Bool {
    guard let record = known(stored), record.citizen == holder.citizen else { return true }
    return !record.hours.isEmpty && wallMinute(request.at, holder.zone) == nil && isAboutButForHours(record, request)
}

private func isAbout(_ stored: StoredConsent, _ request: ConsentRequest, _ holder: ConsentHolder) -> Bool {
    guard let record = known(stored), isAboutButForHours(record, request) else { return false }
    guard !record.hours.isEmpty else { return true }
    guard let now = wallMinute(request.at, holder.zone) else { return false }
    return record.hours.contains { windows(of: $0, around: now).contains { $0.contains(now) } }
}

private func isAboutButForHours(_ record: ConsentRecord, _ request: ConsentRequest) -> Bool {
    if record.effect == .emergency && !isInEmergency(record, request) { return false }
    let end = min(record.until?.milliseconds ?? .max, record.withdrawnAt?.milliseconds ?? .max)
    let purposes = record.purposes.isEmpty ? Purpose.allCases : record.purposes
    let stages: [Stage?] = record.stage.map { first in Stage.allCases.filter { $0 >= first } } ?? Stage.allCases + [nil]
    return record.from.milliseconds <= request.at.milliseconds && request.at.milliseconds < end
        && purposes.contains(request.purpose) && stages.contains(request.stage)
        && severities(record).contains(request.severity)
        && !Set(record.recipients).isDisjoint(with: meaning(request.recipient))
        && !Set(record.data).isDisjoint(with: meaning(request.data))
}

/// All alerts' severities at which a record holds, and nil where it holds outside of alerts.
private func severities(_ record: ConsentRecord) -> [Severity?] {
    switch record.severity {
    case nil: [nil, .minor, .moderate, .severe, .extreme]
    case .minor: [.minor, .moderate, .severe, .extreme]
    case .moderate: [.moderate, .severe, .extreme]
    case .severe: [.severe, .extreme]
    case .extreme: [.extreme]
    }
}

/// All patterns that mean this recipient.
private func meaning(_ recipient: Recipient) -> [RecipientPattern] {
    switch recipient.kind {
    case .helper: [.anyone, .anyHelper, .helper(recipient.person)] + recipient.circles.map { .circle($0) }
    case .coordinator: [.anyone, .anyCoordinator, .coordinator(recipient.person)]
    case .service: [.anyone, .anyService, .service(recipient.person)]
    }
}

/// All patterns that mean this data.
private func meaning(_ subject: DataSubject) -> [DataPattern] {
    guard case .data(let category, let quantity, let device) = subject else { return [.identity] }
    return [.everything, .category(category)] + (quantity.map { [.quantity($0)] } ?? [])
        + (device.map { [.device($0)] } ?? [])
}

/// Minutes that a wall clock would have counted since 1970 if it had never been changed.
private func wallMinute(_ at: Instant, _ zone: Zone) -> Int64? {
    guard at < zone.until, let current = zone.transitions.last(where: { $0.at <= at }) else { return nil }
    return Int64((Double(at.milliseconds) / 60_000 + Double(current.offsetSeconds) / 60).rounded(.down))
}

/// The window as it began on the days around `now`, each as wall-clock minutes.
private func windows(of window: HourWindow, around now: Int64) -> [Range<Int64>] {
    let today = now / 1_440
    return [today - 1, today].filter { window.days.isEmpty || window.days.contains(Day(number: $0).weekday) }.map {
        let begin = $0 * 1_440 + Int64(window.from.minute)
        let end = $0 * 1_440 + Int64(window.to?.minute ?? 1_440)
        return begin..<(end > begin ? end : end + 1_440)
    }
}
