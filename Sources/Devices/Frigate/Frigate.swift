import Care

/// Cameras behind [Frigate](https://docs.frigate.video/integrations/mqtt): that somebody was seen, and never the picture.
///
/// `<base>/<camera>/…` speaks of one camera, and `<base>/<zone>/<object>` of one zone, which is a device like a camera.
/// Who a face or a number plate belongs to, and what was said, gives no reading at all.
struct Frigate: Convention {
    static let name = "frigate"
    static let usualTopic = "frigate/events"

    private struct Base: Sendable {
        var prefix: String
        var expected: Span?
        /// Labels of what is a person.
        var persons: [String]
        /// Labels of sounds, which become channels.
        var sounds: [String]
    }

    private let bases: [Base]
    let samples: [Sample]

    private let personSeen: Property?
    private let motion: Property?
    private let sound: Property?

    /// Labels of one profile. Frigate knows 521.
    private static let labelsMax = 1_000

    private static let keys = ["topic", "expected", "persons", "sounds", "samples"]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var bases: [Base] = []
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let fields = try node.fields("A Frigate profile", known: Self.keys)
                let (topic, expected) = try Profile.topicAndInterval(fields)
                guard let prefix = topic.prefix, !prefix.contains("+") else {
                    throw node.error("The topic of a Frigate profile is its base topic and #, such as frigate/#.")
                }
                var base = Base(prefix: prefix, expected: expected, persons: [], sounds: [])
                for item in fields["persons"]?.items ?? [] { base.persons.append(try item.text("A label")) }
                for item in fields["sounds"]?.items ?? [] { base.sounds.append(try item.text("A label")) }
                guard base.sounds.count <= Self.labelsMax else { throw node.error("There are at most \(Self.labelsMax) labels.") }
                // The owner's own words on a base that we know take the place of ours.
                if let index = bases.firstIndex(where: { $0.prefix == prefix }) { bases[index] = base } else { bases.append(base) }
                for item in fields["samples"]?.items ?? [] { samples.append(try Sample(item, topic: topic)) }
            }
        }
        self.bases = bases
        self.samples = samples
        func property(_ label: String, _ name: String) -> Property? {
            Quantity(name).map { Property(label: label, quantity: $0) }
        }
        personSeen = property("The number of persons", "person_seen")
        motion = property("Motion", "motion")
        sound = property("Audio", "sound")
    }

    /// What a topic is, in `Route.profileIndex` together with the base and the sound.
    private enum Subject: Int { case count, motion, sound, camera, frigate, events, object }
    private static let subjects = 8

    private func index(_ base: Int, _ subject: Subject, sound: Int = 0) -> Int {
        (base * (Self.labelsMax + 1) + sound) * Self.subjects + subject.rawValue
    }

    private func parts(_ index: Int) -> (base: Base, subject: Subject, sound: Int)? {
        let (rest, subject) = (index / Self.subjects, Subject(rawValue: index % Self.subjects))
        let base = rest / (Self.labelsMax + 1)
        guard let subject, index >= 0, base < bases.count else { return nil }
        return (bases[base], subject, rest % (Self.labelsMax + 1))
    }

    func route(topicBelowHome topic: String) -> Route? {
        for (number, base) in bases.enumerated() where topic.hasPrefix(base.prefix + "/") {
            let levels = topic.dropFirst(base.prefix.count + 1).split(separator: "/", omittingEmptySubsequences: false)
            guard let camera = levels.first, !camera.isEmpty else { return nil }
            func route(_ device: String, _ role: Route.Role, _ subject: Subject = .count, sound: Int = 0) -> Route? {
                Route(
                    convention: Self.name, device: device, expected: role == .readings ? base.expected : nil, role: role,
                    profileIndex: index(number, subject, sound: sound), bridge: role == .bridge ? nil : base.prefix)
            }
            let device = "\(base.prefix)/\(camera)"
            if levels.count == 1 {
                if camera == "available" { return route(base.prefix, .bridge, .frigate) }
                return camera == "events" ? route(base.prefix, .shared, .events) : route(device, .ignored)
            }
            let what = levels[1]
            if levels.count == 2 {
                if what == "motion" { return route(device, .readings, .motion) }
                if base.persons.contains(where: { $0 == what }) { return route(device, .readings, .count) }
            }
            if levels.count == 3 {
                if what == "status", levels[2] == "detect" { return route(device, .availability, .camera) }
                if what == "audio", let sound = base.sounds.firstIndex(where: { $0 == levels[2] }) {
                    return route(device, .readings, .sound, sound: sound)
                }
            }
            // Pictures, settings, and objects that are nobody.
            return route(device, .ignored)
        }
        return nil
    }

    /// An event's camera; its decoding says whether it is of a person.
    func route(_ shared: Route, payload: UnsafeRawBufferPointer) -> Route? {
        guard let (base, _, _) = parts(shared.profileIndex), let event = try? FrigateEvent(payload), let camera = event.camera else { return nil }
        let name = camera.string
        guard !name.isEmpty, !name.contains("/") else { return nil }
        return Route(
            convention: Self.name, device: "\(base.prefix)/\(name)", expected: base.expected, role: .readings,
            profileIndex: shared.profileIndex - Subject.events.rawValue + Subject.object.rawValue, bridge: base.prefix)
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        guard let (base, subject, soundIndex) = parts(route.profileIndex) else { return .undecodable(reason: Route.strangeReason) }
        if route.role == .ignored || route.role == .shared || payload.isEmpty { return .nothing }
        switch subject {
        case .frigate: return state(payload, offline: ["offline"])
        // A camera that is switched off sees nobody, whoever switched it.
        case .camera: return state(payload, offline: ["offline", "disabled"])
        case .motion:
            guard let motion else { return .nothing }
            return MessageReader.readValue(payload, motion, into: &readings)
        case .sound:
            guard var sound, soundIndex < base.sounds.count else { return .nothing }
            sound.channel = base.sounds[soundIndex]
            return MessageReader.readValue(payload, sound, into: &readings)
        case .count:
            guard let count = numberInText(payload), count >= 0, count == count.rounded() else {
                return .undecodable(reason: "The number of persons is no whole number.")
            }
            append(count > 0, nil, &readings)
            return .readings
        case .object: return object(payload, base, &readings)
        case .events: return .nothing
        }
    }

    /// The first message about a tracked object says that it is there. That it is gone is said by the number of persons
    /// only: another one may still be in the picture.
    private func object(_ payload: UnsafeRawBufferPointer, _ base: Base, _ readings: inout [DecodedReading]) -> Outcome {
        do throws(JSONError) {
            let event = try FrigateEvent(payload)
            guard event.isNew, !event.isFalse, let label = event.label?.string, base.persons.contains(label) else { return .nothing }
            append(true, event.start, &readings)
            return .readings
        } catch { return .undecodable(reason: error.reason) }
    }

    private func append(_ isSeen: Bool, _ time: Instant?, _ readings: inout [DecodedReading]) {
        guard let personSeen else { return }
        readings.append(DecodedReading(quantity: personSeen.quantity, value: .boolean(isSeen), deviceTime: time))
    }

    private func state(_ payload: UnsafeRawBufferPointer, offline: [StaticString]) -> Outcome {
        let text = JSONText(bytes: trimmed(payload), isEscaped: false)
        if text.reads("online") { return .availability(true) }
        for word in offline where text.reads(word) { return .availability(false) }
        return .undecodable(reason: "The availability is none of Frigate's words.")
    }
}

/// What of an event is looked at.
private struct FrigateEvent {
    var isNew = false
    var camera: JSONText?
    var label: JSONText?
    var start: Instant?
    var isFalse = false

    init(_ payload: UnsafeRawBufferPointer) throws(JSONError) {
        var scanner = JSONScanner(payload)
        guard try scanner.peek() == .object else { throw scanner.failure(.unexpected) }
        scanner.open()
        var first = true
        while let key = try scanner.nextKey(&first) {
            if key.reads("type") {
                isNew = try scanner.looseText(depth: 1)?.reads("new") ?? false
            } else if key.reads("after"), try scanner.peek() == .object {
                try readObject(&scanner)
            } else {
                try scanner.skip(depth: 1)
            }
        }
        try scanner.end()
    }

    private mutating func readObject(_ scanner: inout JSONScanner) throws(JSONError) {
        scanner.open()
        var first = true
        while let key = try scanner.nextKey(&first) {
            if key.reads("camera") {
                camera = try scanner.looseText(depth: 2)
            } else if key.reads("label") {
                label = try scanner.looseText(depth: 2)
            } else if key.reads("start_time") {
                start = try scanner.looseTime(depth: 2)
            } else if key.reads("false_positive") {
                isFalse = try scanner.looseFlag(depth: 2) ?? false
            } else {
                try scanner.skip(depth: 2)
            }
        }
    }
}
