import Care

/// [Homie](https://homieiot.github.io) 5: `homie/5/<device>/<node>/<property>`, described by the device itself.
///
/// What a property measures is told by its `$description` and the profiles' names. While no description has come, only
/// those yes-or-no properties count whose names leave no doubt; a number without its unit is nothing.
struct Homie: Convention {
    static let name = "homie"
    static let otherNames = ["homie5", "homie-5", "homieiot"]
    /// Without a topic only a description can be told for what it is.
    static let usualTopic = "homie/5/a-device/$description"

    private let bases: [(prefix: String, expected: Span?)]
    private let table: HomieTable
    let samples: [Sample]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var bases: [(prefix: String, expected: Span?)] = []
        var table = HomieTable()
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let fields = try node.fields("A Homie profile", known: HomieTable.keys)
                let (topic, expected) = try Profile.topicAndInterval(fields)
                guard let prefix = topic.prefix, prefix.hasSuffix("/5"), !prefix.contains("+") else {
                    throw node.error("The topic of Homie 5 is a word of your choice and the version: homie/5/#.")
                }
                if !bases.contains(where: { $0.prefix == prefix }) { bases.append((prefix, expected)) }
                try table.add(fields)
                for item in fields["samples"]?.items ?? [] { samples.append(try Sample(item, topic: topic)) }
            }
        }
        self.bases = bases
        self.table = table
        self.samples = samples
    }

    func route(topicBelowHome topic: String) -> Route? {
        for (prefix, expected) in bases where topic.hasPrefix(prefix + "/") {
            let levels = topic.dropFirst(prefix.count + 1).split(separator: "/", omittingEmptySubsequences: false)
            guard levels.count > 1, !levels.contains(where: \.isEmpty) else { return nil }
            let device = "\(prefix)/\(levels[0])"
            let role = Self.role(of: levels)
            guard role == .ignored || HomieDescription.isID(levels[0]) else { return nil }
            var guess = 0
            if role == .readings, let index = table.guessed.firstIndex(where: { $0.name == HomieTable.normal(String(levels[2])) }) { guess = index + 1 }
            return Route(convention: Self.name, device: device, expected: expected, role: role, profileIndex: guess)
        }
        return nil
    }

    private static func role(of levels: [Substring]) -> Route.Role {
        if levels[0].hasPrefix("$") { return .ignored }  // What controllers call to all devices.
        switch levels.count {
        case 2: return levels[1] == "$state" ? .availability : levels[1] == "$description" ? .announcement : .ignored
        case 3: return levels[1].hasPrefix("$") || levels[2].hasPrefix("$") ? .ignored : .readings
        // `set` and `$target` are wishes; `$log` and `$alert` are sentences for people.
        default: return .ignored
        }
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        switch route.role {
        case .availability: return Self.availability(payload)
        case .announcement: return payload.isEmpty ? .nothing : .announcement
        case .readings:
            let index = route.profileIndex - 1
            // Homie knows exactly two words for yes and no. Anything else, such as a number, waits for its description.
            guard index >= 0, index < table.guessed.count,
                payload.elementsEqual("true".utf8) || payload.elementsEqual("false".utf8)
            else { return .nothing }
            return MessageReader.readValue(payload, table.guessed[index].property, into: &readings)
        case .bridge, .shared, .ignored: return .nothing
        }
    }

    /// `init` is neither: the device is there and not yet ready. An empty one says that there is no such device any more.
    private static func availability(_ payload: UnsafeRawBufferPointer) -> Outcome {
        switch String(decoding: payload.prefix(16), as: UTF8.self) {
        case "ready", "sleeping", "alert": .availability(true)
        case "lost", "disconnected": .availability(false)
        case "init", "": .nothing
        default: .undecodable(reason: "The $state is none of Homie's.")
        }
    }

    func announcement(_ route: Route, payload: UnsafeRawBufferPointer, topics: HomeTopics) -> AnnouncementOutcome {
        let description: HomieDescription
        do throws(HomieDescription.Fault) {
            description = try HomieDescription(payload)
        } catch {
            return .refused(reason: error.reason)
        }
        var device = AnnouncedDevice(convention: Self.name, address: route.device, title: description.name)
        // "If a root device's $state is lost then the state of every child device in its tree is also lost."
        if let root = description.root, HomieDescription.isID(root), let slash = route.device.lastIndex(of: "/") {
            device.bridge = "\(route.device[..<slash])/\(root)"
        }
        var found: [(node: String, id: String, property: Property, unit: String?)] = []
        var parts: [AnnouncedPart] = []
        for node in description.nodes {
            for (id, declared) in node.properties {
                var reason: String?
                if let property = table.property(declared, id: id, node: node.id, nodeType: node.type, reason: &reason) {
                    found.append((node.id, id, property, declared.unit))
                } else if let reason {
                    parts.append(AnnouncedPart(device: device, notUnderstood: reason, name: "\(node.id)/\(id)"))
                }
            }
        }
        var countOf: [Quantity: Int] = [:]
        var countInNode: [String: [Quantity: Int]] = [:]
        for one in found {
            countOf[one.property.quantity, default: 0] += 1
            countInNode[one.node, default: [:]][one.property.quantity, default: 0] += 1
        }
        for (node, id, property, unit) in found {
            var property = property
            // The node's name keeps two of a quantity apart, and the property's where one node has both.
            if countOf[property.quantity, default: 1] > 1 {
                property.channel = countInNode[node]?[property.quantity, default: 1] ?? 1 > 1 ? "\(node)/\(id)" : node
            }
            var part = AnnouncedPart(device: device, name: "\(node)/\(id)")
            part.declares = [Declared(quantity: property.quantity, channel: property.channel, unit: unit)]
            part.listens = [("\(route.device)/\(node)/\(id)", .value(property))]
            part.expected = route.expected
            parts.append(part)
        }
        if parts.isEmpty { parts.append(AnnouncedPart(device: device)) }
        return .parts(parts)
    }
}
