import Testing

@testable import torture

@Suite struct Packets {
    /// PUBLISH with QoS 1 to `a/b`, id 258, properties: expiry, user property, content type `3.17`; payload `hi`.
    static let publish: [UInt8] =
        [0x32, 31, 0, 3, 0x61, 0x2F, 0x62, 1, 2, 21, 0x02, 0, 0, 0, 9, 0x26, 0, 1, 0x6B, 0, 2, 0x76, 0x77, 0x03, 0, 4] + Array("3.17".utf8)
        + [0x01, 0x68, 0x69]

    @Test func aMessageIsKnownByItsMark() {
        var reader = PacketReader()
        #expect(reader.take(Self.publish) == [.publish(packetID: 258, mark: "3.17")])
        #expect(Mark(text: "3.17") == Mark(publisher: 3, number: 17))
        #expect(Mark(text: "3.17")?.text == "3.17")
        #expect(Mark(text: "application/json") == nil && Mark(text: "-1.2") == nil)
    }

    @Test func packetsComeInPiecesAndTogether() {
        let bytes: [UInt8] = Self.publish + [0x40, 2, 1, 2] + [0x20, 3, 1, 0, 0] + [0x90, 4, 0, 1, 0, 1] + [0x40, 3, 0, 9, 0x10] + [0xD0, 0]
        let packets: [PacketReader.Packet] = [
            .publish(packetID: 258, mark: "3.17"), .acknowledged(packetID: 258, reason: 0), .connected(reason: 0, sessionPresent: true), .subscribed,
            .acknowledged(packetID: 9, reason: 16), .other,
        ]
        var whole = PacketReader()
        #expect(whole.take(bytes) == packets)
        var pieces = PacketReader()
        #expect(bytes.flatMap { pieces.take([$0]) } == packets)
    }

    @Test func aLongPacketEndsWhereItsLengthSays() {
        // 300 bytes: a length of two bytes. QoS 0 is never acknowledged and not looked at.
        let long: [UInt8] = [0x30, 0xAC, 0x02] + Array(repeating: 0x41, count: 300)
        var reader = PacketReader()
        #expect(reader.take(long.dropLast()).isEmpty)
        #expect(reader.take([0x41, 0x40, 2, 0, 1]) == [.other, .acknowledged(packetID: 1, reason: 0)])
    }
}
