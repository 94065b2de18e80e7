import Care

/// A message in a profile and what must come of it. Every one is a test.
struct Sample: Sendable {
    var file: String
    var line: Int
    var column: Int
    /// Below `homes/<home>/`.
    var topic: String
    var message: String
    var arrivedAt: Instant
    var gives: Expectation

    enum Expectation: Hashable, Sendable {
        case readings([DecodedReading])
        case availability(Bool)
        case nothing
        case undecodable
    }

    /// When samples arrive that do not say when.
    static let usualArrival = Instant(milliseconds: 1_767_225_600_000)  // 2026-01-01T00:00:00Z

    /// - Parameter pattern: The profile's topic, which is the sample's own unless it has a wildcard.
    init(_ node: ProfileNode, topic pattern: TopicPattern) throws(ProfileError) {
        let fields = try node.fields(
            "A sample", known: ["topic", "message", "gives", "arrives", "time", "source"])
        file = node.file
        let place = node.error("")
        (line, column) = (place.line, place.column)
        if let topicNode = fields["topic"] {
            topic = try topicNode.text("topic")
            guard pattern.matches(topic) else {
                throw topicNode.error("This topic is not of the profile, which is for \(pattern).")
            }
        } else if pattern.hasWildcard {
            throw node.error("A sample needs a topic, because the profile is for more than one.")
        } else {
            topic = pattern.description
        }
        message = try fields.required("message").text("message")
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

    /// What is wrong, in a sentence; nil when the sample gives what it must.
    func complaint(_ catalogue: Catalogue) -> String? {
        guard let route = catalogue.route(topicBelowHome: topic) else {
            return "No profile knows this topic."
        }
        var got: [DecodedReading] = []
        var bytes = message
        let outcome = bytes.withUTF8 {
            catalogue.decode(route, payload: UnsafeRawBufferPointer($0), arrivedAt: arrivedAt, into: &got)
        }
        switch (gives, outcome) {
        case (.nothing, .nothing), (.undecodable, .undecodable): return nil
        case (.availability(let wanted), .availability(let said)) where wanted == said: return nil
        case (.readings(let wanted), .readings):
            var left = got
            for reading in wanted {
                guard let index = left.firstIndex(where: { Self.agree($0, reading) }) else {
                    return "It should give \(Self.words(reading)) but gives "
                        + (got.isEmpty ? "nothing." : got.map(Self.words).joined(separator: ", ") + ".")
                }
                left.remove(at: index)
            }
            if let extra = left.first { return "It also gives \(Self.words(extra)), which it should not." }
            return nil
        case (_, .undecodable(let reason)): return "It cannot be decoded: \(reason)"
        case (_, .readings): return "It gives \(got.map(Self.words).joined(separator: ", "))."
        case (_, .availability(let isOnline)):
            return "It says that the device is \(isOnline ? "on" : "off")line."
        case (_, .nothing): return "It gives nothing."
        }
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
