import Care

/// What the devices of one home have said of themselves: which there are, where each is heard, what it means.
///
/// A value. Whoever keeps it takes every announcement, retained or not, and asks it before the catalogue
/// (`Catalogue.routes`). Announcements themselves, as they came, are what is stored: a new version reads them anew.
public struct Announced: Sendable {
    /// Announcements of one home. More are refused, and that is said.
    public static let announcementsMax = 4_000
    /// Parts in all of them.
    public static let partsMax = 20_000
    /// One announcement. A bridge with two hundred devices sends half a megabyte.
    public static let announcementBytesMax = 4 * 1_024 * 1_024
    /// Devices that are heard on one topic, such as that of their bridge's last will. Others are not heard there.
    public static let devicesPerTopicMax = 1_000
    /// All of one home's.
    public static let bytesMax = 16 * 1_024 * 1_024

    /// What one announcement changed.
    public struct News: Sendable {
        /// Topics of this home may mean something else than before: look them up again.
        public var isChanged = false
        /// It is to be kept, so that a restart knows it; false also where it has to be forgotten.
        public var isKept = false
        /// Why nothing of it counts; a sentence.
        public var reason: String?
        /// Those that it names, each once.
        public var devices: [AnnouncedDevice] = []
        public var declares: [(device: AnnouncedDevice, declared: Declared)] = []
        public var notUnderstood: [(device: AnnouncedDevice, name: String, reason: String)] = []
    }

    private struct Entry: Sendable {
        var bytes: Int
        var hash: UInt64
        var rank: Int
        var parts: [AnnouncedPart]
    }

    /// By announcement topic.
    private var entries: [String: Entry] = [:]
    private var partCount = 0
    private var byteCount = 0
    /// By topic: who listens there.
    private var listeners: [String: [Listener]] = [:]

    private struct Listener: Sendable {
        /// The topic of the announcement that says so, and the place in it.
        var announcement: String
        var place: Int
        var rank: Int
        var device: AnnouncedDevice
        var expected: Span?
        var isDevice: Bool
        var how: Listening
    }

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// All devices, by address.
    public var devices: [AnnouncedDevice] {
        var found: [String: AnnouncedDevice] = [:]
        for (_, entry) in entries.sorted(by: { $0.key < $1.key }) {
            for part in entry.parts where part.isDevice && found[part.device.key] == nil { found[part.device.key] = part.device }
        }
        return found.values.sorted { ($0.address, $0.key) < ($1.address, $1.key) }
    }

    /// Those that are nobody else: what is announced to another program about a thing that a convention knows by itself is that
    /// convention's device; see `routes`.
    ///
    /// - Parameter isKnown: whether a convention knows a topic by itself.
    func devices(unlessHeardOn isKnown: (String) -> Bool) -> [AnnouncedDevice] {
        var own: Set<String> = []
        var known: Set<String> = []
        for entry in entries.values {
            for part in entry.parts where part.isDevice {
                let heard = part.listens.filter { if case .availability = $0.how { false } else { true } }
                if entry.rank > 0, !heard.isEmpty, heard.allSatisfy({ isKnown($0.topic) }) { known.insert(part.device.key) } else if entry.rank == 0 || !heard.isEmpty { own.insert(part.device.key) }
            }
        }
        return devices.filter { own.contains($0.key) || !known.contains($0.key) }
    }

    /// What is announced and not understood, with the reasons.
    public var notUnderstood: [(device: AnnouncedDevice, name: String, reason: String)] {
        entries.sorted { $0.key < $1.key }.flatMap { entry in
            entry.value.parts.compactMap { part in part.notUnderstood.map { (part.device, part.name, $0) } }
        }
    }

    /// What a device says that it measures, in the order of its announcements.
    public func declares(_ device: AnnouncedDevice) -> [Declared] {
        var found: [Declared] = []
        for (_, entry) in entries.sorted(by: { $0.key < $1.key }) {
            for part in entry.parts where part.device.key == device.key {
                for one in part.declares where !found.contains(one) { found.append(one) }
            }
        }
        return found
    }

    /// What each device says that it measures, by what tells devices apart (identity, else address).
    public var declaredByKey: [String: [Declared]] {
        var found: [String: [Declared]] = [:]
        for (_, entry) in entries.sorted(by: { $0.key < $1.key }) {
            for part in entry.parts { found[part.device.key, default: []] += part.declares }
        }
        return found
    }

    /// The longest silence that a device says is usual: the shortest of its parts'.
    public func expected(_ device: AnnouncedDevice) -> Span? {
        entries.values.lazy.flatMap(\.parts).filter { $0.device.key == device.key }.compactMap(\.expected).min()
    }

    /// Where a device is heard.
    public func topics(_ device: AnnouncedDevice) -> [String] {
        entries.values.flatMap(\.parts).filter { $0.device.key == device.key }.flatMap { $0.listens.map(\.topic) }.sorted()
    }

    /// On how many topics a device's availability is said.
    public func availabilityTopics(of key: String) -> Int {
        listeners.values.filter { $0.contains { listener in
            if case .availability = listener.how { listener.device.key == key } else { false }
        } }.count
    }

    // MARK: Taking

    /// Takes one announcement; an empty payload takes back what was said on its topic.
    ///
    /// - Parameters:
    ///   - route: of the role `announcement`.
    ///   - topic: below the home.
    public mutating func take(
        _ route: Route, topic: String, payload: UnsafeRawBufferPointer, _ catalogue: Catalogue, topics: HomeTopics
    ) -> News {
        var news = News()
        if payload.isEmpty {
            news.isChanged = remove(topic)
            return news
        }
        let hash = Self.hash(payload)
        if let known = entries[topic], known.hash == hash, known.bytes == payload.count {
            // Said again, as after every connection.
            tell(known.parts, &news)
            news.isKept = true
            return news
        }
        guard payload.count <= Self.announcementBytesMax else {
            news.reason = "The announcement has more than \(Self.announcementBytesMax / 1_048_576) MiB."
            return news
        }
        switch catalogue.announcement(route, payload: payload, topics: topics) {
        case .refused(let reason):
            news.reason = reason
            news.isChanged = remove(topic)
        case .parts(let parts):
            let before = entries[topic]
            let partsAfter = partCount - (before?.parts.count ?? 0) + parts.count
            let bytesAfter = byteCount - (before?.bytes ?? 0) + payload.count
            guard before != nil || entries.count < Self.announcementsMax, partsAfter <= Self.partsMax, bytesAfter <= Self.bytesMax else {
                news.reason = "This home has announced as much as a home may (\(Self.announcementsMax) announcements, \(Self.partsMax) things, \(Self.bytesMax / 1_048_576) MiB)."
                news.isChanged = remove(topic)
                return news
            }
            _ = remove(topic)
            let rank = catalogue.announcementRank(route)
            entries[topic] = Entry(bytes: payload.count, hash: hash, rank: rank, parts: parts)
            (partCount, byteCount) = (partsAfter, bytesAfter)
            for (place, part) in parts.enumerated() {
                for (heard, how) in part.listens {
                    listeners[heard, default: []].append(
                        Listener(announcement: topic, place: place, rank: rank, device: part.device, expected: part.expected, isDevice: part.isDevice, how: how))
                }
            }
            news.isChanged = true
            news.isKept = true
            tell(parts, &news)
        }
        return news
    }

    private mutating func remove(_ topic: String) -> Bool {
        guard let entry = entries.removeValue(forKey: topic) else { return false }
        partCount -= entry.parts.count
        byteCount -= entry.bytes
        for heard in Set(entry.parts.flatMap { $0.listens.map(\.topic) }) {
            listeners[heard]?.removeAll { $0.announcement == topic }
            if listeners[heard]?.isEmpty ?? false { listeners[heard] = nil }
        }
        return true
    }

    private func tell(_ parts: [AnnouncedPart], _ news: inout News) {
        var told: Set<String> = []
        for part in parts {
            if part.isDevice, told.insert(part.device.key).inserted { news.devices.append(part.device) }
            for declared in part.declares { news.declares.append((part.device, declared)) }
            if let reason = part.notUnderstood { news.notUnderstood.append((part.device, part.name, reason)) }
        }
    }

    /// FNV-1a: whether an announcement is the one that is known.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var h: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { h = (h ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return h
    }

    // MARK: Asking

    /// Everything that a topic means: a route for each device that is heard there, availability apart.
    ///
    /// Of two announcements of one topic the better counts: a bridge's own list before what is told to another program. Where
    /// only the latter speaks of a topic that a convention knows by itself, it is that convention's device, and the announcement
    /// adds what the convention cannot know, such as units.
    ///
    /// - Parameter native: what the topic's name says.
    func routes(topicBelowHome topic: String, native: Route?) -> [Route] {
        guard let all = listeners[topic], let best = all.map(\.rank).min() else { return native.map { [$0] } ?? [] }
        let here = all.filter { $0.rank == best }.sorted { ($0.announcement, $0.place) < ($1.announcement, $1.place) }
        if best > 0, var native {
            let adding = here.filter { if case .availability = $0.how { false } else { true } }
            if native.role == .readings, !adding.isEmpty {
                native.reader = AnnouncedReader(adding.map(\.how))
                native.readerAdds = true
                native.expected = native.expected ?? adding.compactMap(\.expected).min()
            }
            return [native]
        }
        var order: [String] = []
        var groups: [String: [Listener]] = [:]
        // Where a device is heard, it does not matter what else has the same name.
        let isDevices = here.contains { $0.isDevice }
        for listener in here where listener.isDevice == isDevices {
            var key = listener.device.key
            if case .availability = listener.how { key += "\u{0}availability" }
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(listener)
        }
        return order.prefix(Self.devicesPerTopicMax).compactMap { key in groups[key].flatMap(Self.route) }
    }

    private static func route(_ group: [Listener]) -> Route? {
        guard let first = group.first else { return nil }
        var role = Route.Role.readings
        var mode = AvailabilityMode.latest
        if case .availability(_, let said) = first.how {
            role = .availability
            mode = said
        }
        if !first.isDevice { role = .ignored }
        var route = Route(
            convention: first.device.convention, device: first.device.address, expected: group.compactMap(\.expected).min(), role: role,
            bridge: first.device.bridge)
        route?.identity = first.device.identity
        route?.repeatsWithin = first.device.repeatsWithin
        route?.availabilityMode = mode
        route?.reader = AnnouncedReader(group.map(\.how))
        return route
    }
}
