import Care
import Testing

/// Whatever a device or a person is called, nobody's screen obeys it.
@Suite struct SafeTextTests {
    @Test func `every control character and every change of direction is taken out`() {
        let codes = Array(0..<0x20) + Array(0x7F..<0xA0) + [0x200E, 0x200F, 0x2028, 0x2029] + Array(0x202A...0x202E) + Array(0x2066...0x2069) + [0xFEFF]
        for code in codes {
            guard let scalar = Unicode.Scalar(UInt32(code)) else { continue }
            #expect(safeText("a\(Character(scalar))b") == "a\u{FFFD}b", "U+\(String(code, radix: 16))")
        }
        #expect(safeText("\u{1B}[31mred\r\n") == "\u{FFFD}[31mred\u{FFFD}\u{FFFD}")
    }

    @Test(arguments: ["kitchen motion", "Küche", "台所", "مطبخ", "👩🏽‍🦽 lift", "", " "])
    func `what people write stays as it is`(text: String) { #expect(safeText(text) == text) }

    @Test func `what is too long is cut and says so`() {
        #expect(safeText("abcdef", charactersMax: 3) == "abc…")
        #expect(safeText("abc", charactersMax: 3) == "abc")
        #expect(safeText(String(repeating: "\u{0301}", count: 1_000)).unicodeScalars.count == 201, "Marks without end are no single character.")
    }

    @Test(arguments: ["elm-3", "0", "a", String(repeating: "a", count: 40)])
    func `names that may be topics and users`(name: String) { #expect(isUsableName(name)) }

    @Test(arguments: ["", "-a", "Elm", "elm 3", "elm/3", "elm+", "#", "elm_3", "é", "a\nb", "$sys", String(repeating: "a", count: 41)])
    func `names that may not`(name: String) { #expect(!isUsableName(name)) }
}
