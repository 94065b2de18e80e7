/// Whether every press became somebody's business. Pure.
///
/// A press that is on disk is an alert's first occurrence or one more of an open one: in each home the occurrences of
/// all its alerts are the presses. An alert is ended by a person, or it is open and asks somebody or is held by somebody,
/// and there is a row that says when it is looked at again. No number is missing among the alerts. Of each alert, at
/// least one person's client was shown a card.
enum AlertAccount {
    struct OneAlert: Hashable, Sendable {
        var number: Int64
        var home: String
        var rule: String
        var occurrences: Int
        /// Ended by somebody's word: resolved or cancelled.
        var isEndedByPerson = false
        var isEnded = false
        /// It asks somebody, or somebody holds it.
        var isAlive = true
        /// Its deadline is a row on disk.
        var hasDeadline = true
    }

    struct Result: Hashable, Sendable {
        /// Presses that led to nothing, and alerts that are gone or that nobody will ever look at again.
        var dropped = 0
        /// Presses that counted more than once.
        var doubled = 0
        /// Alerts that nobody's press explains.
        var withoutCause = 0
        /// One sentence for each thing found.
        var sentences: [String] = []
    }

    /// Rules of alerts about the gateway itself.
    static let troubles: Set<String> = ["session-lost", "quarantine"]

    /// - Parameters:
    ///   - lastNumber: the counter that alerts are numbered by.
    ///   - pressesKept: presses on disk, by home.
    ///   - shown: numbers of the alerts of which some client was shown a card.
    static func account(
        alerts: [OneAlert], lastNumber: Int64, pressesKept: [String: Int], shown: Set<Int64>, rule: String = "sos"
    ) -> Result {
        var result = Result()
        func dropped(_ count: Int, _ sentence: String) {
            result.dropped += count
            result.sentences.append(sentence)
        }
        let known = Set(alerts.map(\.number))
        for number in stride(from: Int64(1), through: lastNumber, by: 1) where !known.contains(number) {
            dropped(1, "Alert a\(number) was numbered and is not there.")
        }
        for home in pressesKept.keys.sorted() {
            let presses = pressesKept[home] ?? 0
            let seen = alerts.filter { $0.home == home && $0.rule == rule }.reduce(0) { $0 + $1.occurrences }
            if seen < presses { dropped(presses - seen, "\(home): \(presses) presses are on disk, its alerts count only \(seen).") }
            if seen > presses {
                result.doubled += seen - presses
                result.sentences.append("\(home): \(presses) presses are on disk, its alerts count \(seen).")
            }
        }
        for alert in alerts {
            // Trouble with the gateway itself is told as an alert of its own; faults cause it.
            if alert.rule != rule, !troubles.contains(alert.rule) {
                result.withoutCause += 1
                result.sentences.append("Alert a\(alert.number) of the rule \(alert.rule) has no cause.")
            }
            if alert.isEnded {
                if !alert.isEndedByPerson { dropped(1, "Alert a\(alert.number) ended, and no person ended it.") }
            } else if !alert.isAlive {
                dropped(1, "Alert a\(alert.number) is open and asks nobody.")
            } else if !alert.hasDeadline {
                dropped(1, "Alert a\(alert.number) is open, and no row says when to look at it again.")
            }
            if !shown.contains(alert.number) { dropped(1, "Alert a\(alert.number) was never shown to anybody.") }
        }
        return result
    }
}
