/// Parses the part of Jinja that describes where in a message a value is. What lies outside is refused as a whole: half
/// a template would mean something else.
///
/// The grammar, from what binds least: `a if c else b`, `or`, `and`, `not`, comparisons and `in`, `+ -`, `~`, `* / // %`,
/// sign, and on one value `.name`, `[…]`, `|filter`, `is test`.
struct TemplateParser {
    var tokens: [TemplateToken] = []
    var at = 0
    var nodeCount = 0
    var depth = 0
    private var linkCount = 0
    var lookupCount = 0
    var usesJSON: Bool { lookupCount > 0 }
    var usesPayload = false

    mutating func segments(_ pieces: [TemplateLexer.Piece]) throws(TemplateProblem) -> [TemplateSegment] {
        var rest = pieces[...]
        let segments = try segments(&rest)
        guard rest.isEmpty else { throw .statement }
        return segments
    }

    /// Up to the end, or to a statement that closes an `if` or goes on with it.
    private mutating func segments(_ rest: inout ArraySlice<TemplateLexer.Piece>) throws(TemplateProblem) -> [TemplateSegment] {
        var segments: [TemplateSegment] = []
        while let piece = rest.first {
            switch piece {
            case .text(let text): segments.append(.text(text))
            case .output(let tokens): segments.append(.output(try whole(tokens[...])))
            case .statement(let tokens):
                guard tokens.first == .name("if") else { return segments }
                rest.removeFirst()
                segments.append(try choice(tokens, &rest))
                continue
            }
            try count()
            rest.removeFirst()
        }
        return segments
    }

    private mutating func choice(_ first: [TemplateToken], _ rest: inout ArraySlice<TemplateLexer.Piece>) throws(TemplateProblem) -> TemplateSegment {
        try deeper()
        var branches = [(condition: try whole(first.dropFirst()), then: try segments(&rest))]
        var otherwise: [TemplateSegment] = []
        while case .statement(let tokens)? = rest.first {
            rest.removeFirst()
            switch tokens.first {
            case .name("elif"): branches.append((try whole(tokens.dropFirst()), try segments(&rest)))
            case .name("else") where tokens.count == 1:
                otherwise = try segments(&rest)
                guard rest.first == .statement([.name("endif")]) else { throw rest.isEmpty ? .unclosed : .statement }
            case .name("endif") where tokens.count == 1:
                depth -= 1
                return .choice(branches, otherwise: otherwise)
            default: throw .statement
            }
        }
        throw .unclosed
    }

    // MARK: Expressions

    private mutating func whole(_ tokens: ArraySlice<TemplateToken>) throws(TemplateProblem) -> TemplateNode {
        self.tokens = Array(tokens)
        at = 0
        linkCount = 0
        let node = try expression()
        guard at == self.tokens.count else { throw .unexpected }
        return node
    }

    mutating func deeper() throws(TemplateProblem) {
        depth += 1
        guard depth <= Template.depthMax else { throw .tooDeep }
    }

    mutating func count() throws(TemplateProblem) {
        nodeCount += 1
        guard nodeCount <= Template.nodesMax else { throw .tooLarge }
    }

    /// The next of a chain, which has all before it within.
    mutating func linked(_ node: TemplateNode) throws(TemplateProblem) -> TemplateNode {
        linkCount += 1
        guard linkCount <= Template.linksMax else { throw .tooDeep }
        return try made(node)
    }

    mutating func made(_ node: TemplateNode) throws(TemplateProblem) -> TemplateNode {
        try count()
        return node
    }

    var next: TemplateToken? { at < tokens.count ? tokens[at] : nil }

    mutating func take(_ token: TemplateToken) -> Bool {
        guard next == token else { return false }
        at += 1
        return true
    }

    mutating func need(_ sign: String) throws(TemplateProblem) {
        guard take(.sign(sign)) else { throw next == nil ? .unclosed : .unexpected }
    }

    mutating func expression() throws(TemplateProblem) -> TemplateNode {
        try deeper()
        var node = try or()
        while take(.name("if")) {
            let condition = try or()
            let otherwise: TemplateNode? = take(.name("else")) ? try expression() : nil
            node = try linked(.choice(condition: condition, then: node, otherwise: otherwise))
        }
        depth -= 1
        return node
    }

    private mutating func or() throws(TemplateProblem) -> TemplateNode {
        var node = try and()
        while take(.name("or")) { node = try linked(.or(node, try and())) }
        return node
    }

    private mutating func and() throws(TemplateProblem) -> TemplateNode {
        var node = try not()
        while take(.name("and")) { node = try linked(.and(node, try not())) }
        return node
    }

    private mutating func not() throws(TemplateProblem) -> TemplateNode {
        guard take(.name("not")) else { return try comparison() }
        try deeper()
        let node = try made(.not(try not()))
        depth -= 1
        return node
    }

    private mutating func comparison() throws(TemplateProblem) -> TemplateNode {
        let left = try sum()
        if case .sign(let sign)? = next, let kind = TemplateComparison(rawValue: sign) {
            at += 1
            let node = try made(.compare(kind, left, try sum()))
            // Python's `1 < a < 5` means something else than its left half.
            if case .sign(let more)? = next, TemplateComparison(rawValue: more) != nil { throw .unexpected }
            return node
        }
        if take(.name("in")) { return try made(.contained(left, in: try sum(), isNegated: false)) }
        if next == .name("not"), at + 1 < tokens.count, tokens[at + 1] == .name("in") {
            at += 2
            return try made(.contained(left, in: try sum(), isNegated: true))
        }
        return left
    }

    private mutating func sum() throws(TemplateProblem) -> TemplateNode {
        var node = try joined()
        while case .sign(let sign)? = next, sign == "+" || sign == "-", let kind = TemplateArithmetic(rawValue: sign) {
            at += 1
            node = try linked(.calculate(kind, node, try joined()))
        }
        return node
    }

    private mutating func joined() throws(TemplateProblem) -> TemplateNode {
        var node = try product()
        while take(.sign("~")) { node = try linked(.joined(node, try product())) }
        return node
    }

    private mutating func product() throws(TemplateProblem) -> TemplateNode {
        var node = try signed()
        while case .sign(let sign)? = next, let kind = TemplateArithmetic(rawValue: sign), sign != "+", sign != "-" {
            at += 1
            node = try linked(.calculate(kind, node, try signed()))
        }
        return node
    }

    private mutating func signed() throws(TemplateProblem) -> TemplateNode {
        // Filters and tests bind less than a sign: `-1|abs` is 1.
        try filtered(try unary())
    }

    private mutating func unary() throws(TemplateProblem) -> TemplateNode {
        if take(.sign("-")) {
            try deeper()
            let node = try made(.negative(try unary()))
            depth -= 1
            return node
        }
        return try postfixed(try primary())
    }
}
