import Foundation
import Testing

@testable import Devices

/// What a template gives: its text, "" for nothing, `!` for a fault.
func rendered(_ template: String, _ message: String) throws -> String {
    let parsed = try Template(template)
    var out = ""
    let reason = Array(message.utf8).withUnsafeBytes { payload in
        parsed.text(payload) { out = $0.map { String(decoding: $0, as: UTF8.self) } ?? "" }
    }
    return reason == nil ? out : "!"
}

@Suite struct TemplateTests {
    static let message = #"{"a":{"b":21.5,"c":[1,{"d":"x"}]},"n":7,"t":"Text","s":"12.7","yes":true,"no":false,"z":null,"e":"","l":["overtemp"],"k":[],"switch:0":{"tC":40},"q":"say \"hi\"","neg":-2.5,"o":{"f":1}}"#

    static let table: [(template: String, text: String)] = [
        // Places
        ("{{ value_json.a.b }}", "21.5"), ("{{value_json['a']['b']}}", "21.5"), ("{{ value_json[\"switch:0\"].tC }}", "40"),
        ("{{ value_json.a.c[0] }}", "1"), ("{{ value_json.a.c.0 }}", "1"), ("{{ value_json.a.c[-1].d }}", "x"), ("{{ value_json.a.c.1.d }}", "x"),
        ("{{ value_json.missing }}", ""), ("{{ value_json.missing.deeper }}", ""), ("{{ value_json.a.c[9] }}", ""), ("{{ value_json.z }}", ""),
        ("{{ value_json.q }}", "say \"hi\""), ("{{ value_json.yes }}", "True"), ("{{ value_json.no }}", "False"), ("{{ value_json.e }}", ""),
        ("{{ value_json.get('n') }}", "7"), ("{{ value_json.get('m', 3) }}", "3"), ("{{ value_json.get('m') }}", ""), ("{{ value_json.a.get('b') }}", "21.5"),
        // Text around
        ("{{value_json.n}}_{{value_json.t}}", "7_Text"), ("  {{ value_json.n }}\n", "7"), ("{{value_json.n}}_{{value_json.missing}}", ""),
        ("plain", "plain"), ("{# note #}{{ value_json.n }}", "7"), ("a {{- value_json.n -}} b", "a7b"), ("", ""),
        // Filters
        ("{{ value_json.s | int }}", "12"), ("{{ value_json.s | float }}", "12.7"), ("{{ value_json.a.b | round }}", "22"), ("{{ value_json.a.b|round(0) }}", "22"),
        ("{{ value_json.s | float | round(0) }}", "13"), ("{{ 21.456 | round(1) }}", "21.5"), ("{{ value_json.t | float }}", "!"), ("{{ value_json.t | float(0) }}", "0"),
        ("{{ value_json.m | float(default=1) }}", "1"), ("{{ value_json.m | float }}", ""), ("{{ value_json.m | default('d') }}", "d"), ("{{ value_json.e | default('d', true) }}", "d"),
        ("{{ value_json.e | default('d') }}", ""), ("{{ value_json.n | is_defined }}", "7"), ("{{ value_json.m | is_defined }}", ""), ("{{ value_json.t | lower }}", "text"),
        ("{{ value_json.t | upper }}", "TEXT"), ("{{ value_json.neg | abs }}", "2.5"), ("{{ ' x ' | trim }}", "x"), ("{{ value_json.n | string }}", "7"),
        ("{{ 'yes' | bool }}", "True"), ("{{ value_json.t | bool }}", "!"), ("{{ value_json.l | length }}", "1"), ("{{ float(value_json.s) }}", "12.7"),
        ("{{ value_json.n | multiply(2) }}", "14.0"), ("{{ -3|abs }}", "3"),
        // Arithmetic
        ("{{ value_json.n * 100 }}", "700"), ("{{ value_json.n / 2 }}", "3.5"), ("{{ 1 + 2 * 3 }}", "7"), ("{{ (1 + 2) * 3 }}", "9"), ("{{ 7 // 2 }}", "3"), ("{{ -7 % 3 }}", "2"),
        ("{{ value_json.s * 2 }}", "!"), ("{{ value_json.n / 0 }}", "!"), ("{{ value_json.m + 1 }}", ""), ("{{ value_json.s|float / 10 }}", "1.27"), ("{{ 'a' ~ value_json.n }}", "a7"), ("{{ 'a' + 'b' }}", "ab"),
        // Comparisons
        ("{{ value_json.n == 7 }}", "True"), ("{{ value_json.n != 7 }}", "False"), ("{{ value_json.n > 5 and value_json.n < 9 }}", "True"), ("{{ value_json.n >= 7.0 }}", "True"),
        ("{{ value_json.t == 'Text' }}", "True"), ("{{ value_json.t == 'text' }}", "False"), ("{{ value_json.n == '7' }}", "False"), ("{{ value_json.t < 5 }}", "!"),
        ("{{ value_json.yes == true }}", "True"), ("{{ value_json.z == none }}", "True"), ("{{ value_json.n in [1, 7] }}", "True"), ("{{ value_json.n not in [1, 7] }}", "False"),
        ("{{ 'overtemp' in value_json.l }}", "True"), ("{{ 'overtemp' in value_json.get('errors', []) }}", "False"), ("{{ 'ex' in value_json.t }}", "True"), ("{{ 'f' in value_json.o }}", "True"),
        ("{{ not value_json.no }}", "True"), ("{{ value_json.m is defined }}", "False"), ("{{ value_json.n is not defined }}", "False"), ("{{ value_json.n is number }}", "True"), ("{{ value_json.z is none }}", "True"),
        // Choices
        ("{{ 'ON' if value_json.yes else 'OFF' }}", "ON"), ("{{ 'ON' if value_json.no else 'OFF' }}", "OFF"), ("{{ 'ON' if value_json.m else 'OFF' }}", ""), ("{{ 'ON' if value_json.z else 'OFF' }}", ""),
        ("{{ 'ON' if value_json.m == 'x' else 'OFF' }}", ""), ("{{ 'ON' if value_json.m is defined else 'OFF' }}", "OFF"), ("{{ 'ON' if value_json.no }}", ""), ("{{ iif(value_json.yes, 'a', 'b') }}", "a"),
        ("{{ value_json.no | iif('a', 'b') }}", "b"), ("{{ 'a' if value_json.no else 'b' if value_json.no else 'c' }}", "c"), ("{{ value_json.m or value_json.n }}", "7"), ("{{ value_json.m and value_json.no }}", "False"),
        ("{{ 'ON' if value_json.m or value_json.no else 'OFF' }}", ""), ("{{ 'ON' if value_json.m or value_json.yes else 'OFF' }}", "ON"),
        ("{%if value_json.yes%}ON{%else%}OFF{%endif%}", "ON"), ("{% if value_json.no %}ON{% else %}OFF{% endif %}", "OFF"), ("{% if value_json.m %}ON{% else %}OFF{% endif %}", ""),
        ("{% if value_json.no %}a{% elif value_json.n == 7 %}{{ value_json.t }}{% else %}c{% endif %}", "Text"), ("{% if value_json.no %}a{% endif %}", ""),
        ("{%- if value_json.yes -%} x {%- else -%} y {%- endif -%}", "x"), ("{% if value_json.yes %}{% if value_json.no %}1{% else %}2{% endif %}{% endif %}3", "23"), ("{% if value_json.k %}a{% else %}b{% endif %}", "b"),
        // Objects
        (#"{{ {"event_type": value_json.t}|to_json }}"#, #"{"event_type":"Text"}"#), (#"{{{"a":value_json.yes,"b":{"c":1}}|tojson}}"#, #"{"a":true,"b":{"c":1}}"#),
        (#"{%if value_json.n==7%}{{{"event_type":value_json.q}|to_json}}{%endif%}"#, #"{"event_type":"say \"hi\""}"#),
    ]

    @Test(arguments: table)
    func gives(template: String, text: String) throws {
        #expect(try rendered(template, Self.message) == text, "\(template)")
    }

    static let messages: [(template: String, message: String, text: String)] = [
        ("{{ value }}", "ON", "ON"), ("{{ value }}", " ON\n", "ON"), ("{{ value | float / 10 }}", "215", "21.5"), ("{{ value|int }}", "x", "!"), ("{{ value == 'ON' }}", "ON", "True"),
        ("{{ value_json.a }}", "not json", "!"), ("{{ value_json.a }}", "{\"a\":1", "!"), ("{{ value_json.a }}", "5", ""), ("{{ value_json }}", "5", "5"), ("{{ value_json[1] }}", "[1,2]", "2"),
        ("{{ value_json.a }}", "{\"a\":1,\"a\":2}", "2"), ("{{ value_json.a }}", "{\"\\u0061\":3}", "3"), ("{{ value_json.a if value_json is defined else value }}", "7", ""),
        ("{{ value_json is defined or value }}", "x", "x"), ("{{ value_json.a }}", "{\"a\":1e400}", "!"), ("{{ value_json.a * 1e300 * 1e300 }}", "{\"a\":1e10}", "!"),
        ("{{ value_json.a }}", "{\"a\":1000000000000000}", "1000000000000000"), ("{{ value_json.a | int }}", "{\"a\":1e300}", "!"),
    ]

    @Test(arguments: messages)
    func givesOfMessage(template: String, message: String, text: String) throws {
        #expect(try rendered(template, message) == text, "\(template) of \(message)")
    }

    static let refused: [(template: String, problem: TemplateProblem)] = [
        ("{{ states('sensor.x') }}", TemplateProblem.call), ("{{ now() }}", .call), ("{{ as_timestamp(now()) }}", .call), ("{{ this.state }}", .name), ("{{ entity_id }}", .name),
        ("{{ value_json.x | timestamp_local }}", .filter), ("{{ value | from_json }}", .filter), ("{% for a in value_json %}{% endfor %}", .statement), ("{% set a = 1 %}{{ a }}", .statement),
        ("{% macro m() %}{% endmacro %}", .statement), ("{{ value_json[value] }}", .subscripts), ("{{ value_json.get(value) }}", .subscripts), ("{{ value.split(',') }}", .call), ("{{ value_json.a", .unclosed),
        ("{% if value %}a", .unclosed), ("{% endif %}", .statement), ("{% if value %}a{% else %}b{% else %}c{% endif %}", .statement), ("{{ }}", .unclosed), ("{{ 1 2 }}", .unexpected), ("{{ 1 < 2 < 3 }}", .unexpected),
        ("{{ 'a }}", .unclosed), ("{{ value ** 2 }}", .unexpected), ("{{ value is divisibleby 3 }}", .test), ("{{ value | round(1, 'floor') }}", .filter), ("{{ value | int(base=16) }}", .filter), ("{{ (value }}", .unclosed),
        ("{{ value & 1 }}", .unexpected), ("{{ value_json.a() }}", .call), ("{{ range(10) }}", .call), ("{{ value | }}", .filter), ("{{ [1,,2] }}", .unexpected), ("{# open", .unclosed), ("{{ value[ }}", .unclosed),
    ]

    @Test(arguments: refused)
    func refuses(template: String, problem: TemplateProblem) {
        #expect(throws: problem, "\(template)") { try Template(template) }
    }

    @Test func everythingHasALimit() throws {
        func problem(_ text: String) -> TemplateProblem? {
            do throws(TemplateProblem) {
                _ = try Template(text)
                return nil
            } catch { return error }
        }
        func repeated(_ text: String, _ n: Int) -> String { String(repeating: text, count: n) }
        #expect(problem(repeated(" ", Template.bytesMax)) == nil)
        #expect(problem(repeated(" ", Template.bytesMax + 1)) == .tooLong)
        #expect(problem("{{ 1" + repeated("+1", Template.linksMax) + " }}") == nil)
        #expect(problem("{{ 1" + repeated("+1", Template.linksMax + 1) + " }}") == .tooDeep)
        #expect(problem("{{ value" + repeated("|abs", 400) + " }}") == .tooDeep)
        #expect(problem("{{ value_json" + repeated("[0]", 60) + " }}") == nil)
        #expect(problem("{{ value_json.get('a')" + repeated("[0]", 60) + " }}") == .tooDeep)
        #expect(problem("{{ [" + repeated("1,", 200) + "] }}") == nil)
        #expect(problem("{{ [" + repeated("1,", 300) + "] }}") == .tooLarge)
        #expect(problem("{{ " + repeated("(", 20) + "1" + repeated(")", 20) + " }}") == nil)
        #expect(problem("{{ " + repeated("(", 2_000) + " }}") == .tooDeep)
        #expect(problem("{{ " + repeated("[", 2_000) + " }}") == .tooDeep)
        #expect(problem("{{ " + repeated("-", 2_000) + "1 }}") == .tooDeep)
        #expect(problem("{{ " + repeated("not ", 900) + "1 }}") == .tooDeep)
        #expect(problem(repeated("{% if 1 %}", 300)) == .tooDeep)
        #expect(problem("{{ [" + repeated("value_json.a,", Template.lookupsMax) + "] }}") == nil)
        #expect(problem("{{ [" + repeated("value_json.a,", Template.lookupsMax + 1) + "] }}") == .tooManyLookups)
        // What is written, and what is read.
        let long = repeated("x", Template.outputBytesMax)
        #expect(try rendered("{{ value }}", long) == long)
        #expect(try rendered("{{ value ~ 'x' }}", long) == "!")
        #expect(try rendered("{{ value ~ value ~ value }}", long) == "!")
        #expect(try rendered("{{ value_json }}", repeated(" ", Template.payloadBytesMax - 1) + "1") == "1")
        #expect(try rendered("{{ value_json }}", repeated(" ", Template.payloadBytesMax) + "1") == "!")
        #expect(try rendered("{{ value_json }}", repeated("[", 64) + repeated("]", 64)) == "!")
    }

    /// The deepest that is understood is evaluated on the stack of an ordinary thread.
    @Test func theDeepestFitsOnASmallStack() throws {
        let chain = Template.linksMax
        let nests = Template.depthMax - 2
        let templates = [
            "{{ 1" + String(repeating: "+1", count: chain) + " }}", "{{ value_json" + String(repeating: "|abs", count: chain) + " }}",
            "{{ " + String(repeating: "[", count: nests) + "1" + String(repeating: "|abs", count: chain) + String(repeating: "]", count: nests) + " }}",
            String(repeating: "{% if 1 %}", count: nests) + "{{ 1" + String(repeating: "|abs", count: chain) + " }}" + String(repeating: "{% endif %}", count: nests),
        ]
        for text in templates {
            let template = try Template(text)
            let done = DispatchSemaphore(value: 0)
            let thread = Thread {
                _ = [UInt8(ascii: "1")].withUnsafeBytes { template.text($0) { _ in } }
                done.signal()
            }
            thread.stackSize = 512 * 1_024
            thread.start()
            #expect(done.wait(timeout: .now() + 30) == .success)
        }
    }

    @Test(arguments: [
        ("{{ value }}", Template.Form.value), ("{{value|float}}", .value), (" {{ value_json.a.b }} ", .member(path: ["a", "b"])), ("{{ value_json['a b']|float|is_defined }}", .member(path: ["a b"])),
        ("{{ value_json.a|round(1) }}", .other), ("{{ value_json.a|int }}", .other), ("{{ value_json.a[0] }}", .other), ("{{ value_json }}", .other), ("{{ value_json.a }}x", .other), ("{{ value_json.a|float(0) }}", .other), ("", .other),
        ("{{ value_json.a }}{{ value_json.b }}", .other),
    ])
    func simpleOnesAreKnown(template: String, form: Template.Form) throws {
        #expect(try Template(template).form(isNumber: true) == form)
    }

    /// Random and damaged templates and messages: nothing crashes and nothing is written beyond its limit.
    @Test func noTemplateCrashes() throws {
        let seed: UInt64 = 20_261_122
        print("template fuzz: seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let parts = [
            "{{", "}}", "{%", "%}", "{#", "#}", "-", " ", "value", "value_json", ".a", ".b", "['c']", "[0]", ".0", "|float", "|int(0)", "|round(2)", "|default('x')", "if", "else", "elif", "endif", "is defined", "==", "<",
            "and", "or", "not", "in", "[", "]", "(", ")", "{", "}", "'a'", "\"b\"", ":", ",", "1", "2.5", "1e308", "*", "/", "//", "%", "~", "none", "true", ".get('a', 1)", "|to_json", "é", "\\", "iif(", "|length",
        ]
        let messages = [#"{"a":{"b":[1,"x",null]},"c":{"a":2}}"#, "21.5", "", "[[1]]", #"{"a":"#, "\u{0}", #"{"a":"\ud800"}"#, "é"].map { Array($0.utf8) } + [[0xFF, 0xFE], [0x7B, 0x22]]
        var (parsed, written) = (0, 0)
        for round in 0..<40_000 {
            var text = (0..<Int.random(in: 0..<14, using: &generator)).compactMap { _ in parts.randomElement(using: &generator) }.joined()
            if round % 2 == 0 { text = "{{ " + text + " }}" }
            guard let template = try? Template(text) else { continue }
            parsed += 1
            for message in messages {
                let reason = message.withUnsafeBytes { payload in
                    template.text(payload) {
                        if let out = $0 {
                            written += 1
                            #expect(!out.isEmpty && out.count <= max(Template.outputBytesMax, message.count))
                        }
                    }
                }
                if let reason { #expect(reason.hasSuffix(".") && reason.utf8.count < 200) }
            }
        }
        print("template fuzz: \(parsed) of 40000 were templates, \(written) times something was written")
        #expect(parsed > 1_000 && written > 1_000)
    }
}
