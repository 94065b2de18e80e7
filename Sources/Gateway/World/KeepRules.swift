import Care

/// How long readings are kept, for whoever asks: what the scheme says and what citizens decided, at one moment.
struct KeepRules: Sendable {
    var bounds: [Category: KeepBounds]
    var choices: [PersonID: [Category: KeepChoice]]
    var now: Instant

    func bounds(_ category: Category) -> KeepBounds {
        bounds[category] ?? KeepBounds(usual: KeepSetting(days: 2, then: .erase), leastDays: 2, mostDays: 2)
    }

    /// What holds for this citizen, whoever decided it.
    func setting(_ citizen: PersonID, _ category: Category) -> KeepSetting {
        let bounds = bounds(category)
        return choices[citizen]?[category]?.setting.map(bounds.within) ?? bounds.usual
    }

    func terms(_ category: Category, _ claims: [(citizen: PersonID, from: Instant, until: Instant)], _ zone: Zone) -> [KeepTerm] {
        KeepTerm.terms(claims: claims, bounds: bounds(category), zone: zone, now: now) { setting($0, category) }
    }

    /// Days before which nothing of these is kept, because their citizen or the scheme wants it so; in order of time.
    func erased(_ citizen: PersonID, _ zone: Zone) -> [(before: Day, categories: [Category])] {
        var days: [Day: [Category]] = [:]
        for category in Category.allCases {
            let setting = setting(citizen, category)
            let kept = setting.then == .erase ? setting.days : bounds(category).mostDays
            guard let day = zone.local(now - .days(Int64(kept)))?.day else { continue }
            days[day, default: []].append(category)
        }
        return days.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Readings and figures that are younger than this are nobody's concern yet: the shortest times that anybody has chosen.
    func soonest(_ category: Category) -> (readings: Instant, figures: Instant) {
        let bounds = bounds(category)
        let chosen = choices.values.compactMap { $0[category]?.setting.map(bounds.within) } + [bounds.usual]
        let erased = chosen.filter { $0.then == .erase }.map(\.days).min() ?? bounds.mostDays
        return (now - .days(Int64(chosen.map(\.days).min() ?? bounds.leastDays)), now - .days(Int64(min(erased, bounds.mostDays))))
    }
}

extension Engine {
    var keepRules: KeepRules {
        KeepRules(
            bounds: Dictionary(Category.allCases.map { ($0, configuration.keepBounds($0)) }, uniquingKeysWith: { a, _ in a }), choices: world.keeping, now: now)
    }
}
