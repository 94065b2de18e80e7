import Care
import Store

/// A pause: begun, listed, ended.
extension Engine {
    func pauseWords(_ home: HomeID) -> PauseWords {
        let world = self.world
        return PauseWords(zone: world.zone(of: home), device: { id in world.device(id).map { Self.called($0.device) } ?? "a device" })
    }

    func pause(_ draft: PauseDraft, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        guard let home = person.home, world.homes[home] != nil else { throw CommandProblem.failed("\(person.id) lives in no home that is known.") }
        guard draft.from == nil else { throw CommandProblem.failed("A pause begins now: say only how long it lasts.") }
        let until = try pauseEnd(draft, world.zone(of: home))
        let categories = try draft.categories.map { text in
            guard let category = Category(rawValue: text) else {
                throw CommandProblem.failed("\u{201C}\(safeText(text))\u{201D} is no category; it is one of \(Category.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            return category
        }
        let devices = try draft.devices.map { text in
            guard let device = try thing(text, in: home, tx)?.device, device.citizens.contains(person.id) else {
                throw CommandProblem.failed("\(person.id) has claimed no device \u{201C}\(safeText(text))\u{201D}; caring device list shows them.")
            }
            return device.id
        }
        guard categories.isEmpty || devices.isEmpty else { throw CommandProblem.failed("Pause either categories or devices; for both, pause twice.") }
        guard !draft.evenSOS || !devices.isEmpty else {
            throw CommandProblem.failed("To stop a call button as well, name it: caring pause --device \u{201C}hall button\u{201D} --even-sos. Without that it still works.")
        }
        guard !draft.evenSOS || !draft.exceptSafety else { throw CommandProblem.failed("Choose either --except-safety or --even-sos: they say opposite things.") }
        let own = world.pauses[home]?.filter { $0.citizen == person.id } ?? []
        guard own.count(where: { $0.holds(at: now) }) < Pause.activeMax else {
            throw CommandProblem.failed("\(Pause.activeMax) pauses hold already, as many as one citizen may have: end one first with caring pause end.")
        }
        guard own.count < Pause.keptMax else {
            throw CommandProblem.failed("There were \(Pause.keptMax) pauses in the last \(Pause.kept.inWords), as many as can be remembered.")
        }
        let pause = Pause(
            id: PauseID(try tx.next("pause")), citizen: person.id, home: home, categories: Set(categories).sorted(), devices: Set(devices).sorted(),
            exceptsSafety: draft.exceptSafety, evenSOS: draft.evenSOS, from: now, until: until)
        try begin(pause, by: actor.inLog, tx)
        return Reply(say: pauseWords(home).begun(pause, now: now), items: [item(pause)])
    }

    private func pauseEnd(_ draft: PauseDraft, _ zone: Zone) throws(CommandProblem) -> Instant {
        let until: Instant
        switch (draft.length, draft.until) {
        case (let length?, nil):
            guard let span = Span(length), span >= Pause.shortest, span.milliseconds % 60_000 == 0 else {
                throw .failed("\u{201C}\(safeText(length))\u{201D} is no length of a pause: write whole minutes, hours or days, e.g. 90m, 2h or 3d.")
            }
            until = now + span
        case (nil, let text?):
            if let minute = MinuteOfDay(clock: text) {
                guard let today = zone.local(now)?.day,
                    let next = (0...2).lazy.compactMap({ zone.instant(Day(number: today.number + $0), minute) }).first(where: { $0 > self.now })
                else { throw .failed("It cannot be said when that is; write --for 2h.") }
                until = next
            } else {
                until = try future(text, zone: zone, endOfDay: true)
            }
        default: throw .failed("Say how long: caring pause --for 2h, or caring pause --until 18:00.")
        }
        guard until > now else { throw .failed("It would have ended before it begins; choose a later time.") }
        guard until - now <= Pause.longest else { throw .failed("A pause lasts \(Pause.longest.inWords) at most. When it is over, pause again.") }
        return until
    }

    func pauseList(_ name: String?, _ actor: Actor) throws -> Reply {
        let person = try citizen(name, actor)
        let holding = pausesHolding(person)
        guard !holding.isEmpty, let home = person.home else { return Reply(say: ["Nothing is paused."]) }
        return Reply(say: holding.map { pauseWords(home).listed($0, now: now) }, items: holding.map(item))
    }

    func pausesHolding(_ person: Person) -> [Pause] {
        person.home.flatMap { world.pauses[$0] }?.filter { $0.citizen == person.id && $0.holds(at: now) } ?? []
    }

    func pauseEnd(_ text: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        let holding = pausesHolding(person)
        let pause: Pause
        if let text {
            guard let id = PauseID(text: text), let named = holding.first(where: { $0.id == id }) else {
                throw CommandProblem.failed("\(person.id) has no pause \u{201C}\(safeText(text))\u{201D} that holds; caring pause list shows them.")
            }
            pause = named
        } else {
            guard let first = holding.first else { return Reply(say: ["Nothing is paused."]) }
            guard holding.count == 1 else {
                throw CommandProblem.failed("There are \(holding.count) pauses. Say which: \(holding.map { "caring pause end \($0.id)" }.joined(separator: ", or "))")
            }
            pause = first
        }
        try end(pause.id, in: pause.home, at: now, by: actor.inLog, tx)
        var say = ["The pause is over. From now on \(pauseWords(pause.home).what(pause)) \(pause.categories.count + pause.devices.count > 1 ? "are" : "is") recorded again; what was said in between is not made up for."]
        let left = holding.count - 1
        if left > 0 { say.append("\(left == 1 ? "Another pause still holds" : "\(left) other pauses still hold"): caring pause list") }
        let ended = world.pauses[pause.home]?.first { $0.id == pause.id } ?? pause
        return Reply(say: say, items: [item(ended)])
    }

    /// Whose pauses are no more, because they are not known here any more.
    func endPauses(of citizen: PersonID, in home: HomeID, by: String, _ tx: StoreTurn) throws {
        for pause in world.pauses[home] ?? [] where pause.citizen == citizen && pause.end > now { try end(pause.id, in: home, at: now, by: by, tx) }
    }

    private func item(_ pause: Pause) -> JSON {
        .object([
            "pause": .string(pause.id.description), "citizen": .string(pause.citizen.name), "from": .string(pause.from.iso), "until": .string(pause.end.iso),
            "categories": .strings(pause.categories.map(\.rawValue)), "data": .strings(pause.devices.map { DataPattern.device($0).text }),
            "exceptSafety": .bool(pause.exceptsSafety), "evenSOS": .bool(pause.evenSOS),
        ])
    }

    // MARK: Where else it is told

    /// For `status`: of a citizen's own; of everybody's only in how many homes.
    func pauseSentences(_ actor: Actor) -> [String] {
        guard let person = actor.person, person.kind == .citizen else {
            let homes = actor.runsScheme ? world.pauses.values.count { $0.contains { $0.holds(at: now) } } : 0
            return homes == 0 ? [] : ["In \(counted(homes, "home")) something is paused by its citizens: no alarm comes of its silence."]
        }
        guard let home = person.home else { return [] }
        let words = pauseWords(home)
        return pausesHolding(person).map { "Paused until \(words.time($0.end, now: now)) by its citizen \($0.citizen): \(words.what($0)) (\($0.id))." }
    }

    /// For `device list`: in a home where somebody has paused, nobody is missed for being still, those who did not included.
    func nobodyIsMissed(_ home: HomeID) -> String? {
        guard world.pauses[home] != nil, world.detectors.deadlines().contains(where: { $0.0.subject == .home(home) && isAbsencePaused($0.0) }) else { return nil }
        return "\(home)  Somebody who lives here has paused: until that is over nobody is called because the home seems still."
    }

    /// For `device watch`: what is paused of this person's devices, each once, so that it is known why nothing is seen. Never
    /// when anything came.
    func pausedForWatch(_ home: HomeID, _ person: PersonID) -> [(device: Device, words: String)] {
        guard world.pauses[home] != nil else { return [] }
        return world.devices(of: home).compactMap { state in
            guard state.device.citizens.contains(person), let (pause, until) = world.pauseHolding(state, at: now),
                deviceWatch.tellsPaused(home, person, "\(state.device.id.number) \(pause.id)")
            else { return nil }
            return (state.device, Standing.paused(pause, until: until).words(now: now, zone: world.zone(of: home)))
        }
    }
}
