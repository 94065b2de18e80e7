import Care
import Devices
import Store

extension Engine {
    /// decode ─▶ admit ─▶ record ─▶ detect ─▶ alert ─▶ decide ─▶ enqueue, for one message.
    func receive(
        _ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, isRetained: Bool, _ tx: StoreTurn
    ) throws {
        counts.messages += 1
        var known: KnownTopic
        if let index = topics.find(topic) {
            known = topics[index]
            let homeNumber = Int(known.homeNumber)
            if homeNumber >= 0, homeEpochs[homeNumber] != known.epoch {
                known = lookUp(String(decoding: topic, as: UTF8.self))
                topics[index] = known
            }
        } else {
            let text = String(decoding: topic, as: UTF8.self)
            if replayZone != nil { try admitForReplay(text, tx) }
            known = lookUp(text)
            _ = topics.add(topic, known)
        }
        if deviceWatch.isWatching, !isPaused(known.meaning, payload, isRetained: isRetained) { noteWatched(topic, payload, isRetained: isRetained) }
        switch known.meaning {
        case .device(let topic): try receive(topic, payload, isRetained, tx)
        case .several(let meanings): for one in meanings { try receive(one, payload, isRetained, tx) }
        case .shared(let home, let route): try receive(shared(home, route, payload), payload, isRetained, tx)
        case .announcement(let home, let route, let below): try announce(home, route, below, payload, tx)
        case .bridge(let home, let route): try bridge(home, route, payload, isRetained: isRetained, tx)
        case .stranger(let home, let address, let convention):
            rememberUnlessPaused(home, address, convention)
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
            rememberUnlessPaused(home, address, convention)
        default: break
        }
    }

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
        isQuiet = false
        // Nearly nobody has paused anything: then this is one look at a list that is empty.
        if !topic.pauses.isEmpty {
            switch withhold(topic, outcome) {
            case .nothing: break
            case .signsOfLife: isQuiet = true
            case .everything: return
            }
        }
        // Of a message that is partly at fault the rest counts.
        if !decoded.isEmpty {
            let echo = sortEchoes(topic)
            if echo != .echo, !isQuiet { try heard(topic, tx) }
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
            // Its payload would hold what is paused.
            if !topic.pauses.isEmpty, hasWithheld { return }
            counts.undecodable += 1
            world.devices[Int(id.number)]?.wasNotUnderstood = true
            guard let device = world.device(id)?.device else { return }
            // Of a flood only the number is kept.
            try keepUndecodable(device, topic.route, reason, tooMuch ? nil : payload, tx)
        }
    }

    private func keepUndecodable(
        _ device: Device, _ route: Route, _ reason: String, _ payload: UnsafeRawBufferPointer?, _ tx: StoreTurn
    ) throws {
        try tx.keepUndecodable(
            home: device.home, address: device.address, convention: route.convention, reason: reason, at: now,
            payload: payload.map { Array($0.prefix(configuration.limits.undecodablePayloadBytesMax)) },
            keptMax: configuration.limits.undecodableKeptMax)
    }

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
        if !thinning.held.isEmpty { try keepHeld(reading.series, tx) }
        guard try tx.append(reading) else {
            counts.readingsKnown += 1
            return
        }
        counts.readings += 1
        if !topic.feeds.isEmpty { try feed(reading, topic.feeds, tx) }
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

    private func correct(_ deviceTime: Instant, _ id: DeviceID, _ tx: StoreTurn) throws -> Instant {
        let index = Int(id.number)
        guard world.devices[index] != nil else { return now }
        let before = world.devices[index]?.skew.usual ?? .zero
        let at = world.devices[index]?.skew.correct(deviceTime, arrivedAt: now, isQueued: line.queuedSince != nil || isQuiet) ?? now
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

    private func rememberUnlessPaused(_ home: HomeID, _ address: String, _ convention: String) {
        // That something nobody has claimed spoke just then tells of whoever is at home as well.
        if isWhollyPaused(home) { return }
        counts.strangers += 1
        remember(home, address, convention)
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
