/// What one template was parsed into: text, values to write out, and choices between such.
indirect enum TemplateSegment: Sendable {
    case text([UInt8])
    case output(TemplateNode)
    /// `{% if … %}…{% elif … %}…{% else %}…{% endif %}`
    case choice([(condition: TemplateNode, then: [TemplateSegment])], otherwise: [TemplateSegment])
}

/// One expression.
indirect enum TemplateNode: Sendable {
    case literal(TemplateLiteral)
    /// `value`: the message as text.
    case payload
    /// `value_json` and what is reached from it by names and indexes that are known beforehand.
    case json([TemplateStep])
    case step(TemplateNode, TemplateStep)
    /// `….get('name', otherwise)`
    case get(TemplateNode, key: [UInt8], otherwise: TemplateNode?)
    case list([TemplateNode])
    case object([(key: [UInt8], value: TemplateNode)])
    case not(TemplateNode)
    case negative(TemplateNode)
    case and(TemplateNode, TemplateNode)
    case or(TemplateNode, TemplateNode)
    case compare(TemplateComparison, TemplateNode, TemplateNode)
    case contained(TemplateNode, in: TemplateNode, isNegated: Bool)
    case calculate(TemplateArithmetic, TemplateNode, TemplateNode)
    /// `a ~ b`
    case joined(TemplateNode, TemplateNode)
    case choice(condition: TemplateNode, then: TemplateNode, otherwise: TemplateNode?)
    case filter(TemplateFilter, TemplateNode, [TemplateNode])
    case test(TemplateTest, TemplateNode, isNegated: Bool)
}

enum TemplateLiteral: Sendable {
    case none
    case flag(Bool)
    case number(Double, isWhole: Bool)
    case text([UInt8])
}

enum TemplateStep: Hashable, Sendable {
    case key([UInt8])
    /// Negative ones count from the end.
    case index(Int)
}

enum TemplateComparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}

enum TemplateArithmetic: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case divideWhole = "//"
    case remainder = "%"
}

enum TemplateFilter: String, Sendable {
    case int, float, round, isDefined = "is_defined", otherwise = "default", lower, upper, abs, trim, string, bool
    case json = "to_json"
    case length

    /// Other names of the same filters.
    static let aliases: [String: TemplateFilter] = ["d": .otherwise, "tojson": .json, "count": .length]

    /// How many arguments it may have.
    var argumentsMax: Int {
        switch self {
        case .int, .float, .bool: 1
        case .round, .otherwise: 2
        default: 0
        }
    }
}

enum TemplateTest: String, Sendable {
    case defined, undefined, none, number, string, boolean, mapping
}
