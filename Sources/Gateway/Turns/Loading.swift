import Care
import Logging
import Store

extension Engine {
    /// Makes the world from what is on disk.
    func load(rules book: RuleBook) throws {
        try store.turn { tx in
            let disk = try tx.reader
            for circle in try disk.circles() { world.circles[circle.id] = circle }
            world.namesTaken = Set(try disk.namesTaken())
            for home in try disk.homes() {
                if world.zones.zone(home.zone) == nil {
                    log.error("A home's time zone is not known on this system; its hours are read as UTC.", metadata: ["zone": "\(home.zone)"])
                }
                world.homes[home.id] = home
                world.detectors.addHome(home.id, zone: world.zone(of: home.id), at: home.addedAt, into: &output)
            }
            for person in try disk.people() { world.people[person.id] = person }
            for (stored, citizen) in try disk.consents() {
                world.consents[citizen, default: []].append(stored)
                if case .unreadable(let id, _, _) = stored {
                    log.error("A consent record cannot be read; everything it might refuse is refused.", metadata: ["record": "\(id)"])
                }
            }
            for asked in try disk.askedConsents() where world.people[asked.record.citizen] != nil {
                world.asked[asked.record.citizen, default: []].append(asked)
            }
            for choice in try disk.keepChoices() { world.keeping[choice.citizen, default: [:]][choice.category] = choice }
            for pause in try disk.pauses() { world.pauses[pause.home, default: []].append(pause) }
            for mandate in try disk.openMandates() { world.mandates[mandate.citizen, default: []].append(mandate) }
            for act in try disk.proposedActs() { world.proposed[act.citizen, default: []].append(act) }
            try loadAnnouncements(disk)
            var heard: [(DeviceID, Instant)] = []
            var watched: [Device] = []
            for (device, lastHeardAt) in try disk.devices() {
                world.put(device)
                world.devices[Int(device.id.number)]?.savedHeardAt = lastHeardAt
                if let lastHeardAt { heard.append((device.id, lastHeardAt)) }
                watched.append(device)
            }
            var known: [Series] = []
            let all = try disk.series()
            for one in all {
                world.series.ensure(count: Int(one.id.number) + 1, default: nil)
                world.series[Int(one.id.number)] = one
                guard world.device(one.device) != nil else { continue }
                world.devices[Int(one.device.number)]?.slots.append(
                    SeriesSlot(quantity: one.quantity, channel: one.channel, series: one.id))
            }
            // What is expected of a device may depend on what it measures.
            for device in watched { watch(device) }
            for one in all {
                guard let device = world.device(one.device)?.device, !device.citizens.isEmpty else { continue }
                known.append(one)
                world.detectors.addSeries(one.id, device: one.device, quantity: one.quantity, at: one.addedAt, into: &output)
            }
            for (key, phase) in try disk.detectorPhases() {
                if let key = DetectorKey(text: key) { world.detectors.restore(phase: phase, for: key) }
            }
            for reading in try disk.lastReadings(known) { world.detectors.restore(lastReading: reading) }
            for id in world.detectors.activitySeries() {
                if let at = try disk.lastActivity(id) { world.detectors.restore(lastActivity: at, series: id) }
            }
            for (device, at) in heard { world.detectors.restore(lastHeard: at, device: device) }
            let (upTo, rows) = try disk.acknowledged()
            acknowledgedEver = upTo
            for row in rows { ledger.append(Ledger.entries(row)) }
            // A folder from before contacts were written down has its heartbeat instead.
            let contact = try disk.meta("contact") ?? (upTo > 0 ? disk.meta("heartbeat") : nil)
            line.contact = contact.flatMap { Int64($0) }.map(Instant.init(milliseconds:))
            for outage in try disk.backlogs(since: now - Line.sessionKept) {
                let until = outage.caughtUpAt ?? outage.connectedAt
                line.note(.init(from: outage.lastContactAt, until: until))
                // After a kill in its first minute nothing newer was written down.
                if outage.caughtUpAt != nil { line.contact = max(line.contact ?? until, until) }
            }
            early = Set(try disk.early().map { Ledger.Entry(packetID: $0.packetID, hash: $0.hash) })
            world.alerts = try disk.openAlerts()
            world.notices = try disk.pendingNotices()
            world.words = try disk.pendingWords()
            world.clearings = try disk.owedClearings()
            try loadFeeds(disk)
            for pause in world.pauses.values.joined() where pause.end <= now { endDetectors(pause) }
            output.removeAll(keepingCapacity: true)
            try loadDeadlines(tx)
            // An attempt whose outcome nobody waited for is made again: a helper who is told twice is better
            // off than one who is not told.
            for i in world.notices.indices where world.notices[i].state == .attempted {
                world.notices[i].state = .queued
                try tx.save(world.notices[i])
            }
        }
    }

    /// Rows on disk are the truth for what is in them; detectors whose rules are new get theirs now, rows
    /// of rules that are gone go.
    private func loadDeadlines(_ tx: StoreTurn) throws {
        var wanted: [DeadlineKey: Instant] = [:]
        for (key, at) in world.detectors.deadlines() { wanted[.detector(key)] = at }
        for pause in world.pauses.values.joined() where pause.end > now { wanted[.pause(pause.id)] = pause.end }
        for mandate in world.mandates.values.joined() { wanted[.mandate(mandate.id)] = Self.nextEdge(from: mandate.from, until: mandate.until, after: now) ?? mandate.until }
        for act in world.proposed.values.joined() { wanted[.proposal(act.id)] = act.lapsesAt }
        for alert in world.alerts { wanted[.alert(alert.id)] = alert.deadline ?? now }
        let expired = try tx.reader.expiredConsents()
        for case .record(let record) in world.consents.values.joined() where record.withdrawnAt == nil && !expired.contains(record.id) {
            // What ended while the gateway was away has no edge to come: it is looked at now.
            if let until = record.until { wanted[.consent(record.id)] = Self.nextEdge(of: record, after: now) ?? until }
        }
        for (text, at) in try tx.reader.deadlines() {
            guard let key = DeadlineKey(text: text), wanted[key] != nil else {
                try tx.saveDeadline(text, at: nil)
                continue
            }
            // A rule that has become shorter has the earlier word.
            try saveDeadline(key, min(at, wanted[key] ?? at), tx)
        }
        for (key, at) in wanted.sorted(by: { $0.key < $1.key }) where deadlines.at[key] == nil {
            try saveDeadline(key, at, tx)
        }
    }

    /// Lets the detectors watch a claimed device.
    func watch(_ device: Device) {
        guard !device.citizens.isEmpty, world.homes[device.home] != nil else { return }
        world.detectors.addDevice(
            device.id, home: device.home, expected: expected(of: device), claimedAt: device.claimedAt, into: &output)
    }

    /// The longest silence that is usual: as its people or its convention say; else as learned from itself, unless it is a
    /// thing that speaks only when somebody uses it.
    func expected(of device: Device) -> Span? {
        if let expected = device.expected { return expected }
        let slots = world.device(device.id)?.slots ?? []
        return slots.contains { $0.quantity.kind != .event } ? device.rhythm?.expected : nil
    }
}
