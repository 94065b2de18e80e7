import Care

/// What the codes, fields and units of health bodies mean, as the profiles say.
struct HealthTable: Sendable {
    /// What one code or field measures.
    struct Row: Sendable {
        /// The code or field, for reasons: from the profile, never from a message.
        var label: String
        var quantity: Quantity
        var channel: String
        /// Units that mean the quantity's own, for this row only: a count in 24 hours is sent as `/d`.
        var alsoUnits: Set<String>
        /// Words one of which has to be in the name of the activity; empty: nothing is asked.
        var activities: [String]
    }

    /// Rows, found by the bytes of a key.
    struct Rows: Sendable {
        fileprivate(set) var rows: [Row] = []
        private var index = PropertyTable([])

        func find(_ key: JSONText) -> Row? { key.withBytes { index.find($0) }.map { rows[$0] } }

        /// Only the index of the key is used of the table, so all its targets are alike.
        fileprivate mutating func prepare() { index = PropertyTable(rows.map { ($0.label, .time) }) }
    }

    /// By coding system: FHIR's `coding.system` and `coding.code`.
    private(set) var codes: [String: Rows] = [:]
    /// Fields of an Open mHealth body.
    private(set) var measures = Rows()
    /// Open mHealth's `descriptive_statistic`, and the channel of such figures; nil for what is not of the quantity at all.
    private(set) var statistics: [String: String?] = [:]
    private(set) var denominators: Set<String> = []
    /// How units are also spelled.
    private var units: [String: String] = [:]
    /// Fields of a Nightscout entry.
    private(set) var sgv: Property?
    private(set) var mbg: Property?

    /// Rows of one section of one file.
    static let rowsMax = 1_000

    mutating func add(_ fields: ProfileNode.Fields) throws(ProfileError) {
        for (_, system, list) in try fields["codes"]?.pairs("codes") ?? [] {
            try Self.add(list, "A code", [], to: &codes[system, default: Rows()])
        }
        if let list = fields["measures"] { try Self.add(list, "A measure", ["activities"], to: &measures) }
        for (_, name, value) in try fields["statistics"]?.pairs("statistics") ?? [] {
            let channel = try value.text("The channel of a statistic")
            statistics[name] = .some(channel == "nothing" ? nil : channel)
        }
        for item in fields["denominators"]?.items ?? [] { denominators.insert(try item.text("A denominator")) }
        for (_, spelled, value) in try fields["units"]?.pairs("units") ?? [] {
            let unit = try value.text("A unit")
            guard Quantity.all.contains(where: { Conversion(from: unit, to: $0) != nil }) else {
                throw value.error("No quantity can be had from this unit.")
            }
            units[spelled] = unit
        }
        guard let entries = fields["entries"] else { return }
        let both = try entries.fields("entries", known: ["sgv", "mbg"])
        for (name, place) in [("sgv", \HealthTable.sgv), ("mbg", \HealthTable.mbg)] {
            guard let node = both[name] else { continue }
            let property = try Property(try node.fields("An entry", known: Property.keys), label: name, inherited: nil)
            guard property.quantity.name == "glucose" else { throw node.error("Nightscout's entries are glucose.") }
            self[keyPath: place] = property
        }
    }

    private static func add(_ list: ProfileNode, _ what: String, _ more: [String], to rows: inout Rows) throws(ProfileError) {
        for (key, name, value) in try list.pairs(what) {
            let fields = try value.fields(what, known: ["quantity", "category", "channel", "also_units"] + more)
            let quantity = try fields.required("quantity").quantity()
            guard quantity.kind == .number else { throw value.error("A health body gives numbers, which \(quantity.name) is not.") }
            try Property.checkCategory(try fields.required("category"), quantity)
            guard !rows.rows.contains(where: { $0.label == name }) else { throw key.error("This one is there already.") }
            guard rows.rows.count < rowsMax else { throw key.error("There are at most \(rowsMax) of these.") }
            var row = Row(
                label: name, quantity: quantity, channel: try fields["channel"]?.text("channel") ?? "", alsoUnits: [],
                activities: [])
            for item in fields["also_units"]?.items ?? [] { row.alsoUnits.insert(try item.text("A unit")) }
            for item in fields["activities"]?.items ?? [] { row.activities.append(try item.text("An activity").lowercased()) }
            rows.rows.append(row)
        }
        rows.prepare()
    }

    enum Fault: String, Error {
        case noUnit = "has no unit"
        case unit = "is in a unit from which its quantity cannot be had"
        case tooLarge = "is too large a number"
    }

    /// The value in the quantity's own unit.
    func value(_ number: Double, unit: String?, of row: Row) throws(Fault) -> Double {
        guard let unit, !unit.isEmpty else {
            // A count needs none.
            if row.quantity.unit.hasPrefix("{") { return number }
            throw .noUnit
        }
        if row.alsoUnits.contains(unit) { return number }
        guard let conversion = conversion(unit, row.quantity) ?? conversion(Self.withoutAnnotations(unit), row.quantity) else { throw .unit }
        let converted = conversion == .none ? number : conversion(number)
        guard converted.isFinite else { throw .tooLarge }
        return converted
    }

    private func conversion(_ unit: String, _ quantity: Quantity) -> Conversion? {
        Conversion(from: unit, to: quantity) ?? units[unit].flatMap { Conversion(from: $0, to: quantity) }
    }

    /// What stands in braces in a UCUM unit is a remark (UCUM §6): `{beats}/min` is `/min`, `{steps}` is `1`.
    private static func withoutAnnotations(_ unit: String) -> String {
        guard unit.contains("{"), unit.utf8.count <= 64 else { return unit }
        var plain = ""
        var depth = 0
        for character in unit {
            switch character {
            case "{": depth += 1
            case "}": depth -= 1
            default: if depth == 0 { plain.append(character) }
            }
        }
        return plain.isEmpty ? "1" : plain
    }
}
