/// Which device a message of rtl_433 is from.
struct RTL433Identity {
    /// The type of tyre pressure sensors.
    static let tyres = "TPMS"

    private(set) var model = ""
    private(set) var isTyre = false
    private var type = ""
    private var subtype = ""
    private var channel = ""
    private var id = ""

    /// A longer part names no device of rtl_433's.
    private static let partBytesMax = 64

    /// Nil where the payload is no JSON object, or names no model.
    init?(_ payload: UnsafeRawBufferPointer) {
        var scanner = JSONScanner(payload)
        do throws(JSONError) {
            guard try scanner.peek() == .object else { return nil }
            scanner.open()
            var first = true
            while let key = try scanner.nextKey(&first) {
                let name = key.bytes
                if name.elementsEqual("model".utf8) {
                    model = try Self.part(&scanner)
                } else if name.elementsEqual("id".utf8) {
                    id = try Self.part(&scanner)
                } else if name.elementsEqual("channel".utf8) {
                    channel = try Self.part(&scanner)
                } else if name.elementsEqual("subtype".utf8) {
                    subtype = try Self.part(&scanner)
                } else if name.elementsEqual("type".utf8) {
                    type = try Self.part(&scanner)
                } else {
                    try scanner.skip(depth: 1)
                }
            }
        } catch {
            return nil
        }
        guard !model.isEmpty else { return nil }
        isTyre = type == Self.tyres
    }

    var path: String { [type, model, subtype, channel, id].filter { !$0.isEmpty }.joined(separator: "/") }

    /// A text or a number as it stands there, written as rtl_433 writes it into topics: anything but letters, digits, `-` and
    /// `.` as `_`. Empty for what is neither.
    private static func part(_ scanner: inout JSONScanner) throws(JSONError) -> String {
        let kind = try scanner.peek()
        let bytes: UnsafeRawBufferPointer
        switch kind {
        case .string:
            let text = try scanner.string()
            guard !text.isEscaped else { return "" }
            bytes = text.bytes
        case .number:
            let from = scanner.at
            _ = try scanner.number()
            bytes = UnsafeRawBufferPointer(rebasing: scanner.bytes[from..<scanner.at])
        default:
            try scanner.skip(depth: 1)
            return ""
        }
        guard bytes.count <= partBytesMax else { return "" }
        func isKept(_ c: UInt8) -> Bool {
            c >= 0x30 && c <= 0x39 || c | 0x20 >= 0x61 && c | 0x20 <= 0x7A || c == UInt8(ascii: "-") || c == UInt8(ascii: ".")
        }
        return String(decoding: bytes.map { isKept($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }
}
