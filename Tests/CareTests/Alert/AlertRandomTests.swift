import Care
import Testing

/// Whatever happens in whatever order, an open alert is never dropped and nobody is asked who said no.
@Suite struct AlertRandomTests {
    @Test func `five thousand random histories keep what is promised of alerts`() throws {
        let seed = testSeed("AlertRandomTests", usual: 20_261_121)
        var whats: [HistoryEntry.What: Int] = [:]
        var endings: [Alert.Ending.How: Int] = [:]
        var states: [Alert.State: Int] = [:]
        for number in 0..<5_000 {
            var history = RandomHistory(seed: seed &+ UInt64(number))
            try history.play()
            if let problem = history.problem {
                Issue.record("CARING_SEED=\(seed), history \(number): \(problem)\n\(history.text)")
                return
            }
            for what in history.whats { whats[what, default: 0] += 1 }
            if let how = history.alert.ending?.how { endings[how, default: 0] += 1 }
            for state in history.states { states[state, default: 0] += 1 }
        }
        // A generator that has become one-sided would prove nothing.
        for how: Alert.Ending.How in [.resolved, .cancelled, .over, .assumed] {
            #expect(endings[how, default: 0] >= 50, "ended \(how.rawValue) too seldom: \(endings[how, default: 0])")
        }
        for state in Alert.State.allCases { #expect(states[state, default: 0] >= 50, "\(state.rawValue) occurred too seldom") }
        let all: [HistoryEntry.What] = [
            .asked, .askedAgain, .nobodyToAsk, .uncovered, .accepted, .declined, .gaveBack, .arrived, .unanswered, .lateForArrival,
            .lateForResolution, .stoodDown, .retracted, .unreachable, .seenAgain, .conditionOver, .askingAgain,
        ]
        for what in all { #expect(whats[what, default: 0] >= 50, "\(what.rawValue) occurred too seldom: \(whats[what, default: 0])") }
    }
}

/// One alert and whatever befalls it.
private struct RandomHistory {
    static let helpers: [PersonID] = ["ann", "ben", "cat", "dan", "eve", "fay"]
    static let coordinators: [PersonID] = ["carla", "cora", "cilla"]

    var alert: Alert
    var told: [(at: Instant, input: AlertInput, actions: [AlertAction])] = []
    var whats: [HistoryEntry.What] = []
    var states: [Alert.State] = []
    var problem: String?
    /// Made only where somebody has to read it.
    var text: String { told.map { "\($0.at.iso) \($0.input) -> \($0.actions)" }.joined(separator: "\n") }

    private var random: SeededRandom
    private var now: Instant
    private var nextOffer: Int64 = 0
    private var street: [PersonID] = []
    private var others: [PersonID] = []
    private var present: [PersonID] = []
    private let plan: Plan

    init(seed: UInt64) {
        random = SeededRandom(state: seed)
        now = Instant(milliseconds: 1_795_000_000_000)
        plan = Plan(
            name: "standard",
            steps: [
                Step(who: .ownCircle, onDutyOnly: true, atOnce: Int.random(in: 1...3, using: &random), wait: .minutes(2)),
                Step(who: .everyonePermitted, onDutyOnly: false, atOnce: 2, wait: .minutes(random.chance(50) ? 3 : 9)),
                Step(who: .coordinators, onDutyOnly: false, atOnce: Int.random(in: 1...3, using: &random), wait: .minutes(5)),
            ].suffix(random.chance(10) ? 1 : 3), arriveWithin: .minutes(30), resolveWithin: .hours(2))
        alert = Alert(
            id: AlertID(1),
            matter: .init(
                rule: "fall", kind: "fall", say: "Someone has fallen.", category: .safety, purpose: .emergencyResponse,
                severity: .severe, urgency: .immediate, certainty: .likely, endsWhenOver: random.chance(50), plan: "standard"),
            home: "elm-3", citizens: ["ada"], device: nil, quantity: nil, value: nil, raisedAt: now, since: now, lastSeen: nil,
            isTest: false)
        shuffle()
    }

    /// Who is there and permitted changes all the time.
    private mutating func shuffle() {
        street = Self.helpers.prefix(4).filter { _ in random.chance(60) }
        others = Self.helpers.suffix(2).filter { _ in random.chance(50) }
        present = random.chance(20) ? [] : Self.coordinators.filter { _ in random.chance(70) }
    }

    mutating func play() throws {
        step(.raised)
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            guard problem == nil else { return }
            if random.chance(20) { shuffle() }
            step(nextInput())
        }
        // Nobody says anything any more: it must still be there, and be looked at again, for as long as you like.
        let wasOpen = alert.isOpen
        present = [Self.coordinators[0]]
        for _ in 0..<80 where problem == nil {
            guard let deadline = alert.deadline else { break }
            now = max(now, deadline)
            step(.due)
        }
        // A round that has only just begun goes through its helpers first.
        for _ in 0..<40 where problem == nil && alert.holders.isEmpty && alert.offer(to: Self.coordinators[0])?.state != .open {
            guard let deadline = alert.deadline else { break }
            now = max(now, deadline)
            step(.due)
        }
        guard problem == nil, wasOpen else { return }
        if !alert.isOpen { problem = "silence ended it" }
        if alert.holders.isEmpty, alert.offer(to: Self.coordinators[0])?.state != .open {
            problem = "after a long silence the coordinator is not asked"
        }
    }

    private mutating func nextInput() -> AlertInput {
        now = now + .seconds(Int64.random(in: 0...240, using: &random))
        let anybody = (Self.helpers + Self.coordinators).randomElement(using: &random) ?? "ann"
        switch Int.random(in: 0..<100, using: &random) {
        case ..<35:
            // Most deadlines come due when they should; some inputs come late, as after a restart.
            if let deadline = alert.deadline, random.chance(80) { now = max(now, deadline) }
            return .due
        case ..<48: return .answered(anybody, .accept, note: nil)
        case ..<62: return .answered(anybody, .decline, note: "no")
        case ..<68: return .answered(anybody, .arrive, note: nil)
        case ..<71: return .answered(anybody, .resolve, note: nil)
        case ..<80: return .seenAgain(isEvent: random.chance(70))
        case ..<84: return .over
        case ..<94:
            let lost = (Self.helpers + Self.coordinators).filter { _ in random.chance(25) }
            street.removeAll { lost.contains($0) }
            others.removeAll { lost.contains($0) }
            present.removeAll { lost.contains($0) }
            return .recheck(lost: lost)
        case ..<98: return .unreachable(anybody)
        case 98: return .cancelled(by: "ada", note: nil)
        default: return .assumeEnded
        }
    }

    private mutating func step(_ input: AlertInput) {
        let before = alert
        let (street, others, present) = (street, others, present)
        var machine = AlertMachine(plan: plan, nextOffer: nextOffer) { step in
            switch step.who {
            case .ownCircle: street
            case .everyonePermitted: street + others
            case .coordinators: present
            }
        }
        var actions: [AlertAction] = []
        do throws(AnswerProblem) {
            actions = try machine.handle(input, &alert, now: now)
        } catch {
            if alert != before { problem = "a refused answer changed something" }
        }
        nextOffer = machine.nextOffer
        told.append((now, input, actions))
        states.append(alert.state)
        for case .note(let what, _, _) in actions { whats.append(what) }
        problem = problem ?? check(input, before, actions) ?? consistency()
    }

    /// What must hold of every alert at any time.
    private func consistency() -> String? {
        if alert.isOpen != (alert.ending == nil) || (alert.state == .ended) != (alert.ending != nil) { return "the state contradicts the ending" }
        guard alert.isOpen else {
            if alert.asking != nil || !alert.holders.isEmpty || alert.deadline != nil { return "an ended alert still wants something" }
            return alert.offers.contains { $0.state == .open } ? "an ended alert has an open offer" : nil
        }
        guard alert.deadline != nil else { return "an open alert has no deadline" }
        if Set(alert.offers.map(\.person)).count != alert.offers.count { return "somebody has two offers" }
        if alert.offers.map(\.id) != alert.offers.map(\.id).sorted() { return "the offers are not in order" }
        if Set(alert.holders.map(\.person)).count != alert.holders.count { return "somebody holds it twice" }
        let accepted = alert.offers.filter { $0.state == .accepted }.map(\.person).sorted()
        if accepted != alert.holders.map(\.person).sorted() { return "those who accepted are not those who hold it" }
        if alert.holders.isEmpty && alert.asking == nil { return "nobody holds it and nobody is asked" }
        return nil
    }

    /// What must hold of every change.
    private func check(_ input: AlertInput, _ before: Alert, _ actions: [AlertAction]) -> String? {
        if !before.isOpen && (alert != before || !actions.isEmpty) { return "an ended alert changed" }
        if before.isOpen && !alert.isOpen {
            switch input {
            case .answered(_, .resolve, _), .cancelled, .over, .assumeEnded: break
            default: return "\(input) ended it"
            }
        }
        if alert.holders.count > before.holders.count, !before.holders.isEmpty, before.asking == nil {
            return "a second one holds it although nobody was asked anew"
        }
        for case .ask(let offer) in actions {
            let old = before.offer(to: offer.person)
            if old?.state == .declined { return "\(offer.person) declined and is asked again" }
            if alert.holder(offer.person) != nil { return "\(offer.person) holds it and is asked" }
            let may = offer.role == .coordinator ? present : street + others
            if !may.contains(offer.person) { return "\(offer.person) is asked and is no candidate" }
            if old?.state == .open && offer.role == .helper { return "\(offer.person) is asked while asked" }
        }
        for person in Self.helpers + Self.coordinators {
            let (was, isNow) = (before.stage(of: person), alert.stage(of: person))
            let cleared = actions.contains { if case .standDown(person, _) = $0 { true } else { false } }
            let asked = actions.contains { if case .ask(let offer) = $0 { offer.person == person } else { false } }
            let held = actions.contains(.tellHolder(person))
            if was != nil && isNow == nil && !cleared { return "\(person) still shows an alert that they have no part in" }
            if was == nil && isNow == .asked && !asked { return "\(person) has an open offer and was not asked" }
            if (isNow ?? .asked) > (was ?? .asked) && !held { return "\(person) came further and is not told" }
            if isNow != nil && cleared && !asked { return "\(person) is cleared and still has a part in it" }
        }
        return nil
    }
}
