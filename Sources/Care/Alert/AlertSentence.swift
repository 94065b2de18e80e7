/// What may be said of one alert to one person at one moment: consent has already decided.
public struct AlertView: Hashable, Sendable {
    public var alert: Alert
    /// What consent permits of what happened.
    public var detail: Detail
    /// Name and address, where consent permits identity.
    public var identity: String?
    /// "Oak Street"; nil when the home is in no circle.
    public var circle: String?
    public var zone: Zone
    /// Which number to call when a life is in danger: "112".
    public var emergencyNumber: String

    public init(
        alert: Alert, detail: Detail, identity: String?, circle: String?, zone: Zone, emergencyNumber: String
    ) {
        self.alert = alert
        self.detail = detail
        self.identity = identity
        self.circle = circle
        self.zone = zone
        self.emergencyNumber = emergencyNumber
    }

    private var place: String { circle.map { "in \($0)" } ?? "near you" }
    private func clock(_ instant: Instant) -> String { zone.local(instant)?.clock ?? instant.iso }
    /// With the day, where it is not the one on which the alert was raised.
    private func dayAndClock(_ instant: Instant) -> String {
        guard let local = zone.local(instant) else { return instant.iso }
        return local.day == zone.local(alert.raisedAt)?.day ? local.clock : local.inWords
    }
    private var test: String { alert.isTest ? "This is a test, nobody is in danger. " : "" }

    /// What happened, as far as it may be said: "Someone has fallen." or that a knock is wanted.
    private var happened: String {
        guard detail >= .alert else { return "Someone \(place) needs a knock on the door." }
        var said = alert.matter.say
        if detail >= .readings, let quantity = alert.quantity, quantity.kind == .number, let value = alert.value {
            said += " The reading was \(words(value)) \(spoken(quantity.unit)) (\(quantity.words))."
        }
        return said + late
    }

    /// When it happened, where the word of it had to wait.
    private var late: String {
        guard let earliest = alert.earliest else { return "" }
        if alert.isInfrastructure { return " It is about the time from \(dayAndClock(earliest)) to \(dayAndClock(alert.since))." }
        let when =
            earliest == alert.since
            ? "at \(dayAndClock(earliest))" : "some time between \(dayAndClock(earliest)) and \(dayAndClock(alert.since))"
        return " That was \(when); the word of it came late, at \(clock(alert.raisedAt))."
    }

    /// Each sentence of severity *extreme* says which number to call. Where only a knock may be asked for, each
    /// one does, so that naming the number does not tell how bad it is.
    private var emergency: String {
        alert.matter.severity == .extreme || detail < .alert ? " If a life is in danger, call \(emergencyNumber)." : ""
    }

    private var over: String {
        alert.conditionOverAt.map { " What was noticed is over since \(clock($0)); please look in all the same." } ?? ""
    }

    /// To somebody who is asked to come.
    public func asked(answerBy: Instant) -> String {
        let place = detail >= .alert ? " It is \(self.place)." : ""
        return "\(test)\(happened)\(place) Can you go? Please answer by \(clock(answerBy)).\(emergency)"
    }

    /// To somebody who said that they come.
    public func accepted(until: Instant) -> String {
        if alert.isInfrastructure { return attending() }
        let whither =
            identity.map { "Thank you for going to \($0)." }
            ?? "Thank you for going. The address may not be told; if you do not know whom it is about, please decline."
        return "\(test)\(whither) \(happened)\(over) Please be there by \(clock(until)).\(emergency)"
    }

    /// To somebody who has arrived.
    public func attending() -> String {
        if alert.isInfrastructure { return "Thank you for looking after it. \(happened) Say \u{201C}resolve\u{201D} when it is done." }
        let with = identity.map { "You are with \($0)." } ?? "Thank you for being there."
        return "\(test)\(with) \(happened)\(over) Say \u{201C}resolve\u{201D} when it is over.\(emergency)"
    }

    /// Before the sentence of their stage, when something happened while they hold it.
    public var news: String {
        if alert.conditionOverAt != nil { return "There is news." }
        return "It happened again at \(clock(alert.lastOccurrenceAt))."
    }

    /// To a coordinator who took charge of an alert of which they may know nothing but that it is there.
    public func takenCharge() -> String {
        "\(test)You have taken charge of an alert\(circle.map { " in \($0)" } ?? ""). What it is about you may not be told; "
            + "whom it is about decides that. If a life may be in danger, call \(emergencyNumber)."
    }

    /// To a coordinator whom consent allows nothing but the fact.
    public func uncovered() -> String {
        let place = circle.map { " in \($0)" } ?? ""
        let why =
            alert.hasAskedHelpers
            ? "is unanswered: helpers were asked and none comes yet." : "is uncovered: no helper can be asked."
        // The number is named in each of these, so that it says nothing about the alert.
        return "\(test)An alert\(place) \(why) If a life may be in danger, call \(emergencyNumber)."
    }

    /// To a coordinator whom consent allows more.
    public func unanswered(answerBy: Instant) -> String {
        if alert.isInfrastructure { return "\(happened) Can you look after it? Please answer by \(clock(answerBy))." }
        let who = identity.map { " It is about \($0)." } ?? (detail >= .alert ? " It is \(place)." : "")
        let why = alert.hasAskedHelpers ? "No helper comes yet." : "No helper can be asked."
        return "\(test)\(happened)\(who) \(why) Please answer by \(clock(answerBy)).\(emergency)"
    }

    /// A title for a phone, of a few words.
    public var title: String {
        let what = detail >= .alert ? capitalised(alert.matter.kind) : "Please knock"
        return (alert.isTest ? "TEST: " : "") + what + (circle.map { " in \($0)" } ?? "")
    }
}

/// To the citizen, on `homes/<home>/caring/notices`.
public func citizenSentence(_ news: CitizenNews, helper: String) -> String {
    switch news {
    case .coming: "\(helper) is on the way to you."
    case .arrived: "\(helper) has arrived."
    case .notComing: "\(helper) is not coming after all. Others are being asked."
    }
}

public func endedSentence(_ how: Alert.Ending.How, by: String?) -> String {
    switch how {
    case .resolved: "Your alert is closed\(by.map { ", \($0) says" } ?? "")."
    case .cancelled: "You have cancelled your alert. Nobody comes because of it."
    case .over: "What was noticed is over. Your alert has ended."
    case .assumed: "The alert was ended by the replay."
    }
}

extension HistoryEntry {
    /// For people: what happened, without when. `name` makes a person's name readable.
    public func sentence(_ name: (PersonID) -> String) -> String {
        let who = person.map(name) ?? "Somebody"
        let note = text.map { " They wrote: \u{201C}\(safeText($0, charactersMax: 500))\u{201D}" } ?? ""
        switch what {
        case .raised: return "The alert was raised."
        case .asked: return "\(who) was asked."
        case .askedAgain: return "\(who) was asked again."
        case .nobodyToAsk: return "There is nobody left to ask at the moment; all are asked again soon."
        case .uncovered: return "No helper can be asked; it went to the coordinators."
        case .accepted: return "\(who) accepted.\(note)"
        case .declined: return "\(who) declined.\(note)"
        case .gaveBack: return "\(who) cannot come after all and gave it back.\(note)"
        case .arrived: return "\(who) arrived.\(note)"
        case .resolved: return "\(who) closed it.\(note)"
        case .cancelled: return "\(who) cancelled it.\(note)"
        case .over: return "It is over: the rule saw it end, and nobody was on the way."
        case .assumed: return "It was ended by the replay, which has no people to answer."
        case .unanswered:
            return person == nil ? "No helper comes; it went to the coordinators." : "\(who) did not answer in time."
        case .lateForArrival: return "\(who) did not say in time that they arrived."
        case .lateForResolution: return "\(who) did not say in time that it is over."
        case .stoodDown: return "\(who) was told that somebody else goes."
        case .retracted: return "\(who) is not told any longer: consent has ended."
        case .unreachable: return "\(who) could not be reached."
        case .seenAgain: return "It was seen again."
        case .conditionOver: return "What was seen is over."
        case .toldInEmergency: return "In an emergency, although nothing else permitted it, \(who) was told \(text ?? "something")."
        case .askingAgain: return "Helpers are asked again."
        }
    }
}

/// "84", "37.5": no more digits than were measured, to three decimals.
public func words(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "?" }
    let thousandths = Int64((value * 1_000).rounded())
    let (whole, part) = (thousandths / 1_000, abs(thousandths % 1_000))
    let sign = thousandths < 0 && whole == 0 ? "-" : ""
    guard part != 0 else { return "\(sign)\(whole)" }
    var digits = pad(Int(part), 3)
    while digits.last == "0" { digits.removeLast() }
    return "\(sign)\(whole).\(digits)"
}

/// A UCUM unit as people write it.
public func spoken(_ unit: String) -> String {
    switch unit {
    case "Cel": "°C"
    case "mm[Hg]": "mmHg"
    case "/min": "per minute"
    case "[ppm]": "ppm"
    case "ug/m3": "µg/m³"
    case "mg/m3": "mg/m³"
    case "kW.h": "kWh"
    case "{steps}": "steps"
    case "{score}": "points"
    default: unit
    }
}

