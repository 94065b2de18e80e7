import Care
import Logging
import Store

extension Engine {
    /// Performs one command in a turn. `alertWatch` is answered at once with what there is; waiting is the
    /// caller's.
    public func perform(_ command: Command, by caller: Caller, operatorUIDs: [UInt32]) -> Reply {
        switch begin(command, by: caller, operatorUIDs: operatorUIDs) {
        case .reply(let reply): reply
        case .aside(let work): work()
        }
    }

    /// The same, but what takes long to work out is given back to be worked out on another thread.
    public func begin(_ command: Command, by caller: Caller, operatorUIDs: [UInt32]) -> Performed {
        do {
            // A service is known by its token, from whichever machine it asks.
            if case .service(let act) = command, let reply = try fetched(act) { return .reply(reply) }
            return begin(command, as: try actor(caller, operatorUIDs: operatorUIDs))
        } catch {
            return .reply(failed(command, error))
        }
    }

    private func failed(_ command: Command, _ error: any Error) -> Reply {
        if let problem = error as? CommandProblem { return problem.reply }
        if let problem = StoreProblem(error) { degrade(problem) }
        log.error("A command could not be performed.", metadata: ["command": "\(command.name)", "error": "\(error)"])
        return .failed("This could not be written down; nothing was changed. The gateway's log says why. Check that the disk is not full, then try again.")
    }

    /// The same for whoever is known already.
    func begin(_ command: Command, as known: Actor) -> Performed {
        cameTo = nil
        do {
            if case .status = command { return .reply(status(known.delegate.map { Actor(person: world.people[$0]) } ?? known)) }
            if command.isAside {
                return try turn { tx in
                    let work = try aside(command, isDelegate(known) ? lookAside(command, known, tx) : known)
                    try logOperator(known, command, .done, tx)
                    return .aside(work)
                }
            }
            var usersChanged = false
            var reply = try turn { tx -> Reply in
                let reply = isDelegate(known) ? try actFor(command, known, tx) : try perform(command, known, tx, &usersChanged)
                try logOperator(known, command, reply.outcome, tx)
                try journal(command, known, reply, isAfterCommit: false)
                return reply
            }
            do { try journal(command, known, reply, isAfterCommit: true) } catch {
                log.error("What was permitted is not in the journal: a restore would forget it.", metadata: ["error": "\(error)"])
            }
            if usersChanged, let sentence = applyUsers() { reply.say.append(sentence) }
            return .reply(reply)
        } catch let problem as CommandProblem {
            // What was refused is logged like what was done; its turn is undone, so it has one of its own.
            if known.operatorUID != nil { try? turn { tx in try logOperator(known, command, problem.reply.outcome, tx) } }
            return .reply(problem.reply)
        } catch {
            return .reply(failed(command, error))
        }
    }

    private func aside(_ command: Command, _ actor: Actor) throws -> @Sendable () -> Reply {
        switch command {
        case .coverage(let circle, let all): try coverage(circle, all, actor)
        case .insights(let since): try insights(since, actor)
        case .consentPreview(let change): try consentPreview(change, actor)
        case .audit(let query): try audit(query, actor)
        case .dataPast(let citizen, let kind): try dataPast(citizen, kind, actor)
        case .dataKeep(let draft): try dataKeepCheck(draft, actor)
        case .dataKeeping(let citizen, let history): try dataKeeping(citizen, history: history, actor)
        default: { .failed("This is not worked out aside.") }
        }
    }

    private func logOperator(_ actor: Actor, _ command: Command, _ outcome: Reply.Outcome, _ tx: StoreTurn) throws {
        guard let uid = actor.operatorUID, command.isLogged else { return }
        try tx.logOperator(at: now, uid: uid, actingFor: actor.person?.id.name, command: command.name, outcome: outcome.rawValue)
        // Whom it was for stands in the data folder's own log; names stay out of this one.
        log.notice("An operator spoke\(actor.person == nil ? "" : " for somebody").", metadata: ["uid": "\(uid)", "command": "\(command.name)"])
    }

    private func perform(_ command: Command, _ actor: Actor, _ tx: StoreTurn, _ usersChanged: inout Bool) throws -> Reply {
        switch command {
        case .circleAdd(let circle, let title): return try circleAdd(circle, title, actor, tx)
        case .circleList: return circleList()
        case .homeAdd(let home, let circle, let zone, let address, let latitude, let longitude):
            usersChanged = true
            return try homeAdd(home, circle, zone, address, latitude, longitude, actor, tx)
        case .homeList: return try homeList(actor)
        case .homeRemove(let home):
            usersChanged = true
            return try homeRemove(home, actor, tx)
        case .citizenAdd(let citizen, let home, let name, let uid): return try citizenAdd(citizen, home, name, uid, actor, tx)
        case .citizenList: return try personList(.citizen, actor)
        case .citizenRemove(let citizen, let erase): return try citizenRemove(citizen, erase: erase ?? false, actor, tx)
        case .citizenErase(let citizen): return try citizenErase(citizen, actor, tx)
        case .helperAdd(let helper, let name, let circles, let uid, let latitude, let longitude, let hours, let ntfy):
            usersChanged = true
            return try helperAdd(helper, name, circles, uid, latitude, longitude, hours, ntfy, actor, tx)
        case .helperList: return try personList(.helper, actor)
        case .helperRemove(let helper):
            usersChanged = true
            return try personRemove(helper, .helper, actor, tx)
        case .helperDuty(let helper, let on): return try helperDuty(helper, on, actor, tx)
        case .coordinatorAdd(let coordinator, let name, let uid, let ntfy):
            usersChanged = true
            return try coordinatorAdd(coordinator, name, uid, ntfy, actor, tx)
        case .coordinatorRemove(let coordinator):
            usersChanged = true
            return try personRemove(coordinator, .coordinator, actor, tx)
        case .serviceAdd(let service, let name, let uid):
            usersChanged = true
            return try serviceAdd(service, name, uid, actor, tx)
        case .serviceRemove(let service):
            usersChanged = true
            return try personRemove(service, .service, actor, tx)
        case .deviceList(let home, let unclaimed): return try deviceList(home, unclaimed: unclaimed, actor, tx)
        case .deviceClaim(let home, let device, let citizens, let expected, let title):
            return try deviceClaim(home, device, citizens, expected, title, actor, tx)
        case .deviceMove(let home, let device, let to): return try deviceMove(home, device, to, actor, tx)
        case .deviceRetire(let home, let device): return try deviceRetire(home, device, actor, tx)
        case .deviceClaimAnnounced(let on): return try deviceClaimAnnounced(on, actor, tx)
        case .deviceWatch(let home, let after): return try deviceWatch(home, after, actor)
        case .deviceRelease(let home, let device): return try deviceRelease(home, device, actor, tx)
        case .deviceProblems(let home): return try deviceProblems(home, actor, tx)
        case .consentGrant(let draft): return try consentAdd(draft, .permit, actor, tx)
        case .consentRefuse(let draft): return try consentAdd(draft, .refuse, actor, tx)
        case .consentWithdraw(let id): return try consentWithdraw(id, actor, tx)
        case .consentList(let citizen, let all): return try consentList(citizen, all, actor, tx)
        case .consentEmergency(let on, let circles): return try consentEmergency(on, circles, actor, tx)
        case .consentOffers: return consentOffers()
        case .consentAccept(let offer, let who, let until): return try consentAccept(offer, who, until, actor, tx)
        case .consentSay(let draft): return try consentSay(draft, actor)
        case .consentRequest(let draft, let reason): return try consentRequest(draft, reason, actor, tx)
        case .consentRequests: return try consentRequests(actor, tx)
        case .consentGive(let id, let less): return try consentGive(id, less, actor, tx)
        case .consentDefer(let id): return try consentDefer(id, actor, tx)
        case .consentDeny(let id): return try consentDeny(id, actor, tx)
        case .consentRenew(let id, let until): return try consentRenew(id, until, actor, tx)
        case .consentRevoke(let id, let reason): return try consentRevoke(id, reason, actor, tx)
        case .consentHistory(let id): return try consentHistory(id, actor, tx)
        case .pause(let draft): return try pause(draft, actor, tx)
        case .pauseList(let citizen): return try pauseList(citizen, actor)
        case .pauseEnd(let id, _): return try pauseEnd(id, actor, tx)
        case .alertList(let all): return try alertList(all, actor, tx)
        case .alertShow(let alert): return try alertShow(alert, actor, tx)
        case .alertAnswer(let alert, let answer, let note): return try alertAnswer(alert, answer, note, actor, tx)
        case .alertCancel(let alert, let note): return try alertCancel(alert, note, actor, tx)
        case .alertTest(let home, let rule): return try alertTest(home, rule, actor, tx)
        case .alertWatch(let after, _): return try alertWatch(after, actor, tx)
        case .readingList(let citizen, let home, let quantity, let since, let limit, let purpose):
            return try readingList(citizen, home, quantity, since, limit, purpose, actor, tx)
        case .whoSaw(let citizen, let since): return try whoSaw(citizen, since, actor, tx)
        case .why(let id): return try why(id, actor, tx)
        case .dataExport(let citizen): return try dataExport(citizen, actor, tx)
        case .dataImport(let part, let citizen, let home, let isCheck): return try dataImport(part, citizen, home, isCheck: isCheck, actor, tx)
        case .dataKeep(let draft) where !draft.isCheck: return try dataKeep(draft, actor, tx)
        case .dataErase(let draft): return try dataErase(draft, actor, tx)
        case .dataErasing(let citizen): return try dataErasing(citizen, actor, tx)
        case .service(let act):
            if case .login = act { usersChanged = true }
            return try service(act, actor, tx)
        case .status: return status(actor)
        case .delegate(let said): return try delegate(said, actor, tx)
        case .coverage, .insights, .consentPreview, .audit, .dataPast, .dataKeep, .dataKeeping: return try aside(command, actor)()
        }
    }

    /// Lets the broker know its users. - Returns: a sentence when something has to be done by hand.
    func applyUsers() -> String? {
        guard let broker else { return nil }
        do {
            let logins = try store.read { try $0.logins() }
            let homes = logins.filter { world.homes[HomeID($0.name)] != nil }
            let people = logins.filter { world.people[PersonID($0.name)] != nil }
            let services = people.filter { world.people[PersonID($0.name)]?.kind == .service }
            let helpers = people.filter { world.people[PersonID($0.name)]?.kind != .service }
            let isTold = try broker.apply(homes: homes, helpers: helpers, services: services)
            usersPending = false
            if isTold { return nil }
            return "The broker is not running here; it will know this when it starts."
        } catch {
            usersPending = true
            log.error("The broker's user files could not be written; tried again each minute.", metadata: ["error": "\(error)"])
            return "The broker's user files could not be written, so the broker does not know this yet. Check the disk; it is tried again each minute."
        }
    }

    /// A login for a new home, helper or coordinator: the password is said once and kept nowhere.
    func newLogin(_ name: String, _ tx: StoreTurn) throws -> String? {
        guard let broker else { return nil }
        let password = broker.newPassword()
        try tx.saveLogin(name, hash: try broker.hash(password))
        return password
    }
}

extension Command {
    /// For the log: `home add`.
    var name: String {
        switch self {
        case .circleAdd: "circle add"
        case .circleList: "circle list"
        case .homeAdd: "home add"
        case .homeList: "home list"
        case .homeRemove: "home remove"
        case .citizenAdd: "citizen add"
        case .citizenList: "citizen list"
        case .citizenRemove(_, let erase): erase == true ? "citizen remove --erase" : "citizen remove"
        case .citizenErase: "citizen erase"
        case .helperAdd: "helper add"
        case .helperList: "helper list"
        case .helperRemove: "helper remove"
        case .helperDuty(_, let on): on ? "helper on" : "helper off"
        case .coordinatorAdd: "coordinator add"
        case .coordinatorRemove: "coordinator remove"
        case .serviceAdd: "service add"
        case .serviceRemove: "service remove"
        case .deviceList: "device list"
        case .deviceClaim: "device claim"
        case .deviceRelease: "device release"
        case .deviceMove: "device move"
        case .deviceRetire: "device retire"
        case .deviceClaimAnnounced: "device claim-announced"
        case .deviceWatch: "device watch"
        case .deviceProblems: "device problems"
        case .consentGrant: "consent grant"
        case .consentRefuse: "consent refuse"
        case .consentWithdraw: "consent withdraw"
        case .consentList: "consent list"
        case .consentOffers: "consent offers"
        case .consentAccept: "consent accept"
        case .consentSay: "consent say"
        case .consentPreview: "consent preview"
        case .consentRequest: "consent request"
        case .consentRequests: "consent requests"
        case .consentGive: "consent give"
        case .consentDefer: "consent defer"
        case .consentDeny: "consent deny"
        case .consentRenew: "consent renew"
        case .consentRevoke: "consent revoke"
        case .consentHistory: "consent history"
        case .consentEmergency(let on, _): on ? "consent emergency on" : "consent emergency off"
        case .pause: "pause"
        case .pauseList: "pause list"
        case .pauseEnd: "pause end"
        case .alertList: "alert list"
        case .alertShow: "alert show"
        case .alertAnswer(_, let answer, _): "alert \(answer.rawValue)"
        case .alertCancel: "alert cancel"
        case .alertTest: "alert test"
        case .alertWatch: "alert watch"
        case .readingList: "reading list"
        case .whoSaw: "who-saw"
        case .why: "why"
        case .dataExport: "data export"
        case .dataImport(_, _, _, let isCheck): isCheck ? "data import --check" : "data import"
        case .dataPast: "data past"
        case .dataErase(let draft): draft.isCheck ? "data erase --check" : "data erase"
        case .dataErasing: "data erase --status"
        case .dataKeep(let draft): draft.isCheck ? "data keep --check" : "data keep"
        case .dataKeeping: "data keep --show"
        case .audit(let query): "audit \(query.name)"
        case .service(let act): act.name
        case .status: "status"
        case .coverage: "coverage"
        case .insights: "insights"
        case .delegate(let said): said.name
        }
    }

    /// Worked out beside the turns; see `Performed`.
    var isAside: Bool {
        switch self {
        case .coverage, .insights, .consentPreview, .audit, .dataPast, .dataKeeping: true
        case .dataKeep(let draft): draft.isCheck
        default: false
        }
    }

    /// What an operator did in somebody's name is logged, looking included; only the polling of `watch` and
    /// `status` is not, which would fill the log with nothing.
    var isLogged: Bool {
        switch self {
        case .alertWatch(let after, _): after <= 0
        case .deviceWatch(_, let after): after < 0
        // An import is hundreds of pieces and one act.
        case .dataImport(let part, _, _, _): if case .begin = part { true } else { false }
        case .audit(let query): query.isLogged
        case .status: false
        default: true
        }
    }
}
