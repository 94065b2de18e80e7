import Care

/// The time that a device gives, in any of the forms that devices use. Nil when it is none of them.
///
/// Numbers from 10¹¹ on are milliseconds since 1970 (10¹¹ ms is in 1973), smaller ones seconds.
func deviceTime(number: Double) -> Instant? {
    let milliseconds = (number < 1e11 ? number * 1_000 : number).rounded()
    guard milliseconds > 0, milliseconds <= Double(Instant.distantFuture.milliseconds) else { return nil }
    return Instant(milliseconds: Int64(milliseconds))
}

/// RFC 3339, or a number as above. A time without a zone is no time: it could be an hour off.
///
/// The same grammar as `Instant(iso:)`, without a string: this runs for every message with `last_seen`.
func deviceTime(text raw: UnsafeRawBufferPointer) -> Instant? {
    let text = trimmed(raw)
    func number(_ start: Int, _ count: Int) -> Int? {
        guard start + count <= text.count else { return nil }
        var n = 0
        for index in start..<start + count {
            let digit = text[index] &- 0x30
            guard digit <= 9 else { return nil }
            n = n * 10 + Int(digit)
        }
        return n
    }
    guard text.count >= 20, text[4] == UInt8(ascii: "-") else {
        return numberInText(text).flatMap { deviceTime(number: $0) }
    }
    guard text[7] == UInt8(ascii: "-"), text[10] | 0x20 == UInt8(ascii: "t") || text[10] == 0x20,
        text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"), let year = number(0, 4),
        let month = number(5, 2), let dayOfMonth = number(8, 2), let hour = number(11, 2),
        let minute = number(14, 2), let second = number(17, 2), hour < 24, minute < 60, second < 61,
        let day = Day(year: year, month: month, day: dayOfMonth)
    else { return nil }
    var at = 19
    var milliseconds = 0
    if text[at] == UInt8(ascii: ".") {
        at += 1
        var scale = 100
        let start = at
        while let digit = number(at, 1) {
            milliseconds += digit * scale
            scale /= 10
            at += 1
        }
        guard at > start else { return nil }
    }
    guard at < text.count else { return nil }
    var offsetMinutes = 0
    switch text[at] {
    case UInt8(ascii: "Z"), UInt8(ascii: "z"): guard at + 1 == text.count else { return nil }
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
        let colon = at + 3 < text.count && text[at + 3] == UInt8(ascii: ":") ? 1 : 0
        guard let hours = number(at + 1, 2), hours < 24, let minutes = number(at + 3 + colon, 2),
            minutes < 60, at + 5 + colon == text.count
        else { return nil }
        offsetMinutes = (hours * 60 + minutes) * (text[at] == UInt8(ascii: "-") ? -1 : 1)
    default: return nil
    }
    let minutes = Int64(hour * 60 + minute - offsetMinutes)
    return Instant(
        milliseconds: day.number * 86_400_000 + minutes * 60_000 + Int64(second) * 1_000 + Int64(milliseconds)
    )
}
