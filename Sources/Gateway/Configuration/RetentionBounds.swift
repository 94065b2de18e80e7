import Care

extension GatewayConfiguration {
    /// A citizen may choose within these; whole days.
    static let retentionDays: ClosedRange<Int> = 2...36_500
    static let leastDaysUsual = 7
    static let mostDaysUsual = 1_096

    /// How long readings of this category are kept, and within which bounds citizens may say otherwise.
    public func keepBounds(_ category: Category) -> KeepBounds { retention[category] ?? usualBounds }

    private var usualBounds: KeepBounds {
        let days = limits.readingsKeptDays
        return KeepBounds(
            usual: KeepSetting(days: days, then: .erase), leastDays: min(Self.leastDaysUsual, days), mostDays: max(Self.mostDaysUsual, days))
    }

    /// Takes over `retention:`, after `limits`.
    mutating func takeRetention(_ values: [String: YAMLValue], _ reader: inout YAMLReader) {
        for category in Category.allCases {
            func value(_ key: String) -> YAMLValue? { values["retention.\(category.rawValue).\(key)"] }
            var bounds = usualBounds
            let named = ConfigurationKeys.retention.filter { value($0) != nil }
            if named.isEmpty { continue }
            if let days = value("default").flatMap({ Self.days($0, &reader) }) { bounds.usual.days = days }
            if let days = value("least").flatMap({ Self.days($0, &reader) }) { bounds.leastDays = days } else { bounds.leastDays = min(bounds.leastDays, bounds.usual.days) }
            if let days = value("most").flatMap({ Self.days($0, &reader) }) { bounds.mostDays = days } else { bounds.mostDays = max(bounds.mostDays, bounds.usual.days) }
            if let then = value("then"), let after: KeepAfter = reader.choice(then, "way to go on") { bounds.usual.then = after }
            guard bounds.leastDays <= bounds.usual.days, bounds.usual.days <= bounds.mostDays else {
                let wrong = value(bounds.leastDays > bounds.usual.days ? "least" : "most") ?? value("default")
                if let wrong {
                    reader.note(
                        wrong,
                        "For \(category.rawValue) least is \(bounds.leastDays)d, default \(bounds.usual.days)d and most \(bounds.mostDays)d; least may not be longer than default, nor default longer than most.")
                }
                continue
            }
            retention[category] = bounds == usualBounds ? nil : bounds
        }
    }

    private static func days(_ value: YAMLValue, _ reader: inout YAMLReader) -> Int? {
        let rule = "\(retentionDays.lowerBound)d to \(retentionDays.upperBound)d, in whole days such as 90d"
        guard let text = reader.text(value, rule, charactersMax: 20) else { return nil }
        guard let span = Span(text), span.milliseconds % 86_400_000 == 0, retentionDays.contains(Int(span.milliseconds / 86_400_000)) else {
            reader.note(value, "\(quoted(text)) is not \(rule).")
            return nil
        }
        return Int(span.milliseconds / 86_400_000)
    }
}
