import Care

/// One observation as the device told it: not yet of a series, and its time not yet corrected.
public struct DecodedReading: Hashable, Sendable {
    public var quantity: Quantity
    /// Empty unless one device has several of a quantity, such as the two halves of a double switch.
    public var channel: String
    /// In the quantity's unit.
    public var value: Value
    /// By the device's own clock, raw. Nil when the message gives no time.
    public var deviceTime: Instant?

    public init(quantity: Quantity, channel: String = "", value: Value, deviceTime: Instant? = nil) {
        self.quantity = quantity
        self.channel = channel
        self.value = value
        self.deviceTime = deviceTime
    }
}

/// What a topic means; found once per topic and kept by the caller.
///
/// Valid for the catalogue and the announcements that made it. After a reload or a change of them ask again.
public struct Route: Hashable, Sendable {
    /// The name of the convention, which is also its folder: `zigbee2mqtt`.
    public var convention: String
    /// The address below `homes/<home>/`: `zigbee2mqtt/kitchen motion`, `motion/kitchen`.
    public var device: String
    /// What the convention knows the thing by, whatever it is called: an IEEE address, a `unique_id`, an EUI. Nil where
    /// it is not known, or where the address is that already.
    public var identity: String?
    /// The address of what it is heard through; see `Role.bridge`. Nil: nothing that could be cut off by itself.
    public var bridge: String?
    /// The longest silence that is usual for this device. Nil when it speaks only when somebody uses it.
    public var expected: Span?
    /// Events of one kind that come again within this time are the same event, sent several times to be sure.
    public var repeatsWithin: Span?
    /// False for topics that are known and never give a reading, such as `zigbee2mqtt/bridge/state`:
    /// no device need be made for them.
    public var isDevice: Bool { role == .readings || role == .availability }

    public enum Role: UInt8, Sendable {
        case readings
        /// Says whether `device` can be reached.
        case availability
        /// Says whether `device`, a bridge, can be reached: and with it all that is heard through it.
        case bridge
        /// Says what devices there are; see `Announced`.
        case announcement
        /// Which device it is stands in the payload; see `Catalogue.route(_:payload:)`.
        case shared
        /// Known, and for nobody here: commands, configuration.
        case ignored
    }
    public var role: Role
    /// For the role `availability`, where there are several such topics.
    public var availabilityMode = AvailabilityMode.latest
    /// The convention's index in the catalogue.
    var conventionIndex = 0
    /// The profile's index in its convention; a convention may use it for anything of its own.
    var profileIndex = 0
    /// How to read it, where an announcement says that.
    var reader: AnnouncedReader?
    /// The convention reads first, and `reader` adds the quantities that it did not give.
    var readerAdds = false

    /// Longer addresses belong to no convention: an address is stored, shown and logged.
    static let deviceBytesMax = 256

    /// For routes that were kept beyond their catalogue.
    static let strangeReason = "The topic was looked up in another catalogue."

    /// Nil when the address is empty or too long.
    init?(convention: String, device: String, expected: Span?, role: Role, profileIndex: Int = 0, bridge: String? = nil) {
        guard !device.isEmpty, device.utf8.count <= Self.deviceBytesMax else { return nil }
        self.convention = convention
        self.device = device
        self.expected = expected
        self.role = role
        self.profileIndex = profileIndex
        self.bridge = bridge
    }
}

/// What came of one message.
public enum Outcome: Hashable, Sendable {
    /// One or more readings were appended.
    case readings
    /// Whether the device, or the bridge, can be reached.
    case availability(Bool)
    /// It says what devices there are: `Announced.take` reads it.
    case announcement
    /// Understood, and deliberately not a reading.
    case nothing
    /// A plain sentence without anything from the payload. What could be read was still appended when
    /// only a part was at fault; nothing was when the message as a whole was malformed.
    case undecodable(reason: String)
}
