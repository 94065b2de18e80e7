import Care
import Devices
import Store

/// Which devices there are, whose they are, and whether each is alive.
extension Engine {
    func deviceList(_ name: String?, unclaimed: Bool, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        var homes: [HomeID]
        if name == nil, actor.runsScheme { homes = world.homes.keys.sorted() } else { homes = [try home(name, actor)] }
        guard actor.runsScheme || actor.person?.kind == .citizen else {
            throw CommandProblem.refused("Devices are shown to those whose home they are in.")
        }
        var say: [String] = []
        var items: [JSON] = []
        for home in homes where !unclaimed {
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
                let (line, item) = try shown(state, to: actor, tx)
                say.append(line)
                items.append(item)
            }
            if actor.person?.kind == .citizen, let line = nobodyIsMissed(home) { say.append(line) }
        }
        let strangers = try tx.reader.strangers(home: name == nil && actor.runsScheme ? nil : homes[0])
        if let home = homes.first, actor.person?.kind == .citizen { announced(home, strangers, &say, &items) }
        // A citizen sees those with what they announced, above.
        let told = actor.person?.kind == .citizen ? Set(homes.first.flatMap { world.announced[$0].map(catalogue.devices) }?.map(\.address) ?? []) : []
        for stranger in strangers.prefix(1_000) where !told.contains(stranger.address) {
            let known = world.homes[stranger.home] != nil
            var line =
                "\(safeText(stranger.home.name))  \(safeText(stranger.address)): \(known ? "not claimed" : "of a home that nobody has added"), "
                + "\(stranger.convention == "unknown" ? "not understood" : stranger.convention)"
            var members: [JSON.Member] = [
                .init("home", .string(stranger.home.name)), .init("device", .string(stranger.address)),
                .init("convention", .string(stranger.convention)), .init("citizens", []),
            ]
            if actor.person?.kind == .citizen || !known {
                line += ", \(counted(Int(stranger.messages), "message")), the last one \((now - stranger.lastSeenAt).inWords) ago"
                members += [.init("messages", .int(stranger.messages)), .init("lastSeenAt", .string(stranger.lastSeenAt.iso))]
            }
            say.append(line + ", nothing of it is stored")
            items.append(.object(members))
        }
        if actor.person?.kind == .citizen, let home = homes.first {
            for (device, thing, reason) in world.announced[home]?.notUnderstood.prefix(100) ?? [] {
                say.append("\(home)  \(safeText(device.title ?? device.address)), \(safeText(thing)): not understood. \(safeText(reason, charactersMax: 500))")
                items.append(
                    .object([
                        "home": .string(home.name), "device": .string(device.address), "part": .string(thing), "standing": "not-understood",
                        "reason": .string(reason),
                    ]))
            }
        }
        if say.isEmpty {
            say = unclaimed
                ? ["Every device that has been heard from is claimed."]
                : ["No device has been heard from yet. Let one publish under homes/\(homes.first?.name ?? "<home>")/ with the home's login."]
        }
        return Reply(say: say, items: items)
    }

    /// A claimed device, as far as this citizen may know of it.
    private func shown(_ state: DeviceState, to actor: Actor, _ tx: StoreTurn) throws -> (String, JSON) {
        let device = state.device
        let own = actor.person.map { device.citizens.contains($0.id) } ?? false
        var line = "\(device.home)  \(Self.called(device)): claimed by \(device.citizens.map(\.name).joined(separator: " and "))"
        var members: [JSON.Member] = [
            .init("home", .string(device.home.name)), .init("device", .string(device.address)), .init("name", .optional(device.title)),
            .init("convention", .string(device.convention)), .init("citizens", .strings(device.citizens.map(\.name))),
            .init("expectedSeconds", expected(of: device).map { .int($0.secondsRoundedUp) } ?? .null),
        ]
        if own {
            let heard = world.detectors.lastHeard(device.id)
            let standing = try standing(of: state, tx)
            line += ", \(standing.words(now: now, zone: world.zone(of: device.home)))"
            if case .paused(let pause, _) = standing, pause.citizen != actor.person?.id { line += ", so nothing of it is recorded about you either" }
            if let heard { line += ", last heard from \((now - heard).inWords) ago" }
            if let skew = device.skew, skew != .zero { line += ", its clock is \(skew.inWords) \(skew > .zero ? "behind" : "ahead")" }
            if device.expected == nil, let learned = expected(of: device) { line += ", usually heard from within \(learned.inWords) (learned from itself)" }
            members.append(.init("standing", .string(standing.name)))
            members.append(.init("lastHeardAt", .optional(heard?.iso)))
            members.append(.init("offline", .bool(device.offlineSince != nil)))
            members.append(.init("quantities", .strings(state.slots.map(\.quantity.name))))
            members.append(.init("identity", .optional(device.identity)))
            members.append(.init("model", .optional(device.model)))
        }
        return (line, .object(members))
    }

    /// Whether it is alive.
    func standing(of state: DeviceState, _ tx: StoreTurn) throws -> Standing {
        let device = state.device
        let low = try state.slots.contains { slot in
            guard slot.quantity.name == "battery" || slot.quantity.name == "battery_low", let series = world.seriesInfo(slot.series) else { return false }
            guard let last = try tx.reader.lastReadings([series]).first, last.at >= device.claimedAt else { return false }
            return slot.quantity.kind == .boolean ? last.value.asNumber != 0 : last.value.asNumber <= Standing.batteryLowPercent
        }
        return Standing.of(
            device, lastHeard: world.detectors.lastHeard(device.id), expected: expected(of: device),
            bridgeGoneSince: device.bridge.flatMap { world.bridges[device.home]?[$0]?.goneSince }, isBatteryLow: low,
            isUnderstood: state.wasUnderstood || !state.wasNotUnderstood, paused: world.pauseHolding(state, at: now), pausedUntil: world.pauseEnded(state, by: now), now: now)
    }

    // MARK: What nobody has claimed

    /// What has announced itself in a home and is nobody's yet, with what it says that it measures.
    private func announced(_ home: HomeID, _ strangers: [Stranger], _ say: inout [String], _ items: inout [JSON]) {
        guard let announced = world.announced[home] else { return }
        let declared = announced.declaredByKey
        for device in catalogue.devices(announced).prefix(1_000) where !isClaimed(device, in: home) {
            let declares = declared[device.identity ?? device.address] ?? []
            let heard = strangers.first { $0.address == device.address }
            let what = Array(Set(declares.map(\.quantity.words))).sorted()
            var line = "\(home)  \(device.title.map { "\u{201C}\(safeText($0))\u{201D} (\(safeText(device.address)))" } ?? safeText(device.address)): not claimed"
            if let model = device.model { line += ", \(safeText(model))" }
            line += what.isEmpty ? ", measures nothing that is stored" : ", tells of \(what.joined(separator: ", "))"
            line += heard.map { ", \(counted(Int($0.messages), "message")), the last one \((now - $0.lastSeenAt).inWords) ago" } ?? ", not heard from since it was announced"
            say.append(line + ", nothing of it is stored")
            items.append(
                .object([
                    "home": .string(home.name), "device": .string(device.address), "name": .optional(device.title), "convention": .string(device.convention),
                    "citizens": [], "identity": .optional(device.identity), "model": .optional(device.model),
                    "quantities": .strings(declares.map(\.quantity.name)), "messages": heard.map { .int($0.messages) } ?? .int(0),
                    "lastSeenAt": .optional(heard?.lastSeenAt.iso),
                ]))
        }
    }

    private func isClaimed(_ one: AnnouncedDevice, in home: HomeID) -> Bool {
        !(knownDevice(one, in: home)?.citizens.isEmpty ?? true)
    }

    // MARK: Live

    /// What the devices of a home say while somebody looks. Only its citizens may; of what another of them has claimed they
    /// see that it spoke, not what.
    func deviceWatch(_ name: String?, _ after: Int64, _ actor: Actor) throws -> Reply {
        guard let person = actor.person, person.kind == .citizen else {
            throw CommandProblem.refused("What devices say is shown to those who live with them: use --as with a citizen of the home.")
        }
        let home = try home(name, actor)
        // Each person begins with a negative number, which is an entry in the log; so does whoever was there before a restart.
        guard after < 0 || deviceWatch.isWatching(home, person.id, now: now) else { return Reply(next: -1) }
        guard let (seen, missed, next) = deviceWatch.look(home, person.id, after: after, now: now) else {
            throw CommandProblem.failed("\(DeviceWatch.homesMax) homes are watched already: try again when somebody has stopped.")
        }
        var say: [String] = []
        var items: [JSON] = []
        for (device, words) in pausedForWatch(home, person.id) {
            say.append("\(Self.called(device))  → \(words)")
            items.append(.object(["device": .string(device.address), "paused": true]))
        }
        if missed > 0 {
            say.append("\(counted(missed, "message")) came faster than can be shown here.")
            items.append(.object(["missed": .int(Int64(missed))]))
        }
        for one in seen {
            let isMine = mayShow(one, of: home, to: person.id)
            let text = isMine ? safeText(String(decoding: one.payload, as: UTF8.self), charactersMax: 200) + (one.isCut ? "…" : "") : ""
            say.append("\(world.zone(of: home).local(one.at)?.clock ?? one.at.iso)  \(safeText(one.topic))  \(text)  → \(isMine ? became(one) : "somebody else's")")
            items.append(
                isMine
                    ? one.trial.json(topic: one.topic, at: one.at, payload: text)
                    : .object(["at": .string(one.at.iso), "topic": .string(one.topic)]))
        }
        return Reply(say: say, items: items, next: next)
    }

    private func mayShow(_ one: DeviceWatch.Seen, of home: HomeID, to person: PersonID) -> Bool {
        let addresses = one.trial.about
        return addresses.allSatisfy { address in
            let citizens = world.device(home, address)?.device.citizens ?? []
            return citizens.isEmpty || citizens.contains(person)
        }
    }

    private func became(_ one: DeviceWatch.Seen) -> String {
        var words = one.trial.words
        if one.isRetained, !one.trial.readings.isEmpty { words += ", but it is retained: how old it is nobody knows, so it is not stored" }
        return words
    }
}
