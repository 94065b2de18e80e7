import Care

/// What `caring status` says of an ingest that is held up, and where; nothing where all is well.
extension GatewayFigures {
    /// From here on it is worth saying how long the last burst took.
    static let slowBurstNanoseconds: Int64 = 200_000_000
    /// What is older says nothing of now.
    static let lastBurstCounts = Span.minutes(1)
    static let lateDeadlineCounts = Span.seconds(2)

    var sentences: [String] {
        var say: [String] = []
        let waits = oldestUnacknowledged.map { " The oldest message has waited for \((at - $0).inWords)." } ?? ""
        if let degraded {
            say.append("Nothing is acknowledged: \(degraded).\(waits)")
        } else if withheldMessages > 0 {
            let messages = withheldMessages == 1 ? "1 message was" : "\(grouped(withheldMessages)) messages were"
            say.append("\(messages) not acknowledged because they could not be written down; the gateway's log says why. The broker sends them again.\(waits)")
        }
        if isTakingBacklog { say.append("Taking what waited at the broker: \(counting(backlogMessagesThisTime, "message")) so far.") }
        if let lastBurst, lastBurst.turnNanoseconds >= Self.slowBurstNanoseconds, at - lastBurst.at < Self.lastBurstCounts {
            let commit = lastBurst.commitNanoseconds * 2 >= lastBurst.turnNanoseconds ? ", most of it waiting for the disk" : ""
            say.append("The last burst, of \(counting(lastBurst.messages, "message")), took \(tenths(lastBurst.turnNanoseconds)) seconds to keep\(commit).")
        }
        if deadlinesLate >= Self.lateDeadlineCounts { say.append("In the last minute a deadline was \(deadlinesLate.inWords) late.") }
        if turnsFailed > 0 { say.append("\(counting(turnsFailed, "turn")) could not be written down since the start.") }
        if reconnects > 0 { say.append("\(counting(reconnects, "reconnect")) since the start.") }
        if quarantined > 0 {
            say.append("\(quarantined == 1 ? "1 message is" : "\(grouped(quarantined)) messages are") in quarantine: see caring device problems.")
        }
        if thinned > 0 {
            let homes = thinnedByHome.values.count { $0 > 0 }
            let readings = thinned == 1 ? "1 reading was" : "\(grouped(thinned)) readings were"
            say.append("\(homes == 1 ? "One home has said more than it may" : "\(homes) homes have said more than they may") since the start: \(readings) thinned.")
        }
        return say
    }

    /// The same for programs.
    var members: [JSON.Member] {
        [
            .init("degraded", .optional(degraded)),
            .init("withheld", .int(Int64(withheldMessages))),
            .init("oldestUnacknowledgedAt", .optional(oldestUnacknowledged?.iso)),
            .init("takingBacklog", .bool(isTakingBacklog)),
            .init("backlogMessages", .int(Int64(backlogMessagesThisTime))),
            .init("lastBurstMessages", lastBurst.map { .int(Int64($0.messages)) } ?? .null),
            .init("lastBurstMilliseconds", lastBurst.map { .int($0.turnNanoseconds / 1_000_000) } ?? .null),
            .init("lastCommitMilliseconds", lastBurst.map { .int($0.commitNanoseconds / 1_000_000) } ?? .null),
            .init("deadlinesLateMilliseconds", .int(deadlinesLate.milliseconds)),
            .init("turnsFailed", .int(Int64(turnsFailed))),
            .init("reconnects", .int(Int64(reconnects))),
            .init("sessionsLost", .int(Int64(sessionsLost))),
            .init("quarantined", .int(Int64(quarantined))),
            .init("thinned", .int(Int64(thinned))),
        ]
    }
}

/// "1 message", "12 400 messages".
private func counting(_ n: Int, _ noun: String) -> String { "\(grouped(n)) \(noun)\(n == 1 ? "" : "s")" }

/// A count as it is read easily: 12 400.
func grouped(_ n: Int) -> String {
    let digits = String(n)
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text += " " }
        text.append(digit)
    }
    return text
}

/// Nanoseconds as seconds with one decimal.
private func tenths(_ nanoseconds: Int64) -> String {
    let tenths = (nanoseconds + 50_000_000) / 100_000_000
    return "\(tenths / 10).\(tenths % 10)"
}
