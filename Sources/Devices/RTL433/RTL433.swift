import Care

/// Radio sensors heard by [rtl_433](https://triq.org/rtl_433/): weather sensors, door contacts, pendants, meters.
///
/// `rtl_433/<host>/events` has each message as one JSON object that names its device;
/// `rtl_433/<host>/devices/<model>/<channel>/<id>/<key>` has a value a topic. The device's address is built by rtl_433's own
/// rule for the latter, `[type/][model/][subtype/][channel/][id]`, from both, and leaves out who heard it: two receivers in
/// one home hear the same thing. OpenMQTTGateway publishes the same objects on `<base>/<gateway>/RTL_433toMQTT`.
struct RTL433: Convention {
    static let name = "rtl_433"
    static let otherNames = ["rtl433"]
    static let usualTopic = "rtl_433/a receiver/events"

    private let profiles: DeviceProfiles
    private let roots: [String]
    var samples: [Sample] { profiles.samples }

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        let nodes = files.flatMap(\.items)
        profiles = try DeviceProfiles(nodes)
        var roots: [String] = []
        for node in nodes {
            guard let prefix = try Profile(node, alsoKnown: DeviceProfiles.keys).topic.prefix, !prefix.isEmpty, !prefix.contains("+")
            else { throw node.error("A topic here is a prefix and #, such as rtl_433/#.") }
            if !roots.contains(prefix) { roots.append(prefix) }
        }
        self.roots = roots.isEmpty ? [Self.name] : roots
    }

    /// The index of a property in its table, from 1, beside that of the profile in the route's `profileIndex`.
    private static let properties = 65_536

    func route(topicBelowHome topic: String) -> Route? {
        for root in roots where topic.hasPrefix(root + "/") {
            let levels = topic.dropFirst(root.utf8.count + 1).split(separator: "/", omittingEmptySubsequences: false)
            guard !levels.contains("") else { return nil }
            return route(root: root, levels)
        }
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        if let place = levels.firstIndex(of: "RTL_433toMQTT"), place > 0, !levels.contains("") {
            return shared(bridge: levels[..<place].joined(separator: "/"))
        }
        return nil
    }

    private func shared(bridge: String) -> Route? {
        Route(convention: Self.name, device: bridge, expected: nil, role: .shared, bridge: bridge)
    }

    private func route(root: String, _ levels: [Substring]) -> Route? {
        guard levels.count > 1 else {
            // `rtl_433` may be told to leave out its host's name.
            return levels.first == "events" || levels.first == "states" ? shared(bridge: root) : nil
        }
        let bridge = "\(root)/\(levels[0])"
        switch levels[1] {
        case "events" where levels.count == 2: return shared(bridge: bridge)
        case "availability" where levels.count == 2:
            return Route(convention: Self.name, device: bridge, expected: nil, role: .bridge)
        case "devices" where levels.count > 3:
            let path = levels[2..<(levels.count - 1)]
            if path.first == Substring(RTL433Identity.tyres) { break }
            let device = "\(Self.name)/" + path.joined(separator: "/")
            let index = profiles.index(device: device, models: Array(path))
            var key = levels[levels.count - 1]
            let table = profiles.entries[index].table
            guard let found = key.withUTF8({ table.find(UnsafeRawBufferPointer($0)) }), case .property = table.target(found) else { break }
            var route = Route(
                convention: Self.name, device: device, expected: profiles.entries[index].expected, role: .readings,
                profileIndex: index * Self.properties + found + 1, bridge: bridge)
            route?.repeatsWithin = profiles.entries[index].repeatsWithin
            return route
        default: break
        }
        // `states` tells the receiver's settings; what else there is, is rtl_433's own.
        return Route(convention: Self.name, device: bridge, expected: nil, role: .ignored)
    }

    func route(_ shared: Route, payload: UnsafeRawBufferPointer) -> Route? {
        guard let bridge = shared.bridge, let identity = RTL433Identity(payload) else { return nil }
        if identity.isTyre {
            // Of cars that drive past.
            return Route(convention: Self.name, device: bridge, expected: nil, role: .ignored)
        }
        let device = "\(Self.name)/\(identity.path)"
        let index = profiles.index(device: device, models: [identity.model[...]])
        var route = Route(
            convention: Self.name, device: device, expected: profiles.entries[index].expected, role: .readings,
            profileIndex: index * Self.properties, bridge: bridge)
        route?.repeatsWithin = profiles.entries[index].repeatsWithin
        return route
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        switch route.role {
        case .bridge, .availability: return availability(payload, yes: "online", no: "offline")
        case .readings: break
        case .announcement, .shared, .ignored: return .nothing
        }
        guard let entry = profiles.entry(route.profileIndex / Self.properties) else { return .undecodable(reason: Route.strangeReason) }
        if payload.isEmpty { return .nothing }
        let place = route.profileIndex % Self.properties
        let start = readings.count
        let outcome: Outcome
        if place == 0 {
            outcome = MemberReader.readObject(payload, entry.table, into: &readings)
        } else {
            guard place <= entry.table.count, case .property(let property) = entry.table.target(place - 1) else {
                return .undecodable(reason: Route.strangeReason)
            }
            outcome = MessageReader.readValue(payload, property, into: &readings)
        }
        Self.judgeBattery(&readings, from: start)
        return outcome
    }

    /// `battery_ok` is a level from 0 to 1, which is exactly one of them where a sensor knows no more than good and low.
    private static func judgeBattery(_ readings: inout [DecodedReading], from start: Int) {
        guard let battery, let low, let level = readings[start...].first(where: { $0.quantity == battery }) else { return }
        guard level.value == .number(0) || level.value == .number(100), !readings[start...].contains(where: { $0.quantity == low })
        else { return }
        var reading = level
        reading.quantity = low
        reading.value = .boolean(level.value == .number(0))
        readings.append(reading)
    }

    private static let battery = Quantity("battery")
    private static let low = Quantity("battery_low")
}
