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
    /// By topic: who listens there, in the order of their announcement topics. Made when first asked for.
    private var listeners: [String: [Listener]]?

    private struct Listener: Sendable {
        var rank: Int
        var device: AnnouncedDevice
        var expected: Span?
        var how: Listening
    }

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// All devices, by address.
    public var devices: [AnnouncedDevice] {
        var found: [String: AnnouncedDevice] = [:]
        for (_, entry) in entries.sorted(by: { $0.key < $1.key }) {
            for part in entry.parts where found[part.device.key] == nil { found[part.device.key] = part.device }
        }
        return found.values.sorted { ($0.address, $0.key) < ($1.address, $1.key) }
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

    /// The longest silence that the device says is usual: the shortest of its parts'.
    func expected(_ key: String) -> Span? {
        entries.values.flatMap(\.parts).filter { $0.device.key == key }.compactMap(\.expected).min()
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
            entries[topic] = Entry(bytes: payload.count, hash: hash, rank: catalogue.announcementRank(route), parts: parts)
            (partCount, byteCount) = (partsAfter, bytesAfter)
            listeners = nil
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
        listeners = nil
        return true
    }

    private func tell(_ parts: [AnnouncedPart], _ news: inout News) {
        var told: Set<String> = []
        for part in parts {
            if told.insert(part.device.key).inserted { news.devices.append(part.device) }
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

    /// Makes the table of listeners, so that `routes` need not walk through everything.
    public mutating func prepare() {
        if listeners == nil { listeners = table() }
    }

    private func table() -> [String: [Listener]] {
        var table: [String: [Listener]] = [:]
        var expected: [String: Span] = [:]
        let sorted = entries.sorted { $0.key < $1.key }
        for (_, entry) in sorted {
            for part in entry.parts {
                if let span = part.expected { expected[part.device.key] = min(span, expected[part.device.key] ?? span) }
            }
        }
        for (_, entry) in sorted {
            for part in entry.parts {
                for (topic, how) in part.listens {
                    table[topic, default: []].append(
                        Listener(rank: entry.rank, device: part.device, expected: expected[part.device.key], how: how))
                }
            }
        }
        return table
    }

    /// Everything that was announced for a topic: a route for each device that is heard there, availability apart. Of two
    /// announcements of one topic the better counts: a bridge's own list before what it tells Home Assistant.
    func routes(topicBelowHome topic: String) -> [Route] {
        guard let here = (listeners ?? table())[topic], let best = here.map(\.rank).min() else { return [] }
        var order: [String] = []
        var groups: [String: [Listener]] = [:]
        for listener in here where listener.rank == best {
            var key = listener.device.key
            if case .availability = listener.how { key += "\u{0}availability" }
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(listener)
        }
        return order.compactMap { key in
            guard let group = groups[key], let first = group.first else { return nil }
            var role = Route.Role.readings
            var mode = AvailabilityMode.latest
            if case .availability(_, let said) = first.how {
                role = .availability
                mode = said
            }
            var route = Route(
                convention: first.device.convention, device: first.device.address, expected: first.expected, role: role,
                bridge: first.device.bridge)
            route?.identity = first.device.identity
            route?.repeatsWithin = first.device.repeatsWithin
            route?.availabilityMode = mode
            route?.reader = AnnouncedReader(group.map(\.how))
            return route
        }
    }
}
