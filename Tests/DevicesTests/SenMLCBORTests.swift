import Care
import Testing

@testable import Devices

@Suite struct SenMLCBORTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.filter { !$0.isWhitespace })
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }
    func decode(_ hex: String) throws -> Decoded { try catalogue.decode("senml/dev", Self.bytes(hex)) }

    /// `[{0: "power", 1: "W", 2: …}]`
    func power(_ value: String) throws -> Decoded { try decode("81 a3 00 65 706f776572 01 61 57 02" + value) }

    @Test(arguments: [
        ("00", 0), ("17", 23), ("1818", 24), ("190100", 256), ("1a00010000", 65_536), ("1b0000000100000000", 4_294_967_296),
        ("20", -1), ("3863", -100), ("1bffffffffffffffff", 18_446_744_073_709_551_616), ("3bffffffffffffffff", -18_446_744_073_709_551_616),
        ("f93e00", 1.5), ("f9c400", -4), ("f90001", 5.960464477539063e-8), ("f90400", 0.00006103515625), ("f97bff", 65_504), ("f98000", 0),
        ("fa47c35000", 100_000), ("fb3ff199999999999a", 1.1), ("c482211907db", 20.11), ("c4820103", 30), ("c48220 3903e7", -100),
        ("c49f2018ebff", 23.5), ("c482201bffffffffffffffff", 1_844_674_407_370_955_161.5),
    ])
    func numbersOfAllKinds(hex: String, value: Double) throws {
        #expect(try power(hex).values == ["power": .number(value)], "\(hex)")
    }

    /// Not a number: NaN, infinities, big numbers, times, texts, arrays, a tag without what belongs behind it.
    @Test(arguments: [
        "f97e00", "f97c00", "fbfff0000000000000", "c24101", "c349010000000000000000", "c11a514b67b0", "6131", "80", "f6", "f5", "c401", "c48101",
        "c483010203", "c482f93c0001", "c482c2410101", "c4821a0001000001", "c4821901f401", "c482203bffffffffffffffff", "c4823bffffffffffffffff01", "d81b8201a0", "e0", "f820",
    ])
    func theseAreNoNumbers(hex: String) throws {
        let decoded = try power(hex)
        #expect(decoded.readings.isEmpty)
        #expect(decoded.reason?.contains("record 1 has a \u{201C}v\u{201D} of a wrong type") == true, "\(hex): \(decoded)")
    }

    @Test(arguments: [
        "9f", "81", "81a1", "81a300", "82a0", "8180a0ff00", "81ff", "81a1ff00", "81a10000ff", "81a1 00 62ffff", "81a1 00 7fff00", "819f9f9f", "81fc",
        "81a1 00 7f 41 61 ff", "81a1 00 7f 7f 61 61 ff ff", "81a1 07 ff", "9bffffffffffffffff", "81bbffffffffffffffff", "81a1 00 7bffffffffffffffff", "9c", "81df",
        "81a1 09 c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c501", "81a0 00", "81a1 01", "81a1 02 f9", "81a1 02 f900", "81a1 02 18", "81a1 02 fb00", "81a1 02 fb00000000000000",
    ])
    func malformedCBORDoesNotCountAtAll(hex: String) throws {
        let decoded = try decode("82 a3 00 65 706f776572 01 61 57 02 05" + hex)
        #expect(decoded.readings.isEmpty)
        #expect(decoded.reason?.contains("CBOR") == true, "\(hex): \(decoded)")
    }

    @Test func nestingHasALimit() throws {
        func pack(_ depth: Int) -> String { "81 a4 00 65 706f776572 01 61 57 02 05 09" + String(repeating: "81", count: depth) + "00" }
        // The array of records and the record are two.
        #expect(try decode(pack(CBORScanner.depthMax - 3)).values == ["power": .number(5)])
        #expect(try decode(pack(CBORScanner.depthMax - 2)).reason?.contains("nested") == true)
        #expect(try decode(pack(100_000)).reason?.contains("nested") == true)
    }

    @Test func baseFieldsTextsFlagsAndSums() throws {
        // [{-2: "urn:dev:mac:1:", -3: 1767225000, -5: 10, -4: "W", 0: "left/power", 2: 1.5}, {0: "sos", 4: true, 6: -30},
        //  {0: "power", 5: 7200000}, {0: "button", 3: "sos"}, {0: "x", 8: h'01'}]
        let decoded = try decode(
            """
            85 a6 21 6e 75726e3a6465763a6d61633a313a 22 1a 6955b8a8 24 0a 23 61 57 00 6a 6c6566742f706f776572 02 f93e00
               a3 00 63 736f73 04 f5 06 38 1d
               a2 00 65 706f776572 05 1a 006ddd00
               a2 00 66 627574746f6e 03 63 736f73
               a2 00 61 78 08 41 01
            """)
        #expect(decoded.reason == nil)
        #expect(
            decoded.readings.map { "\($0.quantity)/\($0.channel)" } == [
                "power/left", "sos/", "power/", "energy/", "sos/",
            ])
        #expect(decoded.readings.map(\.value) == [.number(11.5), .boolean(true), .number(10), .number(2), .boolean(true)])
        #expect(decoded.readings.first?.deviceTime == Instant(milliseconds: 1_767_225_512_000))
        #expect(decoded.readings[1].deviceTime == Instant(milliseconds: 1_767_225_482_000))
    }

    @Test func textsMayComeInPieces() throws {
        #expect(try decode("81 bf 00 7f 62 706f 63 776572 ff 01 61 57 02 05 ff").values == ["power": .number(5)])
    }

    @Test func whatMustBeUnderstoodRefusesThePack() throws {
        #expect(try decode("82 a3 00 65 706f776572 01 61 57 02 05 a1 62 785f 01").readings.isEmpty)
        #expect(try decode("82 a3 00 65 706f776572 01 61 57 02 05 a1 20 0b").reason?.contains("newer version") == true)
        #expect(try decode("82 a3 00 65 706f776572 01 61 57 02 05 a1 21 01").reason?.contains("bn") == true)
        // A base field at fault counts for more than what is wrong after it.
        #expect(try decode("82 a3 00 65 706f776572 01 61 57 02 05 a2 22 61 78 00 01").readings.isEmpty)
        // A label that we do not know, `ut`, and JSON's labels in texts.
        #expect(try decode("81 a5 00 65 706f776572 01 61 57 61 76 05 07 01 62 7878 80").values == ["power": .number(5)])
    }

    @Test func recordsHaveALimit() throws {
        let record = Self.bytes("a3 00 65 706f776572 01 61 57 02 05")
        func pack(_ count: Int) throws -> Decoded {
            try catalogue.decode("senml/dev", [0x9F] + Array(repeating: record, count: count).flatMap { $0 } + [0xFF])
        }
        #expect(try pack(SenMLPack.recordsMax).readings.count == SenMLPack.recordsMax)
        #expect(try pack(SenMLPack.recordsMax + 1).readings.isEmpty)
    }

    static let seed: UInt64 = 8_428
    static let rounds = 60_000

    /// Damaged packs: nothing crashes, what is malformed leaves nothing, what is read is sound.
    @Test func noBytesCrash() throws {
        print("CBOR fuzz: seed \(Self.seed), \(Self.rounds) rounds")
        var generator = SeededGenerator(seed: Self.seed)
        let packs =
            catalogue.samples.filter { $0.message.first.map(SenMLCBOR.mayBegin) ?? false }.map(\.message) + [
                Self.bytes("9f bf 00 64 74656d70 01 63 43656c 02 c4 82 20 19 013b ff ff"),
                Self.bytes("81 a4 00 65 706f776572 01 61 57 02 fa47c35000 05 7f 61 61 ff"),
            ]
        try #require(packs.count > 3)
        let joints: [UInt8] = [0x00, 0x17, 0x18, 0x1B, 0x20, 0x5F, 0x7F, 0x80, 0x9F, 0xA1, 0xBF, 0xC2, 0xC4, 0xF9, 0xFB, 0xFF]
        var (gave, malformed) = (0, 0)
        for _ in 0..<Self.rounds {
            var bytes = try #require(packs.randomElement(using: &generator))
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                guard !bytes.isEmpty else { break }
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<6, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[at] = joints.randomElement(using: &generator) ?? 0
                case 2: bytes.remove(at: at)
                case 3: bytes.insert(joints.randomElement(using: &generator) ?? 0, at: at)
                case 4: bytes.removeLast(bytes.count - at)
                default: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
            }
            let decoded = try catalogue.decode("senml/dev", bytes)
            if decoded.reason?.contains("CBOR") == true {
                malformed += 1
                #expect(decoded.readings.isEmpty)
            }
            if !decoded.readings.isEmpty { gave += 1 }
            for reading in decoded.readings {
                if case .number(let number) = reading.value { #expect(number.isFinite) }
            }
        }
        print("CBOR fuzz: \(gave) damaged packs still gave readings, \(malformed) were malformed")
        #expect(gave > 1_000 && malformed > 10_000)
    }
}
