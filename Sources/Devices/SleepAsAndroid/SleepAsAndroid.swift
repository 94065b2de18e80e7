import Care

/// [Sleep as Android](https://docs.sleep.urbandroid.org/services/automation.html): that somebody sleeps, and what a
/// phone beside the bed hears.
///
/// One topic, `SleepAsAndroid` unless the app is told otherwise, and one level below it for each of several phones.
/// `value1` is never taken for the time: where it is documented it says when an alarm is to ring, which may be tomorrow.
struct SleepAsAndroid: Convention {
    static let name = "sleep-as-android"
    static let otherNames = ["sleep_as_android", "sleepasandroid"]
    static let usualTopic = "SleepAsAndroid"

    private struct Event: Sendable {
        var name: [UInt8]
        /// Nil: known, and nothing.
        var reading: DecodedReading?
    }

    private struct AppProfile: Sendable {
        var topic: TopicPattern
        var expected: Span?
        var events: [Event]
    }

    private let profiles: [AppProfile]
    let samples: [Sample]

    private static let keys = ["topic", "expected", "events", "samples"]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var profiles: [AppProfile] = []
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let fields = try node.fields("A Sleep as Android profile", known: Self.keys)
                let (topic, expected) = try Profile.topicAndInterval(fields)
                guard !topic.hasWildcard else { throw node.error("The topic is the one that stands in the app's settings.") }
                var events: [Event] = []
                for (_, name, value) in try fields.required("events").pairs("events") {
                    events.append(Event(name: Array(name.utf8), reading: try Self.reading(value)))
                }
                profiles.append(AppProfile(topic: topic, expected: expected, events: events))
                for item in fields["samples"]?.items ?? [] {
                    guard let all = TopicPattern("#") else { continue }
                    samples.append(try Sample(item, topic: all))
                }
            }
        }
        self.profiles = profiles
        self.samples = samples
    }

    /// `nothing`, or `{quantity: sleeping, category: mindfulness, value: true}`.
    private static func reading(_ node: ProfileNode) throws(ProfileError) -> DecodedReading? {
        guard node.isMapping else {
            guard try node.text("An event's meaning") == "nothing" else { throw node.error("An event means nothing, or a quantity with its category and value.") }
            return nil
        }
        let fields = try node.fields("An event's meaning", known: ["quantity", "category", "value", "channel"])
        let quantity = try fields.required("quantity").quantity()
        let category = try fields.required("category")
        guard try category.text("category") == quantity.category.rawValue else {
            throw category.error("\(quantity.name) is of the category \(quantity.category.rawValue).")
        }
        return DecodedReading(
            quantity: quantity, channel: try fields["channel"]?.text("channel") ?? "",
            value: try fields.required("value").value(of: quantity))
    }

    func route(topicBelowHome topic: String) -> Route? {
        for (index, profile) in profiles.enumerated() {
            let base = profile.topic.description
            guard topic.hasPrefix(base) else { continue }
            var phone = topic.dropFirst(base.count)
            if phone.isEmpty {
                phone = "phone"
            } else {
                guard phone.removeFirst() == "/", !phone.isEmpty, !phone.contains("/") else { continue }
            }
            return Route(
                convention: Self.name, device: "\(Self.name)/\(phone)", expected: profile.expected, role: .readings, profileIndex: index)
        }
        return nil
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        guard route.profileIndex < profiles.count else { return .undecodable(reason: Route.strangeReason) }
        if payload.isEmpty { return .nothing }
        var scanner = JSONScanner(payload)
        var name: JSONText?
        do throws(JSONError) {
            guard try scanner.peek() == .object else { return .undecodable(reason: "The message is not a JSON object.") }
            scanner.open()
            var first = true
            while let key = try scanner.nextKey(&first) {
                if key.reads("event") { name = try scanner.looseText(depth: 1) } else { try scanner.skip(depth: 1) }
            }
            try scanner.end()
        } catch {
            return .undecodable(reason: error.reason)
        }
        guard let name else { return .undecodable(reason: "The message has no \u{201C}event\u{201D}.") }
        // The app's next version may have events that we do not know.
        let event = name.withBytes { bytes in profiles[route.profileIndex].events.first { bytes.elementsEqual($0.name) } }
        guard let reading = event?.reading else { return .nothing }
        readings.append(reading)
        return .readings
    }
}
