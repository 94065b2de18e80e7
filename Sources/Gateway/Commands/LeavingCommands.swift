import Care
import Store

/// Somebody leaves the scheme, and whether what was recorded about them leaves with them.
extension Engine {
    func citizenRemove(_ name: String, erase: Bool, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let before = world.people[PersonID(name)]
        var reply = try personRemove(name, .citizen, actor, tx)
        guard let person = before else { return reply }
        if erase {
            try beginForgetting(person, tx)
            reply.say += Self.forgettingWords
        } else {
            reply.say.append("What was recorded about them stays for as long as the scheme keeps it, and nobody can see it as them any more; to have it erased: caring citizen erase \(name)")
        }
        return reply
    }

    /// For somebody who was removed. Said again, it tells how far it is.
    func citizenErase(_ name: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard actor.runsScheme else { throw CommandProblem.refused("Only a coordinator or an operator may do this.") }
        let id = PersonID(name)
        guard world.people[id]?.kind != .citizen else {
            throw CommandProblem.failed("\(safeText(name)) is in the scheme and erases their own data: caring data erase. To remove and erase them: caring citizen remove \(safeText(name)) --erase")
        }
        guard let person = try tx.reader.removedPerson(id), person.kind == .citizen, world.people[id] == nil else {
            throw CommandProblem.failed("There is no citizen called \u{201C}\(safeText(name))\u{201D} who was removed, or nothing of them is left.")
        }
        if let open = try tx.reader.openErasures().first(where: { $0.citizen == id && $0.isGone == true }) {
            return Reply(say: ["It is under way since \(open.at.iso): \(standing(of: open))."], items: [.object(["erasure": .string("e\(open.id)"), "phase": .string(open.phase.rawValue)])])
        }
        try beginForgetting(person, tx)
        return Reply(say: ["Everything about \(name) is being erased."] + Self.forgettingWords)
    }

    private static var forgettingWords: [String] {
        [
            "What was recorded about them is being erased, and at last their name. It cannot be brought back. caring status says how far it is.",
            "What is also about somebody else stays for them, without the name, and so does that an operator acted for somebody. What they did as another's delegate that one still sees, for as long as the scheme keeps it. What others were told they have still.",
        ]
    }

    private func beginForgetting(_ person: Person, _ tx: StoreTurn) throws {
        // Nothing more is to come of them: what their removal itself has still to write goes as well.
        _ = try begin(ErasureDraft(all: true), of: person, end: Self.forgottenEnd, isAgain: false, isGone: true, tx)
    }

    /// Later than all that can be written, and early enough to be counted with.
    static var forgottenEnd: Instant { Instant(milliseconds: .max >> 8) }

    /// For `status`: those who run the scheme.
    func forgettingSentences(_ actor: Actor) -> [String] {
        guard actor.runsScheme else { return [] }
        return erasures?.filter { $0.isGone == true }.map { "Of somebody who was removed everything is being erased, since \($0.at.iso): \(standing(of: $0))." } ?? []
    }

    // MARK: Steps

    /// Devices that nobody but they ever had.
    func things(onlyOf citizen: PersonID, _ home: HomeID, _ tx: StoreTurn) throws -> [DeviceID] {
        try world.devices(of: home).map(\.device).filter { try $0.citizens.isEmpty && tx.reader.everClaimed($0.id) == [citizen] }.map(\.id)
    }

    /// Devices that were only theirs have no name any more, once all that was found by it is gone. Heard again, each is a new one.
    func forgetNames(of things: [DeviceID], _ home: HomeID, _ tx: StoreTurn) throws {
        let nameless = try things.compactMap { id -> Device? in
            guard var device = world.device(id)?.device, try tx.reader.everClaimed(id).isEmpty else { return nil }
            (device.address, device.identity, device.title, device.model) = ("erased/\(id.number)", nil, nil, nil)
            return device
        }
        if nameless.isEmpty { return }
        try tx.readdress(nameless)
        world.readdress(nameless)
        topics.removeAll()
        shared.removeAll()
    }

    func eraseName(_ erasure: inout Erasure, _ tx: StoreTurn) throws {
        let citizen = erasure.citizen
        if erasure.place == 0 {
            let name = try tx.reader.removedPerson(citizen)?.name ?? citizen.name
            erasure.isWaiting = try tx.reader.isStillToBeTold(citizen, called: name)
            if erasure.isWaiting { return }
        }
        guard try tx.eraseNames(&erasure, rowsMax: Self.eraseRowsMax, at: now) else { return }
        // What waits for a service and was about them, too, they permit no more.
        for other in world.people.values.filter({ $0.kind == .citizen && $0.home == erasure.home }).map(\.id).sorted() {
            for group in try tx.reader.feedGroups(of: other) where group.others.contains(citizen) { try take(try tx.drop(group), of: group.service, tx) }
        }
        for case .record(let record) in world.consents[citizen] ?? [] { try saveDeadline(.consent(record.id), nil, tx) }
        if let home = erasure.home {
            for pause in world.pauses[home] ?? [] where pause.citizen == citizen { try saveDeadline(.pause(pause.id), nil, tx) }
            world.pauses[home]?.removeAll { $0.citizen == citizen }
        }
        (world.consents[citizen], world.asked[citizen], world.keeping[citizen]) = (nil, nil, nil)
        try tx.forget(&erasure)
        try loadFeeds(try tx.reader)
        world.namesTaken.remove(citizen.name)
        // Earlier ones of theirs are in this one; they are read anew with the next step.
        erasures = nil
    }
}
