import Care

/// Zigbee devices behind [Zigbee2MQTT](https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html).
///
/// `<base>/<name>` carries the device's whole state as one JSON object; names may hold spaces and slashes.
/// A profile whose topic ends in `#` is for a base topic and all its devices; one with a whole topic is for
/// one device and says what differs from the general one. `<base>/bridge/devices` says which devices there are and what
/// each property means (`Zigbee2MQTTDevices`); without it the profile's table is all that is known.
struct Zigbee2MQTT: Convention {
    static let name = "zigbee2mqtt"
    static let otherNames = ["z2m"]

    /// Base topics, in the order of the files.
    private let bases: [Zigbee2MQTTProfile]
    /// Tables for devices that were not announced: of the bases first, in their order, then of devices with a file of their own.
    private let tables: [(expected: Span?, repeats: Span?, table: PropertyTable)]
    /// Devices with a file of their own, by their whole topic.
    private let own: [String: Own]
    let samples: [Sample]

    private struct Own: Sendable {
        var profile: Zigbee2MQTTProfile
        /// Of `tables`.
        var index: Int
    }

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var parsed: [(profile: Zigbee2MQTTProfile, node: ProfileNode)] = []
        for file in files {
            for node in file.items {
                let profile = try Zigbee2MQTTProfile(node)
                if parsed.contains(where: { $0.profile.topic == profile.topic }) {
                    throw node.error("Another profile is for the topic \(profile.topic) already.")
                }
                parsed.append((profile, node))
            }
        }
        bases = parsed.filter { $0.profile.topic.prefix != nil }.map(\.profile)
        var tables: [(expected: Span?, repeats: Span?, table: PropertyTable)] = []
        for base in bases { tables.append((base.expected, base.repeats, Zigbee2MQTTBeside.guessed(base).table)) }
        var own: [String: Own] = [:]
        for (profile, node) in parsed where profile.topic.prefix == nil {
            let topic = profile.topic.description
            guard let base = bases.first(where: { topic.hasPrefix($0.base + "/") }) else {
                throw node.error("No profile is for the base topic of \(topic), such as zigbee2mqtt/#.")
            }
            own[topic] = Own(profile: profile, index: tables.count)
            tables.append(
                (
                    profile.expected ?? base.expected, profile.repeats ?? base.repeats,
                    profile.members.over(Zigbee2MQTTBeside.guessed(base)).table
                ))
        }
        self.tables = tables
        self.own = own
        samples = parsed.flatMap(\.profile.samples)
    }

    // MARK: Topics

    func route(topicBelowHome topic: String) -> Route? {
        guard let index = bases.firstIndex(where: { topic.hasPrefix($0.base + "/") }) else { return nil }
        let base = bases[index].base
        let (address, role) = Self.role(of: topic.dropFirst(base.count + 1))
        guard !address.isEmpty else { return nil }
        let device = "\(base)/\(address)"
        if device == Self.bridge(base) {
            // Which announcement it is stands in the lowest bit.
            let isGroups = topic.hasSuffix("/groups") ? 1 : 0
            return Route(convention: Self.name, device: device, expected: nil, role: role, profileIndex: index << 1 | isGroups)
        }
        let place = own[device]?.index ?? index
        var route = Route(
            convention: Self.name, device: device, expected: tables[place].expected, role: role, profileIndex: place,
            bridge: Self.bridge(base))
        route?.repeatsWithin = tables[place].repeats
        return route
    }

    private static func bridge(_ base: String) -> String { base + "/bridge" }

    /// The device's name, and what the levels after it say.
    ///
    /// `set` and `get` are commands to the device, and may be followed by the name of a property; `action`
    /// repeats what the JSON object says, for Home Assistant's automations.
    private static func role(of rest: Substring) -> (address: Substring, role: Route.Role) {
        let levels = rest.split(separator: "/", omittingEmptySubsequences: false)
        if levels[0] == "bridge" {
            switch rest {
            case "bridge/state": return ("bridge", .bridge)
            case "bridge/devices", "bridge/groups": return ("bridge", .announcement)
            default: return ("bridge", .ignored)
            }
        }
        if levels.count > 1, let last = levels.last {
            let name = rest.dropLast(last.count + 1)
            if last == "availability" { return (name, .availability) }
            if last == "set" || last == "get" || last == "action" { return (name, .ignored) }
        }
        if levels.count > 2, levels[levels.count - 2] == "set" || levels[levels.count - 2] == "get" {
            return (levels.dropLast(2).joined(separator: "/")[...], .ignored)
        }
        return (rest, .readings)
    }

    /// Whether messages of a device of this name can be told from all others. Zigbee2MQTT refuses such names, too.
    static func isUsable(name: String) -> Bool {
        guard !name.isEmpty, !name.contains("#"), !name.contains("+"), !name.contains("\u{0}") else { return false }
        let (address, role) = role(of: name[...])
        return role == .readings && address == name
    }

    // MARK: Messages

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant,
        into readings: inout [DecodedReading]
    ) -> Outcome {
        switch route.role {
        case .readings:
            guard route.profileIndex < tables.count else { return .undecodable(reason: Route.strangeReason) }
            return Zigbee2MQTTGuess(table: tables[route.profileIndex].table).read(payload, arrivedAt: arrivedAt, into: &readings)
        case .availability, .bridge: return Zigbee2MQTTAvailability().outcome(payload)
        case .announcement: return .announcement
        case .shared, .ignored: return .nothing
        }
    }

    func announcement(_ route: Route, payload: UnsafeRawBufferPointer, topics: HomeTopics) -> AnnouncementOutcome {
        let index = route.profileIndex >> 1
        guard index < bases.count else { return .refused(reason: Route.strangeReason) }
        let base = bases[index]
        let list = Zigbee2MQTTDevices(
            base: base, bridge: Self.bridge(base.base), guess: Zigbee2MQTTGuess(table: tables[index].table),
            own: { topic in own[topic].map { ($0.profile, Zigbee2MQTTGuess(table: tables[$0.index].table)) } })
        return route.profileIndex & 1 == 1 ? list.groups(payload) : list.devices(payload)
    }
}

/// Reads a message by the names of its properties alone, for what was not announced.
struct Zigbee2MQTTGuess: PayloadReader {
    let table: PropertyTable

    func read(_ payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome {
        // An empty payload clears a retained message; it says nothing about the device.
        if payload.isEmpty { return .nothing }
        let start = readings.count
        let outcome = MessageReader.readObject(payload, table, into: &readings)
        Zigbee2MQTTVolts.settle(&readings, from: start)
        Zigbee2MQTTBeside.settle(&readings, from: start)
        return outcome == .readings && readings.count == start ? .nothing : outcome
    }
}

/// `voltage` is in volts from what has a plug and in millivolts from what has a battery, and without an announcement the
/// message does not say which.
///
/// No plug carries a thousand volts, and no battery that drives a radio works below one: a larger number beside a `battery`
/// is in millivolts. Without a battery beside it, it is rather a plug whose figure lacks its decimal point, and gives nothing.
enum Zigbee2MQTTVolts {
    static let voltsMax = 999.0
    private static let voltage = Quantity("voltage")
    private static let batteries = [Quantity("battery"), Quantity("battery_low")]

    /// Lets numbers through that `settle` decides about.
    static func widened(_ members: Profile.Members) -> Profile.Members {
        var members = members
        for index in members.properties.indices {
            let property = members.properties[index].property
            guard property.quantity == voltage, property.conversion == nil, property.highest == voltsMax else { continue }
            members.properties[index].property.highest = .infinity
        }
        return members
    }

    static func settle(_ readings: inout [DecodedReading], from start: Int) {
        var index = start
        while index < readings.count {
            if case .number(let number) = readings[index].value, number > voltsMax, readings[index].quantity == voltage {
                guard readings[start...].contains(where: { batteries.contains($0.quantity) }) else {
                    readings.remove(at: index)
                    continue
                }
                readings[index].value = .number(number / 1_000)
            }
            index += 1
        }
    }
}

/// What a name means only beside another quantity of the same message: `voc` is in ppm where formaldehyde stands beside it,
/// and in one of three units where it does not.
///
/// Until the whole message is read such a reading has a channel that no device can give.
enum Zigbee2MQTTBeside {
    private static let mark: UInt8 = 1

    static func channel(_ other: Quantity) -> String { "\(Character(UnicodeScalar(mark)))\(other.name)" }

    static func guessed(_ base: Zigbee2MQTTProfile) -> Profile.Members {
        var members = Zigbee2MQTTVolts.widened(base.members)
        members.properties += base.beside
        return members
    }

    static func settle(_ readings: inout [DecodedReading], from start: Int) {
        // Looked for in place and by its byte: this is done for every message.
        for index in (start..<readings.count).reversed() where readings[index].channel.utf8.first == mark {
            let other = Quantity(readings[index].channel.dropFirst())
            if readings[start...].contains(where: { $0.quantity == other }) {
                readings[index].channel = ""
            } else {
                readings.remove(at: index)
            }
        }
    }
}
