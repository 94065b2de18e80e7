import Care

/// Plays the lines of a transcript that are not indented, and gives back the transcript as it went.
///
///     street: ann ben cat         whom the home's own circle offers from now on, best first
///     permitted: dan              whom "everyone permitted" offers beside them
///     coordinators: carla
///     12:00 raised
///     12:01 ann accepts: On my way.
///     12:02 due
///     12:03 ada cancels
///     12:04 seen again            something new happened
///     12:04 seen still            the same state, repeated
///     12:05 over
///     12:06 ann lost              consent ended for ann; without a name, something changed for others
///     12:07 ann unreachable
///
/// Beneath each stand what has to be done, what goes into the history (with a dash), and how the alert stands.
func playAlert(_ transcript: String, endsWhenOver: Bool = false) throws -> String {
    var game = AlertGame(endsWhenOver: endsWhenOver)
    for line in transcript.split(separator: "\n") where !line.hasPrefix(" ") { try game.play(String(line)) }
    return game.lines.joined(separator: "\n")
}

struct UnreadableLine: Error { var line: String }

private struct AlertGame {
    private var alert: Alert
    private var street: [PersonID] = []
    private var permitted: [PersonID] = []
    private var coordinators: [PersonID] = []
    private var nextOffer: Int64 = 0
    var lines: [String] = []

    /// Noon, so that a transcript's times read like a clock.
    private static let midnight = Instant(milliseconds: 1_795_046_400_000)
    private static let plan = Plan(
        name: "standard",
        steps: [
            Step(who: .ownCircle, onDutyOnly: true, atOnce: 2, wait: .minutes(2)),
            Step(who: .everyonePermitted, onDutyOnly: false, atOnce: 2, wait: .minutes(3)),
            Step(who: .coordinators, onDutyOnly: false, atOnce: 2, wait: .minutes(5)),
        ],
        arriveWithin: .minutes(30), resolveWithin: .hours(2))

    init(endsWhenOver: Bool) {
        alert = Alert(
            id: AlertID(1),
            matter: .init(
                rule: "fall", kind: "fall", say: "Someone has fallen.", category: .safety, purpose: .emergencyResponse,
                severity: .severe, urgency: .immediate, certainty: .likely, endsWhenOver: endsWhenOver, plan: "standard"),
            home: "elm-3", citizens: ["ada"], device: nil, quantity: nil, value: nil, raisedAt: Self.midnight + .hours(12),
            since: Self.midnight + .hours(12), lastSeen: nil, isTest: false)
    }

    mutating func play(_ line: String) throws {
        lines.append(line)
        let words = line.split(separator: " ").map(String.init)
        let names = words.dropFirst().map { PersonID($0) }
        switch words.first {
        case "street:": street = names
        case "permitted:": permitted = names
        case "coordinators:": coordinators = names
        default: try hear(line, words)
        }
    }

    private mutating func hear(_ line: String, _ words: [String]) throws {
        guard words.count >= 2, let now = instant(words[0]) else { throw UnreadableLine(line: line) }
        let note = line.split(separator: ":", maxSplits: 2).dropFirst(2).first.map { $0.drop { $0 == " " } }.map(String.init)
        let person = PersonID(words[1])
        let input: AlertInput
        switch (words[1], words.count > 2 ? words[2].filter { $0 != ":" } : "") {
        case ("raised", _): input = .raised
        case ("due", _): input = .due
        case ("seen", "again"): input = .seenAgain(isEvent: true)
        case ("seen", "still"): input = .seenAgain(isEvent: false)
        case ("over", _): input = .over
        case ("recheck", _): input = .recheck(lost: [])
        case ("replayed", _): input = .assumeEnded
        case (_, "lost"): input = .recheck(lost: [person])
        case (_, "unreachable"): input = .unreachable(person)
        case (_, "cancels"): input = .cancelled(by: person, note: note)
        case (_, "accepts"): input = .answered(person, .accept, note: note)
        case (_, "declines"): input = .answered(person, .decline, note: note)
        case (_, "arrives"): input = .answered(person, .arrive, note: note)
        case (_, "resolves"): input = .answered(person, .resolve, note: note)
        default: throw UnreadableLine(line: line)
        }
        let (street, permitted, coordinators) = (street, permitted, coordinators)
        var machine = AlertMachine(plan: Self.plan, nextOffer: nextOffer) { step in
            switch step.who {
            case .ownCircle: street
            case .everyonePermitted: street + permitted
            case .coordinators: coordinators
            }
        }
        do throws(AnswerProblem) {
            for action in try machine.handle(input, &alert, now: now) { write(action) }
        } catch {
            lines.append("  ! \(error)")
        }
        nextOffer = machine.nextOffer
        lines.append("  = \(alert.state.rawValue)" + (alert.deadline.map { ", look again \(clock($0))" } ?? ""))
    }

    private mutating func write(_ action: AlertAction) {
        func name(_ person: PersonID?) -> String { person.map { " \($0)" } ?? "" }
        switch action {
        case .ask(let offer): lines.append("  ask \(offer.person) until \(clock(offer.answerBy)) (\(offer.id), \(offer.role.rawValue), time \(offer.times))")
        case .tellHolder(let person): lines.append("  tell \(person) what they may know now")
        case .tellNews(let person): lines.append("  tell \(person) the news")
        case .standDown(let person, let state): lines.append("  clear \(person): \(state.rawValue)")
        case .tellCitizen(let news, let person): lines.append("  tell the citizen: \(person) \(news.rawValue)")
        case .ended(let ending): lines.append("  ended: \(ending.how.rawValue)\(ending.by.map { " by \($0)" } ?? "")\(ending.note.map { " (\($0))" } ?? "")")
        // `ask` says the same.
        case .note(.asked, _, _), .note(.askedAgain, _, _): break
        case .note(let what, let person, let text): lines.append("  - \(what.rawValue)\(name(person))\(text.map { " (\($0))" } ?? "")")
        }
    }

    private func instant(_ clock: String) -> Instant? { MinuteOfDay(clock: clock).map { Self.midnight + .minutes(Int64($0.minute)) } }
    private func clock(_ instant: Instant) -> String { Zone.utc.local(instant)?.clock ?? instant.iso }
}
