import Care
import Store

/// Offers that a citizen may accept, and a consent read aloud before it is given.
extension Engine {
    func consentOffers() -> Reply {
        let offers = configuration.offers
        if offers.isEmpty { return Reply(say: ["Nothing is offered here. caring consent grant asks step by step."]) }
        return Reply(
            say: offers.map { "\($0.name)  \u{201C}\($0.say)\u{201D}: \($0.how)" },
            items: offers.map {
                .object([
                    "offer": .string($0.name), "say": .string($0.say), "who": .string($0.who.rawValue), "asksUntil": .bool($0.asksUntil),
                    "records": .int(Int64($0.records.count)),
                ])
            })
    }

    /// Each record of the offer by itself, so that each can be withdrawn by itself; all of them or none.
    func consentAccept(_ name: String, _ who: [String], _ until: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        guard let offer = configuration.offers.first(where: { $0.name == name }) else {
            throw CommandProblem.failed("There is no offer called \u{201C}\(safeText(name))\u{201D}; caring consent offers shows them.")
        }
        var recipients = who.map { $0.contains(":") ? $0 : "\(offer.who.rawValue):\($0)" }
        if recipients.isEmpty, offer.who == .circle, let own = person.home.flatMap({ world.homes[$0]?.circle }) { recipients = ["circle:\(own)"] }
        guard !recipients.isEmpty, recipients.allSatisfy({ $0.hasPrefix("\(offer.who.rawValue):") && !$0.hasSuffix(":*") }) else {
            throw CommandProblem.failed("Say which \(offer.who.rawValue) is meant: \(offer.how)")
        }
        guard until != nil || !offer.asksUntil else { throw CommandProblem.failed("Say until when: \(offer.how)") }
        var whole = Reply()
        for record in offer.records {
            var draft = record
            (draft.to, draft.until) = (recipients, until)
            let reply = try consentAdd(draft, .permit, actor, tx)
            whole.say += reply.say
            whole.items += reply.items
        }
        return whole
    }

    /// What a consent would say, changing nothing.
    func consentSay(_ draft: ConsentDraft, _ actor: Actor) throws -> Reply {
        let person = try citizen(draft.citizen, actor)
        let zone = person.home.map { world.zone(of: $0) } ?? .utc
        do {
            let record = try read(draft, .permit, person, zone, id: ConsentID(1))
            return Reply(say: [sentence(record, names: consentNames, zone: zone, now: now)])
        } catch let error as ConsentTextError {
            throw CommandProblem.failed(error.sentence)
        }
    }
}
