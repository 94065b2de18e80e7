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

    private mutating func add(_ property: Property, _ unit: String? = nil, _ topic: String, _ how: Listening) {
        let declared = Declared(quantity: property.quantity, channel: property.channel, unit: unit)
        if !declares.contains(declared) { declares.append(declared) }
        listens.append((topic, how))
    }

    /// The topic that the component cannot be without.
    private static func stateTopic(_ entity: DiscoveryEntity, _ name: String = "state_topic") throws(DiscoveryRefusal) -> String {
        guard let topic = entity.topic(name) else { throw DiscoveryRefusal(reason: "It names no “\(name)”.") }
        return try heard(topic)
    }

    private static func heard(_ topic: String) throws(DiscoveryRefusal) -> String {
        guard !topic.contains("+"), !topic.contains("#") else { throw DiscoveryRefusal(reason: "It is heard on topics with wildcards.") }
        return topic
    }

    private static func template(_ entity: DiscoveryEntity, _ name: String) throws(DiscoveryRefusal) -> Template? {
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

    private static func number(_ template: Template?, _ property: Property) -> Listening {
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

    // MARK: Words

    private static func word(_ text: String?, _ usual: String) -> [UInt8] { Array((text ?? usual).utf8) }

    private static func means(_ quantity: Quantity, _ isOn: Bool) -> Property.Meaning {
        // An event happens or does not: its end is no event.
        if quantity.kind == .event { return isOn ? .reading(quantity, .boolean(true)) : .nothing }
        return .reading(quantity, .boolean(isOn))
    }

    private mutating func binarySensor(_ entity: DiscoveryEntity, _ profile: DiscoveryProfile) throws(DiscoveryRefusal) {
        guard case .property(var property) = profile.meaning(entity) else { return }
        let topic = try Self.stateTopic(entity)
        let template = try Self.template(entity, "value_template")
        // Where the words are JSON's own true and false, the members are read with all others in one walk.
        if case .member(let path)? = template?.form(isNumber: false), case .bool(let on)? = entity["payload_on"],
            case .bool(let off)? = entity["payload_off"], on != off, property.kind == .boolean
        {
            property.isInverted = !on
            add(property, nil, topic, .member(path: path, property))
            return
        }
        let words = [
            (text: Self.word(entity.text("payload_on"), "ON"), meaning: Self.means(property.quantity, true)),
            (text: Self.word(entity.text("payload_off"), "OFF"), meaning: Self.means(property.quantity, false)),
        ]
        add(property, nil, topic, .other(WordReader(template: template, words: words, property: property)))
    }

    /// Switches, lights, fans and sirens: what is said when they are on is what they are told to be on with, unless it is
    /// named apart.
    private mutating func onOff(_ entity: DiscoveryEntity, _ name: String, template templateName: String, _ profile: DiscoveryProfile)
        throws(DiscoveryRefusal)
    {
        guard let quantity = Quantity(name), !entity.isSetting, !profile.isWish(entity), entity.topic("state_topic") != nil else { return }
        let topic = try Self.stateTopic(entity)
        let schema = entity.text("schema") ?? "basic"
        let template = try Self.template(entity, schema == "template" ? "state_template" : templateName)
        var property = Property(label: "state", quantity: quantity)
        property.channel = entity.channel([quantity.name, entity.component, entity.deviceClass ?? "", "state"])
        let isJSON = schema == "json"
        let isTemplate = schema == "template"
        let on = isJSON ? "ON" : isTemplate ? "on" : entity.text("state_on") ?? entity.text("payload_on") ?? "ON"
        let off = isJSON ? "OFF" : isTemplate ? "off" : entity.text("state_off") ?? entity.text("payload_off") ?? "OFF"
        let words = [
            (text: Array(on.utf8), meaning: Self.means(quantity, true)), (text: Array(off.utf8), meaning: Self.means(quantity, false)),
        ]
        let member = isJSON || entity.component == "siren" ? Array("state".utf8) : nil
        add(property, nil, topic, .other(WordReader(template: isJSON ? nil : template, words: words, member: member, property: property)))
    }

    private mutating func lock(_ entity: DiscoveryEntity) throws(DiscoveryRefusal) {
        guard let quantity = Quantity("lock"), entity.topic("state_topic") != nil else { return }
        var property = Property(label: "lock", quantity: quantity)
        property.channel = entity.channel(["lock"])
        // A lock that moves, or is stuck, is neither locked nor open yet; one whose latch is drawn is open.
        let words: [(text: [UInt8], meaning: Property.Meaning)] = [
            (Self.word(entity.text("state_locked"), "LOCKED"), Self.means(quantity, false)),
            (Self.word(entity.text("state_unlocked"), "UNLOCKED"), Self.means(quantity, true)),
            (Self.word(entity.text("state_open"), "OPEN"), Self.means(quantity, true)),
            (Self.word(entity.text("state_opening"), "OPENING"), .nothing),
            (Self.word(entity.text("state_locking"), "LOCKING"), .nothing),
            (Self.word(entity.text("state_unlocking"), "UNLOCKING"), .nothing),
            (Self.word(entity.text("state_jammed"), "JAMMED"), .nothing),
        ]
        let reader = WordReader(template: try Self.template(entity, "value_template"), words: words, property: property)
        add(property, nil, try Self.stateTopic(entity), .other(reader))
    }

    /// Doors that a motor moves. Blinds and valves give nothing.
    private mutating func cover(_ entity: DiscoveryEntity) throws(DiscoveryRefusal) {
        guard let quantity = Quantity("opening"), let deviceClass = entity.deviceClass, ["door", "garage", "gate", "window"].contains(deviceClass),
            entity.topic("state_topic") != nil
        else { return }
        var property = Property(label: "cover", quantity: quantity)
        property.channel = entity.channel(["cover", deviceClass])
        let words: [(text: [UInt8], meaning: Property.Meaning)] = [
            (Self.word(entity.text("state_open"), "open"), Self.means(quantity, true)),
            (Self.word(entity.text("state_closed"), "closed"), Self.means(quantity, false)),
            (Self.word(entity.text("state_opening"), "opening"), .nothing),
            (Self.word(entity.text("state_closing"), "closing"), .nothing),
            (Self.word(entity.text("state_stopped"), "stopped"), .nothing),
        ]
        let reader = WordReader(template: try Self.template(entity, "value_template"), words: words, property: property)
        add(property, nil, try Self.stateTopic(entity), .other(reader))
    }

    /// Somebody's telephone or tag. Every place that has a name and is not home is away.
    private mutating func tracker(_ entity: DiscoveryEntity) throws(DiscoveryRefusal) {
        guard let quantity = Quantity("presence"), entity.topic("state_topic") != nil else { return }
        var property = Property(label: "device_tracker", quantity: quantity)
        property.channel = entity.channel(["presence", "device_tracker"])
        let words: [(text: [UInt8], meaning: Property.Meaning)] = [
            (Self.word(entity.text("payload_home"), "home"), Self.means(quantity, true)),
            (Self.word(entity.text("payload_not_home"), "not_home"), Self.means(quantity, false)),
            // Then the place is to be told from coordinates, which we do not do.
            (Self.word(entity.text("payload_reset"), "None"), .nothing),
        ]
        let reader = WordReader(
            template: try Self.template(entity, "value_template"), words: words, otherwise: Self.means(quantity, false), property: property)
        add(property, nil, try Self.stateTopic(entity), .other(reader))
    }

    // MARK: Events

    private mutating func event(_ entity: DiscoveryEntity, _ profile: DiscoveryProfile) throws(DiscoveryRefusal) {
        let topic = try Self.stateTopic(entity)
        let names = entity["event_types"]?.items.compactMap(\.asText).filter { !$0.isEmpty } ?? []
        guard !names.isEmpty, names.count <= Self.eventTypesMax else { throw DiscoveryRefusal(reason: "It names no “event_types”, or too many.") }
        let template = try Self.template(entity, "value_template")
        var property = Property(label: "event_type", quantity: Self.other)
        property.channel = entity.channel(["event", entity.deviceClass ?? "event", "action", "button"])
        let types = names.map { (text: Array($0.utf8), meaning: Self.event($0, entity.deviceClass, profile)) }
        var isAny = false
        for type in types {
            guard case .reading(let quantity, _) = type.meaning else { continue }
            isAny = true
            let declared = Declared(quantity: quantity, channel: property.channel)
            if !declares.contains(declared) { declares.append(declared) }
        }
        if isAny { listens.append((topic, .other(EventReader(template: template, types: types, property: property)))) }
    }

    static let eventTypesMax = 100
    private static let other = Quantity("button_other") ?? Quantity.all[0]

    private static func event(_ type: String, _ deviceClass: String?, _ profile: DiscoveryProfile) -> Property.Meaning {
        // Home Assistant's doorbells have the type `ring`, older ones any.
        if deviceClass == "doorbell", let doorbell = Quantity("doorbell") { return .reading(doorbell, .boolean(true)) }
        // Of movement as an event nobody knows when it ends.
        if deviceClass == "motion" { return .nothing }
        if let known = said(type, profile) { return known }
        return deviceClass == "button" ? .reading(other, .boolean(true)) : .nothing
    }

    /// What the profile's words make of it; nil when none explains it.
    private static func said(_ text: String, _ profile: DiscoveryProfile) -> Property.Meaning? {
        guard let events = profile.events else { return nil }
        let meaning = Array(text.utf8).withUnsafeBytes { events.meaning(ofText: $0) }
        if case .unusable = meaning { return nil }
        return meaning
    }

    private mutating func trigger(_ entity: DiscoveryEntity, _ profile: DiscoveryProfile) throws(DiscoveryRefusal) {
        guard entity.text("automation_type") == "trigger" else { return }
        let topic = try Self.stateTopic(entity, "topic")
        guard let type = entity.text("type"), let subtype = entity.text("subtype") else {
            throw DiscoveryRefusal(reason: "It names no “type” or no “subtype”.")
        }
        // `button_short_press` with the subtype `button_1`; or, from Zigbee2MQTT, `action` with the subtype `single`.
        let ofType = Self.said(type, profile)
        let isType = ofType != nil
        guard let meaning = ofType ?? Self.said(subtype, profile) ?? (type.hasPrefix("button") || type == "action" ? .reading(Self.other, .boolean(true)) : nil),
            case .reading(let quantity, _) = meaning
        else { return }
        var property = Property(label: "trigger", quantity: quantity)
        property.channel = isType ? DiscoveryEntity.normalised(subtype) : ""
        let payload = entity.text("payload").flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        let reader = TriggerReader(template: try Self.template(entity, "value_template"), payload: payload, event: property)
        add(property, nil, topic, .other(reader))
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
