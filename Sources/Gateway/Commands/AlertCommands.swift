import Care
import Store

/// Alerts as their citizens, helpers and coordinators may see them.
extension Engine {
    /// What one person may see of one alert: all of it (its citizens), what consent permits at their stage
    /// (who was asked), or that it is there (who runs the scheme). Nil: not even that.
    enum Sight {
        case all
        case part(AlertView, Stage)
        case fact
    }

    func sight(_ alert: Alert, _ actor: Actor) -> Sight? {
        if alert.isInfrastructure { return actor.runsScheme ? .all : nil }
        guard let person = actor.person else { return .fact }
        switch person.kind {
        case .citizen: return alert.citizens.contains(person.id) ? .all : nil
        case .helper:
            guard let stage = alert.stage(of: person.id), let (view, _) = world.view(alert, for: person.id, stage: stage, at: now) else {
                return nil
            }
            return .part(view, stage)
        case .coordinator:
            let stage = alert.stage(of: person.id) ?? .asked
            guard alert.isOpen, let (view, _) = world.view(alert, for: person.id, stage: stage, at: now), view.detail > .nothing else {
                return .fact
            }
            return .part(view, stage)
        case .service, .delegate: return nil
        }
    }

    func find(_ text: String, _ tx: StoreTurn) throws -> Alert {
        guard let id = AlertID(text: text), let alert = try world.alert(id) ?? tx.reader.alert(id) else { throw Self.noSuchAlert(text) }
        return alert
    }

    /// The same sentence whether there is none or it is somebody else's: that an alert exists is a fact about them.
    static func noSuchAlert(_ text: String) -> CommandProblem {
        .refused("There is no alert \u{201C}\(safeText(text))\u{201D} that concerns you. caring alert list shows those that do.")
    }

    func alertList(_ all: Bool, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let alerts = all ? try tx.reader.alerts(limit: 1_000).reversed() : world.alerts
        var say: [String] = []
        var items: [JSON] = []
        for alert in alerts {
            guard let sight = sight(alert, actor) else { continue }
            say.append(line(alert, sight))
            items.append(item(alert, sight))
            try discloseShown(alert, sight, actor, tx)
        }
        if say.isEmpty { say = [all ? "There has been no alert that concerns you." : "No alert is open that concerns you."] }
        return Reply(say: say, items: items)
    }

    private func clock(_ instant: Instant, _ alert: Alert) -> String {
        guard let local = world.zone(of: alert.home).local(instant) else { return instant.iso }
        let today = world.zone(of: alert.home).local(now)?.day
        return local.day == today ? local.clock : local.inWords
    }

    private func stateWords(_ alert: Alert) -> String {
        if let ending = alert.ending {
            switch ending.how {
            case .resolved: return "resolved"
            case .cancelled: return "cancelled"
            case .over: return "over by itself"
            case .assumed: return "ended by the replay"
            }
        }
        switch alert.state {
        case .raised: return "raised, nobody asked yet"
        case .offered:
            let asked = alert.offers.count { $0.state == .open }
            return alert.hasAskedHelpers ? "offered, waiting for \(counted(asked, "answer"))" : "uncovered, no helper can be asked"
        case .accepted: return "accepted, somebody is on the way"
        case .attending: return "attended, somebody is there"
        case .ended: return "ended"
        }
    }

    private func line(_ alert: Alert, _ sight: Sight) -> String {
        let place = world.homes[alert.home]?.circle.map { " in \(world.circleTitle($0))" } ?? ""
        let test = alert.isTest ? " (a test)" : ""
        switch sight {
        case .all:
            let who = alert.holders.map { world.name($0.person) }
            return "\(alert.id)\(test)  \(clock(alert.raisedAt, alert))  \(alert.matter.say) \(capitalisedFirst(stateWords(alert)))\(who.isEmpty ? "" : ": " + who.joined(separator: " and "))."
        case .part(let view, _):
            let what = view.detail >= .alert ? alert.matter.say : "Somebody needs a knock on the door."
            let place = view.identity ?? view.circle.map { "In \($0)" }
            return "\(alert.id)\(test)  \(clock(alert.raisedAt, alert))  \(what)\(place.map { " \($0)." } ?? "") \(capitalisedFirst(stateWords(alert)))."
        case .fact: return "\(alert.id)\(test)  \(clock(alert.raisedAt, alert))  An alert\(place): \(stateWords(alert))."
        }
    }

    private func item(_ alert: Alert, _ sight: Sight) -> JSON {
        var members: [JSON.Member] = [
            .init("alert", .string(alert.id.description)), .init("state", .string(alert.state.rawValue)),
            .init("raisedAt", .string(alert.raisedAt.iso)), .init("endedAt", .optional(alert.ending?.at.iso)),
            .init("ended", .optional(alert.ending?.how.rawValue)),
            .init("circle", .optional(world.homes[alert.home]?.circle?.name)), .init("test", .bool(alert.isTest)),
            .init("uncovered", .bool(alert.isOpen && !alert.hasAskedHelpers && alert.state == .offered)),
        ]
        switch sight {
        case .all:
            members += [
                .init("home", .string(alert.home.name)), .init("rule", .string(alert.matter.rule.name)),
                .init("severity", .string(alert.matter.severity.rawValue)), .init("category", .string(alert.matter.category.rawValue)),
                .init("kind", .string(alert.matter.kind)), .init("say", .string(alert.matter.say)),
                .init("since", .string(alert.since.iso)), .init("earliest", .optional(alert.earliest?.iso)),
                .init("occurrences", .int(Int64(alert.occurrences))),
                .init("holders", .strings(alert.holders.map(\.person.name))),
                .init("asked", .strings(alert.offers.map(\.person.name))),
            ]
        case .part(let view, let stage):
            members += [.init("stage", .string(stage.name)), .init("detail", .string(view.detail.name))]
            if view.detail >= .alert {
                members += [
                    .init("severity", .string(alert.matter.severity.rawValue)), .init("category", .string(alert.matter.category.rawValue)),
                    .init("kind", .string(alert.matter.kind)),
                ]
            }
            if let identity = view.identity { members.append(.init("where", .string(identity))) }
        case .fact: members.append(.init("asked", .int(Int64(alert.offers.count))))
        }
        return .object(members)
    }

    func alertShow(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let alert = try find(text, tx)
        guard let sight = sight(alert, actor) else { throw Self.noSuchAlert(text) }
        var say = [line(alert, sight)]
        try discloseShown(alert, sight, actor, tx)
        if case .part(let view, let stage) = sight {
            let person = actor.person?.id ?? PersonID("")
            let until = alert.holder(person)?.until ?? alert.offer(to: person)?.answerBy ?? now
            switch stage {
            case .asked: say.append(view.asked(answerBy: until))
            case .accepted: say.append(view.accepted(until: until))
            case .attending: say.append(view.attending())
            }
        }
        let history = try tx.reader.history(of: alert.id).filter { mayShow($0, sight) }
        for entry in history { say.append("  \(clock(entry.at, alert))  \(sentence(entry, alert, sight))") }
        let items: [JSON] =
            [item(alert, sight)]
            + history.map { entry in
                .object([
                    "alert": .string(alert.id.description), "at": .string(entry.at.iso), "what": .string(entry.what.rawValue),
                    "person": .optional(namesPeople(sight, entry, alert) ? entry.person?.name : nil), "say": .string(sentence(entry, alert, sight)),
                ])
            }
        return Reply(say: say, items: items)
    }

    private func namesPeople(_ sight: Sight, _ entry: HistoryEntry, _ alert: Alert) -> Bool {
        switch sight {
        case .all: true
        case .part: false
        // Helpers are the scheme's own people; whom the alert is about is not.
        case .fact: entry.person.map { world.people[$0].map { $0.kind == .helper || $0.kind == .coordinator } ?? false } ?? false
        }
    }

    /// Who may know *that* there is an alert follows the asking; what the sensors go on to say is more than that.
    private func mayShow(_ entry: HistoryEntry, _ sight: Sight) -> Bool {
        // Whom it concerns is the citizen: to others it would say how bad it is, and what was decided beforehand.
        if entry.what == .toldInEmergency { if case .all = sight { return true } else { return false } }
        guard case .fact = sight else { return true }
        switch entry.what {
        case .seenAgain, .conditionOver, .retracted, .over: return false
        default: return true
        }
    }

    /// A helper sees what happened, not which neighbour did not come. What people wrote is the citizen's.
    private func sentence(_ entry: HistoryEntry, _ alert: Alert, _ sight: Sight) -> String {
        var shown = entry
        switch sight {
        case .all: return shown.sentence { world.name($0) }
        case .fact:
            shown.text = nil
            return shown.sentence { name in
                world.people[name].map { $0.kind == .helper || $0.kind == .coordinator } ?? false ? world.name(name) : "The citizen"
            }
        case .part:
            shown.text = nil
            return shown.sentence { _ in "Somebody" }
        }
    }

    func alertAnswer(_ text: String, _ answer: Answer, _ note: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let person = actor.person, person.kind == .helper || person.kind == .coordinator else {
            throw CommandProblem.failed("Say who answers: add --as HELPER.")
        }
        let alert = try find(text, tx)
        if let problem = try self.answer(alert.id, person.id, answer, note: note.map { safeText($0, charactersMax: 500) }, tx) {
            switch problem {
            case .alertIsOver where alert.offer(to: person.id) != nil: throw CommandProblem.failed("Alert \(alert.id) is over. Nobody needs to go.")
            case .alertIsOver, .notAsked: throw Self.noSuchAlert(text)
            case .somebodyElseGoes: throw CommandProblem.failed("Somebody else is going already. Thank you.")
            case .notHolding: throw CommandProblem.failed("\(person.name) has not accepted alert \(alert.id). Accept it first: caring alert accept \(alert.id)")
            }
        }
        let after = try world.alert(alert.id) ?? tx.reader.alert(alert.id) ?? alert
        var say: [String] = []
        if let stage = after.stage(of: person.id), let (view, _) = world.view(after, for: person.id, stage: stage, at: now) {
            let until = after.holder(person.id)?.until ?? now
            switch stage {
            case .asked: say.append("Noted.")
            case .accepted: say.append(view.detail == .nothing ? view.takenCharge() : view.accepted(until: until))
            case .attending: say.append(view.detail == .nothing ? "Thank you for being there." : view.attending())
            }
            // What the answer itself tells is a disclosure like any other.
            try discloseShown(after, .part(view, stage), actor, tx)
        } else {
            say.append(answer == .resolve ? "Alert \(after.id) is closed. Thank you." : "Noted. Others are asked.")
        }
        return Reply(say: say, items: [.object(["alert": .string(after.id.description), "answer": .string(answer.rawValue), "state": .string(after.state.rawValue)])])
    }

    /// What a command shows somebody is told and seen in one; once for each stage and detail.
    func discloseShown(_ alert: Alert, _ sight: Sight, _ actor: Actor, _ tx: StoreTurn) throws {
        guard case .part(let view, let stage) = sight, view.detail > .nothing, let person = actor.person?.id,
            let telling = world.telling(person, of: alert, stage: stage, at: now)
        else { return }
        let known = try tx.reader.disclosures(ofAlert: alert.id).filter { $0.recipient == person && $0.state == .seen && $0.stage == stage }
        let data = alert.quantity?.name ?? alert.matter.category.rawValue
        let hasSeen = known.contains { $0.data == data && $0.detail == view.detail }
        let hasSeenIdentity = view.identity == nil || known.contains { $0.data == "identity" }
        if hasSeen && hasSeenIdentity { return }
        let decision = try save(telling, alert, tx)
        var learned: [Disclosure] = []
        for citizen in alert.citizens {
            var told = Disclosure(
                at: now, citizen: citizen, recipient: person, alert: alert.id, notice: nil, decision: decision, data: data,
                detail: view.detail, stage: stage, state: .seen, isEmergency: telling.decision.reason == .emergency)
            if !hasSeen { learned.append(told) }
            guard !hasSeenIdentity else { continue }
            told.data = "identity"
            told.detail = telling.identity.detail
            told.decision = DecisionID(decision.number + 1)
            told.isEmergency = telling.identity.reason == .emergency
            learned.append(told)
        }
        try noteEmergency(learned, tx)
        for told in learned { try tx.append(told) }
    }

    func alertCancel(_ text: String, _ note: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let alert = try find(text, tx)
        guard let person = actor.person, alert.citizens.contains(person.id) else {
            throw Self.noSuchAlert(text)
        }
        if try handle(.cancelled(by: person.id, note: note.map { safeText($0, charactersMax: 500) }), alert.id, tx) != nil {
            throw CommandProblem.failed("Alert \(alert.id) is over already.")
        }
        return Reply(say: ["Alert \(alert.id) is cancelled. Whoever was on the way is told."], items: [.object(["alert": .string(alert.id.description), "state": "ended"])])
    }

    func alertTest(_ homeName: String, _ ruleName: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let home = HomeID(homeName)
        guard world.homes[home] != nil else { throw CommandProblem.failed("There is no home called \u{201C}\(safeText(homeName))\u{201D}.") }
        guard actor.runsScheme || actor.person?.home == home else { throw CommandProblem.refused("\(homeName) is not your home.") }
        let rule: Rule?
        if let ruleName { rule = world.rules[RuleID(ruleName)] } else { rule = world.rules["sos"] ?? world.rules.values.min { $0.id < $1.id } }
        guard let rule else {
            throw CommandProblem.failed("There is no rule called \u{201C}\(safeText(ruleName ?? ""))\u{201D}; config/rules.yaml has \(world.rules.keys.sorted().map(\.name).joined(separator: ", ")).")
        }
        let citizens = world.citizens(of: home)
        guard !citizens.isEmpty else { throw CommandProblem.failed("Nobody lives in \(homeName) yet, so nobody could have consented. Add a citizen first.") }
        let detection = Detection(rule: rule.id, home: home, what: .seen, at: now)
        guard let id = try raise(rule, detection, citizens, isTest: true, tx) else { throw CommandProblem.failed("\(homeName) has too many open alerts.") }
        let alert = try world.alert(id) ?? tx.reader.alert(id)
        return Reply(
            say: ["Test alert \(id) is raised in \(homeName). Every word about it begins by saying that it is a test.", alert.map { capitalisedFirst(stateWords($0)) + "." } ?? ""],
            items: [.object(["alert": .string(id.description), "state": .string(alert?.state.rawValue ?? "")])])
    }

    func alertWatch(_ after: Int64, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        // Before the beginning means: from now on.
        guard after >= 0 else { return Reply(next: try tx.reader.lastHistory()) }
        let entries = try tx.reader.history(after: after, limit: 200)
        var say: [String] = []
        var items: [JSON] = []
        var known: [AlertID: Alert] = [:]
        for (n, id, entry) in entries {
            if known[id] == nil { known[id] = try world.alert(id) ?? tx.reader.alert(id) }
            guard let alert = known[id] else { continue }
            // Whoever was asked follows the alert to its end, although their part in it may be over.
            var seen = sight(alert, actor)
            if seen == nil, let person = actor.person?.id, entry.person == person { seen = .fact }
            guard let sight = seen, mayShow(entry, sight) else { continue }
            try discloseShown(alert, sight, actor, tx)
            let place = world.homes[alert.home]?.circle.map { ", \(world.circleTitle($0))" } ?? ""
            let what: String
            switch sight {
            case .all where entry.what == .raised: what = alert.matter.say + " The alert was raised."
            case .part(let view, let stage) where entry.what == .asked && entry.person == actor.person?.id && stage == .asked:
                what = view.asked(answerBy: alert.offer(to: entry.person ?? PersonID(""))?.answerBy ?? now)
            default: what = sentence(entry, alert, sight)
            }
            say.append("\(clock(entry.at, alert))  \(alert.id)\(place): \(what)")
            items.append(
                .object([
                    "n": .int(n), "at": .string(entry.at.iso), "alert": .string(id.description), "what": .string(entry.what.rawValue),
                    "say": .string(what),
                ]))
        }
        return Reply(say: say, items: items, next: entries.last?.n ?? after)
    }
}

func capitalisedFirst(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
