import Care

/// One evaluation of one template.
struct TemplateEvaluation {
    let payload: UnsafeRawBufferPointer
    let isJSON: Bool
    /// What was written. Kept as a value as long as it is only one: a number need not become text and a number again.
    private(set) var result = TemplateValue.undefined
    private var isEmpty = true
    /// White space that counts only when something follows.
    private var space: [UInt8] = []

    init(payload: UnsafeRawBufferPointer, isJSON: Bool) {
        self.payload = payload
        self.isJSON = isJSON
    }

    mutating func run(_ segments: [TemplateSegment]) throws(TemplateStop) {
        for segment in segments {
            switch segment {
            case .text(let text):
                if text.allSatisfy(isSpace) {
                    if !isEmpty { space += text }
                } else {
                    try put(.own(text))
                }
            case .output(let node): try put(try evaluate(node))
            case .choice(let branches, let otherwise):
                var isTaken = false
                for (condition, then) in branches {
                    guard let truth = try evaluate(condition).truth else { throw .unsaid }
                    if truth {
                        try run(then)
                        isTaken = true
                        break
                    }
                }
                if !isTaken { try run(otherwise) }
            }
        }
    }

    private mutating func put(_ value: TemplateValue) throws(TemplateStop) {
        switch value {
        case .undefined, .none: throw .unsaid
        default: break
        }
        if isEmpty {
            result = value
            isEmpty = false
            return
        }
        var out: [UInt8] = []
        try Self.write(result, into: &out)
        out += space
        space.removeAll()
        try Self.write(value, into: &out)
        result = .own(out)
    }

    /// As Python writes it, except objects and arrays, which are JSON.
    static func write(_ value: TemplateValue, into out: inout [UInt8], isJSON: Bool = false) throws(TemplateStop) {
        switch value {
        case .undefined: throw .unsaid
        case .none:
            guard isJSON else { throw .unsaid }
            out += "null".utf8
        case .flag(let flag): out += (isJSON ? (flag ? "true" : "false") : (flag ? "True" : "False")).utf8
        case .number(let number, let isWhole):
            if isWhole, let whole = Int64(exactly: number) { out += String(whole).utf8 } else { out += "\(number)".utf8 }
        case .text, .own:
            if isJSON {
                out += JSON.string(value.withText { String(decoding: $0, as: UTF8.self) } ?? "").text.utf8
            } else {
                _ = value.withText { out += $0 }
            }
        case .json(let bytes):
            guard out.count + bytes.count <= Template.outputBytesMax else { throw .problem(.tooMuch) }
            out += bytes
        case .list(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                try write(value, into: &out, isJSON: true)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                try write(.own(member.key), into: &out, isJSON: true)
                out.append(UInt8(ascii: ":"))
                try write(member.value, into: &out, isJSON: true)
            }
            out.append(UInt8(ascii: "}"))
        }
        guard out.count <= Template.outputBytesMax else { throw .problem(.tooMuch) }
    }

    // MARK: Expressions

    func evaluate(_ node: TemplateNode) throws(TemplateStop) -> TemplateValue {
        switch node {
        case .literal(let literal): return TemplateValue(literal)
        case .payload: return .text(JSONText(bytes: payload, isEscaped: false))
        case .json(let steps): return try json(steps)
        case .step(let base, let step): return try reached(try evaluate(base), step)
        case .get(let base, let key, let otherwise):
            let found = try reached(try evaluate(base), .key(key))
            guard case .undefined = found else { return found }
            guard let otherwise else { return .none }
            return try evaluate(otherwise)
        case .list(let nodes):
            var values: [TemplateValue] = []
            for node in nodes { values.append(try evaluate(node)) }
            return .list(values)
        case .object(let members):
            var values: [(key: [UInt8], value: TemplateValue)] = []
            for (key, node) in members { values.append((key, try evaluate(node))) }
            return .object(values)
        case .not(let inner): return try evaluate(inner).truth.map { .flag(!$0) } ?? .undefined
        case .and(let left, let right):
            // What is not known yet may be settled by the other side.
            let value = try evaluate(left)
            guard value.truth != false else { return value }
            let other = try evaluate(right)
            return value.truth == true || other.truth == false ? other : .undefined
        case .or(let left, let right):
            let value = try evaluate(left)
            guard value.truth != true else { return value }
            let other = try evaluate(right)
            return value.truth == false || other.truth == true ? other : .undefined
        case .compare(let kind, let left, let right): return try compare(kind, left, right)
        case .contained(let left, let right, let isNegated):
            return try contains(try evaluate(right), try evaluate(left)).map { .flag($0 != isNegated) } ?? .undefined
        case .negative(let inner): return try Self.calculate(.subtract, .number(0, isWhole: true), try evaluate(inner))
        case .calculate(let kind, let left, let right): return try Self.calculate(kind, try evaluate(left), try evaluate(right))
        case .joined(let left, let right):
            var out: [UInt8] = []
            try Self.write(try evaluate(left), into: &out)
            try Self.write(try evaluate(right), into: &out)
            return .own(out)
        case .choice(let condition, let then, let otherwise):
            guard let truth = try evaluate(condition).truth else { throw .unsaid }
            if truth { return try evaluate(then) }
            guard let otherwise else { return .undefined }
            return try evaluate(otherwise)
        case .filter(let filter, let inner, let given): return try filtered(filter, try evaluate(inner), given)
        case .test(let test, let inner, let isNegated): return Self.holds(test, try evaluate(inner)).map { .flag($0 != isNegated) } ?? .undefined
        }
    }

    private func json(_ steps: [TemplateStep]) throws(TemplateStop) -> TemplateValue {
        guard isJSON else { return .undefined }
        do throws(JSONError) {
            var bytes = trimmed(payload)
            for step in steps {
                guard let found = try TemplateValue.find(step, in: bytes) else { return .undefined }
                bytes = found
            }
            return try .json(at: bytes)
        } catch { throw .json(error) }
    }

    private func reached(_ value: TemplateValue, _ step: TemplateStep) throws(TemplateStop) -> TemplateValue {
        do throws(JSONError) { return try value.reached(step) } catch { throw .json(error) }
    }
}
