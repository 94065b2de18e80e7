import Care

/// One message of Z-Wave JS UI in any of its three forms: the plain value, `{"time":…,"value":…}`, or the whole value id with
/// its unit. Must not outlive the payload.
struct ZWaveMessage {
    enum Value {
        case none
        case flag(Bool)
        /// With its text, because states are numbers that have words in the profile.
        case number(UnsafeRawBufferPointer)
        case text(UnsafeRawBufferPointer, isEscaped: Bool)
        case other
    }

    private(set) var value = Value.none
    private(set) var unit: JSONText?
    private(set) var time: Instant?
    /// The node's status is `Asleep`; older versions say `false` with it.
    private(set) var isAsleep = false

    /// Nil when there is nothing in it.
    init?(_ payload: UnsafeRawBufferPointer) throws(JSONError) {
        let text = trimmed(payload)
        guard let first = text.first else { return nil }
        var scanner = JSONScanner(text)
        switch first {
        case UInt8(ascii: "{"): try object(&scanner)
        case UInt8(ascii: "\""), UInt8(ascii: "["): try read(&scanner, depth: 0)
        default:
            guard isUTF8(text) else { throw scanner.failure(.notUTF8) }
            value = .text(text, isEscaped: false)
            if text.elementsEqual("null".utf8) { value = .none }
            return
        }
        try scanner.end()
    }

    private mutating func object(_ scanner: inout JSONScanner) throws(JSONError) {
        scanner.open()
        var first = true
        while let key = try scanner.nextKey(&first) {
            let kind = try scanner.peek()
            if key.bytes.elementsEqual("value".utf8) {
                try read(&scanner, depth: 1)
            } else if kind == .string, key.bytes.elementsEqual("unit".utf8) {
                unit = try scanner.string()
            } else if kind == .string, key.bytes.elementsEqual("status".utf8) {
                isAsleep = try scanner.string().bytes.elementsEqual("Asleep".utf8)
            } else if kind == .number, key.bytes.elementsEqual("time".utf8) || key.bytes.elementsEqual("lastUpdate".utf8) {
                time = deviceTime(number: try scanner.number())
            } else {
                try scanner.skip(depth: 1)
            }
        }
    }

    private mutating func read(_ scanner: inout JSONScanner, depth: Int) throws(JSONError) {
        let kind = try scanner.peek()
        switch kind {
        case .yes, .no:
            try scanner.literal(kind)
            value = .flag(kind == .yes)
        case .null:
            try scanner.literal(kind)
            value = .none
        case .number:
            let start = scanner.at
            _ = try scanner.number()
            value = .number(UnsafeRawBufferPointer(rebasing: scanner.bytes[start..<scanner.at]))
        case .string:
            let text = try scanner.string()
            value = .text(text.bytes, isEscaped: text.isEscaped)
        case .object, .array:
            try scanner.skip(depth: depth)
            value = .other
        }
    }
}

/// Reads the messages of one value.
struct ZWaveValueReader: PayloadReader {
    let property: Property
    /// What the message as such says, whatever it holds: an event of which the payload has details only.
    let happens: Value?

    /// Units as Z-Wave JS writes them, where that is not what everybody writes.
    private static let units = [
        "Lux": "lux", "Mph": "mph", "bq/m³": "Bq/m³", "pCi/l": "pCi/L", "bpm": "/min", "US gallons": "gal", "US gallon": "gal",
        "Cubic meters": "m³", "Cubic feet": "ft³", "gallon": "gal",
    ]

    func read(_ payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome {
        let message: ZWaveMessage
        do throws(JSONError) {
            guard let read = try ZWaveMessage(payload) else { return .nothing }
            message = read
        } catch {
            return .undecodable(reason: error.reason)
        }
        if let happens {
            readings.append(
                DecodedReading(quantity: property.quantity, channel: property.channel, value: happens, deviceTime: message.time))
            return .readings
        }
        var property = property
        if property.kind == .number, let unit = message.unit?.string, !unit.isEmpty {
            guard let conversion = Conversion(from: Self.units[unit] ?? unit, to: property.quantity) else {
                return .undecodable(reason: "\u{201C}\(property.label)\u{201D} cannot be had from the unit that the message names.")
            }
            property.conversion = conversion == .none ? nil : conversion
        }
        switch meaning(message.value, property) {
        case .nothing: return .nothing
        case .unusable(let problem): return .undecodable(reason: property.reason(problem))
        case .reading(let quantity, let value):
            readings.append(DecodedReading(quantity: quantity, channel: property.channel, value: value, deviceTime: message.time))
            return .readings
        }
    }

    private func meaning(_ value: ZWaveMessage.Value, _ property: borrowing Property) -> Property.Meaning {
        let meaning: Property.Meaning
        switch value {
        case .none: return .nothing
        case .flag(let flag): meaning = property.meaning(of: flag)
        case .number(let text), .text(let text, isEscaped: false): meaning = property.meaning(ofText: text)
        case .text(let text, isEscaped: true): meaning = JSONText(bytes: text, isEscaped: true).withBytes { property.meaning(ofText: $0) }
        case .other: meaning = .unusable(.notAValue)
        }
        // States that the profile has no word for.
        if case .unusable = meaning, let otherwise = property.otherwise { return otherwise }
        return meaning
    }
}
