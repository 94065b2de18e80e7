import Care
import Devices
import Store

/// What shows that a device lives, and what only seems to.
extension Engine {
    func heard(_ topic: DeviceTopic, _ tx: StoreTurn) throws {
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

    /// How often this device speaks, where nothing else says it; see `Rhythm`.
    private func learn(_ topic: DeviceTopic, _ tx: StoreTurn) throws {
        let index = Int(topic.device.number)
        guard var device = world.devices[index]?.device, device.expected == nil else { return }
        var rhythm = device.rhythm ?? Rhythm()
        // Where we could not hear, the silence was ours.
        let couldHear = line.outages.last.map { outage in world.devices[index]?.savedHeardAt.map { outage.until <= $0 } ?? false } ?? true
        // And where it was paused, nobody's.
        let wasPaused = !topic.pauses.isEmpty && world.devices[index]?.savedHeardAt.map { before in topic.pauses.contains { $0.meets(before, now) } } ?? true
        let isNewDay = rhythm.heard(at: now, isGap: couldHear && !wasPaused)
        device.rhythm = rhythm
        world.devices[index]?.device = device
        guard isNewDay else { return }
        try tx.save(device)
        watch(device)
    }

    // MARK: What a bridge remembers

    func isEchoing(_ topic: DeviceTopic) -> Bool {
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
    func sortEchoes(_ topic: DeviceTopic) -> Echo {
        guard topic.route.bridge != nil else { return .none }
        let index = Int(topic.device.number)
        var newest: Instant?
        // A clock that runs ahead shows nothing.
        for i in decoded.indices { if let time = decoded[i].deviceTime, time <= now + .minutes(1) { newest = max(newest ?? time, time) } }
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
}
