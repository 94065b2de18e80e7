import Care

/// What one announcement came to.
enum AnnouncementOutcome: Sendable {
    /// All that this announcement says now; what it said before and says no more is gone.
    case parts([AnnouncedPart])
    /// Nothing of it counts; what it said before is gone, too. A plain sentence, with nothing from the payload but the
    /// names of its own fields.
    case refused(reason: String)
}

/// One thing of one device: a sensor, a button, its availability. Most announcements are one, a bridge's list is many.
struct AnnouncedPart: Sendable {
    var device: AnnouncedDevice
    /// What it says that it measures.
    var declares: [Declared] = []
    /// Where it is heard, and how that is read.
    var listens: [(topic: String, how: Listening)] = []
    /// Why nothing is stored of it, in a sentence; nil when it is understood. May hold a template, which is shown to the
    /// home's citizens only.
    var notUnderstood: String?
    /// The name of the thing, for `notUnderstood`: `binary_sensor/overtemp`.
    var name = ""
    /// The longest silence that it says is usual.
    var expected: Span?
    /// False for what is named and is nobody's device, such as a group of lamps or the bridge itself: topics that it listens
    /// to are known and silent.
    var isDevice = true
}

/// How one part reads one topic.
enum Listening: Sendable {
    /// The payload is a JSON object, the value stands at this path.
    case member(path: [String], Property)
    /// The device's own time stands at this path.
    case time(path: [String])
    /// The payload as a whole is the value.
    case value(Property)
    /// Anything else.
    case other(any PayloadReader)
    /// Whether the device can be reached.
    case availability(any AvailabilityReader, AvailabilityMode)
}

/// How several availability topics of one device count together (Home Assistant's `availability_mode`).
public enum AvailabilityMode: String, Codable, Sendable {
    /// All of them have to say that it is there.
    case all
    case any
    /// The one that spoke last.
    case latest
}

/// Reads a payload of an announced thing. Must not crash on any bytes.
protocol PayloadReader: Sendable {
    /// As `Convention.decode`.
    func read(_ payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome
}

protocol AvailabilityReader: Sendable {
    /// Nil: it says neither.
    func isAvailable(_ payload: UnsafeRawBufferPointer) -> Bool?

    /// As `isAvailable`, for readers that can tell a message which is not about this from one that is at fault.
    func outcome(_ payload: UnsafeRawBufferPointer) -> Outcome
}

extension AvailabilityReader {
    func outcome(_ payload: UnsafeRawBufferPointer) -> Outcome {
        isAvailable(payload).map(Outcome.availability) ?? .undecodable(reason: "The availability is neither of its two words.")
    }
}

/// A device as it announced itself.
public struct AnnouncedDevice: Hashable, Sendable {
    public var convention: String
    /// Below `homes/<home>/`. May change, as when people rename a thing.
    public var address: String
    /// Never changes: see `Route.identity`. Nil: the address.
    public var identity: String?
    /// What people call it, where that is not its address.
    public var title: String?
    /// Maker and model, as it says.
    public var model: String?
    /// See `Route.bridge`.
    public var bridge: String?
    /// Events of one kind that come again within this time are the same event.
    public var repeatsWithin: Span?

    public init(
        convention: String, address: String, identity: String? = nil, title: String? = nil, model: String? = nil,
        bridge: String? = nil, repeatsWithin: Span? = nil
    ) {
        self.convention = convention
        self.address = address
        self.identity = identity
        self.title = title
        self.model = model
        self.bridge = bridge
        self.repeatsWithin = repeatsWithin
    }

    /// What tells two devices apart.
    var key: String { identity ?? address }
}

/// What a device says that it measures.
public struct Declared: Hashable, Sendable {
    public var quantity: Quantity
    public var channel: String
    /// The unit as the device named it; nil where it named none.
    public var unit: String?

    public init(quantity: Quantity, channel: String = "", unit: String? = nil) {
        self.quantity = quantity
        self.channel = channel
        self.unit = unit
    }
}

/// How topics that stand in an announcement are taken: only what lies in the device's own home counts.
public struct HomeTopics: Sendable {
    /// Nil: no home is known (`caring device try`), and every topic is taken as if it stood below one.
    private let home: String?

    public init(home: HomeID?) { self.home = home?.name }

    /// The topic below its home; nil when it is another home's, or no home's.
    public func below(_ topic: String) -> String? {
        guard topic.hasPrefix("homes/") else { return home == nil && !topic.isEmpty ? topic : nil }
        let levels = topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard levels.count == 3, !levels[2].isEmpty, home.map({ levels[1] == $0 }) ?? true else { return nil }
        return String(levels[2])
    }
}
