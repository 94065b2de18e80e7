import Care

/// For one kind of alert in one home: how many helpers would be asked, hour by hour of the coming week.
///
/// The production code answers: the plan's steps choose, the citizen's records decide. Of an hour in which hours of duty or of
/// consent begin or end the worst minute counts.
struct Coverage: Sendable {
    struct Hour: Sendable, Equatable {
        /// Helpers who would be asked and are on duty.
        var onDuty: Int
        /// All helpers who would be asked before the coordinators are.
        var asked: Int
    }

    /// What this is called, and the rules that it stands for: all that ask the same people.
    var rules: [Rule]
    /// Whom such an alert would be about: each of them decides.
    var citizens: [PersonID]
    /// By the home's own clocks: Monday's 24 hours first. Nil: an hour that a change to summer time skips.
    var hours: [Hour?]
    /// Whether any device of the home has shown that it can tell of it; of a rule that watches for absence or silence always.
    var isNoticed: [Bool]

    static let hoursOfWeek = 168

    var dark: [Bool] { hours.map { $0?.asked == 0 } }
}

extension World {
    /// Kinds of alerts for this home, by how bad they are.
    ///
    /// - Parameter emergenciesOnly: only rules whose purpose is to respond to an emergency.
    /// - Returns: also the rules for which there was not the time.
    func coverage(
        of home: HomeID, citizens: [PersonID], from now: Instant, emergenciesOnly: Bool, within limit: TimeLimit
    ) -> (kinds: [Coverage], leftOut: [Rule]) {
        var leftOut: [Rule] = []
        let here = rules.values.filter { ($0.homes.isEmpty || $0.homes.contains(home)) && (!emergenciesOnly || $0.purpose == .emergencyResponse) }
            .sorted { ($1.severity, $0.id) < ($0.severity, $1.id) }
        var kinds: [(alert: Alert, coverage: Coverage)] = []
        for rule in here {
            let alert = supposed(rule, home, citizens, now)
            // Consent may speak of the one quantity, so rules are the same only where nothing tells them apart.
            let same = kinds.firstIndex { kind in
                kind.alert.citizens == alert.citizens && kind.alert.matter.category == rule.category && kind.alert.matter.purpose == rule.purpose && kind.alert.matter.severity == rule.severity
                    && kind.alert.matter.plan == rule.plan && !speaksOfQuantities(alert.citizens)
            }
            if let same {
                kinds[same].coverage.rules.append(rule)
                kinds[same].coverage.isNoticed.append(isNoticed(rule, home, citizens))
            } else {
                guard let hours = hours(of: alert, from: now, within: limit) else {
                    leftOut.append(rule)
                    continue
                }
                kinds.append((alert, Coverage(rules: [rule], citizens: alert.citizens, hours: hours, isNoticed: [isNoticed(rule, home, citizens)])))
            }
        }
        return (kinds.map(\.coverage), leftOut)
    }

    /// An alert as it would be raised, from the first device of these citizens that can show it; what is watched in a home as a
    /// whole is about all who live there.
    private func supposed(_ rule: Rule, _ home: HomeID, _ citizens: [PersonID], _ now: Instant) -> Alert {
        let shown = shownBy(rule, home, citizens)
        let about: [PersonID]
        switch rule.watch {
        case .absence, .absenceByTime: about = self.citizens(of: home)
        case .event, .threshold, .silence: about = shown?.device.citizens ?? citizens
        }
        return Alert(
            id: AlertID(0), matter: .init(rule), home: home, citizens: about, device: shown?.device.id,
            quantity: shown?.quantity, value: nil, raisedAt: now, since: now, lastSeen: nil, isTest: false)
    }

    private func shownBy(_ rule: Rule, _ home: HomeID, _ citizens: [PersonID]) -> (device: Device, quantity: Quantity)? {
        let wanted: [Quantity]
        switch rule.watch {
        case .event(let quantities): wanted = quantities
        case .threshold(let quantity, _, _, _, _): wanted = [quantity]
        case .absence, .absenceByTime, .silence: return nil
        }
        for state in devices(of: home) where state.device.citizens.contains(where: citizens.contains) {
            if let slot = state.slots.first(where: { wanted.contains($0.quantity) }) { return (state.device, slot.quantity) }
        }
        return nil
    }

    private func isNoticed(_ rule: Rule, _ home: HomeID, _ citizens: [PersonID]) -> Bool {
        switch rule.watch {
        case .event, .threshold: shownBy(rule, home, citizens) != nil
        case .absence, .absenceByTime, .silence: true
        }
    }

    private func speaksOfQuantities(_ citizens: [PersonID]) -> Bool {
        records(of: citizens).contains { record in
            record.data.contains { pattern in
                switch pattern {
                case .quantity, .device: true
                case .everything, .category, .identity: false
                }
            }
        }
    }

    private func records(of citizens: [PersonID]) -> [ConsentRecord] {
        citizens.flatMap { consents[$0] ?? [] }.compactMap { stored in if case .record(let record) = stored { record } else { nil } }
    }

    /// Nil: there was not the time.
    private func hours(of alert: Alert, from now: Instant, within limit: TimeLimit) -> [Coverage.Hour?]? {
        let zone = zone(of: alert.home)
        var week: [Coverage.Hour?] = Array(repeating: nil, count: Coverage.hoursOfWeek)
        guard let today = zone.local(now)?.day else { return week }
        // Whoever is out with an alert now will be back.
        let free = responders(for: .extreme).map { responder in
            var responder = responder
            responder.holding = 0
            return responder
        }
        let minutes = edges(of: alert, free, zone)
        let plan = plan(alert.matter.plan)
        for day in 0...7 {
            let day = Day(number: today.number + Int64(day))
            let first = (Weekday.allCases.firstIndex(of: day.weekday) ?? 0) * 24
            // Hours of today that are over come again in a week.
            for hour in 0..<24 where week[first + hour] == nil {
                if limit.isUp { return nil }
                guard let last = MinuteOfDay(hour * 60 + 59), let ends = zone.instant(day, last), ends >= now else { continue }
                var worst: Coverage.Hour?
                for minute in [0] + (minutes[hour] ?? []) {
                    guard let minute = MinuteOfDay(hour * 60 + minute), let at = zone.instant(day, minute) else { continue }
                    let found = helpers(alert, plan, free, zone, max(at, now))
                    worst = Coverage.Hour(onDuty: min(found.onDuty, worst?.onDuty ?? .max), asked: min(found.asked, worst?.asked ?? .max))
                }
                week[first + hour] = worst
            }
        }
        return week
    }

    /// Minutes past an hour at which something begins or ends, by hour; without the full hours.
    private func edges(_ minutes: [MinuteOfDay]) -> [Int: [Int]] {
        var byHour: [Int: Set<Int>] = [:]
        for minute in minutes where minute.minute % 60 != 0 { byHour[minute.minute / 60, default: []].insert(minute.minute % 60) }
        return byHour.mapValues { $0.sorted() }
    }

    private func edges(of alert: Alert, _ responders: [Responder], _ zone: Zone) -> [Int: [Int]] {
        let records = records(of: alert.citizens)
        let windows = records.flatMap(\.hours) + responders.flatMap(\.hours)
        let instants = records.flatMap { [$0.from, $0.until].compactMap { $0 } }
        return edges(
            windows.flatMap { [$0.from, $0.to].compactMap { $0 } } + instants.compactMap { zone.local($0).flatMap { MinuteOfDay($0.minuteOfDay) } })
    }

    private func helpers(_ alert: Alert, _ plan: Plan, _ free: [Responder], _ zone: Zone, _ at: Instant) -> Coverage.Hour {
        let home = homes[alert.home]
        var permitted: [PersonID: Bool] = [:]
        var asked: Set<PersonID> = []
        for step in plan.steps where step.who != .coordinators {
            asked.formUnion(
                Care.candidates(
                    for: step, homeCircle: home?.circle, homePosition: home?.position, zone: zone, responders: free, now: at,
                    permits: { responder in
                        if let known = permitted[responder.person] { return known }
                        let may = mayBeAsked(responder.person, alert, at)
                        permitted[responder.person] = may
                        return may
                    }))
        }
        return Coverage.Hour(onDuty: free.count { asked.contains($0.person) && $0.isOnDuty(at: at, zone: zone) }, asked: asked.count)
    }

    /// Who may be asked but not told once they accept would be asked, retracted, and asked again.
    func mayBeAsked(_ person: PersonID, _ alert: Alert, _ at: Instant) -> Bool {
        Self.mayBeAsked { telling(person, of: alert, stage: $0, at: at) }
    }

    static func mayBeAsked(_ telling: (Stage) -> Telling?) -> Bool {
        [Stage.asked, .accepted].allSatisfy { telling($0)?.decision.isPermitted ?? false }
    }
}
