/// What circles, people and devices are called in sentences: "Oak Street", "Maria", "the hall sensor".
/// The texts are shown as they are, so whoever supplies them makes them fit to show (`safeText`).
public struct ConsentNames: Sendable {
    public var circle: @Sendable (CircleID) -> String
    public var person: @Sendable (PersonID) -> String
    public var device: @Sendable (DeviceID) -> String

    public init(
        circle: @escaping @Sendable (CircleID) -> String, person: @escaping @Sendable (PersonID) -> String,
        device: @escaping @Sendable (DeviceID) -> String
    ) {
        self.circle = circle
        self.person = person
        self.device = device
    }
}

/// A record as one sentence to be read aloud.
///
/// - Parameters:
///   - zone: Of the citizen's home; dates and times are given in it, or in UTC where its table ends.
///   - citizenName: Whose data they are called; nil speaks to the citizen: "your".
///   - now: When given, a record that begins later says when.
public func sentence(
    _ record: ConsentRecord, names: ConsentNames, zone: Zone, citizenName: String? = nil, now: Instant? = nil
) -> String {
    let isPermit = record.effect != .refuse
    let effect = isPermit ? "permits" : "refuses"
    guard !record.recipients.isEmpty else { return "This record names nobody, so it \(effect) nothing." }
    guard !record.data.isEmpty else { return "This record names no data, so it \(effect) nothing." }

    let isAboutAll = record.recipients.contains(.anyone)
    let people = record.recipients.map { words($0, all: isPermit ? "all " : "", names) }
    let owner = citizenName.map { "\($0)'s" } ?? "your"
    var known: String
    if record.effect == .emergency {
        known = list(people, "and") + " may be told in an emergency, although nothing else permits it, \(kindOfThing)"
        if record.data.contains(.identity) { known += ", and \(owner) name and address once they have accepted" }
        known += ", only while an extreme alert is open"
    } else if isPermit {
        known = (isAboutAll ? "Anyone" : list(people, "and")) + " may know " + permitted(record, owner, names)
    } else if isAboutAll {
        // "Anyone may not know" could be heard as "somebody may".
        known = "Nobody may know " + refused(record, owner, names, joinedBy: "or")
    } else {
        known = list(people, "and") + " may not know " + refused(record, owner, names, joinedBy: "nor")
    }
    if let stage = record.stage { known += " " + words(stage) }
    if let severity = record.severity { known += " " + words(whileOpen: severity) }

    var parts = [known]
    parts.append(record.purposes.isEmpty ? "for any purpose" : list(record.purposes.map(words), "or"))
    parts.append(record.hours.isEmpty ? "at any hour" : list(record.hours.map(words), "or"))
    if let now, record.from > now { parts.append("from " + date(record.from, zone)) }
    switch (record.until, record.withdrawnAt) {
    case (nil, nil): parts.append("until withdrawn")
    case (let until?, nil): parts.append("until " + date(until, zone))
    case (nil, let withdrawn?): parts.append("until withdrawn, which was " + when(withdrawn, zone))
    case (let until?, let withdrawn?):
        parts.append("until \(date(until, zone)), but withdrawn \(when(withdrawn, zone))")
    }
    return capitalised(parts.joined(separator: ", ")) + "."
}

/// Why a request was permitted or denied, in one plain sentence about `citizen` in the third person.
///
/// It speaks of this one request: "may not be told" does not say that nobody told them before.
public func sentence(
    _ decision: Decision, for request: ConsentRequest, names: ConsentNames, citizen: String
) -> String {
    let recipient = capitalised(names.person(request.recipient.person))
    let subject = words(request.data, citizen, names)
    guard decision.isPermitted else {
        guard decision.reason != .nobodyToPermit else {
            return "\(recipient) may not be told anything: the data belong to no citizen who could permit it."
        }
        let isIdentity = request.data == .identity
        return "\(recipient) may not be told \(isIdentity ? subject : "anything about \(subject)")"
            + because(decision) + "."
    }
    let told =
        switch (request.data, decision.detail) {
        case (.identity, _): subject
        case (_, .nothing): "nothing about \(subject)"
        case (_, .wellbeing): "\(wellbeing) (\(subject))"
        case (_, .alert): "\(kindOfThing) (\(subject))"
        case (_, .summary): "\(figures) about \(subject)"
        case (_, .readings): "everything about \(subject), to the single value"
        }
    let ids = list(decision.decidedBy.map(\.description), "and")
    if decision.decidedBy.isEmpty {
        // One of several people sees it, and none of the records is theirs.
        return "\(recipient) may be told \(told)\(decision.detail == request.detail ? "" : " and no more"), because \(decision.reason == .emergency ? "this is an emergency" : "those whom it is about permit it")."
    }
    if decision.reason == .emergency {
        let isOne = decision.decidedBy.count == 1
        return "\(recipient) may be told \(told)\(decision.detail == request.detail ? "" : " and no more"), because this is an emergency: "
            + "\(isOne ? "consent \(ids) allows" : "consents \(ids) allow") it then, and nothing else does."
    }
    guard decision.detail == request.detail else {
        // A record that lowers it may be among them; which one, only the records themselves say.
        return "\(recipient) may be told \(told) and no more, because "
            + (decision.decidedBy.count == 1
                ? "consent \(ids) permits just that." : "consents \(ids) come to just that.")
    }
    return "\(recipient) may be told \(told), because "
        + (decision.decidedBy.count == 1 ? "consent \(ids) permits it." : "consents \(ids) permit it.")
}

private func because(_ decision: Decision) -> String {
    let ids = list(decision.decidedBy.map(\.description), "and")
    let isOne = decision.decidedBy.count == 1
    switch decision.reason {
    case .refused: return ", because \(ids) \(isOne ? "refuses" : "refuse") it"
    case .notEvaluated:
        return ", because \(isOne ? "record" : "records") \(ids) could not be understood, and what cannot be "
            + "understood could be a refusal"
    case .notAllPermit: return ", because not everybody whom it is about permits it"
    case .nothingPermits, .permitted, .emergency, .nobodyToPermit: return ": no consent record permits it"
    }
}

// MARK: - What

private let wellbeing = "whether all is well or someone should knock"
private let kindOfThing = "that something happened and what"
private let figures = "daily or hourly figures"

private func permitted(_ record: ConsentRecord, _ owner: String, _ names: ConsentNames) -> String {
    let identity = "\(owner) name and address"
    let (subjects, hasIdentity) = subjects(record, owner, names)
    let about = list(subjects, "and")
    if record.detail == .nothing {
        return "nothing about " + list(subjects + (hasIdentity ? [identity] : []), "or")
    }
    guard !subjects.isEmpty else { return identity }
    // In brackets the kinds of data stand without "your": "(safety and health)".
    let kinds = record.data.filter { $0 != .identity }.map { words($0, nil, names) }
    let tag = record.data.contains(.everything) ? "" : " (\(list(kinds, "and")))"
    let told =
        switch record.detail {
        case .nothing, .wellbeing: wellbeing + tag
        case .alert: kindOfThing + tag
        case .summary: "\(kindOfThing), and \(figures) about \(about)"
        case .readings: "everything about \(about), to the single value"
        }
    return hasIdentity ? "\(told), and \(identity)" : told
}

private func refused(
    _ record: ConsentRecord, _ owner: String, _ names: ConsentNames, joinedBy conjunction: String
) -> String {
    let identity = "\(owner) name and address"
    let (subjects, hasIdentity) = subjects(record, owner, names)
    guard !subjects.isEmpty else { return identity }
    let about = list(subjects, "or")
    let kept =
        switch record.detail {
        case .nothing, .wellbeing: "anything about \(about)"
        case .alert: "more about \(about) than \(wellbeing)"
        case .summary: "more about \(about) than \(kindOfThing)"
        case .readings: "more about \(about) than \(figures)"
        }
    return hasIdentity ? "\(kept), \(conjunction) \(identity)" : kept
}

/// What a record is about, identity apart.
private func subjects(_ record: ConsentRecord, _ owner: String, _ names: ConsentNames) -> ([String], Bool) {
    let hasIdentity = record.data.contains(.identity)
    // Everything leaves nothing for the others to add.
    if record.data.contains(.everything) { return ([words(.everything, owner, names)], hasIdentity) }
    return (record.data.filter { $0 != .identity }.map { words($0, owner, names) }, hasIdentity)
}

private func words(_ data: DataPattern, _ owner: String?, _ names: ConsentNames) -> String {
    let prefix = owner.map { "\($0) " } ?? ""
    switch data {
    case .everything: return "all that \(prefix)devices notice"
    case .category(let category): return prefix + words(category)
    case .quantity(let quantity): return words(quantity, prefix)
    case .device(let device): return "what \(names.device(device)) measures"
    case .identity: return prefix + "name and address"
    }
}

private func words(_ subject: DataSubject, _ citizen: String, _ names: ConsentNames) -> String {
    switch subject {
    case .identity: return "\(citizen)'s name and address"
    case .data(let category, let quantity, let device):
        let what = "\(citizen)'s " + (quantity.map { words($0, "") } ?? words(category))
        return device.map { "\(what), as \(names.device($0)) measures it" } ?? what
    }
}

private func words(_ category: Category) -> String {
    // The category is about living, not about relatives: movement, presence, checking in.
    category == .family ? "family life" : category.rawValue
}

/// Heart rate belongs to a person, the temperature to a room; states and events are quoted as they are
/// ("in bed"), because no sentence fits around all of them.
private func words(_ quantity: Quantity, _ prefix: String) -> String {
    guard quantity.kind == .number else {
        return quantity.words.hasPrefix("\u{201C}") ? quantity.words : "\u{201C}\(quantity.words)\u{201D}"
    }
    let isOfPerson = quantity.category == .health || quantity.category == .mindfulness
    return isOfPerson ? prefix + quantity.words : quantity.words
}

// MARK: - Who, what for, at which stage

/// `all` is left out of refusals: "all helpers may not know" could be heard as "some may".
private func words(_ recipient: RecipientPattern, all: String, _ names: ConsentNames) -> String {
    switch recipient {
    case .helper(let person), .service(let person): names.person(person)
    case .coordinator(let person): "\(names.person(person)) as coordinator"
    case .anyHelper: "\(all)helpers"
    case .anyCoordinator: "\(all)coordinators"
    case .anyService: "\(all)services"
    case .circle(let circle): "\(names.circle(circle))'s helpers"
    case .anyone: "anyone"
    }
}

private func words(_ purpose: Purpose) -> String {
    switch purpose {
    case .emergencyResponse: "to come and help"
    case .dailySupport: "to help from day to day"
    case .familyContact: "to stay in touch with family"
    case .servicePlanning: "to plan services"
    case .research: "for research"
    }
}

private func words(_ stage: Stage) -> String {
    switch stage {
    case .asked: "once they have been asked"
    case .accepted: "once they have accepted"
    case .attending: "once they are there"
    }
}

private func words(whileOpen severity: Severity) -> String {
    switch severity {
    case .minor: "only while an alert is open"
    case .moderate, .severe: "only while an alert is open that is \(severity.rawValue.lowercased()) or worse"
    case .extreme: "only while an extreme alert is open"
    }
}

// MARK: - When

private func words(_ window: HourWindow) -> String {
    let lastsAllDay = window.from.minute == 0 && (window.to?.minute ?? 0) == 0
    if lastsAllDay { return window.days.isEmpty ? "at any hour" : weekdays(window.days) }
    let runsPastMidnight = window.to.map { $0.minute > 0 && $0 <= window.from } ?? false
    let end = window.to.map { $0.minute == 0 ? "midnight" : $0.clock } ?? "midnight"
    guard !window.days.isEmpty else { return "between \(window.from.clock) and \(end)" }
    return "\(weekdays(window.days)) between \(window.from.clock) and \(end)"
        + (runsPastMidnight ? " the next day" : "")
}

private func weekdays(_ days: [Weekday]) -> String {
    func name(_ position: Int) -> String { capitalised(Weekday.allCases[position].rawValue) }
    let runs = HourWindow.runs(of: days)
    let ranges = runs.filter { $0.count > 1 }.map { "from \(name($0.lowerBound)) to \(name($0.upperBound - 1))" }
    let single = runs.filter { $0.count == 1 }.map { name($0.lowerBound) + "s" }
    return list(ranges + (single.isEmpty ? [] : ["on " + list(single, "and")]), "and")
}

/// `30 June 2027` when that day begins there, else `18:00 on 30 June 2027`.
private func date(_ instant: Instant, _ zone: Zone) -> String {
    guard let local = zone.local(instant), local.milliseconds == 0 else { return time(instant, zone) }
    return local.day.inWords
}

private func when(_ instant: Instant, _ zone: Zone) -> String { "at " + time(instant, zone) }

private func time(_ instant: Instant, _ zone: Zone) -> String {
    if let local = zone.local(instant) { return "\(local.clock) on \(local.day.inWords)" }
    guard let utc = Zone.utc.local(instant) else { return instant.iso }
    return "\(utc.clock) UTC on \(utc.day.inWords)"
}

// MARK: - Words

/// `a`, `a and b`, `a, b and c`.
private func list(_ items: [String], _ conjunction: String) -> String {
    guard let last = items.last, items.count > 1 else { return items.first ?? "" }
    return "\(items.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
}

func capitalised(_ text: String) -> String {
    guard let first = text.first else { return text }
    return first.uppercased() + text.dropFirst()
}
