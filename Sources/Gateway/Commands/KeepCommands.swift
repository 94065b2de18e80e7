import Care
import Store

/// How long one's own readings are kept: what holds, what another choice would remove, and the choice.
extension Engine {
    /// Decides how long readings are kept from now on.
    func dataKeep(_ draft: KeepDraft, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        var (say, items): ([String], [JSON]) = ([], [])
        var isLess = false
        for (category, setting) in try wanted(draft, of: person) {
            let before = keepRules.setting(person.id, category)
            let known = world.keeping[person.id]?[category]?.setting
            guard setting != known else {
                say.append("\(Self.named(category)): that is how it is already, \(Self.words(before)).")
                continue
            }
            try keep(category, setting, of: person, by: actor.inLog, tx)
            let after = keepRules.setting(person.id, category)
            let isShorter = Self.isLess(after, than: before)
            isLess = isLess || isShorter
            say.append("\(Self.named(category)): readings are kept \(Self.words(after))\(setting == nil ? ", as the scheme says" : "").")
            items.append(
                .object([
                    "category": .string(category.rawValue), "days": setting.map { .int(Int64($0.days)) } ?? .null, "then": .optional(setting?.then.rawValue),
                    "longer": .bool(!isShorter),
                ]))
        }
        if isLess {
            try forgetFiles(of: person, tx)
            say.append("What is older goes now, which takes minutes; then it goes from the database's files and its copies. caring data erase --status says how far that is.")
        }
        return Reply(say: say, items: items)
    }

    /// What these people want less of stays in files and copies until those are made anew.
    private func forgetFiles(of person: Person, _ tx: StoreTurn) throws {
        var erasure =
            try tx.reader.openErasures().last { $0.citizen == person.id && $0.isKeeping == true }
            ?? Erasure(id: try tx.next("erasure"), citizen: person.id, at: now, end: now, isAll: false, series: [], upToEntry: 0)
        erasure.isKeeping = true
        erasure.at = now
        erasure.go(to: .readings)
        erasure.cleanAt = nil
        try tx.save(erasure)
        erasures = nil
        nextErasureLooks[erasure.id] = nil
        (nextSweep, sweepFrom) = (.distantPast, nil)
    }

    private func keep(_ category: Category, _ setting: KeepSetting?, of person: Person, by: String, _ tx: StoreTurn) throws {
        let choice = KeepChoice(id: try tx.next("keeping"), citizen: person.id, category: category, setting: setting, at: now, by: by)
        try tx.append(choice)
        world.keeping[person.id, default: [:]][category] = choice
    }

    /// - Returns: nil for what is to be as the scheme says.
    private func wanted(_ draft: KeepDraft, of person: Person) throws -> [(Category, KeepSetting?)] {
        guard !draft.categories.isEmpty else { throw CommandProblem.failed("Say of what: --category \(Category.allCases.map(\.rawValue).joined(separator: ", ")).") }
        guard draft.isDefault ? draft.length == nil && draft.then == nil : draft.length != nil || draft.then != nil else {
            throw CommandProblem.failed("Say how long: --for 30d, what then: --then erase or --then daily, or alone --default.")
        }
        var all: [(Category, KeepSetting?)] = []
        for text in draft.categories {
            guard let category = Category(rawValue: text) else {
                throw CommandProblem.failed("\u{201C}\(safeText(text))\u{201D} is no category; it is one of \(Category.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            if all.contains(where: { $0.0 == category }) { continue }
            if draft.isDefault {
                all.append((category, nil))
                continue
            }
            var setting = keepRules.setting(person.id, category)
            if let length = draft.length {
                guard let span = Span(length), span.milliseconds % 86_400_000 == 0 else {
                    throw CommandProblem.failed("\u{201C}\(safeText(length))\u{201D} is no number of days: write it like 30d.")
                }
                setting.days = Int(span.milliseconds / 86_400_000)
            }
            if let then = draft.then {
                guard let after = KeepAfter(rawValue: then) else { throw CommandProblem.failed("After --then comes erase or daily, not \u{201C}\(safeText(then))\u{201D}.") }
                setting.then = after
            }
            let bounds = configuration.keepBounds(category)
            guard (bounds.leastDays...bounds.mostDays).contains(setting.days) else {
                throw CommandProblem.failed(
                    "In this scheme readings of \(category.rawValue) are kept \(counted(bounds.leastDays, "day")) at least and \(counted(bounds.mostDays, "day")) at most; \(counted(setting.days, "day")) is outside of that.")
            }
            all.append((category, setting))
        }
        return all
    }

    static func isLess(_ after: KeepSetting, than before: KeepSetting) -> Bool { after.days < before.days || after.then == .erase && before.then == .daily }

    // MARK: After a restore

    /// Also what the scheme would no longer allow: it is kept as near to it as may be, never longer because of that.
    func keepAgain(_ draft: KeepDraft, _ act: Act) throws -> Bool {
        guard let person = act.by.flatMap({ world.people[$0] }) else { return false }
        let span = draft.length.flatMap { Span($0) }
        guard draft.isDefault || span != nil else { return false }
        let by = actor(of: act, TakenAway([]), [:]).inLog
        // What went by the choice before this one must not be there again because more is kept since.
        let isMore = draft.categories.compactMap { Category(rawValue: $0) }.contains { category in
            guard let before = world.keeping[person.id]?[category]?.setting else { return false }
            let after = span.map { KeepSetting(days: Int($0.milliseconds / 86_400_000), then: draft.then.flatMap(KeepAfter.init(rawValue:)) ?? .erase) }
            return Self.isLess(before, than: after ?? keepRules.bounds(category).usual)
        }
        if isMore { try keepNow(asOf: min(act.at ?? now, now)) }
        return try turnAgain { tx in
            for category in draft.categories.compactMap({ Category(rawValue: $0) }) {
                let setting = span.map { KeepSetting(days: Int($0.milliseconds / 86_400_000), then: draft.then.flatMap(KeepAfter.init(rawValue:)) ?? .erase) }
                if world.keeping[person.id]?[category]?.setting == setting { continue }
                try keep(category, setting, of: person, by: by, tx)
            }
            try forgetFiles(of: person, tx)
        }
    }

    // MARK: What holds

    /// What would go, worked out beside the turns.
    func dataKeepCheck(_ draft: KeepDraft, _ actor: Actor) throws -> @Sendable () -> Reply {
        let person = try citizen(nil, actor)
        let wanted = try wanted(draft, of: person)
        let before = keepRules
        var after = before
        for (category, setting) in wanted {
            after.choices[person.id, default: [:]][category] = KeepChoice(id: 0, citizen: person.id, category: category, setting: setting, at: now, by: "")
        }
        let (all, id, aside, new) = (ownSeries(of: person), person.id, store.aside, after)
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        return {
            do {
                var (say, items): ([String], [JSON]) = ([], [])
                var goes: Int64 = 0
                try aside.read { reader in
                    for (category, _) in wanted {
                        let (old, now) = (try Self.kept(category, of: id, before, all, reader), try Self.kept(category, of: id, new, all, reader))
                        let setting = new.setting(id, category)
                        say.append("\(Self.named(category)): readings would be kept \(Self.words(setting)).")
                        let erased = max(0, now.readingsErased - old.readingsErased)
                        let thinned = max(0, now.readingsThinned - old.readingsThinned)
                        let figures = max(0, now.figuresErased - old.figuresErased)
                        let day = zone.local(new.now - .days(Int64(setting.days)))?.day.inWords ?? ""
                        if erased > 0 { say.append("  \(counted(Int(erased), "reading")) from before \(day) would be erased.") }
                        if thinned > 0 { say.append("  \(counted(Int(thinned), "reading")) from before \(day) would become daily figures.") }
                        if figures > 0 { say.append("  \(counted(Int(figures), "daily figure")) would be erased.") }
                        goes += erased + thinned + figures
                        items.append(
                            .object([
                                "category": .string(category.rawValue), "readingsErased": .int(erased), "readingsThinned": .int(thinned), "figuresErased": .int(figures),
                            ]))
                    }
                }
                say.append(
                    goes == 0
                        ? "Nothing that is kept now would go."
                        : "This begins at once and takes minutes; from the database's files it is gone within the hour, from its copies as soon as nothing reads them. It cannot be undone.")
                items.insert(.object(["goes": .int(goes)]), at: 0)
                return Reply(say: say, items: items)
            } catch {
                return .failed("The readings could not be read. The gateway's log says why.")
            }
        }
    }

    /// For each category what holds, who decided it, what the scheme allows, and how much there is.
    func dataKeeping(_ name: String?, history: Bool, _ actor: Actor) throws -> @Sendable () -> Reply {
        let person = try citizen(name, actor)
        let (rules, all, id, aside) = (keepRules, ownSeries(of: person), person.id, store.aside)
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        let shared = sharedDays(of: person, rules)
        return {
            do {
                return try aside.read { reader in
                    if history { return Self.history(try reader.keepChoices(of: id, all: true), zone) }
                    var (say, items): ([String], [JSON]) = ([], [])
                    for category in Category.allCases {
                        let kept = try Self.kept(category, of: id, rules, all, reader)
                        let (setting, bounds, choice) = (rules.setting(id, category), rules.bounds(category), rules.choices[id]?[category])
                        let who = choice.flatMap { choice in choice.setting == nil ? nil : "You decided this on \(zone.local(choice.at)?.day.inWords ?? choice.at.iso)" }
                        say.append("\(Self.named(category)): readings are kept \(Self.words(setting)).")
                        say.append(
                            "  \(who ?? "The scheme says so"); you may choose \(bounds.leastDays) to \(bounds.mostDays) days, and whether the days' figures stay\(who == nil ? "" : ". The scheme's own is \(Self.words(bounds.usual))").")
                        if setting.then == .daily { say.append("  Daily figures stay until they are \(counted(bounds.mostDays, "day")) old.") }
                        if let days = shared[category], days < setting.days {
                            say.append("  Of devices that you share, readings are kept \(counted(days, "day")): the shortest time that one of you wants.")
                        }
                        let oldest = kept.oldest.flatMap { zone.local($0)?.day.inWords }
                        say.append(
                            "  Here now: \(counted(Int(kept.readings), "reading")) and \(counted(Int(kept.figures), "daily figure"))\(oldest.map { ", the oldest of \($0)" } ?? "").")
                        items.append(
                            .object([
                                "category": .string(category.rawValue), "days": .int(Int64(setting.days)), "then": .string(setting.then.rawValue),
                                "decidedBy": .string(who == nil ? "scheme" : "citizen"), "since": .optional(choice?.at.iso), "leastDays": .int(Int64(bounds.leastDays)),
                                "mostDays": .int(Int64(bounds.mostDays)), "usualDays": .int(Int64(bounds.usual.days)), "usualThen": .string(bounds.usual.then.rawValue),
                                "sharedDays": shared[category].map { .int(Int64($0)) } ?? .null, "readings": .int(kept.readings), "dailyFigures": .int(kept.figures),
                                "oldest": .optional(kept.oldest?.iso),
                            ]))
                    }
                    say.append("The newest reading of each device in use stays. Alerts, and who was told what, are kept as long as the scheme says, whatever you choose here.")
                    return Reply(say: say, items: items)
                }
            } catch {
                return .failed("The readings could not be read. The gateway's log says why.")
            }
        }
    }

    private static func history(_ choices: [KeepChoice], _ zone: Zone) -> Reply {
        Reply(
            say: choices.isEmpty
                ? ["You have never decided how long readings are kept: it is as the scheme says."]
                : choices.map { choice in
                    "\(zone.local(choice.at).map { "\($0.day.iso) \($0.clock)" } ?? choice.at.iso)  \(named(choice.category)): \(choice.setting.map(words) ?? "as the scheme says"), decided by \(choice.by). (k\(choice.id))"
                },
            items: choices.map { choice in
                .object([
                    "id": .string("k\(choice.id)"), "at": .string(choice.at.iso), "by": .string(choice.by), "category": .string(choice.category.rawValue),
                    "days": choice.setting.map { .int(Int64($0.days)) } ?? .null, "then": .optional(choice.setting?.then.rawValue),
                ])
            })
    }

    /// Series of devices in this person's home; whose they were when is looked up where they are read.
    private func ownSeries(of person: Person) -> [(series: Series, zone: Zone)] {
        guard let home = person.home else { return [] }
        let zone = world.zone(of: home)
        return world.devices(of: home).flatMap { state in state.slots.compactMap { world.seriesInfo($0.series) } }.map { ($0, zone) }
    }

    private static func kept(
        _ category: Category, of citizen: PersonID, _ rules: KeepRules, _ all: [(series: Series, zone: Zone)], _ reader: StoreReader
    ) throws -> StoreReader.Kept {
        var sum = StoreReader.Kept()
        for (series, zone) in all where series.quantity.category == category {
            let times = try reader.claims(series.device, citizen)
            if times.isEmpty { continue }
            let kept = try reader.kept(series.id.number, rules.terms(category, try reader.claims(ofAll: series.device), zone), in: times)
            sum.readings += kept.readings
            sum.figures += kept.figures
            sum.oldest = [sum.oldest, kept.oldest].compactMap { $0 }.min()
            sum.readingsErased += kept.readingsErased
            sum.readingsThinned += kept.readingsThinned
            sum.figuresErased += kept.figuresErased
        }
        return sum
    }

    /// The shortest time that anybody wants who has a device together with this person now.
    private func sharedDays(of person: Person, _ rules: KeepRules) -> [Category: Int] {
        var days: [Category: Int] = [:]
        guard let home = person.home else { return days }
        for state in world.devices(of: home) where state.device.citizens.contains(person.id) && state.device.citizens.count > 1 {
            for slot in state.slots {
                let category = slot.quantity.category
                for other in state.device.citizens { days[category] = min(days[category] ?? .max, rules.setting(other, category).days) }
            }
        }
        return days
    }

    // MARK: Words

    static func named(_ category: Category) -> String { category.rawValue.prefix(1).uppercased() + category.rawValue.dropFirst() }

    /// "30 days, then made into daily figures".
    static func words(_ setting: KeepSetting) -> String {
        "\(counted(setting.days, "day")), then \(setting.then == .daily ? "made into daily figures" : "erased")"
    }

    /// From which day on readings themselves are kept, where that is later than what was asked for.
    func notKeptWords(_ person: PersonID, since: Instant, _ category: Category?, _ zone: Zone) -> [String] {
        let rules = keepRules
        return Category.allCases.filter { category == nil || $0 == category }.compactMap { one in
            let setting = rules.setting(person, one)
            let before = now - .days(Int64(setting.days))
            // Of what nobody has chosen nothing is said where everything is asked for.
            guard before > since, category != nil || rules.choices[person]?[one]?.setting != nil, let day = zone.local(before)?.day else { return nil }
            return "Readings of \(one.rawValue) from before \(day.inWords) are \(setting.then == .daily ? "kept as daily figures only (caring insights, caring data export)" : "not kept")."
        }
    }

    /// What holds for somebody, a sentence for each way: for reports.
    func keepSentence(of person: PersonID) -> String {
        let rules = keepRules
        var ways: [(String, [String])] = []
        for category in Category.allCases {
            let words = Self.words(rules.setting(person, category))
            if let known = ways.firstIndex(where: { $0.0 == words }) { ways[known].1.append(category.rawValue) } else { ways.append((words, [category.rawValue])) }
        }
        return ways.map { ways.count == 1 ? $0.0 : "\($0.1.joined(separator: ", ")) \($0.0)" }.joined(separator: "; ")
    }
}
