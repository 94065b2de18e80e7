import Care

/// How one topic of one announced device is read: everything that the device's parts listen for there, in one.
///
/// Made when a topic is looked up, used for every message. A class, so that a route costs one reference.
final class AnnouncedReader: Sendable, Hashable {
    /// Members of a JSON object, found in one walk over it.
    private let table: PropertyTable?
    private let values: [Property]
    private let others: [any PayloadReader]
    private let availability: (any AvailabilityReader)?
    /// The rest of a message is read so where it is not a JSON object.
    private let isObjectOnly: Bool

    init(_ listenings: [Listening]) {
        var timePath: [String]?
        var paths: [([String], Property)] = []
        var values: [Property] = []
        var others: [any PayloadReader] = []
        var availability: (any AvailabilityReader)?
        for how in listenings {
            switch how {
            case .member(let path, let property): paths.append((path, property))
            case .time(let path): timePath = path
            case .value(let property): values.append(property)
            case .other(let reader): others.append(reader)
            case .availability(let reader, _): availability = reader
            }
        }
        table = paths.isEmpty ? nil : Profile.Members.table(paths, time: timePath)
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
            return availability.isAvailable(payload).map(Outcome.availability) ?? .undecodable(reason: "The availability is neither of its two words.")
        }
        let start = readings.count
        var reason: String?
        func note(_ outcome: Outcome) { if case .undecodable(let fault) = outcome, reason == nil { reason = fault } }
        if let table {
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
