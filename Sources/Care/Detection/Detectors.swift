/// All detectors of the gateway, as one value.
///
/// A turn works on a copy that is taken over only after the commit; `Pages` makes such a copy cheap. What a
/// turn has to write is put into a `DetectorOutput`. Readings and signs of life that change nothing but memory,
/// which is nearly all of them, allocate nothing and look nothing up by name.
///
/// Before every message, call `due` for each deadline that is not after it: between two messages a value is
/// taken to be what the earlier one said.
public struct Detectors: Sendable {
    /// The rules as given; where two have the same name, the first.
    let rules: [Rule]
    /// By rule: the limits of threshold rules, where the hot path finds no text to count references of.
    let limits: [ThresholdLimits?]
    /// Rules by home, and rules by device, as indices into `rules`, in the order of the rules.
    let homeRules: [Int]
    let deviceRules: [Int]
    /// By quantity code: rules by series, and positions in `homeRules`.
    let seriesRulesOf: [[Int]]
    let homeRulesOf: [[Int]]
    let ruleIndex: [RuleID: Int]

    var homeIndex: [HomeID: Int32] = [:]
    var homes = Pages<HomeSlot>()
    /// By home and position in `homeRules`.
    var absences = Pages<AbsenceDetector>()
    var devices = Pages<DeviceSlot>()
    var seriesOf = Pages<[SeriesID]>()
    /// By device and position in `deviceRules`.
    var silences = Pages<SilenceDetector>()
    var series = Pages<SeriesSlot>()
    var watchers = Pages<Watcher>()

    /// Rules whose numbers cannot mean anything (an absence of no length, a silence of no times) watch nothing.
    public init(rules given: [Rule]) {
        var rules: [Rule] = []
        var ruleIndex: [RuleID: Int] = [:]
        for rule in given where ruleIndex[rule.id] == nil {
            ruleIndex[rule.id] = rules.count
            rules.append(rule)
        }
        var limits = [ThresholdLimits?](repeating: nil, count: rules.count)
        var homeRules: [Int] = []
        var deviceRules: [Int] = []
        var seriesRulesOf = [[Int]](repeating: [], count: Quantity.table.count)
        var homeRulesOf = seriesRulesOf
        func watchHome(_ quantities: [Quantity], _ index: Int) {
            for quantity in quantities where !homeRulesOf[Int(quantity.code)].contains(homeRules.count) {
                homeRulesOf[Int(quantity.code)].append(homeRules.count)
            }
            homeRules.append(index)
        }
        for (index, rule) in rules.enumerated() {
            switch rule.watch {
            case .event(let quantities):
                for quantity in quantities where !seriesRulesOf[Int(quantity.code)].contains(index) {
                    seriesRulesOf[Int(quantity.code)].append(index)
                }
            case .threshold(let quantity, let above, let below, let returnBy, let lasting):
                limits[index] = ThresholdLimits(
                    above: above, below: below, returnBy: returnBy, lasting: lasting)
                seriesRulesOf[Int(quantity.code)].append(index)
            case .absence(let quantities, let lasting):
                if lasting > .zero { watchHome(quantities, index) }
            case .absenceByTime(let quantities, _, _): watchHome(quantities, index)
            case .silence(let times):
                if times > 0, times.isFinite { deviceRules.append(index) }
            }
        }
        self.rules = rules
        self.limits = limits
        self.homeRules = homeRules
        self.deviceRules = deviceRules
        self.seriesRulesOf = seriesRulesOf
        self.homeRulesOf = homeRulesOf
        self.ruleIndex = ruleIndex
    }

    /// Whether an event rule watches this quantity.
    public func watchesEvents(of quantity: Quantity) -> Bool {
        seriesRulesOf[Int(quantity.code)].contains { if case .event = rules[$0].watch { true } else { false } }
    }

    /// The last sign of what this detector waits for: of the device, or of somebody being about. Nil where it watches for
    /// no absence, or there has been none.
    public func lastSign(_ key: DetectorKey) -> Instant? {
        switch place(key) {
        case .absence(let cell, _, _): absences[cell].lastActivity ?? absences[cell].started
        case .silence(_, let device, _): slot(device)?.base
        case .watcher, nil: nil
        }
    }

    /// When the device was last heard from; nil if never since it was claimed, or if it is not claimed.
    public func lastHeard(_ device: DeviceID) -> Instant? {
        slot(device)?.lastHeard
    }
}

/// A home, by its number in memory. Numbers are kept when a home is removed and may come back.
struct HomeSlot: Sendable {
    var id: HomeID
    var zone: Zone
    var since: Instant
    var isPresent: Bool
    var devices: [DeviceID] = []
}

/// A claimed device. Nothing counted by reference: `heard` copies it.
struct DeviceSlot: Sendable {
    /// The home's number in memory; negative where the device is not claimed.
    var home: Int32 = -1
    /// How many silence detectors of this device are active.
    var silent: Int32 = 0
    var claimedAt: Instant = .distantPast
    var lastHeard: Instant?

    var base: Instant { max(claimedAt, lastHeard ?? claimedAt) }
}

/// A series of a claimed device. Nothing counted by reference: `observe` copies it.
struct SeriesSlot: Sendable {
    var device = DeviceID(0)
    /// The home's number in memory.
    var home: Int32 = -1
    /// `watchers[first ..< first + count]`; none where the series is not watched.
    var first: Int32 = 0
    var count: Int32 = 0
    /// How many of them may be used again when the device is claimed again.
    var capacity: Int32 = 0
    var kind: Quantity.Kind = .number
    /// False where only absences watch: they remember by home.
    var keepsLatest = false
    /// The reading with the newest time, if any.
    var latest: Latest?
    /// Since when absences may count on it.
    var since: Instant = .distantPast

    struct Latest: Sendable {
        var at: Instant
        var value: Value
    }
}

/// One rule that looks at one series.
struct Watcher: Sendable {
    enum Machine: Sendable {
        case event(EventDetector)
        case threshold(ThresholdDetector)
        /// An index into `absences`.
        case activity(Int)
    }
    var rule: Int
    var machine: Machine
}

extension Detectors {
    func slot(_ device: DeviceID) -> DeviceSlot? {
        let index = Int(device.number)
        guard index > 0, index < devices.count, devices[index].home >= 0 else { return nil }
        return devices[index]
    }

    func slot(_ id: SeriesID) -> SeriesSlot? {
        let index = Int(id.number)
        guard index > 0, index < series.count, series[index].home >= 0 else { return nil }
        return series[index]
    }

    /// The number in memory of a home that is there.
    func present(_ home: HomeID) -> Int? {
        guard let index = homeIndex[home], homes[Int(index)].isPresent else { return nil }
        return Int(index)
    }

    func applies(_ rule: Int, to home: HomeID) -> Bool {
        rules[rule].homes.isEmpty || rules[rule].homes.contains(home)
    }

    func absenceCell(home: Int, position: Int) -> Int { home * homeRules.count + position }
    func silenceCell(_ device: DeviceID, position: Int) -> Int {
        Int(device.number) * deviceRules.count + position
    }
    func watcherRange(_ slot: SeriesSlot) -> Range<Int> {
        Int(slot.first)..<Int(slot.first) + Int(slot.count)
    }

    func window(rule: Int, home: Int) -> DayWindow? {
        guard case .absenceByTime(_, let from, let by) = rules[rule].watch else { return nil }
        return DayWindow(zone: homes[home].zone, from: from, by: by)
    }

    func absenceDeadline(home: Int, position: Int) -> Instant? {
        let rule = homeRules[position]
        let detector = absences[absenceCell(home: home, position: position)]
        switch rules[rule].watch {
        case .absence(_, let lasting): return detector.deadline(lasting: lasting)
        case .absenceByTime: return window(rule: rule, home: home).flatMap { detector.look(in: $0) }
        default: return nil
        }
    }

    func key(_ rule: Int, _ subject: DetectorKey.Subject) -> DetectorKey {
        DetectorKey(rule: rules[rule].id, subject: subject)
    }
}

extension DetectorOutput {
    /// The one place where an action becomes rows.
    mutating func add(_ action: DetectorAction, key: DetectorKey, detection: (Detection.What, Instant) -> Detection) {
        if let what = action.detected { detections.append(detection(what, action.at)) }
        switch action.deadline {
        case .unchanged: break
        case .none: deadlines.append((key, nil))
        case .at(let at): deadlines.append((key, at))
        }
        if let phase = action.phase { phases.append((key, phase)) }
    }

    /// The detector is no more: its rows go.
    mutating func forget(_ key: DetectorKey, hadDeadline: Bool, phase: DetectorPhase) {
        if hadDeadline { deadlines.append((key, nil)) }
        if phase != .idle { phases.append((key, .idle)) }
    }
}
