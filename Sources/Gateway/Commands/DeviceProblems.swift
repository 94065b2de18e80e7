import Care
import Store

/// What could not be understood.
extension Engine {
    /// Messages that could not be taken at all. Who runs the gateway sees that there are some, its citizens which.
    private func quarantined(_ home: HomeID?, _ actor: Actor, _ tx: StoreTurn, _ say: inout [String], _ items: inout [JSON]) throws {
        let all = try tx.reader.quarantined(limit: configuration.limits.quarantineKeptMax).filter { home == nil || $0.home == home }
        let isOwn = actor.person?.kind == .citizen
        for one in all.prefix(100) {
            let from = one.home.map { safeText($0.name) } ?? "somewhere"
            var what = "\(from): a message of \((now - one.at).inWords) ago was set aside, because \(safeText(one.reason))."
            var item: [JSON.Member] = [
                .init("home", .optional(one.home?.name)), .init("at", .string(one.at.iso)), .init("reason", .string(one.reason)),
                .init("hash", .string(String(one.hash, radix: 16))), .init("quarantined", .bool(true)),
            ]
            if isOwn, one.home == actor.person?.home, isMine(one, actor) {
                let text = safeText(String(decoding: one.payload, as: UTF8.self), charactersMax: 500)
                what += " It said: \(text)"
                item += [.init("topic", .string(one.topic)), .init("payload", .string(text))]
            }
            say.append(what)
            items.append(.object(item))
        }
        if all.count > 100 { say.append("\(all.count - 100) more were set aside before these.") }
    }

    private func isMine(_ one: Quarantined, _ actor: Actor) -> Bool {
        let levels = one.topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard let home = one.home, let mine = actor.person?.id, levels.count == 3,
            let route = catalogue.route(topicBelowHome: String(levels[2]))
        else { return false }
        guard let device = world.device(home, route)?.device else { return false }
        return device.citizens.contains(mine) && one.at >= device.claimedAt
    }

    func deviceProblems(_ name: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let home: HomeID? = name == nil && actor.runsScheme ? nil : try self.home(name, actor)
        guard actor.runsScheme || actor.person?.kind == .citizen else {
            throw CommandProblem.refused("Only the home's citizens and the coordinators see what could not be understood.")
        }
        let all = try tx.reader.undecodable(home: home)
        var say = all.map {
            "\($0.home): \(counted(Int($0.messages), "message")) in the manner of \($0.convention) could not be decoded: \(safeText($0.reason)). The last one came \((now - $0.lastAt).inWords) ago."
        }
        var items: [JSON] = all.map {
            .object([
                "home": .string($0.home.name), "convention": .string($0.convention), "reason": .string($0.reason),
                "messages": .int($0.messages), "lastAt": .string($0.lastAt.iso),
            ])
        }
        // What the devices really said is their citizens', who share the home; nobody else sees it.
        if let home, actor.person?.home == home, actor.person?.kind == .citizen {
            let mine = actor.person?.id
            for message in try tx.reader.undecodableMessages(home: home, limit: 20) {
                // What it said before it was theirs was somebody else's.
                guard let mine, let device = world.device(home, message.address)?.device, device.citizens.contains(mine), message.at >= device.claimedAt
                else { continue }
                let text = safeText(String(decoding: message.payload, as: UTF8.self), charactersMax: 500)
                say.append("  \(safeText(message.address)), \((now - message.at).inWords) ago: \(text)")
                items.append(
                    .object([
                        "device": .string(message.address), "at": .string(message.at.iso), "reason": .string(message.reason),
                        "payload": .string(text),
                    ]))
            }
        }
        try quarantined(home, actor, tx, &say, &items)
        return Reply(say: say.isEmpty ? ["Every message could be decoded."] : say, items: items)
    }
}
