// After the same homes, devices and series have been added again, these bring back what was known, in any
// order, and write nothing.

extension Detectors {
    /// A phase as it was last put out. Ignored where there is no such detector any more.
    public mutating func restore(phase: DetectorPhase, for key: DetectorKey) {
        guard let place = place(key) else { return }
        switch place {
        case .watcher(let index, _):
            switch watchers[index].machine {
            case .event(var event):
                event.phase = phase
                watchers[index].machine = .event(event)
            case .threshold: watchers[index].machine = .threshold(ThresholdDetector(phase: phase))
            case .activity: break
            }
        case .absence(let cell, _, let rule):
            if case .absence = rules[rule].watch {
                absences[cell].restore(phase)
            } else {
                absences[cell].phase = phase
            }
        case .silence(let cell, let device, _):
            // A silence is never pending; what says so belongs to another kind of rule of the same name.
            let (was, will) = (silences[cell].phase.isActive, phase.isActive)
            silences[cell].phase = will ? phase : .idle
            devices[Int(device.number)].silent += (will ? 1 : 0) - (was ? 1 : 0)
        }
    }

    /// The stored reading of its series with the newest time. From before the claim: ignored.
    ///
    /// A boolean that was already true is no edge when it is true again.
    public mutating func restore(lastReading reading: Reading) {
        guard let slot = slot(reading.series), let owner = self.slot(slot.device), reading.at >= owner.claimedAt
        else { return }
        if Self.showsActivity(reading.value, kind: slot.kind) {
            restore(lastActivity: reading.at, series: reading.series)
        }
        guard slot.keepsLatest else { return }
        if let latest = slot.latest, latest.at > reading.at { return }
        series[Int(reading.series.number)].latest = SeriesSlot.Latest(at: reading.at, value: reading.value)
        guard slot.kind == .boolean, reading.value.asNumber != 0 else { return }
        for index in watcherRange(slot) {
            if case .event(let event) = watchers[index].machine, event.since == nil {
                watchers[index].machine = .event(EventDetector(since: reading.at))
            }
        }
    }

    /// When a series of `activitySeries()` last showed that somebody was about: the newest stored reading that
    /// is true, an event, or above zero. The last reading alone does not say: movement is followed by none.
    /// Left out, an absence would be seen too early.
    public mutating func restore(lastActivity at: Instant, series id: SeriesID) {
        guard let slot = slot(id), let owner = self.slot(slot.device), at >= owner.claimedAt else { return }
        for index in watcherRange(slot) {
            if case .activity(let cell) = watchers[index].machine { absences[cell].note(activity: at) }
        }
    }

    /// The series for which `restore(lastActivity:series:)` is wanted, in order.
    public func activitySeries() -> [SeriesID] {
        var wanted: [SeriesID] = []
        for number in 0..<series.count where series[number].home >= 0 {
            let isWanted = watcherRange(series[number]).contains {
                if case .activity = watchers[$0].machine { true } else { false }
            }
            if isWanted { wanted.append(SeriesID(Int32(number))) }
        }
        return wanted
    }

    /// From before the claim: ignored.
    public mutating func restore(lastHeard at: Instant, device: DeviceID) {
        guard let slot = slot(device), at >= slot.claimedAt else { return }
        devices[Int(device.number)].lastHeard = max(at, slot.lastHeard ?? at)
    }

    /// The deadline rows as they should be on disk now, in order of their keys. Rows of absences and silences
    /// that are on disk with an earlier time do no harm: they are moved when they come due.
    public func deadlines() -> [(DetectorKey, Instant)] {
        var rows: [(DetectorKey, Instant)] = []
        for home in 0..<homes.count where homes[home].isPresent {
            for (position, rule) in homeRules.enumerated() {
                if let at = absenceDeadline(home: home, position: position) {
                    rows.append((key(rule, .home(homes[home].id)), at))
                }
            }
        }
        for number in 0..<devices.count where devices[number].home >= 0 {
            let device = DeviceID(Int32(number))
            for (position, rule) in deviceRules.enumerated() {
                let silence = silences[silenceCell(device, position: position)]
                if let at = silence.deadline(base: devices[number].base) {
                    rows.append((key(rule, .device(device)), at))
                }
            }
        }
        for number in 0..<series.count where series[number].home >= 0 {
            for index in watcherRange(series[number]) {
                let rule = watchers[index].rule
                if case .threshold(let threshold) = watchers[index].machine, let limits = limits[rule],
                    let at = threshold.deadline(limits: limits)
                {
                    rows.append((key(rule, .series(SeriesID(Int32(number)))), at))
                }
            }
        }
        return rows.sorted { $0.0 < $1.0 }
    }
}
