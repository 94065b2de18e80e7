import Care

/// Shellies of the first generation: `shellies/<id>/<what>`, one plain value a topic.
///
/// A property's name is the topic from the device on; `+` in it is the number of the relay, input or probe.
struct ShellyGen1: Sendable {
    static let root = "shellies"

    private struct Entry: Sendable {
        var patterns: [(levels: [Substring], property: Property)]
        /// For a body that is a JSON object: what stands below the topic's name, `input_event/+.event`.
        var objects: [(levels: [Substring], table: PropertyTable)]
    }

    private let profiles: DeviceProfiles
    private let entries: [Entry]
    var samples: [Sample] { profiles.samples }

    init(_ nodes: [ProfileNode]) throws(ProfileError) {
        profiles = try DeviceProfiles(nodes)
        entries = profiles.entries.map { entry in
            var patterns: [(levels: [Substring], property: Property)] = []
            var members: [(name: String, members: Profile.Members)] = []
            for (path, property) in entry.members.properties {
                guard let dot = path.firstIndex(of: ".") else {
                    patterns.append((path.split(separator: "/"), property))
                    continue
                }
                let name = String(path[..<dot])
                let index = members.firstIndex { $0.name == name } ?? members.count
                if index == members.count { members.append((name, Profile.Members())) }
                members[index].members.properties.append((String(path[path.index(after: dot)...]), property))
            }
            return Entry(patterns: patterns, objects: members.map { ($0.name.split(separator: "/"), $0.members.table) })
        }
    }

    private static let places = 4_096
    private static let numbers = 1_000

    /// The route's `profileIndex` holds the profile, the place among its patterns from 1 (objects behind values), and the
    /// number that stood for `+`.
    func route(_ topic: String) -> Route? {
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count >= 2, !levels.contains("") else { return nil }
        // `shellies/command` and `shellies/announce` are for all.
        guard levels.count >= 3 else { return Route(convention: Shelly.name, device: "shelly", expected: nil, role: .ignored) }
        let device = "shelly/" + levels[1].lowercased()
        // `shellybutton1-A4CF12F45174` is a `shellybutton1`.
        let index = profiles.index(device: device, models: levels[1].lowercased().split(separator: "-").prefix(1).map { $0 })
        guard var route = Route(convention: Shelly.name, device: device, expected: profiles.entries[index].expected, role: .ignored)
        else { return nil }
        let rest = levels[2...]
        if rest.count == 1, rest.first == "online" {
            route.role = profiles.entries[index].sleeps ? .ignored : .availability
            return route
        }
        let entry = entries[index]
        let all = entry.patterns.map(\.levels) + entry.objects.map(\.levels)
        for (place, pattern) in all.enumerated() {
            guard place + 1 < Self.places, let number = Self.match(pattern, rest), number < Self.numbers else { continue }
            route.role = .readings
            route.profileIndex = (index * Self.places + place + 1) * Self.numbers + number
            break
        }
        return route
    }

    /// The number that stands for `+`, or 0; nil where the topic is another.
    private static func match(_ pattern: [Substring], _ levels: ArraySlice<Substring>) -> Int? {
        guard pattern.count == levels.count else { return nil }
        var number = 0
        for (wanted, level) in zip(pattern, levels) where wanted != level {
            guard wanted == "+", level.utf8.count <= 3, let said = Int(level), said >= 0 else { return nil }
            number = said
        }
        return number
    }

    func decode(_ code: Int, _ payload: UnsafeRawBufferPointer, into readings: inout [DecodedReading]) -> Outcome {
        let place = code / Self.numbers % Self.places - 1
        let number = code % Self.numbers
        guard code >= 0, place >= 0, entries.indices.contains(code / Self.numbers / Self.places) else {
            return .undecodable(reason: Route.strangeReason)
        }
        let entry = entries[code / Self.numbers / Self.places]
        let channel = number == 0 ? "" : "\(number)"
        let start = readings.count
        let outcome: Outcome
        if place < entry.patterns.count {
            var property = entry.patterns[place].property
            property.channel = MemberReader.joined(channel, property.channel)
            outcome = MessageReader.readValue(payload, property, into: &readings)
        } else if place - entry.patterns.count < entry.objects.count {
            if payload.isEmpty { return .nothing }
            outcome = MessageReader.readObject(payload, entry.objects[place - entry.patterns.count].table, into: &readings)
            for index in start..<readings.count {
                readings[index].channel = MemberReader.joined(channel, readings[index].channel)
            }
        } else {
            outcome = .undecodable(reason: Route.strangeReason)
        }
        return outcome
    }
}
