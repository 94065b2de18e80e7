import Care

// How a property is written in a profile.

extension Property {
    static let keys = [
        "quantity", "category", "unit", "invert", "lowest", "highest", "no_reading", "words", "parts",
        "otherwise", "endpoints", "channel",
    ]

    /// - Parameter inherited: The profile's own `no_reading`, which holds for all its properties.
    init(_ fields: ProfileNode.Fields, label: String, inherited: ProfileNode?) throws(ProfileError) {
        let quantity = try fields.required("quantity").quantity()
        self.init(label: label, quantity: quantity)
        try Self.checkCategory(try fields.required("category"), quantity)
        conversion = try Self.conversion(fields, quantity)
        isInverted = try fields["invert"]?.flag("invert") ?? false
        if let node = fields["invert"], quantity.kind != .boolean {
            throw node.error("Only a quantity that is yes or no can be inverted.")
        }
        lowest = try fields["lowest"]?.number("lowest") ?? lowest
        highest = try fields["highest"]?.number("highest") ?? highest
        channel = try fields["channel"]?.text("channel") ?? ""
        looksAtParts = try fields["parts"]?.flag("parts") ?? false
        for node in [fields["no_reading"], inherited] {
            for item in node?.items ?? [] {
                let text = try item.text("A value that is no reading")
                if let number = Double(text), number.isFinite { noReadingNumbers.append(number) }
                words.append(Word(text: Array(text.lowercased().utf8), meaning: .nothing))
            }
        }
        if let list = fields["words"] {
            for (_, name, value) in try list.pairs("words") {
                words.append(
                    Word(text: Array(name.lowercased().utf8), meaning: try Self.meaning(value, quantity)))
            }
        }
        if let node = fields["otherwise"] { otherwise = try Self.meaning(node, quantity) }
    }

    static func checkCategory(_ node: ProfileNode, _ quantity: Quantity) throws(ProfileError) {
        let text = try node.text("category")
        guard let category = Category(rawValue: text) else {
            let known = Category.allCases.map(\.rawValue).joined(separator: ", ")
            throw node.error("There is no category of this name. Known: \(known).")
        }
        guard category == quantity.category else {
            throw node.error(
                "\(quantity.name) is of the category \(quantity.category.rawValue), not \(category.rawValue): "
                    + "consent is given by category, so it cannot depend on the device.")
        }
    }

    private static func conversion(_ fields: ProfileNode.Fields, _ quantity: Quantity) throws(ProfileError)
        -> Conversion?
    {
        guard quantity.kind == .number else {
            if let node = fields["unit"] { throw node.error("\(quantity.name) has no unit.") }
            return nil
        }
        let node = try fields.required("unit")
        guard let conversion = Conversion(from: try node.text("unit"), to: quantity) else {
            let known = Conversion.known(for: quantity).joined(separator: ", ")
            throw node.error("\(quantity.name) cannot be had from this unit. Known: \(known).")
        }
        return conversion == .none ? nil : conversion
    }

    /// `true`, `false`, `nothing`, a number, an event, or `{quantity: …, value: …}` for another quantity.
    private static func meaning(_ node: ProfileNode, _ quantity: Quantity) throws(ProfileError) -> Meaning {
        if node.isMapping {
            let fields = try node.fields("A word's meaning", known: ["quantity", "value"])
            let other = try fields.required("quantity").quantity()
            return .reading(other, try fields.required("value").value(of: other))
        }
        let text = try node.text("A word's meaning")
        if text == "nothing" { return .nothing }
        if let event = Quantity(text), event.kind == .event { return .reading(event, .boolean(true)) }
        return .reading(quantity, try node.value(of: quantity))
    }
}

extension ProfileNode {
    func quantity() throws(ProfileError) -> Quantity {
        let name = try text("quantity")
        guard let quantity = Quantity(name) else {
            throw error(
                "There is no quantity \u{201C}\(safeText(name, charactersMax: 40))\u{201D}. "
                    + "Known: \(Quantity.all.map(\.name).joined(separator: ", ")).")
        }
        return quantity
    }

    /// A value in the quantity's own unit.
    func value(of quantity: Quantity) throws(ProfileError) -> Value {
        switch quantity.kind {
        case .number: return .number(try number("A value of \(quantity.name)"))
        case .boolean: return .boolean(try flag("A value of \(quantity.name)"))
        case .event:
            guard try flag("A value of \(quantity.name)") else {
                throw error("An event happens or does not: its only value is true.")
            }
            return .boolean(true)
        }
    }
}
