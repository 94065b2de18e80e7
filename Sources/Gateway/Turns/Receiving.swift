import Care
import Devices
import Store

/// What a topic stands for, once it has been looked at.
enum TopicMeaning {
    /// A claimed device's.
    case device(DeviceTopic)
    /// Several devices are heard there.
    case several([TopicMeaning])
    /// Which device it is about stands in the payload.
    case shared(HomeID, Route)
    /// What devices say of themselves; the topic is below the home.
    case announcement(HomeID, Route, topic: String)
    /// Whether a bridge is there.
    case bridge(HomeID, Route)
    /// Nobody has claimed it, or nobody has added its home, or no convention knows it.
    case stranger(HomeID, address: String, convention: String)
    /// `helpers/<helper>/answers`
    case answers(PersonID)
    /// `homes/<home>/caring/answers`
    case citizenAnswers(HomeID)
    /// `helpers/<helper>/alerts/<alert>`: what lies retained there.
    case shown(PersonID, AlertID?)
    /// `gateway/marker`: what we said to ourselves after subscribing.
    case marker
    /// Ours, or nothing that is for us.
    case ignored
}

/// A topic, and when it was looked at.
struct KnownTopic {
    var meaning: TopicMeaning
    /// The home's number in `Thinning`, and its epoch then; negative: no home's.
    var homeNumber: Int32 = -1
    var epoch: Int32 = 0
}

/// What a claimed device's topic needs for every message, so that nothing is looked up elsewhere.
///
/// Only a copy of what the world says: it goes with the topic table, which is emptied whenever a turn fails or
/// a command changes who has which device.
final class DeviceTopic {
    let device: DeviceID
    let route: Route
    /// The topic below the home.
    let name: String
    let home: HomeID
    /// The home's number in `Thinning`.
    let homeNumber: Int
    /// Those that have come on this topic. A handful: searched from the front.
    var slots: ContiguousArray<Slot> = []
    /// It has said something itself since so many devices were said to be gone; negative: not yet.
    var aliveSince = -1
    /// No other device is heard on this topic.
    var isAlone = true
    /// Until then, the sign of life on disk is new enough.
    var heardSavedUntil = Instant.distantPast

    struct Slot {
        var quantity: Quantity
        var channel: String
        var series: SeriesID
        /// What was heard last on this topic.
        var last: Value?
    }

    init(_ device: DeviceID, _ route: Route, name: String, home: HomeID, homeNumber: Int) {
        self.device = device
        self.route = route
        self.name = name
        self.home = home
        self.homeNumber = homeNumber
    }
}

extension Engine {
    /// decode ─▶ admit ─▶ record ─▶ detect ─▶ alert ─▶ decide ─▶ enqueue, for one message.
    func receive(
        _ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, isRetained: Bool, _ tx: StoreTurn
    ) throws {
        counts.messages += 1
        let index: Int
        if let known = topics.find(topic) {
            index = known
            let homeNumber = Int(topics[index].homeNumber)
            if homeNumber >= 0, homeEpochs[homeNumber] != topics[index].epoch { topics[index] = lookUp(String(decoding: topic, as: UTF8.self)) }
        } else {
            let text = String(decoding: topic, as: UTF8.self)
            if replayZone != nil { try admitForReplay(text, tx) }
            index = topics.add(topic, lookUp(text))
        }
        if deviceWatch.isWatching { noteWatched(topic, payload, isRetained: isRetained) }
        switch topics[index].meaning {
        case .device(let topic): try receive(topic, payload, isRetained, tx)
        case .several(let meanings): for one in meanings { try receive(one, payload, isRetained, tx) }
        case .shared(let home, let route): try receive(shared(home, route, payload), payload, isRetained, tx)
        case .announcement(let home, let route, let below): try announce(home, route, below, payload, tx)
        case .bridge(let home, let route): try bridge(home, route, payload, isRetained: isRetained, tx)
        case .stranger(let home, let address, let convention):
            counts.strangers += 1
            remember(home, address, convention)
        case .answers(let person):
            if !isRetained { try answer(person, payload, tx) }
        case .citizenAnswers(let home):
            if !isRetained { try citizenAnswer(home, payload, tx) }
        case .shown(let person, let alert):
            if isRetained, !payload.isEmpty { try clearIfOutdated(person, alert, String(decoding: topic, as: UTF8.self), tx) }
        case .marker: if payload.elementsEqual(markerPayload.utf8) { try caughtUp(tx) }
        case .ignored: break
        }
    }

    /// One of several that are heard on one topic, or one that a payload names.
    private func receive(_ meaning: TopicMeaning, _ payload: UnsafeRawBufferPointer, _ isRetained: Bool, _ tx: StoreTurn) throws {
        switch meaning {
        case .device(let topic): try receive(topic, payload, isRetained, tx)
        case .bridge(let home, let route): try bridge(home, route, payload, isRetained: isRetained, tx)
        case .several(let meanings): for one in meanings { try receive(one, payload, isRetained, tx) }
        case .stranger(let home, let address, let convention):
            counts.strangers += 1
            remember(home, address, convention)
        default: break
        }
    }

    /// What a topic means now.
    func lookUp(_ topic: String) -> KnownTopic {
        let meaning = meaning(of: topic)
        let levels = topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard levels.count == 3, levels[0] == "homes", world.homes[HomeID(String(levels[1]))] != nil else { return KnownTopic(meaning: meaning) }
        let number = homeNumber(HomeID(String(levels[1])))
        return KnownTopic(meaning: meaning, homeNumber: Int32(number), epoch: homeEpochs[number])
    }

    private func homeNumber(_ home: HomeID) -> Int {
        let number = thinning.number(of: home)
        while homeEpochs.count <= number { homeEpochs.append(0) }
        return number
    }

    /// That home's topics may mean something else from now on.
    func forgetTopics(of home: HomeID) {
        homeEpochs[homeNumber(home)] &+= 1
        sharedCount -= shared[home]?.count ?? 0
        shared[home] = nil
    }

    /// Whom a payload is about.
    func shared(_ home: HomeID, _ route: Route, _ payload: UnsafeRawBufferPointer) -> TopicMeaning {
        guard let own = catalogue.route(route, payload: payload) else { return .ignored }
        if let known = shared[home]?[own.device] { return known.meaning }
        let found = meaning(of: own, home, topic: own.device)
        if sharedCount >= Self.sharedMax {
            shared.removeAll()
            sharedCount = 0
        }
        shared[home, default: [:]][own.device] = (own, found)
        sharedCount += 1
        return found
    }

    /// Devices that are remembered from payloads, of all homes.
    static var sharedMax: Int { 100_000 }

    private func receive(_ topic: DeviceTopic, _ payload: UnsafeRawBufferPointer, _ isRetained: Bool, _ tx: StoreTurn) throws {
        if isRetained {
            // How old a retained value is nobody knows: it is no reading, no event and no sign of life.
            counts.retained += 1
            return
        }
        decoded.removeAll(keepingCapacity: true)
        let id = topic.device
        let tooMuch = isTooMuch(topic, bytes: payload.count)
        let outcome = catalogue.decode(topic.route, payload: payload, arrivedAt: now, into: &decoded)
        // Of a message that is partly at fault the rest counts.
        if !decoded.isEmpty {
            let echo = sortEchoes(topic)
            if echo != .echo { try heard(topic, tx) }
            for i in decoded.indices { try record(decoded[i], topic, tooMuch: tooMuch, echo: echo, tx) }
            if !output.isEmpty { try takeOver(tx) }
        }
        switch outcome {
        case .readings, .announcement: break
        case .nothing:
            // A device that speaks of its settings lives as well.
            // But not by what is said of whether it can be reached, nor by what clears a retained value, nor where others are
            // heard on the same topic.
            if topic.route.role == .readings, !payload.isEmpty, topic.isAlone, !isEchoing(topic) { try heard(topic, tx) }
            if !output.isEmpty { try takeOver(tx) }
        case .availability(let isOnline):
            // Connected is not alive, so this is no sign of life; only what it says is kept.
            try setAvailable(id, isOnline, topic: topic.name, mode: topic.route.availabilityMode, tx)
        case .undecodable(let reason):
            counts.undecodable += 1
            world.devices[Int(id.number)]?.wasNotUnderstood = true
            guard let device = world.device(id)?.device else { return }
            // Of a flood only the number is kept.
            try keepUndecodable(device, topic.route, reason, tooMuch ? nil : payload, tx)
        }
    }

    private func isEchoing(_ topic: DeviceTopic) -> Bool {
        // Bridges seldom come back: nothing is looked up for nearly every message.
        guard let last = world.bridgeBackAt, now - last < Self.echoMax, topic.route.bridge != nil else { return false }
        return world.device(topic.device).map { mayEcho($0.device) } ?? false
    }

    /// Whether somebody said something, or a bridge remembered it.
    enum Echo {
        case none
        /// No sign of life. What is left of it may be news, but nobody has moved because of it.
        case echo
    }

    /// Connected is not alive, and a bridge's memory is no sign of life: it bears a time that it bore before, or it comes when
    /// the bridge has just come back. What is said then just as it was is dropped. An alarm never is.
    private func sortEchoes(_ topic: DeviceTopic) -> Echo {
        guard topic.route.bridge != nil else { return .none }
        let index = Int(topic.device.number)
        var newest: Instant?
        // A clock that runs ahead shows nothing.
        for one in decoded { if let time = one.deviceTime, time <= now + .minutes(1) { newest = max(newest ?? time, time) } }
        if let newest {
            if let before = world.devices[index]?.newestDeviceTime, newest <= before {
                return decoded.contains { isNews($0, topic, whenUnknown: true) } ? .none : .echo
            }
            world.devices[index]?.newestDeviceTime = newest
            // What the bridge remembers is older than its return; what the device has just said is not.
            guard isEchoing(topic), now - newest > Self.echoMax else { return .none }
        } else if !isEchoing(topic) {
            return .none
        }
        let hasNews = decoded.contains { isNews($0, topic, whenUnknown: false) }
        let before = decoded.count
        decoded.removeAll { !isNews($0, topic, whenUnknown: true) }
        counts.repeated += before - decoded.count
        return hasNews ? .none : .echo
    }

    /// Whether it differs from what this topic said last. An event is always news, and an alarm that is set.
    ///
    /// - Parameter whenUnknown: the answer where nothing was said on this topic since the start.
    private func isNews(_ one: DecodedReading, _ topic: DeviceTopic, whenUnknown: Bool) -> Bool {
        if isAlarm(one.quantity), one.value.asNumber != 0 { return true }
        guard let last = topic.slots.first(where: { $0.quantity == one.quantity && $0.channel == one.channel })?.last else { return whenUnknown }
        return last != one.value
    }

    private func keepUndecodable(
        _ device: Device, _ route: Route, _ reason: String, _ payload: UnsafeRawBufferPointer?, _ tx: StoreTurn
    ) throws {
        try tx.keepUndecodable(
            home: device.home, address: device.address, convention: route.convention, reason: reason, at: now,
            payload: payload.map { Array($0.prefix(configuration.limits.undecodablePayloadBytesMax)) },
            keptMax: configuration.limits.undecodableKeptMax)
    }

    private func heard(_ topic: DeviceTopic, _ tx: StoreTurn) throws {
        let id = topic.device
        if topic.aliveSince != goneEver { try comesAlive(topic, tx) }
        world.detectors.heard(id, at: now, into: &output)
        if now <= topic.heardSavedUntil { return }
        // A start reads the last sign of life from disk; it may be older than the truth by this much.
        let index = Int(id.number)
        try learn(topic, tx)
        let saved = world.devices[index]?.savedHeardAt
        let every = min(Self.heardSavedEvery, Span(milliseconds: (world.devices[index]?.device.expected ?? .days(1)).milliseconds / 4))
        if saved.map({ now - $0 > every }) ?? true {
            world.devices[index]?.savedHeardAt = now
            try tx.saveHeard(id, at: now)
        }
        topic.heardSavedUntil = (world.devices[index]?.savedHeardAt ?? now) + every
    }

    /// The first sign of life since the topic was looked up, or since it was said that the device cannot be reached: what it
    /// says itself is better evidence than what its network said before.
    private func comesAlive(_ topic: DeviceTopic, _ tx: StoreTurn) throws {
        topic.aliveSince = goneEver
        let index = Int(topic.device.number)
        world.devices[index]?.wasUnderstood = true
        guard let before = world.devices[index]?.device else { return }
        var device = before
        device.offlineSince = nil
        device.unavailable = nil
        // What only a message shows: through what it is heard, and how often it should be.
        device.bridge = device.bridge ?? topic.route.bridge
        device.expected = device.expected ?? topic.route.expected
        guard device != before else { return }
        world.put(device)
        try tx.save(device)
        if device.expected != before.expected { watch(device) }
    }

    static var heardSavedEvery: Span { .minutes(15) }

    private func record(_ one: DecodedReading, _ topic: DeviceTopic, tooMuch: Bool, echo: Echo, _ tx: StoreTurn) throws {
        guard let (series, slot) = try series(one, topic, tx) else { return }
        if one.quantity.kind == .event {
            if let within = topic.route.repeatsWithin, isRepeated(series, of: topic.device, within: within) { return }
        } else {
            topic.slots[slot].last = one.value
        }
        var reading = Reading(series: series, at: now, source: line.queuedSince == nil ? .arrival : .queued, value: one.value)
        if let deviceTime = one.deviceTime {
            reading.at = try correct(deviceTime, topic.device, tx)
            reading.source = .device
        }
        if tooMuch, !isAlarm(one.quantity) { return try thin(reading, topic.home, tx) }
        guard try tx.append(reading) else {
            counts.readingsKnown += 1
            return
        }
        counts.readings += 1
        if echo == .echo { return }
        world.detectors.observe(reading, now: now, into: &output)
    }

    /// Whether this is one more telegram of a press that has been taken: devices send several to be sure.
    private func isRepeated(_ series: SeriesID, of id: DeviceID, within: Span) -> Bool {
        let index = Int(id.number)
        guard let slot = world.devices[index]?.slots.firstIndex(where: { $0.series == series }) else { return false }
        // What waited at the broker arrives at once: two of them may be hours apart.
        if line.queuedSince == nil, let last = world.devices[index]?.slots[slot].lastEventAt, now - last < within {
            counts.repeated += 1
            return true
        }
        world.devices[index]?.slots[slot].lastEventAt = now
        return false
    }

    /// How often this device speaks, where nothing else says it; see `Rhythm`.
    private func learn(_ topic: DeviceTopic, _ tx: StoreTurn) throws {
        let index = Int(topic.device.number)
        guard var device = world.devices[index]?.device, device.expected == nil else { return }
        var rhythm = device.rhythm ?? Rhythm()
        // Where we could not hear, the silence was ours.
        let couldHear = line.outages.last.map { outage in world.devices[index]?.savedHeardAt.map { outage.until <= $0 } ?? false } ?? true
        let isNewDay = rhythm.heard(at: now, isGap: couldHear)
        device.rhythm = rhythm
        world.devices[index]?.device = device
        guard isNewDay else { return }
        try tx.save(device)
        watch(device)
    }

    private func correct(_ deviceTime: Instant, _ id: DeviceID, _ tx: StoreTurn) throws -> Instant {
        let index = Int(id.number)
        guard world.devices[index] != nil else { return now }
        let before = world.devices[index]?.skew.usual ?? .zero
        let at = world.devices[index]?.skew.correct(deviceTime, arrivedAt: now, isQueued: line.queuedSince != nil) ?? now
        let after = world.devices[index]?.skew.usual ?? .zero
        if abs((after - before).milliseconds) > 5_000 {
            world.devices[index]?.device.skew = after
            if let device = world.devices[index]?.device { try tx.save(device) }
        }
        return at
    }

    private func series(_ one: DecodedReading, _ topic: DeviceTopic, _ tx: StoreTurn) throws -> (SeriesID, slot: Int)? {
        for i in topic.slots.indices where topic.slots[i].quantity == one.quantity && topic.slots[i].channel == one.channel {
            return (topic.slots[i].series, i)
        }
        guard let series = try series(one, of: topic.device, tx) else { return nil }
        topic.slots.append(DeviceTopic.Slot(quantity: one.quantity, channel: one.channel, series: series))
        return (series, topic.slots.count - 1)
    }

    /// The series of this quantity; made when it is heard of for the first time. Nil beyond the limit.
    private func series(_ one: DecodedReading, of id: DeviceID, _ tx: StoreTurn) throws -> SeriesID? {
        let index = Int(id.number)
        guard let slots = world.devices[index]?.slots else { return nil }
        for slot in slots where slot.quantity == one.quantity && slot.channel == one.channel { return slot.series }
        guard let device = world.devices[index]?.device else { return nil }
        if let limit = seriesLimit(device, slots.count) {
            counts.undecodable += 1
            try tx.keepUndecodable(
                home: device.home, address: device.address, convention: device.convention, reason: limit, at: now, payload: nil, keptMax: 0)
            return nil
        }
        let series = Series(
            id: SeriesID(Int32(truncatingIfNeeded: try tx.next("series"))), device: id, quantity: one.quantity,
            channel: one.channel, addedAt: now)
        try tx.save(series)
        world.devices[index]?.slots.append(SeriesSlot(quantity: one.quantity, channel: one.channel, series: series.id))
        world.series.ensure(count: Int(series.id.number) + 1, default: nil)
        world.series[Int(series.id.number)] = series
        world.detectors.addSeries(series.id, device: id, quantity: one.quantity, at: now, into: &output)
        return series.id
    }

    /// Which limit one more series would exceed; nil: none. Beyond it a quantity is not recorded, and that is counted.
    private func seriesLimit(_ device: Device, _ seriesOfDevice: Int) -> String? {
        let limits = configuration.limits
        if seriesOfDevice >= limits.seriesPerDeviceMax { return "more quantities than a device may have (\(limits.seriesPerDeviceMax))" }
        let seriesOfHome = world.devices(of: device.home).reduce(0) { $0 + $1.slots.count }
        return seriesOfHome >= limits.seriesPerHomeMax ? "more quantities than a home may have (\(limits.seriesPerHomeMax))" : nil
    }

    // MARK: Admit

    func meaning(of topic: String) -> TopicMeaning {
        let levels = topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        if topic == Self.markerTopic { return .marker }
        guard levels.count == 3 else { return .ignored }
        let (owner, rest) = (String(levels[1]), String(levels[2]))
        switch levels[0] {
        case "homes":
            let home = HomeID(owner)
            if rest == "caring/answers" { return .citizenAnswers(home) }
            if rest.hasPrefix("caring/") { return .ignored }
            let routes = world.homes[home] == nil ? catalogue.route(topicBelowHome: rest).map { [$0] } ?? [] : catalogue.routes(topicBelowHome: rest, world.announced[home] ?? Announced())
            switch routes.count {
            case 0: return .stranger(home, address: rest, convention: "unknown")
            case 1: return meaning(of: routes[0], home, topic: rest)
            default:
                return .several(
                    routes.flatMap { route -> [TopicMeaning] in
                        let one = meaning(of: route, home, topic: rest)
                        if case .device(let topic) = one { topic.isAlone = false }
                        if case .several(let inner) = one { return inner }
                        return [one]
                    })
            }
        case "helpers":
            if rest == "answers" { return .answers(PersonID(owner)) }
            if rest.hasPrefix("alerts/") { return .shown(PersonID(owner), AlertID(text: rest.dropFirst(7))) }
            return .ignored
        default: return .ignored
        }
    }

    /// - Parameter topic: below the home.
    private func meaning(of route: Route, _ home: HomeID, topic: String) -> TopicMeaning {
        switch route.role {
        case .ignored: return .ignored
        case .announcement: return .announcement(home, route, topic: topic)
        case .bridge: return .bridge(home, route)
        case .shared: return .shared(home, route)
        case .readings, .availability: break
        }
        var meaning = TopicMeaning.stranger(home, address: route.device, convention: route.convention)
        guard world.homes[home] != nil else { return meaning }
        if let state = world.device(home, route), !state.device.citizens.isEmpty {
            meaning = .device(DeviceTopic(state.device.id, route, name: topic, home: home, homeNumber: thinning.number(of: home)))
        }
        // Other devices may be heard through this one, as the children of a Homie device are.
        if route.role == .availability, world.devices(of: home).contains(where: { $0.device.bridge == route.device }) {
            meaning = .several([meaning, .bridge(home, route)])
        }
        return meaning
    }

    private func remember(_ home: HomeID, _ address: String, _ convention: String) {
        let key = StrangerKey(home: home, address: address)
        if strangersOfTurn[key] == nil {
            strangersOfTurn[key] = Stranger(
                home: home, address: address, convention: convention, messages: 0, firstSeenAt: now, lastSeenAt: now)
            strangerOrder.append(key)
        }
        strangersOfTurn[key]?.messages += 1
        strangersOfTurn[key]?.lastSeenAt = now
    }

    func saveStrangers(_ tx: StoreTurn) throws {
        if strangerOrder.isEmpty { return }
        for key in strangerOrder {
            if let stranger = strangersOfTurn[key] {
                try tx.count(stranger)
            }
        }
        try tx.pruneStrangers(strangersMax: configuration.limits.strangersMax)
        strangersOfTurn.removeAll(keepingCapacity: true)
        strangerOrder.removeAll(keepingCapacity: true)
    }
}
