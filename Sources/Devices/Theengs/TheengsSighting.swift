/// What one message says of who was heard, as far as it takes to know whether that is a device.
struct TheengsSighting {
    /// From the payload's `id`.
    private(set) var address: String?
    private var hasKind = false
    private var hasReading = false
    private var isPassing = false
    private var addressIsRandom = false

    /// Kinds of devices that are passing by or tell nothing but their presence: phones and earphones with changing
    /// addresses, beacons, trackers.
    private static let passing = ["RMAC", "BCON", "TRACK"].map { Array($0.utf8) }

    /// Nil where the payload is no JSON object.
    init?(_ payload: UnsafeRawBufferPointer, table: PropertyTable) {
        var scanner = JSONScanner(payload)
        do throws(JSONError) {
            guard try scanner.peek() == .object else { return nil }
            scanner.open()
            var first = true
            while let key = try scanner.nextKey(&first) {
                let name = key.bytes
                let kind = try scanner.peek()
                if name.elementsEqual("id".utf8), kind == .string {
                    address = Self.address(try scanner.string().string)
                } else if name.elementsEqual("type".utf8), kind == .string {
                    let text = try scanner.string().bytes
                    isPassing = Self.passing.contains { text.elementsEqual($0) }
                } else if name.elementsEqual("model".utf8) || name.elementsEqual("model_id".utf8) || name.elementsEqual("brand".utf8) {
                    hasKind = hasKind || kind == .string
                    try scanner.skip(depth: 1)
                } else if name.elementsEqual("mac_type".utf8), kind == .number {
                    // 0 public, 1 random, and the two again where the controller resolved it.
                    let number = try scanner.number()
                    addressIsRandom = number == 1 || number == 3
                } else {
                    hasReading = hasReading || (kind != .null && table.find(name) != nil)
                    try scanner.skip(depth: 1)
                }
            }
            try scanner.end()
        } catch {
            return nil
        }
    }

    /// Whether a device may be made of this.
    ///
    /// The two highest bits of a random address say how random (Bluetooth Core, volume 6, part B, 1.3.2): 11 stays until the
    /// battery is changed, 01 and 00 change every few minutes. A public one has its maker's bits there, which mean nothing.
    func isDevice(_ address: String) -> Bool {
        if isPassing || !hasReading { return false }
        guard addressIsRandom else { return true }
        guard let first = address.utf8.first, first >= UInt8(ascii: "C") && first <= UInt8(ascii: "F") else { return false }
        return hasKind
    }

    /// Twelve hexadecimal digits, however they were written. Computers that hide addresses give a UUID of their own, which
    /// has more and is taken as it is.
    static func address(_ text: String) -> String? {
        let digits = text.utf8.filter { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "-") }
        guard digits.count == 12 || digits.count == 32 else { return nil }
        var out: [UInt8] = []
        for c in digits {
            switch c {
            case 0x30...0x39, 0x41...0x46: out.append(c)
            case 0x61...0x66: out.append(c - 0x20)
            default: return nil
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// What a scale says of a weight, wherever it stands in the message.
struct TheengsScale {
    private(set) var unit: String?
    /// Something was weighed, not somebody.
    private(set) var isObject = false

    /// No unit of weight is longer.
    private static let unitBytesMax = 8

    init(_ payload: UnsafeRawBufferPointer) {
        var scanner = JSONScanner(payload)
        do throws(JSONError) {
            guard try scanner.peek() == .object else { return }
            scanner.open()
            var first = true
            while let key = try scanner.nextKey(&first) {
                let isUnit = key.bytes.elementsEqual("unit".utf8)
                guard isUnit || key.bytes.elementsEqual("weighing_mode".utf8), try scanner.peek() == .string else {
                    try scanner.skip(depth: 1)
                    continue
                }
                let text = try scanner.string()
                if isUnit {
                    unit = text.bytes.count <= Self.unitBytesMax ? text.string : nil
                } else {
                    isObject = text.bytes.elementsEqual("object".utf8)
                }
            }
        } catch {}
    }
}
