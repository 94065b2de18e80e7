import Care

/// An announcement of which nothing counts.
struct DiscoveryRefusal: Error {
    /// A sentence.
    var reason: String
}

/// One entity as it was announced: its fields by their long names, its topics below the home.
struct DiscoveryEntity {
    /// `sensor`, `binary_sensor`, …
    var component: String
    /// The level that stands before the component's in the topic, where there is one.
    var node: String?
    /// What names the entity within its device and never changes: the last level of its topic, or its name among the
    /// components of a device.
    var object: String
    private var fields: [String: JSON] = [:]

    /// Entities of one announcement.
    static let entitiesMax = 1_000
    /// A topic that is listened to. MQTT allows more; but a short announcement must not become long parts.
    static let topicBytesMax = 1_024
    /// A word that stands for a state.
    static let wordBytesMax = 256

    /// What a device's announcement may say once for all of its components; all else stands at each.
    static func isShared(_ key: String) -> Bool {
        switch DiscoveryAbbreviations.entity[key] ?? key {
        case "~", "device", "state_topic", "command_topic", "qos", "encoding": true
        default: isOfAvailability(key)
        }
    }

    static func isOfAvailability(_ key: String) -> Bool {
        let name = DiscoveryAbbreviations.entity[key] ?? key
        return name == "availability" || name.hasPrefix("availability_") || name == "payload_available" || name == "payload_not_available"
    }

    /// - Parameters:
    ///   - shared: of a device, for all its components; their own fields count before.
    init(component: String, node: String?, object: String, _ own: [JSON.Member], shared: [JSON.Member] = [], topics: HomeTopics) throws(DiscoveryRefusal) {
        self.component = component
        self.node = node
        self.object = object
        let base = own.last { $0.key == "~" }?.value.string ?? shared.last { $0.key == "~" }?.value.string
        for member in shared + own {
            let name = DiscoveryAbbreviations.entity[member.key] ?? member.key
            fields[name] = try Self.placed(member.value, name, base, topics)
        }
    }

    subscript(name: String) -> JSON? { fields[name] }

    func text(_ name: String) -> String? { fields[name]?.asText }

    /// A topic below the home; nil where none is named.
    func topic(_ name: String) -> String? { fields[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    var deviceClass: String? { text("device_class").flatMap { $0.isEmpty || $0 == "None" ? nil : $0.lowercased() } }
    var unit: String? { text("unit_of_measurement").flatMap { $0.isEmpty ? nil : $0 } }
    var isSetting: Bool { text("entity_category") == "config" }
    var isDiagnostic: Bool { text("entity_category") == "diagnostic" }

    /// After this the entity's value counts no more: so it speaks more often than that.
    var expected: Span? {
        guard let seconds = fields["expire_after"]?.asNumber, seconds >= 1, seconds <= 100 * 366 * 86_400 else { return nil }
        return .seconds(Int64(seconds))
    }

    /// What component it is where its topic does not say it, as when it is shown without one.
    var likelyComponent: String {
        if let platform = text("platform") { return platform }
        if self["event_types"] != nil { return "event" }
        if self["automation_type"] != nil { return "device_automation" }
        if self["state_locked"] != nil || self["payload_lock"] != nil { return "lock" }
        if self["payload_home"] != nil || self["source_type"] != nil { return "device_tracker" }
        if self["unit_of_measurement"] != nil || self["state_class"] != nil { return "sensor" }
        if self["command_topic"] != nil { return "switch" }
        return self["payload_on"] != nil || self["payload_off"] != nil ? "binary_sensor" : "sensor"
    }

    /// With topics as they stand below the home. Availability is a list whose entries have a topic each.
    private static func placed(_ value: JSON, _ name: String, _ base: String?, _ topics: HomeTopics) throws(DiscoveryRefusal) -> JSON {
        if name == "availability" {
            var entries: [JSON] = []
            guard value.items.count <= DiscoveryAvailability.topicsMax else {
                throw DiscoveryRefusal(reason: "The announcement names more than \(DiscoveryAvailability.topicsMax) availability topics.")
            }
            for item in value.items {
                guard let members = item.members else { continue }
                var placedMembers: [JSON.Member] = []
                for member in members {
                    let key = DiscoveryAbbreviations.entity[member.key] ?? member.key
                    placedMembers.removeAll { $0.key == key }
                    placedMembers.append(JSON.Member(key, try placed(member.value, key, base, topics)))
                }
                entries.append(.object(placedMembers))
            }
            return .array(entries)
        }
        guard DiscoveryAbbreviations.isTopic(name), let written = value.string, !written.isEmpty else { return value }
        var topic = written
        if let base {
            if topic.hasPrefix("~") { topic = base + topic.dropFirst() } else if topic.hasSuffix("~") { topic = topic.dropLast() + base }
        }
        guard topic.utf8.count <= topicBytesMax else {
            throw DiscoveryRefusal(reason: "The announcement names a topic of more than \(topicBytesMax) bytes.")
        }
        guard let below = topics.below(topic) else {
            let field = DiscoveryAbbreviations.known.contains(name) ? "“\(name)”" : "a topic"
            throw DiscoveryRefusal(reason: "The announcement names a topic that is not in this home (\(field)).")
        }
        return .string(below)
    }
}
