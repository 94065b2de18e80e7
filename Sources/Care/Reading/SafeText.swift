/// Text from outside made fit for a terminal, a log line or a topic.
///
/// Control characters could move the cursor or colour a coordinator's screen, and direction overrides
/// (U+202A … U+202E, U+2066 … U+2069) can make one name read as another: each becomes U+FFFD. What is
/// longer than `charactersMax` is cut, with an ellipsis.
public func safeText(_ text: some StringProtocol, charactersMax: Int = 200) -> String {
    var out = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == charactersMax { return out + "\u{2026}" }
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
            out.unicodeScalars.append("\u{FFFD}")
        default: out.unicodeScalars.append(scalar)
        }
        count += 1
    }
    return out
}
