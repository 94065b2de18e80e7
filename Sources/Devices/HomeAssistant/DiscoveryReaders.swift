import Care

/// A number that a template takes out of a message.
struct TemplateNumberReader: PayloadReader {
    var template: Template
    var property: Property

    func read(_ payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome {
        var meaning = Property.Meaning.nothing
        let reason = template.evaluate(payload) { value in
            switch value {
            case .undefined, .none: break
            case .flag(let flag): meaning = property.meaning(of: flag)
            case .number(let number, _): meaning = property.meaning(of: number)
            case .text, .own: meaning = value.withText { property.meaning(ofText: $0) } ?? .nothing
            case .json, .list, .object: meaning = .unusable(.notAValue)
            }
        }
        if let reason { return .undecodable(reason: reason) }
        return property.take(meaning, into: &readings)
    }
}

/// A text that is one of the few words which the announcement names.
struct WordReader: PayloadReader {
    var template: Template?
    /// The words are compared exactly, as Home Assistant does.
    var words: [(text: [UInt8], meaning: Property.Meaning)]
    /// For all other texts; nil: they are at fault.
    var otherwise: Property.Meaning?
    /// Where the text may also be a JSON object: the member that has the word.
    var member: [UInt8]?
    var property: Property

    /// What stands for "I do not know", in Home Assistant and in the programs that speak to it.
    private static let unknown = ["None", "unknown", "unavailable", "null"].map { Array($0.utf8) }

    func read(_ payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome {
        var meaning = Property.Meaning.nothing
        func take(_ text: UnsafeRawBufferPointer?) {
            guard let text else { return }
            guard let member, text.first == UInt8(ascii: "{") else {
                meaning = self.meaning(text)
                return
            }
            if let found = try? TemplateValue.find(.key(member), in: text), let value = try? TemplateValue.json(at: found) {
                meaning = value.withText { self.meaning($0) } ?? .nothing
            }
        }
        if let template {
            if let reason = template.text(payload, take) { return .undecodable(reason: reason) }
        } else {
            guard isUTF8(payload) else { return .undecodable(reason: "The message is not UTF-8 text.") }
            take(trimmed(payload))
        }
        return property.take(meaning, into: &readings)
    }

    private func meaning(_ text: UnsafeRawBufferPointer) -> Property.Meaning {
        if text.isEmpty { return .nothing }
        for word in words where text.elementsEqual(word.text) { return word.meaning }
        for word in Self.unknown where text.elementsEqual(word) { return .nothing }
        return otherwise ?? .unusable(.unknownWord)
    }
}

/// An event entity: a JSON object whose `event_type` is one of those that it announced.
struct EventReader: PayloadReader {
    var template: Template?
    var types: [(text: [UInt8], meaning: Property.Meaning)]
    var property: Property

    func read(_ payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome {
        var meaning = Property.Meaning.nothing
        var problem: String?
        func take(_ text: UnsafeRawBufferPointer?) {
            guard let text, !text.isEmpty, !text.elementsEqual("null".utf8), !text.elementsEqual("None".utf8) else { return }
            do throws(JSONError) {
                var scanner = JSONScanner(text)
                guard try scanner.peek() == .object else {
                    problem = "The event is not a JSON object."
                    return
                }
                try scanner.skip(depth: 0)
                try scanner.end()
                guard let found = try TemplateValue.find(.key(Array("event_type".utf8)), in: text) else { return }
                let type = try TemplateValue.json(at: found)
                if type.isText { meaning = type.withText { self.meaning($0) } ?? .nothing }
            } catch { problem = error.reason }
        }
        if let template {
            if let reason = template.text(payload, take) { return .undecodable(reason: reason) }
        } else {
            take(trimmed(payload))
        }
        if let problem { return .undecodable(reason: problem) }
        return property.take(meaning, into: &readings)
    }

    private func meaning(_ type: UnsafeRawBufferPointer) -> Property.Meaning {
        for known in types where type.elementsEqual(known.text) { return known.meaning }
        return type.isEmpty ? .nothing : .unusable(.unknownWord)
    }
}

/// A device trigger: it happens when the message is its payload, or whatever the message is when it names none.
struct TriggerReader: PayloadReader {
    var template: Template?
    var payload: [UInt8]?
    var event: Property

    func read(_ message: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome {
        var isIt = false
        func take(_ text: UnsafeRawBufferPointer?) {
            guard let text, !text.isEmpty else { return }
            isIt = payload.map { text.elementsEqual($0) } ?? true
        }
        if let template {
            if let reason = template.text(message, take) { return .undecodable(reason: reason) }
        } else {
            take(trimmed(message))
        }
        return isIt ? event.take(.reading(event.quantity, .boolean(true)), into: &readings) : .nothing
    }
}

extension Property {
    func take(_ meaning: Meaning, into readings: inout [DecodedReading]) -> Outcome {
        switch meaning {
        case .nothing: return .nothing
        case .unusable(let problem): return .undecodable(reason: reason(problem))
        case .reading(let quantity, let value):
            readings.append(DecodedReading(quantity: quantity, channel: channel, value: value))
            return .readings
        }
    }
}
