// What detectors have to do with a pause: nothing is seen then, and that is no silence.

extension Detectors {
    /// When the detector wants to be looked at; nil where it waits for nothing.
    public func deadline(_ key: DetectorKey) -> Instant? {
        switch place(key) {
        case .watcher(let index, _):
            guard case .threshold(let threshold) = watchers[index].machine, let limits = limits[watchers[index].rule] else { return nil }
            return threshold.deadline(limits: limits)
        case .absence(_, let home, let rule):
            return homeRules.firstIndex(of: rule).flatMap { absenceDeadline(home: home, position: $0) }
        case .silence(let cell, let device, _): return slot(device).flatMap { silences[cell].deadline(base: $0.base) }
        case nil: return nil
        }
    }

    /// The series whose readings answer for this absence; none for anything else.
    public func sources(_ key: DetectorKey) -> [SeriesID] {
        guard case .absence(let cell, let home, _) = place(key) else { return [] }
        return homes[home].devices.flatMap { device in
            seriesOf[Int(device.number)].filter { id in
                guard let slot = slot(id) else { return false }
                return watcherRange(slot).contains { if case .activity(cell) = watchers[$0].machine { true } else { false } }
            }
        }
    }

    /// When the newest reading of the series happened; nil where none is known or nothing asks for it.
    public func latest(_ id: SeriesID) -> Instant? { slot(id)?.latest?.at }

    /// Of an absence between two times of day that is due: the window that would be judged.
    public func windowDue(_ key: DetectorKey, now: Instant) -> (from: Instant, until: Instant)? {
        guard case .absence(let cell, let home, let rule) = place(key), let window = window(rule: rule, home: home),
            let look = absences[cell].lookDue(now: now, window: window), let start = window.start(ofLook: look)
        else { return nil }
        return (start, look)
    }

    /// Leaves this window out: part of it could not be seen.
    public mutating func passOver(_ key: DetectorKey, now: Instant, into output: inout DetectorOutput) {
        guard case .absence(let cell, let home, let rule) = place(key), let window = window(rule: rule, home: home),
            let action = absences[cell].passOver(now: now, window: window)
        else { return }
        output.add(action, key: key) { Detection(rule: rules[rule].id, home: homes[home].id, what: $0, at: $1) }
    }

    /// A pause of this series is over: what its last reading said is too old to count from, so the time for which a value
    /// has to last begins anew, and what is true when it is heard of next is seen, although it was true before.
    ///
    /// Again for the same pause, as at a start: changes nothing more.
    public mutating func pauseEnded(_ id: SeriesID, at end: Instant, into output: inout DetectorOutput) {
        guard let slot = slot(id), slot.keepsLatest, slot.latest.map({ $0.at < end }) ?? true else { return }
        for index in watcherRange(slot) {
            let rule = watchers[index].rule
            switch watchers[index].machine {
            case .threshold(var threshold):
                guard let limits = limits[rule], let action = threshold.beginAnew(at: end, limits: limits) else { break }
                watchers[index].machine = .threshold(threshold)
                output.add(action, key: key(rule, .series(id))) { Detection(rule: rules[rule].id, home: homes[Int(slot.home)].id, what: $0, at: $1) }
            case .event(var event):
                guard let since = event.since, since < end else { break }
                event.isOld = true
                watchers[index].machine = .event(event)
            case .activity: break
            }
        }
    }
}
