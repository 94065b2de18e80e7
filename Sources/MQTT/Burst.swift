/// What is known of one message besides its topic and payload.
public struct MessageInfo: Sendable, Hashable {
    /// When the client took it from the socket, in milliseconds since 1970 (UTC).
    public var arrivedAtMilliseconds: Int64
    /// The id the broker gave it in this session; 0 for QoS 0. Ids repeat, so one alone identifies nothing.
    public var packetID: UInt16
    public var qos: UInt8
    /// Set when the broker sent it because it was retained, not because it was just published.
    public var isRetained: Bool
    /// DUP (MQTT 5, 3.3.1.1): true when the broker has sent it before, false when it says that it has not. Nil where that was
    /// not looked at; see `MQTTClient.stopLookingForDuplicates`.
    public var isDuplicate: Bool?

    @inlinable
    public init(arrivedAtMilliseconds: Int64, packetID: UInt16, qos: UInt8, isRetained: Bool, isDuplicate: Bool? = nil) {
        self.arrivedAtMilliseconds = arrivedAtMilliseconds
        self.packetID = packetID
        self.qos = qos
        self.isRetained = isRetained
        self.isDuplicate = isDuplicate
    }
}

/// Messages in the order of their arrival, to be kept in one transaction and acknowledged together.
///
/// Topics and payloads lie one after the other in a single arena, so that a message costs no allocation.
/// The limits say when to stop reading, they never refuse a message: libmosquitto has queued the
/// acknowledgement of a message before it shows it, so one that were refused here would be lost.
public struct Burst: Sendable {
    public static let burstMessagesMaxDefault = 4096
    public static let burstBytesMaxDefault = 8 * 1024 * 1024

    /// From this many messages on, `isFull`.
    public let burstMessagesMax: Int
    /// From this many bytes of topics and payloads on, `isFull`.
    public let burstBytesMax: Int

    @usableFromInline
    struct Entry: Sendable {
        @usableFromInline var start: Int
        @usableFromInline var topicBytes: Int
        @usableFromInline var payloadBytes: Int
        @usableFromInline var info: MessageInfo

        @inlinable
        init(start: Int, topicBytes: Int, payloadBytes: Int, info: MessageInfo) {
            self.start = start
            self.topicBytes = topicBytes
            self.payloadBytes = payloadBytes
            self.info = info
        }
    }

    @usableFromInline var arena: [UInt8] = []
    @usableFromInline var entries: [Entry] = []

    public init(
        burstMessagesMax: Int = Burst.burstMessagesMaxDefault, burstBytesMax: Int = Burst.burstBytesMaxDefault
    ) {
        self.burstMessagesMax = max(1, burstMessagesMax)
        self.burstBytesMax = max(1, burstBytesMax)
    }

    @inlinable public var count: Int { entries.count }
    @inlinable public var isEmpty: Bool { entries.isEmpty }
    /// Bytes of all topics and payloads.
    @inlinable public var bytes: Int { arena.count }
    @inlinable public var indices: Range<Int> { 0..<entries.count }
    @inlinable public var isFull: Bool { entries.count >= burstMessagesMax || arena.count >= burstBytesMax }

    /// Adds one message at the end, copying both parts. Adds it also when the burst `isFull`.
    @inlinable
    public mutating func append(
        topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, arrivedAtMilliseconds: Int64,
        packetID: UInt16, qos: UInt8, isRetained: Bool, isDuplicate: Bool? = nil
    ) {
        entries.append(
            Entry(
                start: arena.count, topicBytes: topic.count, payloadBytes: payload.count,
                info: MessageInfo(
                    arrivedAtMilliseconds: arrivedAtMilliseconds, packetID: packetID, qos: qos, isRetained: isRetained,
                    isDuplicate: isDuplicate)
            ))
        arena.append(contentsOf: topic)
        arena.append(contentsOf: payload)
    }

    /// The same for tests and for replaying a recording, where there is no C memory.
    public mutating func append(
        topic: String, payload: [UInt8], arrivedAtMilliseconds: Int64, packetID: UInt16 = 0, qos: UInt8 = 1,
        isRetained: Bool = false, isDuplicate: Bool? = nil
    ) {
        var topic = topic
        topic.withUTF8 { topic in
            payload.withUnsafeBytes { payload in
                append(
                    topic: UnsafeRawBufferPointer(topic), payload: payload,
                    arrivedAtMilliseconds: arrivedAtMilliseconds, packetID: packetID, qos: qos,
                    isRetained: isRetained, isDuplicate: isDuplicate)
            }
        }
    }

    public mutating func append(
        topic: String, payload: String, arrivedAtMilliseconds: Int64, packetID: UInt16 = 0, qos: UInt8 = 1,
        isRetained: Bool = false, isDuplicate: Bool? = nil
    ) {
        append(
            topic: topic, payload: Array(payload.utf8), arrivedAtMilliseconds: arrivedAtMilliseconds,
            packetID: packetID, qos: qos, isRetained: isRetained)
    }

    /// Empties the burst. With `keepingCapacity` the next one of the same size allocates nothing.
    public mutating func removeAll(keepingCapacity: Bool = true) {
        entries.removeAll(keepingCapacity: keepingCapacity)
        arena.removeAll(keepingCapacity: keepingCapacity)
    }

    @inlinable
    public func info(_ index: Int) -> MessageInfo { entries[index].info }

    /// Lends one message to `body`. The pointers are valid only until it returns.
    ///
    /// - Parameter index: in `indices`; anything else is a programming error and traps.
    @inlinable
    public func withMessage<R>(
        _ index: Int,
        _ body: (_ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ info: MessageInfo) throws -> R
    ) rethrows -> R {
        let entry = entries[index]
        return try arena.withUnsafeBytes { bytes in
            let payloadStart = entry.start + entry.topicBytes
            return try body(
                UnsafeRawBufferPointer(rebasing: bytes[entry.start..<payloadStart]),
                UnsafeRawBufferPointer(rebasing: bytes[payloadStart..<(payloadStart + entry.payloadBytes)]),
                entry.info)
        }
    }

    /// A copy of the topic. Bytes that are no UTF-8 become U+FFFD.
    public func topic(_ index: Int) -> String {
        withMessage(index) { topic, _, _ in String(decoding: topic, as: UTF8.self) }
    }

    /// A copy of the payload.
    public func payload(_ index: Int) -> [UInt8] {
        withMessage(index) { _, payload, _ in Array(payload) }
    }
}
