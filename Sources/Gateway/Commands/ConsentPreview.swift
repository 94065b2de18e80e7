import Care
import Store

/// `caring consent preview`: who would have learned what, before anything is decided.
extension Engine {
    static var previewDaysMax: Int64 { 92 }
    /// Alerts of the home, and requests to read, that are looked at: the newest.
    static var previewAlertsMax: Int { 10_000 }
    static var previewRequestsMax: Int { 10_000 }
    /// Rows of everybody's that are passed over on the way to them.
    static var previewScanMax: Int { 1_000_000 }

    func consentPreview(_ change: ConsentChange, _ actor: Actor) throws -> @Sendable () -> Reply {
        let person = try citizen(change.citizen ?? change.draft?.citizen, actor)
        guard let home = person.home else { throw CommandProblem.failed("\(person.id) has no home here, so nothing happened that anybody could have learned of.") }
        let zone = world.zone(of: home)
        let since = try past(change.since, zone: zone, fallback: .days(30))
        guard since < now else { throw CommandProblem.failed("That lies ahead; choose an earlier --since.") }
        guard now - since <= .days(Self.previewDaysMax) else {
            throw CommandProblem.failed("At most \(Self.previewDaysMax) days are looked at; choose a later --since.")
        }
        var supposed: [String] = []
        let without = try tryable(change.without, of: person)
        for id in without { supposed.append("Supposed: \(id) is withdrawn.") }
        var added: ConsentRecord?
        if let draft = change.draft {
            do {
                // Its number is never seen and never given out.
                let record = try read(draft, change.isRefusal ? .refuse : .permit, person, zone, id: ConsentID(.max))
                supposed.append("Supposed: \(sentence(record, names: consentNames, zone: zone, now: now))")
                added = record
            } catch let error as ConsentTextError {
                throw CommandProblem.failed(error.sentence)
            }
        }
        if let circles = change.emergency {
            guard added == nil else { throw CommandProblem.failed("Try one thing at a time: what you would decide for emergencies, or another record.") }
            let record = emergencyRecord(try emergencyRecipients(circles, person), person, id: ConsentID(.max))
            supposed.append("Supposed: \(sentence(record, names: consentNames, zone: zone, now: now))")
            added = record
        }
        let (world, now, aside, id, stopwatch) = (self.world, self.now, store.aside, person.id, self.stopwatch)
        let (sentences, record) = (supposed, added)
        return {
            do {
                var trial = ConsentTrial(world, citizen: id, adding: record, without: without, now: now)
                var isCut = false
                let limit = TimeLimit(seconds: Self.answerSecondsMax, stopwatch)
                try aside.read { reader in
                    isCut = try reader.eachAlert(of: home, since: since, limit: Self.previewAlertsMax, scanMax: Self.previewScanMax) {
                        if limit.isUp { return false }
                        trial.take($0)
                        return true
                    }
                    let isCutToo = try reader.eachRequest(toRead: id, since: since, limit: Self.previewRequestsMax, scanMax: Self.previewScanMax) {
                        if limit.isUp { return false }
                        trial.take($0, $1)
                        return true
                    }
                    isCut = isCut || isCutToo
                }
                let hasCoordinators = world.people.responders.contains { world.people[$0]?.kind == .coordinator }
                let words = ConsentPreviewWords(tally: trial.tally, hasChanges: trial.hasChanges, name: { world.name($0) })
                return words.reply(
                    supposed: sentences, since: zone.local(since)?.inWords ?? since.iso, alerts: trial.alerts, requests: trial.requests,
                    hasCoordinators: hasCoordinators, isCut: isCut)
            } catch {
                return .failed("What happened could not be read. The gateway's log says why.")
            }
        }
    }

    /// Records of this person that could be withdrawn.
    private func tryable(_ texts: [String], of person: Person) throws -> [ConsentID] {
        var ids: [ConsentID] = []
        for text in texts {
            guard let id = ConsentID(text: text), let stored = world.consents[person.id]?.first(where: { $0.id == id }) else {
                throw CommandProblem.failed("\(person.id) has no consent record \u{201C}\(safeText(text))\u{201D}; caring consent list shows them.")
            }
            if case .record(let record) = stored, record.withdrawnAt != nil || record.until ?? .distantFuture <= now {
                throw CommandProblem.failed("\(id) does not hold any more, so nothing would change without it; leave it out.")
            }
            if !ids.contains(id) { ids.append(id) }
        }
        return ids
    }
}
