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
    /// After the database could not be written anew.
    static var rewriteLookEvery: Span { .minutes(10) }

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
        // One that waits keeps nobody else's from going on.
        guard let index = try openErasures().firstIndex(where: { $0.phase != .copies && !isForRetention($0) && now >= nextErasureLooks[$0.id] ?? .distantPast }),
            let erasure = erasures?[index]
        else { return false }
        do {
            try step(erasure, at: index)
            return true
        } catch where StoreProblem(error) == nil {
            // It must not keep the house from being kept.
            log.error("A step of an erasure could not be done; it is tried again in a minute.", metadata: ["error": "\(type(of: error))"])
            erasures = nil
            nextErasureLooks[erasure.id] = now + .minutes(1)
            return true
        }
    }

    /// What the citizen does not want to keep is removed by a round of retention before it is about the files.
    private func isForRetention(_ erasure: Erasure) -> Bool { erasure.isKeeping == true && erasure.phase == .readings && isRetentionDue }

    private func step(_ before: Erasure, at index: Int) throws {
        var erasure = before
        nextErasureLooks[erasure.id] = nil
        switch erasure.phase {
        case .readings, .records, .decisions, .leftovers, .names:
            try turn { tx in
                try tx.overwriteDeleted()
                try eraseRows(&erasure, tx)
                if erasure.phase == .pages, erasure.isKeeping != true { try tx.enterErased(erasure.citizen, at: now) }
                try tx.save(erasure)
            }
            if erasure.isWaiting, erasure.place == 0 { nextErasureLooks[erasure.id] = now + Self.erasureLookEvery }
        case .pages:
            // Where there is no room for it nothing is lost, and everybody else's messages must not wait for that room.
            let isRewritten: Bool
            do { isRewritten = try store.rewrite() } catch where StoreProblem(error) != .corrupt {
                log.error("The database could not be written anew without what was erased; it is tried again in a while. Make room on the disk and for temporary files.", metadata: ["error": "\(type(of: error))"])
                nextErasureLooks[erasure.id] = now + Self.rewriteLookEvery
                return
            }
            if !isRewritten { log.notice("The database is too large to be written anew at once: what was erased is written over where it stood.") }
            erasure.phase = .log
            try turn { tx in try tx.save(erasure) }
        case .log:
            guard try store.emptyLog() else {
                nextErasureLooks[erasure.id] = now + Self.erasureLookEvery
                return
            }
            erasure.phase = .copies
            erasure.cleanAt = now
            try turn { tx in try tx.save(erasure) }
        case .copies, .done: return
        }
        erasures?[index] = erasure
    }

    private func eraseRows(_ erasure: inout Erasure, _ tx: StoreTurn) throws {
        switch erasure.phase {
        case .readings: try tx.eraseReadings(&erasure, rowsMax: Self.eraseRowsMax)
        case .records:
            let erased = try tx.eraseRecords(&erasure, words: world.words, rowsMax: Self.eraseEntriesMax, at: now)
            for id in erased.consents {
                world.consents[erasure.citizen]?.removeAll { if case .record(let record) = $0 { record.id == id } else { false } }
                try saveDeadline(.consent(id), nil, tx)
            }
            for card in erased.cards { try oweClearing(AlertCard.topic(card.person, card.alert), tx) }
        case .decisions: try tx.eraseDecisions(&erasure, rowsMax: Self.eraseRowsMax)
        case .leftovers:
            guard let home = erasure.home ?? world.people[erasure.citizen]?.home else { return erasure.go(to: erasure.isGone == true ? .names : .pages) }
            try forgetBrought(erasure.citizen, home, tx)
            let others = world.people.values.contains { $0.kind == .citizen && $0.home == home && $0.id != erasure.citizen }
            let isShared = try world.devices(of: home).contains { try tx.reader.everClaimed($0.device.id).contains { $0 != erasure.citizen } }
            let things = erasure.isGone == true ? try things(onlyOf: erasure.citizen, home, tx) : []
            if erasure.isGone == true, !others, !isShared { try tx.removeStrangers(home) }
            try tx.eraseLeftovers(&erasure, home: home, isAlone: !others && !isShared, rowsMax: Self.eraseRowsMax)
            try forgetNames(of: things, home, tx)
        case .names: try eraseName(&erasure, tx)
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
            // Nobody is left who could ask about one of somebody who is gone.
            try turn { tx in if done.isGone == true { try tx.removeErasure(done.id) } else { try tx.save(done, doneAt: now) } }
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
