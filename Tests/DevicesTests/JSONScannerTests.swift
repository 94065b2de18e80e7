import Foundation
import Testing

@testable import Devices

@Suite struct JSONScannerTests {
    func problem(_ text: [UInt8]) -> JSONError.Problem? {
        text.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            do throws(JSONError) {
                try scanner.skip(depth: 0)
                try scanner.end()
                return nil
            } catch { return error.problem }
        }
    }

    @Test(arguments: [
        "0", "-0", "1e5", "1E+5", "-1.25e-3", " true ", "null", "\"\"", "[]", "{}", "[1,2]",
        #"{"a":{"b":[null]}}"#,
        #""\u00e9\n\"\\\/""#, "\"ä€😀\"", "\t{ \"a\" : 1 }\r\n", #""\ud800""#,
    ])
    func acceptsJSON(text: String) { #expect(problem(Array(text.utf8)) == nil) }

    @Test(arguments: [
        "", " ", "01", "+1", ".5", "5.", "1e", "-", "--1", "0x10", "NaN", "Infinity", "tru", "nul", "TRUE",
        "'a'", "[1,]",
        "[,1]", "[1 2]", "{,}", #"{"a":1,}"#, #"{"a"}"#, #"{"a":}"#, #"{a:1}"#, "{1:2}", "[", "{", #"{"a":1"#,
        #"""#,
        #""\x""#, #""\u12g4""#, #""\u12"#, "\"a\nb\"", "1 2", "{}{}", "[1]]", "1e999", #"{"a":1 "b":2}"#,
        "[}", "{]",
        #""\"#,
    ])
    func refusesWhatIsNotJSON(text: String) { #expect(problem(Array(text.utf8)) != nil) }

    @Test func refusesWhatIsNotUTF8() {
        #expect(problem([0x22, 0xC3, 0x28, 0x22]) == .notUTF8)
        #expect(problem([0x22, 0xED, 0xA0, 0x80, 0x22]) == .notUTF8)
        #expect(problem([0xEF, 0xBB, 0xBF, 0x31]) == .unexpected)
    }

    @Test func depthAndLengthHaveLimits() {
        let most = JSONScanner.depthMax
        func nested(_ n: Int) -> [UInt8] {
            Array((String(repeating: "[", count: n) + String(repeating: "]", count: n)).utf8)
        }
        #expect(problem(nested(most)) == nil)
        #expect(problem(nested(most + 1)) == .tooDeep)
        #expect(problem(nested(1_000_000)) == .tooDeep)
        #expect(problem(Array(String(repeating: "1", count: numberBytesMax).utf8)) == nil)
        #expect(problem(Array(String(repeating: "1", count: numberBytesMax + 1).utf8)) == .numberTooLong)
    }

    @Test func numbersAreRoundedAsTheStandardLibraryRoundsThem() throws {
        var generator = SeededGenerator(seed: 20_261_121)
        var texts = [
            "0", "-0", "0.1", "9007199254740993", "123456789012345678901234567890", "1e22", "1e23",
            "4.9e-324",
            "2.2250738585072011e-308", "0.000018083439499605447", "1.7976931348623157e308",
            "0.00000000000000000001",
            "100000000000000000000000e-10", "999999999999999e22", "1e-999",
        ]
        for _ in 0..<20_000 {
            let whole =
                UInt64.random(in: 0...999_999_999_999_999_999, using: &generator)
                >> UInt64.random(in: 0...59, using: &generator)
            let places = Int.random(in: 0...20, using: &generator)
            var text = Bool.random(using: &generator) ? "-\(whole)" : "\(whole)"
            if places > 0 { text += "." + String(UInt64.random(in: 0...999_999, using: &generator)) }
            if Bool.random(using: &generator) { text += "e\(Int.random(in: -300...280, using: &generator))" }
            texts.append(text)
        }
        for text in texts {
            let wanted = try #require(Double(text))
            let got = try Array(text.utf8).withUnsafeBytes { try parseNumber($0, from: 0) }
            #expect(got.0.bitPattern == wanted.bitPattern, "\(text)")
            #expect(got.1 == text.utf8.count)
        }
    }

    @Test func escapesAreResolved() {
        func resolved(_ text: String) -> String {
            Array("\"\(text)\"".utf8).withUnsafeBytes { bytes in
                var scanner = JSONScanner(bytes)
                return (try? scanner.string().string) ?? "?"
            }
        }
        #expect(resolved(#"temper\u0061ture"#) == "temperature")
        #expect(resolved(#"a\/b\n\"ä\ud83d\ude00é"#) == "a/b\n\"ä😀é")
        #expect(resolved(#"\ud83d"#) == "\u{FFFD}")
        #expect(resolved(#"\ud83dx\ude00"#) == "\u{FFFD}x\u{FFFD}")
    }
}
