import Care
import Foundation
import Logging
import Notify
import Store

/// What a citizen wanted to be erased goes in small steps between turns, one erasure after the other. Each step is a row on disk,
/// so a start goes on where the last run ended, and no alarm waits for more than one step.
extension Engine {
    /// Rows of one step: some milliseconds.
    static var eraseRowsMax: Int { 1_000 }
    /// Entries of one step; an alert goes whole, with its history and notices.
    static var eraseEntriesMax: Int { 100 }
    /// Between two looks whether what is waited for has passed.
    static var erasureLookEvery: Span { .seconds(10) }

    func openErasures() throws -> [Erasure] {
        if let erasures { return erasures }
        let open = try store.read { try $0.openErasures() }
        erasures = open
        return open
    }

    /// One step of the first erasure that is not only waiting for new copies.
    ///
    /// - Returns: whether there is more to do at once.
    func eraseStep() throws -> Bool {
        guard let index = try openErasures().firstIndex(where: { $0.phase != .copies && !isForRetention($0) }), now >= nextErasureLook, let erasure = erasures?[index] else { return false }
        do { return try step(erasure, at: index) } catch where StoreProblem(error) == nil {
            // It must not keep the house from being kept.
            log.error("A step of an erasure could not be done; it is tried again in a minute.", metadata: ["error": "\(type(of: error))"])
            erasures = nil
            nextErasureLook = now + .minutes(1)
            return false
        }
    }

    /// What the citizen does not want to keep is removed by a round of retention before it is about the files.
    private func isForRetention(_ erasure: Erasure) -> Bool { erasure.isKeeping == true && erasure.phase == .readings && isRetentionDue }

    private func step(_ before: Erasure, at index: Int) throws -> Bool {
        var erasure = before
        switch erasure.phase {
        case .readings, .records, .decisions, .leftovers:
            try turn { tx in
                try tx.overwriteDeleted()
                try eraseRows(&erasure, tx)
                if erasure.phase == .pages, erasure.isKeeping != true { try tx.enterErased(erasure.citizen, at: now) }
                try tx.save(erasure)
            }
            if erasure.isWaiting, erasure.place == 0 { nextErasureLook = now + Self.erasureLookEvery }
        case .pages:
            if try !store.rewrite() { log.notice("The database is too large to be written anew at once: what was erased is written over where it stood.") }
            erasure.phase = .log
            try turn { tx in try tx.save(erasure) }
        case .log:
            guard try store.emptyLog() else {
                nextErasureLook = now + Self.erasureLookEvery
                return false
            }
            erasure.phase = .copies
            erasure.cleanAt = now
            try turn { tx in try tx.save(erasure) }
        case .copies, .done: return false
        }
        erasures?[index] = erasure
        return now >= nextErasureLook
    }

    private func eraseRows(_ erasure: inout Erasure, _ tx: StoreTurn) throws {
        switch erasure.phase {
        case .readings: try tx.eraseReadings(&erasure, rowsMax: Self.eraseRowsMax)
        case .records:
            let erased = try tx.eraseRecords(&erasure, rowsMax: Self.eraseEntriesMax, at: now)
            for id in erased.consents {
                world.consents[erasure.citizen]?.removeAll { if case .record(let record) = $0 { record.id == id } else { false } }
                try saveDeadline(.consent(id), nil, tx)
            }
            for card in erased.cards { toClear.append(AlertCard.topic(card.person, card.alert)) }
        case .decisions: try tx.eraseDecisions(&erasure, rowsMax: Self.eraseRowsMax)
        case .leftovers:
            guard let home = world.people[erasure.citizen]?.home else { return erasure.phase = .pages }
            try forgetBrought(erasure.citizen, home, tx)
            let others = world.people.values.contains { $0.kind == .citizen && $0.home == home && $0.id != erasure.citizen }
            let isShared = try world.devices(of: home).contains { try tx.reader.everClaimed($0.device.id).contains { $0 != erasure.citizen } }
            try tx.eraseLeftovers(&erasure, home: home, isAlone: !others && !isShared, rowsMax: Self.eraseRowsMax)
        case .pages, .log, .copies, .done: break
        }
    }

    /// What only an export brought has no name any more.
    private func forgetBrought(_ citizen: PersonID, _ home: HomeID, _ tx: StoreTurn) throws {
        let nameless = try tx.reader.broughtDevices(citizen).compactMap { id -> Device? in
            guard var device = world.device(id)?.device, device.home == home, device.citizens.isEmpty else { return nil }
            (device.address, device.identity, device.title, device.model) = ("erased/\(id.number)", nil, nil, nil)
            return device
        }
        if nameless.isEmpty { return }
        try tx.readdress(nameless)
        world.readdress(nameless)
        forgetTopics(of: home)
    }

    // MARK: Copies

    /// What was copied before then still holds what was erased: the gateway makes a new copy and removes those. Nil: nothing does.
    public var copiesHoldErasedSince: Instant? { erasures?.compactMap { $0.phase == .copies ? $0.cleanAt : nil }.max() }

    /// No copy that was made before is left, and the journal of acts has no older line.
    public func noteCopiesRenewed() throws {
        for erasure in try openErasures() where erasure.phase == .copies {
            var done = erasure
            done.go(to: .done)
            try turn { tx in try tx.save(done, doneAt: now) }
            erasures?.removeAll { $0.id == done.id }
        }
    }

    // MARK: After a restore

    /// - Returns: whether it will be done.
    func eraseAgain(_ draft: ErasureDraft, _ act: Act) throws -> Bool {
        guard let person = act.by.flatMap({ world.people[$0] }), let end = draft.end.flatMap({ Instant(iso: $0) }) else { return false }
        var draft = draft
        let devices = (act.devices ?? []).compactMap { known($0)?.address }
        // Of what is not known here there is nothing to erase. With none left it would be an erasure of everything.
        if devices.isEmpty, !draft.devices.isEmpty { return true }
        draft.devices = devices
        return try turnAgain { tx in _ = try begin(draft, of: person, end: end, isAgain: true, tx) }
    }
}
