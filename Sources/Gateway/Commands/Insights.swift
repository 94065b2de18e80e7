import Care
import Store

/// `caring insights`: one's own days in plain words, compared with one's own usual. Never a diagnosis.
extension Engine {
    /// Readings that are looked at for one answer.
    static var insightReadingsMax: Int { 2_000_000 }
    static var insightDaysMax: Int64 { 92 }
    /// Days before those that are shown, from which the usual is taken.
    static var usualDays: Int64 { 28 }

    func insights(_ sinceText: String?, _ actor: Actor) throws -> @Sendable () -> Reply {
        let person = try citizen(nil, actor)
        guard let home = person.home else { throw CommandProblem.failed("\(person.id) has no home here.") }
        let zone = world.zone(of: home)
        let since = try past(sinceText, zone: zone, fallback: .days(6))
        guard let first = zone.local(since)?.day, let today = zone.local(now)?.day else {
            throw CommandProblem.failed("The time zone of this home ends before that; choose a later --since.")
        }
        guard first <= today else { throw CommandProblem.failed("That lies ahead; choose an earlier --since.") }
        guard today.number - first.number < Self.insightDaysMax else {
            throw CommandProblem.failed("At most \(Self.insightDaysMax) days are shown at once; choose a later --since.")
        }
        var wanted: [(device: DeviceID, series: [Series])] = []
        for state in world.devices(of: home) { wanted.append((state.device.id, state.slots.compactMap { world.seriesInfo($0.series) }.filter { maySee($0, actor) })) }
        let (series, now, aside, id, rules) = (wanted, self.now, store.aside, person.id, keepRules)
        // A day of which a part was not to be recorded is no day like the others.
        var paused: Set<Day> = []
        for pause in world.pauses[home] ?? [] where pause.citizen == person.id {
            guard let from = zone.local(pause.from)?.day, let until = zone.local(pause.end - Span(milliseconds: 1))?.day, from <= until else { continue }
            for number in max(from.number, first.number - Self.usualDays)...max(until.number, first.number - Self.usualDays) { paused.insert(Day(number: number)) }
        }
        let leftOut = paused
        return {
            do {
                let from = MinuteOfDay(0).flatMap { zone.instant(Day(number: first.number - Self.usualDays - 1), $0) } ?? since - .days(Self.usualDays)
                var folding = DayFolding(zone: zone, until: now)
                var unread = Self.insightReadingsMax
                try aside.read { reader in
                    for (device, series) in series {
                        let claims = try reader.claims(device, id)
                        for one in series where !claims.isEmpty {
                            folding.begin(one.quantity)
                            for claim in claims where unread > 0 {
                                for figure in try reader.figures(one.id.number, from: max(from, claim.from), until: min(now, claim.until)) { folding.take(figure) }
                                unread -= try reader.eachReading(one, since: max(from, claim.from), until: min(now + Span(milliseconds: 1), claim.until), limit: unread) {
                                    folding.take(at: $0.at, $0.value)
                                }
                            }
                        }
                    }
                }
                folding.finish()
                return InsightWords(
                    days: folding.inOrder().filter { !leftOut.contains($0.day) }, first: first, today: today, zone: zone,
                    pausedDays: leftOut.count { first <= $0 && $0 <= today }, isCut: unread <= 0, lastFigureDay: folding.lastFigureDay, erased: rules.erased(id, zone)
                ).reply()
            } catch {
                return .failed("The readings could not be read. The gateway's log says why.")
            }
        }
    }
}
