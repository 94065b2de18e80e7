import Care
import Devices
import Store

/// What a citizen has paused is not recorded, and nothing is inferred of it; see `Pause`.
extension Engine {
    enum Withheld {
        case nothing
        /// What is left of the message may be recorded, but that it came says nothing.
        case signsOfLife
        case everything
    }

    // MARK: One message

    /// Takes out of `decoded` what was said, or may have been said, while it was paused.
    ///
    /// A time of the device's own decides. Without one, what waited at the broker may have been said at any time since the last
    /// contact, so it is not recorded where a pause held in any part of that. What tells of something that happened tells it by
    /// coming at all: the rest of its message goes with it.
    func withhold(_ topic: DeviceTopic, _ outcome: Outcome) -> Withheld {
        hasWithheld = false
        let earliest = line.queuedSince ?? now
        let held = topic.pauses.filter { $0.meets(earliest, now) }
        if held.isEmpty, !decoded.contains(where: { $0.deviceTime != nil }) { return .nothing }
        let state = world.device(topic.device)
        let said = decoded.map(\.quantity)
        let measures = (state?.slots.map(\.quantity) ?? []) + said
        let isTouched = held.contains { $0.touches(measures) }
        if decoded.isEmpty {
            // What cannot be read may be what is paused.
            if case .undecodable = outcome { return held.isEmpty ? .nothing : .everything }
            return isTouched ? .everything : .nothing
        }
        let before = decoded.count
        decoded.removeAll { one in
            var (from, until) = (earliest, now)
            if let time = one.deviceTime {
                var skew = state?.skew ?? Skew()
                from = skew.correct(time, arrivedAt: now, isQueued: true)
                until = from
            }
            return topic.pauses.contains {
                $0.meets(from, until) && ($0.withholds(one.quantity, measures: measures) || $0.mayWithhold(one.quantity, measures: said))
            }
        }
        hasWithheld = decoded.count < before || isTouched
        if decoded.isEmpty { return .everything }
        return isTouched ? .signsOfLife : .nothing
    }

    /// Whether whoever looks at the home's messages must not see this one.
    func isPaused(_ meaning: TopicMeaning, _ payload: UnsafeRawBufferPointer, isRetained: Bool) -> Bool {
        if world.pauses.isEmpty { return false }
        switch meaning {
        case .device(let topic):
            if topic.pauses.isEmpty { return false }
            // How old it is nobody knows: it may have been said in any pause.
            if isRetained { return true }
            decoded.removeAll(keepingCapacity: true)
            let outcome = catalogue.decode(topic.route, payload: payload, arrivedAt: now, into: &decoded)
            if case .everything = withhold(topic, outcome) { return true }
            return hasWithheld
        case .several(let meanings): return meanings.contains { isPaused($0, payload, isRetained: isRetained) }
        case .shared(let home, let route): return isPaused(shared(home, route, payload), payload, isRetained: isRetained)
        case .stranger(let home, _, _): return isWhollyPaused(home)
        case .announcement, .bridge, .answers, .citizenAnswers, .shown, .marker, .ignored: return false
        }
    }

    /// Whether somebody who lives there may have paused everything when this was said.
    func isWhollyPaused(_ home: HomeID) -> Bool {
        if world.pauses.isEmpty { return false }
        return world.pauses[home]?.contains { $0.isOfEverything && $0.meets(line.queuedSince ?? now, now) } ?? false
    }

    func isAnythingPaused(_ home: HomeID) -> Bool { world.pauses[home]?.contains { $0.meets(line.queuedSince ?? now, now) } ?? false }

    // MARK: Silence

    /// When nothing could be seen of what a detector watches, because it was paused.
    private func paused(_ key: DetectorKey) -> Stretches {
        var found: [Pause] = []
        switch key.subject {
        case .device(let id):
            if let state = world.device(id) { found = world.pauses(touching: state) }
        case .series(let id): found = world.pauses(of: id)
        case .home(let home):
            // Nobody is missed for being still where part of the home is not looked at.
            if world.pauses[home] != nil { found = world.detectors.sources(key).flatMap { world.pauses(of: $0) } }
        }
        return Stretches(found.map { (from: $0.from, until: $0.end) })
    }

    /// Until when a detector has to wait because of a pause; nil: it may look. Its clock stands still while the pause holds,
    /// and afterwards it waits at least until the device could be heard for one expected interval.
    func heldForPause(_ key: DetectorKey) -> Instant? {
        if world.pauses.isEmpty || world.detectors.windowDue(key, now: now) != nil { return nil }
        let paused = paused(key)
        if let end = paused.end(holdingAt: now) { return end }
        guard let ended = paused.lastEnd(by: now) else { return nil }
        var until = ended + listening(key)
        if case .series(let id) = key.subject {
            if let latest = world.detectors.latest(id), latest >= ended { return nil }
        } else {
            guard let sign = world.detectors.lastSign(key), let deadline = world.detectors.deadline(key), sign < ended else { return nil }
            until = max(until, deadline + paused.length(from: sign, until: now))
        }
        return until > now ? until : nil
    }

    /// Whether the stretch of the day that is due to be judged was paused in any part.
    func isWindowPaused(_ key: DetectorKey) -> Bool {
        if world.pauses.isEmpty { return false }
        guard let window = world.detectors.windowDue(key, now: now) else { return false }
        return paused(key).meets(window.from, window.until)
    }

    /// Whether somebody is not missed now because of a pause.
    func isAbsencePaused(_ key: DetectorKey) -> Bool { paused(key).end(holdingAt: now) != nil }

    // MARK: Beginning and ending

    func begin(_ pause: Pause, by: String, _ tx: StoreTurn) throws {
        try tx.save(pause, givenBy: by)
        world.pauses[pause.home, default: []].append(pause)
        if pause.end > now { try saveDeadline(.pause(pause.id), pause.end, tx) }
        forgetTopics(of: pause.home)
    }

    /// Ends it before its time.
    func end(_ id: PauseID, in home: HomeID, at: Instant, by: String, _ tx: StoreTurn) throws {
        guard let index = world.pauses[home]?.firstIndex(where: { $0.id == id }), var pause = world.pauses[home]?[index] else { return }
        pause.endedAt = max(at, pause.from)
        world.pauses[home]?[index] = pause
        try tx.saveEnd(pause, by: by)
        forgetTopics(of: home)
        try pauseDue(id, tx)
        // What was put off until the end that was said is looked at anew.
        for (key, at) in world.detectors.deadlines() where self.home(of: key) == home { deadlines.set(.detector(key), at) }
    }

    func pauseDue(_ id: PauseID, _ tx: StoreTurn) throws {
        let pause = world.pauses.values.joined().first { $0.id == id }
        if let pause, pause.end > now { return try saveDeadline(.pause(id), pause.end, tx) }
        try saveDeadline(.pause(id), nil, tx)
        guard let pause else { return }
        endDetectors(pause)
        try takeOver(tx)
    }

    /// What was true before it says little of now.
    func endDetectors(_ pause: Pause) {
        for state in world.devices(of: pause.home) where pause.mayConcern(state.device.id, of: state.device.citizens) {
            let measures = state.slots.map(\.quantity)
            for slot in state.slots where pause.mayWithhold(slot.quantity, measures: measures) {
                world.detectors.pauseEnded(slot.series, at: pause.end, into: &output)
            }
        }
    }

    private func home(of key: DetectorKey) -> HomeID? {
        switch key.subject {
        case .home(let home): home
        case .device(let id): world.device(id)?.device.home
        case .series(let id): world.seriesInfo(id).flatMap { world.device($0.device)?.device.home }
        }
    }

    /// Those that have been over for so long that nothing can tell of them any more.
    func forgetPauses(_ tx: StoreTurn) throws {
        let before = now - Pause.kept
        for home in world.pauses.keys.sorted() where world.pauses[home]?.contains(where: { $0.end < before }) ?? false {
            world.pauses[home]?.removeAll { $0.end < before }
            if world.pauses[home]?.isEmpty ?? false { world.pauses[home] = nil }
            forgetTopics(of: home)
        }
        try tx.dropPauses(before: before)
    }
}

extension World {
    /// Those by which this device's silence says nothing.
    func pauses(touching state: DeviceState) -> [Pause] {
        guard let all = pauses[state.device.home] else { return [] }
        let measures = state.slots.map(\.quantity)
        return all.filter { $0.mayConcern(state.device.id, of: state.device.citizens) && $0.touches(measures) }
    }

    /// Those by which readings of this series may be missing.
    func pauses(of series: SeriesID) -> [Pause] {
        guard let info = seriesInfo(series), let state = device(info.device), let all = pauses[state.device.home] else { return [] }
        let measures = state.slots.map(\.quantity)
        return all.filter { $0.mayConcern(info.device, of: state.device.citizens) && $0.mayWithhold(info.quantity, measures: measures) }
    }

    /// The pause of this device that holds and ends last, and when none holds any more.
    func pauseHolding(_ state: DeviceState, at now: Instant) -> (Pause, until: Instant)? {
        let touching = pauses(touching: state)
        guard let until = Stretches(touching.map { (from: $0.from, until: $0.end) }).end(holdingAt: now),
            let last = touching.filter({ $0.holds(at: now) }).max(by: { ($0.end, $1.id) < ($1.end, $0.id) })
        else { return nil }
        return (last, until)
    }

    func pauseEnded(_ state: DeviceState, by now: Instant) -> Instant? { pauses(touching: state).map(\.end).filter { $0 <= now }.max() }
}
