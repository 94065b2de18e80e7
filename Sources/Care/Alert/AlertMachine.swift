/// What happens to an alert.
public enum AlertInput: Hashable, Sendable {
    /// It was made: begin asking.
    case raised
    /// Its deadline came due.
    case due
    case answered(PersonID, Answer, note: String?)
    case cancelled(by: PersonID, note: String?)
    /// The same rule saw the same again. `isEvent`: something new happened, not the same state repeated.
    case seenAgain(isEvent: Bool)
    /// The condition is over.
    case over
    /// Consent changed: these people may not be told any longer; others perhaps may now.
    case recheck(lost: [PersonID])
    /// No channel reached this person.
    case unreachable(PersonID)
    /// Ends it without a person: `replay` only.
    case assumeEnded
}

/// What has to be done about it. The gateway's one `switch` performs these.
public enum AlertAction: Hashable, Sendable {
    /// Ask this person, or ask again.
    case ask(Offer)
    /// They hold it now, or have arrived: tell them what this stage permits.
    case tellHolder(PersonID)
    /// Something new happened: tell the one who holds it.
    case tellNews(PersonID)
    /// Their part is over: what their client shows is cleared.
    case standDown(PersonID, Offer.State)
    /// Tell the citizen that this person is coming, has arrived, or is not coming after all.
    case tellCitizen(CitizenNews, PersonID)
    /// Goes into the alert's history.
    case note(HistoryEntry.What, PersonID?, text: String?)
    /// It is over: tell the citizen how it ended.
    case ended(Alert.Ending)
}

public enum CitizenNews: String, Codable, Sendable {
    case coming, arrived, notComing = "not-coming"
}

/// One line of an alert's history.
public struct HistoryEntry: Hashable, Codable, Sendable {
    public enum What: String, Codable, Sendable {
        case raised, asked, askedAgain = "asked-again", nobodyToAsk = "nobody-to-ask", uncovered
        case accepted, declined, gaveBack = "gave-back", arrived, resolved, cancelled, over, assumed
        case unanswered, lateForArrival = "late-for-arrival", lateForResolution = "late-for-resolution"
        case stoodDown = "stood-down", retracted, unreachable, seenAgain = "seen-again"
        case conditionOver = "condition-over", askingAgain = "asking-again"
        /// Somebody learned something by what the citizen decided for emergencies. `text`: what, and by which record.
        case toldInEmergency = "told-in-emergency"
    }
    public var at: Instant
    public var what: What
    public var person: PersonID?
    public var text: String?

    public init(at: Instant, what: What, person: PersonID?, text: String?) {
        self.at = at
        self.what = what
        self.person = person
        self.text = text
    }
}

/// Why somebody's answer changed nothing.
public enum AnswerProblem: Error, Hashable, Sendable {
    case alertIsOver
    case notAsked
    case somebodyElseGoes
    case notHolding
}

/// Decides here; does nothing. Value in, value and actions out.
public struct AlertMachine {
    public var plan: Plan
    /// Whom a step would ask now, best first.
    public var candidates: (Step) -> [PersonID]
    /// Counter of offers; identifiers come from counters.
    public var nextOffer: Int64
    /// A new event later than this after the asking began starts it again, although somebody holds the alert.
    public var askAgainAfter: Span = .minutes(30)
    private var actions: [AlertAction] = []

    public init(plan: Plan, nextOffer: Int64, candidates: @escaping (Step) -> [PersonID]) {
        self.plan = plan
        self.nextOffer = nextOffer
        self.candidates = candidates
    }

    public mutating func handle(
        _ input: AlertInput, _ alert: inout Alert, now: Instant
    ) throws(AnswerProblem) -> [AlertAction] {
        actions.removeAll(keepingCapacity: true)
        guard alert.isOpen else {
            if case .answered = input { throw .alertIsOver }
            if case .cancelled = input { throw .alertIsOver }
            return []
        }
        switch input {
        case .raised:
            note(.raised)
            startAsking(&alert, now)
        case .due: due(&alert, now)
        case .answered(let person, let answer, let text): try answered(&alert, person, answer, text, now)
        case .cancelled(let person, let text):
            note(.cancelled, person, text)
            end(&alert, .init(how: .cancelled, at: now, by: person, note: text))
        case .seenAgain(let isEvent): seenAgain(&alert, isEvent, now)
        case .over:
            note(.conditionOver)
            if alert.matter.endsWhenOver && alert.holders.isEmpty {
                note(.over)
                end(&alert, .init(how: .over, at: now, by: nil, note: nil))
            } else {
                alert.conditionOverAt = now
                for holder in alert.holders { actions.append(.tellNews(holder.person)) }
            }
        case .recheck(let lost): recheck(&alert, lost, now)
        case .unreachable(let person):
            guard let i = alert.offers.firstIndex(where: { $0.person == person && $0.state == .open }) else { break }
            note(.unreachable, person)
            alert.offers[i].state = .unreachable
            actions.append(.standDown(person, .unreachable))
            moveOnIfNobodyIsLeft(&alert, now)
        case .assumeEnded:
            note(.assumed)
            end(&alert, .init(how: .assumed, at: now, by: nil, note: nil))
        }
        return actions
    }

    // MARK: Asking

    private mutating func startAsking(_ alert: inout Alert, _ now: Instant, except: [PersonID] = []) {
        // Whoever did not answer last time, was stood down or could not be reached may be asked again in a
        // new round; whoever said no is left in peace, and whoever has just let it lapse is passed over.
        for i in alert.offers.indices {
            switch alert.offers[i].state {
            case .lapsed, .stoodDown, .unreachable:
                alert.offers[i].mayBeAskedAgain = !except.contains(alert.offers[i].person)
            case .open, .accepted, .declined, .retracted: break
            }
        }
        alert.asking = .init(step: 0, until: now, startedAt: now)
        ask(&alert, now)
    }

    /// Asks the next people of the present step or, when it has nobody left, of the first step that has.
    /// A step without anyone to ask takes no time.
    private mutating func ask(_ alert: inout Alert, _ now: Instant) {
        guard var asking = alert.asking else { return }
        while asking.step < plan.steps.count - 1 {
            let step = plan.steps[asking.step]
            let next = candidates(step).filter { mayAsk($0, alert) }.prefix(max(1, step.atOnce))
            if !next.isEmpty {
                alert.hasAskedHelpers = true
                asking.until = now + step.wait
                for person in next { offer(&alert, person, .helper, asking.step, asking.until, now) }
                alert.asking = asking
                return
            }
            asking.step += 1
        }
        alert.asking = asking
        if !askCoordinators(&alert, now) { beginAnew(&alert) }
    }

    private func mayAsk(_ person: PersonID, _ alert: Alert) -> Bool {
        guard let offer = alert.offer(to: person) else { return true }
        switch offer.state {
        case .lapsed, .stoodDown, .unreachable: return offer.mayBeAskedAgain
        // `candidates` names only those whom consent allows now, so it has been given again.
        case .retracted: return true
        case .open, .accepted, .declined: return false
        }
    }

    private mutating func offer(
        _ alert: inout Alert, _ person: PersonID, _ role: Responder.Role, _ step: Int, _ until: Instant, _ now: Instant
    ) {
        alert.isDark = false
        let index: Int
        if let known = alert.offers.firstIndex(where: { $0.person == person }) {
            index = known
            alert.offers[index].step = step
            alert.offers[index].state = .open
            alert.offers[index].askedAt = now
            alert.offers[index].answerBy = until
            alert.offers[index].times += 1
            alert.offers[index].mayBeAskedAgain = false
            note(.askedAgain, person)
        } else {
            nextOffer += 1
            index = alert.offers.count
            alert.offers.append(
                Offer(
                    id: OfferID(nextOffer), person: person, role: role, step: step, askedAt: now, answerBy: until,
                    times: 1, state: .open, mayBeAskedAgain: false))
            note(.asked, person)
        }
        actions.append(.ask(alert.offers[index]))
    }

    /// The last step: every coordinator, again and again until a person answers.
    /// - Returns: whether there was anybody.
    private mutating func askCoordinators(_ alert: inout Alert, _ now: Instant) -> Bool {
        guard let step = plan.steps.last else { return false }
        let until = now + step.wait
        alert.asking?.step = plan.steps.count - 1
        alert.asking?.until = until
        let first = !alert.offers.contains { $0.role == .coordinator }
        if first && !alert.isDark && !alert.isInfrastructure { note(alert.hasAskedHelpers ? .unanswered : .uncovered) }
        let people = candidates(step).filter { person in
            // Who said "not me" is not asked again, and makes room for the next; the others are.
            alert.offer(to: person).map { $0.state != .declined && $0.state != .accepted } ?? true
        }.prefix(max(1, step.atOnce))
        for person in people { offer(&alert, person, .coordinator, plan.steps.count - 1, until, now) }
        return !people.isEmpty
    }

    /// When everybody asked has said no or cannot be reached there is nothing to wait for.
    private mutating func moveOnIfNobodyIsLeft(_ alert: inout Alert, _ now: Instant) {
        guard let asking = alert.asking, asking.step < plan.steps.count - 1 else { return }
        if !alert.offers.contains(where: { $0.state == .open }) { ask(&alert, now) }
    }

    // MARK: Time

    private mutating func due(_ alert: inout Alert, _ now: Instant) {
        let late = alert.holders.filter { $0.until <= now }
        for holder in late {
            note(holder.isAttending ? .lateForResolution : .lateForArrival, holder.person)
            drop(&alert, holder.person, .lapsed)
            // Who is there has come; that they did not say how it went is nothing to frighten the citizen with.
            if !holder.isAttending { actions.append(.tellCitizen(.notComing, holder.person)) }
        }
        if !late.isEmpty && alert.holders.isEmpty {
            note(.askingAgain)
            startAsking(&alert, now, except: late.map(\.person))
            return
        }
        guard let asking = alert.asking, asking.until <= now else { return }
        for i in alert.offers.indices
        where alert.offers[i].state == .open && alert.offers[i].role == .helper && alert.offers[i].answerBy <= now {
            alert.offers[i].state = .lapsed
            note(.unanswered, alert.offers[i].person)
            actions.append(.standDown(alert.offers[i].person, .lapsed))
        }
        if asking.step < plan.steps.count - 1 {
            ask(&alert, now)
        } else {
            let hasAskedNewcomers = askNewcomers(&alert, now)
            let hasAskedCoordinators = askCoordinators(&alert, now)
            if !hasAskedNewcomers && !hasAskedCoordinators { beginAnew(&alert) }
        }
    }

    /// Everybody who could be asked has been, and the last coordinator said no. An alert is never left in the
    /// dark: at the next look those who did not answer are asked once more, and the coordinators all of them.
    private mutating func beginAnew(_ alert: inout Alert) {
        // Said once, not at each look: a scheme without a coordinator must not fill the history.
        if !alert.isDark { note(.nobodyToAsk) }
        alert.isDark = true
        for i in alert.offers.indices {
            switch alert.offers[i].state {
            case .lapsed, .stoodDown, .unreachable: alert.offers[i].mayBeAskedAgain = true
            case .declined where alert.offers[i].role == .coordinator: alert.offers[i].state = .lapsed
            case .open, .accepted, .declined, .retracted: break
            }
        }
    }

    /// While the coordinators are asked, helpers who could not be asked before (off duty, not permitted,
    /// busy) may have become available.
    @discardableResult
    private mutating func askNewcomers(_ alert: inout Alert, _ now: Instant) -> Bool {
        for (index, step) in plan.steps.dropLast().enumerated() {
            let next = candidates(step).filter { mayAsk($0, alert) }.prefix(max(1, step.atOnce))
            guard !next.isEmpty else { continue }
            alert.hasAskedHelpers = true
            for person in next { offer(&alert, person, .helper, index, now + step.wait, now) }
            return true
        }
        return false
    }

    // MARK: People

    private mutating func answered(
        _ alert: inout Alert, _ person: PersonID, _ answer: Answer, _ text: String?, _ now: Instant
    ) throws(AnswerProblem) {
        guard let i = alert.offers.firstIndex(where: { $0.person == person }) else { throw .notAsked }
        let holds = alert.holder(person) != nil
        switch answer {
        case .accept:
            if holds { return }
            try accept(&alert, i, text, now)
        case .decline:
            if holds {
                note(.gaveBack, person, text)
                drop(&alert, person, .declined)
                actions.append(.tellCitizen(.notComing, person))
                if alert.holders.isEmpty { startAsking(&alert, now) }
            } else if alert.offers[i].state == .open || alert.offers[i].state == .lapsed {
                let wasOpen = alert.offers[i].state == .open
                alert.offers[i].state = .declined
                note(.declined, person, text)
                if wasOpen {
                    actions.append(.standDown(person, .declined))
                    moveOnIfNobodyIsLeft(&alert, now)
                }
            }
        case .arrive:
            if !holds { try accept(&alert, i, nil, now) }
            guard let h = alert.holders.firstIndex(where: { $0.person == person }) else { throw .notHolding }
            if alert.holders[h].isAttending { return }
            alert.holders[h].isAttending = true
            alert.holders[h].since = now
            alert.holders[h].until = now + plan.resolveWithin
            note(.arrived, person, text)
            actions.append(.tellHolder(person))
            actions.append(.tellCitizen(.arrived, person))
        case .resolve:
            // A coordinator who was asked may close it as well: they are the person who answers last.
            guard holds || (alert.offers[i].role == .coordinator && alert.offers[i].state == .open) else {
                throw .notHolding
            }
            note(.resolved, person, text)
            end(&alert, .init(how: .resolved, at: now, by: person, note: text))
        }
    }

    /// The first acceptance wins and the others are stood down. One that comes after its time is welcome
    /// as long as nobody holds the alert.
    private mutating func accept(
        _ alert: inout Alert, _ i: Int, _ text: String?, _ now: Instant
    ) throws(AnswerProblem) {
        let person = alert.offers[i].person
        switch alert.offers[i].state {
        case .open: break
        case .lapsed, .declined, .stoodDown, .unreachable:
            guard alert.holders.isEmpty else { throw .somebodyElseGoes }
        case .retracted, .accepted: throw .notAsked
        }
        alert.offers[i].state = .accepted
        alert.holders.append(.init(person: person, isAttending: false, since: now, until: now + plan.arriveWithin))
        alert.asking = nil
        note(.accepted, person, text)
        for j in alert.offers.indices where j != i && alert.offers[j].state == .open {
            alert.offers[j].state = .stoodDown
            note(.stoodDown, alert.offers[j].person)
            actions.append(.standDown(alert.offers[j].person, .stoodDown))
        }
        actions.append(.tellHolder(person))
        actions.append(.tellCitizen(.coming, person))
    }

    private mutating func seenAgain(_ alert: inout Alert, _ isEvent: Bool, _ now: Instant) {
        alert.occurrences += 1
        alert.conditionOverAt = nil
        alert.lastOccurrenceAt = now
        note(.seenAgain)
        guard isEvent else { return }
        for holder in alert.holders { actions.append(.tellNews(holder.person)) }
        // While it is being asked, the round's beginning counts: coordinators are asked again every few minutes.
        let lastAsked = alert.asking?.startedAt ?? alert.offers.map(\.askedAt).max() ?? alert.raisedAt
        let attending = alert.holders.contains(where: \.isAttending)
        if attending && alert.asking == nil || now - lastAsked >= askAgainAfter {
            note(.askingAgain)
            startAsking(&alert, now)
        }
    }

    private mutating func recheck(_ alert: inout Alert, _ lost: [PersonID], _ now: Instant) {
        var lostHolder = false
        for person in lost {
            if alert.holder(person) != nil {
                lostHolder = true
                note(.retracted, person)
                drop(&alert, person, .retracted)
                actions.append(.tellCitizen(.notComing, person))
            } else if let i = alert.offers.firstIndex(where: { $0.person == person && $0.state == .open }) {
                note(.retracted, person)
                alert.offers[i].state = .retracted
                actions.append(.standDown(person, .retracted))
            }
        }
        if lostHolder && alert.holders.isEmpty {
            startAsking(&alert, now)
        } else if let asking = alert.asking {
            if asking.step == plan.steps.count - 1 { askNewcomers(&alert, now) } else { moveOnIfNobodyIsLeft(&alert, now) }
        }
    }

    private mutating func drop(_ alert: inout Alert, _ person: PersonID, _ state: Offer.State) {
        alert.holders.removeAll { $0.person == person }
        if let i = alert.offers.firstIndex(where: { $0.person == person }) { alert.offers[i].state = state }
        actions.append(.standDown(person, state))
    }

    private mutating func end(_ alert: inout Alert, _ ending: Alert.Ending) {
        alert.ending = ending
        alert.asking = nil
        // Whoever ended it knows; the others, somebody on the way above all, have to be told.
        for holder in alert.holders {
            actions.append(.standDown(holder.person, holder.person == ending.by ? .accepted : .stoodDown))
        }
        alert.holders = []
        for i in alert.offers.indices where alert.offers[i].state == .open {
            alert.offers[i].state = .stoodDown
            actions.append(.standDown(alert.offers[i].person, alert.offers[i].person == ending.by ? .accepted : .stoodDown))
        }
        actions.append(.ended(ending))
    }

    private mutating func note(_ what: HistoryEntry.What, _ person: PersonID? = nil, _ text: String? = nil) {
        actions.append(.note(what, person, text: text))
    }
}
