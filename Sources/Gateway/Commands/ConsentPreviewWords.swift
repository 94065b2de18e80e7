import Care

/// What would have been learned, in sentences: a person a sentence, then what changes.
struct ConsentPreviewWords {
    let tally: LearningTally
    /// Whether anything is tried; else it is only said what today's records mean.
    let hasChanges: Bool
    let name: (PersonID) -> String

    typealias What = LearningTally.What

    func reply(supposed: [String], since: String, alerts: Int, requests: Int, hasCoordinators: Bool, isCut: Bool) -> Reply {
        var say = supposed
        say.append("Since \(since): \(counted(alerts, "alert")) about you, tests left out, and \(requests == 1 ? "1 request" : "\(requests) requests") to read what your devices measured.")
        let recipients = Set(tally.first.keys.map(\.recipient)).sorted()
        if recipients.isEmpty { say.append("Nobody would have learned anything.") }
        say += recipients.map(learned)
        if hasChanges { say += tally.isUnchanged ? ["Nothing changes."] : changes }
        if alerts > 0, hasCoordinators {
            say.append("That an alert is open, and nothing more, coordinators learn without a consent when no helper answers; it is not counted.")
        }
        if alerts > 0 || requests > 0 {
            say.append("Each record counts as if it had been in force all this time, whenever it begins or ends; its hours of the day count.")
        }
        if alerts > 0 { say.append("Everybody whom an alert could have come to counts as asked, by the circles and hours that helpers have today.") }
        if isCut { say.append("There was more than is looked at, so the oldest is left out; choose a later --since.") }
        return Reply(say: say, items: items)
    }

    private var items: [JSON] {
        tally.all.sorted { $0.key < $1.key }.map { what, count in
            .object([
                "recipient": .string(what.recipient.name), "data": .string(what.data), "detail": .string(what.detail.name),
                "stage": .optional(what.stage?.name), "count": .int(Int64(count.tried)), "countNow": .int(Int64(count.today)),
            ])
        }
    }

    /// "Maria Lopez would have learned, when asked, 4 times (today 2 times) what happened (safety); after accepting, once your name and address."
    private func learned(_ recipient: PersonID) -> String {
        // What would not be learned any more is said among the changes.
        let all = tally.first.filter { $0.key.recipient == recipient && $0.value.tried > 0 }.sorted { $0.key < $1.key }
        guard !all.isEmpty else { return "\(name(recipient)) would have learned nothing." }
        var parts: [String] = []
        var stage: Stage??
        for (what, count) in all {
            let phrase = "\(times(count.tried))\(count.tried == count.today ? "" : " (today \(times(count.today)))") \(words(what))"
            if stage == .some(what.stage) { parts[parts.count - 1] += ", \(phrase)" } else { parts.append("\(words(what.stage)), \(phrase)") }
            stage = .some(what.stage)
        }
        return "\(name(recipient)) would have learned, \(parts.joined(separator: "; "))."
    }

    private var changes: [String] {
        let gained = tally.gained.sorted { $0.key < $1.key }.map { what, count in
            let isNew = tally.first[what]?.today ?? 0 == 0
            return change(isNew ? "New" : "More often", what, "\(times(count))\(isNew ? "" : " more")")
        }
        let lost = tally.lost.sorted { $0.key < $1.key }.map { what, count in
            let isGone = tally.first[what]?.tried ?? 0 == 0
            return change(isGone ? "No longer" : "Less often", what, "\(times(count))\(isGone ? "" : " fewer")")
        }
        return gained + lost
    }

    private func change(_ kind: String, _ what: What, _ times: String) -> String {
        "\(kind): \(name(what.recipient)) learns \(words(what)) \(words(what.stage)); in this time \(times)."
    }

    private func times(_ count: Int) -> String { count == 0 ? "never" : count == 1 ? "once" : "\(count) times" }

    private func words(_ stage: Stage?) -> String {
        switch stage {
        case .asked: "when asked"
        case .accepted: "after accepting"
        case .attending: "once there"
        case nil: "on asking to read"
        }
    }

    private func words(_ what: What) -> String { ToldWords.what(what.data, what.detail) }
}
