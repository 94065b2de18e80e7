// Comparisons, arithmetic, filters and tests of templates, as Python and Home Assistant have them; except that what the
// message does not say stays unsaid.

extension TemplateEvaluation {
    func compare(_ kind: TemplateComparison, _ left: TemplateNode, _ right: TemplateNode) throws(TemplateStop) -> TemplateValue {
        let (a, b) = (try evaluate(left), try evaluate(right))
        switch kind {
        case .equal, .notEqual:
            // Asked for by name, `none` is an answer like any other.
            if Self.isNone(left) || Self.isNone(right) {
                switch (a, b) {
                case (.undefined, _), (_, .undefined): return .undefined
                case (.none, .none): return .flag(kind == .equal)
                default: return .flag(kind == .notEqual)
                }
            }
            return Self.areEqual(a, b).map { .flag($0 == (kind == .equal)) } ?? .undefined
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard let order = try Self.order(a, b) else { return .undefined }
            switch kind {
            case .less: return .flag(order < 0)
            case .lessOrEqual: return .flag(order <= 0)
            case .greater: return .flag(order > 0)
            default: return .flag(order >= 0)
            }
        }
    }

    private static func isNone(_ node: TemplateNode) -> Bool {
        if case .literal(.none) = node { true } else { false }
    }

    /// Nil when one side does not say anything, or when they are of kinds that are not compared here.
    static func areEqual(_ a: TemplateValue, _ b: TemplateValue) -> Bool? {
        switch (a, b) {
        case (.undefined, _), (_, .undefined), (.none, _), (_, .none): return nil
        default: break
        }
        if let a = a.number, let b = b.number { return a.value == b.value }
        if let equal = a.withText({ a in b.withText { b in a.elementsEqual(b) } }) { return equal ?? false }
        if a.number != nil || b.number != nil || a.isText || b.isText { return false }
        return nil
    }

    /// Nil when one side does not say anything.
    private static func order(_ a: TemplateValue, _ b: TemplateValue) throws(TemplateStop) -> Int? {
        switch (a, b) {
        case (.undefined, _), (_, .undefined), (.none, _), (_, .none): return nil
        default: break
        }
        if let a = a.number, let b = b.number { return a.value < b.value ? -1 : a.value > b.value ? 1 : 0 }
        if let order = a.withText({ a in b.withText { b in a.elementsEqual(b) ? 0 : a.lexicographicallyPrecedes(b) ? -1 : 1 } }), let order {
            return order
        }
        throw .problem(.notComparable)
    }

    /// Whether `all` holds `one`; nil when that is not said.
    func contains(_ all: TemplateValue, _ one: TemplateValue) throws(TemplateStop) -> Bool? {
        if case .undefined = one { return nil }
        switch all {
        case .undefined, .none: return nil
        case .list(let values):
            var isUnsaid = false
            for value in values {
                if case (.none, .none) = (value, one) { return true }
                switch Self.areEqual(value, one) {
                case true?: return true
                case nil: isUnsaid = true
                case false?: break
                }
            }
            return isUnsaid ? nil : false
        case .object(let members): return members.contains { Self.areEqual(.own($0.key), one) == true }
        case .json(let bytes):
            do throws(JSONError) {
                return try TemplateValue.count(bytes, until: { Self.areEqual($0, one) == true }).isFound
            } catch { throw .json(error) }
        case .text, .own:
            guard let found = all.withText({ all in one.withText { one in Self.isPart(one, of: all) } }), let found else { throw .problem(.notComparable) }
            return found
        case .flag, .number: throw .problem(.notComparable)
        }
    }

    private static func isPart(_ part: UnsafeRawBufferPointer, of text: UnsafeRawBufferPointer) -> Bool {
        if part.isEmpty { return true }
        guard part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0..<$0 + part.count].elementsEqual(part) }
    }

    static func calculate(_ kind: TemplateArithmetic, _ a: TemplateValue, _ b: TemplateValue) throws(TemplateStop) -> TemplateValue {
        switch (a, b) {
        case (.undefined, _), (_, .undefined), (.none, _), (_, .none): throw .unsaid
        default: break
        }
        guard let left = a.number, let right = b.number else {
            // Python adds texts, too.
            guard kind == .add, a.isText, b.isText else { throw .problem(.notCalculable) }
            var out: [UInt8] = []
            try write(a, into: &out)
            try write(b, into: &out)
            return .own(out)
        }
        var isWhole = left.isWhole && right.isWhole
        let value: Double
        switch kind {
        case .add: value = left.value + right.value
        case .subtract: value = left.value - right.value
        case .multiply: value = left.value * right.value
        case .divide:
            value = left.value / right.value
            isWhole = false
        case .divideWhole: value = (left.value / right.value).rounded(.down)
        // Python's remainder has the sign of the divisor.
        case .remainder: value = left.value - right.value * (left.value / right.value).rounded(.down)
        }
        guard value.isFinite else { throw .problem(.notCalculable) }
        return .number(value, isWhole: isWhole)
    }

    // MARK: Filters and tests

    func filtered(_ filter: TemplateFilter, _ value: TemplateValue, _ given: [TemplateNode]) throws(TemplateStop) -> TemplateValue {
        if filter == .otherwise { return try otherwise(value, given) }
        if filter == .json {
            var out: [UInt8] = []
            try Self.write(value, into: &out, isJSON: true)
            return .own(out)
        }
        // `|float(0)` of nothing is 0: that is what its writer wants.
        if filter == .int || filter == .float || filter == .bool {
            let made: TemplateValue? =
                switch filter {
                case .bool: Self.flag(value)
                case .int: Self.double(value).flatMap { number in number.magnitude < 1e15 ? .number(number.rounded(.towardZero), isWhole: true) : nil }
                default: Self.double(value).map { .number($0, isWhole: false) }
                }
            if let made { return made }
            if let otherwise = given.first { return try evaluate(otherwise) }
        }
        switch value {
        case .undefined, .none: throw .unsaid
        default: break
        }
        switch filter {
        case .isDefined: return value
        case .round:
            guard let number = Self.double(value) else { throw .problem(.notANumber) }
            var digits = 0.0
            if let first = given.first {
                guard let said = try evaluate(first).number, said.isWhole, abs(said.value) <= 12 else { throw .problem(.notANumber) }
                digits = said.value
            }
            return Self.rounded(number, digits: Int(digits))
        case .abs:
            guard let number = value.number else { throw .problem(.notANumber) }
            return .number(abs(number.value), isWhole: number.isWhole)
        case .length:
            if let count = value.withText({ String(decoding: $0, as: UTF8.self).unicodeScalars.count }) { return .number(Double(count), isWhole: true) }
            if case .list(let values) = value { return .number(Double(values.count), isWhole: true) }
            guard case .json(let bytes) = value else { throw .problem(.notCalculable) }
            do throws(JSONError) { return .number(Double(try TemplateValue.count(bytes).count), isWhole: true) } catch { throw .json(error) }
        case .lower, .upper, .trim, .string:
            var out: [UInt8] = []
            try Self.write(value, into: &out)
            switch filter {
            case .lower: return .own(Array(String(decoding: out, as: UTF8.self).lowercased().utf8))
            case .upper: return .own(Array(String(decoding: out, as: UTF8.self).uppercased().utf8))
            case .trim: return .own(out.withUnsafeBytes { Array(trimmed($0)) })
            default: return .own(out)
            }
        case .int, .float, .bool: throw .problem(.notANumber)
        case .otherwise, .json: return value
        }
    }

    private func otherwise(_ value: TemplateValue, _ given: [TemplateNode]) throws(TemplateStop) -> TemplateValue {
        guard let first = given.first else { return value }
        if case .undefined = value { return try evaluate(first) }
        // `|default(x, true)` replaces what is false, too.
        guard given.count > 1, try evaluate(given[1]).truth == true, value.truth != true else { return value }
        return try evaluate(first)
    }

    private static func double(_ value: TemplateValue) -> Double? {
        value.number?.value ?? value.withText { numberInText($0) } ?? nil
    }

    /// Home Assistant's words for yes and no.
    private static func flag(_ value: TemplateValue) -> TemplateValue? {
        if let number = value.number { return .flag(number.value != 0) }
        guard let word = value.withText({ String(decoding: trimmed($0), as: UTF8.self).lowercased() }) else { return nil }
        if ["true", "on", "yes", "1", "enable"].contains(word) { return .flag(true) }
        return ["false", "off", "no", "0", "disable"].contains(word) ? .flag(false) : nil
    }

    /// To the even neighbour where it lies between two, as Python does.
    private static func rounded(_ number: Double, digits: Int) -> TemplateValue {
        var ten = 1.0
        for _ in 0..<abs(digits) { ten *= 10 }
        let value = digits < 0 ? (number / ten).rounded(.toNearestOrEven) * ten : (number * ten).rounded(.toNearestOrEven) / ten
        return .number(value.isFinite ? value : number, isWhole: digits == 0)
    }

    /// Nil: not said.
    static func holds(_ test: TemplateTest, _ value: TemplateValue) -> Bool? {
        switch (test, value) {
        case (.defined, .undefined), (.undefined, .undefined): return test == .undefined
        case (.defined, _): return true
        case (.undefined, _): return false
        case (_, .undefined): return nil
        case (.none, .none): return true
        case (.none, _): return false
        case (.number, _): return value.number != nil
        case (.string, _): return value.isText
        case (.boolean, .flag): return true
        case (.boolean, _): return false
        case (.mapping, .object): return true
        case (.mapping, .json(let bytes)): return bytes.first == UInt8(ascii: "{")
        case (.mapping, _): return false
        }
    }
}
