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
/// Valid for the catalogue that made it. After a reload ask again.
public struct Route: Hashable, Sendable {
    /// The name of the convention, which is also its folder: `zigbee2mqtt`.
    public var convention: String
    /// The address below `homes/<home>/`: `zigbee2mqtt/kitchen motion`, `motion/kitchen`.
    public var device: String
    /// The longest silence that is usual for this device. Nil when it speaks only when somebody uses it.
    public var expected: Span?
    /// False for topics that are known and never give a reading, such as `zigbee2mqtt/bridge/state`:
    /// no device need be made for them.
    public var isDevice: Bool { role != .ignored }

    enum Role: UInt8, Sendable { case readings, availability, ignored }
    var role: Role
    /// The convention's index in the catalogue.
    var conventionIndex = 0
    /// The profile's index in its convention.
    var profileIndex = 0

    /// Longer addresses belong to no convention: an address is stored, shown and logged.
    static let deviceBytesMax = 256

    /// For routes that were kept beyond their catalogue.
    static let strangeReason = "The topic was looked up in another catalogue."

    init?(convention: String, device: String, expected: Span?, role: Role, profileIndex: Int) {
        guard !device.isEmpty, device.utf8.count <= Self.deviceBytesMax else { return nil }
        self.convention = convention
        self.device = device
        self.expected = expected
        self.role = role
        self.profileIndex = profileIndex
    }
}

/// What came of one message.
public enum Outcome: Hashable, Sendable {
    /// One or more readings were appended.
    case readings
    /// The device's bridge says whether it can be reached.
    case availability(Bool)
    /// Understood, and deliberately not a reading.
    case nothing
    /// A plain sentence without anything from the payload. What could be read was still appended when
    /// only a part was at fault; nothing was when the message as a whole was malformed.
    case undecodable(reason: String)
}
