import Care
import Notify
import Store

/// decide ─▶ attempt recorded ─▶ COMMIT ─▶ send; the outcome is recorded in a turn of its own.
///
/// What a turn queues and can go at once is decided at the end of that same turn, so that asking somebody to come costs
/// one commit. Everything else, what a later turn came between included, is decided again in a turn of the outbox.
extension Engine {
    /// Notices taken in one go.
    static var outboxBatchMax: Int { 256 }
    /// The first wait after a failed attempt; doubled each time, an hour at most.
    static var retryFirst: Span { .seconds(5) }
    /// A word to the citizen that reached nobody for so long is not said any more.
    static var homeNoticeExpires: Span { .minutes(10) }

    enum Outgoing {
        case publication(Publication)
        case phone(PhoneMessage)
    }

    /// Sends what is due. Call it when no turn is open; it runs turns of its own where none has prepared it.
    public func runOutbox() throws {
        guard let outbound else { return }
        if isConnected {
            for topic in toClear { _ = try? outbound.publish(Publication.cleared(topic: topic)) }
            toClear.removeAll()
        }
        // Whom somebody calls for is told first.
        try sendNotices(outbound)
        try sendWords(outbound)
        try sendClearings(outbound)
        try giveProofs(outbound)
        try runFeeds(outbound)
    }

    private func sendNotices(_ outbound: any Outbound) throws {
        try sendPrepared(outbound)
        let due = dueNotices()
        guard !due.isEmpty else { return }
        do {
            try turn { tx in try prepare(due, tx) }
        } catch where StoreProblem(error) == nil {
            isCareful = true
            defer { isCareful = false }
            try turn { tx in try prepare(due, tx) }
        }
        try sendPrepared(outbound)
        try sendWords(outbound)
    }

    /// The end of a turn: what it has queued and may go now.
    func prepareQueued(_ tx: StoreTurn) throws {
        if queuedInTurn.isEmpty { return }
        try prepare(dueNotices().filter { queuedInTurn.contains($0.id) }, tx)
    }

    /// Decides, and records the attempt. What may be said goes after the commit.
    private func prepare(_ due: [Notice], _ tx: StoreTurn) throws {
        for notice in due {
            if !isCareful {
                try prepare(notice, tx)
                continue
            }
            let memory = Memory(self)
            do {
                try tx.savepoint { try prepare(notice, tx) }
            } catch where StoreProblem(error) == nil {
                // One that fails must not hold up the others, nor be taken for a message's fault.
                memory.putBack(self)
                log.critical("A notice could not be made; it is tried again in a minute.", metadata: ["error": "\(type(of: error))"])
                var later = notice
                later.nextAttemptAt = now + .minutes(1)
                replace(later)
            }
        }
    }

    private func prepare(_ notice: Notice, _ tx: StoreTurn) throws {
        guard let outgoing = try decide(notice, tx) else {
            return try close(notice, .cancelled, problem: "not permitted, or not true any more, when it was to be sent", tx)
        }
        var attempt = notice
        attempt.state = .attempted
        attempt.attempts += 1
        replace(attempt)
        try tx.save(attempt)
        prepared.append((attempt, outgoing))
    }

    /// What was prepared and has not gone waits again, as if it had not been attempted: a turn that begins may change
    /// what is true or permitted.
    func takeBackPrepared() {
        for (notice, _) in prepared {
            var waiting = notice
            waiting.state = .queued
            waiting.attempts -= 1
            replace(waiting)
        }
        prepared.removeAll()
    }

    private func sendPrepared(_ outbound: any Outbound) throws {
        if prepared.isEmpty { return }
        let ready = prepared
        prepared.removeAll()
        var refused: [NoticeID] = []
        for (notice, outgoing) in ready {
            switch outgoing {
            case .publication(let publication):
                do {
                    inFlight[try outbound.publish(publication)] = notice.id
                } catch {
                    refused.append(notice.id)
                }
            case .phone(let message):
                posting[notice.id] = message.address
                outbound.post(message, for: notice.id)
            }
        }
        if refused.isEmpty { return }
        try turn { tx in for id in refused { try fail(id, "the broker did not take it", final: false, tx) } }
    }

    /// To be sent as soon as its time has come: queued, or attempted without anybody waiting for the outcome any
    /// more (the connection was lost, or the disk said no in between).
    func isWaiting(_ notice: Notice) -> Bool {
        if notice.channel == .http {
            guard posting[notice.id] == nil, posting.count < Self.postingMax else { return false }
            let address = notice.person.flatMap { world.people[$0]?.ntfy } ?? ""
            return posting.values.count { $0 == address } < Self.postingToOneAddressMax
        }
        guard isConnected else { return false }
        return notice.state == .queued || !inFlight.values.contains(notice.id)
    }

    /// Those that may go now, within the limits of each channel.
    private func dueNotices() -> [Notice] {
        var due: [Notice] = []
        var posts: [String: Int] = [:]
        for notice in world.notices where notice.nextAttemptAt <= now && isWaiting(notice) {
            if due.count == Self.outboxBatchMax { break }
            if notice.channel == .http {
                let address = notice.person.flatMap { world.people[$0]?.ntfy } ?? ""
                let under = posting.values.count { $0 == address } + (posts[address] ?? 0)
                guard posting.count + posts.values.reduce(0, +) < Self.postingMax, under < Self.postingToOneAddressMax else { continue }
                posts[address, default: 0] += 1
            }
            due.append(notice)
        }
        return due
    }

    /// What is to be sent now; nil when nothing may be, or need be, said any more.
    private func decide(_ notice: Notice, _ tx: StoreTurn) throws -> Outgoing? {
        let alert = try world.alert(notice.alert) ?? tx.reader.alert(notice.alert)
        guard let alert else { return nil }
        if notice.channel == .home { return homeWords(notice, alert).map(Outgoing.publication) }
        guard let person = notice.person else { return nil }
        let stage = alert.stage(of: person)
        guard notice.about != .over, let stage, let (view, telling) = world.view(alert, for: person, stage: stage, at: now) else {
            guard notice.channel == .mqtt else {
                guard notice.about == .over, let address = world.people[person]?.ntfy, try wasPosted(person, alert.id, tx) else { return nil }
                let clock = world.zone(of: alert.home).local(alert.raisedAt)?.clock ?? alert.raisedAt.iso
                return .phone(
                    PhoneMessage(
                        address: address, title: alert.isTest ? "TEST: thank you" : "Thank you", priority: 3,
                        message: "\(testWords(alert))You are not needed any more for the alert of \(clock). Thank you."))
            }
            // Whatever lies there should not: an empty retained message takes it away.
            if notice.about != .over { try discloseCancelled(notice, tx) }
            return .publication(Publication.cleared(person: person, alert: alert.id))
        }
        try rewriteDisclosures(notice, alert, telling, tx)
        let card = card(view, stage, person, isNews: notice.about == .news)
        switch notice.channel {
        case .mqtt: return .publication(card.publication(to: person, now: now))
        case .http:
            guard let address = world.people[person]?.ntfy else { return nil }
            return .phone(
                PhoneMessage(
                    address: address, title: view.detail > .nothing ? view.title : "\(alert.isTest ? "TEST: a" : "A")n alert needs somebody",
                    priority: priority(alert.matter.severity, view.detail), message: card.say))
        case .home: return nil
        }
    }

    private func testWords(_ alert: Alert) -> String { alert.isTest ? "This is a test, nobody is in danger. " : "" }

    /// Whether anything about this alert went to their phone; without it there is nothing to take back.
    private func wasPosted(_ person: PersonID, _ alert: AlertID, _ tx: StoreTurn) throws -> Bool {
        try tx.reader.notices(of: alert).contains { $0.person == person && $0.channel == .http && $0.state == .sent && $0.about != .over }
    }

    /// Below *alert* the priority would tell how bad it is, so it is the same for all.
    private func priority(_ severity: Severity, _ detail: Detail) -> Int {
        guard detail >= .alert else { return 4 }
        return switch severity {
        case .extreme: 5
        case .severe: 4
        case .moderate: 3
        case .minor: 2
        }
    }

    private func card(_ view: AlertView, _ stage: Stage, _ person: PersonID, isNews: Bool) -> AlertCard {
        let alert = view.alert
        let offer = alert.offer(to: person)
        let isCoordinator = world.people[person]?.kind == .coordinator
        let until = alert.holder(person)?.until ?? offer?.answerBy ?? now
        let say: String
        switch stage {
        case .asked where view.detail == .nothing: say = view.uncovered()
        case _ where view.detail == .nothing: say = view.takenCharge()
        case .asked: say = isCoordinator ? view.unanswered(answerBy: until) : view.asked(answerBy: until)
        case .accepted: say = view.accepted(until: until)
        case .attending: say = view.attending()
        }
        // What kind of thing happened is told from *alert* on; how bad and how urgent it is tells part of that.
        let told = view.detail >= .alert
        return AlertCard(
            alert: alert.id, say: isNews && view.detail > .nothing ? "\(view.news) \(say)" : say, severity: told ? alert.matter.severity : nil,
            urgency: told ? alert.matter.urgency : nil, category: told ? alert.matter.category : nil,
            kind: view.detail >= .alert ? alert.matter.kind : nil, place: view.identity ?? view.circle,
            since: view.detail >= .alert ? alert.since : nil, answerBy: until, stage: stage, test: alert.isTest, news: isNews)
    }

    private func homeWords(_ notice: Notice, _ alert: Alert) -> Publication? {
        let say: String
        switch notice.about {
        case .citizen(let news, let person):
            // Who was said to come while the broker was away may have come and gone.
            if news != .notComing, alert.holder(person) == nil { return nil }
            say = citizenSentence(news, helper: world.name(person))
        case .ended(let how): say = endedSentence(how, by: alert.ending?.by.map { world.name($0) })
        case .part, .news, .over: return nil
        }
        var publication = Publication.citizenNotice(home: alert.home, alert: alert.id, say: testWords(alert) + say, at: notice.queuedAt)
        publication.expirySeconds = UInt32(clamping: Self.homeNoticeExpires.secondsRoundedUp)
        return publication
    }

    // MARK: Disclosures that follow the second decision

    /// What is told now may be less or more than what was queued: what stands in the log is what was told.
    private func rewriteDisclosures(_ notice: Notice, _ alert: Alert, _ telling: World.Telling, _ tx: StoreTurn) throws {
        let queued = try openDisclosures(notice.id, tx)
        let toldIdentity = queued.contains { $0.data == "identity" }
        let tellsIdentity = telling.decision.isPermitted && telling.identity.isPermitted
        let isSame = try queued.first { $0.data != "identity" }.map { told in
            // The same records have to have decided, or the log would name one that does not hold any more.
            let decided = try told.decision.flatMap { try tx.reader.decision($0) }?.decision
            return told.detail == telling.decision.detail && told.stage == telling.request.stage
                && decided?.decidedBy == telling.decision.decidedBy
        }
        if isSame == true && toldIdentity == tellsIdentity { return }
        try discloseCancelled(notice, tx)
        try disclose(notice, alert, telling, try save(telling, alert, tx), .queued, tx)
    }

    func discloseCancelled(_ notice: Notice, _ tx: StoreTurn) throws {
        for told in try openDisclosures(notice.id, tx) {
            var cancelled = told
            cancelled.at = now
            cancelled.state = .cancelled
            try tx.append(cancelled)
        }
    }

    /// Those that were queued and neither sent nor cancelled since.
    private func openDisclosures(_ notice: NoticeID, _ tx: StoreTurn) throws -> [Disclosure] {
        var open: [Disclosure] = []
        for told in try tx.reader.disclosures(ofNotice: notice) {
            switch told.state {
            case .queued: open.append(told)
            case .cancelled, .sent: open.removeAll { $0.citizen == told.citizen && $0.data == told.data && $0.decision == told.decision }
            case .seen: break
            }
        }
        return open
    }

    // MARK: Outcomes

    /// The broker has it.
    public func published(_ number: Int32) throws {
        if feedPublished(number) { return }
        guard let id = inFlight[number] else { return }
        try sent(id)
        // Only now: when the turn fails, the same outcome is told again.
        inFlight[number] = nil
    }

    /// The broker would not have it.
    public func publishRefused(_ number: Int32, _ reason: String) throws {
        if feedPublished(number, refused: true) { return }
        guard let id = inFlight[number] else { return }
        try failed(id, reason, final: false)
        inFlight[number] = nil
    }

    /// What a number of this connection stands for, once: the outcome is told by `sent` or `failed`.
    func noticeInFlight(_ number: Int32) -> NoticeID? { inFlight.removeValue(forKey: number) }

    public func posted(_ id: NoticeID, _ outcome: PhoneOutcome) throws {
        switch outcome {
        case .delivered: try sent(id)
        case .refused(let status): try failed(id, "the phone's server refused it (HTTP \(status))", final: true)
        case .failed(let reason): try failed(id, reason, final: false)
        }
        posting[id] = nil
    }

    func sent(_ id: NoticeID) throws {
        if wordSent(id) || cleared(id) { return }
        guard let notice = world.notices.first(where: { $0.id == id }) else { return }
        try turn { tx in
            let learned = try openDisclosures(id, tx)
            try noteEmergency(learned, tx)
            for told in learned {
                var sent = told
                sent.at = now
                sent.state = .sent
                try tx.append(sent)
            }
            try close(notice, .sent, problem: nil, tx)
        }
    }

    func failed(_ id: NoticeID, _ reason: String, final: Bool) throws {
        if world.words.contains(where: { $0.id == id }) {
            wordsWaitUntil = now + Self.retryFirst
            return
        }
        if notCleared(id) { return }
        guard world.notices.contains(where: { $0.id == id }) else { return }
        try turn { tx in try fail(id, reason, final: final, tx) }
    }

    private func fail(_ id: NoticeID, _ reason: String, final: Bool, _ tx: StoreTurn) throws {
        guard var notice = world.notices.first(where: { $0.id == id }) else { return }
        if final || notice.attempts >= configuration.limits.noticeAttemptsMax {
            try close(notice, .failed, problem: reason, tx)
            try nextHelperIfUnreachable(notice, tx)
            return
        }
        notice.state = .queued
        let doublings = min(notice.attempts - 1, 10)
        notice.nextAttemptAt = now + min(Self.retryFirst * (1 << Int64(max(0, doublings))), .hours(1))
        replace(notice)
        try tx.save(notice)
    }

    /// When no channel is left that could reach somebody who was asked, the next one is asked.
    private func nextHelperIfUnreachable(_ notice: Notice, _ tx: StoreTurn) throws {
        guard let person = notice.person, notice.about == .part, let alert = world.alert(notice.alert),
            alert.stage(of: person) == .asked
        else { return }
        let stillTrying = world.notices.contains { $0.alert == alert.id && $0.person == person }
        let reached = try tx.reader.notices(of: alert.id).contains {
            $0.person == person && $0.state == .sent && $0.about == .part
        }
        if !stillTrying && !reached { try handle(.unreachable(person), alert.id, tx) }
    }

    private func replace(_ notice: Notice) {
        if let i = world.notices.firstIndex(where: { $0.id == notice.id }) { world.notices[i] = notice }
    }
}
