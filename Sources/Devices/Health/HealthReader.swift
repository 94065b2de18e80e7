import Care

/// Reads one message with health bodies: an object, or an array of them. When the JSON is malformed nothing counts; a
/// body at fault is reported and the others count.
struct HealthReader {
    /// Readings of one message. What was away sends its history in several.
    static let readingsMax = 4_096

    struct Failure: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
        init(_ error: JSONError) { reason = error.reason }
    }

    let table: HealthTable
    var json: JSONScanner
    private(set) var readings: [DecodedReading] = []
    /// The first fault of a body, if any.
    private(set) var reason: String?

    init(_ payload: UnsafeRawBufferPointer, _ table: HealthTable) {
        self.table = table
        json = JSONScanner(payload)
    }

    mutating func read() throws(Failure) {
        do throws(JSONError) {
            switch try json.peek() {
            case .object: try body(depth: 0)
            case .array:
                json.open()
                var isFirst = true
                while try json.nextElement(&isFirst) {
                    if try json.peek() == .object {
                        try body(depth: 1)
                    } else {
                        try json.skip(depth: 1)
                        note(Self.strangeReason)
                    }
                }
            default:
                try json.skip(depth: 0)
                note(Self.strangeReason)
            }
            try json.end()
        } catch { throw Failure(error) }
        guard readings.count <= Self.readingsMax else {
            throw Failure("The message has more than \(Self.readingsMax) readings.")
        }
    }

    static let strangeReason = "The message is neither a FHIR Observation, nor an Open mHealth body, nor a Nightscout entry."

    mutating func note(_ fault: String) {
        if reason == nil { reason = fault }
    }

    mutating func append(_ row: HealthTable.Row, _ number: Double, unit: String?, channel: String? = nil, at time: Instant?) {
        do throws(HealthTable.Fault) {
            let value = try table.value(number, unit: unit, of: row)
            append(DecodedReading(quantity: row.quantity, channel: channel ?? row.channel, value: .number(value), deviceTime: time))
        } catch {
            note("The value of \u{201C}\(row.label)\u{201D} \(error.rawValue).")
        }
    }

    mutating func append(_ reading: DecodedReading) {
        // One more is kept, so that the end sees that there were too many.
        if readings.count <= Self.readingsMax { readings.append(reading) }
    }

    // MARK: Which of the three

    enum Body { case observation, bundle, otherResource, nightscout, openMHealth, strange }

    /// Looks through the names of an object without moving: they come in any order.
    func kind(depth: Int) throws(JSONError) -> Body {
        var probe = json
        var kind = Body.strange
        probe.open()
        var isFirst = true
        while let key = try probe.nextKey(&isFirst) {
            switch key.string {
            case "resourceType":
                guard try probe.peek() == .string else { return .otherResource }
                switch try probe.string().string {
                case "Observation": return .observation
                case "Bundle": return .bundle
                default: return .otherResource
                }
            case "sgv", "mbg", "cal", "eventType", "dateString", "pump", "openaps": kind = .nightscout
            case "header", "body", "effective_time_frame", "activity_name", "descriptive_statistic":
                if kind == .strange { kind = .openMHealth }
            default: if kind == .strange, table.measures.find(key) != nil { kind = .openMHealth }
            }
            try probe.skip(depth: depth + 1)
        }
        return kind
    }

    /// At an object.
    private mutating func body(depth: Int) throws(JSONError) {
        switch try kind(depth: depth) {
        case .observation: try observation(depth: depth)
        case .bundle: try bundle(depth: depth)
        // A patient, a device: nobody's measurement.
        case .otherResource: try json.skip(depth: depth)
        case .nightscout: try nightscout(depth: depth)
        case .openMHealth: try dataPoint(depth: depth)
        case .strange:
            try json.skip(depth: depth)
            note(Self.strangeReason)
        }
    }

    // MARK: Values

    /// Nil for anything but a text, which is stepped over.
    mutating func text(depth: Int) throws(JSONError) -> JSONText? {
        if try json.peek() == .string { return try json.string() }
        try json.skip(depth: depth)
        return nil
    }

    /// Nil for anything but a number, which is stepped over.
    mutating func number(depth: Int) throws(JSONError) -> Double? {
        if try json.peek() == .number { return try json.number() }
        try json.skip(depth: depth)
        return nil
    }

    /// An instant with its zone. A year, or a day, is none.
    mutating func time(depth: Int) throws(JSONError) -> Instant? {
        try text(depth: depth)?.withBytes { text in
            text.count >= 20 && text[4] == UInt8(ascii: "-") ? deviceTime(text: text) : nil
        }
    }

    /// Steps into an object. False for anything else, which is stepped over.
    mutating func open(depth: Int) throws(JSONError) -> Bool {
        guard try json.peek() == .object, depth < JSONScanner.depthMax else {
            try json.skip(depth: depth)
            return false
        }
        json.open()
        return true
    }

    /// Steps into an array. False for anything else, which is stepped over.
    mutating func openArray(depth: Int) throws(JSONError) -> Bool {
        guard try json.peek() == .array, depth < JSONScanner.depthMax else {
            try json.skip(depth: depth)
            return false
        }
        json.open()
        return true
    }
}
