/// Why a ZIP file cannot be written or read, as a sentence for people.
public struct ZipProblem: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ sentence: String) { description = sentence }
}

/// Numbers of PKWARE's APPNOTE 6.3.
enum ZipFormat {
    static let localHeader: UInt32 = 0x0403_4B50
    static let dataDescriptor: UInt32 = 0x0807_4B50
    static let centralHeader: UInt32 = 0x0201_4B50
    static let end: UInt32 = 0x0605_4B50
    static let end64: UInt32 = 0x0606_4B50
    static let end64Locator: UInt32 = 0x0706_4B50
    static let extra64: UInt16 = 0x0001
    static let localHeaderBytes = 30
    static let centralHeaderBytes = 46
    static let endBytes = 22
    static let stored: UInt16 = 0
    static let deflated: UInt16 = 8
    /// Sizes come behind the data.
    static let hasDescriptor: UInt16 = 1 << 3
    /// The name is UTF-8.
    static let isUTF8: UInt16 = 1 << 11
    static let isEncrypted: UInt16 = 1
    static let full16 = UInt16.max
    static let full32 = UInt32.max
}

extension [UInt8] {
    mutating func little(_ number: UInt16) { for shift in [0, 8] { append(UInt8(truncatingIfNeeded: number >> shift)) } }
    mutating func little(_ number: UInt32) { for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: number >> shift)) } }
    mutating func little(_ number: UInt64) { for shift in stride(from: 0, to: 64, by: 8) { append(UInt8(truncatingIfNeeded: number >> shift)) } }
}

/// Reads little-endian numbers; nil behind the end.
struct LittleReader {
    let bytes: [UInt8]
    var position: Int

    init(_ bytes: [UInt8], at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    mutating func number(_ count: Int) -> UInt64? {
        guard position >= 0, position + count <= bytes.count else { return nil }
        var value: UInt64 = 0
        for i in 0..<count { value |= UInt64(bytes[position + i]) << UInt64(8 * i) }
        position += count
        return value
    }
    mutating func half() -> UInt16? { number(2).map { UInt16(truncatingIfNeeded: $0) } }
    mutating func word() -> UInt32? { number(4).map { UInt32(truncatingIfNeeded: $0) } }
    mutating func double() -> UInt64? { number(8) }
    mutating func text(_ count: Int) -> [UInt8]? {
        guard position + count <= bytes.count else { return nil }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }
}
