/// What the proxy has to understand of MQTT 5: where a packet ends, and of five kinds of them a little more.
/// Bytes are taken in as they come from the socket; a packet is told when its last byte is there.
struct PacketReader {
    enum Packet: Equatable {
        /// The broker's answer to a connect.
        case connected(reason: UInt8, sessionPresent: Bool)
        /// A message with QoS 1. `mark` is its content type.
        case publish(packetID: UInt16, mark: String?)
        /// An acknowledgement of a message with QoS 1.
        case acknowledged(packetID: UInt16, reason: UInt8)
        /// The broker's answer to a subscription.
        case subscribed
        case other
    }

    private var bytes: [UInt8] = []

    /// - Returns: the packets that end within these bytes.
    mutating func take(_ new: some Sequence<UInt8>) -> [Packet] {
        bytes.append(contentsOf: new)
        var packets: [Packet] = []
        var start = 0
        while let (body, end) = next(start) {
            packets.append(Self.packet(bytes[start], bytes[body..<end]))
            start = end
        }
        bytes.removeFirst(start)
        return packets
    }

    /// Where the body of the packet at `start` begins and ends; nil while it is not complete.
    private func next(_ start: Int) -> (body: Int, end: Int)? {
        guard start < bytes.count, let length = Self.number(bytes[(start + 1)...]) else { return nil }
        let body = start + 1 + length.size
        return body + length.value <= bytes.count ? (body, body + length.value) : nil
    }

    /// A number in seven bits a byte (MQTT 5, 1.5.5); nil where it is not complete.
    private static func number(_ bytes: ArraySlice<UInt8>) -> (value: Int, size: Int)? {
        var value = 0
        for (i, byte) in bytes.prefix(4).enumerated() {
            value |= Int(byte & 0x7F) << (7 * i)
            if byte < 0x80 { return (value, i + 1) }
        }
        return nil
    }

    private static func packet(_ header: UInt8, _ body: ArraySlice<UInt8>) -> Packet {
        var rest = body
        func short() -> UInt16? {
            guard rest.count >= 2 else { return nil }
            defer { rest = rest.dropFirst(2) }
            return UInt16(rest[rest.startIndex]) << 8 | UInt16(rest[rest.startIndex + 1])
        }
        switch header >> 4 {
        case 2:
            guard rest.count >= 2 else { return .other }
            return .connected(reason: rest[rest.startIndex + 1], sessionPresent: rest[rest.startIndex] & 1 != 0)
        case 3 where header >> 1 & 3 == 1:
            guard let topicBytes = short(), rest.count >= Int(topicBytes) else { return .other }
            rest = rest.dropFirst(Int(topicBytes))
            guard let id = short(), let length = number(rest), rest.count >= length.size + length.value else { return .other }
            return .publish(packetID: id, mark: contentType(rest.dropFirst(length.size).prefix(length.value)))
        case 4:
            guard let id = short() else { return .other }
            return .acknowledged(packetID: id, reason: rest.first ?? 0)
        case 9: return .subscribed
        default: return .other
        }
    }

    /// The content type among the properties of a message (MQTT 5, 3.3.2.3).
    private static func contentType(_ properties: ArraySlice<UInt8>) -> String? {
        var rest = properties
        func text() -> ArraySlice<UInt8>? {
            guard rest.count >= 2 else { return nil }
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard rest.count >= length else { return nil }
            defer { rest = rest.dropFirst(length) }
            return rest.prefix(length)
        }
        while let id = rest.popFirst() {
            switch id {
            case 0x03: return text().map { String(decoding: $0, as: UTF8.self) }
            case 0x01: rest = rest.dropFirst(1)
            case 0x02: rest = rest.dropFirst(4)
            case 0x23: rest = rest.dropFirst(2)
            case 0x08, 0x09: guard text() != nil else { return nil }
            case 0x26: guard text() != nil, text() != nil else { return nil }
            case 0x0B:
                guard let length = number(rest) else { return nil }
                rest = rest.dropFirst(length.size)
            default: return nil
            }
        }
        return nil
    }
}
