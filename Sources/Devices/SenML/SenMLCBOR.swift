/// SenML in CBOR (RFC 8428 §6), for devices that count their bytes. Integers stand for the labels; times are plain
/// numbers as in JSON, without CBOR's tag for times.
struct SenMLCBOR: SenMLSource {
    static let noPackReason = "The message is not a SenML pack, which is a CBOR array of records."

    private var scanner: CBORScanner
    private var records: CBORScanner.Items?
    private var labels: CBORScanner.Items?

    init(_ payload: UnsafeRawBufferPointer) { scanner = CBORScanner(payload) }

    /// Whether a message is CBOR: no JSON text begins with a byte with which a CBOR array does.
    static func mayBegin(with byte: UInt8) -> Bool { byte & 0xE0 == 0x80 }

    mutating func openPack() throws(SenMLPack.Failure) -> Bool {
        do throws(CBORError) {
            guard try scanner.peek() == .array else { return false }
            records = try scanner.open()
            return true
        } catch { throw SenMLPack.Failure(error) }
    }

    mutating func nextRecord() throws(SenMLPack.Failure) -> Bool {
        guard var items = records else { return false }
        defer { records = items }
        do throws(CBORError) { return try scanner.next(&items) } catch { throw SenMLPack.Failure(error) }
    }

    mutating func openRecord() throws(SenMLPack.Failure) -> Bool {
        do throws(CBORError) {
            guard try scanner.peek() == .map else {
                try scanner.skip(depth: 1)
                return false
            }
            labels = try scanner.open()
            return true
        } catch { throw SenMLPack.Failure(error) }
    }

    mutating func nextLabel() throws(SenMLPack.Failure) -> SenMLLabel? {
        guard var items = labels else { return nil }
        defer { labels = items }
        do throws(CBORError) {
            guard try scanner.next(&items) else { return nil }
            if let number = try scanner.label() { return SenMLLabel(number: number) }
            // Extensions have texts for labels. Those of JSON are taken, too: some devices send them.
            return try scanner.text(depth: 2).map { SenMLLabel($0) } ?? .other
        } catch { throw SenMLPack.Failure(error) }
    }

    mutating func text() throws(SenMLPack.Failure) -> String? {
        do throws(CBORError) { return try scanner.text(depth: 2) } catch { throw SenMLPack.Failure(error) }
    }

    mutating func number() throws(SenMLPack.Failure) -> Double? {
        do throws(CBORError) { return try scanner.number(depth: 2) } catch { throw SenMLPack.Failure(error) }
    }

    mutating func flag() throws(SenMLPack.Failure) -> Bool? {
        do throws(CBORError) { return try scanner.flag(depth: 2) } catch { throw SenMLPack.Failure(error) }
    }

    mutating func data() throws(SenMLPack.Failure) -> Bool {
        do throws(CBORError) { return try scanner.data(depth: 2) } catch { throw SenMLPack.Failure(error) }
    }

    mutating func skip() throws(SenMLPack.Failure) {
        do throws(CBORError) { try scanner.skip(depth: 2) } catch { throw SenMLPack.Failure(error) }
    }

    mutating func end() throws(SenMLPack.Failure) {
        do throws(CBORError) { try scanner.end() } catch { throw SenMLPack.Failure(error) }
    }
}
