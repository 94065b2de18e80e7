import Care

/// What days are said to have been like. Each topic is a sentence, a plot with one bar a day, and what its words mean.
struct InsightWords {
    let days: [DayFigures]
    let first: Day
    let today: Day
    let zone: Zone
    /// Of those that are shown: left out.
    let pausedDays: Int
    /// There were more readings than are looked at.
    let isCut: Bool
    /// The last day of which only figures are kept, of anything.
    let lastFigureDay: Day?
    /// Days before which nothing is kept of these.
    let erased: [(before: Day, categories: [Category])]

    private struct Topic {
        var title: String
        var value: (DayFigures) -> Double?
        var words: (Double) -> String
        /// What is nothing to speak of.
        var least: Double
        var explains: String
        /// "earlier" and "later", say.
        var less = "less"
        var more = "more"
        /// What a table of others says, with its source; nil: nothing.
        var reference: ((Double) -> String)?
    }

    private var topics: [Topic] {
        func numbers(_ name: String) -> (DayFigures) -> DayFigures.Numbers? { { figures in Quantity(name).flatMap { figures.numbers[$0] } } }
        func hours(_ value: Double) -> String { "\(Int(value) / 60) h \(Int(value) % 60) min" }
        func clock(_ value: Double) -> String { MinuteOfDay(Int(value) % 1_440)?.clock ?? "" }
        func measured(_ name: String, _ title: String, least: Double, explains: String, reference: ((Double) -> String)? = nil) -> Topic {
            let unit = Quantity(name)?.unit ?? ""
            return Topic(
                title: title, value: { numbers(name)($0)?.mean }, words: { "\(Care.words(($0 * 10).rounded() / 10)) \(spoken(unit))" }, least: least,
                explains: explains, less: "lower", more: "higher", reference: reference)
        }
        let asleep = { (figures: DayFigures) -> Double? in
            if let slept = numbers("sleep_duration")(figures)?.last { return slept * 60 }
            if figures.isNightUnknown { return nil }
            return ["sleeping", "bed_occupied"].lazy.compactMap { Quantity($0).flatMap { figures.lasted[$0] } }.first.map { Double($0.milliseconds) / 60_000 }
        }
        func count(_ names: [String]) -> (DayFigures) -> Double? {
            { figures in
                let all = names.compactMap { Quantity($0).flatMap { figures.times[$0] } }
                return all.isEmpty ? nil : Double(all.reduce(0, +))
            }
        }
        return [
            Topic(
                title: "Up in the morning", value: { $0.isActivityUnknown ? nil : $0.firstUp.map(Double.init) }, words: clock, least: 45,
                explains: "the first sign of somebody about after four o'clock", less: "earlier", more: "later"),
            Topic(
                title: "Up and about", value: { $0.isActivityUnknown || $0.activeQuarters == 0 ? nil : Double($0.activeQuarters) * 15 }, words: hours, least: 60,
                explains: "quarters of an hour in which a sensor saw somebody move, a door open or a button pressed"),
            Topic(
                title: "About at night", value: { $0.isActivityUnknown || $0.activeQuarters == 0 ? nil : Double($0.nightQuarters) * 15 }, words: hours, least: 30,
                explains: "the same between midnight and five"),
            Topic(
                title: "Night in bed", value: asleep, words: hours, least: 60,
                explains: "as the bed, the clock or the telephone says; it cannot tell sleep from lying awake"),
            measured(
                "temperature", "Warmth of the home", least: 1, explains: "the mean of all thermometers",
                reference: { $0 < 18 ? "Below the 18 °C that the World Health Organization advises (Housing and health guidelines, 2018)." : "" }),
            measured(
                "blood_pressure_systolic", "Blood pressure, upper figure", least: 5, explains: "the pressure while the heart beats",
                reference: {
                    $0 >= 135 ? "At home 135 and above is called high (NICE guideline NG136, 2019): something to show your practice." : ""
                }),
            measured(
                "blood_pressure_diastolic", "Blood pressure, lower figure", least: 4, explains: "the pressure between two beats",
                reference: { $0 >= 85 ? "At home 85 and above is called high (NICE guideline NG136, 2019): something to show your practice." : "" }),
            measured("heart_rate", "Heart rate", least: 5, explains: "beats a minute, resting or not"),
            measured("oxygen_saturation", "Oxygen in the blood", least: 2, explains: "how much of the blood's haemoglobin carries oxygen"),
            measured("glucose", "Glucose", least: 15, explains: "sugar in the blood or under the skin"),
            Topic(
                title: "Weight", value: { numbers("body_weight")($0)?.last }, words: { "\(Care.words(($0 * 10).rounded() / 10)) kg" }, least: 1,
                explains: "the last of each day", less: "lower", more: "higher"),
            Topic(
                title: "Steps", value: { numbers("steps")($0)?.most }, words: { "\(Int($0))" }, least: 1_000, explains: "as the band or telephone counts them"),
            Topic(
                title: "Doors and windows", value: count(["opening", "door", "window"]), words: { counted(Int($0), "time") + " opened" }, least: 4,
                explains: "each opening counts once"),
            Topic(
                title: "Visits", value: count(["doorbell", "person_seen"]), words: { "\(Int($0)) at the door" }, least: 3,
                explains: "the doorbell, or somebody before the camera"),
        ]
    }

    /// What is not known any more of the days that are shown.
    private var missingWords: [String] {
        var say: [String] = []
        if let last = lastFigureDay, last >= first {
            let day = Day(number: last.number + 1)
            let isHidden = days.contains { $0.day >= first && ($0.isActivityUnknown || $0.isNightUnknown) }
            say.append("Daily figures only before \(day.inWords)\(isHidden ? ": when somebody was up and about, and how the nights were, is not known any more of days that have only those" : "").")
        }
        for (before, categories) in erased where before > first {
            say.append("Nothing is kept of \(categories.map(\.rawValue).joined(separator: ", ")) from before \(before.inWords): caring data keep says why.")
        }
        return say
    }

    func reply() -> Reply {
        let shown = (first.number...today.number).map(Day.init(number:))
        let byDay = Dictionary(days.map { ($0.day, $0) }, uniquingKeysWith: { a, _ in a })
        var say: [String] = []
        var items: [JSON] = []
        for topic in topics {
            let values = shown.map { byDay[$0].flatMap(topic.value) }
            let known = values.compactMap { $0 }
            guard !known.isEmpty else { continue }
            let earlier = days.filter { $0.day < first && $0.day.number >= first.number - Engine.usualDays }.compactMap(topic.value)
            let typical = Usual.median(known)
            var line = "\(topic.title): \(known.count == 1 ? "" : "usually ")\(topic.words(typical))"
            if known.count > 1, let least = known.min(), let most = known.max(), topic.words(least) != topic.words(most) {
                line += ", from \(topic.words(least)) to \(topic.words(most))"
            }
            line += known.count < shown.count ? known.count == 1 ? " (on one day)." : " (of \(known.count) days with figures)." : "."
            var change = "unknown"
            if let usual = Usual(earlier) {
                switch usual.compare(typical, least: topic.least) {
                case .asUsual:
                    line += " That is as usual."
                    change = "as-usual"
                case .less:
                    line += " That is \(topic.less) than in the four weeks before (\(topic.words(usual.middle)))."
                    change = topic.less
                case .more:
                    line += " That is \(topic.more) than in the four weeks before (\(topic.words(usual.middle)))."
                    change = topic.more
                }
            }
            say.append(line)
            if shown.count > 1 { say.append("  \(plot(values))  \(topic.explains)") } else { say.append("  \(topic.explains)") }
            if let reference = topic.reference?(typical), !reference.isEmpty { say.append("  \(reference)") }
            for (day, value) in zip(shown, values) {
                items.append(.object(["topic": .string(topic.title), "day": .string(day.iso), "value": value.map { .double($0) } ?? .null, "change": .string(change)]))
            }
        }
        let missing = missingWords
        let leftOut = missing + (pausedDays == 0 ? [] : ["\(pausedDays == 1 ? "One day on which you paused is" : "\(pausedDays) days on which you paused are") left out."])
        if say.isEmpty { return Reply(say: leftOut + ["Nothing is known of these days: no device of yours has said anything that this can show."]) }
        say.insert("\(shown.count == 1 ? first.inWords : "\(first.inWords) to \(today.inWords), one bar a day, \u{201C}·\u{201D} where nothing was heard"):", at: 0)
        if days.allSatisfy({ $0.day >= first }) || Usual(days.filter { $0.day < first }.map { _ in 0 }) == nil {
            say.append("What is usual for you shows after \(Usual.daysMin) days with figures.")
        }
        say += leftOut
        if isCut { say.append("There are more readings than can be looked at at once; choose a later --since.") }
        say.append("These are counts of what devices said. They are no diagnosis and nobody else is told them.")
        return Reply(say: say, items: items)
    }
}
