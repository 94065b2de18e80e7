import Care
import Logging
import Notify
import Store

/// What a citizen is told beside an alert's asking. A word is a row until the broker has it.
extension Engine {
    /// Words that wait for the broker, of all homes together.
    static var citizenWordsMax: Int { 10_000 }

    func tell(_ home: HomeID, _ say: String, alert: AlertID? = nil, consent: ConsentID? = nil, _ tx: StoreTurn) throws {
        guard outbound != nil else { return }  // A replay tells nobody.
        // That somebody was told in an emergency is never left out; of those there are as many as alerts.
        guard alert != nil || world.words.count < Self.citizenWordsMax else {
            log.error("More words to citizens wait for the broker than there is room for; one is left out.")
            return
        }
        let word = CitizenWord(id: NoticeID(try tx.next("notice")), home: home, at: now, say: say, alert: alert, consent: consent)
        world.words.append(word)
        try tx.save(word)
    }

    /// Words on their way to the broker at once; the others go when it has taken some of these.
    static var wordsUnderWayMax: Int { 128 }

    /// Hands over what waits, what an alert is about first. Said twice after a crash is better than not said; while nothing can be written down it would be
    /// said again and again.
    func sendWords(_ outbound: any Outbound) throws {
        try removeSaidWords()
        guard isConnected, degraded == nil, !world.words.isEmpty, now >= wordsWaitUntil else { return }
        let underWay = Set(inFlight.values)
        var room = Self.wordsUnderWayMax - world.words.count { underWay.contains($0.id) }
        for isOfAlert in [true, false] {
            for word in world.words where room > 0 && (word.alert != nil) == isOfAlert && !underWay.contains(word.id) {
                do { inFlight[try outbound.publish(.citizenWord(word))] = word.id } catch {
                    wordsWaitUntil = now + Self.retryFirst
                    return
                }
                room -= 1
            }
        }
    }

    /// All that the broker has taken since, in one turn: a turn each would keep an alarm waiting behind all of them.
    private func removeSaidWords() throws {
        if wordsSaid.isEmpty { return }
        let said = world.words.map(\.id).filter(wordsSaid.contains)
        if !said.isEmpty {
            try turn { tx in
                for id in said { try tx.removeWord(id) }
                world.words.removeAll { wordsSaid.contains($0.id) }
            }
        }
        wordsSaid.removeAll()
    }

    /// When words could go, for the next look.
    var nextWord: Instant? {
        guard isConnected, degraded == nil, !world.words.isEmpty else { return nil }
        if !wordsSaid.isEmpty { return now }
        let underWay = Set(inFlight.values)
        let going = world.words.count { underWay.contains($0.id) }
        // What is on its way makes room when the broker has it.
        guard going < min(world.words.count, Self.wordsUnderWayMax) else { return nil }
        return max(wordsWaitUntil, world.words.first?.at ?? now)
    }

    /// - Returns: whether the number was a word's.
    func wordSent(_ id: NoticeID) -> Bool {
        guard world.words.contains(where: { $0.id == id }) else { return false }
        wordsSaid.insert(id)
        return true
    }

    /// The citizen learns at once who has learned what by their decision for emergencies; it also stands in the history.
    ///
    /// - Parameter learned: what one recipient has been told or shown, before it is written down.
    func noteEmergency(_ learned: [Disclosure], _ tx: StoreTurn) throws {
        guard let id = learned.first(where: \.isEmergency)?.alert, let alert = try world.alert(id) ?? tx.reader.alert(id) else { return }
        func key(_ told: Disclosure) -> String { "\(told.recipient) \(told.data) \(told.detail.name)" }
        let before = Set(try tx.reader.disclosures(ofAlert: id).filter { $0.isEmergency && ($0.state == .sent || $0.state == .seen) }.map(key))
        let news = learned.filter { $0.isEmergency && !before.contains(key($0)) }
        guard let recipient = news.first?.recipient else { return }
        var what: [String] = []
        var records: [ConsentID] = []
        for told in news {
            let words = told.data == "identity" ? "your name and address" : "what happened (\(alert.matter.kind))"
            if !what.contains(words) { what.append(words) }
            for record in try told.decision.flatMap({ try tx.reader.decision($0) })?.decision.decidedBy ?? [] where !records.contains(record) {
                records.append(record)
            }
        }
        let why = records.sorted().map(\.description).joined(separator: " and ")
        let told = what.joined(separator: " and ")
        try tx.append(HistoryEntry(at: now, what: .toldInEmergency, person: recipient, text: "\(told), by \(why)"), to: id)
        historyGrew = true
        let test = alert.isTest ? "This is a test, nobody is in danger. " : ""
        try tell(
            alert.home, "\(test)\(world.name(recipient)) was told \(told). Nothing else permitted it: you allowed it for emergencies (\(why)). caring why \(id) says more.",
            alert: id, tx)
    }
}
