import Care
import Devices
import Store

/// Devices: seeing them, claiming them, letting them go.
extension Engine {
    func home(_ name: String?, _ actor: Actor) throws(CommandProblem) -> HomeID {
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

    func deviceClaim(
        _ homeName: String?, _ address: String, _ names: [String], _ expected: String?, _ title: String?, _ actor: Actor, _ tx: StoreTurn
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
                let owns = try actor.person.map { owner in try thing(address, in: person.home ?? HomeID(""), tx)?.device?.citizens.contains(owner.id) ?? false } ?? false
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
        if let title, title.isEmpty || title.utf8.count > Self.titleBytesMax || title.contains(where: \.isNewline) {
            throw CommandProblem.failed("A name is one line of 1 to \(Self.titleBytesMax) bytes.")
        }
        guard let thing = try thing(address, in: home, tx) else {
            throw CommandProblem.failed(
                "No convention understands \u{201C}\(safeText(address))\u{201D}. See caring device list for what has been heard, and devices/README.md for how to describe a device.")
        }
        guard thing.address.utf8.count <= 512 else { throw CommandProblem.failed("That device's address is longer than 512 bytes.") }
        let mine = citizens.map(\.id)
        var device: Device
        if let known = thing.device {
            device = known
            let news = Set(known.citizens).union(mine).sorted()
            if news == known.citizens && interval == nil && (title == nil || title == known.title) {
                return Reply(say: ["It is claimed by \(known.citizens.map(\.name).joined(separator: " and ")) already."], items: [claimed(device)])
            }
            // Who joins sees from then on what was one person's own: that person has to say so.
            if !known.citizens.isEmpty, !actor.isOperatorOnly, !known.citizens.contains(actor.person?.id ?? PersonID("")) {
                throw CommandProblem.refused(
                    "It is claimed by \(known.citizens.map(\.name).joined(separator: " and ")), who may share it: caring device claim \u{201C}\(safeText(address))\u{201D} --for \(mine.map(\.name).joined(separator: " "))")
            }
            device = try join(known, mine, expected: interval, title: title, by: actor.inLog, tx)
        } else {
            guard world.devices(of: home).count < configuration.limits.devicesPerHomeMax else {
                throw CommandProblem.failed("\(home) has \(world.devices(of: home).count) devices, as many as a home may have (devicesPerHomeMax).")
            }
            device = try makeDevice(
                thing.address, thing.announced, expected: interval ?? thing.expected, bridge: thing.bridge, convention: thing.convention, home: home, mine,
                by: actor.inLog, tx)
            if title != nil {
                device.title = title
                try tx.save(device)
                world.put(device)
            }
        }
        deeds.claimed.append(Deeds.Claim(device, mine))
        topics.removeAll()
        shared.removeAll()
        let who = device.citizens.map(\.name).joined(separator: " and ")
        var say = ["\(Self.called(device)) in \(home) belongs to \(who) now. From now on what it says is stored; who may learn of it, \(device.citizens.count > 1 ? "they decide" : "\(who) decides") with consent."]
        if let expected = device.expected { say.append("It should be heard from every \(expected.inWords).") }
        return Reply(say: say, items: [claimed(device)])
    }

    /// A device that is known, from now on these people's as well.
    ///
    /// - Parameters: `expected`, `title`: nil: as it was.
    func join(_ known: Device, _ citizens: [PersonID], expected: Span?, title: String?, by: String, _ tx: StoreTurn) throws -> Device {
        var device = known
        if known.citizens.isEmpty { device.claimedAt = now }
        device.citizens = Set(known.citizens).union(citizens).sorted()
        device.expected = expected ?? known.expected
        device.retiredAt = nil
        device.title = title ?? known.title
        try tx.save(device)
        for person in citizens.sorted() where !known.citizens.contains(person) { try tx.claim(device.id, citizen: person, by: by, at: now) }
        try tx.removeStranger(device.home, device.address)
        world.put(device)
        watch(device)
        for slot in world.device(device.id)?.slots ?? [] {
            world.detectors.addSeries(slot.series, device: device.id, quantity: slot.quantity, at: now, into: &output)
        }
        try takeOver(tx)
        try endFeeds(in: device.home, tx)
        return device
    }

    func claimed(_ device: Device) -> JSON {
        .object([
            "home": .string(device.home.name), "device": .string(device.address), "convention": .string(device.convention),
            "citizens": .strings(device.citizens.map(\.name)),
            "expectedSeconds": device.expected.map { .int($0.secondsRoundedUp) } ?? .null,
        ])
    }

    func deviceRelease(_ homeName: String?, _ address: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        let home = try homeName.map { try self.home($0, actor) } ?? person.home ?? HomeID("")
        guard let device = try thing(address, in: home, tx)?.device, device.citizens.contains(person.id) else {
            throw CommandProblem.failed("\(person.id) has claimed no device \u{201C}\(safeText(address))\u{201D} in \(home).")
        }
        try release(device, tx)
        return Reply(say: ["\(Self.called(device)) is released. Nothing of it is stored from now on; what was stored stays yours."])
    }

    /// From now on somebody else's. What was stored stays with those it was about: each sees what came while it was theirs.
    func deviceMove(_ homeName: String?, _ address: String, _ to: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let heir = world.people[PersonID(to)], heir.kind == .citizen else {
            throw CommandProblem.failed("There is no citizen called \u{201C}\(safeText(to))\u{201D}.")
        }
        guard actor.isOperatorOnly || actor.person?.kind == .citizen else {
            throw CommandProblem.refused("Only whose device it is may give it away.")
        }
        let home = try homeName.map { try self.home($0, actor) } ?? actor.person?.home ?? heir.home ?? HomeID("")
        guard heir.home == home else { throw CommandProblem.refused("\(heir.id) does not live in \(home), so this device is not theirs to have.") }
        guard let device = try thing(address, in: home, tx)?.device, !device.citizens.isEmpty else {
            throw CommandProblem.failed("Nobody has claimed a device \u{201C}\(safeText(address))\u{201D} in \(home).")
        }
        guard actor.isOperatorOnly || device.citizens == [actor.person?.id ?? PersonID("")] else {
            throw CommandProblem.refused("It belongs to \(device.citizens.map(\.name).joined(separator: " and ")): only whose it is alone may give it away.")
        }
        guard device.citizens != [heir.id] else { return Reply(say: ["It is \(heir.id)'s already."], items: [claimed(device)]) }
        let giver = device.citizens.map(\.name).joined(separator: " and ")
        try release(device, tx)
        var nobodys = device
        nobodys.citizens = []
        let moved = try join(nobodys, [heir.id], expected: nil, title: nil, by: actor.inLog, tx)
        deeds.claimed.append(Deeds.Claim(moved, [heir.id]))
        return Reply(
            say: ["\(Self.called(moved)) in \(home) is \(heir.id)'s from now on. What it said before stays \(giver)'s."], items: [claimed(moved)])
    }

    func deviceRetire(_ homeName: String?, _ address: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        let home = try homeName.map { try self.home($0, actor) } ?? person.home ?? HomeID("")
        guard var device = try thing(address, in: home, tx)?.device, device.citizens.contains(person.id) else {
            throw CommandProblem.failed("\(person.id) has claimed no device \u{201C}\(safeText(address))\u{201D} in \(home).")
        }
        try release(device, tx)
        device.citizens = []
        device.retiredAt = now
        try tx.save(device)
        world.put(device)
        return Reply(say: ["\(Self.called(device)) is out of use and shown no more. What it said stays yours; should it speak again, it is shown as not claimed."])
    }

    func deviceClaimAnnounced(_ on: Bool, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(nil, actor)
        guard let id = person.home, let home = world.homes[id] else { throw CommandProblem.failed("\(person.id) lives in no home that is known.") }
        try claimAnnounced(home, for: person.id, on: on, tx)
        let before = world.devices(of: id).count
        if on { try claimAnnounced(id, only: nil, tx) }
        guard on else { return Reply(say: ["What announces itself in \(id) is not claimed for \(person.id) any more; what is claimed stays so."]) }
        return Reply(say: [
            "Whatever announces itself in \(id) and measures something is \(person.id)'s from now on, without being asked for: it is stored. "
                + "\(counted(world.devices(of: id).count - before, "device")) of those that have announced themselves \(world.devices(of: id).count - before == 1 ? "was" : "were") claimed now."
        ])
    }

    func claimAnnounced(_ home: Home, for person: PersonID, on: Bool, _ tx: StoreTurn) throws {
        var people = Set(home.claimsAnnouncedFor ?? [])
        guard people.contains(person) != on else { return }
        if on { people.insert(person) } else { people.remove(person) }
        var changed = home
        changed.claimsAnnouncedFor = people.isEmpty ? nil : people.sorted()
        try tx.save(changed)
        world.homes[home.id] = changed
    }

    /// A name that people give a device.
    static var titleBytesMax: Int { 100 }

    /// What a device is called in a sentence.
    static func called(_ device: Device) -> String {
        device.title.map { "\u{201C}\(safeText($0))\u{201D} (\(safeText(device.address)))" } ?? safeText(device.address)
    }

    /// A thing that somebody names: by its address, by what its convention knows it by, or by what it is called.
    struct Thing {
        var address: String
        var convention: String
        var expected: Span?
        /// What it is heard through.
        var bridge: String?
        var announced: AnnouncedDevice?
        /// Nil: nobody ever claimed it.
        var device: Device?
    }

    func thing(_ name: String, in home: HomeID, _ tx: StoreTurn) throws -> Thing? {
        let devices = world.devices(of: home).map(\.device)
        let announced = world.announced[home].map(catalogue.devices) ?? []
        if let one = announced.first(where: { $0.address == name || $0.identity == name })
            ?? Self.only(announced.filter { $0.title?.lowercased() == name.lowercased() })
        {
            // By its identity: another thing may have had its name before.
            if let known = knownDevice(one, in: home) { return Thing(address: known.address, convention: known.convention, device: known) }
            return Thing(
                address: one.address, convention: one.convention, expected: world.announced[home]?.expected(one), bridge: one.bridge, announced: one)
        }
        if let device = devices.first(where: { $0.address == name || $0.identity == name })
            ?? Self.only(devices.filter { $0.title?.lowercased() == name.lowercased() && !$0.citizens.isEmpty })
        {
            return Thing(address: device.address, convention: device.convention, device: device)
        }
        if let route = catalogue.route(topicBelowHome: name), route.isDevice {
            return Thing(
                address: route.device, convention: route.convention, expected: route.expected, bridge: route.bridge, device: world.device(home, route.device)?.device)
        }
        // Devices that only payloads name.
        guard let stranger = try tx.reader.strangers(home: home).first(where: { $0.address == name && $0.convention != "unknown" }) else { return nil }
        let route = shared[home]?[stranger.address]?.route
        return Thing(address: stranger.address, convention: stranger.convention, expected: route?.expected, bridge: route?.bridge)
    }

    private static func only<T>(_ found: [T]) -> T? { found.count == 1 ? found[0] : nil }

    /// A device that one of several people lets go is let go: storing needs every one's permit.
    /// What somebody shared with others stays theirs when they go: nobody loses their alarm button by it.
    func leave(_ device: Device, _ person: PersonID, _ tx: StoreTurn) throws {
        var left = device
        left.citizens.removeAll { $0 == person }
        if left.citizens.isEmpty { return try release(device, tx) }
        try tx.releaseClaim(device.id, citizen: person, at: now)
        try tx.save(left)
        world.put(left)
        topics.removeAll()
        shared.removeAll()
    }

    func release(_ device: Device, _ tx: StoreTurn) throws {
        deeds.released.append(Deeds.Thing(device))
        var released = device
        released.citizens = []
        try tx.releaseClaims(device.id, at: now)
        try tx.save(released)
        world.put(released)
        world.detectors.removeDevice(device.id, into: &output)
        try takeOver(tx)
        topics.removeAll()
        shared.removeAll()
        try endFeeds(in: device.home, tx)
    }
}
