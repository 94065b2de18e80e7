extension ConsentRecord {
    /// Why this is more than what was asked for, in one sentence; nil when it is as much or less. Who, what for and at
    /// which stage stay as they were asked.
    public func excess(over asked: ConsentRecord) -> String? {
        if detail > asked.detail {
            return "That is more than was asked for: they asked for \(asked.detail.name) at most."
        }
        for pattern in data where !asked.data.contains(where: { $0.includes(pattern) }) {
            return "\u{201C}\(pattern.text)\u{201D} was not asked for: they asked for \(asked.data.map(\.text).joined(separator: ", "))."
        }
        if let end = asked.until, until.map({ $0 > end }) ?? true {
            return "That is longer than was asked for; choose an earlier --until, or none."
        }
        guard !asked.hours.isEmpty else { return nil }
        let allowed = HourWindow.minutesOfWeek(asked.hours)
        let wanted = HourWindow.minutesOfWeek(hours)
        let isWithin = !hours.isEmpty && zip(wanted, allowed).allSatisfy { !$0 || $1 }
        return isWithin ? nil : "That is at more hours than was asked for: they asked for \(asked.hours.map(\.text).joined(separator: " and "))."
    }
}

extension DataPattern {
    /// Whether whatever `other` means is meant by this as well. Of a device it is not known here which category its
    /// quantities are in, so only itself and `everything` include it.
    func includes(_ other: DataPattern) -> Bool {
        switch (self, other) {
        case (.everything, .identity): false
        case (.everything, _): true
        case (.category(let category), .quantity(let quantity)): quantity.category == category
        default: self == other
        }
    }
}

extension HourWindow {
    /// For each minute of a week whether one of these windows holds in it.
    static func minutesOfWeek(_ windows: [HourWindow]) -> [Bool] {
        let (day, week) = (1_440, 10_080)
        var holds = [Bool](repeating: false, count: week)
        for window in windows {
            let begin = Int(window.from.minute)
            var end = window.to.map { Int($0.minute) } ?? day
            if end <= begin { end += day }
            for (number, weekday) in Weekday.allCases.enumerated() where window.days.isEmpty || window.days.contains(weekday) {
                for minute in begin..<end { holds[(number * day + minute) % week] = true }
            }
        }
        return holds
    }
}
