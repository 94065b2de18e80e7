import Care

/// How one topic of one announced device is read: everything that the device's parts listen for there, in one.
///
/// Made when a topic is looked up, used for every message. A class, so that a route costs one reference.
final class AnnouncedReader: Sendable, Hashable {
    /// Members of a JSON object, found in one walk over it. More than one table only where two parts read the same member.
    private let tables: [PropertyTable]
    private let values: [Property]
    private let others: [any PayloadReader]
    private let availability: (any AvailabilityReader)?
    /// The rest of a message is read so where it is not a JSON object.
    private let isObjectOnly: Bool

    /// Times that one message is walked over for its members: so many parts may read the same one.
    static let walksMax = 8
    /// Parts of one device that read one topic in a way of their own. What is announced beyond that is not heard, so that
    /// one message cannot take the gateway's time.
    static let othersMax = 128

    /// What one table can hold: neither two things at one path, nor one within another.
    private struct Walk {
        var members: [([String], Property)] = []
        private var paths: Set<[String]> = []
        private var around: Set<[String]> = []

        func hasPlace(for path: [String]) -> Bool {
            !around.contains(path) && !path.indices.contains { paths.contains(Array(path[...$0])) }
        }

        mutating func add(_ path: [String], _ property: Property) {
            members.append((path, property))
            paths.insert(path)
            for end in path.indices.dropLast() { around.insert(Array(path[...end])) }
        }
    }

    init(_ listenings: [Listening]) {
        var timePath: [String]?
        var walks: [Walk] = []
        var values: [Property] = []
        var others: [any PayloadReader] = []
        var availability: (any AvailabilityReader)?
        for how in listenings {
            switch how {
            case .member(let path, let property):
                if let free = walks.firstIndex(where: { $0.hasPlace(for: path) }) {
                    walks[free].add(path, property)
                } else if walks.count < Self.walksMax {
                    walks.append(Walk())
                    walks[walks.count - 1].add(path, property)
                }
            case .time(let path): timePath = path
            case .value(let property): values.append(property)
            case .other(let reader): if others.count < Self.othersMax { others.append(reader) }
            case .availability(let reader, _): availability = reader
            }
        }
        tables = walks.map { Profile.Members.table($0.members, time: timePath) }
        self.values = values
        self.others = others
        self.availability = availability
        isObjectOnly = values.isEmpty && others.isEmpty && availability == nil
    }

    static func == (a: AnnouncedReader, b: AnnouncedReader) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    func read(
        _ route: Route, _ payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        if payload.isEmpty { return .nothing }
        if route.role == .availability || route.role == .bridge {
            guard let availability else { return .nothing }
            return availability.outcome(payload)
        }
        let start = readings.count
        var reason: String?
        func note(_ outcome: Outcome) { if case .undecodable(let fault) = outcome, reason == nil { reason = fault } }
        for table in tables {
            // What also has parts that read a plain value may say either.
            if isObjectOnly || trimmed(payload).first == UInt8(ascii: "{") { note(MessageReader.readObject(payload, table, into: &readings)) }
        }
        for property in values { note(MessageReader.readValue(payload, property, into: &readings)) }
        for reader in others { note(reader.read(payload, arrivedAt: arrivedAt, into: &readings)) }
        if let reason { return .undecodable(reason: reason) }
        if readings.count > start { return .readings }
        return .nothing
    }
}
