import Care

/// Phones with [OwnTracks](https://owntracks.org/booklet/tech/json/): where somebody is, and that they came home.
///
/// `<base>/<user>/<device>` carries JSON objects that say of what kind they are. The address is that topic; what stands
/// below it (`/event`, `/step`, …) is of the same phone.
struct OwnTracks: Convention {
    static let name = "owntracks"
    static let usualTopic = "owntracks/user/device"

    private struct PhoneProfile: Sendable {
        var topic: TopicPattern
        var expected: Span?
        var members: Profile.Members
        var places: OwnTracksPlaces
        var table: PropertyTable
    }

    private let profiles: [PhoneProfile]
    let samples: [Sample]

    private let enter = Quantity("enter")
    private let leave = Quantity("leave")
    private let presence = Quantity("presence")

    private static let keys = ["topic", "expected", "time", "properties", "ignore", "no_reading", "places", "samples"]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var profiles: [PhoneProfile] = []
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let fields = try node.fields("An OwnTracks profile", known: Self.keys)
                let (topic, expected) = try Profile.topicAndInterval(fields)
                var members = Profile.Members()
                if fields["properties"] != nil, case .object(let named) = try Profile.body(node, fields) { members = named }
                let places = try fields["places"].map { node throws(ProfileError) in try OwnTracksPlaces(node) } ?? OwnTracksPlaces()
                if profiles.contains(where: { $0.topic == topic }) {
                    throw node.error("Another profile is for the topic \(topic) already.")
                }
                profiles.append(PhoneProfile(topic: topic, expected: expected, members: members, places: places, table: members.table))
                for item in fields["samples"]?.items ?? [] { samples.append(try Sample(item, topic: topic)) }
            }
        }
        let bases = profiles.filter { $0.topic.prefix != nil }
        for index in profiles.indices where profiles[index].topic.prefix == nil {
            let own = profiles[index].topic.description
            guard let base = bases.first(where: { own.hasPrefix(($0.topic.prefix ?? "") + "/") }) else { continue }
            profiles[index].expected = profiles[index].expected ?? base.expected
            profiles[index].members = profiles[index].members.over(base.members)
            profiles[index].table = profiles[index].members.table
            profiles[index].places = profiles[index].places.over(base.places)
        }
        self.profiles = profiles
        self.samples = samples
    }

    func route(topicBelowHome topic: String) -> Route? {
        for (general, base) in profiles.enumerated() {
            guard let prefix = base.topic.prefix, topic.hasPrefix(prefix + "/") else { continue }
            let levels = topic.dropFirst(prefix.count + 1).split(separator: "/", omittingEmptySubsequences: false)
            guard levels.count >= 2, !levels[0].isEmpty, !levels[1].isEmpty else { return nil }
            let device = "\(prefix)/\(levels[0])/\(levels[1])"
            var best = general
            for (index, own) in profiles.enumerated() where own.topic.prefix == nil && own.topic.matches(device) {
                if best == general || own.topic.isMoreExact(than: profiles[best].topic) { best = index }
            }
            // What others send to the phone, and who somebody is, which a server may say, too: no sign of life.
            let role: Route.Role = levels.count > 2 && (levels[2] == "cmd" || levels[2] == "info") ? .ignored : .readings
            return Route(convention: Self.name, device: device, expected: profiles[best].expected, role: role, profileIndex: best)
        }
        return nil
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        guard route.profileIndex < profiles.count else { return .undecodable(reason: Route.strangeReason) }
        // An empty payload clears a retained message.
        if payload.isEmpty || route.role == .ignored { return .nothing }
        let profile = profiles[route.profileIndex]
        let message: OwnTracksMessage
        do throws(JSONError) {
            message = try OwnTracksMessage(payload, places: profile.places)
        } catch {
            return .undecodable(reason: error.reason)
        }
        if message.hasTime, message.time == nil, message.kind == .location || message.kind == .transition {
            return .undecodable(reason: "\u{201C}tst\u{201D} is no time, so nobody knows when it was.")
        }
        switch message.kind {
        case .location: return location(message, payload, profile, into: &readings)
        case .transition: return transition(message, payload, profile, into: &readings)
        case .steps: return steps(message, payload, profile, into: &readings)
        // The broker says so when it loses contact. Its time is when the phone had connected.
        case .lastWill: return .availability(false)
        case .other: return .nothing
        case .encrypted:
            return .undecodable(reason: "The payload is encrypted; take the secret key out of the app's settings, and let the broker use TLS.")
        case nil: return .undecodable(reason: "\u{201C}_type\u{201D} is missing, or none that OwnTracks has.")
        }
    }

    private func location(
        _ message: OwnTracksMessage, _ payload: UnsafeRawBufferPointer, _ profile: PhoneProfile, into readings: inout [DecodedReading]
    ) -> Outcome {
        guard message.knowsPlace else {
            return .undecodable(reason: "The phone did not know where it was: \u{201C}lat\u{201D}, \u{201C}lon\u{201D} or \u{201C}acc\u{201D} says so.")
        }
        let outcome = MessageReader.readObject(payload, profile.table, into: &readings)
        guard message.saysRegions else { return outcome }
        let start = readings.count
        for (index, place) in profile.places.places.enumerated() {
            append(presence, place.channel, message.inside & (1 << UInt64(index)) != 0, message.time, &readings)
        }
        return outcome == .nothing && readings.count > start ? .readings : outcome
    }

    private func transition(
        _ message: OwnTracksMessage, _ payload: UnsafeRawBufferPointer, _ profile: PhoneProfile, into readings: inout [DecodedReading]
    ) -> Outcome {
        guard let isEntering = message.isEntering else {
            return .undecodable(reason: "\u{201C}event\u{201D} is neither enter nor leave.")
        }
        let place = message.region.flatMap { profile.places.index(ofRegion: $0) }.map { profile.places.places[$0] }
        // A beacon that is no place of ours may hang on somebody's keys: that they are near says nothing of where.
        let isCarried = message.isBeacon && place == nil
        var outcome = Outcome.readings
        if !isCarried, message.knowsPlace { outcome = MessageReader.readObject(payload, profile.table, into: &readings) }
        let channel = place?.name ?? OwnTracksPlaces.channel(ofRegion: message.region)
        append(isEntering ? enter : leave, channel, true, message.time, &readings)
        if let place { append(presence, place.channel, isEntering, message.time, &readings) }
        return outcome == .nothing ? .readings : outcome
    }

    private func steps(
        _ message: OwnTracksMessage, _ payload: UnsafeRawBufferPointer, _ profile: PhoneProfile, into readings: inout [DecodedReading]
    ) -> Outcome {
        let start = readings.count
        let outcome = MessageReader.readObject(payload, profile.table, into: &readings)
        // They were walked by then; "tst" is when somebody asked.
        if let end = message.end {
            for index in start..<readings.count { readings[index].deviceTime = end }
        }
        return outcome
    }

    private func append(
        _ quantity: Quantity?, _ channel: String, _ value: Bool, _ time: Instant?, _ readings: inout [DecodedReading]
    ) {
        guard let quantity else { return }
        readings.append(DecodedReading(quantity: quantity, channel: channel, value: .boolean(value), deviceTime: time))
    }
}
