import Care
import Foundation
import Logging
import Store

/// One line of the journal: what somebody decided, or what the gateway claimed because they had said that it should.
struct Act: Codable {
    /// Nil: only `claims`.
    var command: Command?
    /// When it was done. It stands beside the line in the journal, not in it.
    var at: Instant?
    var by: PersonID?
    /// The operator who said it for them, or for nobody.
    var uid: UInt32?
    /// They said it themselves. With neither this nor `uid` an older gateway wrote the line.
    var isOwn: Bool?
    /// The consent record or the pause that it made, by which a later withdrawal names it.
    var made: String?
    /// Only in a line that says nothing but this: what `made` names is what was called so before a restore.
    var was: String?
    /// What it took from somebody, or what a consent names, in the consent's order.
    var devices: [Deeds.Thing]?
    /// What became whose by it. In a line with neither `devices` nor `claims` (an older gateway wrote it) the command's
    /// own words say which device is meant.
    var claims: [Deeds.Claim]?
    /// No person asked for these claims one by one: the home has what announces itself.
    var isByItself: Bool?
    /// A delegate did it for `by`.
    var deed: DelegateAct?
    /// What of a delegate's is undone by it: `x4`.
    var undoes: String?
}

extension Act {
    init(_ actor: Actor) {
        (by, uid) = (actor.person?.id, actor.operatorUID)
        isOwn = actor.operatorUID == nil ? true : nil
    }
}

/// What a turn does to whose devices are whose, for the journal.
struct Deeds: Sendable {
    /// Which device is meant, and enough to know it where it is not known: claims outlive their announcement.
    struct Thing: Codable, Hashable, Sendable {
        var home: HomeID
        /// Its name then.
        var address: String
        var identity: String?
        var convention: String
        var expected: Span?
        var title: String?
        var model: String?
        var bridge: String?

        init(_ device: Device) {
            (home, address, identity, convention) = (device.home, device.address, device.identity, device.convention)
            (expected, title, model, bridge) = (device.expected, device.title, device.model, device.bridge)
        }
    }

    struct Claim: Codable, Hashable, Sendable {
        var device: Thing
        /// Who joined.
        var citizens: [PersonID]

        init(_ device: Device, _ citizens: [PersonID]) {
            self.device = Thing(device)
            self.citizens = citizens
        }
    }

    var released: [Thing] = []
    var claimed: [Claim] = []
    var claimedByItself: [Claim] = []
}

/// What people decided of their own data, kept beside the database as well: a database that goes on from a backup must
/// not tell what a citizen has forbidden since.
extension Engine {
    /// What takes away is in the journal before the commit: repeated, it forbids too much at worst. What permits comes
    /// after it (`isAfterCommit`), because nobody may be told what was only tried. Giving a device away is both.
    func journal(_ command: Command, _ actor: Actor, _ reply: Reply, isAfterCommit: Bool) throws {
        let (command, actor, reply) = cameTo.map { ($0.command, $0.actor, $0.reply) } ?? (command, actor, reply)
        guard command.isAct, reply.outcome == .done else { return }
        if case .dataErase(let draft) = command, draft.isCheck { return }
        if case .dataKeep = command {
            // Each category by itself; what keeps more is nothing that takes away.
            for item in reply.items where item["longer"] == .bool(isAfterCommit) {
                var act = Act(actor)
                act.command = .dataKeep(KeepDraft(item))
                try journal(act)
            }
            return
        }
        if case .consentAccept = command {
            // Each of its records by itself, as it is withdrawn by itself.
            guard isAfterCommit else { return }
            for item in reply.items {
                var act = Act(actor)
                act.command = .consentGrant(ConsentDraft(item))
                act.made = item["consent"]?.string
                act.devices = namedDevices(item)
                try journal(act)
            }
            return
        }
        let item = reply.items.first
        var act = Act(actor)
        (act.deed, act.undoes) = (cameTo?.deed, cameTo?.undoes?.description)
        // To renew a refusal takes away.
        let permits = command.permits && item?["effect"]?.string != ConsentRecord.Effect.refuse.rawValue
        if permits == isAfterCommit {
            act.command = command.dated(from: item?["from"]?.string, until: item?["until"]?.string)
            // The request may be newer than the backup: what was given stands for itself.
            if case .consentGive = command, let item { act.command = .consentGrant(ConsentDraft(item)) }
            act.made = command.makesConsent ? item?["consent"]?.string : item?["pause"]?.string ?? item?["mandate"]?.string
            if command.namesDevices { act.devices = namedDevices(item) } else if command.makesConsent { act.devices = namedDevices(item) } else if !command.permits { act.devices = deeds.released }
        }
        if isAfterCommit, command.permits && !command.makesConsent || !deeds.claimed.isEmpty { act.claims = deeds.claimed }
        guard act.command != nil || act.claims != nil else { return }
        try journal(act)
    }

    /// What the turn that was just committed claimed of itself. Nobody waits for it, so what cannot be written is only logged.
    func journalOwnClaims() {
        guard !deeds.claimedByItself.isEmpty else { return }
        do { try journal(Act(claims: deeds.claimedByItself, isByItself: true)) } catch {
            log.error("What was claimed is not in the journal: a restore would forget it.", metadata: ["error": "\(error)"])
        }
    }

    private func journal(_ act: Act) throws {
        guard let journal else { return }
        try write(act, journal)
    }

    func write(_ act: Act, _ journal: ActJournal) throws {
        do {
            try journal.append(Array(JSONEncoder().encode(act)), at: now)
        } catch {
            throw StoreError(
                "The journal of acts cannot be written; check that the data folder can be written to and the disk is not full.",
                detail: "\(error)", problem: StoreProblem(error))
        }
    }

    /// The devices that a consent names, as it was read back.
    private func namedDevices(_ item: JSON?) -> [Deeds.Thing]? {
        guard case .array(let data) = item?["data"] else { return nil }
        let devices = data.compactMap { text -> Device? in
            guard let text = text.string, case .device(let id) = try? DataPattern(text: text) else { return nil }
            return world.device(id)?.device
        }
        return devices.isEmpty ? nil : devices.map { Deeds.Thing($0) }
    }
}

extension Command {
    /// Whether it lets somebody know or store more, rather than less.
    var permits: Bool {
        switch self {
        case .consentGrant, .consentAccept, .consentGive, .consentRenew, .deviceClaim, .pauseEnd: true
        case .deviceClaimAnnounced(let on), .consentEmergency(let on, _): on
        case .delegate(.appoint): true
        default: false
        }
    }

    /// The same record until another instant.
    func lasting(until: String) -> Command {
        switch self {
        case .consentGrant(var draft):
            draft.until = until
            return .consentGrant(draft)
        case .consentRefuse(var draft):
            draft.until = until
            return .consentRefuse(draft)
        default: return self
        }
    }

    /// A length of time, said on the day, as the instants that it meant.
    func dated(from: String?, until: String?) -> Command {
        switch self {
        case .consentGrant(var draft):
            (draft.from, draft.until) = (from, until)
            return .consentGrant(draft)
        case .consentRefuse(var draft):
            (draft.from, draft.until) = (from, until)
            return .consentRefuse(draft)
        case .consentRenew(let id, let said): return .consentRenew(id: id, until: until ?? said)
        case .pause(var draft):
            (draft.from, draft.until, draft.length) = (from, until, nil)
            return .pause(draft)
        // A new token ends the one before, which a backup may still know; the new one is given again by hand.
        case .service(.token(let service, _)): return .service(.token(service: service, end: true))
        case .pauseEnd(let id, _): return .pauseEnd(id: id, at: until)
        case .dataErase(var draft):
            draft.end = until
            return .dataErase(draft)
        case .delegate(.appoint(var draft)):
            (draft.from, draft.until) = (from, until ?? draft.until)
            // As they stand in the mandate, by which it is found again.
            (draft.categories, draft.purposes) = (Set(draft.categories).sorted(), Set(draft.purposes).sorted())
            return .delegate(.appoint(draft))
        default: return self
        }
    }

    /// Its devices are only meant, not taken from anybody.
    var namesDevices: Bool {
        switch self {
        case .pause, .dataErase: true
        default: false
        }
    }

    var makesConsent: Bool {
        switch self {
        case .consentGrant, .consentRefuse, .consentGive, .consentEmergency(true, _): true
        default: false
        }
    }

    /// Whether it says whose data is whose, or who may know it. Not what adds people: their passwords cannot be given
    /// twice, so whoever was added after a backup is added again by hand.
    var isAct: Bool {
        switch self {
        case .dataErase, .dataKeep, .pause, .pauseEnd, .consentGrant, .consentRefuse, .consentWithdraw, .consentAccept, .consentGive, .consentRenew, .consentRevoke, .consentEmergency, .deviceClaim, .deviceRelease, .deviceMove, .deviceRetire, .deviceClaimAnnounced, .homeRemove, .citizenRemove, .citizenErase, .helperRemove,
            .coordinatorRemove, .serviceRemove, .service(.token), .service(.login):
            true
        case .delegate(let said): said.isAct
        default: false
        }
    }
}

extension KeepDraft {
    /// A choice as it was read back.
    fileprivate init(_ item: JSON) {
        let days = item["days"]?.int
        self.init(categories: [item["category"]?.string ?? ""], length: days.map { "\($0)d" }, then: item["then"]?.string, isDefault: days == nil)
    }
}

extension ConsentDraft {
    /// A record as it was read back.
    init(_ item: JSON) {
        func texts(_ key: String) -> [String] {
            guard case .array(let values) = item[key] else { return [] }
            return values.compactMap { $0.string }
        }
        self.init(
            citizen: nil, to: texts("to"), purposes: texts("purposes"), data: texts("data"), detail: item["detail"]?.string,
            stage: item["stage"]?.string, severity: item["while"]?.string, hours: texts("hours"), from: item["from"]?.string,
            until: item["until"]?.string)
    }
}
