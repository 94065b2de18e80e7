import Care

/// Text that is made byte by byte: an export has millions of lines, and `String` would take most of its time.
struct ByteText {
    var bytes: [UInt8] = []
    /// The day that was written last, as its ten characters.
    private var dayNumber = Int64.min
    private var dayBytes: [UInt8] = []

    mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }
    mutating func add(_ more: [UInt8]) { bytes.append(contentsOf: more) }
    mutating func add(_ byte: Unicode.Scalar) { bytes.append(UInt8(truncatingIfNeeded: byte.value)) }

    mutating func add(number: Double) {
        // As `JSON` does: 72 and not 72.0.
        if number == number.rounded(), abs(number) < 1e15 { add(int: Int64(number)) } else { add("\(number)") }
    }

    mutating func add(int number: Int64) {
        if (0..<10).contains(number) { return bytes.append(UInt8(48 + number)) }
        add(String(number))
    }

    /// As `Instant.iso`.
    mutating func add(utc instant: Instant) {
        add(time: instant.milliseconds)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// With the offset that the clocks at home had then: `2026-11-21T04:07:05+01:00`.
    mutating func add(_ instant: Instant, offsetSeconds: Int) {
        add(time: instant.milliseconds + Int64(offsetSeconds) * 1_000)
        let minutes = abs(offsetSeconds) / 60
        bytes.append(offsetSeconds < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        add(two: minutes / 60)
        bytes.append(UInt8(ascii: ":"))
        add(two: minutes % 60)
    }

    private mutating func add(two number: Int) {
        bytes.append(UInt8(48 + number / 10 % 10))
        bytes.append(UInt8(48 + number % 10))
    }

    private mutating func add(time milliseconds: Int64) {
        var day = milliseconds / 86_400_000
        if milliseconds % 86_400_000 < 0 { day -= 1 }
        if day != dayNumber {
            dayNumber = day
            dayBytes = Array(Day(number: day).iso.utf8)
        }
        bytes += dayBytes
        let ms = Int(milliseconds - day * 86_400_000)
        bytes.append(UInt8(ascii: "T"))
        add(two: ms / 3_600_000)
        bytes.append(UInt8(ascii: ":"))
        add(two: ms / 60_000 % 60)
        bytes.append(UInt8(ascii: ":"))
        add(two: ms / 1_000 % 60)
        guard ms % 1_000 != 0 else { return }
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(48 + ms % 1_000 / 100))
        add(two: ms % 100)
    }
}

/// A field of a CSV file after RFC 4180. What a spreadsheet would take for a formula gets an apostrophe, because names
/// of devices come from whoever can publish in a home.
func csvField(_ text: String) -> String {
    var field = text
    if let first = field.unicodeScalars.first, "=+-@'\t\r".unicodeScalars.contains(first) { field = "'" + field }
    guard field.unicodeScalars.contains(where: { "\",\n\r".unicodeScalars.contains($0) }) else { return field }
    return "\"" + field.replacing("\"", with: "\"\"") + "\""
}
