import Care

/// [Shelly](https://shelly-api-docs.shelly.cloud) plugs, relays, meters and sensors, of both kinds of firmware.
///
/// The first generation has a topic for each value (`shellies/<id>/relay/0`), see `ShellyGen1`; the later ones report JSON of
/// their components (`<id>/events/rpc`, `<id>/status/switch:0`), see `ShellyReader`. The device is `shelly/<id>` in both.
/// Things of one kind are counted from 0; the first needs no channel.
struct Shelly: Convention {
    static let name = "shelly"
    static let otherNames = ["shelly-gen1", "shelly-gen2"]
    static let usualTopic = "shelly/events/rpc"

    private let first: ShellyGen1
    private let later: DeviceProfiles
    /// Topic prefixes of devices that do not keep the one they were made with, and the profiles that say so.
    private let prefixes: [String]
    let samples: [Sample]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var (gen1, gen2): ([ProfileNode], [ProfileNode]) = ([], [])
        var prefixes: [String] = []
        for node in files.flatMap(\.items) {
            let topic = try Profile(node, alsoKnown: DeviceProfiles.keys).topic
            let prefix = topic.prefix ?? topic.description
            if prefix == ShellyGen1.root || prefix.hasPrefix(ShellyGen1.root + "/") {
                gen1.append(node)
            } else {
                gen2.append(node)
                if let prefix = topic.prefix, !prefix.isEmpty {
                    guard !prefix.contains("+") else { throw node.error("A device's topic prefix has no wildcards but # at its end.") }
                    prefixes.append(prefix)
                }
            }
        }
        first = try ShellyGen1(gen1)
        later = try DeviceProfiles(gen2)
        self.prefixes = prefixes
        samples = first.samples + later.samples
    }

    /// What a topic of a later generation carries, kept in the route's `profileIndex` with the profile's index, that of the
    /// component in its table, and the component's number.
    private static let components = 4_096
    private static let numbers = 65_536
    private static let gen1 = -1

    func route(topicBelowHome topic: String) -> Route? {
        if topic.hasPrefix(ShellyGen1.root + "/") {
            guard var route = first.route(topic) else { return nil }
            route.profileIndex = Self.gen1 - route.profileIndex
            return route
        }
        guard let (prefix, rest) = split(topic) else { return nil }
        let device = "shelly/" + prefix.lowercased()
        // `shellyplusht-aabbccddeeff` is a `shellyplusht`.
        let index = later.index(device: device, models: prefix.lowercased().split(separator: "-").prefix(1).map { $0 })
        var code = index * Self.components * Self.numbers
        var role = Route.Role.ignored
        if rest == ["online"] {
            role = later.entries[index].sleeps ? .ignored : .availability
        } else if rest == ["events", "rpc"] {
            role = .readings
        } else if rest.count == 2, rest[0] == "status", let entry = later.entry(index) {
            var name = rest[1]
            let found = name.withUTF8 { bytes -> (table: Int, number: Int)? in
                let bytes = UnsafeRawBufferPointer(bytes)
                let (base, number) = MemberReader.split(bytes, .colon)
                let table = entry.table.find(bytes) ?? entry.table.find(UnsafeRawBufferPointer(rebasing: bytes[..<base]))
                return table.map { ($0, Int(number) ?? 0) }
            }
            if let found, found.number < Self.numbers, found.table + 1 < Self.components {
                role = .readings
                code += (found.table + 1) * Self.numbers + found.number
            }
        }
        return Route(convention: Self.name, device: device, expected: later.entries[index].expected, role: role, profileIndex: code)
    }

    /// A Shelly calls itself `shelly…-<MAC address>` until somebody gives it another prefix, which a profile has to name.
    private func split(_ topic: String) -> (prefix: String, rest: [Substring])? {
        for prefix in prefixes where topic.hasPrefix(prefix + "/") {
            return (prefix, topic.dropFirst(prefix.utf8.count + 1).split(separator: "/", omittingEmptySubsequences: false))
        }
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count > 1, levels[0].prefix(6).lowercased() == "shelly", levels[0] != Substring(ShellyGen1.root) else { return nil }
        // What another program writes below such a name is its own affair.
        let known = ["online", "events", "status", "rpc", "command", "debug", "response"]
        guard known.contains(String(levels[1])) else { return nil }
        return (String(levels[0]), Array(levels.dropFirst()))
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        switch route.role {
        case .availability: return availability(payload, yes: "true", no: "false")
        case .readings: break
        case .bridge, .announcement, .shared, .ignored: return .nothing
        }
        if route.profileIndex <= Self.gen1 {
            return first.decode(Self.gen1 - route.profileIndex, payload, into: &readings)
        }
        let component = route.profileIndex / Self.numbers
        guard let entry = later.entry(component / Self.components) else { return .undecodable(reason: Route.strangeReason) }
        if payload.isEmpty { return .nothing }
        let table = component % Self.components - 1
        if table < 0 { return ShellyReader.readNotification(payload, entry.table, into: &readings) }
        guard table < entry.table.count, case .object(let members) = entry.table.target(table) else { return .nothing }
        let number = route.profileIndex % Self.numbers
        return ShellyReader.readComponent(payload, members, channel: number == 0 ? "" : "\(number)", into: &readings)
    }
}
