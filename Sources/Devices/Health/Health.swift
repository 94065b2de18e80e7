import Care

/// Bodies in which phones and medical devices tell what they measured: FHIR R4 Observations, Open mHealth data points
/// and Nightscout entries, on `health/<device>`. The body says which of the three it is.
struct Health: Convention {
    static let name = "health"
    static let otherNames = [
        "openmhealth", "open-mhealth", "omh", "fhir", "fhir-observation", "fhir-r4", "nightscout",
    ]

    private let topics: [(topic: TopicPattern, expected: Span?)]
    private let table: HealthTable
    let samples: [Sample]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var topics: [(topic: TopicPattern, expected: Span?)] = []
        var table = HealthTable()
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let fields = try node.fields(
                    "A profile of health bodies",
                    known: [
                        "topic", "expected", "codes", "measures", "statistics", "denominators", "units", "entries", "samples",
                    ])
                let (topic, expected) = try Profile.topicAndInterval(fields)
                topics.append((topic, expected))
                try table.add(fields)
                for item in fields["samples"]?.items ?? [] { samples.append(try Sample(item, topic: topic)) }
            }
        }
        // Stable, so that of two equally exact topics the first in the order of the files is asked first.
        self.topics = topics.enumerated().sorted {
            if $0.element.topic.isMoreExact(than: $1.element.topic) { return true }
            if $1.element.topic.isMoreExact(than: $0.element.topic) { return false }
            return $0.offset < $1.offset
        }.map(\.element)
        self.table = table
        self.samples = samples
    }

    func route(topicBelowHome topic: String) -> Route? {
        guard topics.contains(where: { $0.topic.matches(topic) }) else { return nil }
        // The most exact that says it: three files are for all bodies.
        let expected = topics.first { $0.expected != nil && $0.topic.matches(topic) }?.expected
        return Route(convention: Self.name, device: topic, expected: expected, role: .readings)
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        // An empty payload clears a retained message.
        if payload.isEmpty { return .nothing }
        let start = readings.count
        var reader = HealthReader(payload, table)
        do throws(HealthReader.Failure) {
            try reader.read()
        } catch {
            return .undecodable(reason: error.reason)
        }
        readings += reader.readings
        if let reason = reader.reason { return .undecodable(reason: reason) }
        return readings.count > start ? .readings : .nothing
    }
}
