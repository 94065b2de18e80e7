import Care

/// `caring coverage --circle`: for whoever coordinates, in counts that tell nothing of one home.
///
/// Somebody who counts, adds a home and counts again would learn from exact counts what that home has permitted. So homes are
/// counted by fives, in the order in which they first had a device of theirs: what is added is in no count until four others
/// have come after it or with it. And a count is said as a range of at least five numbers; none of them says "nobody" or "all". Only
/// who knows what all other homes of a circle permit could still tell something by it, and they are somebody else's to decide.
extension World {
    /// Of fewer homes no range would leave any of them in doubt.
    static var coverageHomesMin: Int { 10 }
    /// Homes that are counted together, and numbers that a range has at least.
    static var coverageGroup: Int { 5 }
    /// Homes that are looked at for one circle.
    static var coverageHomesMax: Int { 100 }

    /// The range in which a count lies: `0...4`, `5...9`, and the last one up to all.
    static func coverageRange(_ count: Int, of homes: Int) -> ClosedRange<Int> {
        let lastFrom = max(0, (homes / coverageGroup - 1) * coverageGroup)
        let from = min(count / coverageGroup * coverageGroup, lastFrom)
        return from...(from == lastFrom ? homes : from + coverageGroup - 1)
    }

    /// How many homes of a circle would reach nobody, and never which.
    func coverage(of circle: Circle, at now: Instant, emergenciesOnly: Bool, within limit: TimeLimit) -> Reply {
        let all = homes.values.filter { $0.circle == circle.id }.map(\.id)
        let helpers = people.responders.compactMap { people[$0] }.filter { $0.kind == .helper && $0.circles.contains(circle.id) }
        var say = ["\(safeText(circle.title)): \(counted(all.count, "home")), \(counted(helpers.count, "helper")), \(helpers.count { $0.isOnDuty }) of them on duty now as they say themselves."]
        // Homes where nothing is claimed or nothing permitted are no cover for the others.
        let alive = all.compactMap { home -> (since: Instant, home: HomeID)? in
            guard citizens(of: home).contains(where: { consents[$0]?.isEmpty == false }) else { return nil }
            return devices(of: home).filter { !$0.device.citizens.isEmpty }.map(\.device.claimedAt).min().map { ($0, home) }
        }.sorted { ($0.since, $0.home) < ($1.since, $1.home) }
        guard alive.count >= Self.coverageHomesMin else {
            say.append("With fewer than \(Self.coverageHomesMin) homes in which something is claimed and decided a count would tell what one of them has permitted, so there is none.")
            return Reply(say: say)
        }
        var found: [[Coverage]] = []
        for (_, home) in alive.prefix(min(Self.coverageHomesMax, Self.wholeGroups(alive.count))) {
            let (kinds, leftOut) = coverage(of: home, citizens: citizens(of: home), from: now, emergenciesOnly: emergenciesOnly, within: limit)
            // A home that is looked at in part would be in some counts and not in others.
            guard leftOut.isEmpty, !limit.isUp else { break }
            found.append(kinds)
        }
        found.removeLast(found.count - Self.wholeGroups(found.count))
        guard found.count >= Self.coverageHomesMin else {
            say.append("There was not the time to look at \(Self.coverageHomesMin) homes, so there is no count. Ask again later.")
            return Reply(say: say)
        }
        let items = count(found, circle, &say)
        if found.count < all.count {
            say.append("\(counted(all.count - found.count, "home")) \(all.count - found.count == 1 ? "is" : "are") in no count: homes without a device or a consent, and what is left of the others when they are counted by fives, the first \(Self.coverageHomesMax) at most and as far as there is time.")
        }
        return Reply(say: say, items: items)
    }

    private static func wholeGroups(_ homes: Int) -> Int { homes / coverageGroup * coverageGroup }

    private func count(_ found: [[Coverage]], _ circle: Circle, _ say: inout [String]) -> [JSON] {
        // Most severe first, as `coverage(of:)` gives them; a home that does without a rule is in no count of it.
        var order: [RuleID] = []
        var dark: [RuleID: [Int]] = [:]
        var watched: [RuleID: Int] = [:]
        for kind in found.joined() {
            for rule in kind.rules {
                if watched[rule.id] == nil { order.append(rule.id) }
                watched[rule.id, default: 0] += 1
                for (n, isDark) in kind.dark.enumerated() where isDark { dark[rule.id, default: Array(repeating: 0, count: Coverage.hoursOfWeek)][n] += 1 }
            }
        }
        var items: [JSON] = []
        for rule in order {
            guard let homes = watched[rule], homes >= Self.coverageHomesMin, let kind = rules[rule]?.kind else { continue }
            let ranges = (dark[rule] ?? Array(repeating: 0, count: Coverage.hoursOfWeek)).map { Self.coverageRange($0, of: homes) }
            let worst = ranges.max { $0.lowerBound < $1.lowerBound } ?? 0...0
            say.append(
                worst.lowerBound == 0
                    ? "\u{201C}\(safeText(kind))\u{201D}: at every hour fewer than \(worst.upperBound + 1) of \(homes) homes reach no helper, or none."
                    : "\u{201C}\(safeText(kind))\u{201D}: at the worst \(worst.lowerBound) to \(worst.upperBound) of \(homes) homes reach no helper, \(WeekWords.spans(ranges.map { $0 == worst })).")
            for (n, range) in ranges.enumerated() {
                items.append(
                    .object([
                        "circle": .string(circle.id.name), "rule": .string(rule.name), "weekday": .string(WeekWords.days[n / 24].rawValue),
                        "hour": .int(Int64(n % 24)), "homes": .int(Int64(homes)), "darkMin": .int(Int64(range.lowerBound)), "darkMax": .int(Int64(range.upperBound)),
                    ]))
            }
        }
        return items
    }
}
