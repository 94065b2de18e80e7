import Care
import Crypto
import Foundation
import Store

extension ServiceAct {
    var givesAccess: Bool {
        switch self {
        case .token(_, let end): !end
        case .login: true
        default: false
        }
    }
}

/// How services are known, and what they fetch.
extension Engine {
    /// Of a token: random, so nobody guesses it, and its hash needs no salt.
    static var tokenBytes: Int { 32 }

    func service(_ act: ServiceAct, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        if case .figures(let query) = act { return try figures(query, actor, tx) }
        guard actor.runsScheme else { throw CommandProblem.refused("Only a coordinator or an operator may do this.") }
        // Whoever has them receives what citizens permitted to the service.
        if act.givesAccess, !actor.isOperatorOnly { throw CommandProblem.refused("Only an operator may do this: it opens what citizens share with the service.") }
        switch act {
        case .token(let name, let end):
            let person = try serviceNamed(name)
            if end {
                try tx.saveToken(person.id, hash: nil)
                return Reply(say: ["\(person.name) (\(name)) has no token any more; nothing can be fetched with the one that it had."])
            }
            let token = Self.newToken()
            try tx.saveToken(person.id, hash: Array(SHA256.hash(data: Data(token.utf8))))
            return Reply(
                say: [
                    "\(person.name) (\(name)) fetches what is shared with it with the token \(token)",
                    "The token is shown only this once. One that it had before is not good any more.",
                ], items: [.object(["service": .string(name), "token": .string(token)])])
        case .login(let name):
            let person = try serviceNamed(name)
            return try withLogin(person, "\(person.name) (\(name)) has a new login; the one that it had before is not good any more.", tx)
        case .hourly(let name, let on):
            let person = try serviceNamed(name)
            try tx.saveHourly(person.id, on)
            if on { world.feeds.hourly.insert(person.id) } else { world.feeds.hourly.remove(person.id) }
            return Reply(say: ["Where only summaries are permitted, \(person.name) (\(name)) gets one for each \(on ? "hour" : "day") from now on."])
        case .counting(let name, let purpose): return try counting(try serviceNamed(name), purpose, tx)
        case .fetch, .figures: return Reply()
        }
    }

    private func serviceNamed(_ name: String) throws(CommandProblem) -> Person {
        guard let person = world.people[PersonID(name)], person.kind == .service else {
            throw .failed("There is no service called \u{201C}\(safeText(name))\u{201D}.")
        }
        return person
    }

    private static func newToken() -> String {
        var source = SystemRandomNumberGenerator()
        return (0..<tokenBytes).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &source)
            return String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    // MARK: Fetching

    /// What is refused here is 401 over HTTP: one sentence, whatever is wrong.
    static var notKnown: CommandProblem { .refused("No service is known by this name and token.") }

    /// What a service asks by its token; nil: something else is said. Who is not known is refused in no turn: a turn that fails costs others something.
    func fetched(_ act: ServiceAct) throws -> Reply? {
        func known(_ service: String, _ token: String) throws -> PersonID {
            let id = PersonID(service)
            guard world.people[id]?.kind == .service, let hash = try store.read({ try $0.tokenHash(id) }), Self.isToken(token, hash) else { throw Self.notKnown }
            return id
        }
        switch act {
        case .fetch(let query):
            let service = try known(query.service, query.token)
            return try turn { tx in try fetchFeed(query, of: service, tx) }
        case .figures(let query):
            guard let token = query.token else { return nil }
            let service = try known(query.service ?? "", token)
            return try turn { tx in try figures(query, of: service, tx) }
        default: return nil
        }
    }

    /// Rows after a number, as far as they may be given at this moment.
    ///
    /// Where one may not be given just now (an hour that is not permitted, a pause), the page ends before it, so that nothing is passed over.
    private func fetchFeed(_ query: FeedQuery, of service: PersonID, _ tx: StoreTurn) throws -> Reply {
        guard let quantity = Quantity(query.quantity) else { throw CommandProblem.failed("No quantity is called \u{201C}\(safeText(query.quantity))\u{201D}.") }
        guard let limit = query.limit.map({ Int($0) }) ?? FeedQuery.rowsMax, (1...FeedQuery.rowsMax).contains(limit) else {
            throw CommandProblem.failed("A limit is from 1 to \(FeedQuery.rowsMax).")
        }
        guard let after = query.after.map({ Int64($0) }) ?? 0, after >= 0 else { throw CommandProblem.failed("After which? \u{201C}after\u{201D} is the number that the last page ended with.") }
        let since = query.since.flatMap { Instant(iso: $0) }
        guard since != nil || query.since == nil else { throw CommandProblem.failed("Since when? Write it like 2026-11-21T03:00:00Z.") }
        let stream = FeedStream(service: service, citizen: PersonID(query.citizen))
        var given: [FeedRow] = []
        var next = after
        var permitted: [FeedGroup: Bool] = [:]
        for row in try tx.reader.feed(stream, quantity, after: after, since: since ?? .distantPast, limit: limit) {
            if permitted[row.of] == nil { permitted[row.of] = world.feedPermits(row.of, at: now, .present) != nil && !world.isPaused(row.of, at: now) }
            guard permitted[row.of] == true else { break }
            given.append(row)
            next = row.n
        }
        for day in try tx.noteFetched(given) { try disclose(day, .seen, tx) }
        var items = given.map { json($0) }
        // Who may have nothing is not told that there was something.
        if world.feeds.hasGaps, world.feeds.streams[stream] == .some(nil), let gap = try tx.reader.feedGap(stream, quantity), gap.upTo > after {
            items.insert(.object(["missing": json(gap)]), at: 0)
        }
        return Reply(items: items + [.object(["next": .string(String(next))])])
    }

    /// In the same time for each that is wrong.
    private static func isToken(_ token: String, _ known: [UInt8]) -> Bool {
        let given = SHA256.hash(data: Data(token.utf8))
        // The digest's own comparison looks at all bytes.
        return given == Data(known)
    }

    // MARK: What is said of it

    /// For `who-saw`: what a day's disclosure stands for.
    func feedSentence(_ day: FeedDay) -> String {
        let name = world.name(day.service)
        if day.inFigure {
            let what = "a figure over at least \(Figures.citizensMin) citizens for \(name) (\(day.record.map { "\($0), " } ?? "")decision \(day.decision))"
            return day.sent > 0 ? "Your \(day.quantity.words) of \(day.day.inWords) was counted in \(what)" : "Your \(day.quantity.words) of \(day.day.inWords) was to be counted in \(what), and was not"
        }
        let what = day.detail == .summary ? "a summary" : "reading"
        func counted(_ n: Int) -> String {
            day.detail == .summary ? "\(n == 1 ? what : "\(n) summaries") of \(day.quantity.words)" : "\(n) \(day.quantity.words) \(what)\(n == 1 ? "" : "s")"
        }
        let on = "on \(day.day.inWords)"
        let because = "\(day.record.map { "\($0), " } ?? "")decision \(day.decision)"
        guard day.given > 0 else { return "\(name) was to be given \(counted(day.queued)) \(on), and has not been (\(because))" }
        let fetched = day.fetched > 0 ? "; it has fetched \(day.fetched == day.given ? "them" : "\(day.fetched)")" : ""
        let waits = day.queued > day.given ? "; \(day.queued - day.given) more have not been sent" : ""
        return "\(name) received \(counted(day.given)) \(on)\(fetched)\(waits) (\(because))"
    }

    func feedItem(_ day: FeedDay) -> JSON {
        .object([
            "entry": "feed", "at": .string(day.lastAt.iso), "citizen": .string(day.citizen.name), "recipient": .string(day.service.name), "data": .string(day.quantity.name),
            "detail": .string(day.detail.name), "day": .string(day.day.iso), "queued": .int(Int64(day.queued)), "sent": .int(Int64(day.sent)),
            "fetched": .int(Int64(day.fetched)), "given": .int(Int64(day.given)), "inFigure": .bool(day.inFigure), "firstAt": .string(day.firstAt.iso), "record": .optional(day.record?.description), "decision": .string(day.decision.description),
        ])
    }

    /// For `status`: of whoever runs the scheme.
    func feedSentences(_ actor: Actor) -> [String] {
        guard actor.runsScheme, !world.people.services.isEmpty else { return [] }
        var say: [String] = []
        if world.feeds.waiting > 0 { say.append("\(several(world.feeds.waiting, "shared reading or summary", "shared readings and summaries")) wait for the broker.") }
        for (service, rows) in (world.feeds.hasGaps ? try? store.read { try $0.feedRowsDropped() } : nil) ?? [] where rows > 0 {
            say.append(
                "\(world.name(service)) could not keep up: \(several(rows, "shared reading or summary", "shared readings and summaries")) went because there were more than \(configuration.limits.feedRowsOfServiceMax) for it.")
        }
        return say
    }

    private func several(_ n: Int, _ one: String, _ many: String) -> String { "\(n) \(n == 1 ? one : many)" }
}
