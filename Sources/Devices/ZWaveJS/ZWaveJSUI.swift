import Care

/// Z-Wave devices behind [Z-Wave JS UI](https://zwave-js.github.io/zwave-js-ui/), which was called zwavejs2mqtt.
///
/// One topic for each value of a device; `ZWaveTopic` says what it names and the profile's `values` what that means. What it
/// tells Home Assistant is another convention's.
struct ZWaveJSUI: Convention {
    static let name = "zwave-js-ui"
    static let otherNames = ["zwavejs", "zwavejs2mqtt", "zwave"]
    /// The topic says what a value is; without one it is only known that it is one, as the documentation's dimmer.
    static let usualTopic = "zwave/nodeID_8/switch_multilevel/endpoint_0/currentValue"

    private struct Entry: Sendable {
        var pattern: TopicPattern
        var property: Property
        /// The message as such says this, whatever it holds.
        var happens: Value?
    }

    private struct Table: Sendable {
        var topic: TopicPattern
        var expected: Span?
        var repeats: Span?
        /// Most exact pattern first.
        var entries: [Entry]
    }

    private let bases: [(prefix: String, table: Table)]
    /// Devices with a file of their own, by their whole topic.
    private let own: [String: Table]
    let samples: [Sample]

    static let keys = ["topic", "expected", "repeats", "no_reading", "values", "samples"]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var bases: [(prefix: String, table: Table)] = []
        var own: [String: Table] = [:]
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let fields = try node.fields("A profile", known: Self.keys)
                let (topic, expected) = try Profile.topicAndInterval(fields)
                for item in fields["samples"]?.items ?? [] { samples.append(try Sample(item, topic: topic)) }
                let table = Table(
                    topic: topic, expected: expected, repeats: try Zigbee2MQTTProfile.repeats(fields["repeats"]),
                    entries: try Self.entries(try fields.required("values"), inherited: fields["no_reading"]))
                guard !bases.contains(where: { $0.table.topic == topic }), own[topic.description] == nil else {
                    throw node.error("Another profile is for the topic \(topic) already.")
                }
                if let prefix = topic.prefix {
                    guard !prefix.contains("+") else { throw node.error("A prefix has no wildcards but # at its end.") }
                    bases.append((prefix, table))
                } else {
                    guard !topic.hasWildcard else { throw node.error("A topic is a prefix with # at its end, or one device's.") }
                    own[topic.description] = table
                }
            }
        }
        self.bases = bases
        self.own = own
        self.samples = samples
    }

    private static func entries(_ node: ProfileNode, inherited: ProfileNode?) throws(ProfileError) -> [Entry] {
        var entries: [Entry] = []
        for (key, name, value) in try node.pairs("values") {
            guard let pattern = TopicPattern(name) else {
                throw key.error("A value is a command class, a property and a key with \u{201C}/\u{201D} between them; + stands for any one.")
            }
            let fields = try value.fields("A value", known: Property.keys + ["happens"])
            let property = try Property(fields, label: name, inherited: inherited)
            entries.append(Entry(pattern: pattern, property: property, happens: try fields["happens"]?.value(of: property.quantity)))
        }
        return entries.enumerated().sorted {
            if $0.element.pattern.isMoreExact(than: $1.element.pattern) { return true }
            if $1.element.pattern.isMoreExact(than: $0.element.pattern) { return false }
            return $0.offset < $1.offset
        }.map(\.element)
    }

    // MARK: Topics

    func route(topicBelowHome topic: String) -> Route? {
        guard let (prefix, base) = bases.first(where: { topic.hasPrefix($0.prefix + "/") }) else { return nil }
        let rest = topic.dropFirst(prefix.count + 1)
        let bridge = prefix + "/_CLIENTS"
        let levels = rest.split(separator: "/", omittingEmptySubsequences: false)
        // The gateway itself. There is one for each prefix.
        if let first = levels.first, first == "_CLIENTS" || first.hasPrefix("_EVENTS") || first == "driver" {
            let isStatus = first == "_CLIENTS" && levels.count == 3 && levels[2] == "status"
            return Route(convention: Self.name, device: bridge, expected: nil, role: isStatus ? .bridge : .ignored)
        }
        func route(_ node: String, _ role: Route.Role) -> Route? {
            let device = "\(prefix)/\(node)"
            var route = Route(
                convention: Self.name, device: device, expected: own[device]?.expected ?? base.expected, role: role, bridge: bridge)
            route?.repeatsWithin = own[device]?.repeats ?? base.repeats
            return route
        }
        if levels.last == "set" {
            return levels.count > 1 ? route(String(rest.dropLast("/set".count)), .ignored) : nil
        }
        guard let value = ZWaveTopic(belowPrefix: rest) else {
            guard levels.count > 1, !levels.contains(where: \.isEmpty), let last = levels.last else { return nil }
            let node = levels.dropLast().joined(separator: "/")
            switch last {
            case "status": return route(node, .availability)
            case "lastActive", "nodeinfo": return route(node, .ignored)
            default: return nil
            }
        }
        let entries = (own["\(prefix)/\(value.node)"]?.entries ?? []) + base.entries
        guard let entry = entries.first(where: { $0.pattern.matches(value.value) }) else { return route(value.node, .ignored) }
        var property = entry.property
        if value.endpoint > 0 { property.channel = property.channel.isEmpty ? "\(value.endpoint)" : "\(property.channel)_\(value.endpoint)" }
        var found = route(value.node, .readings)
        found?.reader = AnnouncedReader([.other(ZWaveValueReader(property: property, happens: entry.happens))])
        return found
    }

    // MARK: Messages

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant,
        into readings: inout [DecodedReading]
    ) -> Outcome {
        switch route.role {
        case .availability, .bridge: Self.status(payload)
        // Readings have a reader of their own.
        case .readings, .announcement, .shared, .ignored: .nothing
        }
    }

    /// `true` with plain values, else `{"time":…,"value":true,"status":"Alive"}`. A node that sleeps is not gone.
    private static func status(_ payload: UnsafeRawBufferPointer) -> Outcome {
        let message: ZWaveMessage
        do throws(JSONError) {
            guard let read = try ZWaveMessage(payload) else { return .nothing }
            message = read
        } catch {
            return .undecodable(reason: error.reason)
        }
        if message.isAsleep { return .nothing }
        switch message.value {
        case .flag(let isThere): return .availability(isThere)
        case .text(let text, _):
            for (word, isThere) in [("true", true), ("false", false), ("online", true), ("offline", false)] where text.elementsEqual(word.utf8) {
                return .availability(isThere)
            }
            return .undecodable(reason: "The status is neither true nor false.")
        case .none: return .nothing
        case .number, .other: return .undecodable(reason: "The status is neither true nor false.")
        }
    }
}
