/// Longer numbers are refused: no device measures a hundred digits, and reading them takes time.
let numberBytesMax = 100

/// Powers of ten that a `Double` holds exactly.
private let exactPowersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
]

/// Reads one number in JSON's grammar (RFC 8259 §6), correctly rounded.
///
/// Up to 15 digits and a power of ten up to 22 both fit a `Double` exactly, so that one multiplication or
/// division rounds once and correctly (Clinger, "How to Read Floating Point Numbers Accurately", 1990).
/// Others go through the standard library.
/// - Returns: The value, which is finite, and the index of the first byte after it.
func parseNumber(_ bytes: UnsafeRawBufferPointer, from start: Int) throws(JSONError) -> (Double, Int) {
    var at = start
    let count = bytes.count
    func failure(_ problem: JSONError.Problem) -> JSONError { JSONError(problem: problem, byte: at) }

    var isNegative = false
    if at < count, bytes[at] == UInt8(ascii: "-") {
        isNegative = true
        at += 1
    }
    var mantissa: UInt64 = 0
    var significantDigits = 0
    @inline(__always) func digit() -> UInt64? {
        guard at < count else { return nil }
        let value = bytes[at] &- 0x30
        return value <= 9 ? UInt64(value) : nil
    }
    @inline(__always) func take(_ digit: UInt64) {
        if significantDigits < 18 { mantissa = mantissa * 10 + digit }
        if mantissa != 0 { significantDigits += 1 }
        at += 1
    }

    guard let leading = digit() else { throw failure(at < count ? .number : .ended) }
    take(leading)
    if leading == 0 {
        if digit() != nil { throw failure(.number) }
    } else {
        while let next = digit() { take(next) }
    }
    var exponent = 0
    if at < count, bytes[at] == UInt8(ascii: ".") {
        at += 1
        let fraction = at
        while let next = digit() { take(next) }
        guard at > fraction else { throw failure(at < count ? .number : .ended) }
        exponent = fraction - at
    }
    if at < count, bytes[at] | 0x20 == UInt8(ascii: "e") {
        at += 1
        var isDown = false
        if at < count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
            isDown = bytes[at] == UInt8(ascii: "-")
            at += 1
        }
        let digits = at
        var power = 0
        while let next = digit() {
            if power < 100_000 { power = power * 10 + Int(next) }
            at += 1
        }
        guard at > digits else { throw failure(at < count ? .number : .ended) }
        exponent += isDown ? -power : power
    }
    guard at - start <= numberBytesMax else { throw failure(.numberTooLong) }

    if significantDigits <= 15, exponent >= -22, exponent <= 22 {
        var value = Double(mantissa)
        if exponent < 0 {
            value /= exactPowersOfTen[-exponent]
        } else if exponent > 0 {
            value *= exactPowersOfTen[exponent]
        }
        return (isNegative ? -value : value, at)
    }
    guard let value = Double(String(decoding: bytes[start..<at], as: UTF8.self)), value.isFinite else {
        throw failure(.numberTooLarge)
    }
    return (value, at)
}

/// A number that is the whole of a text, with white space around it at most: numbers in strings are
/// numbers. Nil for anything else, `nan` and `inf` included.
func numberInText(_ bytes: UnsafeRawBufferPointer) -> Double? {
    let text = trimmed(bytes)
    var start = 0
    if text.count > 1, text[0] == UInt8(ascii: "+"), text[1] != UInt8(ascii: "-") { start = 1 }
    guard let (value, end) = try? parseNumber(text, from: start), end == text.count else { return nil }
    return value
}

/// Without the ASCII white space, and C's closing zero byte, at both ends.
func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0 || (byte >= 0x09 && byte <= 0x0D) }
    var (start, end) = (0, bytes.count)
    while start < end, isSpace(bytes[start]) { start += 1 }
    while end > start, isSpace(bytes[end - 1]) { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
}
