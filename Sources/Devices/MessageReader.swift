import Care

/// Reads the payload of one message with a profile: a JSON object by its properties, or one plain value.
///
/// Shared by every convention in which a message is about one device and holds the present state.
struct MessageReader: ~Copyable {
    /// More from one message are refused: no device has that many properties.
    static let readingsMax = 256

    private var scanner: JSONScanner
    private let start: Int
    private var deviceTime: Instant?
    private var reason: String?

    private init(_ payload: UnsafeRawBufferPointer, _ readings: [DecodedReading]) {
        scanner = JSONScanner(payload)
        start = readings.count
    }

    /// The payload is one JSON object. When it is malformed, nothing of it counts.
    static func readObject(
        _ payload: UnsafeRawBufferPointer, _ table: PropertyTable, into readings: inout [DecodedReading]
    ) -> Outcome {
        var reader = MessageReader(payload, readings)
        do throws(JSONError) {
            guard try reader.scanner.peek() == .object else {
                return .undecodable(reason: "The message is not a JSON object.")
            }
            try reader.object(table, depth: 0, into: &readings)
            try reader.scanner.end()
        } catch {
            readings.removeSubrange(reader.start...)
            return .undecodable(reason: error.reason)
        }
        return reader.finish(&readings)
    }

    /// The payload is the value itself, in JSON quotes or without any.
    static func readValue(
        _ payload: UnsafeRawBufferPointer, _ property: Property, into readings: inout [DecodedReading]
    ) -> Outcome {
        let text = trimmed(payload)
        guard isUTF8(text) else { return .undecodable(reason: "The message is not UTF-8 text.") }
        var reader = MessageReader(text, readings)
        guard let first = text.first else { return .nothing }
        if first == UInt8(ascii: "\"") {
            do throws(JSONError) {
                let quoted = try reader.scanner.string()
                try reader.scanner.end()
                reader.take(quoted.withBytes { property.meaning(ofText: $0) }, property, into: &readings)
            } catch {
                return .undecodable(reason: error.reason)
            }
        } else if text.count == 4, text.elementsEqual("null".utf8) {
            return .nothing
        } else {
            reader.take(property.meaning(ofText: text), property, into: &readings)
        }
        return reader.finish(&readings)
    }

    private consuming func finish(_ readings: inout [DecodedReading]) -> Outcome {
        if let deviceTime {
            for index in start..<readings.count { readings[index].deviceTime = deviceTime }
        }
        if let reason { return .undecodable(reason: reason) }
        return readings.count > start ? .readings : .nothing
    }

    private mutating func object(
        _ table: PropertyTable, depth: Int, into readings: inout [DecodedReading]
    ) throws(JSONError) {
        guard depth < JSONScanner.depthMax else { throw scanner.failure(.tooDeep) }
        scanner.open()
        var first = true
        while let key = try scanner.nextKey(&first) {
            let found = key.isEscaped ? key.withBytes { table.find($0) } : table.find(key.bytes)
            guard let found else {
                try scanner.skip(depth: depth + 1)
                continue
            }
            switch table.target(found) {
            case .property(let property): try value(property, depth: depth, into: &readings)
            case .time: try time(depth: depth)
            case .object(let inner):
                if try scanner.peek() == .object {
                    try object(inner, depth: depth + 1, into: &readings)
                } else {
                    try scanner.skip(depth: depth + 1)
                }
            }
        }
    }

    @inline(__always)
    private mutating func value(
        _ property: borrowing Property, depth: Int, into readings: inout [DecodedReading]
    ) throws(JSONError) {
        let meaning: Property.Meaning
        let kind = try scanner.peek()
        switch kind {
        case .number: meaning = property.meaning(of: try scanner.number())
        case .yes, .no:
            try scanner.literal(kind)
            meaning = property.meaning(of: kind == .yes)
        case .string:
            let text = try scanner.string()
            meaning = text.withBytes { property.meaning(ofText: $0) }
        case .null:
            try scanner.literal(kind)
            return
        case .object, .array:
            try scanner.skip(depth: depth + 1)
            meaning = .unusable(.notAValue)
        }
        take(meaning, property, into: &readings)
    }

    private mutating func time(depth: Int) throws(JSONError) {
        switch try scanner.peek() {
        case .number: deviceTime = Devices.deviceTime(number: try scanner.number())
        case .string: deviceTime = try scanner.string().withBytes { Devices.deviceTime(text: $0) }
        default: try scanner.skip(depth: depth + 1)
        }
    }

    private mutating func take(
        _ meaning: Property.Meaning, _ property: borrowing Property, into readings: inout [DecodedReading]
    ) {
        switch meaning {
        case .nothing: break
        case .unusable(let problem):
            // The first one is enough to find the fault.
            if reason == nil { reason = property.reason(problem) }
        case .reading(let quantity, let value):
            let reading = DecodedReading(quantity: quantity, channel: property.channel, value: value)
            if let same = indexOfSame(reading, in: readings) {
                if !property.givesWay { readings[same] = reading }
            } else if readings.count - start < Self.readingsMax {
                readings.append(reading)
            } else if reason == nil {
                reason = property.reason(.tooManyReadings)
            }
        }
    }

    /// A message says each thing once: a key that comes twice counts as its last value (as in most JSON
    /// readers), and two properties of one quantity as the one that the profile prefers.
    private func indexOfSame(_ reading: DecodedReading, in readings: [DecodedReading]) -> Int? {
        var index = start
        while index < readings.count {
            if readings[index].quantity == reading.quantity, readings[index].channel == reading.channel {
                return index
            }
            index += 1
        }
        return nil
    }
}
