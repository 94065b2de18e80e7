import Care
import Devices
import Foundation
import Logging
import Store

/// What people did after a backup was made, done again on the database that goes on from it.
///
/// Devices are found by their identity: people may have renamed them since. A device that is taken from somebody and is not
/// known here is made known as nobody's, which keeps a home that claims what announces itself from claiming it again.
extension Engine {
    /// Does again, in their order, what people did after the backup was made. It may be cut off and done anew.
    ///
    /// - Returns: how many were done, and how many could not be.
    /// - Throws: what kept an act from being written down: then all of them have to be done again.
    public func repeatActs(of journal: ActJournal, since: Instant) throws -> (done: Int, failed: Int) {
        let (written, damaged) = try journal.acts(since: since)
        let acts = written.map { line in
            var act = try? JSONDecoder().decode(Act.self, from: Data(line.body))
            act?.at = line.at
            return act
        }
        let taken = TakenAway(acts)
        var (done, failed) = (0, damaged)
        // Records that are made again have other numbers: none that was given out is given again.
        var madeAgain: [String: String] = [:]
        for (n, act) in acts.enumerated() {
            // What it only says of names is in `taken`.
            if act?.was != nil { continue }
            let known = act?.made.flatMap { madeAgain[$0] }
            if let act, try again(act, n, taken, &madeAgain) { done += 1 } else { failed += 1 }
            // What is said of it from now on names it as it is called now, and another restore has to know what that was.
            if let act, let was = act.made, let now = madeAgain[was], now != known, now != was, taken.names[now] == nil {
                var line = Act(by: act.by)
                (line.was, line.made) = (was, now)
                try write(line, journal)
            }
        }
        // Before anything is served to anybody: what had gone since, or goes as people decided since, must not be seen again.
        try keepNow()
        return (done, failed)
    }

    /// Who did it, as far as they are known here, and for whom.
    func actor(of act: Act, _ taken: TakenAway, _ madeAgain: [String: String]) -> Actor {
        var actor = Actor(person: act.by.flatMap { world.people[$0] })
        if act.isOwn != true || actor.person == nil { actor.operatorUID = act.uid ?? 0 }
        if let deed = act.deed {
            (actor.delegate, actor.mandate) = (deed.delegate, MandateID(text: madeAgain[taken.name(deed.mandate.description)] ?? "") ?? deed.mandate)
        }
        return actor
    }

    /// - Returns: whether it holds now, or was not to be done.
    private func again(_ act: Act, _ n: Int, _ taken: TakenAway, _ madeAgain: inout [String: String]) throws -> Bool {
        guard let command = act.command else { return try claimAgain(act, n, taken) }
        switch command {
        case .pause(let draft): return try pauseAgain(draft, act, taken, &madeAgain)
        case .dataErase(let draft): return try eraseAgain(draft, act)
        case .dataKeep(let draft): return try keepAgain(draft, act)
        case .pauseEnd(_, let at): return try pauseEndAgain(at, act, taken, madeAgain)
        case .delegate(let said): return try delegateAgain(said, act, n, taken, &madeAgain)
        case .deviceClaim where act.claims != nil: return try claimAgain(act, n, taken)
        case .deviceClaimAnnounced(true) where act.claims != nil:
            // Only the setting: what was claimed by it has a line of its own.
            guard let person = act.by, !taken.isOff(person, after: n) else { return true }
            return try turnAgain { tx in
                guard let home = world.people[person]?.home.flatMap({ world.homes[$0] }) else { throw CommandProblem.failed("They live in no home that is known.") }
                try claimAnnounced(home, for: person, on: true, tx)
            }
        case .deviceRelease, .deviceMove, .deviceRetire:
            guard let devices = act.devices else { return try performAgain(command, act, n, taken, &madeAgain) }
            var isRetired = false
            if case .deviceRetire = command { isRetired = true }
            return try turnAgain { tx in for device in devices { try releaseAgain(device, isRetired: isRetired, tx) } }
        case .citizenRemove, .homeRemove:
            // Whatever keeps them from being removed here (an open alert, say), their devices are theirs no more.
            let isReleased = try turnAgain { tx in for device in act.devices ?? [] { try releaseAgain(device, isRetired: false, tx) } }
            // Who is not there any more need not be removed.
            if case .citizenRemove(let name, _) = command, world.people[PersonID(name)] == nil { return isReleased }
            return try performAgain(command, act, n, taken, &madeAgain) && isReleased
        default: return try performAgain(command, act, n, taken, &madeAgain)
        }
    }

    // MARK: Devices

    private func claimAgain(_ act: Act, _ n: Int, _ taken: TakenAway) throws -> Bool {
        // What was taken away later is not given again at all, not even for a moment.
        var isDone = true
        for claim in act.claims ?? [] where !taken.isTaken(claim.device, after: n) {
            // Each by itself: one that cannot be theirs here says nothing about the others.
            isDone = try turnAgain { tx in try claimAgain(claim, act, taken, tx) } && isDone
        }
        return isDone
    }

    private func claimAgain(_ claim: Deeds.Claim, _ act: Act, _ taken: TakenAway, _ tx: StoreTurn) throws {
        let thing = claim.device
        let citizens = claim.citizens.filter { world.people[$0]?.home == thing.home && !taken.removed.contains($0) }
        guard world.homes[thing.home] != nil, !citizens.isEmpty else { throw CommandProblem.failed("Whose it was is not known here.") }
        let isByItself = act.isByItself ?? false
        // As in every command that is done again.
        let by = isByItself ? Self.byItself : actor(of: act, taken, [:]).inLog
        guard let known = known(thing) else {
            try make(thing, citizens, by: by, tx)
            return
        }
        // What is known is never claimed by itself: it is theirs already, or somebody let it go.
        if isByItself { return }
        let isJoined = Set(citizens).isSubset(of: known.citizens)
        if isJoined, thing.expected ?? known.expected == known.expected, thing.title ?? known.title == known.title { return }
        if !isJoined, !known.citizens.isEmpty, let person = act.by, !known.citizens.contains(person) {
            throw CommandProblem.refused("It belongs to others here.")
        }
        _ = try join(learned(known, thing), citizens, expected: thing.expected, title: thing.title, by: by, tx)
    }

    private func releaseAgain(_ thing: Deeds.Thing, isRetired: Bool, _ tx: StoreTurn) throws {
        // Where there is no such home, nothing is anybody's.
        guard world.homes[thing.home] != nil else { return }
        let found = known(thing)
        // A home that has as many devices as it may have can claim no more of them, either.
        guard found != nil || hasRoom(thing.home) else { return }
        let known = try found ?? make(thing, [], by: Self.byItself, tx)
        var device = learned(known, thing)
        if !device.citizens.isEmpty { try release(device, tx) }
        device.citizens = []
        if isRetired { device.retiredAt = device.retiredAt ?? now }
        guard device != known else { return }
        try tx.save(device)
        world.put(device)
    }

    /// The device that an act was about: by its identity, and by its name where one of the two has none.
    func known(_ thing: Deeds.Thing) -> Device? {
        knownDevice(AnnouncedDevice(convention: thing.convention, address: thing.address, identity: thing.identity), in: thing.home)
    }

    /// What is found by its name had no identity in the backup, and is found by it from now on.
    private func learned(_ device: Device, _ thing: Deeds.Thing) -> Device {
        var device = device
        device.identity = device.identity ?? thing.identity
        return device
    }

    @discardableResult
    private func make(_ thing: Deeds.Thing, _ citizens: [PersonID], by: String, _ tx: StoreTurn) throws -> Device {
        guard hasRoom(thing.home) else {
            throw CommandProblem.failed("The home has as many devices as a home may have.")
        }
        let announced = AnnouncedDevice(
            convention: thing.convention, address: thing.address, identity: thing.identity, title: thing.title, model: thing.model, bridge: thing.bridge)
        return try makeDevice(
            thing.address, announced, expected: thing.expected, bridge: thing.bridge, convention: thing.convention, home: thing.home, citizens, by: by, tx)
    }

    private func hasRoom(_ home: HomeID) -> Bool { world.devices(of: home).count < configuration.limits.devicesPerHomeMax }

    /// One act in one turn. - Returns: whether it could be done.
    func turnAgain(_ body: (StoreTurn) throws -> Void) throws -> Bool {
        do {
            try turn(body)
            return true
        } catch is CommandProblem {
            return false
        } catch {
            if let problem = StoreProblem(error) {
                degrade(problem)
                throw StoreError(problem.sentence, detail: "acts could not be repeated", problem: problem)
            }
            log.error("An act could not be done again.", metadata: ["error": "\(error)"])
            return false
        }
    }

    // MARK: All others

    /// As the person would say it now.
    private func performAgain(_ said: Command, _ act: Act, _ n: Int, _ taken: TakenAway, _ madeAgain: inout [String: String]) throws -> Bool {
        var command = said
        if command.permits {
            // A permit that was withdrawn later is not given again at all, not even for a moment.
            if let made = act.made, taken.isWithdrawn(made, after: n) || isThere(made) { return true }
            if let person = act.by, taken.removed.contains(person) { return true }
            if case .consentEmergency = command, let person = act.by, taken.isEmergencyOff(person, after: n) { return true }
        }
        if case .consentWithdraw(let id) = command {
            // It may be of a permit that was not given again.
            guard let there = found(id, taken, madeAgain) else { return true }
            command = .consentWithdraw(id: there)
        }
        if case .consentRevoke(let id, let reason) = command {
            guard let there = found(id, taken, madeAgain) else { return true }
            command = .consentRevoke(id: there, reason: reason)
        }
        if case .consentRenew(let id, let until) = command {
            guard !taken.isWithdrawn(id, after: n), let there = found(id, taken, madeAgain),
                let end = Instant(iso: until), end > now, record(there)?.until ?? .distantFuture < end
            else { return true }
            command = .consentRenew(id: there, until: until)
        }
        // Made with its last end: with its first one it may be over, and then there is nothing that could be renewed.
        if let made = act.made, let until = taken.renewed[taken.name(made)] { command = command.lasting(until: until) }
        guard let named = try renamed(command, act.devices ?? []) else { return false }
        let by = actor(of: act, taken, madeAgain)
        if act.by != nil, by.person == nil { return false }
        let reply = performNow(named, as: by)
        if let problem = degraded?.problem { throw StoreError(problem.sentence, detail: "acts could not be repeated", problem: problem) }
        if let made = act.made, let again = reply.items.first?["consent"]?.string {
            madeAgain[taken.name(made)] = again
            if let id = ConsentID(text: made), let person = act.by { _ = try turnAgain { tx in try answered(id, by: again, of: person, tx) } }
            // Done already, before it was cut off: one that was there twice would outlive its withdrawal.
            if command.permits, let twin = twin(of: again) {
                _ = performNow(.consentWithdraw(id: again), as: by)
                madeAgain[taken.name(made)] = twin
            }
        }
        if reply.outcome == .done { try deedAgain(act, made: reply.items.first?["consent"]?.string, taken, &madeAgain) }
        return reply.outcome == .done
    }

    /// A consent with the devices that it names called as they are called here. Nil: one of them is not known here, and a
    /// permit for it has nothing to hold for.
    private func renamed(_ command: Command, _ devices: [Deeds.Thing]) throws -> Command? {
        guard !devices.isEmpty else { return command }
        var left = devices[...]
        func renamed(_ draft: ConsentDraft) throws -> ConsentDraft? {
            var draft = draft
            for (n, text) in draft.data.enumerated() where text.hasPrefix("device:") {
                guard let thing = left.popFirst() else { return nil }
                if known(thing) == nil {
                    // A refusal holds also for what is nobody's yet.
                    guard !command.permits, world.homes[thing.home] != nil, try turnAgain({ tx in try make(thing, [], by: Self.byItself, tx) }) else { return nil }
                }
                guard let device = known(thing) else { return nil }
                draft.data[n] = "device:\(device.address)"
            }
            return draft
        }
        switch command {
        case .consentGrant(let draft): return try renamed(draft).map { .consentGrant($0) }
        case .consentRefuse(let draft): return try renamed(draft).map { .consentRefuse($0) }
        default: return command
        }
    }

    private func record(_ text: String) -> ConsentRecord? {
        guard let id = ConsentID(text: text) else { return nil }
        for case .record(let record) in world.consents.values.joined() where record.id == id { return record }
        return nil
    }

    private func performNow(_ command: Command, as actor: Actor) -> Reply {
        switch begin(command, as: actor) {
        case .reply(let reply): reply
        case .aside(let work): work()
        }
    }

    /// What an act names, as it is called here.
    private func found(_ id: String, _ taken: TakenAway, _ madeAgain: [String: String]) -> String? {
        [madeAgain[taken.name(id)], id, taken.name(id)].compactMap { $0 }.first(where: isThere)
    }

    private func isThere(_ text: String) -> Bool { record(text).map { $0.withdrawnAt == nil } ?? false }

    /// Another record in force that says the same.
    private func twin(of text: String) -> String? {
        guard let new = record(text) else { return nil }
        for case .record(let stored) in world.consents[new.citizen] ?? [] where stored.id != new.id && stored.withdrawnAt == nil {
            var other = stored
            other.id = new.id
            if other == new { return stored.id.description }
        }
        return nil
    }
}

/// What the journal takes away, and where in it: what was permitted before that is not permitted again.
struct TakenAway {
    /// What consent records, pauses and mandates were called first, by what each restore has called them since.
    private(set) var names: [String: String] = [:]
    /// Consent records, by the numbers that they had first.
    private var withdrawn: [String: Int] = [:]
    /// Mandates, by the numbers that they had first.
    private var mandatesEnded: [String: Int] = [:]
    /// Until when they were renewed last.
    private(set) var renewed: [String: String] = [:]
    /// No name is given twice, so it does not matter when.
    private(set) var removed: Set<PersonID> = []
    private var off: [PersonID: Int] = [:]
    private var emergencyOff: [PersonID: Int] = [:]

    private struct Key: Hashable {
        var home: HomeID
        var name: String
    }
    // The last act that took it away: by its identity; by its name; by its name where it had no identity then.
    private var byIdentity: [Key: Int] = [:]
    private var byAddress: [Key: Int] = [:]
    private var byAddressAlone: [Key: Int] = [:]

    func name(_ id: String) -> String { names[id] ?? id }

    init(_ acts: [Act?]) {
        for act in acts {
            guard let was = act?.was, let made = act?.made else { continue }
            names[made] = names[was] ?? was
        }
        for (n, act) in acts.enumerated() {
            guard let act, let command = act.command else { continue }
            switch command {
            case .consentWithdraw(let id), .consentRevoke(let id, _): withdrawn[name(id)] = n
            case .delegate(.end(let mandate)): mandatesEnded[name(mandate)] = n
            case .consentRenew(let id, let until): renewed[name(id)] = until
            case .citizenRemove(let name, _): removed.insert(PersonID(name))
            case .deviceClaimAnnounced(false): if let person = act.by { off[person] = n }
            case .consentEmergency(false, _): if let person = act.by { emergencyOff[person] = n }
            default: break
            }
            // What is paused is nobody else's for it.
            if command.namesDevices { continue }
            guard !command.permits, !command.makesConsent else { continue }
            for thing in act.devices ?? [] {
                byAddress[Key(home: thing.home, name: thing.address)] = n
                if let identity = thing.identity {
                    byIdentity[Key(home: thing.home, name: identity)] = n
                } else {
                    byAddressAlone[Key(home: thing.home, name: thing.address)] = n
                }
            }
        }
    }

    /// What a delegate ended and the citizen gave again is given again.
    func isWithdrawn(_ id: String, after n: Int) -> Bool { withdrawn[name(id)] ?? -1 > n }

    func isEnded(mandate id: String, after n: Int) -> Bool { mandatesEnded[name(id)] ?? -1 > n }

    func isOff(_ person: PersonID, after n: Int) -> Bool { removed.contains(person) || off[person] ?? -1 > n }

    func isEmergencyOff(_ person: PersonID, after n: Int) -> Bool { emergencyOff[person] ?? -1 > n }

    func isTaken(_ thing: Deeds.Thing, after n: Int) -> Bool {
        let address = Key(home: thing.home, name: thing.address)
        guard let identity = thing.identity else { return byAddress[address] ?? -1 > n }
        return max(byIdentity[Key(home: thing.home, name: identity)] ?? -1, byAddressAlone[address] ?? -1) > n
    }
}
