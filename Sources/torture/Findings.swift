/// What became of everything that was published. Pure: made of what was noted and what was found on disk.
struct Findings {
    /// Messages that publishers handed to the broker, and those that it acknowledged to them.
    var published = 0
    var acknowledged = 0
    /// Rows on disk that are messages: readings, undecodable ones, quarantined ones.
    var stored = 0
    var lost = 0
    var doubled = 0
    var misplaced = 0
    /// Acknowledged by the broker and lost by it, within what its configuration allows.
    var brokerLost = 0
    /// How long before a kill of the broker the oldest of these had been acknowledged, milliseconds. What went with a
    /// whole session may be older.
    var brokerLostAgeMax = 0
    /// Those that went with a whole session.
    var brokerLostWithSession = 0
    var quarantined = 0
    var thinned = 0
    var alerts = AlertAccount.Result()
    var alertsRaised = 0
    /// Sessions that the broker had lost, and those of them of which the gateway said nothing.
    var sessionsLost = 0
    var sessionLossesUnnoticed = 0
    /// Everything else that is wrong, a sentence each.
    var problems: [String] = []
    /// Which series, and what of them.
    var details: [String] = []

    var isGood: Bool {
        lost == 0 && doubled == 0 && misplaced == 0 && alerts.dropped == 0 && alerts.doubled == 0 && alerts.withoutCause == 0
            && sessionLossesUnnoticed == 0 && problems.isEmpty
    }

    struct Publications {
        var number: Int
        var home: String
        /// Readings above a limit may be thinned out, and are counted.
        var mayBeThinned: Bool
        var sent: [Publisher.Sent]
    }

    mutating func account(_ publications: Publications, _ seen: Seen.Notes, _ losses: Losses, _ evidence: Evidence) {
        published += publications.sent.count
        acknowledged += publications.sent.count { $0.acknowledgedAt != nil }
        var expected: [Kind: [SeriesAccount.Expected]] = [:]
        var excusedOnTheWay: [Kind: Int] = [:]
        var byGateway: [Kind: Int] = [:]
        /// The first delivery of each, in order. Numbers that were never sent would be torture's own mistake.
        for number in seen.order[publications.number] where number < publications.sent.count {
            let message = publications.sent[number]
            var isRequired = seen.wasAcknowledged(publications.number, number)
            if isRequired { byGateway[message.kind, default: 0] += 1 }
            if !isRequired, let at = message.acknowledgedAt {
                if let excuse = losses.excuse(acknowledgedAt: Int(at)) {
                    excusedOnTheWay[message.kind, default: 0] += 1
                    if !excuse.isSession { brokerLostAgeMax = max(brokerLostAgeMax, excuse.at - Int(at)) }
                } else {
                    isRequired = true
                }
            }
            expected[message.kind, default: []].append(.init(value: Int(message.value), isRequired: isRequired))
        }
        var neverCame: [Int] = []
        for (number, message) in publications.sent.enumerated() where !seen.wasDelivered(publications.number, number) {
            guard let at = message.acknowledgedAt else { continue }
            if let excuse = losses.excuse(acknowledgedAt: Int(at)) {
                brokerLost += 1
                if excuse.isSession { brokerLostWithSession += 1 } else { brokerLostAgeMax = max(brokerLostAgeMax, excuse.at - Int(at)) }
            } else {
                lost += 1
                neverCame.append(number)
            }
        }
        if let first = neverCame.first, let last = neverCame.last {
            details.append("\(publications.home): \(neverCame.count) messages that the broker acknowledged never came, numbers \(first) to \(last).")
        }
        var thinnedHere = publications.mayBeThinned ? evidence.thinned[publications.home] ?? 0 : 0
        thinned += thinnedHere
        for kind in Kind.allCases {
            let wanted = expected[kind] ?? []
            let found = Self.rows(kind, publications.home, evidence)
            stored += found.count
            if kind == .poisonKill || kind == .poisonThrow { quarantined += found.count }
            var result = kind.quantity == nil ? Self.unordered(wanted, found) : SeriesAccount.account(expected: wanted, stored: found)
            brokerLost += max(0, (excusedOnTheWay[kind] ?? 0) - result.optionalKept)
            if kind != .press, kind.quantity != nil {
                // What was thinned out was counted: that many may be missing, and no more.
                let excused = min(thinnedHere, result.lost)
                thinnedHere -= excused
                result.lost -= excused
            }
            lost += result.lost
            doubled += result.doubled
            misplaced += result.misplaced
            if result.lost + result.doubled + result.misplaced > 0 {
                details.append(
                    "\(publications.home), \(kind): \(wanted.count) were on their way, \(byGateway[kind] ?? 0) acknowledged by the gateway, \(found.count) on disk: \(result.lost) lost, \(result.doubled) doubled, \(result.misplaced) misplaced.")
            }
        }
        // Said to have been thinned out, and there all the same or never sent.
        if thinnedHere > 0 { problems.append("\(publications.home): \(thinnedHere) readings more are said to be thinned out than are missing.") }
    }

    private static func rows(_ kind: Kind, _ home: String, _ evidence: Evidence) -> [Int] {
        if let quantity = kind.quantity {
            return evidence.readings[.init(home: home, address: kind.address, quantity: quantity)] ?? []
        }
        let payloads = (kind == .undecodable ? evidence.undecodable : evidence.quarantined)[home] ?? []
        let prefix = kind.payload(0).dropLast()
        return payloads.filter { $0.hasPrefix(prefix) }.compactMap { Int($0.dropFirst(prefix.count)) }
    }

    /// Rows that stand in no order of arrival: each is a number that occurs once, or as often as it was said again.
    private static func unordered(_ wanted: [SeriesAccount.Expected], _ found: [Int]) -> SeriesAccount.Result {
        SeriesAccount.account(expected: wanted.sorted { $0.value < $1.value }, stored: found.sorted())
    }
}
