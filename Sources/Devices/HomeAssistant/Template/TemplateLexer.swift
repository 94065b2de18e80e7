/// Why a template is not understood; completes the sentence "Its template is not understood: …".
struct TemplateProblem: Error, Hashable, Sendable {
    var what: String

    static let tooLong = TemplateProblem(what: "it is longer than \(Template.bytesMax) bytes")
    static let tooLarge = TemplateProblem(what: "it has more than \(Template.nodesMax) parts")
    static let tooManyLookups = TemplateProblem(what: "it looks into the message more than \(Template.lookupsMax) times")
    static let tooDeep = TemplateProblem(what: "it is nested more than \(Template.depthMax) deep")
    static let unclosed = TemplateProblem(what: "it ends too early")
    static let unexpected = TemplateProblem(what: "it has a sign where none is expected")
    static let statement = TemplateProblem(what: "it has a statement other than if, elif, else and endif")
    static let name = TemplateProblem(what: "it asks for something other than the message")
    static let call = TemplateProblem(what: "it calls a function that we do not know")
    static let filter = TemplateProblem(what: "it has a filter that we do not know")
    static let test = TemplateProblem(what: "it has a test that we do not know")
    static let subscripts = TemplateProblem(what: "it looks up a name that is not known beforehand")
}

enum TemplateToken: Hashable, Sendable {
    case name(String)
    case number(Double, isWhole: Bool)
    case text([UInt8])
    case sign(String)
}

/// Cuts a template into text, `{{ … }}` and `{% … %}`, and the latter into tokens.
struct TemplateLexer {
    enum Piece: Hashable, Sendable {
        case text([UInt8])
        case output([TemplateToken])
        case statement([TemplateToken])
    }

    private let bytes: [UInt8]
    private var at = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func pieces(_ template: [UInt8]) throws(TemplateProblem) -> [Piece] {
        var lexer = TemplateLexer(template)
        return try lexer.pieces()
    }

    private func byte(_ offset: Int = 0) -> UInt8? { at + offset < bytes.count ? bytes[at + offset] : nil }
    private func isNext(_ sign: String) -> Bool {
        at + sign.utf8.count <= bytes.count && bytes[at..<at + sign.utf8.count].elementsEqual(sign.utf8)
    }

    private mutating func pieces() throws(TemplateProblem) -> [Piece] {
        var pieces: [Piece] = []
        var text: [UInt8] = []
        var isTrimmingNext = false
        func closeText(_ pieces: inout [Piece], trimEnd: Bool) {
            if isTrimmingNext { text.removeSubrange(..<(text.firstIndex { !isSpace($0) } ?? text.endIndex)) }
            if trimEnd { while let last = text.last, isSpace(last) { text.removeLast() } }
            if !text.isEmpty { pieces.append(.text(text)) }
            text.removeAll()
        }
        while let next = byte() {
            guard next == UInt8(ascii: "{"), let kind = byte(1), "{%#".utf8.contains(kind) else {
                text.append(next)
                at += 1
                continue
            }
            at += 2
            // `{%-` eats the white space before it. `{{-1}}` would, too: so does Jinja.
            let trims = byte() == UInt8(ascii: "-")
            if trims || byte() == UInt8(ascii: "+") { at += 1 }
            closeText(&pieces, trimEnd: trims)
            switch kind {
            case UInt8(ascii: "#"): isTrimmingNext = try skipComment()
            case UInt8(ascii: "{"):
                let (tokens, trimsNext) = try tokens(until: "}}")
                pieces.append(.output(tokens))
                isTrimmingNext = trimsNext
            default:
                let (tokens, trimsNext) = try tokens(until: "%}")
                pieces.append(.statement(tokens))
                isTrimmingNext = trimsNext
            }
        }
        closeText(&pieces, trimEnd: false)
        return pieces
    }

    private mutating func skipComment() throws(TemplateProblem) -> Bool {
        while at < bytes.count {
            if isNext("#}") {
                let trims = bytes[at - 1] == UInt8(ascii: "-")
                at += 2
                return trims
            }
            at += 1
        }
        throw .unclosed
    }

    /// - Returns: also whether the white space after it is eaten.
    private mutating func tokens(until end: String) throws(TemplateProblem) -> ([TemplateToken], Bool) {
        var tokens: [TemplateToken] = []
        // Within braces `}}` closes two of them.
        var braces = 0
        while let next = byte() {
            if isSpace(next) {
                at += 1
                continue
            }
            if braces == 0 {
                if isNext(end) {
                    at += 2
                    return (tokens, false)
                }
                if next == UInt8(ascii: "-") || next == UInt8(ascii: "+"), at + 3 <= bytes.count, bytes[at + 1..<at + 3].elementsEqual(end.utf8) {
                    at += 3
                    return (tokens, next == UInt8(ascii: "-"))
                }
            }
            switch next {
            case UInt8(ascii: "'"), UInt8(ascii: "\""): tokens.append(.text(try quoted(next)))
            case 0x30...0x39: tokens.append(try number(isIndex: tokens.last == .sign(".")))
            case UInt8(ascii: "_"), 0x41...0x5A, 0x61...0x7A: tokens.append(.name(name()))
            default:
                if next == UInt8(ascii: "{") { braces += 1 }
                if next == UInt8(ascii: "}") { braces -= 1 }
                tokens.append(.sign(try sign()))
            }
        }
        throw .unclosed
    }

    private mutating func quoted(_ quote: UInt8) throws(TemplateProblem) -> [UInt8] {
        at += 1
        var text: [UInt8] = []
        while let next = byte() {
            at += 1
            if next == quote { return text }
            guard next == UInt8(ascii: "\\") else {
                text.append(next)
                continue
            }
            guard let escaped = byte() else { break }
            at += 1
            switch escaped {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): text.append(escaped)
            default: throw .unexpected
            }
        }
        throw .unclosed
    }

    /// - Parameter isIndex: after a dot: `events.0.id` has the index 0 and not the number 0.
    private mutating func number(isIndex: Bool) throws(TemplateProblem) -> TemplateToken {
        let start = at
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }
        while isDigit(byte()) { at += 1 }
        var isWhole = true
        if !isIndex {
            if byte() == UInt8(ascii: "."), isDigit(byte(1)) {
                isWhole = false
                at += 1
                while isDigit(byte()) { at += 1 }
            }
            if let e = byte(), e | 0x20 == UInt8(ascii: "e") {
                let sign = byte(1) == UInt8(ascii: "-") || byte(1) == UInt8(ascii: "+") ? 1 : 0
                guard isDigit(byte(1 + sign)) else { throw .unexpected }
                isWhole = false
                at += 1 + sign
                while isDigit(byte()) { at += 1 }
            }
        }
        guard let value = Double(String(decoding: bytes[start..<at], as: UTF8.self)), value.isFinite else { throw .unexpected }
        return .number(value, isWhole: isWhole)
    }

    private mutating func name() -> String {
        let start = at
        while let next = byte(), next == UInt8(ascii: "_") || (next >= 0x30 && next <= 0x39) || (next | 0x20 >= 0x61 && next | 0x20 <= 0x7A) {
            at += 1
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private static let signs = ["==", "!=", "<=", ">=", "//", "**", "<", ">", "+", "-", "*", "/", "%", "~", "|", ".", ",", ":", "(", ")", "[", "]", "{", "}", "="]

    private mutating func sign() throws(TemplateProblem) -> String {
        for sign in Self.signs where isNext(sign) {
            at += sign.utf8.count
            return sign
        }
        throw .unexpected
    }
}

/// ASCII white space.
func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
