import Care
import Devices
import Logging
import Store

/// What devices say of themselves, and whether what they are heard through is there.
extension Engine {
    /// One announcement of one home; retained or not, it says what is.
    func announce(_ home: HomeID, _ route: Route, _ topic: String, _ payload: UnsafeRawBufferPointer, _ tx: StoreTurn) throws {
        guard world.homes[home] != nil else { return }
        let news = world.announced[home, default: Announced()].take(route, topic: topic, payload: payload, catalogue, topics: HomeTopics(home: home))
        if let reason = news.reason {
            counts.undecodable += 1
            try tx.keepUndecodable(
                home: home, address: route.device, convention: route.convention, reason: reason, at: now,
                payload: isWhollyPaused(home) ? nil : Array(payload.prefix(configuration.limits.undecodablePayloadBytesMax)),
                keptMax: configuration.limits.undecodableKeptMax)
        }
        guard news.isChanged else { return }
        if news.isKept {
            try tx.saveAnnouncement(home, topic: topic, payload: Array(payload), at: now)
        } else {
            try tx.removeAnnouncement(home, topic: topic)
        }
        try know(news.devices, in: home, tx)
        forgetTopics(of: home)
        try claimAnnounced(home, only: news.devices, tx)
    }

    /// At a start: everything that is known of before.
    func loadAnnouncements(_ disk: StoreReader) throws {
        for (home, topic, payload) in try disk.announcements() where world.homes[home] != nil {
            guard let route = catalogue.route(topicBelowHome: topic), route.role == .announcement else { continue }
            _ = payload.withUnsafeBytes {
                world.announced[home, default: Announced()].take(route, topic: topic, payload: $0, catalogue, topics: HomeTopics(home: home))
            }
        }
        for (home, address, since) in try disk.bridgesGone() { world.bridges[home, default: [:]][address] = Bridge(goneSince: since) }
    }

    // MARK: Who is who

    /// Devices that people have claimed, brought up to date with what is announced: their identity, where it was not
    /// known; their address, where they were renamed.
    private func know(_ announced: [AnnouncedDevice], in home: HomeID, _ tx: StoreTurn) throws {
        var renamed: [Device] = []
        for one in announced {
            guard var device = knownDevice(one, in: home) else { continue }
            let before = device
            device.identity = one.identity ?? device.identity
            device.model = one.model ?? device.model
            device.bridge = one.bridge ?? device.bridge
            if device.address != one.address, one.identity != nil {
                // A list that gives two things one name says nothing about which of them has it.
                guard !renamed.contains(where: { $0.address == one.address }) else { continue }
                device.address = one.address
                renamed.append(device)
            } else if device != before {
                try tx.save(device)
                world.put(device)
            }
        }
        guard !renamed.isEmpty else { return }
        // Whoever has had an address that is now another's keeps its past under a name that shows whose it was.
        let moving = Set(renamed.map(\.id))
        for device in renamed {
            guard var other = world.device(home, device.address)?.device, !moving.contains(other.id) else { continue }
            other.address = Self.formerAddress(other)
            renamed.append(other)
        }
        try tx.readdress(renamed)
        world.readdress(renamed)
        log.notice("Devices were renamed.", metadata: ["devices": "\(renamed.count)"])
    }

    /// The claimed device that this is: by its identity; where that is not known yet, by its address.
    func knownDevice(_ one: AnnouncedDevice, in home: HomeID) -> Device? {
        if let identity = one.identity, let known = world.device(home, identity: identity) { return known.device }
        guard let device = world.device(home, one.address)?.device else { return nil }
        return device.identity == nil || one.identity == nil || device.identity == one.identity ? device : nil
    }

    static func formerAddress(_ device: Device) -> String {
        "\(device.address) (\(device.identity ?? "formerly, \(device.id.number)"))"
    }

    // MARK: Bridges

    func bridge(_ home: HomeID, _ route: Route, _ payload: UnsafeRawBufferPointer, isRetained: Bool, _ tx: StoreTurn) throws {
        guard world.homes[home] != nil else { return }
        decoded.removeAll(keepingCapacity: true)
        guard case .availability(let isThere) = catalogue.decode(route, payload: payload, arrivedAt: now, into: &decoded) else { return }
        let known = world.bridges[home]?[route.device]
        guard isThere != (known.map { $0.goneSince == nil } ?? true) || known == nil else { return }
        guard known != nil || world.bridges[home, default: [:]].count < Self.bridgesMax else { return }
        // One that comes back tells again what it remembers of its devices; see `isEcho`.
        let isBack = isThere && (known?.goneSince != nil || !isRetained)
        world.bridges[home, default: [:]][route.device] = Bridge(goneSince: isThere ? nil : now, backAt: isBack ? now : known?.backAt)
        if isBack { world.bridgeBackAt = now }
        try tx.saveBridge(home, route.device, goneSince: isThere ? nil : now)
    }

    /// Of one home.
    static var bridgesMax: Int { 1_000 }
    /// So long after its return what a bridge tells may be what it remembers.
    static var echoMax: Span { .minutes(1) }

    /// Whether what this device is said to say may be its bridge's memory of it: then what is as it was is no news and no
    /// sign of life.
    func mayEcho(_ device: Device) -> Bool {
        guard let bridge = device.bridge, let backAt = world.bridges[device.home]?[bridge]?.backAt else { return false }
        return now - backAt < Self.echoMax
    }

    // MARK: Availability

    /// - Parameter topic: which of the device's availability topics says so.
    func setAvailable(_ id: DeviceID, _ isAvailable: Bool, topic: String, mode: AvailabilityMode, _ tx: StoreTurn) throws {
        guard var device = world.device(id)?.device else { return }
        var saying = Set(device.unavailable ?? [])
        if isAvailable { saying.remove(topic) } else { saying.insert(topic) }
        let isGone =
            switch mode {
            case .all: !saying.isEmpty
            case .latest: !isAvailable
            case .any: saying.count >= world.availabilityTopics(of: device)
            }
        let unavailable = saying.isEmpty ? nil : Array(saying.sorted().prefix(Self.availabilityTopicsMax))
        guard unavailable != device.unavailable || isGone != (device.offlineSince != nil) else { return }
        device.unavailable = unavailable
        device.offlineSince = isGone ? device.offlineSince ?? now : nil
        // The next thing that it says itself is a sign that it is back.
        if isGone { goneEver += 1 }
        world.put(device)
        try tx.save(device)
    }

    /// Of one device.
    static var availabilityTopicsMax: Int { 16 }

    // MARK: Claimed by themselves

    /// Claims what announces itself in a home whose people have said so.
    ///
    /// - Parameter only: what was announced just now; nil: all that ever was.
    func claimAnnounced(_ id: HomeID, only: [AnnouncedDevice]?, _ tx: StoreTurn) throws {
        guard let home = world.homes[id], let announced = world.announced[id] else { return }
        let citizens = (home.claimsAnnouncedFor ?? []).filter { world.people[$0]?.home == id }
        let news = (only ?? announced.devices).filter { knownDevice($0, in: id) == nil }
        guard !citizens.isEmpty, !news.isEmpty else { return }
        let declared = announced.declaredByKey
        let own = Set(catalogue.devices(announced).map(\.address))
        for one in news where !(declared[one.identity ?? one.address] ?? []).isEmpty {
            guard world.devices(of: id).count < configuration.limits.devicesPerHomeMax else { return }
            if own.contains(one.address) {
                let device = try makeDevice(
                    one.address, one, expected: announced.expected(one), bridge: one.bridge, convention: one.convention, home: id, citizens, by: Self.byItself, tx)
                deeds.claimedByItself.append(Deeds.Claim(device, citizens))
                continue
            }
            // A convention knows it by itself: it is that convention's device.
            let natives = announced.topics(one).compactMap { catalogue.route(topicBelowHome: $0) }.filter { $0.role == .readings }
            guard let native = natives.first, world.device(id, native.device) == nil else { continue }
            let device = try makeDevice(
                native.device, nil, expected: native.expected, bridge: native.bridge, convention: native.convention, home: id, citizens, by: Self.byItself, tx)
            deeds.claimedByItself.append(Deeds.Claim(device, citizens))
        }
    }

    /// Who claimed a device where nobody did it by hand.
    static var byItself: String { "announced" }

    /// A device that was not known, from now on these people's.
    func makeDevice(
        _ address: String, _ announced: AnnouncedDevice?, expected: Span?, bridge: String?, convention: String, home: HomeID, _ citizens: [PersonID],
        by: String, _ tx: StoreTurn
    ) throws -> Device {
        if var other = world.device(home, address)?.device {
            // Another thing has had this name: it keeps its past, under a name that shows whose it was.
            other.address = Self.formerAddress(other)
            try tx.readdress([other])
            world.readdress([other])
        }
        var device = Device(
            id: DeviceID(Int32(truncatingIfNeeded: try tx.next("device"))), home: home, address: address, convention: convention,
            expected: expected, citizens: citizens.sorted(), claimedAt: now)
        device.identity = announced?.identity
        device.title = announced?.title
        device.model = announced?.model
        device.bridge = bridge
        try tx.save(device)
        for person in citizens.sorted() { try tx.claim(device.id, citizen: person, by: by, at: now) }
        try tx.removeStranger(home, address)
        world.put(device)
        watch(device)
        try takeOver(tx)
        forgetTopics(of: home)
        return device
    }
}

/// What some devices are heard through.
struct Bridge: Sendable {
    /// Nil: it is there.
    var goneSince: Instant?
    /// When it came back last, since the gateway's start.
    var backAt: Instant?
}
