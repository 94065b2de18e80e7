import Care
import Store

/// Devices: seeing them, claiming them, letting them go.
extension Engine {
    private func home(_ name: String?, _ actor: Actor) throws(CommandProblem) -> HomeID {
        if let name {
            guard world.homes[HomeID(name)] != nil else { throw .failed("There is no home called \u{201C}\(safeText(name))\u{201D}.") }
            if let person = actor.person, person.kind == .citizen, person.home != HomeID(name) {
                throw .refused("\(name) is not your home.")
            }
            return HomeID(name)
        }
        guard let home = actor.person?.home else { throw .failed("Say which home: add --home HOME.") }
        return home
    }

    func deviceList(_ name: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        var homes: [HomeID]
        if name == nil, actor.runsScheme { homes = world.homes.keys.sorted() } else { homes = [try home(name, actor)] }
        guard actor.runsScheme || actor.person?.kind == .citizen else {
            throw CommandProblem.refused("Devices are shown to those whose home they are in.")
        }
        var say: [String] = []
        var items: [JSON] = []
        for home in homes {
            let claimed = world.devices(of: home).filter { !$0.device.citizens.isEmpty }
            // Which devices somebody owns, and when one was heard from, says how they live: only those whose
            // home it is see that. Who runs the scheme sees that there are some.
            guard actor.person?.kind == .citizen else {
                if !claimed.isEmpty {
                    say.append("\(home)  \(counted(claimed.count, "claimed device"))")
                    items.append(.object(["home": .string(home.name), "claimed": .int(Int64(claimed.count))]))
                }
                continue
            }
            for state in claimed {
                let device = state.device
                let own = actor.person.map { device.citizens.contains($0.id) } ?? false
                var line = "\(home)  \(safeText(device.address)): claimed by \(device.citizens.map(\.name).joined(separator: " and "))"
                var members: [JSON.Member] = [
                    .init("home", .string(home.name)), .init("device", .string(device.address)),
                    .init("convention", .string(device.convention)), .init("citizens", .strings(device.citizens.map(\.name))),
                    .init("expectedSeconds", device.expected.map { .int($0.secondsRoundedUp) } ?? .null),
                ]
                if own {
                    let heard = world.detectors.lastHeard(device.id)
                    line += heard.map { ", last heard from \((now - $0).inWords) ago" } ?? ", never heard from"
                    if device.offlineSince != nil { line += ", says that it is off line" }
                    if let skew = device.skew, skew != .zero { line += ", its clock is \(skew.inWords) \(skew > .zero ? "behind" : "ahead")" }
                    members.append(.init("lastHeardAt", .optional(heard?.iso)))
                    members.append(.init("offline", .bool(device.offlineSince != nil)))
                    members.append(.init("quantities", .strings(state.slots.map(\.quantity.name))))
                }
                say.append(line)
                items.append(.object(members))
            }
        }
        let strangers = try tx.reader.strangers(home: name == nil && actor.runsScheme ? nil : homes[0])
        for stranger in strangers.prefix(1_000) {
            let known = world.homes[stranger.home] != nil
            var line =
                "\(safeText(stranger.home.name))  \(safeText(stranger.address)): \(known ? "not claimed" : "of a home that nobody has added"), "
                + "\(stranger.convention == "unknown" ? "not understood" : stranger.convention)"
            var members: [JSON.Member] = [
                .init("home", .string(stranger.home.name)), .init("device", .string(stranger.address)),
                .init("convention", .string(stranger.convention)), .init("citizens", []),
            ]
            if actor.person?.kind == .citizen || !known {
                line += ", \(counted(Int(stranger.messages), "message"))"
                members += [.init("messages", .int(stranger.messages)), .init("lastSeenAt", .string(stranger.lastSeenAt.iso))]
            }
            say.append(line + ", nothing of it is stored")
            items.append(.object(members))
        }
        if say.isEmpty { say = ["No device has been heard from yet. Let one publish under homes/\(homes.first?.name ?? "<home>")/ with the home's login."] }
        return Reply(say: say, items: items)
    }

    func deviceClaim(
        _ homeName: String?, _ address: String, _ names: [String], _ expected: String?, _ actor: Actor, _ tx: StoreTurn
    ) throws -> Reply {
        var citizens: [Person] = []
        if names.isEmpty {
            citizens = [try citizen(nil, actor)]
        } else {
            for name in names {
                guard let person = world.people[PersonID(name)], person.kind == .citizen else {
                    throw CommandProblem.failed("There is no citizen called \u{201C}\(safeText(name))\u{201D}.")
                }
                // Claiming is the act that permits storing, so each person does it for themselves.
                let owns = actor.person.map { owner in world.device(person.home ?? HomeID(""), address)?.device.citizens.contains(owner.id) ?? false } ?? false
                guard actor.person?.id == person.id || actor.isOperatorOnly || owns else {
                    throw CommandProblem.refused("\(person.id) has to claim it themselves.")
                }
                citizens.append(person)
            }
        }
        let home = try homeName.map { try self.home($0, actor) } ?? citizens[0].home ?? HomeID("")
        for person in citizens where person.home != home {
            throw CommandProblem.refused("\(person.id) does not live in \(home), so this device is not theirs to claim.")
        }
        var interval: Span?
        if let expected {
            interval = Span(expected)
            guard let interval, interval >= .seconds(10), interval <= .days(366) else {
                throw CommandProblem.failed("\u{201C}\(safeText(expected))\u{201D} is no length of time between 10s and 366d.")
            }
        }
        guard let route = catalogue.route(topicBelowHome: address), route.isDevice else {
            throw CommandProblem.failed(
                "No convention understands \u{201C}\(safeText(address))\u{201D}. See caring device list for what has been heard, and devices/README.md for how to describe a device.")
        }
        guard route.device.utf8.count <= 512 else { throw CommandProblem.failed("That device's address is longer than 512 bytes.") }
        let mine = citizens.map(\.id)
        var device: Device
        if let known = world.device(home, route.device)?.device {
            device = known
            let news = Set(known.citizens).union(mine).sorted()
            if news == known.citizens && interval == nil { return Reply(say: ["It is claimed by \(known.citizens.map(\.name).joined(separator: " and ")) already."], items: [claimed(device)]) }
            // Who joins sees from then on what was one person's own: that person has to say so.
            if !known.citizens.isEmpty, !actor.isOperatorOnly, !known.citizens.contains(actor.person?.id ?? PersonID("")) {
                throw CommandProblem.refused(
                    "It is claimed by \(known.citizens.map(\.name).joined(separator: " and ")), who may share it: caring device claim \u{201C}\(safeText(address))\u{201D} --for \(mine.map(\.name).joined(separator: " "))")
            }
            if known.citizens.isEmpty { device.claimedAt = now }
            device.citizens = news
            device.expected = interval ?? known.expected
        } else {
            guard world.devices(of: home).count < configuration.limits.devicesPerHomeMax else {
                throw CommandProblem.failed("\(home) has \(world.devices(of: home).count) devices, as many as a home may have (devicesPerHomeMax).")
            }
            device = Device(
                id: DeviceID(Int32(truncatingIfNeeded: try tx.next("device"))), home: home, address: route.device,
                convention: route.convention, expected: interval ?? route.expected, citizens: mine.sorted(), claimedAt: now)
        }
        try tx.save(device)
        let before = world.device(home, route.device)?.device.citizens ?? []
        for person in mine where !before.contains(person) { try tx.claim(device.id, citizen: person, by: actor.inLog, at: now) }
        try tx.removeStranger(home, route.device)
        world.put(device)
        watch(device)
        for slot in world.device(device.id)?.slots ?? [] {
            world.detectors.addSeries(slot.series, device: device.id, quantity: slot.quantity, at: now, into: &output)
        }
        try takeOver(tx)
        topics.removeAll()
        let who = device.citizens.map(\.name).joined(separator: " and ")
        var say = ["\(safeText(device.address)) in \(home) belongs to \(who) now. From now on what it says is stored; who may learn of it, \(device.citizens.count > 1 ? "they decide" : "\(who) decides") with consent."]
        if let expected = device.expected { say.append("It should be heard from every \(expected.inWords).") }
        return Reply(say: say, items: [claimed(device)])
    }

    private func claimed(_ device: Device) -> JSON {
        .object([
            "home": .string(device.home.name), "device": .string(device.address), "convention": .string(device.convention),
            "citizens": .strings(device.citizens.map(\.name)),
            "expectedSeconds": device.expected.map { .int($0.secondsRoundedUp) } ?? .null,
        ])
    }

    func deviceRelease(_ homeName: String?, _ address: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        let home = try homeName.map { try self.home($0, actor) } ?? person.home ?? HomeID("")
        let wanted = catalogue.route(topicBelowHome: address)?.device ?? address
        guard let device = world.device(home, wanted)?.device, device.citizens.contains(person.id) else {
            throw CommandProblem.failed("\(person.id) has claimed no device \u{201C}\(safeText(address))\u{201D} in \(home).")
        }
        try release(device, tx)
        return Reply(say: ["\(safeText(device.address)) is released. Nothing of it is stored from now on; what was stored stays yours."])
    }

    /// A device that one of several people lets go is let go: storing needs every one's permit.
    func release(_ device: Device, _ tx: StoreTurn) throws {
        var released = device
        released.citizens = []
        try tx.releaseClaims(device.id, at: now)
        try tx.save(released)
        world.put(released)
        world.detectors.removeDevice(device.id, into: &output)
        try takeOver(tx)
        topics.removeAll()
    }

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
        return world.device(home, route.device)?.device.citizens.contains(mine) ?? false
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
                guard let mine, world.device(home, message.address)?.device.citizens.contains(mine) ?? false else { continue }
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
