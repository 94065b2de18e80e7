import Care

/// A message in a profile and what must come of it. Every one is a test.
struct Sample: Sendable {
    var file: String
    var line: Int
    var column: Int
    /// Below `homes/<home>/`.
    var topic: String
    /// What was said before it, such as announcements.
    var after: [(topic: String, message: String)] = []
    /// The address that its readings must be of; nil: not asked.
    var device: String?
    var message: [UInt8]
    var arrivedAt: Instant
    var gives: Expectation

    enum Expectation: Hashable, Sendable {
        case readings([DecodedReading])
        case availability(Bool)
        /// Quantities, with channels, that an announcement declares.
        case announces([DecodedReading])
        case nothing
        case undecodable
    }

    /// When samples arrive that do not say when.
    static let usualArrival = Instant(milliseconds: 1_767_225_600_000)  // 2026-01-01T00:00:00Z

    /// - Parameter pattern: The profile's topic, which is the sample's own unless it has a wildcard.
    init(_ node: ProfileNode, topic pattern: TopicPattern) throws(ProfileError) {
        let fields = try node.fields(
            "A sample", known: ["topic", "message", "hex", "after", "device", "gives", "arrives", "time", "source"])
        file = node.file
        let place = node.error("")
        (line, column) = (place.line, place.column)
        for item in fields["after"]?.items ?? [] {
            let before = try item.fields("A message before a sample", known: ["topic", "message"])
            after.append((try before.required("topic").text("topic"), try before.required("message").text("message")))
        }
        device = try fields["device"]?.text("device")
        if let topicNode = fields["topic"] {
            topic = try topicNode.text("topic")
            // What is announced may be heard anywhere in its home.
            guard !after.isEmpty || pattern.matches(topic) else {
                throw topicNode.error("This topic is not of the profile, which is for \(pattern).")
            }
        } else if pattern.hasWildcard {
            throw node.error("A sample needs a topic, because the profile is for more than one.")
        } else {
            topic = pattern.description
        }
        if let hex = fields["hex"] {
            guard let bytes = Self.bytes(hex: try hex.text("hex")) else { throw hex.error("hex is bytes in pairs of 0 to 9 and a to f.") }
            message = bytes
        } else {
            message = Array(try fields.required("message").text("message").utf8)
        }
        arrivedAt = try fields["arrives"]?.instant("arrives") ?? Self.usualArrival
        let time = try fields["time"]?.instant("time")
        gives = try Self.expectation(try fields.required("gives"), time: time)
    }

    private static func expectation(_ node: ProfileNode, time: Instant?) throws(ProfileError) -> Expectation {
        var readings: [DecodedReading] = []
        for item in node.items {
            guard item.isMapping else {
                switch try item.text("gives") {
                case "nothing": return .nothing
                case "online": return .availability(true)
                case "offline": return .availability(false)
                case "undecodable": return .undecodable
                default: throw item.error("gives is readings, nothing, online, offline or undecodable.")
                }
            }
            var ofItem: [DecodedReading] = []
            var itemTime = time
            if case let pairs = try item.pairs("gives"), pairs.count == 1, pairs[0].name == "announces" {
                var declared: [DecodedReading] = []
                for one in pairs[0].value.items { declared.append(try Self.declared(one)) }
                return .announces(declared)
            }
            for (key, name, value) in try item.pairs("gives") {
                if name == "time" {
                    itemTime = try value.instant("time")
                    continue
                }
                // `power_on/l1` is the channel `l1` of `power_on`.
                let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
                guard let first = parts.first, let quantity = Quantity(first) else {
                    throw key.error("There is no quantity of this name.")
                }
                ofItem.append(
                    DecodedReading(
                        quantity: quantity, channel: parts.count > 1 ? String(parts[1]) : "",
                        value: try value.value(of: quantity)))
            }
            for index in ofItem.indices { ofItem[index].deviceTime = itemTime }
            readings += ofItem
        }
        return .readings(readings)
    }

    private static func declared(_ node: ProfileNode) throws(ProfileError) -> DecodedReading {
        let parts = try node.text("What is announced").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let quantity = Quantity(first) else { throw node.error("There is no quantity of this name.") }
        return DecodedReading(quantity: quantity, channel: parts.count > 1 ? String(parts[1]) : "", value: .boolean(true))
    }

    private static func bytes(hex: String) -> [UInt8]? {
        let digits = hex.filter { !$0.isWhitespace }
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        var at = digits.startIndex
        while at < digits.endIndex {
            let next = digits.index(at, offsetBy: 2)
            guard let byte = UInt8(digits[at..<next], radix: 16) else { return nil }
            bytes.append(byte)
            at = next
        }
        return bytes
    }

    /// What is wrong, in a sentence; nil when the sample gives what it must.
    func complaint(_ catalogue: Catalogue) -> String? {
        var trial = Trial(catalogue)
        for before in after {
            let result = Array(before.message.utf8).withUnsafeBytes { trial.take(topic: before.topic, payload: $0, arrivedAt: arrivedAt) }
            if !result.isUnderstood { return "What comes before it is not understood: \(result.reason ?? "")" }
        }
        let result = message.withUnsafeBytes { trial.take(topic: topic, payload: $0, arrivedAt: arrivedAt) }
        if result.convention == nil { return "No profile knows this topic." }
        if let device, let other = result.readings.first(where: { $0.device != device })?.device {
            return "It is of the device \(other), and should be of \(device)."
        }
        let got = result.readings.map(\.reading)
        let words = got.map(Self.words).joined(separator: ", ")
        switch gives {
        case .undecodable: return result.isUnderstood ? "It is understood\(got.isEmpty ? "." : ": \(words).")" : nil
        case _ where !result.isUnderstood: return "It cannot be decoded: \(result.reason ?? "")"
        case .nothing:
            if !got.isEmpty { return "It gives \(words)." }
            if !result.announces.isEmpty { return "It announces something." }
            return result.availability.map { "It says that the device is \($0 ? "on" : "off")line." }
        case .availability(let wanted):
            guard let said = result.availability else { return got.isEmpty ? "It gives nothing." : "It gives \(words)." }
            return said == wanted ? nil : "It says that the device is \(said ? "on" : "off")line."
        case .announces(let wanted):
            let said = result.announces.map { DecodedReading(quantity: $0.declared.quantity, channel: $0.declared.channel, value: .boolean(true)) }
            return Self.difference(said, wanted, "announces")
        case .readings(let wanted): return Self.difference(got, wanted, "gives")
        }
    }

    private static func difference(_ got: [DecodedReading], _ wanted: [DecodedReading], _ verb: String) -> String? {
        var left = got
        for reading in wanted {
            guard let index = left.firstIndex(where: { agree($0, reading) }) else {
                return "It should give \(words(reading)) but \(verb) " + (got.isEmpty ? "nothing." : got.map(words).joined(separator: ", ") + ".")
            }
            left.remove(at: index)
        }
        return left.first.map { "It also \(verb) \(words($0)), which it should not." }
    }

    /// Numbers agree to nine digits: conversions round. A sample without a time does not ask about it.
    private static func agree(_ got: DecodedReading, _ wanted: DecodedReading) -> Bool {
        guard got.quantity == wanted.quantity, got.channel == wanted.channel else { return false }
        if let time = wanted.deviceTime, time != got.deviceTime { return false }
        switch (got.value, wanted.value) {
        case (.boolean(let a), .boolean(let b)): return a == b
        case (.number(let a), .number(let b)): return abs(a - b) <= 1e-9 * max(1, abs(b))
        default: return false
        }
    }

    private static func words(_ reading: DecodedReading) -> String {
        let value =
            switch reading.value {
            case .boolean(let flag): flag ? "true" : "false"
            case .number(let number): "\(number)"
            }
        let channel = reading.channel.isEmpty ? "" : "/\(reading.channel)"
        let time = reading.deviceTime.map { " at \($0.iso)" } ?? ""
        return "\(reading.quantity.name)\(channel) \(value)\(time)"
    }
}

extension ProfileNode {
    func instant(_ what: String) throws(ProfileError) -> Instant {
        guard let instant = Instant(iso: try text(what)) else {
            throw error("\(what) should be a time such as 2026-11-21T03:07:05Z.")
        }
        return instant
    }
}
