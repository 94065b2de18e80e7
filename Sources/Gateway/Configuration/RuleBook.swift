import Care

/// What to watch for and whom to ask: `config/rules.yaml`, checked.
public struct RuleBook: Sendable {
    /// In the order of the file.
    public var rules: [Rule]
    /// In the order of the file; `standard` comes last where the file does not define it.
    public var plans: [Plan]

    public init(rules: [Rule] = [], plans: [Plan] = [.standard]) {
        self.rules = rules
        self.plans = plans
    }

    /// The plan of that name. An open alert may name one that has since been taken out of the file; it is
    /// then asked about as `standard` says, because an alert is never dropped.
    public func plan(named name: String) -> Plan {
        plans.first { $0.name == name } ?? plans.first { $0.name == Plan.standard.name } ?? .standard
    }

    public func rule(_ id: RuleID) -> Rule? { rules.first { $0.id == id } }

    /// - Parameter file: as it was given, for the problems.
    /// - Throws: every mistake with its line and column, at most `ConfigurationProblems.countMax`.
    public static func parse(yaml: String, file: String) throws(ConfigurationProblems) -> RuleBook {
        var reader = YAMLReader()
        let book = read(yaml: yaml, file: file, &reader)
        try reader.check()
        return book
    }

    public static func load(file: String) throws(ConfigurationProblems) -> RuleBook {
        var reader = YAMLReader()
        var book = RuleBook()
        if let yaml = reader.text(ofFile: file, shownAs: file) { book = read(yaml: yaml, file: file, &reader) }
        try reader.check()
        return book
    }

    private static func read(yaml: String, file: String, _ reader: inout YAMLReader) -> RuleBook {
        guard let root = reader.root(of: yaml, file: file) else {
            // Nothing to watch for is a mistake: a home without rules would look as if all were well.
            if reader.problems.isEmpty { reader.note(file: file, noRules) }
            return RuleBook()
        }
        let keys = reader.mapping(root, what: "this file", keys: ["rules", "plans"])

        var plans: [Plan] = []
        /// Also of plans with mistakes in them, so that one mistake is not told twice.
        var planNames = [Plan.standard.name]
        if let value = keys["plans"], !value.isEmpty {
            for entry in reader.entries(value, what: "plans") {
                planNames.append(entry.key)
                guard let name = reader.name(entry.keyValue, "a plan's name") else { continue }
                if let plan = reader.plan(entry.value, name: name) { plans.append(plan) }
            }
        }
        if !plans.contains(where: { $0.name == Plan.standard.name }) { plans.append(.standard) }

        var rules: [Rule] = []
        if let value = keys["rules"], !value.isEmpty {
            for entry in reader.entries(value, what: "rules") {
                guard let name = reader.name(entry.keyValue, "a rule's name") else { continue }
                if let rule = reader.rule(entry.value, at: entry.keyValue, id: RuleID(name), plans: planNames) {
                    rules.append(rule)
                }
            }
        }
        if rules.isEmpty, reader.problems.isEmpty { reader.note(root, noRules) }
        return RuleBook(rules: rules, plans: plans)
    }

    private static let noRules = "There are no rules in this file; add at least one under \u{201C}rules:\u{201D}."
}

extension YAMLReader {
    fileprivate mutating func plan(_ value: YAMLValue, name: String) -> Plan? {
        let keys = mapping(value, what: "plan \(quoted(name))", keys: ["steps", "arrive_within", "resolve_within"])
        let arrive = keys["arrive_within"].flatMap { span($0, from: .seconds(1), to: .days(1)) }
        let resolve = keys["resolve_within"].flatMap { span($0, from: .seconds(1), to: .days(7)) }
        guard let stepsValue = keys["steps"] else {
            note(value, "Plan \(quoted(name)) needs \u{201C}steps\u{201D}: who is asked, in which order.")
            return nil
        }
        let items = list(stepsValue, what: "steps")
        guard (1...10).contains(items.count) else {
            note(stepsValue, "A plan has 1 to 10 steps; this one has \(items.count).")
            return nil
        }
        let steps = items.compactMap { step($0) }
        if steps.count == items.count, let lastItem = items.last, steps.last?.who != .coordinators {
            note(lastItem, "The last step must be \u{201C}who: coordinators\u{201D}: they are asked until somebody answers.")
        }
        return Plan(
            name: name, steps: steps, arriveWithin: arrive ?? Plan.standard.arriveWithin,
            resolveWithin: resolve ?? Plan.standard.resolveWithin)
    }

    private mutating func step(_ value: YAMLValue) -> Step? {
        let keys = mapping(value, what: "step", keys: ["who", "on_duty_only", "at_once", "wait"])
        guard let whoValue = keys["who"], let waitValue = keys["wait"] else {
            note(value, "A step needs \u{201C}who\u{201D} and \u{201C}wait\u{201D}: whom to ask, and for how long to wait for an answer.")
            return nil
        }
        let who: Step.Who? = choice(whoValue, "group to ask")
        let wait = span(waitValue, from: .seconds(1), to: .hours(24))
        let onDutyOnly = keys["on_duty_only"].map { flag($0) } ?? false
        let atOnce = keys["at_once"].map { integer($0, in: 1...50, unit: "people") } ?? 2
        guard let who, let wait, let onDutyOnly, let atOnce else { return nil }
        return Step(who: who, onDutyOnly: onDutyOnly, atOnce: atOnce, wait: wait)
    }
}
