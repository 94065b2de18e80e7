// Homes, devices and series come and go. At a start the same calls are made with the same instants, in any order
// that names a home before its devices and a device before its series; their output is then of no use.

extension Detectors {
    /// - Parameters:
    ///   - zone: its table may be renewed by adding the home again.
    ///   - at: when the home was added; the same again at each start.
    public mutating func addHome(
        _ home: HomeID, zone: Zone, at: Instant, into output: inout DetectorOutput
    ) {
        if let index = present(home) {
            homes[index].zone = zone
            for position in homeRules.indices where window(rule: homeRules[position], home: index) != nil {
                if let deadline = absenceDeadline(home: index, position: position) {
                    output.deadlines.append((key(homeRules[position], .home(home)), deadline))
                }
            }
            return
        }
        let slot = HomeSlot(id: home, zone: zone, since: at, isPresent: true)
        if let index = homeIndex[home] {
            homes[Int(index)] = slot
        } else {
            homeIndex[home] = Int32(homes.count)
            homes.append(slot)
            absences.ensure(count: homes.count * homeRules.count, default: AbsenceDetector())
        }
    }

    /// Its devices are removed with it.
    public mutating func removeHome(_ home: HomeID, into output: inout DetectorOutput) {
        guard let index = present(home) else { return }
        for device in homes[index].devices { removeDevice(device, into: &output) }
        homes[index].isPresent = false
        homes[index].devices = []
    }

    /// A claimed device. Again for the same home: its interval and its claim are brought up to date. For a home
    /// that was not added: ignored. Its series are to be added next, also those that are known from an earlier
    /// claim, as at a start.
    ///
    /// - Parameters:
    ///   - expected: how often the device's profile lets one expect to hear from it; nil: not watched.
    ///   - claimedAt: the same again at each start.
    public mutating func addDevice(
        _ device: DeviceID, home: HomeID, expected: Span?, claimedAt: Instant, into output: inout DetectorOutput
    ) {
        guard let homeNumber = present(home), device.number > 0 else { return }
        if let slot = slot(device), Int(slot.home) != homeNumber { removeDevice(device, into: &output) }
        let index = Int(device.number)
        devices.ensure(count: index + 1, default: DeviceSlot())
        seriesOf.ensure(count: index + 1, default: [])
        silences.ensure(count: (index + 1) * deviceRules.count, default: SilenceDetector())
        if devices[index].home < 0 {
            devices[index] = DeviceSlot(home: Int32(homeNumber), claimedAt: claimedAt)
            homes[homeNumber].devices.append(device)
        } else {
            devices[index].claimedAt = claimedAt
        }
        for (position, rule) in deviceRules.enumerated() {
            guard case .silence(let times) = rules[rule].watch, applies(rule, to: home) else { continue }
            let window = expected.flatMap { Self.window($0, times: times) }
            let cell = silenceCell(device, position: position)
            guard silences[cell].window != window else { continue }
            let key = key(rule, .device(device))
            if window == nil {
                output.forget(key, hadDeadline: !silences[cell].phase.isActive, phase: silences[cell].phase)
                if silences[cell].phase.isActive { devices[index].silent -= 1 }
                silences[cell] = SilenceDetector()
            } else {
                silences[cell].window = window
                if let at = silences[cell].deadline(base: devices[index].base) {
                    output.deadlines.append((key, at))
                }
            }
        }
    }

    private static func window(_ expected: Span, times: Double) -> Span? {
        // Not `rounded()`: without Foundation nothing links the mathematics library that it calls.
        let milliseconds = Double(expected.milliseconds) * times + 0.5
        // A hundred years are as good as never, and fit.
        guard milliseconds >= 1 else { return nil }
        return Span(milliseconds: Int64(min(milliseconds, 3_155_760_000_000)))
    }

    /// The device is no longer claimed. Nothing is said to be over: it is only no longer watched.
    public mutating func removeDevice(_ device: DeviceID, into output: inout DetectorOutput) {
        guard let slot = slot(device) else { return }
        let index = Int(device.number)
        for (position, rule) in deviceRules.enumerated() {
            let cell = silenceCell(device, position: position)
            let silence = silences[cell]
            if silence.window != nil {
                output.forget(
                    key(rule, .device(device)), hadDeadline: !silence.phase.isActive, phase: silence.phase)
            }
            silences[cell] = SilenceDetector()
        }
        for id in seriesOf[index] { removeSeries(id, into: &output) }
        seriesOf[index] = []
        devices[index] = DeviceSlot()
        homes[Int(slot.home)].devices.removeAll { $0 == device }
        restartAbsences(home: Int(slot.home), into: &output)
    }

    private mutating func removeSeries(_ id: SeriesID, into output: inout DetectorOutput) {
        guard let slot = slot(id) else { return }
        for index in watcherRange(slot) {
            let key = key(watchers[index].rule, .series(id))
            switch watchers[index].machine {
            case .event(let event): output.forget(key, hadDeadline: false, phase: event.phase)
            case .threshold(let threshold):
                var hadDeadline = false
                if case .pending = threshold.phase { hadDeadline = true }
                output.forget(key, hadDeadline: hadDeadline, phase: threshold.phase)
            case .activity: break
            }
        }
        let empty = SeriesSlot(first: slot.first, capacity: slot.capacity)
        series[Int(id.number)] = empty
    }

    /// A series of a claimed device; ignored where the device was not added. Again: ignored.
    ///
    /// - Parameter at: when the series was first seen; the same again at each start. Absences are watched from
    ///   then on, though not from before the claim.
    public mutating func addSeries(
        _ id: SeriesID, device: DeviceID, quantity: Quantity, at: Instant, into output: inout DetectorOutput
    ) {
        guard let owner = slot(device), id.number > 0, slot(id) == nil else { return }
        let home = homes[Int(owner.home)]
        let (index, code) = (Int(id.number), Int(quantity.code))
        series.ensure(count: index + 1, default: SeriesSlot())
        var new = series[index]
        if new.capacity == 0 {
            new.first = Int32(watchers.count)
            new.capacity = Int32(seriesRulesOf[code].count + homeRulesOf[code].count)
            watchers.ensure(
                count: watchers.count + Int(new.capacity),
                default: Watcher(rule: 0, machine: .threshold(ThresholdDetector())))
        }
        new.device = device
        new.home = owner.home
        new.kind = quantity.kind
        new.since = max(at, owner.claimedAt, home.since)
        for rule in seriesRulesOf[code] where applies(rule, to: home.id) && new.count < new.capacity {
            let isThreshold = limits[rule] != nil
            watchers[Int(new.first + new.count)] = Watcher(
                rule: rule, machine: isThreshold ? .threshold(ThresholdDetector()) : .event(EventDetector()))
            new.count += 1
            new.keepsLatest = true
        }
        for position in homeRulesOf[code]
        where applies(homeRules[position], to: home.id) && new.count < new.capacity {
            let cell = absenceCell(home: Int(owner.home), position: position)
            watchers[Int(new.first + new.count)] = Watcher(rule: homeRules[position], machine: .activity(cell))
            new.count += 1
            let started = absences[cell].started
            if let started, started <= new.since { continue }
            absences[cell].started = new.since
            if started == nil, let deadline = absenceDeadline(home: Int(owner.home), position: position) {
                output.deadlines.append((key(homeRules[position], .home(home.id)), deadline))
            }
        }
        series[index] = new
        seriesOf[Int(device.number)].append(id)
    }

    /// After a device has left: absences of its home rest on the series that remain, as they would after a start.
    private mutating func restartAbsences(home: Int, into output: inout DetectorOutput) {
        let id = homes[home].id
        var started = [Instant?](repeating: nil, count: homeRules.count)
        for device in homes[home].devices {
            for series in seriesOf[Int(device.number)] {
                guard let slot = slot(series) else { continue }
                for index in watcherRange(slot) {
                    guard case .activity(let cell) = watchers[index].machine else { continue }
                    let position = cell - absenceCell(home: home, position: 0)
                    started[position] = min(started[position] ?? slot.since, slot.since)
                }
            }
        }
        for (position, rule) in homeRules.enumerated() {
            let cell = absenceCell(home: home, position: position)
            guard absences[cell].started != nil else { continue }
            let key = key(rule, .home(id))
            guard let start = started[position] else {
                let hadDeadline = absenceDeadline(home: home, position: position) != nil
                output.forget(key, hadDeadline: hadDeadline, phase: .idle)
                // Whatever the phase is in memory: one that was handed over is only on disk.
                output.phases.append((key, .idle))
                absences[cell] = AbsenceDetector()
                continue
            }
            if let window = window(rule: rule, home: home) {
                if let action = absences[cell].handOver(window: window) {
                    output.add(action, key: key) { Detection(rule: rules[rule].id, home: id, what: $0, at: $1) }
                }
            } else if let phase = absences[cell].handOver() {
                output.phases.append((key, phase))
            }
            absences[cell].started = start
        }
    }
}
