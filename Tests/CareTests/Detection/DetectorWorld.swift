import Care
import Foundation

/// A gateway of a few lines: it keeps deadline and phase rows as the real one keeps them on disk, runs what is
/// due before every input, and writes down what was put out.
struct DetectorWorld {
    struct Home {
        var id: HomeID
        var zone: Zone
        var at: Instant
    }
    struct Device {
        var id: DeviceID
        var home: HomeID
        var expected: Span?
        var claimedAt: Instant
    }
    struct Series {
        var id: SeriesID
        var device: DeviceID
        var quantity: Quantity
        var at: Instant
    }

    let rules: [Rule]
    var detectors: Detectors
    var homes: [Home] = []
    var devices: [Device] = []
    var series: [Series] = []
    /// What a store would hold: by series and time.
    var stored: [SeriesID: [Instant: Value]] = [:]
    var rows: [DetectorKey: Instant] = [:]
    var phases: [DetectorKey: DetectorPhase] = [:]
    var detections: [Detection] = []
    /// The transcript, where one is kept.
    var lines: [String] = []
    var keepsTranscript = true
    var output = DetectorOutput()

    init(rules: [Rule]) {
        self.rules = rules
        detectors = Detectors(rules: rules)
    }

    mutating func addHome(_ home: Home) {
        homes.removeAll { $0.id == home.id }
        homes.append(home)
        detectors.addHome(home.id, zone: home.zone, at: home.at, into: &output)
        take()
    }

    mutating func addDevice(_ device: Device) {
        devices.removeAll { $0.id == device.id }
        devices.append(device)
        detectors.addDevice(
            device.id, home: device.home, expected: device.expected, claimedAt: device.claimedAt, into: &output)
        take()
        // What a start would add, a claim adds: series that are known from an earlier claim.
        for known in series where known.device == device.id { addSeries(known) }
    }

    mutating func addSeries(_ new: Series) {
        if !series.contains(where: { $0.id == new.id }) { series.append(new) }
        detectors.addSeries(new.id, device: new.device, quantity: new.quantity, at: new.at, into: &output)
        take()
    }

    mutating func release(_ device: DeviceID) {
        devices.removeAll { $0.id == device }
        detectors.removeDevice(device, into: &output)
        take()
    }

    mutating func removeHome(_ home: HomeID) {
        devices.removeAll { $0.home == home }
        homes.removeAll { $0.id == home }
        detectors.removeHome(home, into: &output)
        take()
    }

    mutating func heard(_ device: DeviceID, at: Instant) {
        detectors.heard(device, at: at, into: &output)
        take()
    }

    mutating func observe(_ reading: Reading, now: Instant) {
        stored[reading.series, default: [:]][min(reading.at, now)] = reading.value
        detectors.observe(reading, now: now, into: &output)
        take()
    }

    /// Runs what is due up to and including `now`, the earliest first.
    mutating func advance(to now: Instant) {
        while let next = rows.min(by: { $0.value == $1.value ? $0.key < $1.key : $0.value < $1.value }),
            next.value <= now
        {
            write("  \(transcriptClock(next.value)) due \(next.key.text)")
            detectors.due(next.key, now: next.value, into: &output)
            take()
        }
    }

    private mutating func write(_ line: @autoclosure () -> String) {
        if keepsTranscript { lines.append(line()) }
    }

    private mutating func take() {
        for detection in output.detections {
            detections.append(detection)
            write("  " + detectionText(detection))
        }
        for (key, at) in output.deadlines {
            rows[key] = at
            write("  deadline \(key.text) \(at.map { transcriptClock($0) } ?? "none")")
        }
        for (key, phase) in output.phases {
            phases[key] = phase == .idle ? nil : phase
            switch phase {
            case .idle: write("  phase \(key.text) idle")
            case .pending(let since): write("  phase \(key.text) pending \(transcriptClock(since))")
            case .active(let since): write("  phase \(key.text) active \(transcriptClock(since))")
            }
        }
        output.removeAll()
    }

    /// The process ends, and another one begins with what is on disk.
    mutating func restart() throws {
        struct Row: Codable {
            var key: DetectorKey
            var phase: DetectorPhase
        }
        let text = try JSONEncoder().encode(phases.map { Row(key: $0.key, phase: $0.value) })
        let heard = devices.map { ($0.id, detectors.lastHeard($0.id)) }
        var fresh = Detectors(rules: rules)
        var ignored = DetectorOutput()
        for home in homes { fresh.addHome(home.id, zone: home.zone, at: home.at, into: &ignored) }
        for device in devices {
            fresh.addDevice(
                device.id, home: device.home, expected: device.expected, claimedAt: device.claimedAt,
                into: &ignored)
        }
        for series in series {
            fresh.addSeries(
                series.id, device: series.device, quantity: series.quantity, at: series.at, into: &ignored)
        }
        for row in try JSONDecoder().decode([Row].self, from: text) { fresh.restore(phase: row.phase, for: row.key) }
        for (id, at) in heard { if let at { fresh.restore(lastHeard: at, device: id) } }
        for series in series {
            guard let last = stored[series.id]?.max(by: { $0.key < $1.key }) else { continue }
            fresh.restore(
                lastReading: Reading(series: series.id, at: last.key, source: .device, value: last.value))
        }
        for id in fresh.activitySeries() {
            if let at = stored[id]?.filter({ $0.value.asNumber > 0 }).keys.max() {
                fresh.restore(lastActivity: at, series: id)
            }
        }
        detectors = fresh
        rows = Dictionary(uniqueKeysWithValues: fresh.deadlines().map { ($0.0, $0.1) })
    }
}

/// Transcripts begin on Monday, 5 January 2026.
let transcriptStart = Instant(iso: "2026-01-05T00:00:00Z") ?? .distantPast

/// `08:05`, `08:05:30`, and on later days `+2 08:05`, all UTC.
func transcriptClock(_ at: Instant) -> String {
    let seconds = (at - transcriptStart).milliseconds / 1_000
    let (day, rest) = (seconds / 86_400, seconds % 86_400)
    func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
    let time = "\(two(rest / 3_600)):\(two(rest / 60 % 60))" + (rest % 60 == 0 ? "" : ":\(two(rest % 60))")
    return day == 0 ? time : "+\(day) \(time)"
}

func detectionText(_ detection: Detection) -> String {
    var text = "\(detection.what) \(detection.rule) in \(detection.home) at \(transcriptClock(detection.at))"
    if let series = detection.series { text += ", series \(series.number)" }
    if let device = detection.device { text += ", device \(device.number)" }
    switch detection.value {
    case .boolean(let value): text += ", \(value)"
    case .number(let value): text += ", \(value)"
    case nil: break
    }
    if let lastSeen = detection.lastSeen { text += ", last seen \(transcriptClock(lastSeen))" }
    return text
}

func detectorRule(_ id: RuleID, _ watch: Watch, homes: [HomeID] = []) -> Rule {
    Rule(
        id: id, watch: watch, category: .safety, purpose: .emergencyResponse, severity: .severe,
        urgency: .immediate, certainty: .likely, kind: "test", say: "Something happened.", endsWhenOver: true,
        plan: "default", homes: homes)
}

func theQuantity(_ name: String) -> Quantity {
    guard let quantity = Quantity(name) else { preconditionFailure("no quantity \(name)") }
    return quantity
}

func timeOfDay(_ text: String) -> MinuteOfDay {
    guard let minute = MinuteOfDay(clock: text) else { preconditionFailure("no time of day \(text)") }
    return minute
}

let londonFor2026 = Zone(
    name: "Europe/London",
    transitions: [
        .init(at: .distantPast, offsetSeconds: 0),
        .init(at: Instant(iso: "2026-03-29T01:00:00Z") ?? .distantPast, offsetSeconds: 3_600),
        .init(at: Instant(iso: "2026-10-25T01:00:00Z") ?? .distantPast, offsetSeconds: 0),
    ], until: .distantFuture)
