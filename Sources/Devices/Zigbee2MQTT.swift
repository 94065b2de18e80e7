import Care

/// Zigbee devices behind [Zigbee2MQTT](https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html).
///
/// `<base>/<name>` carries the device's whole state as one JSON object; names may hold spaces and slashes.
/// A profile whose topic ends in `#` is for a base topic and all its devices; one with a whole topic is for
/// one device and says what differs from the general one.
struct Zigbee2MQTT: Convention {
    static let name = "zigbee2mqtt"

    private let bases: [(prefix: String, profileIndex: Int)]
    private let profiles: [(topic: TopicPattern, expected: Span?, table: PropertyTable)]
    let samples: [Sample]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var parsed: [(profile: Profile, members: Profile.Members, node: ProfileNode)] = []
        for file in files {
            for node in file.items {
                let profile = try Profile(node)
                guard case .object(let members) = profile.body else {
                    throw node.error("A Zigbee2MQTT message is a JSON object: name its properties.")
                }
                if parsed.contains(where: { $0.profile.topic == profile.topic }) {
                    throw node.error("Another profile is for the topic \(profile.topic) already.")
                }
                parsed.append((profile, members, node))
            }
        }
        let general = parsed.compactMap { entry in
            entry.profile.topic.prefix.map { (prefix: $0, profile: entry.profile, members: entry.members) }
        }
        var bases: [(prefix: String, profileIndex: Int)] = []
        var profiles: [(topic: TopicPattern, expected: Span?, table: PropertyTable)] = []
        for (profile, members, node) in parsed {
            let topic = profile.topic
            if let prefix = topic.prefix {
                guard !prefix.contains("+") else {
                    throw node.error("A base topic has no wildcards but # at its end.")
                }
                bases.append((prefix, profiles.count))
                profiles.append((topic, profile.expected, members.table))
            } else {
                guard let base = general.first(where: { topic.description.hasPrefix($0.prefix + "/") }) else {
                    throw node.error("No profile is for the base topic of \(topic), such as zigbee2mqtt/#.")
                }
                profiles.append(
                    (topic, profile.expected ?? base.profile.expected, members.over(base.members).table))
            }
        }
        self.bases = bases
        self.profiles = profiles
        samples = parsed.flatMap(\.profile.samples)
    }

    func route(topicBelowHome topic: String) -> Route? {
        for (prefix, profileIndex) in bases where topic.hasPrefix(prefix + "/") {
            let (address, role) = Self.role(of: topic.dropFirst(prefix.count + 1))
            guard !address.isEmpty else { return nil }
            let device = "\(prefix)/\(address)"
            let own = profiles.firstIndex { $0.topic.description == device } ?? profileIndex
            return Route(
                convention: Self.name, device: device, expected: profiles[own].expected, role: role,
                profileIndex: own)
        }
        return nil
    }

    /// The device's name, and what the levels after it say.
    ///
    /// `set` and `get` are commands to the device, and may be followed by the name of a property; `action`
    /// repeats what the JSON object says, for Home Assistant's automations.
    private static func role(of rest: Substring) -> (address: Substring, role: Route.Role) {
        let levels = rest.split(separator: "/", omittingEmptySubsequences: false)
        if levels[0] == "bridge" { return ("bridge", .ignored) }
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

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant,
        into readings: inout [DecodedReading]
    ) -> Outcome {
        guard route.profileIndex < profiles.count else { return .undecodable(reason: Route.strangeReason) }
        switch route.role {
        case .readings:
            // An empty payload clears a retained message; it says nothing about the device.
            if payload.isEmpty { return .nothing }
            return MessageReader.readObject(payload, profiles[route.profileIndex].table, into: &readings)
        case .availability: return Self.availability(payload)
        case .bridge, .announcement, .shared, .ignored: return .nothing
        }
    }

    /// `{"state":"online"}`, and `online` alone as before version 1.30 or with `availability_payload`.
    private static func availability(_ payload: UnsafeRawBufferPointer) -> Outcome {
        func state(_ text: UnsafeRawBufferPointer) -> Outcome {
            if text.elementsEqual("online".utf8) { return .availability(true) }
            if text.elementsEqual("offline".utf8) { return .availability(false) }
            return .undecodable(reason: "The availability is neither online nor offline.")
        }
        let text = trimmed(payload)
        guard let first = text.first else { return .nothing }
        guard first == UInt8(ascii: "{") else { return state(text) }
        var scanner = JSONScanner(text)
        var found: Outcome?
        do throws(JSONError) {
            scanner.open()
            var isFirst = true
            while let key = try scanner.nextKey(&isFirst) {
                if key.bytes.elementsEqual("state".utf8), try scanner.peek() == .string {
                    found = try scanner.string().withBytes(state)
                } else {
                    try scanner.skip(depth: 1)
                }
            }
            try scanner.end()
        } catch {
            return .undecodable(reason: error.reason)
        }
        return found ?? .undecodable(reason: "The availability has no state.")
    }
}
