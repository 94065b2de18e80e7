import Care

/// One topic, one profile: what owners of anything that speaks MQTT write themselves.
///
/// The payload is one value, or a JSON object of which the profile names some members. The device is the
/// topic below `homes/<home>/`.
struct Plain: Convention {
    static let name = "plain"

    private enum Reader: Sendable {
        case value(Property)
        case object(PropertyTable)
    }

    /// Most exact topic first.
    private let profiles: [(topic: TopicPattern, expected: Span?, reader: Reader)]
    let samples: [Sample]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var profiles: [(topic: TopicPattern, expected: Span?, reader: Reader)] = []
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let profile = try Profile(node)
                if profiles.contains(where: { $0.topic == profile.topic }) {
                    throw node.error("Another profile is for the topic \(profile.topic) already.")
                }
                let reader: Reader =
                    switch profile.body {
                    case .value(let property): .value(property)
                    case .object(let members): .object(members.table)
                    }
                profiles.append((profile.topic, profile.expected, reader))
                samples += profile.samples
            }
        }
        // Stable, so that of two equally exact topics the first in the order of the files is asked first.
        self.profiles = profiles.enumerated().sorted {
            if $0.element.topic.isMoreExact(than: $1.element.topic) { return true }
            if $1.element.topic.isMoreExact(than: $0.element.topic) { return false }
            return $0.offset < $1.offset
        }.map(\.element)
        self.samples = samples
    }

    func route(topicBelowHome topic: String) -> Route? {
        guard let index = profiles.firstIndex(where: { $0.topic.matches(topic) }) else { return nil }
        return Route(
            convention: Self.name, device: topic, expected: profiles[index].expected, role: .readings,
            profileIndex: index)
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant,
        into readings: inout [DecodedReading]
    ) -> Outcome {
        guard route.profileIndex < profiles.count else { return .undecodable(reason: Route.strangeReason) }
        return switch profiles[route.profileIndex].reader {
        case .value(let property): MessageReader.readValue(payload, property, into: &readings)
        case .object(let table): MessageReader.readObject(payload, table, into: &readings)
        }
    }
}
