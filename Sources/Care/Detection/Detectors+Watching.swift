extension Detectors {
    /// The device said something, anything at all.
    ///
    /// - Parameter at: when its message reached the gateway, which is never ahead of now.
    public mutating func heard(_ device: DeviceID, at: Instant, into output: inout DetectorOutput) {
        let index = Int(device.number)
        guard index > 0, index < devices.count else { return }
        let slot = devices[index]
        guard slot.home >= 0 else { return }
        if let last = slot.lastHeard, last >= at { return }
        devices[index].lastHeard = at
        if slot.silent > 0 { endSilence(device, at: at, into: &output) }
    }

    private mutating func endSilence(_ device: DeviceID, at: Instant, into output: inout DetectorOutput) {
        let slot = devices[Int(device.number)]
        for (position, rule) in deviceRules.enumerated() {
            let cell = silenceCell(device, position: position)
            guard let action = silences[cell].heard(at: at) else { continue }
            devices[Int(device.number)].silent -= 1
            output.add(action, key: key(rule, .device(device))) {
                Detection(
                    rule: rules[rule].id, home: homes[Int(slot.home)].id, what: $0, at: $1, device: device,
                    lastSeen: at)
            }
        }
    }

    /// One live reading: not for retained ones, which say nothing of when they were true.
    ///
    /// A time ahead of `now` is taken for now. A reading older than the newest one of its series moves no
    /// threshold; an event, or activity, it still may show.
    public mutating func observe(_ reading: Reading, now: Instant, into output: inout DetectorOutput) {
        let index = Int(reading.series.number)
        guard index > 0, index < series.count else { return }
        let slot = series[index]
        guard slot.count > 0 else { return }
        let at = min(reading.at, now)
        // The newest reading of a start may have a time ahead of now: a wrong clock, which must not make
        // everything after it late.
        var isLate = false
        if slot.keepsLatest {
            if let latest = slot.latest, latest.at <= now, at < latest.at {
                isLate = true
            } else {
                series[index].latest = SeriesSlot.Latest(at: at, value: reading.value)
            }
        }
        for watcher in watcherRange(slot) {
            let rule = watchers[watcher].rule
            var action: DetectorAction?
            switch watchers[watcher].machine {
            case .activity(let cell):
                if Self.showsActivity(reading.value, kind: slot.kind) {
                    absences[cell].note(activity: at)
                    if absences[cell].phase.isActive {
                        endAbsence(cell, rule: rule, home: Int(slot.home), at: at, by: reading, into: &output)
                    }
                }
            case .threshold(var threshold):
                guard !isLate, let limits = limits[rule] else { break }
                action = threshold.observe(reading.value.asNumber, at: at, limits: limits)
                if action != nil { watchers[watcher].machine = .threshold(threshold) }
            case .event(var event):
                if slot.kind == .event {
                    action = event.happened(at: at)
                } else {
                    let laterTrue = isLate && slot.latest.map { $0.value.asNumber != 0 } ?? false
                    action = event.observe(reading.value.asNumber != 0, at: at, laterTrue: laterTrue)
                    if action != nil { watchers[watcher].machine = .event(event) }
                }
            }
            if let action {
                add(action, rule: rule, series: reading.series, slot: slot, value: reading.value, source: reading.source, into: &output)
            }
        }
    }

    static func showsActivity(_ value: Value, kind: Quantity.Kind) -> Bool {
        kind == .event || value.asNumber > 0
    }

    // Kept out of `observe`: what makes rows needs names, and names are counted by reference.
    @inline(never)
    private func add(
        _ action: DetectorAction, rule: Int, series: SeriesID, slot: SeriesSlot, value: Value?, source: TimeSource? = nil,
        into output: inout DetectorOutput
    ) {
        output.add(action, key: key(rule, .series(series))) {
            Detection(
                rule: rules[rule].id, home: homes[Int(slot.home)].id, what: $0, at: $1, series: series,
                device: slot.device, value: value, source: source)
        }
    }

    @inline(never)
    private mutating func endAbsence(
        _ cell: Int, rule: Int, home: Int, at: Instant, by reading: Reading, into output: inout DetectorOutput
    ) {
        var action: DetectorAction?
        switch rules[rule].watch {
        case .absence(_, let lasting): action = absences[cell].activityReturned(at: at, lasting: lasting)
        default:
            if let window = window(rule: rule, home: home) {
                action = absences[cell].activityReturned(at: at, window: window)
            }
        }
        guard let action else { return }
        add(action, rule: rule, home: home, cell: cell, into: &output)
    }

    private func add(
        _ action: DetectorAction, rule: Int, home: Int, cell: Int, into output: inout DetectorOutput
    ) {
        let id = homes[home].id
        output.add(action, key: key(rule, .home(id))) {
            Detection(
                rule: rules[rule].id, home: id, what: $0, at: $1, lastSeen: absences[cell].lastActivity)
        }
    }

    /// A deadline row came due. Always answers with what the row is to be from now on; a row whose rule or
    /// subject is no longer there goes.
    public mutating func due(_ key: DetectorKey, now: Instant, into output: inout DetectorOutput) {
        guard let place = place(key) else {
            output.deadlines.append((key, nil))
            return
        }
        switch place {
        case .watcher(let index, let id):
            let rule = watchers[index].rule
            guard case .threshold(var threshold) = watchers[index].machine, let limits = limits[rule],
                let slot = slot(id)
            else {
                output.deadlines.append((key, nil))
                return
            }
            let action = threshold.due(now: now, limits: limits)
            watchers[index].machine = .threshold(threshold)
            add(action, rule: rule, series: id, slot: slot, value: slot.latest?.value, into: &output)
        case .absence(let cell, let home, let rule):
            var action = DetectorAction(deadline: .none)
            if case .absence(_, let lasting) = rules[rule].watch {
                action = absences[cell].due(now: now, lasting: lasting)
            } else if let window = window(rule: rule, home: home) {
                action = absences[cell].due(now: now, window: window)
            }
            add(action, rule: rule, home: home, cell: cell, into: &output)
        case .silence(let cell, let device, let rule):
            let slot = devices[Int(device.number)]
            let action = silences[cell].due(now: now, base: slot.base)
            if action.detected != nil { devices[Int(device.number)].silent += 1 }
            output.add(action, key: key) {
                Detection(
                    rule: rules[rule].id, home: homes[Int(slot.home)].id, what: $0, at: $1, device: device,
                    lastSeen: slot.lastHeard)
            }
        }
    }

    /// Where a detector is kept.
    enum Place {
        case watcher(Int, SeriesID)
        case absence(cell: Int, home: Int, rule: Int)
        case silence(cell: Int, device: DeviceID, rule: Int)
    }

    /// Nil where there is no such rule, or where it does not watch the subject.
    func place(_ key: DetectorKey) -> Place? {
        guard let rule = ruleIndex[key.rule] else { return nil }
        switch key.subject {
        case .series(let id):
            guard let slot = slot(id) else { return nil }
            for index in watcherRange(slot) where watchers[index].rule == rule {
                if case .activity = watchers[index].machine { return nil }
                return .watcher(index, id)
            }
            return nil
        case .home(let id):
            guard let home = present(id), let position = homeRules.firstIndex(of: rule) else { return nil }
            let cell = absenceCell(home: home, position: position)
            return absences[cell].started == nil ? nil : .absence(cell: cell, home: home, rule: rule)
        case .device(let device):
            guard slot(device) != nil, let position = deviceRules.firstIndex(of: rule) else { return nil }
            let cell = silenceCell(device, position: position)
            return silences[cell].window == nil ? nil : .silence(cell: cell, device: device, rule: rule)
        }
    }
}
