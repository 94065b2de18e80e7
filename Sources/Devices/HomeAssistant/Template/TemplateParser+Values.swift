// Values in templates: literals, names, what is reached from them, filters and tests.

extension TemplateParser {
    mutating func primary() throws(TemplateProblem) -> TemplateNode {
        guard let token = next else { throw .unclosed }
        at += 1
        switch token {
        case .number(let value, let isWhole): return try made(.literal(.number(value, isWhole: isWhole)))
        case .text(let text): return try made(.literal(.text(text)))
        case .name(let name): return try named(name)
        case .sign("("):
            let node = try expression()
            try need(")")
            return node
        case .sign("["): return try made(.list(try expressions(until: "]")))
        case .sign("{"): return try object()
        case .sign: throw .unexpected
        }
    }

    private mutating func named(_ name: String) throws(TemplateProblem) -> TemplateNode {
        switch name {
        case "value":
            usesPayload = true
            return try made(.payload)
        case "value_json":
            lookupCount += 1
            guard lookupCount <= Template.lookupsMax else { throw .tooManyLookups }
            return try made(.json([]))
        case "true", "True": return try made(.literal(.flag(true)))
        case "false", "False": return try made(.literal(.flag(false)))
        case "none", "None": return try made(.literal(.none))
        case "int", "float", "bool":
            // `float(value)` is `value|float`.
            guard let filter = TemplateFilter(rawValue: name), take(.sign("(")) else { throw .name }
            let given = try expressions(until: ")")
            guard let first = given.first, given.count <= 2 else { throw .call }
            return try made(.filter(filter, first, Array(given.dropFirst())))
        case "iif":
            guard take(.sign("(")) else { throw .name }
            let given = try expressions(until: ")")
            guard given.count == 3 else { throw .call }
            return try made(.choice(condition: given[0], then: given[1], otherwise: given[2]))
        default: throw next == .sign("(") ? .call : .name
        }
    }

    private mutating func expressions(until end: String) throws(TemplateProblem) -> [TemplateNode] {
        var nodes: [TemplateNode] = []
        while !take(.sign(end)) {
            if !nodes.isEmpty { try need(",") }
            if take(.sign(end)) { break }
            nodes.append(try expression())
        }
        return nodes
    }

    private mutating func object() throws(TemplateProblem) -> TemplateNode {
        var members: [(key: [UInt8], value: TemplateNode)] = []
        while !take(.sign("}")) {
            if !members.isEmpty { try need(",") }
            if take(.sign("}")) { break }
            guard case .text(let key)? = next else { throw .unexpected }
            at += 1
            try need(":")
            members.append((key, try expression()))
        }
        return try made(.object(members))
    }

    mutating func postfixed(_ start: TemplateNode) throws(TemplateProblem) -> TemplateNode {
        var node = start
        while true {
            if take(.sign(".")) {
                guard let token = next else { throw .unclosed }
                at += 1
                switch token {
                case .name("get") where next == .sign("("):
                    at += 1
                    let given = try expressions(until: ")")
                    guard case .literal(.text(let key))? = given.first, given.count <= 2 else { throw .subscripts }
                    node = try linked(.get(node, key: key, otherwise: given.count == 2 ? given[1] : nil))
                case .name(let name):
                    guard next != .sign("(") else { throw .call }
                    node = try stepped(node, .key(Array(name.utf8)))
                case .number(let index, isWhole: true):
                    guard let index = Int(exactly: index) else { throw .unexpected }
                    node = try stepped(node, .index(index))
                default: throw .unexpected
                }
            } else if take(.sign("[")) {
                switch try expression() {
                case .literal(.text(let key)): node = try stepped(node, .key(key))
                case .literal(.number(let index, isWhole: true)):
                    guard let index = Int(exactly: index) else { throw .subscripts }
                    node = try stepped(node, .index(index))
                case .negative(.literal(.number(let index, isWhole: true))):
                    guard let index = Int(exactly: -index) else { throw .subscripts }
                    node = try stepped(node, .index(index))
                default: throw .subscripts
                }
                try need("]")
            } else {
                guard next != .sign("(") else { throw .call }
                return node
            }
        }
    }

    private mutating func stepped(_ node: TemplateNode, _ step: TemplateStep) throws(TemplateProblem) -> TemplateNode {
        try count()
        if case .json(let steps) = node { return .json(steps + [step]) }
        return try linked(.step(node, step))
    }

    mutating func filtered(_ start: TemplateNode) throws(TemplateProblem) -> TemplateNode {
        var node = start
        while true {
            if take(.sign("|")) {
                guard case .name(let name)? = next else { throw .filter }
                at += 1
                node = try filter(name, node)
            } else if take(.name("is")) {
                let isNegated = take(.name("not"))
                guard case .name(let name)? = next, let test = TemplateTest(rawValue: name.lowercased()) else { throw .test }
                at += 1
                guard next != .sign("(") else { throw .test }
                node = try linked(.test(test, node, isNegated: isNegated))
            } else {
                return node
            }
        }
    }

    /// What arguments may be called that are usually told by their place, with that place.
    private static let argumentNames = ["default": 0, "default_value": 0, "precision": 0, "boolean": 1]

    private mutating func filter(_ name: String, _ node: TemplateNode) throws(TemplateProblem) -> TemplateNode {
        var given: [TemplateNode] = []
        if take(.sign("(")) {
            while !take(.sign(")")) {
                if !given.isEmpty { try need(",") }
                if case .name(let argument)? = next, at + 1 < tokens.count, tokens[at + 1] == .sign("=") {
                    guard Self.argumentNames[argument] == given.count else { throw .filter }
                    at += 2
                }
                given.append(try expression())
            }
        }
        switch name {
        case "iif" where given.count == 2: return try linked(.choice(condition: node, then: given[0], otherwise: given[1]))
        case "multiply" where given.count == 1: return try linked(.calculate(.multiply, .filter(.float, node, []), given[0]))
        case "add" where given.count == 1: return try linked(.calculate(.add, .filter(.float, node, []), given[0]))
        default: break
        }
        guard let filter = TemplateFilter(rawValue: name) ?? TemplateFilter.aliases[name], given.count <= filter.argumentsMax else { throw .filter }
        // `round(1, 'floor')` is another function.
        if filter == .round, given.count > 1 { throw .filter }
        return try linked(.filter(filter, node, given))
    }
}
