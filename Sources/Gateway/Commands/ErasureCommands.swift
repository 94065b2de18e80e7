import Care
import Store

/// Erasing one's own data: what would go, that it goes, and how far it is.
extension Engine {
    /// Erasures of one citizen that are under way at once.
    static var erasuresAtOnceMax: Int { 10 }
    /// The newest disclosures that are looked through for who has a copy.
    static var copiesLookedThroughMax: Int { 50_000 }

    func dataErase(_ draft: ErasureDraft, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        guard draft.all || draft.before != nil || !draft.categories.isEmpty || !draft.devices.isEmpty else {
            throw CommandProblem.failed("Say what is to go: --before DAY, --category …, --device …, or --all.")
        }
        guard !draft.all || draft.before == nil && draft.categories.isEmpty && draft.devices.isEmpty else {
            throw CommandProblem.failed("Choose either --all or a part (--before, --category, --device).")
        }
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        // What is of this very moment goes as well.
        let end = try draft.before.map { try past($0, zone: zone, fallback: .zero) } ?? now + .milliseconds(1)
        guard end <= now || draft.before == nil else { throw CommandProblem.failed("What is to go lies in the past: choose a day that has been.") }
        if draft.isCheck {
            let (erasure, devices) = try plan(draft, of: person, end: end, id: 0, tx)
            return Reply(say: try sentences(erasure, draft, person, tx, isDone: false), items: [item(erasure, devices)])
        }
        let (erasure, devices) = try begin(draft, of: person, end: end, isAgain: false, tx)
        return Reply(say: try sentences(erasure, draft, person, tx, isDone: true), items: [item(erasure, devices)])
    }

    /// Writes down what is to go; the steps do the rest.
    ///
    /// - Parameters:
    ///   - isAgain: after a restore, where an alert may be open again that had ended. It stays.
    ///   - isGone: they are not in the scheme any more; nothing of them stays in force.
    func begin(_ draft: ErasureDraft, of person: Person, end: Instant, isAgain: Bool, isGone: Bool = false, _ tx: StoreTurn) throws -> (Erasure, [DeviceID]) {
        if draft.all, !isAgain, let open = world.alerts.first(where: { $0.citizens.contains(person.id) }) {
            throw CommandProblem.failed("Alert \(open.id) is about \(person.id) and still open. Everything can be erased when it has ended; a part (--before, --category, --device) can be erased now.")
        }
        let open = try tx.reader.openErasures().filter { $0.citizen == person.id }
        guard isAgain || isGone || open.count < Self.erasuresAtOnceMax else {
            throw CommandProblem.failed("\(open.count) erasures are under way already. Try again when they are done: caring data erase --status")
        }
        var (erasure, devices) = try plan(draft, of: person, end: end, id: try tx.next("erasure"), tx)
        (erasure.home, erasure.isGone) = (person.home, isGone ? true : nil)
        try tx.save(erasure)
        try eraseFeeds(erasure, tx)
        // Read anew with the next step, when this is on disk.
        erasures = nil
        return (erasure, devices)
    }

    private func plan(_ draft: ErasureDraft, of person: Person, end: Instant, id: Int64, _ tx: StoreTurn) throws -> (Erasure, [DeviceID]) {
        let categories = try draft.categories.map { text in
            guard let category = Category(rawValue: text) else {
                throw CommandProblem.failed("\u{201C}\(safeText(text))\u{201D} is no category; it is one of \(Category.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            return category
        }
        let own = try tx.reader.seriesEver(of: person.id)
        let devices = try draft.devices.map { text in
            guard let home = person.home, let device = try thing(text, in: home, tx)?.device, try tx.reader.everClaimed(device.id).contains(person.id) else {
                throw CommandProblem.failed("\(person.id) has never had a device \u{201C}\(safeText(text))\u{201D}; caring device list shows what there is.")
            }
            return device.id
        }
        let series = own.filter { one in
            (devices.isEmpty || devices.contains(one.device))
                && (categories.isEmpty || Quantity(one.quantity).map { categories.contains($0.category) } ?? false)
        }
        let head = try tx.reader.pseudonym(person.id).flatMap { try tx.reader.chainHead($0)?.n } ?? 0
        return (Erasure(id: id, citizen: person.id, at: now, end: end, isAll: draft.all, series: series.map(\.series), upToEntry: head), devices)
    }

    private func item(_ erasure: Erasure, _ devices: [DeviceID]) -> JSON {
        .object([
            "erasure": .optional(erasure.id > 0 ? "e\(erasure.id)" : nil), "citizen": .string(erasure.citizen.name), "until": .string(erasure.end.iso),
            "all": .bool(erasure.isAll), "series": .int(Int64(erasure.series.count)), "data": .strings(devices.map { DataPattern.device($0).text }),
        ])
    }

    // MARK: What is said

    private func sentences(_ erasure: Erasure, _ draft: ErasureDraft, _ person: Person, _ tx: StoreTurn, isDone: Bool) throws -> [String] {
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        let when = draft.before == nil ? "until now" : "from before \(zone.local(erasure.end).map { "\($0.day.iso) \($0.clock)" } ?? erasure.end.iso)"
        let of = [draft.categories.isEmpty ? nil : "of \(draft.categories.joined(separator: ", "))", draft.devices.isEmpty ? nil : "of \(draft.devices.map { safeText($0) }.joined(separator: ", "))"]
            .compactMap { $0 }.joined(separator: " ")
        let verb = isDone ? "are being erased" : "would be erased, and cannot be brought back"
        var say: [String] = []
        if erasure.isAll {
            say.append("All your readings \(when), your alerts that have ended, who was told what, what was decided, what others did for you, consent records and mandates that are no longer in force, messages that could not be read, and what was taken in from other gateways \(verb).")
            say.append("What is in force stays: your devices, your consents and mandates in force, what waits for a second person, and what watches over you. So does your name, until you are removed from the scheme. What operators did in your name stays as long as the scheme keeps it.")
        } else {
            say.append("Your readings\(of.isEmpty ? "" : " \(of)") \(when) \(verb).")
        }
        let all = try tx.reader.seriesEver(of: person.id)
        if all.contains(where: { $0.isShared && erasure.series.contains($0.series) }) {
            say.append("Some devices were also others' at the same time: readings of that time are about them, too, and stay until each of them has erased them.")
        }
        if erasure.isAll { say.append("Alerts that were also about somebody else stay for them; what was told about you in them goes.") }
        let copies = try tx.reader.copiesHandedOut(person.id, limit: Self.copiesLookedThroughMax)
        if copies.isEmpty {
            say.append("Nobody was told anything about you.")
        } else {
            say.append("\(isDone ? "Who was told something before has it still; ask them" : "What others were told they keep; you can ask them") to erase it:")
            for copy in copies.prefix(Self.copiesNamedMax) {
                let what = copy.data.map { $0 == ToldWords.identity ? "your name and address" : wordsFor($0) }.sorted().joined(separator: ", ")
                say.append("  \(world.name(copy.recipient)) (\(copy.recipient)): \(what), last on \(zone.local(copy.at)?.day.iso ?? copy.at.iso)\(copy.hasRead ? "; has read it" : "").")
            }
            if copies.count > Self.copiesNamedMax { say.append("  and \(copies.count - Self.copiesNamedMax) others: caring who-saw names them\(isDone ? "" : " until it is erased").") }
        }
        say.append("Files that you exported are yours to delete.")
        guard isDone else { return say }
        say.append("The broker writes its own file anew every ten seconds. It may hold a message about you that waits for somebody's client until that client has come or has been away for 14 days, and the last word that a device left there until it says something new.")
        say.append("Copies of the database are made anew and the older ones deleted. caring data erase --status says how far it is.")
        return say
    }

    static var copiesNamedMax: Int { 200 }

    func dataErasing(_ name: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(name, actor)
        // How long readings are kept is another matter once its files are done.
        let all = try tx.reader.erasures(of: person.id).filter { $0.isKeeping != true || $0.phase != .done }
        guard let last = all.last else { return Reply(say: ["Nothing was ever to be erased."]) }
        let open = all.filter { $0.phase != .done }
        return Reply(
            say: open.isEmpty ? ["Nothing is being erased. The last time, on \(last.at.iso), \(counted(last.rows, "row")) went."] : open.map(sentence),
            items: open.map { .object(["erasure": .string("e\($0.id)"), "phase": .string($0.phase.rawValue), "rows": .int(Int64($0.rows)), "at": .string($0.at.iso)]) })
    }

    /// For `status`: a citizen's own.
    func erasureSentences(_ actor: Actor) -> [String] {
        guard let person = actor.person, person.kind == .citizen else { return [] }
        return erasures?.filter { $0.citizen == person.id }.map(sentence) ?? []
    }

    private func sentence(_ erasure: Erasure) -> String {
        "What you \(erasure.isKeeping == true ? "no longer want to keep, as you said" : "wanted to be erased") on \(erasure.at.iso): \(standing(of: erasure))."
    }

    func standing(of erasure: Erasure) -> String {
            switch erasure.phase {
            case .readings: "its readings go (\(counted(erasure.rows, "row")) so far)"
            case .records where erasure.isWaiting: "it waits for words about ended alerts that have still to reach somebody"
            case .names where erasure.isWaiting: "it waits for words that have still to reach somebody"
            case .records, .decisions, .leftovers, .names: "its records go (\(counted(erasure.rows, "row")) so far)"
            case .pages: "the database is being written anew without it"
            case .log: "the database's log is to be emptied as soon as nobody reads it, an export for instance"
            case .copies: "the database holds nothing of it any more; a new copy is being made, and the older ones, which still hold it, are then deleted"
            case .done: "it is done"
            }
    }
}
