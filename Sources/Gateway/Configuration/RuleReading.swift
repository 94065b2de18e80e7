import Care

extension YAMLReader {
    /// The keys that say of which kind a rule is. Each rule has exactly one.
    private static let kinds = ["event", "threshold", "absence", "silence"]
    private static let common = [
        "category", "purpose", "severity", "urgency", "certainty", "kind", "say", "ends_when_over", "plan", "homes",
    ]
    private static let ofKind = [
        "event": [], "threshold": ["above", "below", "return_by", "for"], "absence": ["for", "from", "by"],
        "silence": [],
    ]
    private static let longest = Span.days(365)

    /// - Parameter name: the rule's key, where what is missing is told.
    /// - Parameter plans: the names that `plan:` may have.
    mutating func rule(_ value: YAMLValue, at name: YAMLValue, id: RuleID, plans: [String]) -> Rule? {
        let all = Self.kinds + Self.common + ["above", "below", "return_by", "for", "from", "by"]
        let before = problems.count
        let keys = mapping(value, what: "rule \(quoted(id.name))", keys: all)
        let kinds = Self.kinds.filter { keys[$0] != nil }
        guard kinds.count == 1, let kind = kinds.first, let watched = keys[kind] else {
            // What is no mapping, or has a misspelt key, has been told already.
            if problems.count == before || kinds.count > 1 {
                note(name, "A rule says once what it watches for: one of event, threshold, absence, silence.")
            }
            return nil
        }
        let allowed = Self.common + [kind] + (Self.ofKind[kind] ?? [])
        for key in all where !allowed.contains(key) {
            guard let value = keys[key] else { continue }
            note(value, "\(quoted(key)) has no meaning in a rule of the kind \(quoted(kind)); take it out.")
        }

        let category: Category? = required("category", keys, name).flatMap { choice($0, "category") }
        let watch = watch(kind, watched, keys, name: name, category: category)
        let purpose: Purpose? = required("purpose", keys, name).flatMap { choice($0, "purpose") }
        let severity: Severity? = required("severity", keys, name).flatMap { choice($0, "severity of CAP 1.2") }
        let urgency: Urgency? = required("urgency", keys, name).flatMap { choice($0, "urgency of CAP 1.2") }
        let certainty: Certainty? = required("certainty", keys, name).flatMap { choice($0, "certainty of CAP 1.2") }
        let word = required("kind", keys, name).flatMap { text($0, "one or two words for what happened", charactersMax: 40) }
        let say = required("say", keys, name).flatMap { sentence($0) }
        // An event is an instant and is never over by itself; the others are states and can be.
        let ends = keys["ends_when_over"].map { flag($0) } ?? (kind != "event")
        let plan = keys["plan"].map { planName($0, among: plans) } ?? Plan.standard.name
        let homes = keys["homes"].map { value in
            list(value, what: "homes").compactMap { item in self.name(item, "a home's name").map { HomeID($0) } }
        }
        guard let watch, let category, let purpose, let severity, let urgency, let certainty, let word, let say,
            let ends, let plan, problems.count == before
        else { return nil }
        return Rule(
            id: id, watch: watch, category: category, purpose: purpose, severity: severity, urgency: urgency,
            certainty: certainty, kind: word, say: say, endsWhenOver: ends, plan: plan, homes: homes ?? [])
    }

    private mutating func required(_ key: String, _ keys: [String: YAMLValue], _ name: YAMLValue) -> YAMLValue? {
        if let value = keys[key] { return value }
        note(name, "This rule needs \(quoted(key)).")
        return nil
    }

    private mutating func sentence(_ value: YAMLValue) -> String? {
        guard let text = text(value, "a sentence", charactersMax: 200) else { return nil }
        guard text.hasSuffix("."), text.utf8.count > 1 else {
            note(value, "\u{201C}say\u{201D} is read out to people: write a full sentence that ends with a full stop.")
            return nil
        }
        return text
    }

    private mutating func planName(_ value: YAMLValue, among plans: [String]) -> String? {
        guard let name = text(value, "a plan's name", charactersMax: 40) else { return nil }
        guard plans.contains(name) else {
            note(value, unknown(name, "plan in this file", among: plans))
            return nil
        }
        return name
    }

    private mutating func watch(
        _ kind: String, _ value: YAMLValue, _ keys: [String: YAMLValue], name: YAMLValue, category: Category?
    ) -> Watch? {
        switch kind {
        case "event":
            let quantities = quantities(value, category: category)
            for (item, quantity) in quantities where quantity.kind == .number {
                note(item, "\(quoted(quantity.name)) is a number; watch it with \u{201C}threshold\u{201D}.")
            }
            return quantities.isEmpty ? nil : .event(quantities: quantities.map(\.quantity))
        case "threshold": return threshold(value, keys, name: name, category: category)
        case "absence": return absence(value, keys, name: name)
        default:
            guard let times = number(value, in: 1...100, "how many expected intervals a device may be silent") else {
                return nil
            }
            return .silence(times: times)
        }
    }

    private mutating func threshold(
        _ value: YAMLValue, _ keys: [String: YAMLValue], name: YAMLValue, category: Category?
    ) -> Watch? {
        let found = quantities(value, category: category)
        guard found.count == 1, let quantity = found.first?.quantity else {
            if found.count > 1 { note(value, "A threshold watches one quantity; write a rule for each.") }
            return nil
        }
        if quantity.kind == .event {
            note(value, "\(quoted(quantity.name)) has no value; watch it with \u{201C}event\u{201D}.")
        }
        let unit = quantity.unit.isEmpty ? "a limit" : "a limit in \(quantity.unit)"
        let above = keys["above"].flatMap { number($0, in: -1e6...1e6, unit) }
        let below = keys["below"].flatMap { number($0, in: -1e6...1e6, unit) }
        let returnBy = keys["return_by"].map { number($0, in: 0...1e6, unit) } ?? 0
        let lasting = keys["for"].map { span($0, from: .zero, to: Self.longest) } ?? .zero
        if keys["above"] == nil, keys["below"] == nil {
            note(name, "A threshold needs \u{201C}above\u{201D} or \u{201C}below\u{201D} or both.")
            return nil
        }
        guard let returnBy, let lasting else { return nil }
        if let above, let below, let belowValue = keys["below"] {
            guard below < above else {
                note(belowValue, "\u{201C}below\u{201D} must be less than \u{201C}above\u{201D}, or every value is beyond one of them.")
                return nil
            }
            if returnBy > (above - below) / 2 {
                note(
                    keys["return_by"] ?? belowValue,
                    "\u{201C}return_by\u{201D} must be at most half of the band, \(JSON.double((above - below) / 2).text), or it is never over.")
            }
        }
        return .threshold(quantity: quantity, above: above, below: below, returnBy: returnBy, lasting: lasting)
    }

    private mutating func absence(_ value: YAMLValue, _ keys: [String: YAMLValue], name: YAMLValue) -> Watch? {
        var seen: [Quantity] = []
        if case .scalar(let scalar) = value.node, scalar.string == "activity" {
            seen = Quantity.all.filter { $0.row.showsActivity }
        } else {
            // A category may differ from the quantities': that nobody moves is about safety, movement about family.
            for (item, quantity) in quantities(value, category: nil) {
                if quantity.kind == .number {
                    note(item, "\(quoted(quantity.name)) is a number and shows no activity; name booleans or events.")
                }
                seen.append(quantity)
            }
        }
        let lasting = keys["for"].flatMap { span($0, from: .seconds(1), to: Self.longest) }
        let from = keys["from"].flatMap { clock($0) }
        let by = keys["by"].flatMap { clock($0) }
        switch (keys["for"], keys["from"], keys["by"]) {
        case (.some, nil, nil):
            guard let lasting, !seen.isEmpty else { return nil }
            return .absence(quantities: seen, lasting: lasting)
        case (nil, .some, .some):
            guard let from, let by, !seen.isEmpty else { return nil }
            return .absenceByTime(quantities: seen, from: from, by: by)
        default:
            note(name, "An absence needs either \u{201C}for\u{201D} or both \u{201C}from\u{201D} and \u{201C}by\u{201D}.")
            return nil
        }
    }

    /// - Parameter category: what all of them must be in, so that consent is asked about the right data; nil: any.
    private mutating func quantities(
        _ value: YAMLValue, category: Category?
    ) -> [(item: YAMLValue, quantity: Quantity)] {
        var found: [(item: YAMLValue, quantity: Quantity)] = []
        for item in list(value, what: "quantities") {
            guard let name = text(item, "a quantity", charactersMax: 60) else { continue }
            guard let quantity = Quantity(name) else {
                note(item, unknown(name, "quantity", among: Quantity.table.map(\.name)))
                continue
            }
            guard !found.contains(where: { $0.quantity == quantity }) else {
                note(item, "\(quoted(name)) is there twice; keep one.")
                continue
            }
            if let category, quantity.category != category {
                note(
                    item,
                    "\(quoted(name)) is of the category \(quantity.category.rawValue) and the rule of \(category.rawValue); "
                        + "consent is given by category, so they must be the same.")
            }
            found.append((item, quantity))
        }
        return found
    }
}
