/// Why a text is no recipient, data or hours: one plain sentence that can be shown. It never repeats the
/// name of a person.
public struct ConsentTextError: Error, Hashable, Sendable, CustomStringConvertible {
    public let sentence: String
    public var description: String { sentence }

    init(_ sentence: String) { self.sentence = sentence }
}

extension RecipientPattern {
    /// `helper:maria`, `helper:*`, `circle:oak-street`, `coordinator:carla`, `service:clinic`, `anyone`.
    public var text: String {
        switch self {
        case .helper(let person): "helper:\(person)"
        case .anyHelper: "helper:*"
        case .circle(let circle): "circle:\(circle)"
        case .coordinator(let person): "coordinator:\(person)"
        case .anyCoordinator: "coordinator:*"
        case .service(let person): "service:\(person)"
        case .anyService: "service:*"
        case .anyone: "anyone"
        }
    }

    /// Reads what `text` writes.
    public init(text: some StringProtocol) throws(ConsentTextError) {
        if text == "anyone" {
            self = .anyone
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw Self.unknownForm }
        let (kind, name) = (parts[0], String(parts[1]))
        guard name == "*" || isUsableName(name) else {
            throw ConsentTextError(
                "After \u{201C}helper:\u{201D} and the like stands a login name, of small letters, digits and "
                    + "hyphens, or \u{201C}*\u{201D}.")
        }
        switch (kind, name) {
        case ("helper", "*"): self = .anyHelper
        case ("helper", _): self = .helper(PersonID(name))
        case ("circle", "*"):
            throw ConsentTextError("A circle has to be named; \u{201C}helper:*\u{201D} means all helpers.")
        case ("circle", _): self = .circle(CircleID(name))
        case ("coordinator", "*"): self = .anyCoordinator
        case ("coordinator", _): self = .coordinator(PersonID(name))
        case ("service", "*"): self = .anyService
        case ("service", _): self = .service(PersonID(name))
        default: throw Self.unknownForm
        }
    }

    private static var unknownForm: ConsentTextError {
        ConsentTextError(
            "A recipient is written \u{201C}helper:\u{201D}, \u{201C}circle:\u{201D}, \u{201C}coordinator:\u{201D} "
                + "or \u{201C}service:\u{201D} and a name, or \u{201C}anyone\u{201D}.")
    }
}

extension DataPattern {
    /// `everything`, `safety`, `quantity:heart_rate`, `device:12`, `identity`.
    public var text: String {
        switch self {
        case .everything: "everything"
        case .category(let category): category.rawValue
        case .quantity(let quantity): "quantity:\(quantity)"
        case .device(let device): "device:\(device.number)"
        case .identity: "identity"
        }
    }

    /// Reads what `text` writes and, because people leave it out, `heart_rate` for `quantity:heart_rate`.
    public init(text: some StringProtocol) throws(ConsentTextError) {
        switch text {
        case "everything":
            self = .everything
            return
        case "identity":
            self = .identity
            return
        default: break
        }
        if let category = Category(rawValue: String(text)) {
            self = .category(category)
        } else if text.hasPrefix("device:") {
            let digits = text.dropFirst("device:".count)
            guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int32(digits) else {
                throw ConsentTextError("After \u{201C}device:\u{201D} stands the number of a device.")
            }
            self = .device(DeviceID(number))
        } else {
            let isNamed = text.hasPrefix("quantity:")
            let name = isNamed ? String(text.dropFirst("quantity:".count)) : String(text)
            guard let quantity = Quantity(name) else {
                let shown = "\u{201C}\(safeText(name, charactersMax: 40))\u{201D}"
                throw ConsentTextError(
                    isNamed
                        ? "No quantity is called \(shown)."
                        : "\(shown) is no category or quantity, nor \u{201C}everything\u{201D}, "
                            + "\u{201C}device:\u{201D} and a number, or \u{201C}identity\u{201D}.")
            }
            self = .quantity(quantity)
        }
    }
}

extension HourWindow {
    /// `22:00-07:00`, `mon-fri 08:00-18:00`, `sat,sun 10:00-24:00`.
    public var text: String {
        let times = "\(from.clock)-\(to?.clock ?? "24:00")"
        guard !days.isEmpty else { return times }
        return Self.runs(of: days).map { run in
            let (first, last) = (Self.short(run.lowerBound), Self.short(run.upperBound - 1))
            return run.count == 1 ? first : "\(first)-\(last)"
        }.joined(separator: ",") + " " + times
    }

    /// Reads what `text` writes. Days may be ranges that run over the end of the week (`fri-mon`); those
    /// read come in the order of the week, without doubles.
    public init(text: some StringProtocol) throws(ConsentTextError) {
        let words = text.split(separator: " ")
        guard let times = words.last, words.count <= 2 else { throw Self.unknownForm }
        let clocks = times.split(separator: "-", omittingEmptySubsequences: false)
        guard clocks.count == 2, let from = Self.minute(clocks[0]) else { throw Self.unknownForm }
        var to: MinuteOfDay?
        if clocks[1] != "24:00" {
            guard let minute = Self.minute(clocks[1]) else { throw Self.unknownForm }
            to = minute
        }
        var days: [Weekday] = []
        if words.count == 2 { days = try Self.days(words[0]) }
        self.init(days: days, from: from, to: to)
    }

    /// `days` as ranges of positions in the week, in its order; three or more in a row make one range.
    static func runs(of days: [Weekday]) -> [Range<Int>] {
        let week = Weekday.allCases
        var runs: [Range<Int>] = []
        var position = 0
        while position < week.count {
            var end = position
            while end < week.count, days.contains(week[end]) { end += 1 }
            if end - position >= 3 {
                runs.append(position..<end)
            } else {
                runs += (position..<end).map { $0..<$0 + 1 }
            }
            position = max(end, position + 1)
        }
        return runs
    }

    private static func days(_ text: some StringProtocol) throws(ConsentTextError) -> [Weekday] {
        let week = Weekday.allCases
        var isNamed = week.map { _ in false }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = position(ends.first), let last = position(ends.last) else {
                throw ConsentTextError("Days are written \u{201C}mon-fri\u{201D} or \u{201C}sat,sun\u{201D}.")
            }
            var day = first
            isNamed[day] = true
            while day != last {
                day = (day + 1) % week.count
                isNamed[day] = true
            }
        }
        return week.indices.filter { isNamed[$0] }.map { week[$0] }
    }

    private static func position(_ name: (some StringProtocol)?) -> Int? {
        guard let name else { return nil }
        return Weekday.allCases.indices.first { short($0) == name }
    }

    private static func short(_ position: Int) -> String { String(Weekday.allCases[position].rawValue.prefix(3)) }

    /// Exactly `07:30`; what reads the same in another spelling is refused.
    private static func minute(_ text: some StringProtocol) -> MinuteOfDay? {
        guard let minute = MinuteOfDay(clock: text), minute.clock == text else { return nil }
        return minute
    }

    private static var unknownForm: ConsentTextError {
        ConsentTextError(
            "Hours are written \u{201C}22:00-07:00\u{201D}, with days \u{201C}mon-fri 08:00-18:00\u{201D} and up to "
                + "midnight \u{201C}10:00-24:00\u{201D}.")
    }
}

// In JSON both are their text form, so that a stored record can be read by people and by newer versions.

extension RecipientPattern: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do throws(ConsentTextError) {
            try self.init(text: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.sentence)
        }
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension DataPattern: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do throws(ConsentTextError) {
            try self.init(text: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.sentence)
        }
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
