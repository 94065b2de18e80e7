import Care

/// What Home Assistant's device classes, and names where there is no class, are to us: the profiles in
/// `devices/homeassistant/`, ours and the owner's taken together.
struct DiscoveryProfile: Sendable {
    /// What a class or a name means.
    struct Entry: Sendable {
        var quantity: Quantity
        /// What the device sends when its announcement names no unit. Nil: then it is not read.
        var unit: String?
        /// With other units it is something else, of nobody. Empty: with all that can be converted.
        var units: [String] = []
        var lowest = -Double.infinity
        var highest = Double.infinity
    }

    /// A name says more than a class, or stands where there is none.
    struct Name: Sendable {
        /// As in `DiscoveryEntity.normalised`.
        var text: String
        var component: String
        /// Classes that it counts over; without a class it always counts.
        var classes: [String]
        var entry: Entry
    }

    /// By component, then by class.
    private(set) var classes: [String: [String: Entry]] = [:]
    /// By class, for sensors that are about the device itself.
    private(set) var diagnostic: [String: Entry] = [:]
    /// The most exact first.
    private(set) var names: [Name] = []
    /// What names hold when the value is somebody's wish or a limit.
    private(set) var settings: [String] = []
    /// What words in event types mean.
    private(set) var events: Property?

    static let keys = ["topic", "sensor", "binary_sensor", "diagnostic", "names", "settings", "events", "samples"]

    /// Later files count before earlier ones.
    mutating func add(_ node: ProfileNode, _ fields: ProfileNode.Fields) throws(ProfileError) {
        for component in ["sensor", "binary_sensor"] {
            guard let list = fields[component] else { continue }
            for (_, name, value) in try list.pairs(component) {
                let entry = try value.fields("A device class", known: Self.entryKeys)
                classes[component, default: [:]][name] = try Self.entry(entry)
            }
        }
        if let list = fields["diagnostic"] {
            for (_, name, value) in try list.pairs("diagnostic") {
                diagnostic[name] = try Self.entry(try value.fields("A device class", known: Self.entryKeys))
            }
        }
        if let list = fields["names"] { try addNames(list) }
        for item in fields["settings"]?.items ?? [] { settings.append(DiscoveryEntity.normalised(try item.text("A word"))) }
        if let list = fields["events"] {
            let own = try list.fields("events", known: Property.keys)
            let property = try Property(own, label: "event_type", inherited: nil)
            guard property.kind == .event else { throw list.error("events gives events, such as button_other.") }
            events = property
        }
    }

    private mutating func addNames(_ list: ProfileNode) throws(ProfileError) {
        for (key, name, value) in try list.pairs("names") {
            let own = try value.fields("A name", known: Self.entryKeys + ["component", "classes", "also"])
            let component = try own["component"]?.text("component") ?? "sensor"
            guard ["sensor", "binary_sensor"].contains(component) else { throw key.error("component is sensor or binary_sensor.") }
            var ofName: [String] = []
            for item in own["classes"]?.items ?? [] { ofName.append(try item.text("A device class")) }
            var texts = [name]
            for item in own["also"]?.items ?? [] { texts.append(try item.text("Another name")) }
            let entry = try Self.entry(own)
            for text in texts.map(DiscoveryEntity.normalised) {
                names.removeAll { $0.text == text && $0.component == component }
                names.append(Name(text: text, component: component, classes: ofName, entry: entry))
            }
        }
        names.sort { ($1.text.count, $0.text) < ($0.text.count, $1.text) }
    }

    private static let entryKeys = ["quantity", "category", "unit", "units", "lowest", "highest"]

    private static func entry(_ fields: ProfileNode.Fields) throws(ProfileError) -> Entry {
        var entry = Entry(quantity: try fields.required("quantity").quantity())
        try Property.checkCategory(try fields.required("category"), entry.quantity)
        func checked(_ node: ProfileNode) throws(ProfileError) -> String {
            let unit = try node.text("unit")
            guard entry.quantity.kind == .number, Conversion(from: unit, to: entry.quantity) != nil else {
                throw node.error("\(entry.quantity.name) cannot be had from this unit.")
            }
            return unit
        }
        if let node = fields["unit"] { entry.unit = try checked(node) }
        for node in fields["units"]?.items ?? [] { entry.units.append(try checked(node)) }
        entry.lowest = try fields["lowest"]?.number("lowest") ?? entry.lowest
        entry.highest = try fields["highest"]?.number("highest") ?? entry.highest
        return entry
    }
}

// MARK: What an entity measures

extension DiscoveryProfile {
    enum Meaning {
        /// Nobody is cared for with it.
        case nothing
        /// A sentence.
        case notUnderstood(reason: String)
        /// - property: the quantity with its conversion and channel.
        case property(Property)
    }

    func meaning(_ entity: DiscoveryEntity) -> Meaning {
        if entity.isSetting || isWish(entity) { return .nothing }
        let called = [entity.label, DiscoveryEntity.normalised(entity.text("name") ?? "")].map(Self.withoutFigure)
        for name in names where name.component == entity.component && called.contains(where: { Self.isOf($0, name.text) }) {
            guard entity.deviceClass.map({ name.classes.contains($0) }) ?? true, let property = property(name.entry, entity, name.text) else { continue }
            return .property(property)
        }
        guard let deviceClass = entity.deviceClass else { return .nothing }
        let special = entity.component == "sensor" && entity.isDiagnostic ? diagnostic[deviceClass] : nil
        guard let entry = special ?? classes[entity.component]?[deviceClass] else { return .nothing }
        if let property = property(entry, entity, deviceClass) { return .property(property) }
        if let unit = entity.unit, !entry.units.isEmpty, !entry.units.contains(unit) { return .nothing }
        let reason = entity.unit == nil ? "It does not say in which unit it measures." : "Its unit is none in which we know \(entry.quantity.words)."
        return .notUnderstood(reason: reason)
    }

    /// Whether an entity so called is of this name, which stands at its end: "kitchen smoke" tells of smoke, "smoke self
    /// test" does not.
    private static func isOf(_ called: String, _ name: String) -> Bool { called == name || called.hasSuffix("_" + name) }

    /// `temperature_2` is one of several of the name `temperature`.
    private static func withoutFigure(_ called: String) -> String {
        guard let last = called.lastIndex(of: "_"), called[called.index(after: last)...].allSatisfy(\.isNumber) else { return called }
        return String(called[..<last])
    }

    /// Whether the name says that the value is wished for or a limit.
    func isWish(_ entity: DiscoveryEntity) -> Bool {
        let ofEntity = "_\(entity.label)_\(DiscoveryEntity.normalised(entity.text("name") ?? ""))_"
        return settings.contains { ofEntity.contains("_\($0)_") }
    }

    /// Nil when the quantity cannot be had from the entity's unit.
    private func property(_ entry: Entry, _ entity: DiscoveryEntity, _ known: String) -> Property? {
        let quantity = entry.quantity
        var property = Property(label: known, quantity: quantity)
        property.channel = entity.channel([quantity.name, known] + (entity.deviceClass.map { [$0] } ?? []))
        guard quantity.kind == .number else { return property }
        guard let unit = entity.unit ?? entry.unit, entry.units.isEmpty || entry.units.contains(unit),
            let conversion = Conversion(from: unit, to: quantity)
        else { return nil }
        property.conversion = conversion == .none ? nil : conversion
        (property.lowest, property.highest) = (entry.lowest, entry.highest)
        property.words = Self.noReading
        return property
    }

    /// What sensors say when they know nothing; Home Assistant shows these as unknown.
    static let noReading = ["none", "unknown", "unavailable", "null", "nan"].map { Property.Word(text: Array($0.utf8), meaning: .nothing) }
}
