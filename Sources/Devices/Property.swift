import Care

/// What one value from outside means: a quantity, how its values are written, and which of them say nothing.
struct Property: Sendable {
    /// Its name in the profile, for reasons. Never taken from a message.
    var label: String
    var quantity: Quantity
    /// Kept beside the quantity so that the table need not be asked for every message.
    var kind: Quantity.Kind
    var channel = ""
    /// Nil when the device sends the quantity's own unit.
    var conversion: Conversion?
    /// True where the device says the opposite: Zigbee's `contact` is true when a door is closed.
    var isInverted = false
    /// In the unit sent. Numbers outside say nothing, e.g. a battery's millivolts where volts are meant.
    var lowest = -Double.infinity
    var highest = Double.infinity
    /// Numbers that stand for "no value", in the unit sent.
    var noReadingNumbers: [Double] = []
    /// Words, in their order of importance.
    var words: [Word] = []
    /// True when a text counts by the parts between `_` and `-`: `button_1_single`, `single_left`.
    var looksAtParts = false
    /// For texts that no word explains. Nil: they are an error.
    var otherwise: Meaning?
    /// True when another property of the profile gives the same quantity and stands before this one.
    var givesWay = false

    init(label: String, quantity: Quantity) {
        self.label = label
        self.quantity = quantity
        kind = quantity.kind
    }

    /// A text in lower case and what it stands for.
    struct Word: Sendable {
        var text: [UInt8]
        var meaning: Meaning
    }

    enum Meaning: Hashable, Sendable {
        case nothing
        case reading(Quantity, Value)
        case unusable(Problem)
    }

    enum Problem: String, Sendable {
        case notANumber = "is not a number"
        case notABoolean = "is neither yes nor no"
        case unknownWord = "holds a word that its profile does not know"
        case notAValue = "is a list or an object where one value was expected"
        case tooManyReadings = "comes after more readings than one message may hold"
    }

    /// Parts are looked for in texts of up to so many bytes: every word is looked for in every part, and no device has an
    /// action with a longer name.
    static let partsBytesMax = 256

    /// What a boolean may be called where the profile has no word for it.
    private static let trueWords = ["true", "on", "yes", "1"].map { Array($0.utf8) }
    private static let falseWords = ["false", "off", "no", "0"].map { Array($0.utf8) }

    func meaning(of number: Double) -> Meaning {
        for sentinel in noReadingNumbers where sentinel == number { return .nothing }
        switch kind {
        case .number:
            guard number >= lowest, number <= highest else { return .nothing }
            guard let conversion else { return .reading(quantity, .number(number)) }
            let converted = conversion(number)
            return converted.isFinite ? .reading(quantity, .number(converted)) : .unusable(.notANumber)
        case .boolean, .event:
            guard number == 0 || number == 1 else { return .unusable(.notABoolean) }
            return meaning(of: number == 1)
        }
    }

    func meaning(of flag: Bool) -> Meaning {
        switch kind {
        case .boolean: .reading(quantity, .boolean(flag != isInverted))
        case .event: flag != isInverted ? .reading(quantity, .boolean(true)) : .nothing
        case .number: .unusable(.notANumber)
        }
    }

    /// The empty text is neither a reading nor an all-clear: Zigbee2MQTT sends it to reset its own displays.
    func meaning(ofText raw: UnsafeRawBufferPointer) -> Meaning {
        let text = trimmed(raw)
        if text.isEmpty { return .nothing }
        for word in words where equalsIgnoringCase(text, word.text) { return word.meaning }
        if looksAtParts, text.count <= Self.partsBytesMax {
            for word in words where hasPart(text, word.text) { return word.meaning }
        }
        // For an event every other text is one more way in which it happens: a remote's `off` is a press.
        if kind == .event, let otherwise { return otherwise }
        if let number = numberInText(text) { return meaning(of: number) }
        if kind != .number {
            for word in Self.trueWords where equalsIgnoringCase(text, word) { return meaning(of: true) }
            for word in Self.falseWords where equalsIgnoringCase(text, word) { return meaning(of: false) }
        }
        if let otherwise { return otherwise }
        switch kind {
        case .number: return .unusable(.notANumber)
        case .boolean, .event: return .unusable(words.isEmpty ? .notABoolean : .unknownWord)
        }
    }

    func reason(_ problem: Problem) -> String { "\u{201C}\(label)\u{201D} \(problem.rawValue)." }
}

/// - Parameter word: In lower case.
private func equalsIgnoringCase(_ text: UnsafeRawBufferPointer, _ word: [UInt8]) -> Bool {
    guard text.count == word.count else { return false }
    for index in 0..<text.count where lowered(text[index]) != word[index] { return false }
    return true
}

/// Whether `word` stands in `text` between separators or ends. A word may itself hold separators.
private func hasPart(_ text: UnsafeRawBufferPointer, _ word: [UInt8]) -> Bool {
    func separates(_ index: Int) -> Bool {
        text[index] == UInt8(ascii: "_") || text[index] == UInt8(ascii: "-")
    }
    guard !word.isEmpty, text.count > word.count else { return false }
    for start in 0...(text.count - word.count) {
        guard start == 0 || separates(start - 1) else { continue }
        let end = start + word.count
        guard end == text.count || separates(end) else { continue }
        let part = UnsafeRawBufferPointer(rebasing: text[start..<end])
        if equalsIgnoringCase(part, word) { return true }
    }
    return false
}

private func lowered(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
