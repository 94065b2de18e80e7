import Care

/// Sensor Measurement Lists in JSON or CBOR (RFC 8428): the format that we recommend to makers; see
/// `devices/README.md`.
///
/// The device is the topic from `senml/` on. Profiles give the names and units that are understood beside
/// our own quantities; these hold for every SenML device. A profile for a narrower topic may say how often
/// to expect its device.
struct SenML: Convention {
    static let name = "senml"

    private let topics: [(topic: TopicPattern, expected: Span?)]
    private let vocabulary: SenMLVocabulary
    let samples: [Sample]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var topics: [(topic: TopicPattern, expected: Span?)] = []
        var vocabulary = SenMLVocabulary()
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let fields = try node.fields(
                    "A SenML profile", known: ["topic", "expected", "names", "units", "nothing", "samples"])
                let (topic, expected) = try Profile.topicAndInterval(fields)
                guard topic.description.hasPrefix("senml/") else {
                    throw node.error("Topics of SenML devices begin with senml/.")
                }
                topics.append((topic, expected))
                try vocabulary.add(fields)
                for item in fields["samples"]?.items ?? [] { samples.append(try Sample(item, topic: topic)) }
            }
        }
        self.topics = topics.enumerated().sorted {
            if $0.element.topic.isMoreExact(than: $1.element.topic) { return true }
            if $1.element.topic.isMoreExact(than: $0.element.topic) { return false }
            return $0.offset < $1.offset
        }.map(\.element)
        self.vocabulary = vocabulary
        self.samples = samples
    }

    func route(topicBelowHome topic: String) -> Route? {
        guard topic.hasPrefix("senml/"), topic.utf8.count > 6 else { return nil }
        let expected = topics.first { $0.topic.matches(topic) && $0.expected != nil }?.expected
        return Route(
            convention: Self.name, device: topic, expected: expected, role: .readings, profileIndex: 0)
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant,
        into readings: inout [DecodedReading]
    ) -> Outcome {
        // An empty payload clears a retained message.
        guard let first = payload.first else { return .nothing }
        let start = readings.count
        var pack = SenMLPack(vocabulary: vocabulary, arrivedAt: arrivedAt)
        do throws(SenMLPack.Failure) {
            if SenMLCBOR.mayBegin(with: first) {
                try pack.read(SenMLCBOR(payload), into: &readings)
            } else {
                try pack.read(SenMLJSON(payload), into: &readings)
            }
        } catch {
            readings.removeSubrange(start...)
            return .undecodable(reason: error.reason)
        }
        if let reason = pack.reason { return .undecodable(reason: reason) }
        return readings.count > start ? .readings : .nothing
    }
}

/// Which names and units of a SenML record mean which quantity.
struct SenMLVocabulary: Sendable {
    /// Names beside the quantities' own, in snake case.
    private var names: [String: Quantity] = [:]
    /// Units that say by themselves what is measured, for records whose name does not.
    private var units: [String: Quantity] = [:]
    /// Units of things that are no quantity of ours and no mistake either, such as `lon`.
    private var nothing: Set<String> = []

    fileprivate mutating func add(_ fields: ProfileNode.Fields) throws(ProfileError) {
        for (_, name, value) in try fields["names"]?.pairs("names") ?? [] {
            names[Self.normal(name)] = try value.quantity()
        }
        for (key, unit, value) in try fields["units"]?.pairs("units") ?? [] {
            let quantity = try value.quantity()
            guard Conversion(from: unit, to: quantity) != nil else {
                throw key.error("\(quantity.name) cannot be had from this unit.")
            }
            units[unit] = quantity
        }
        for item in fields["nothing"]?.items ?? [] { nothing.insert(try item.text("A unit")) }
    }

    /// Kebab or snake, capitals or not: `Heart-Rate` is `heart_rate`.
    static func normal(_ name: some StringProtocol) -> String {
        String(
            decoding: name.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 },
            as: UTF8.self)
    }

    func quantity(named name: some StringProtocol) -> Quantity? {
        let name = Self.normal(name)
        return Quantity(name) ?? names[name]
    }

    func quantity(ofUnit unit: String) -> Quantity? { units[unit] }

    func isNothing(unit: String) -> Bool { nothing.contains(unit) }
}
