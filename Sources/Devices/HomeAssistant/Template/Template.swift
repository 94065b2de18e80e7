import Care

/// A `value_template`: how the value is had from a message, in a bounded part of Jinja.
///
/// Parsed once, when it is announced; evaluated for every message. What it may use is the message and nothing else: no
/// clock, no other thing's state, no loop.
struct Template: Sendable {
    static let bytesMax = 4_096
    /// Expressions and texts in one template.
    static let nodesMax = 256
    /// Parentheses, lists and `if` within one another.
    static let depthMax = 24
    /// Operators, filters and steps one after the other in one expression: each is evaluated within the next.
    static let linksMax = 32
    /// What it may write.
    static let outputBytesMax = 1_024
    /// Times that it looks something up in the message: each walks over it once.
    static let lookupsMax = 32
    /// Longer messages are not read by templates.
    static let payloadBytesMax = 16 * 1_024

    private let segments: [TemplateSegment]
    private let usesJSON: Bool
    private let usesPayload: Bool

    init(_ text: String) throws(TemplateProblem) {
        guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
        var parser = TemplateParser()
        segments = try parser.segments(try TemplateLexer.pieces(Array(text.utf8)))
        (usesJSON, usesPayload) = (parser.usesJSON, parser.usesPayload)
    }

    // MARK: Simple forms

    /// A template that does no more than name a place in the message, which many can be read of in one walk.
    enum Form: Hashable, Sendable {
        case value
        case member(path: [String])
        case other
    }

    /// - Parameter isNumber: a number is wanted, so that making one of it (`|float`) changes nothing.
    func form(isNumber: Bool) -> Form {
        var only: TemplateNode?
        for segment in segments {
            switch segment {
            case .text(let text) where text.allSatisfy(isSpace): break
            case .output(let node) where only == nil: only = node
            default: return .other
            }
        }
        guard var node = only else { return .other }
        // A missing member gives nothing either way.
        while case .filter(let filter, let inner, let given) = node, given.isEmpty, filter == .isDefined || (filter == .float && isNumber) {
            node = inner
        }
        switch node {
        case .payload: return .value
        case .json(let steps) where !steps.isEmpty && steps.count < JSONScanner.depthMax:
            var path: [String] = []
            for step in steps {
                guard case .key(let key) = step else { return .other }
                path.append(String(decoding: key, as: UTF8.self))
            }
            return .member(path: path)
        default: return .other
        }
    }

    // MARK: Evaluation

    enum Problem: String, Error, Sendable {
        case notANumber = "wants a number where the message has none"
        case notComparable = "compares what cannot be compared"
        case notCalculable = "calculates what cannot be calculated"
        case tooMuch = "writes more than a value may have"

        var reason: String { "Its template \(rawValue)." }
    }

    /// Calls `body` with what the template gives; with `undefined` when the message does not say it.
    ///
    /// - Returns: nil when `body` was called; else why the message cannot be read.
    func evaluate(_ payload: UnsafeRawBufferPointer, _ body: (TemplateValue) -> Void) -> String? {
        guard payload.count <= Self.payloadBytesMax else { return "The message is too long for its template." }
        guard isUTF8(payload) else { return "The message is not UTF-8 text." }
        var isJSON = true
        if usesJSON {
            var scanner = JSONScanner(payload)
            do throws(JSONError) {
                try scanner.skip(depth: 0)
                try scanner.end()
            } catch {
                // A template that looks at the plain text, too, knows that it may not be JSON.
                guard usesPayload else { return error.reason }
                isJSON = false
            }
        }
        var evaluation = TemplateEvaluation(payload: payload, isJSON: isJSON)
        do throws(TemplateStop) {
            try evaluation.run(segments)
            body(evaluation.result)
            return nil
        } catch {
            switch error {
            case .unsaid:
                body(.undefined)
                return nil
            case .problem(let problem): return problem.reason
            case .json(let error): return error.reason
            }
        }
    }

    /// Calls `body` with the text that the template writes, without white space around it; with nil when that is nothing.
    func text(_ payload: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> Void) -> String? {
        var problem: String?
        let reason = evaluate(payload) { value in
            func give(_ text: UnsafeRawBufferPointer) {
                let text = trimmed(text)
                body(text.isEmpty ? nil : text)
            }
            if value.withText(give) != nil { return }
            do throws(TemplateStop) {
                var out: [UInt8] = []
                try TemplateEvaluation.write(value, into: &out)
                out.withUnsafeBytes(give)
            } catch {
                if case .problem(let known) = error { problem = known.reason } else { body(nil) }
            }
        }
        return reason ?? problem
    }
}

/// Why an evaluation ended early.
enum TemplateStop: Error {
    /// It hangs on something that the message does not say.
    case unsaid
    case problem(Template.Problem)
    case json(JSONError)
}
