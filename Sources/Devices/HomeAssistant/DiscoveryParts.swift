import Care

/// What one entity comes to: what it declares, and where it is heard.
struct DiscoveryParts {
    var declares: [Declared] = []
    var listens: [(topic: String, how: Listening)] = []
    var notUnderstood: String?

    init(_ entity: DiscoveryEntity, _ profile: DiscoveryProfile) {
        do throws(DiscoveryRefusal) {
            switch entity.component {
            case "sensor": try sensor(entity, profile)
            case "binary_sensor": try binarySensor(entity, profile)
            case "event": try event(entity, profile)
            case "device_automation": try trigger(entity, profile)
            case "device_tracker": try tracker(entity)
            case "lock": try lock(entity)
            case "cover": try cover(entity)
            case "siren": try onOff(entity, "siren", template: "state_value_template", profile)
            case "switch": try onOff(entity, "power_on", template: "value_template", profile)
            case "light", "fan", "humidifier": try onOff(entity, "power_on", template: "state_value_template", profile)
            default: break
            }
            if entity.component == "climate" || entity.component == "humidifier" { try climate(entity) }
        } catch {
            (declares, listens) = ([], [])
            notUnderstood = error.reason
        }
    }

    mutating func add(_ property: Property, _ unit: String? = nil, _ topic: String, _ how: Listening) {
        let declared = Declared(quantity: property.quantity, channel: property.channel, unit: unit)
        if !declares.contains(declared) { declares.append(declared) }
        listens.append((topic, how))
    }

    /// The topic that the component cannot be without.
    static func stateTopic(_ entity: DiscoveryEntity, _ name: String = "state_topic") throws(DiscoveryRefusal) -> String {
        guard let topic = entity.topic(name) else { throw DiscoveryRefusal(reason: "It names no “\(name)”.") }
        return try heard(topic)
    }

    static func heard(_ topic: String) throws(DiscoveryRefusal) -> String {
        guard !topic.contains("+"), !topic.contains("#") else { throw DiscoveryRefusal(reason: "It is heard on topics with wildcards.") }
        return topic
    }

    static func template(_ entity: DiscoveryEntity, _ name: String) throws(DiscoveryRefusal) -> Template? {
        try DiscoveryEntity.template(entity.text(name)).get()
    }

    // MARK: Numbers

    private mutating func sensor(_ entity: DiscoveryEntity, _ profile: DiscoveryProfile) throws(DiscoveryRefusal) {
        switch profile.meaning(entity) {
        case .nothing: return
        case .notUnderstood(let reason): throw DiscoveryRefusal(reason: reason)
        case .property(let property):
            let topic = try Self.stateTopic(entity)
            let how = Self.number(try Self.template(entity, "value_template"), property)
            add(property, entity.unit, topic, how)
        }
    }

    static func number(_ template: Template?, _ property: Property) -> Listening {
        guard let template else { return .value(property) }
        return switch template.form(isNumber: property.kind == .number) {
        case .value: .value(property)
        case .member(let path): .member(path: path, property)
        case .other: .other(TemplateNumberReader(template: template, property: property))
        }
    }

    /// Thermostats and the like say what they measure beside what they are set to.
    private mutating func climate(_ entity: DiscoveryEntity) throws(DiscoveryRefusal) {
        for (name, quantity, unit) in [("temperature", "temperature", entity.temperatureUnit), ("humidity", "humidity", "%")] {
            guard let topic = entity.topic("current_\(name)_topic"), let quantity = Quantity(quantity) else { continue }
            guard let unit, let conversion = Conversion(from: unit, to: quantity) else {
                throw DiscoveryRefusal(reason: "It does not say in which unit it measures.")
            }
            var property = Property(label: "current_\(name)", quantity: quantity)
            property.conversion = conversion == .none ? nil : conversion
            property.channel = entity.channel([entity.component])
            property.words = DiscoveryProfile.noReading
            add(property, unit, try Self.heard(topic), Self.number(try Self.template(entity, "current_\(name)_template"), property))
        }
    }
}

extension DiscoveryEntity {
    /// A thermostat's unit as it says it, or as its limits do: none can be set to 50 degrees Celsius, and none that counts
    /// in Fahrenheit ends below that. Nil where nothing says it.
    var temperatureUnit: String? {
        switch text("temperature_unit")?.uppercased() {
        case "C", "°C": return "°C"
        case "F", "°F": return "°F"
        case .some: return nil
        case nil: break
        }
        if let most = self["max_temp"]?.asNumber { return most <= 50 ? "°C" : self["min_temp"]?.asNumber.map { $0 >= 32 } == true ? "°F" : nil }
        return self["min_temp"]?.asNumber.map { $0 < 32 } == true ? "°C" : nil
    }
}
