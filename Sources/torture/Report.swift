import Care

/// What a run was and what it found: a text for people, one JSON object for programs.
struct Report {
    var seed: Int64
    var minutes: Double
    var findings = Findings()
    /// How often each kind of fault was begun.
    var faults: [FaultKind: Int] = [:]
    /// SIGKILLs of the daemon and of the broker.
    var daemonKills = 0
    var brokerKills = 0
    var daemonStarts = 0
    var poisoned = 0
    var refusals = 0
    var linesBroken = 0
    var deliveries = 0
    var redeliveries = 0
    var answers = 0
    /// How long it took, after the last fault, until everything had been acknowledged.
    var drainedMilliseconds = 0
    /// What was not done, and why.
    var skipped: [String] = []
    /// Where everything is, when it was kept.
    var folder: String?

    var json: JSON {
        let f = findings
        return .object([
            "published": .int(Int64(f.published)), "acknowledged": .int(Int64(f.acknowledged)), "stored": .int(Int64(f.stored)),
            "lost": .int(Int64(f.lost)), "doubled": .int(Int64(f.doubled)), "misplaced": .int(Int64(f.misplaced)),
            "kills": .int(Int64(daemonKills + brokerKills)), "seed": .int(seed), "brokerLost": .int(Int64(f.brokerLost)),
            "brokerLostAgeMaxMilliseconds": .int(Int64(f.brokerLostAgeMax)), "brokerLostWithSession": .int(Int64(f.brokerLostWithSession)), "alertsRaised": .int(Int64(f.alertsRaised)),
            "alertsDropped": .int(Int64(f.alerts.dropped)), "alertsDoubled": .int(Int64(f.alerts.doubled)),
            "alertsWithoutCause": .int(Int64(f.alerts.withoutCause)), "sessionsLost": .int(Int64(f.sessionsLost)),
            "sessionLossesUnnoticed": .int(Int64(f.sessionLossesUnnoticed)), "quarantined": .int(Int64(f.quarantined)),
            "thinned": .int(Int64(f.thinned)), "redelivered": .int(Int64(redeliveries)), "skipped": .strings(skipped),
            "faults": .object(FaultKind.allCases.compactMap { kind in faults[kind].map { JSON.Member(kind.rawValue, .int(Int64($0))) } }),
            "problems": .strings(f.problems + f.details + f.alerts.sentences), "minutes": .double(minutes), "folder": .optional(folder),
            "good": .bool(f.isGood),
        ])
    }

    var text: String {
        let f = findings
        let counts = FaultKind.allCases.compactMap { kind in faults[kind].map { "\(kind.rawValue) \($0)" } }
        var lines = [
            "Seed \(seed), \(minutes) minutes. Faults: \(counts.isEmpty ? "none" : counts.joined(separator: ", ")).",
            "The daemon was killed \(daemonKills) times and started \(daemonStarts) times, the broker killed \(brokerKills) times; \(linesBroken) connections were broken.",
            "Published \(f.published), acknowledged by the broker \(f.acknowledged), on disk \(f.stored); delivered \(deliveries) times, \(redeliveries) of them again.",
            "Lost \(f.lost), doubled \(f.doubled), out of order \(f.misplaced).",
            "The broker itself lost \(f.brokerLost)"
                + (f.brokerLost > f.brokerLostWithSession ? ", acknowledged at most \(f.brokerLostAgeMax) ms before it was killed" : "")
                + (f.brokerLostWithSession > 0 ? ", \(f.brokerLostWithSession) of them with a whole session" : "")
                + "; it lost the gateway's session \(f.sessionsLost) times, \(f.sessionLossesUnnoticed) of them unnoticed.",
            "Alerts raised \(f.alertsRaised), dropped \(f.alerts.dropped), presses counted twice \(f.alerts.doubled), without a cause \(f.alerts.withoutCause); helpers answered \(answers) times.",
            "Quarantined \(f.quarantined), thinned out \(f.thinned). Everything was taken \(drainedMilliseconds) ms after the last fault.",
        ]
        if poisoned > 0 { lines.append("Poisoned messages ended the daemon \(poisoned) times.") }
        if refusals > 0 { lines.append("On a full disk the daemon refused to start \(refusals) times.") }
        lines += f.details.prefix(20) + f.alerts.sentences.prefix(20) + f.problems.prefix(20)
        lines += skipped.map { "Skipped: \($0)" }
        lines.append(f.isGood ? "All is accounted for." : "Not all is accounted for." + (folder.map { " Everything is kept in \($0)." } ?? ""))
        return lines.joined(separator: "\n")
    }
}
