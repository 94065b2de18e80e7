import Care
import Store

/// What takes long to work out and changes nothing is worked out beside the turns, from a copy of the world: no alarm waits
/// for an answer to a question.
public enum Performed: Sendable {
    case reply(Reply)
    case aside(@Sendable () -> Reply)
}

/// `caring coverage`: who would be asked if something happened, before it does.
extension Engine {
    /// What is worked out beside the turns holds one of few places, and a processor.
    static var answerSecondsMax: Int64 { 10 }

    func coverage(_ circleName: String?, _ all: Bool, _ actor: Actor) throws -> @Sendable () -> Reply {
        let (world, now, stopwatch) = (self.world, self.now, self.stopwatch)
        if let circleName {
            guard actor.runsScheme else { throw CommandProblem.refused("Only whoever runs the scheme sees a circle's coverage. Without --circle you see your own.") }
            guard let circle = world.circles[CircleID(circleName)] else { throw CommandProblem.failed("There is no circle called \u{201C}\(safeText(circleName))\u{201D}.") }
            return { world.coverage(of: circle, at: now, emergenciesOnly: !all, within: TimeLimit(seconds: Self.answerSecondsMax, stopwatch)) }
        }
        let person = try citizen(nil, actor)
        guard let home = person.home else { throw CommandProblem.failed("\(person.id) has no home here, so nothing can be noticed.") }
        return { world.coverageReply(person.id, home, at: now, emergenciesOnly: !all, within: TimeLimit(seconds: Self.answerSecondsMax, stopwatch)) }
    }
}

extension World {
    func coverageReply(_ citizen: PersonID, _ home: HomeID, at now: Instant, emergenciesOnly: Bool, within limit: TimeLimit) -> Reply {
        let (kinds, leftOut) = coverage(of: home, citizens: [citizen], from: now, emergenciesOnly: emergenciesOnly, within: limit)
        guard !kinds.isEmpty || !leftOut.isEmpty else { return Reply(say: ["No rule watches for an emergency here."]) }
        var say: [String] = []
        var items: [JSON] = []
        for kind in kinds {
            let names = list(kind.rules.map { "\u{201C}\(safeText($0.kind))\u{201D}" })
            let nobody = WeekWords.spans(kind.dark)
            let offDuty = WeekWords.spans(kind.hours.map { ($0?.onDuty ?? 1) == 0 && $0?.asked ?? 0 > 0 })
            let fewest = kind.hours.compactMap { $0?.asked }.min() ?? 0
            let most = kind.hours.compactMap { $0?.asked }.max() ?? 0
            if most == 0 {
                say.append("\(names): reaches no helper at any hour.")
            } else if nobody.isEmpty {
                say.append("\(names): \(fewest == most ? counted(fewest, "helper") : "\(fewest) to \(most) helpers") would be asked, at every hour.")
            } else {
                say.append("\(names): reaches no helper \(nobody); else up to \(counted(most, "helper")) would be asked.")
                if let first = kind.dark.firstIndex(of: true) { say.append("  A \u{201C}\(safeText(kind.rules.first?.kind ?? ""))\u{201D} on \(WeekWords.hour(first)) reaches nobody.") }
            }
            if !offDuty.isEmpty { say.append("  Nobody is on duty then, but somebody would be asked all the same: \(offDuty).") }
            // A device that has never been used cannot be told from one that is not there.
            let silent = zip(kind.rules, kind.isNoticed).filter { !$0.1 }.map { "\u{201C}\(safeText($0.0.kind))\u{201D}" }
            if !silent.isEmpty {
                say.append("  Nothing here has ever told of \(list(silent)): try \(silent.count == 1 ? "it" : "them") once, or \(silent.count == 1 ? "it" : "they") may not be noticed.")
            }
            if kind.citizens != [citizen] { say.append("  Such an alert is about everybody who lives here, so what the others permit counts as well.") }
            for (n, hour) in kind.hours.enumerated() {
                guard let hour else { continue }
                items.append(
                    .object([
                        "rules": .strings(kind.rules.map(\.id.name)), "weekday": .string(WeekWords.days[n / 24].rawValue), "hour": .int(Int64(n % 24)),
                        "onDuty": .int(Int64(hour.onDuty)), "asked": .int(Int64(hour.asked)),
                    ]))
            }
        }
        if !leftOut.isEmpty { say.append("There was not the time to work out \(list(leftOut.map { "\u{201C}\(safeText($0.kind))\u{201D}" })): of that nothing is said here. Ask again later.") }
        let paused = (pauses[home] ?? []).filter { $0.holds(at: now) && $0.citizen == citizen }
        if !paused.isEmpty { say.append("You have paused \(paused.contains(where: \.isOfEverything) ? "everything" : "a part of this") now: what is paused is not noticed until then. caring pause list shows it.") }
        let coordinators = people.responders.count { people[$0]?.kind == .coordinator }
        say.append(
            coordinators == 0
                ? "When no helper answers, nobody is told: there is no coordinator."
                : "When no helper answers, \(counted(coordinators, "coordinator")) \(coordinators == 1 ? "learns" : "learn") that an alert is open, and no more than consent permits.")
        return Reply(say: say, items: items)
    }

    func list(_ words: [String]) -> String {
        words.count < 2 ? words.first ?? "" : words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "")
    }
}

/// Hours of a week in few words: "every day 22:00 to 06:00", "Sunday 00:00 to 24:00".
enum WeekWords {
    static let days = Weekday.allCases
    private static let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    static func hour(_ n: Int) -> String { "\(names[n / 24]) at \(clock(n % 24))" }

    private static func clock(_ hour: Int) -> String { (hour < 10 ? "0" : "") + "\(hour):00" }

    /// - Parameter marked: 168, Monday's 24 first.
    static func spans(_ marked: [Bool]) -> String {
        guard marked.contains(true) else { return "" }
        if marked.allSatisfy({ $0 }) { return "at every hour" }
        // Days on which it is the same are said together.
        var groups: [(spans: String, days: [Int])] = []
        for day in 0..<7 {
            let spans = spansOfDay(Array(marked[day * 24..<day * 24 + 24]))
            if spans.isEmpty { continue }
            if let known = groups.firstIndex(where: { $0.spans == spans }) { groups[known].days.append(day) } else { groups.append((spans, [day])) }
        }
        return groups.map { "\(dayNames($0.days)) \($0.spans)" }.joined(separator: "; ")
    }

    private static func spansOfDay(_ hours: [Bool]) -> String {
        var spans: [String] = []
        var from: Int?
        for hour in 0...24 {
            if hour < 24, hours[hour] {
                from = from ?? hour
            } else if let began = from {
                spans.append("\(clock(began)) to \(clock(hour))")
                from = nil
            }
        }
        return spans.joined(separator: " and ")
    }

    private static func dayNames(_ days: [Int]) -> String {
        if days.count == 7 { return "every day" }
        if let first = days.first, let last = days.last, days.count > 2, last - first == days.count - 1 { return "\(names[first]) to \(names[last])" }
        return days.map { names[$0] }.joined(separator: ", ")
    }
}
