import Care

/// What Homie's names and units mean, as the profiles say. Homie standardizes data types and spellings of units, not what
/// is measured: that is in the names that makers give.
struct HomieTable: Sendable {
    struct Row: Sendable {
        var property: Property
        /// Yes and no may mean either, until the description says what they are called.
        var needsFormat: Bool
        /// Its yes and no are taken even while no description has come.
        var isGuessed: Bool
    }

    /// By name in lower case; in the order of the file.
    private var rows: [String: [Row]] = [:]
    /// Rows that are guessed, for `Route.profileIndex`.
    private(set) var guessed: [(name: String, property: Property)] = []
    /// Names of a property that say nothing, so that its node's names count.
    private var general: Set<String> = []
    /// Words in a name that make it a setting, or something about the device itself.
    private var nothing: Set<String> = []
    /// Units that say by themselves what is measured.
    private var units: [String: Quantity] = [:]

    static let keys = ["topic", "expected", "names", "general", "nothing", "units", "samples"]

    mutating func add(_ fields: ProfileNode.Fields) throws(ProfileError) {
        for (_, name, list) in try fields["names"]?.pairs("names") ?? [] {
            for item in list.items {
                let row = try Self.row(item, name)
                rows[Self.normal(name), default: []].append(row)
                if row.isGuessed { guessed.append((Self.normal(name), row.property)) }
            }
        }
        for item in fields["general"]?.items ?? [] { general.insert(Self.normal(try item.text("A name"))) }
        for item in fields["nothing"]?.items ?? [] { nothing.insert(Self.normal(try item.text("A word"))) }
        for (key, unit, value) in try fields["units"]?.pairs("units") ?? [] {
            let quantity = try value.quantity()
            guard Conversion(from: unit, to: quantity) != nil else {
                throw key.error("\(quantity.name) cannot be had from this unit.")
            }
            units[unit] = quantity
        }
    }

    private static func row(_ node: ProfileNode, _ name: String) throws(ProfileError) -> Row {
        let fields = try node.fields(
            "A name", known: ["quantity", "category", "invert", "words", "parts", "otherwise", "no_reading", "lowest", "highest", "needs_format", "guessed"])
        let quantity = try fields.required("quantity").quantity()
        let needsFormat = try fields["needs_format"]?.flag("needs_format") ?? false
        let isGuessed = try fields["guessed"]?.flag("guessed") ?? false
        guard quantity.kind == .number else {
            if isGuessed, needsFormat || quantity.kind == .event, let place = fields["guessed"] {
                throw place.error("Only what is plainly yes or no can be guessed.")
            }
            return Row(property: try Property(fields, label: name, inherited: nil), needsFormat: needsFormat, isGuessed: isGuessed)
        }
        for key in ["invert", "words", "parts", "otherwise", "needs_format", "guessed"] {
            if let misplaced = fields[key] { throw misplaced.error("\(quantity.name) is a number, which has no \(key).") }
        }
        try Property.checkCategory(try fields.required("category"), quantity)
        // The unit is the device's to say.
        var property = Property(label: name, quantity: quantity)
        property.lowest = try fields["lowest"]?.number("lowest") ?? property.lowest
        property.highest = try fields["highest"]?.number("highest") ?? property.highest
        return Row(property: property, needsFormat: false, isGuessed: false)
    }

    static func normal(_ name: String) -> String {
        String(decoding: name.lowercased().utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }, as: UTF8.self)
    }

    /// How a property is read; nil where nothing of ours is measured. `reason` is set where somebody might expect it to be.
    func property(_ declared: HomieProperty, id: String, node: String, nodeType: String?, reason: inout String?) -> Property? {
        let name = Self.normal(id)
        let isMeasured = declared.datatype == "integer" || declared.datatype == "float"
        // "You don't want your temperature property to be settable in case of a temperature sensor, but it should be settable
        // in the case of a thermostat setpoint."
        if isMeasured, declared.isSettable { return nil }
        if name.split(separator: "-").contains(where: { nothing.contains(String($0)) }) || nothing.contains(name) { return nil }
        var names = [name]
        if general.contains(name) {
            // `homie-homecontrol/v1/type=motion` is `motion`.
            if let last = nodeType?.split(whereSeparator: { "/=:.".contains($0) }).last { names.append(Self.normal(String(last))) }
            names.append(Self.normal(node))
        }
        for name in names {
            for row in rows[name] ?? [] { if let fitting = fit(row, declared) { return fitting } }
        }
        if isMeasured, let unit = declared.unit, let quantity = units[unit], let conversion = Conversion(from: unit, to: quantity) {
            var property = Property(label: id, quantity: quantity)
            property.conversion = conversion == .none ? nil : conversion
            return property
        }
        let known = names.contains { rows[$0] != nil }
        if known { reason = "Its data type, unit or format does not say what its name promises." }
        return nil
    }

    private func fit(_ row: Row, _ declared: HomieProperty) -> Property? {
        var property = row.property
        switch (declared.datatype, property.kind) {
        case ("integer", .number), ("float", .number):
            // A count needs no unit; Homie's unit for one is `#`.
            let isCount = property.quantity.unit.hasPrefix("{")
            guard let unit = declared.unit.map({ $0 == "#" && isCount ? property.quantity.unit : $0 }) ?? (isCount ? property.quantity.unit : nil),
                let conversion = Conversion(from: unit, to: property.quantity)
            else { return nil }
            property.conversion = conversion == .none ? nil : conversion
            return property
        case ("boolean", .boolean): return row.needsFormat || declared.format != nil ? fitFormat(row, declared.format) : property
        case ("boolean", .event): return property
        case ("enum", .boolean), ("enum", .event):
            // At least one of the words has to mean something; the others are nothing.
            let means = (declared.format ?? "").split(separator: ",").contains { word in
                if case .reading = Self.meaning(word, property) { true } else { false }
            }
            if property.otherwise == nil { property.otherwise = .nothing }
            return means ? property : nil
        default: return nil
        }
    }

    /// `closed,open`: what `false` and `true` are called. The payload is still `false` or `true`.
    private func fitFormat(_ row: Row, _ format: String?) -> Property? {
        var property = row.property
        let labels = (format ?? "").split(separator: ",", omittingEmptySubsequences: false)
        guard labels.count == 2, labels[0] != "false", labels[1] != "true",
            case .reading(let ofNo, let no) = Self.meaning(labels[0], property),
            case .reading(let ofYes, let yes) = Self.meaning(labels[1], property),
            ofNo == property.quantity, ofYes == property.quantity, no != yes
        else { return row.needsFormat ? nil : property }
        property.isInverted = yes == .boolean(false)
        return property
    }

    private static func meaning(_ word: Substring, _ property: Property) -> Property.Meaning {
        var text = String(word)
        return text.withUTF8 { property.meaning(ofText: UnsafeRawBufferPointer($0)) }
    }
}
