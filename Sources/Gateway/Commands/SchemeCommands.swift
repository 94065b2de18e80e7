import Care
import Notify
import Store

/// Homes, people and circles.
extension Engine {
    private func schemeOnly(_ actor: Actor) throws(CommandProblem) {
        guard actor.runsScheme else { throw .refused("Only a coordinator or an operator may do this.") }
    }

    private func position(_ latitude: Double?, _ longitude: Double?) throws(CommandProblem) -> Position? {
        switch (latitude, longitude) {
        case (nil, nil): return nil
        case (let a?, let b?):
            if let position = Position(latitude: a, longitude: b) { return position }
        default: break
        }
        throw .failed("A place is latitude and longitude in degrees, such as --at 51.48,-0.19.")
    }

    private func circle(_ name: String) throws(CommandProblem) -> CircleID {
        let id = CircleID(name)
        guard world.circles[id] != nil else {
            throw .failed("There is no circle called \u{201C}\(safeText(name))\u{201D}. Add it first: caring circle add \(isUsableName(name) ? name : "NAME") --title \u{201C}…\u{201D}")
        }
        return id
    }

    private func freeUID(_ uid: UInt32?) throws(CommandProblem) {
        // 65534 is also what the kernel says of somebody it does not know.
        if let uid, uid >= 65_534, uid <= 65_535 || uid == .max { throw .failed("Unix user \(uid) is nobody in particular; give the person a user of their own.") }
        guard let uid, let other = world.people.values.filter({ $0.uid == uid }).min(by: { $0.id < $1.id }) else { return }
        throw .failed("Unix user \(uid) already speaks for \(other.id); one user speaks for one person.")
    }

    func circleAdd(_ name: String, _ title: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        try schemeOnly(actor)
        guard isUsableName(name) else { throw CommandProblem.failed("A circle's name is 1 to 40 of a-z, 0-9 and \u{201C}-\u{201D}.") }
        guard world.circles[CircleID(name)] == nil else { throw CommandProblem.failed("There is a circle called \(name) already.") }
        let circle = Circle(id: CircleID(name), title: try self.title(title, what: "The title"))
        try tx.save(circle)
        world.circles[circle.id] = circle
        return Reply(say: ["The circle \(title) (\(name)) is there now."], items: [item(circle)])
    }

    func circleList() -> Reply {
        let all = world.circles.values.sorted { $0.id < $1.id }
        return Reply(
            say: all.isEmpty ? ["There are no circles yet. Add one: caring circle add oak-street --title \u{201C}Oak Street\u{201D}"]
                : all.map { circle in
                    let helpers = world.people.values.count { $0.circles.contains(circle.id) }
                    let homes = world.homes.values.count { $0.circle == circle.id }
                    return "\(circle.title) (\(circle.id)): \(counted(helpers, "helper")), \(counted(homes, "home"))"
                },
            items: all.map(item))
    }

    private func item(_ circle: Circle) -> JSON {
        .object(["circle": .string(circle.id.name), "title": .string(circle.title)])
    }

    func homeAdd(
        _ name: String, _ circle: String?, _ zone: String?, _ address: String?, _ latitude: Double?, _ longitude: Double?,
        _ actor: Actor, _ tx: StoreTurn
    ) throws -> Reply {
        try schemeOnly(actor)
        try newName(name, what: "home")
        guard world.homes.count < configuration.limits.homesMax else {
            throw CommandProblem.failed("There are \(world.homes.count) homes, as many as this gateway takes (homesMax).")
        }
        let zoneName = zone ?? configuration.zone
        guard world.zones.zone(zoneName) != nil else {
            throw CommandProblem.failed("\u{201C}\(safeText(zoneName))\u{201D} is no time zone; write it like Europe/London.")
        }
        let home = Home(
            id: HomeID(name), circle: try circle.map { try self.circle($0) }, zone: zoneName,
            address: try address.map { try title($0, what: "The address") }, position: try position(latitude, longitude),
            addedAt: now)
        try tx.save(home)
        world.homes[home.id] = home
        world.namesTaken.insert(name)
        world.detectors.addHome(home.id, zone: world.zone(of: home.id), at: now, into: &output)
        try takeOver(tx)
        topics.removeAll()
        shared.removeAll()
        let password = try newLogin(name, tx)
        var object: [JSON.Member] = itemMembers(home)
        var say = ["The home \(name) is there now\(home.circle.map { ", in \(world.circleTitle($0))" } ?? "")."]
        if let password {
            say.append("Its devices log in to the broker as \u{201C}\(name)\u{201D} with the password \(password) and publish under homes/\(name)/.")
            say.append("The password is shown only this once.")
            object.append(.init("login", .string(name)))
            object.append(.init("password", .string(password)))
        }
        return Reply(say: say, items: [.object(object)])
    }

    private func itemMembers(_ home: Home) -> [JSON.Member] {
        [
            .init("home", .string(home.id.name)), .init("circle", .optional(home.circle?.name)), .init("zone", .string(home.zone)),
        ]
    }

    func homeList(_ actor: Actor) throws -> Reply {
        try schemeOnly(actor)
        let all = world.homes.values.sorted { $0.id < $1.id }
        return Reply(
            say: all.isEmpty ? ["There are no homes yet. Add one: caring home add elm-3 --circle oak-street"]
                : all.map { home in
                    let citizens = world.people.values.count { $0.home == home.id && $0.kind == .citizen }
                    return "\(home.id): \(home.circle.map { world.circleTitle($0) } ?? "in no circle"), \(counted(citizens, "citizen")), clocks of \(home.zone)"
                },
            items: all.map { .object(itemMembers($0)) })
    }

    func homeRemove(_ name: String, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        try schemeOnly(actor)
        let id = HomeID(name)
        guard world.homes[id] != nil else { throw CommandProblem.failed("There is no home called \u{201C}\(safeText(name))\u{201D}.") }
        let living = world.people.values.filter { $0.home == id }.map(\.id).sorted()
        guard living.isEmpty else {
            throw CommandProblem.failed("\(living.map(\.name).joined(separator: " and ")) still live there. Remove them first: caring citizen remove \(living[0])")
        }
        // Whose they are and how many stands nowhere in this sentence.
        if world.alerts.contains(where: { $0.home == id }) {
            throw CommandProblem.failed("That home cannot be removed just now. Try again when nothing is going on there.")
        }
        for device in world.devices(of: id) where !device.device.citizens.isEmpty { try release(device.device, tx) }
        world.detectors.removeHome(id, into: &output)
        try takeOver(tx)
        try tx.remove(id, at: now)
        try tx.removeLogin(name)
        try tx.removeAnnouncements(id)
        try tx.forgetPlace(id)
        world.homes[id] = nil
        world.announced[id] = nil
        world.bridges[id] = nil
        topics.removeAll()
        shared.removeAll()
        return Reply(say: ["The home \(name) is removed and its login no longer works. What was stored stays until it is erased."])
    }

    func citizenAdd(_ name: String, _ home: String, _ fullName: String, _ uid: UInt32?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        try schemeOnly(actor)
        try newName(name, what: "citizen")
        try freeUID(uid)
        guard world.homes[HomeID(home)] != nil else { throw CommandProblem.failed("There is no home called \u{201C}\(safeText(home))\u{201D}. Add it first: caring home add") }
        let person = Person(
            id: PersonID(name), kind: .citizen, name: try title(fullName, what: "The name"), home: HomeID(home), uid: uid, addedAt: now)
        try add(person, tx)
        return Reply(
            say: [
                "\(fullName) (\(name)) lives in \(home) now.",
                "Nobody may be told anything about them until they permit it: caring consent grant --as \(name) …",
            ], items: [item(person, showName: true)])
    }

    private func add(_ person: Person, _ tx: StoreTurn) throws {
        try tx.save(person)
        world.people[person.id] = person
        world.namesTaken.insert(person.id.name)
    }

    func helperAdd(
        _ name: String, _ fullName: String, _ circles: [String], _ uid: UInt32?, _ latitude: Double?, _ longitude: Double?,
        _ hours: [String], _ ntfy: String?, _ actor: Actor, _ tx: StoreTurn
    ) throws -> Reply {
        try schemeOnly(actor)
        try newName(name, what: "helper")
        try freeUID(uid)
        let windows = try hours.map { text in
            do { return try HourWindow(text: text) } catch { throw CommandProblem.failed("\(error)") }
        }
        let person = Person(
            id: PersonID(name), kind: .helper, name: try title(fullName, what: "The name"), uid: uid,
            circles: Set(try circles.map { try circle($0) }).sorted(), position: try position(latitude, longitude),
            hours: windows, ntfy: try phone(ntfy), addedAt: now)
        try add(person, tx)
        return try withLogin(person, "\(fullName) (\(name)) is a helper now\(person.circles.isEmpty ? "" : " in " + person.circles.map { world.circleTitle($0) }.joined(separator: ", ")).", tx)
    }

    func coordinatorAdd(_ name: String, _ fullName: String, _ uid: UInt32?, _ ntfy: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        try schemeOnly(actor)
        try newName(name, what: "coordinator")
        try freeUID(uid)
        let person = Person(
            id: PersonID(name), kind: .coordinator, name: try title(fullName, what: "The name"), uid: uid, ntfy: try phone(ntfy),
            addedAt: now)
        try add(person, tx)
        return try withLogin(person, "\(fullName) (\(name)) is a coordinator now.", tx)
    }

    private func phone(_ address: String?) throws -> String? {
        guard let address else { return nil }
        if let problem = HTTPNotifier.problem(ofAddress: address) {
            throw CommandProblem.failed(problem)
        }
        return address
    }

    func withLogin(_ person: Person, _ sentence: String, _ tx: StoreTurn) throws -> Reply {
        var say = [sentence]
        guard case .object(var members) = item(person, showName: true) else { return Reply(say: say) }
        if let password = try newLogin(person.id.name, tx) {
            let place = person.kind == .service ? "shared/\(person.id)/#" : "helpers/\(person.id)/alerts/#"
            say.append("Their client logs in to the broker as \u{201C}\(person.id)\u{201D} with the password \(password) and listens on \(place).")
            say.append("The password is shown only this once.")
            members.append(.init("login", .string(person.id.name)))
            members.append(.init("password", .string(password)))
        }
        return Reply(say: say, items: [.object(members)])
    }

    func serviceAdd(_ name: String, _ fullName: String, _ uid: UInt32?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        try schemeOnly(actor)
        try newName(name, what: "service")
        try freeUID(uid)
        let person = Person(id: PersonID(name), kind: .service, name: try title(fullName, what: "The name"), uid: uid, addedAt: now)
        try add(person, tx)
        // What somebody permits to any service may flow to it from now on.
        topics.removeAll()
        shared.removeAll()
        return try withLogin(person, "The service \(fullName) (\(name)) is known now. It learns nothing until a citizen permits it.", tx)
    }

    /// Somebody who is nothing else in the scheme. Being known lets them do nothing.
    func delegateAdd(_ name: String, _ fullName: String, _ uid: UInt32?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        try schemeOnly(actor)
        try newName(name, what: "delegate")
        try freeUID(uid)
        let person = Person(id: PersonID(name), kind: .delegate, name: try title(fullName, what: "The name"), uid: uid, addedAt: now)
        try add(person, tx)
        return Reply(
            say: ["\(fullName) (\(name)) is known now. They act for nobody until a citizen says so: caring delegate appoint \(name) …"],
            items: [item(person, showName: true)])
    }

    func personList(_ kind: Person.Kind, _ actor: Actor) throws -> Reply {
        try schemeOnly(actor)
        let all = world.people.values.filter { $0.kind == kind }.sorted { $0.id < $1.id }
        return Reply(
            say: all.isEmpty ? ["There are no \(kind.rawValue)s yet."]
                : all.map { person in
                    switch kind {
                    // Which name belongs to which login is identity; the scheme's people know their citizens
                    // by login and home.
                    case .citizen: return "\(person.id), in \(person.home?.name ?? "no home")"
                    case .helper:
                        let circles = person.circles.isEmpty ? "in no circle" : person.circles.map { world.circleTitle($0) }.joined(separator: ", ")
                        return "\(person.name) (\(person.id)): \(circles), \(person.isOnDuty ? "on duty" : "off duty")"
                    case .coordinator, .service, .delegate: return "\(person.name) (\(person.id))"
                    }
                },
            items: all.map { item($0, showName: kind != .citizen) })
    }

    private func item(_ person: Person, showName: Bool) -> JSON {
        var members: [JSON.Member] = [.init(person.kind.rawValue, .string(person.id.name))]
        if showName { members.append(.init("name", .string(person.name))) }
        if person.kind == .citizen { members.append(.init("home", .optional(person.home?.name))) }
        if person.kind == .helper {
            members.append(.init("circles", .strings(person.circles.map(\.name))))
            members.append(.init("onDuty", .bool(person.isOnDuty)))
        }
        return .object(members)
    }

    func personRemove(_ name: String, _ kind: Person.Kind, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        try schemeOnly(actor)
        let id = PersonID(name)
        guard let person = world.people[id], person.kind == kind else {
            throw CommandProblem.failed("There is no \(kind.rawValue) called \u{201C}\(safeText(name))\u{201D}.")
        }
        if kind == .service { try endFeeds(ofService: id, tx) }
        if kind == .citizen {
            try endFeeds(ofCitizen: id, tx)
            if world.alerts.contains(where: { $0.citizens.contains(id) }) {
                throw CommandProblem.failed("\(name) cannot be removed just now. Try again when nothing is going on about them.")
            }
            for state in world.devices(of: person.home ?? HomeID("")) where state.device.citizens.contains(id) {
                try leave(state.device, id, tx)
            }
            if let home = person.home { try endPauses(of: id, in: home, by: actor.inLog, tx) }
            if let home = person.home.flatMap({ world.homes[$0] }) { try claimAnnounced(home, for: id, on: false, tx) }
            if let home = person.home { try oweClearing(Publication.proofTopic(home, id), tx) }
        }
        try endMandates(with: id, by: actor.inLog, tx)
        // What their client still shows is taken back while we still know where it is.
        let open = world.alerts.filter { $0.stage(of: id) != nil }.map(\.id)
        try tx.remove(id, at: now)
        try tx.removeLogin(name)
        world.people[id] = nil
        for alert in open { try recheck(alert, tx) }
        topics.removeAll()
        shared.removeAll()
        return Reply(say: ["\(person.name) (\(name)) is removed\(kind != .citizen ? ", and their login no longer works" : "")."])
    }

    func helperDuty(_ name: String?, _ on: Bool, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let id = name.map { PersonID($0) } ?? actor.person?.id ?? PersonID("")
        guard var person = world.people[id], person.kind == .helper else {
            throw CommandProblem.failed(name == nil ? "Say which helper: caring helper \(on ? "on" : "off") NAME" : "There is no helper called \u{201C}\(safeText(id.name))\u{201D}.")
        }
        guard actor.person?.id == id || actor.runsScheme else { throw CommandProblem.refused("Only \(person.name) may say when they are on duty.") }
        person.isOnDuty = on
        try tx.save(person)
        world.people[id] = person
        if on { for alert in world.alerts.map(\.id) { try recheck(alert, tx) } }
        return Reply(say: ["\(person.name) is \(on ? "on" : "off") duty now."], items: [item(person, showName: true)])
    }
}

/// "1 helper", "3 helpers".
func counted(_ n: Int, _ noun: String) -> String { "\(n) \(noun)\(n == 1 ? "" : "s")" }
