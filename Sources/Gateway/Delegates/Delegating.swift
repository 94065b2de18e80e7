import Care
import Store

/// What a command came to where that is not what was typed: an act that was confirmed, or one that was undone.
struct CameTo {
    var command: Command
    var actor: Actor
    var reply: Reply
    /// A delegate did it.
    var deed: DelegateAct?
    /// It undoes this one.
    var undoes: DelegateActID?

    /// Nothing that a restore would have to repeat.
    static var nothing: CameTo { CameTo(command: .status, actor: Actor(), reply: Reply()) }
}

/// What a delegate may do in a citizen's place, and nothing else: what is not named here is refused.
extension Engine {
    /// Whoever speaks acts for somebody by a mandate that has still to be found for what they say.
    func isDelegate(_ actor: Actor) -> Bool { actor.delegate != nil && actor.mandate == nil }

    /// Those that hold now, in order of id.
    func mandates(of delegate: PersonID, for citizen: PersonID) -> [Mandate] {
        world.mandates[citizen]?.filter { $0.delegate == delegate && $0.holds(at: now) } ?? []
    }

    func actFor(_ command: Command, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        switch command {
        case .consentGrant, .consentRefuse, .consentGive, .consentDefer, .consentDeny, .consentWithdraw, .pause: return try act(command, actor, tx)
        case .readingList, .whoSaw, .why, .consentList, .consentRequests, .consentHistory: return try look(command, actor, tx)
        case .delegate(let said):
            switch said {
            case .list, .acts, .confirm, .decline, .end: return try delegate(said, actor, tx)
            case .add, .remove, .appoint, .undo: break
            }
        default: break
        }
        throw CommandProblem.refused(
            "Whoever acts for \(actor.person?.id.name ?? "somebody") may decide about consents, pause and look, within their mandate; \u{201C}\(command.name)\u{201D} is \(actor.person?.id.name ?? "the citizen")'s alone.")
    }

    // MARK: Acting

    /// What an act comes to before it is done.
    struct Matter {
        var kind: DelegateAct.Kind
        var scope: DelegateScope
        /// In plain words, to the citizen.
        var what: String
        /// With the instants that were meant: it may wait for a second person.
        var command: Command
        var effect: DelegateAct.Effect
        /// The citizen's own refusal, which it would lift.
        var lifts: ConsentID?
    }

    private func act(_ said: Command, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let citizen = actor.person, let delegate = actor.delegate else { throw CommandProblem.failed("Say for whom: add --as CITIZEN.") }
        let matter = try matter(of: said, citizen, delegate, tx)
        let holding = mandates(of: delegate, for: citizen.id)
        let covering = holding.filter { $0.covers(matter.scope) }
        guard !covering.isEmpty else { throw beyond(matter.scope, holding, citizen) }
        guard let mandate = covering.first(where: { matter.lifts == nil || $0.giver == .court }) else { throw stands(matter.lifts, citizen) }
        var acting = actor
        acting.mandate = mandate.id
        var deed = DelegateAct(
            id: DelegateActID(try tx.next("delegateAct")), citizen: citizen.id, delegate: delegate, mandate: mandate.id, at: now, kind: matter.kind,
            scope: matter.scope, what: safeText(matter.what, charactersMax: DelegateAct.whatCharactersMax), state: .done, effect: matter.effect, operatorUID: actor.operatorUID)
        if mandate.needsTwo.contains(matter.kind) {
            deed.command = matter.command
            return try propose(deed, citizen, acting, tx)
        }
        let reply = try perform(matter, &deed, acting, .did, by: acting.inLog, tx)
        if let home = citizen.home {
            try tell(home, "\(citizen.name): somebody who acts for you has done something (\(deed.id)). caring delegate acts shows what it was, and caring delegate undo \(deed.id) undoes it.", tx)
        }
        return reply
    }

    /// Does it, and writes down who did it for whom.
    func perform(_ matter: Matter, _ deed: inout DelegateAct, _ acting: Actor, _ event: DelegateEvent, by: String, _ tx: StoreTurn) throws -> Reply {
        var reply: Reply
        switch matter.command {
        case .consentGrant(let draft): reply = try consentAdd(draft, .permit, acting, tx)
        case .consentRefuse(let draft): reply = try consentAdd(draft, .refuse, acting, tx)
        case .consentGive(let id, let less): reply = try consentGive(id, less, acting, tx)
        case .consentDefer(let id): reply = try consentDefer(id, acting, tx)
        case .consentDeny(let id): reply = try consentDeny(id, acting, tx)
        case .consentWithdraw(let id): reply = try consentWithdraw(id, acting, tx)
        case .pause(let draft): reply = try pause(draft, acting, tx)
        default: throw CommandProblem.refused("Nobody may do this in somebody else's place.")
        }
        deed.state = .done
        deed.command = nil
        deed.made = reply.items.first?["consent"]?.string ?? reply.items.first?["pause"]?.string
        try tx.save(deed, event, by: by, at: now)
        cameTo = CameTo(command: matter.command, actor: acting, reply: reply, deed: deed)
        reply.say.append("\(names(deed)): this is \(deed.id). \(world.name(deed.citizen)) sees it and can undo it.")
        reply.items.append(item(deed))
        return reply
    }

    /// "Anna Hill for Ada Brown (mandate m3)".
    func names(_ deed: DelegateAct) -> String { "\(world.name(deed.delegate)) for \(world.name(deed.citizen)) (mandate \(deed.mandate))" }

    // MARK: What it touches

    /// - Throws: also where it is in nobody's mandate.
    func matter(of said: Command, _ citizen: Person, _ delegate: PersonID, _ tx: StoreTurn) throws -> Matter {
        do {
            switch said {
            case .consentGrant(let draft): return try matter(of: draft, .permit, citizen, delegate) { .consentGrant($0) }
            case .consentRefuse(let draft): return try matter(of: draft, .refuse, citizen, delegate) { .consentRefuse($0) }
            case .consentGive(let id, let less): return try matter(giving: id, less, citizen, delegate)
            case .consentDefer(let id):
                let asked = try asked(id, citizen)
                guard world.asked[citizen.id]?.contains(where: { $0.record.id == asked.id && $0.isDeferred }) != true else {
                    throw CommandProblem.failed("The answer to \(asked.id) is put off already.")
                }
                return Matter(kind: .consent, scope: try scope(asked, citizen), what: "puts the answer to \(asked.id) off", command: said, effect: .deferred)
            case .consentDeny(let id):
                let asked = try asked(id, citizen)
                return Matter(kind: .consent, scope: try scope(asked, citizen), what: "denies \(asked.id): \(saying(asked, citizen))", command: said, effect: .denied)
            case .consentWithdraw(let id): return try matter(ending: id, citizen, tx)
            case .pause(let draft): return try matter(of: draft, citizen, tx)
            default: throw CommandProblem.refused("Nobody may do this in somebody else's place.")
            }
        } catch let error as ConsentTextError {
            throw CommandProblem.failed(error.sentence)
        }
    }

    private func matter(
        of draft: ConsentDraft, _ effect: ConsentRecord.Effect, _ citizen: Person, _ delegate: PersonID, _ command: (ConsentDraft) -> Command
    ) throws -> Matter {
        guard draft.citizen == nil || draft.citizen == citizen.id.name else { throw CommandProblem.refused("You act for \(citizen.id) here and for nobody else.") }
        let zone = zone(of: citizen)
        let record = try read(draft, effect, citizen, zone, id: ConsentID(1))
        if effect == .permit { try mayReceive(record.recipients, delegate) }
        var dated = draft
        (dated.from, dated.until) = (draft.from == nil ? nil : record.from.iso, record.until?.iso)
        return Matter(
            kind: .consent, scope: try scope(record, citizen), what: "\(effect == .permit ? "permits" : "refuses"): \(saying(record, citizen))", command: command(dated), effect: .gave)
    }

    private func matter(giving id: String, _ less: ConsentNarrowing, _ citizen: Person, _ delegate: PersonID) throws -> Matter {
        var record = try asked(id, citizen)
        try mayReceive(record.recipients, delegate)
        var dated = less
        if !less.data.isEmpty { record.data = try less.data.map { try dataPattern($0, citizen) } }
        if let until = less.until {
            let end = try future(until, zone: zone(of: citizen), endOfDay: true)
            (record.until, dated.until) = (end, end.iso)
        }
        if let detail = less.detail.flatMap({ Detail($0) }) { record.detail = detail }
        return Matter(
            kind: .consent, scope: try scope(record, citizen), what: "gives \(record.id): \(saying(record, citizen))", command: .consentGive(id: id, less: dated), effect: .gave)
    }

    private func matter(ending text: String, _ citizen: Person, _ tx: StoreTurn) throws -> Matter {
        guard let id = ConsentID(text: text), case .record(let record)? = world.consents[citizen.id]?.first(where: { $0.id == id }) else {
            throw CommandProblem.failed("\(citizen.id) has no consent record \u{201C}\(safeText(text))\u{201D} that could be ended; caring consent list shows them.")
        }
        guard record.withdrawnAt == nil else { throw CommandProblem.failed("\(id) was withdrawn before.") }
        let isOwn = try tx.reader.consentGiving(id).map { !$0.givenBy.contains("(mandate m") } ?? true
        return Matter(
            kind: .consent, scope: try scope(record, citizen), what: "ends \(id): \(saying(record, citizen))", command: .consentWithdraw(id: id.description), effect: .ended,
            lifts: record.effect == .refuse && isOwn ? id : nil)
    }

    private func matter(of draft: PauseDraft, _ citizen: Person, _ tx: StoreTurn) throws -> Matter {
        guard let home = citizen.home else { throw CommandProblem.failed("\(citizen.id) lives in no home that is known.") }
        guard !draft.evenSOS else { throw CommandProblem.refused("Nobody but \(citizen.id) may make a call button deaf.") }
        var categories = draft.categories.compactMap { Category(rawValue: $0) }
        for text in draft.devices {
            guard let device = try thing(text, in: home, tx)?.device else {
                throw CommandProblem.failed("\(citizen.id) has claimed no device \u{201C}\(safeText(text))\u{201D}.")
            }
            let known = self.categories(of: device.id)
            categories += known.isEmpty ? Category.allCases : known
        }
        if draft.categories.isEmpty && draft.devices.isEmpty { categories = Category.allCases }
        let what = draft.categories.isEmpty && draft.devices.isEmpty ? "everything" : (draft.categories + draft.devices).map { safeText($0) }.joined(separator: ", ")
        let until = draft.length.map { " for \(safeText($0))" } ?? draft.until.map { " until \(safeText($0))" } ?? ""
        return Matter(kind: .pause, scope: DelegateScope(categories: categories, purposes: []), what: "pauses \(what)\(until)", command: .pause(draft), effect: .paused)
    }

    private func asked(_ text: String, _ citizen: Person) throws(CommandProblem) -> ConsentRecord { try findAsked(text, Actor(person: citizen)).2.record }

    func zone(of citizen: Person) -> Zone { citizen.home.map { world.zone(of: $0) } ?? .utc }

    private func saying(_ record: ConsentRecord, _ citizen: Person) -> String {
        Care.sentence(record, names: consentNames, zone: zone(of: citizen), now: now)
    }

    private func scope(_ record: ConsentRecord, _ citizen: Person) throws(CommandProblem) -> DelegateScope {
        guard let scope = record.scope({ self.categories(of: $0) }) else {
            throw .refused("Name and address, and what is told in emergencies, are in nobody's mandate: \(citizen.id) decides about them alone.")
        }
        return scope
    }

    /// Of what it is known to measure; its own state counts for nothing.
    func categories(of device: DeviceID) -> [Category] {
        Set(world.device(device)?.slots.filter { !$0.quantity.isChore }.map(\.quantity.category) ?? []).sorted()
    }

    /// A mandate that its holder could permit themselves more by would have no bounds.
    private func mayReceive(_ recipients: [RecipientPattern], _ delegate: PersonID) throws(CommandProblem) {
        // Also as one of many: a circle that they are in, or everybody of their kind.
        guard let own = world.people[delegate]?.asRecipient, recipients.contains(where: { $0.matches(own) }) else { return }
        throw .refused("Nobody permits themselves something in somebody else's name, nor a circle that they are in.")
    }

    // MARK: What is refused

    func coverage(_ mandates: [Mandate], _ zone: Zone) -> String {
        mandates.map { "mandate \($0.id) covers \($0.coverage), until \(zone.local($0.until)?.inWords ?? $0.until.iso)" }.joined(separator: "; ")
    }

    func beyond(_ scope: DelegateScope, _ holding: [Mandate], _ citizen: Person) -> CommandProblem {
        .refused("This touches \(scope.words), and \(coverage(holding, zone(of: citizen))).")
    }

    /// Of something that a delegate wanted to see.
    func beyond(_ actor: Actor) -> CommandProblem {
        guard let person = actor.person else { return .refused("This is in nobody's mandate.") }
        return .refused("This goes beyond what you may see for \(person.id): \(coverage(actor.looking?.mandates ?? [], zone(of: person))).")
    }

    private func stands(_ refusal: ConsentID?, _ citizen: Person) -> CommandProblem {
        .refused("\(citizen.id) refused this, and a refusal of their own stands against whoever acts for them, unless a court has said otherwise\(refusal.map { " (\($0))" } ?? "").")
    }

    /// The same when a proposal is looked at again.
    func check(_ matter: Matter, _ mandate: Mandate, _ citizen: Person) throws(CommandProblem) {
        guard mandate.covers(matter.scope) else { throw beyond(matter.scope, [mandate], citizen) }
        guard matter.lifts == nil || mandate.giver == .court else { throw stands(matter.lifts, citizen) }
    }
}
