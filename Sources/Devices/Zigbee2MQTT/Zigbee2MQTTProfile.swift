import Care

/// One profile of this convention: the table of all profiles, and what only counts with an announcement.
struct Zigbee2MQTTProfile: Sendable {
    var topic: TopicPattern
    var expected: Span?
    /// Events of one kind that come again within this time are the same event.
    var repeats: Span?
    var members: Profile.Members
    /// What a property name means once its unit is known: the first that can be had from the unit.
    var withUnit: [String: [Property]] = [:]
    /// Properties that are a raw figure where an announcement names no unit.
    var needsUnit: Set<String> = []
    /// What property names mean on devices of which model or description hold one of these words.
    var described: [Described] = []
    /// What counts without an announcement only beside another quantity of the same message, which shows whose it is.
    var beside: [(path: String, property: Property)] = []
    /// `members` by name, for announcements.
    var templates: [String: Template] = [:]
    /// Those of `members` that are events: never a matter of units, and not to be lost where a list is incomplete.
    var events: [(name: String, template: Template)] = []
    var samples: [Sample]

    struct Described: Sendable {
        var words: [String]
        var properties: [String: Template]
    }

    struct Template: Sendable {
        /// Its place in the profile: of two that give the same quantity the first is preferred.
        var order: Int
        var path: [String]
        var property: Property
    }

    static let keys = ["repeats", "with_unit", "needs_unit", "described", "beside"]

    /// The levels before `#`; the whole topic where there is none.
    var base: String { topic.prefix ?? topic.description }

    init(_ node: ProfileNode) throws(ProfileError) {
        let profile = try Profile(node, alsoKnown: Self.keys)
        guard case .object(let members) = profile.body else {
            throw node.error("A Zigbee2MQTT message is a JSON object: name its properties.")
        }
        if let prefix = profile.topic.prefix, prefix.contains("+") {
            throw node.error("A base topic has no wildcards but # at its end.")
        }
        topic = profile.topic
        expected = profile.expected
        samples = profile.samples
        self.members = members
        for (index, entry) in members.properties.enumerated() {
            let template = Template(
                order: index, path: entry.path.split(separator: ".").map { String($0) }, property: entry.property)
            templates[entry.path] = template
            if entry.property.kind == .event { events.append((entry.path, template)) }
        }
        let fields = try node.fields("A profile", known: Profile.keys + Self.keys)
        repeats = try Self.repeats(fields["repeats"])
        let inherited = fields["no_reading"]
        for item in fields["needs_unit"]?.items ?? [] { needsUnit.insert(try item.text("A name that needs a unit")) }
        if let list = fields["with_unit"] {
            for (_, name, value) in try list.pairs("with_unit") {
                for item in value.items {
                    let own = try item.fields("A property", known: Property.keys)
                    withUnit[name, default: []].append(try Property(own, label: name, inherited: inherited))
                }
            }
        }
        for (_, name, value) in try fields["beside"]?.pairs("beside") ?? [] {
            let own = try value.fields("A property", known: Property.keys + ["with"])
            var property = try Property(own, label: name, inherited: inherited)
            property.channel = Zigbee2MQTTBeside.channel(try own.required("with").quantity())
            beside.append((name, property))
        }
        for item in fields["described"]?.items ?? [] {
            described.append(try Self.described(item, inherited, after: members.properties.count))
        }
    }

    static func repeats(_ node: ProfileNode?) throws(ProfileError) -> Span? {
        guard let node else { return nil }
        guard let span = Span(try node.text("repeats")), span > .zero else {
            throw node.error("repeats is a length of time such as 5s.")
        }
        return span
    }

    private static func described(_ node: ProfileNode, _ inherited: ProfileNode?, after count: Int) throws(ProfileError) -> Described {
        let fields = try node.fields("What is described", known: ["words", "properties"])
        var words: [String] = []
        for item in try fields.required("words").items { words.append(try item.text("A word").lowercased()) }
        var properties: [String: Template] = [:]
        for (_, name, value) in try fields.required("properties").pairs("properties") {
            let own = try value.fields("A property", known: Property.keys)
            properties[name] = Template(
                order: count + properties.count, path: name.split(separator: ".").map { String($0) },
                property: try Property(own, label: name, inherited: inherited))
        }
        return Described(words: words, properties: properties)
    }
}
