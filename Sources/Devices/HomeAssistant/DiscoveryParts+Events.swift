import Care

// Entities that tell of what happens: buttons, doorbells, calls for help.

extension DiscoveryParts {
    mutating func event(_ entity: DiscoveryEntity, _ profile: DiscoveryProfile) throws(DiscoveryRefusal) {
        let topic = try Self.stateTopic(entity)
        let names = entity["event_types"]?.items.compactMap(\.asText).filter { !$0.isEmpty && $0.utf8.count <= DiscoveryEntity.wordBytesMax } ?? []
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

    mutating func trigger(_ entity: DiscoveryEntity, _ profile: DiscoveryProfile) throws(DiscoveryRefusal) {
        guard entity.text("automation_type") == "trigger" else { return }
        let topic = try Self.stateTopic(entity, "topic")
        guard let type = entity.text("type"), let subtype = entity.text("subtype") else {
            throw DiscoveryRefusal(reason: "It names no “type” or no “subtype”.")
        }
        // `button_short_press` with the subtype `button_1`; or, from Zigbee2MQTT, `action` with the subtype `single`.
        var ofType = Self.said(type, profile)
        // Help first: a button that is named for it is that, however it is pressed.
        if case .reading(let quantity, _)? = Self.said(subtype, profile), quantity.name == "sos" || quantity.name == "fall" { ofType = nil }
        let isType = ofType != nil
        guard let meaning = ofType ?? Self.said(subtype, profile) ?? (type.hasPrefix("button") || type == "action" ? .reading(Self.other, .boolean(true)) : nil),
            case .reading(let quantity, _) = meaning
        else { return }
        var property = Property(label: "trigger", quantity: quantity)
        property.channel = isType ? DiscoveryEntity.normalised(subtype) : ""
        let payload = entity.text("payload").flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        guard payload?.count ?? 0 <= DiscoveryEntity.wordBytesMax else { throw DiscoveryRefusal(reason: DiscoveryEntity.longWord) }
        let reader = TriggerReader(template: try Self.template(entity, "value_template"), payload: payload, event: property)
        add(property, nil, topic, .other(reader))
    }
}
