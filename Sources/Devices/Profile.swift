import Care

/// What one profile says about the messages on its topics.
struct Profile: Sendable {
    var topic: TopicPattern
    /// The longest usual silence.
    var expected: Span?
    var body: Body
    var samples: [Sample]

    enum Body: Sendable {
        /// The payload is one value.
        case value(Property)
        /// The payload is a JSON object with values at these paths.
        case object(Members)
    }

    /// Paths into a JSON object, in the order of the file.
    struct Members: Sendable {
        var properties: [(path: String, property: Property)] = []
        var time: String?
        /// Paths that a profile for one device takes out of the general one.
        var ignored: [String] = []
    }

    static let keys = [
        "topic", "expected", "at", "time", "quantity", "category", "unit", "invert", "lowest", "highest",
        "no_reading", "words", "parts", "otherwise", "properties", "endpoints", "ignore", "samples",
    ]

    /// - Parameter alsoKnown: keys that the convention reads itself.
    init(_ node: ProfileNode, alsoKnown: [String] = []) throws(ProfileError) {
        let fields = try node.fields("A profile", known: Self.keys + alsoKnown)
        (topic, expected) = try Self.topicAndInterval(fields)
        body = try Self.body(node, fields)
        samples = []
        if let list = fields["samples"] {
            for item in list.items { samples.append(try Sample(item, topic: topic)) }
        }
    }

    static func topicAndInterval(_ fields: ProfileNode.Fields) throws(ProfileError) -> (TopicPattern, Span?) {
        let topicNode = try fields.required("topic")
        guard let topic = TopicPattern(try topicNode.text("The topic")) else {
            throw topicNode.error(
                "A topic is names with \u{201C}/\u{201D} between them, below homes/<home>/; "
                    + "+ stands for one name, # at the end for all that follows.")
        }
        guard let node = fields["expected"] else { return (topic, nil) }
        guard let span = Span(try node.text("expected")), span > .zero else {
            throw node.error("expected is a length of time such as 90s, 30m, 1h or 7d.")
        }
        return (topic, span)
    }

    static func body(_ node: ProfileNode, _ fields: ProfileNode.Fields) throws(ProfileError) -> Body {
        let timePath = try fields["time"]?.text("time")
        guard let list = fields["properties"] else {
            for key in ["endpoints", "ignore"] {
                if let misplaced = fields[key] { throw misplaced.error("\(key) goes with properties.") }
            }
            let path = try fields["at"]?.text("at")
            let property = try Property(fields, label: path ?? "The value", inherited: nil)
            guard let path else {
                if let misplaced = fields["time"] {
                    throw misplaced.error("A message that is one plain value has no place for a time.")
                }
                return .value(property)
            }
            return .object(Members(properties: [(path, property)], time: timePath))
        }
        for key in [
            "at", "quantity", "category", "unit", "invert", "lowest", "highest", "words", "parts",
            "otherwise",
        ] {
            if let misplaced = fields[key] {
                throw misplaced.error("With properties, \(key) stands at each property.")
            }
        }
        var members = Members(time: timePath)
        var endpoints: [String] = []
        if let named = fields["endpoints"] {
            for item in named.items { endpoints.append(try item.text("An endpoint")) }
        }
        if let named = fields["ignore"] {
            for item in named.items { members.ignored.append(try item.text("A name to ignore")) }
        }
        for (_, name, value) in try list.pairs("properties") {
            let own = try value.fields("A property", known: Property.keys)
            let property = try Property(own, label: name, inherited: fields["no_reading"])
            members.properties.append((name, property))
            guard let several = own["endpoints"], try several.flag("endpoints") else { continue }
            for endpoint in endpoints {
                var other = property
                other.label = "\(name)_\(endpoint)"
                other.channel = endpoint
                members.properties.append((other.label, other))
            }
        }
        guard members.properties.count <= PropertyTable.keysMax else {
            throw list.error("A profile has at most \(PropertyTable.keysMax) properties.")
        }
        return .object(members)
    }
}

extension Profile.Members {
    /// These over `general`: what both name is as here, what `ignored` names is gone.
    func over(_ general: Profile.Members) -> Profile.Members {
        var merged = self
        for (path, property) in general.properties {
            if ignored.contains(path) || properties.contains(where: { $0.path == path }) { continue }
            merged.properties.append((path, property))
        }
        merged.time = time ?? general.time
        return merged
    }

    var table: PropertyTable {
        Self.table(
            properties.map { (Self.levels($0.path).map { String($0) }, $0.property) }, time: time.map { Self.levels($0).map { String($0) } })
    }

    /// The names of a path. A point that belongs to a name has a backslash before it: `PMS5003.PM2\.5`.
    static func levels(_ path: String) -> [Substring] {
        guard path.contains("\\") else { return path.split(separator: ".") }
        let hidden = path.replacing("\\.", with: "\u{0}")
        return hidden.split(separator: ".").map { $0.replacing("\u{0}", with: ".")[...] }
    }

    /// Of two properties that give the same quantity the one that stands first is preferred.
    ///
    /// - Parameter time: where the device's own time stands.
    static func table(_ paths: [([String], Property)], time: [String]?) -> PropertyTable {
        struct Series: Hashable {
            var quantity: Quantity
            var channel: String
        }
        var known: Set<Series> = []
        var targets: [(path: [Substring], target: PropertyTable.Target)] = []
        for (path, property) in paths {
            var property = property
            property.givesWay = !known.insert(Series(quantity: property.quantity, channel: property.channel)).inserted
            targets.append((path.map { $0[...] }, .property(property)))
        }
        if let time { targets.append((time.map { $0[...] }, .time)) }
        return table(targets)
    }

    private static func table(_ paths: [(path: [Substring], target: PropertyTable.Target)]) -> PropertyTable {
        var targets: [(key: String, target: PropertyTable.Target)] = []
        var nested: [(key: String, paths: [(path: [Substring], target: PropertyTable.Target)])] = []
        for (path, target) in paths {
            guard let head = path.first.map({ String($0) }) else { continue }
            if path.count == 1 {
                targets.append((head, target))
            } else if let index = nested.firstIndex(where: { $0.key == head }) {
                nested[index].paths.append((Array(path.dropFirst()), target))
            } else {
                nested.append((head, [(Array(path.dropFirst()), target)]))
            }
        }
        return PropertyTable(targets + nested.map { ($0.key, .object(table($0.paths))) })
    }
}
