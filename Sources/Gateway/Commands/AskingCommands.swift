import Care
import Store

/// Readings, who saw what, why, and how things stand.
extension Engine {
    static var readingsMax: Int { 10_000 }

    func readingList(
        _ citizenName: String?, _ homeName: String?, _ quantityName: String?, _ since: String?, _ limit: Int, _ purposeName: String?,
        _ actor: Actor, _ tx: StoreTurn
    ) throws -> Reply {
        guard (1...Self.readingsMax).contains(limit) else { throw CommandProblem.failed("--limit is 1 to \(Self.readingsMax).") }
        let person: Person
        if let citizenName {
            guard let known = world.people[PersonID(citizenName)], known.kind == .citizen else {
                throw CommandProblem.failed("There is no citizen called \u{201C}\(safeText(citizenName))\u{201D}.")
            }
            person = known
        } else {
            person = try citizen(nil, actor)
        }
        guard let home = person.home else { return Reply(say: ["\(person.id) has no home here."]) }
        if let homeName, HomeID(homeName) != home { throw CommandProblem.failed("\(person.id) does not live in \(safeText(homeName)).") }
        var quantity: Quantity?
        if let quantityName {
            quantity = Quantity(quantityName)
            if quantity == nil { throw CommandProblem.failed("No quantity is called \u{201C}\(safeText(quantityName))\u{201D}.") }
        }
        let zone = world.zone(of: home)
        let from = try past(since, zone: zone, fallback: .days(1))
        let isOwn = actor.person?.id == person.id
        if !isOwn { try mayAskForReadings(purposeName, actor) }
        var addresses: [DeviceID: String] = [:]
        var readings: [Reading] = []
        for state in world.devices(of: home) {
            // What a device said before it was this citizen's, or after, was somebody else's.
            let claims = try tx.reader.claims(state.device.id, person.id)
            if claims.isEmpty { continue }
            addresses[state.device.id] = state.device.address
            var wanted: [Series] = []
            for slot in state.slots where quantity == nil || slot.quantity == quantity {
                guard let series = world.seriesInfo(slot.series) else { continue }
                if isOwn { if maySee(series, actor) { wanted.append(series) } } else if try mayRead(series, state.device, about: person.id, purposeName, actor, tx) { wanted.append(series) }
            }
            for claim in claims where claim.until > from {
                readings += try tx.reader.readings(
                    wanted, since: max(from, claim.from), until: claim.until == .distantFuture ? nil : claim.until, limit: limit)
            }
        }
        if !isOwn, readings.isEmpty {
            // One sentence for all of these: which of them it is would tell something itself.
            return .refused("\(person.id) has not permitted this, or there is nothing to see.")
        }
        let backlogs = try tx.reader.backlogs(since: from)
        /// From which instant on it may have been observed, where it had waited at the broker.
        func queuedSince(_ reading: Reading) -> Instant? {
            guard reading.source == .arrival else { return nil }
            return backlogs.last {
                $0.connectedAt <= reading.at && reading.at <= $0.caughtUpAt ?? .distantFuture && $0.connectedAt - $0.lastContactAt >= Line.queuedAfter
            }?.lastContactAt
        }
        readings.sort { ($1.at, $0.series) < ($0.at, $1.series) }
        readings = Array(readings.prefix(limit))
        // Only to themselves: what somebody keeps is nobody else's to know.
        let gone = isOwn ? notKeptWords(person.id, since: from, quantity?.category, zone) : []
        return Reply(
            say: gone + (readings.isEmpty ? ["There is no reading since \(zone.local(from)?.inWords ?? from.iso)."]
                : readings.compactMap { reading in
                    guard let series = world.seriesInfo(reading.series) else { return nil }
                    let value = valueWords(reading.value, series.quantity)
                    return "\(zone.local(reading.at).map { "\($0.day.iso) \($0.clockWithSeconds)" } ?? reading.at.iso)  \(safeText(addresses[series.device] ?? "")): \(series.quantity.words) \(value)\(reading.source == .device ? " (device's time)" : queuedSince(reading).map { " (queued, between \(zone.local($0)?.clock ?? $0.iso) and then)" } ?? "")"
                }),
            items: readings.compactMap { reading in
                guard let series = world.seriesInfo(reading.series) else { return nil }
                return .object([
                    "at": .string(reading.at.iso), "home": .string(home.name), "device": .string(addresses[series.device] ?? ""),
                    "quantity": .string(series.quantity.name), "channel": .string(series.channel), "value": json(reading.value),
                    "unit": .string(series.quantity.unit),
                    "timeSource": .string(reading.source == .device ? "device" : queuedSince(reading) == nil ? "arrival" : "queued"),
                    "earliest": .optional(queuedSince(reading)?.iso),
                ])
            })
    }

    private func mayAskForReadings(_ purposeName: String?, _ actor: Actor) throws {
        guard actor.person?.asRecipient != nil else {
            throw CommandProblem.refused("Nobody but the citizen, and those whom they permit, reads this. Use --as for one of them.")
        }
        guard let purposeName, Purpose(rawValue: purposeName) != nil else {
            throw CommandProblem.failed("Say what for: --purpose \(Purpose.allCases.map(\.rawValue).joined(separator: "|")).")
        }
    }

    /// Decides, writes the decision down, and what is told because of it.
    private func mayRead(_ series: Series, _ device: Device, about person: PersonID, _ purposeName: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Bool {
        guard let recipient = actor.person?.asRecipient, let purpose = purposeName.flatMap({ Purpose(rawValue: $0) }) else { return false }
        let request = ConsentRequest(
            recipient: recipient, purpose: purpose,
            data: .data(category: series.quantity.category, quantity: series.quantity, device: device.id), detail: .readings,
            stage: nil, at: now)
        // Theirs whose it is now, and theirs whom it was about then.
        let citizens = Set(device.citizens).union([person]).sorted()
        let decision = decide(request, holders: world.holders(citizens))
        let id = DecisionID(try tx.next("decision"))
        try tx.save(decision, id: id, citizens: citizens, request: request)
        guard decision.detail == .readings else { return false }
        for citizen in citizens {
            try tx.append(
                Disclosure(
                    at: now, citizen: citizen, recipient: recipient.person, alert: nil, notice: nil, decision: id,
                    data: series.quantity.name, detail: .readings, stage: nil, state: .seen))
        }
        return true
    }

    private func json(_ value: Value) -> JSON {
        switch value {
        case .boolean(let b): .bool(b)
        case .number(let n): .double(n)
        }
    }

    func valueWords(_ value: Value, _ quantity: Quantity) -> String {
        switch value {
        case .number(let n): "\(Care.words(n)) \(spoken(quantity.unit))"
        case .boolean(let b): quantity.kind == .event ? "seen" : b ? "yes" : "no"
        }
    }

    func whoSaw(_ name: String?, _ since: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(name, actor)
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        let from = try past(since, zone: zone, fallback: .days(365))
        let all = try tx.reader.disclosures(about: person.id, since: from, limit: Self.readingsMax).filter { actor.looking?.sees($0.data) ?? true }
        var say: [String] = []
        var items: [JSON] = []
        // What is still only queued is said only where nothing came of it yet.
        var settled: Set<String> = []
        for told in all where told.state != .queued { if let notice = told.notice { settled.insert("\(notice) \(told.data)") } }
        let feeds = try actor.looking == nil ? tx.reader.feedDays(about: person.id, since: from, limit: Self.readingsMax) : []
        // One sentence a day stands for them.
        let counted = Set(feeds.map(\.decision))
        for told in all {
            let when = zone.local(told.at).map { "\($0.day.iso) \($0.clock)" } ?? told.at.iso
            let what = told.mandate != nil && Quantity(told.data) == nil ? told.data : ToldWords.what(told.data, told.detail)
            let name = world.name(told.recipient)
            let emergency = told.isEmergency ? " in an emergency, although nothing else permitted it," : ""
            let sentence: String
            switch told.state {
            case _ where told.mandate != nil: sentence = "\(name) for \(person.name) (mandate \(told.mandate.map { "\($0)" } ?? "")): looked at \(what)\(told.purpose.map { ", for \($0.rawValue)" } ?? "")"
            case .queued: sentence = "\(name) is to be told\(emergency) \(what), or may have been: nobody has confirmed it"
            case .sent: sentence = "\(name) was told\(emergency) \(what)"
            case .seen: sentence = "\(name) has read\(emergency) \(what)"
            case .cancelled: sentence = "\(name) was not told \(what): it was cancelled before it was sent"
            }
            let isLast = told.notice.map { !settled.contains("\($0) \(told.data)") } ?? true
            let isCounted = told.decision.map { counted.contains($0) } ?? false
            if !isCounted, told.state != .queued || isLast {
                say.append("\(when)  \(sentence)\(told.mandate != nil ? "" : told.alert.map { " (alert \($0)" } ?? " (asked")\(told.mandate != nil ? "" : told.decision.map { ", decision \($0))" } ?? ")").")
            }
            items.append(
                .object([
                    "entry": "disclosure", "at": .string(told.at.iso), "citizen": .string(told.citizen.name), "recipient": .string(told.recipient.name),
                    "alert": .optional(told.alert?.description), "notice": .optional(told.notice?.description),
                    "decision": .optional(told.decision?.description), "data": .string(told.data), "detail": .string(told.detail.name),
                    "stage": .optional(told.stage?.name), "state": .string(told.state.rawValue),
                    "emergency": .bool(told.isEmergency),
                ], told.mandate.map { [.init("mandate", .string($0.description)), .init("purpose", .optional(told.purpose?.rawValue))] } ?? []))
        }
        for day in feeds {
            say.append("\(zone.local(day.lastAt).map { "\($0.day.iso) \($0.clock)" } ?? day.lastAt.iso)  \(feedSentence(day)).")
            items.append(feedItem(day))
        }
        // What a client still shows although it may not is said, because nobody can know what is read there.
        for notice in world.notices where actor.looking == nil && notice.channel == .mqtt && notice.about == .over && notice.state == .queued {
            guard let alert = try world.alert(notice.alert) ?? tx.reader.alert(notice.alert), alert.citizens.contains(person.id),
                let helper = notice.person, try mayBeShown(alert.id, to: helper, tx)
            else { continue }
            say.append("Not yet retracted: the client of \(world.name(helper)) may still show alert \(notice.alert), because the broker is away.")
        }
        if say.isEmpty { say = ["Nobody has been told anything about you."] }
        // Whoever acts in somebody's name sees what they see: it is theirs to know.
        let acts = try actor.looking == nil ? tx.reader.operatorActs(for: person.id, since: from, limit: Self.readingsMax) : []
        if all.count == Self.readingsMax || acts.count == Self.readingsMax {
            say.append("There was more than is shown at once, so the oldest is left out; caring data export has all of it.")
        }
        for act in acts {
            let when = zone.local(act.at).map { "\($0.day.iso) \($0.clock)" } ?? act.at.iso
            say.append("\(when)  Operator \(act.uid) acted for you: \(act.command)\(act.outcome == "done" ? "" : " (\(act.outcome))").")
            items.append(
                .object([
                    "entry": "operator", "at": .string(act.at.iso), "operator": .int(Int64(act.uid)), "for": .string(person.id.name),
                    "command": .string(act.command), "outcome": .string(act.outcome),
                ]))
        }
        return Reply(say: say, items: items)
    }

    func wordsFor(_ data: String) -> String { Quantity(data)?.words ?? data }

    // MARK: Why

    func why(_ text: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        if let id = AlertID(text: text), text.first == "a" || text.first?.isNumber == true { return try whyAlert(id, actor, tx) }
        if text.first == "n", let id = NoticeID(text: text) { return try whyNotice(id, actor, tx) }
        if text.first == "d", let id = DecisionID(text: text) { return try whyDecision(id, actor, tx) }
        if text.first == "c", let id = ConsentID(text: text) { return try whyConsent(id, actor, tx) }
        if text.first == "m" || text.first == "x" { return try whyDelegate(text, actor, tx) }
        throw CommandProblem.failed("\u{201C}\(safeText(text))\u{201D} is nothing that can be asked: name an alert (a17), a notice (n4), a decision (d9), a consent record (c5), a mandate (m3) or an act (x4).")
    }

    private func whyAlert(_ id: AlertID, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let alert = try find(id.description, tx)
        guard let sight = sight(alert, actor) else { throw Self.noSuchAlert(id.description) }
        guard maySee(alert, actor) else { throw beyond(actor) }
        guard case .all = sight else {
            let shown = try alertShow(id.description, actor, tx)
            var say = ["You see of this alert what its citizen permits."]
            if let person = actor.person, let offer = alert.offer(to: person.id) {
                let step = world.plan(alert.matter.plan).steps.indices.contains(offer.step) ? world.plan(alert.matter.plan).steps[offer.step].who : nil
                switch step {
                case .ownCircle: say.append("You were asked because you are a helper of the circle around this home, and its citizen permits it.")
                case .everyonePermitted: say.append("You were asked because nobody nearer came, and its citizen permits it.")
                case .coordinators: say.append("You were asked because you are a coordinator, and no helper came.")
                case nil: break
                }
            }
            return Reply(say: say + shown.say, items: shown.items)
        }
        let zone = world.zone(of: alert.home)
        func clock(_ at: Instant) -> String { zone.local(at)?.inWords ?? at.iso }
        var say: [String] = []
        var because = "Rule \u{201C}\(alert.matter.rule)\u{201D} saw on \(clock(alert.since))"
        if let earliest = alert.earliest, earliest != alert.since {
            because = "Rule \u{201C}\(alert.matter.rule)\u{201D} saw some time between \(clock(earliest)) and \(clock(alert.since)), when what was said had to wait at the broker,"
        }
        if alert.isInfrastructure { because = "The gateway noticed it on \(clock(alert.raisedAt))" }
        if let device = alert.device.flatMap({ world.device($0)?.device }) { because += " from \(safeText(device.address))" }
        if let quantity = alert.quantity {
            because += ": \(quantity.words)" + (alert.value.map { quantity.kind == .number ? " \(Care.words($0)) \(spoken(quantity.unit))" : "" } ?? "")
        } else if alert.isInfrastructure {
            because += alert.earliest.map { "; it is about the time from \(clock($0)) to \(clock(alert.since))" } ?? ""
        } else if alert.isTest {
            because = "It is a test, asked for on \(clock(alert.raisedAt)), as if rule \u{201C}\(alert.matter.rule)\u{201D} had seen something"
        } else {
            because += alert.lastSeen.map { ", with the last sign on \(clock($0))" } ?? ", with no sign ever"
        }
        say.append(because + ". \(alert.matter.say)")
        say.append("It is \(alert.matter.severity.rawValue), \(alert.matter.urgency.rawValue), \(alert.matter.certainty.rawValue); for \(alert.matter.purpose.rawValue), category \(alert.matter.category.rawValue).")
        for entry in try tx.reader.history(of: id) { say.append("  \(zone.local(entry.at)?.clock ?? entry.at.iso)  \(entry.sentence { world.name($0) })") }
        // Each helper of the circle, asked or not, with the decision as it was when the alert was raised, and so was open.
        var items: [JSON] = []
        var then = alert
        then.ending = nil
        for responder in world.responders(for: alert.matter.severity) where responder.role == .helper {
            let asked = alert.offer(to: responder.person)
            let inCircle = world.homes[alert.home]?.circle.map { responder.circles.contains($0) } ?? false
            guard asked != nil || inCircle else { continue }
            guard let telling = world.telling(responder.person, of: then, stage: .asked, at: asked?.askedAt ?? alert.raisedAt) else { continue }
            // One who is not alone in it sees their own name and records; the others' are theirs.
            let viewer = actor.person.flatMap { alert.citizens.contains($0.id) ? $0.id : nil }
            let citizenName = viewer.map { world.name($0) } ?? "the citizen"
            let seen = viewer.map { asSeen(telling.decision, telling.request, by: $0, of: alert.citizens) } ?? telling.decision
            let sentence = Care.sentence(seen, for: telling.request, names: consentNames, citizen: citizenName)
            say.append(sentence)
            items.append(
                .object([
                    "alert": .string(id.description), "recipient": .string(responder.person.name),
                    "permitted": .bool(seen.isPermitted), "detail": .string(seen.detail.name),
                    "reason": .string(seen.reason.rawValue), "consents": .strings(seen.decidedBy.map(\.description)),
                    "asked": .bool(asked != nil), "say": .string(sentence),
                ]))
        }
        return Reply(say: say, items: items)
    }

    private func whyNotice(_ id: NoticeID, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let notice = try tx.reader.notice(id), let alert = try tx.reader.alert(notice.alert) else {
            throw CommandProblem.failed("There is no notice \(id).")
        }
        guard let person = actor.person, alert.citizens.contains(person.id) || notice.person == person.id else {
            throw CommandProblem.refused("Notice \(id) is none of yours.")
        }
        guard maySee(alert, actor) else { throw beyond(actor) }
        let to = notice.person.map { world.name($0) } ?? "the citizen"
        var say = ["Notice \(id) to \(to) about alert \(notice.alert), over \(notice.channel.rawValue): \(notice.state.rawValue) after \(counted(notice.attempts, "attempt"))\(notice.problem.map { " (\($0))" } ?? "")."]
        if let decision = notice.decision { say += try whyDecision(decision, actor, tx).say }
        return Reply(say: say, items: [.object(["notice": .string(id.description), "alert": .string(notice.alert.description), "recipient": .optional(notice.person?.name), "channel": .string(notice.channel.rawValue), "state": .string(notice.state.rawValue), "decision": .optional(notice.decision?.description)])])
    }

    private func whyDecision(_ id: DecisionID, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let (decision, citizens, request) = try tx.reader.decision(id) else { throw CommandProblem.failed("There is no decision \(id).") }
        guard let person = actor.person, citizens.contains(person.id) || request.recipient.person == person.id else {
            throw CommandProblem.refused("Decision \(id) is none of yours.")
        }
        guard maySee(request, about: citizens, actor) else { throw beyond(actor) }
        let isOwn = citizens.contains(person.id)
        let seen = isOwn ? asSeen(decision, request, by: person.id, of: citizens) : decision
        var say = ["\(id): " + Care.sentence(seen, for: request, names: consentNames, citizen: isOwn ? world.name(person.id) : "the citizen")]
        if isOwn {
            for record in seen.decidedBy {
                let stored = world.consents[person.id]?.first { $0.id == record }
                if actor.looking != nil {
                    // A delegate sees those records that their mandate is about.
                    guard let stored, maySee(stored, actor) else { continue }
                }
                // What is about several people may be decided by another's record, which is that one's to read; one that was erased is nobody's.
                say += stored != nil ? try whyConsent(record, actor, tx).say : ["\(record): no record of yours that is still there."]
            }
        }
        return Reply(
            say: say,
            items: [
                .object([
                    "decision": .string(id.description), "at": .string(request.at.iso), "recipient": .string(request.recipient.person.name),
                    "purpose": .string(request.purpose.rawValue), "detail": .string(decision.detail.name),
                    "reason": .string(seen.reason.rawValue), "consents": .strings(seen.decidedBy.map(\.description)),
                ])
            ])
    }

    /// A decision about several people as one of them may see it: what the others decided, and whether it was they, is theirs.
    private func asSeen(_ decision: Decision, _ request: ConsentRequest, by person: PersonID, of citizens: [PersonID]) -> Decision {
        guard citizens.count > 1 else { return decision }
        let own = Set((world.consents[person] ?? []).map(\.id))
        var seen = decision
        seen.decidedBy.removeAll { !own.contains($0) }
        if !decision.isPermitted, seen.decidedBy.isEmpty, decision.reason != .nobodyToPermit { seen.reason = .notAllPermit }
        return seen
    }

    private func whyConsent(_ id: ConsentID, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let person = actor.person, let stored = world.consents[person.id]?.first(where: { $0.id == id }) else {
            throw CommandProblem.refused("You have no consent record \(id).")
        }
        guard maySee(stored, actor) else { throw beyond(actor) }
        guard case .record(let record) = stored else {
            return Reply(say: ["\(id) cannot be read. As it could be a refusal, it denies everything until it is withdrawn."])
        }
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        let giving = try tx.reader.consentGiving(id)
        var say = ["\(id): \(sentence(record, names: consentNames, zone: zone))"]
        if let giving { say.append("  Given on \(zone.local(giving.givenAt)?.inWords ?? giving.givenAt.iso) by \(giving.givenBy).") }
        return Reply(say: say, items: [.object(["consent": .string(id.description), "effect": .string(record.effect.rawValue)])])
    }

    // MARK: Status

    /// In no turn: it has to answer also while nothing can be written down.
    func status(_ actor: Actor) -> Reply {
        let strangers = (try? store.read { try $0.count("stranger") }) ?? 0
        let waiting = world.notices.count
        let uncovered = world.alerts.count { !$0.hasAskedHelpers && $0.state == .offered }
        let claimed = (0..<world.devices.count).count { world.devices[$0].map { !$0.device.citizens.isEmpty } ?? false }
        var say = [
            isConnected ? "The gateway is connected to the broker." : degraded != nil ? "" : "The broker is away; devices are not heard and helpers with only an MQTT client are not reached.",
            "\(counted(world.homes.count, "home")), \(counted(world.people.values.count { $0.kind == .citizen }, "citizen")), \(counted(world.people.values.count { $0.kind == .helper }, "helper")), \(counted(claimed, "claimed device"))\(strangers > 0 ? ", \(counted(Int(strangers), "unclaimed one"))" : "").",
            "Since the start: \(counted(counts.messages, "message")), \(counted(counts.readings, "reading")), \(counts.undecodable) not understood.",
            !actor.runsScheme ? "" : "\(counted(world.alerts.count, "open alert"))\(uncovered > 0 ? ", \(uncovered) of them uncovered" : "")\(waiting > 0 ? "; \(counted(waiting, "word")) waiting to be sent" : "").",
        ]
        say += pauseSentences(actor)
        say += feedSentences(actor)
        say += erasureSentences(actor) + forgettingSentences(actor)
        if let degraded { say.append(degraded.problem.sentence) }
        if let lost = sessionLost {
            say.append("The broker had lost the gateway's session: what devices said between \(lost.from.iso) and \(lost.until.iso) may be lost.")
        }
        if let clockJump, clockJump > .zero {
            say.append("The system's clock is \(clockJump.inWords) ahead of the gateway's, which has gone on steadily since its start. If the system's is right, restart the gateway.")
        } else if let clockJump {
            say.append("The system's clock is \(clockJump.inWords) behind the gateway's, which keeps its time so that no deadline is lost. It is right again when the system's clock has caught up.")
        }
        say.removeAll { $0.isEmpty }
        let figures = self.figures(at: now)
        say += figures.sentences
        let alerts: [JSON.Member] = actor.runsScheme ? [.init("openAlerts", .int(Int64(world.alerts.count))), .init("uncovered", .int(Int64(uncovered)))] : []
        if world.alerts.contains(where: { $0.state == .raised }) { say.append("An alert has nobody to ask: add a coordinator with caring coordinator add.") }
        return Reply(
            say: say,
            items: [
                .object([
                    "connected": .bool(isConnected), "homes": .int(Int64(world.homes.count)), "devices": .int(Int64(claimed)),
                    "strangers": .int(strangers), "messages": .int(Int64(counts.messages)), "readings": .int(Int64(counts.readings)),
                    "undecodable": .int(Int64(counts.undecodable)), "redelivered": .int(Int64(counts.redelivered)),
                    "sessionLostAt": .optional(sessionLost?.until.iso), "waiting": .int(Int64(waiting)), "at": .string(now.iso),
                ], alerts + figures.members)
            ])
    }
}
