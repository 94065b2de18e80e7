import Care

// Entities whose values are words: on and off, locked and unlocked, at home and away.

extension DiscoveryParts {
    private static func word(_ text: String?, _ usual: String) throws(DiscoveryRefusal) -> [UInt8] {
        guard text?.utf8.count ?? 0 <= DiscoveryEntity.wordBytesMax else { throw DiscoveryRefusal(reason: DiscoveryEntity.longWord) }
        return Array((text ?? usual).utf8)
    }

    private static func means(_ quantity: Quantity, _ isOn: Bool) -> Property.Meaning {
        // An event happens or does not: its end is no event.
        if quantity.kind == .event { return isOn ? .reading(quantity, .boolean(true)) : .nothing }
        return .reading(quantity, .boolean(isOn))
    }

    mutating func binarySensor(_ entity: DiscoveryEntity, _ profile: DiscoveryProfile) throws(DiscoveryRefusal) {
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
            (text: try Self.word(entity.text("payload_on"), "ON"), meaning: Self.means(property.quantity, true)),
            (text: try Self.word(entity.text("payload_off"), "OFF"), meaning: Self.means(property.quantity, false)),
        ]
        add(property, nil, topic, .other(WordReader(template: template, words: words, property: property)))
    }

    /// Switches, lights, fans and sirens: what is said when they are on is what they are told to be on with, unless it is
    /// named apart.
    mutating func onOff(_ entity: DiscoveryEntity, _ name: String, template templateName: String, _ profile: DiscoveryProfile)
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
            (text: try Self.word(on, "ON"), meaning: Self.means(quantity, true)), (text: try Self.word(off, "OFF"), meaning: Self.means(quantity, false)),
        ]
        let member = isJSON || entity.component == "siren" ? Array("state".utf8) : nil
        add(property, nil, topic, .other(WordReader(template: isJSON ? nil : template, words: words, member: member, property: property)))
    }

    mutating func lock(_ entity: DiscoveryEntity) throws(DiscoveryRefusal) {
        guard let quantity = Quantity("lock"), entity.topic("state_topic") != nil else { return }
        var property = Property(label: "lock", quantity: quantity)
        property.channel = entity.channel(["lock"])
        // A lock that moves, or is stuck, is neither locked nor open yet; one whose latch is drawn is open.
        let words: [(text: [UInt8], meaning: Property.Meaning)] = [
            (try Self.word(entity.text("state_locked"), "LOCKED"), Self.means(quantity, false)),
            (try Self.word(entity.text("state_unlocked"), "UNLOCKED"), Self.means(quantity, true)),
            (try Self.word(entity.text("state_open"), "OPEN"), Self.means(quantity, true)),
            (try Self.word(entity.text("state_opening"), "OPENING"), .nothing),
            (try Self.word(entity.text("state_locking"), "LOCKING"), .nothing),
            (try Self.word(entity.text("state_unlocking"), "UNLOCKING"), .nothing),
            (try Self.word(entity.text("state_jammed"), "JAMMED"), .nothing),
        ]
        let reader = WordReader(template: try Self.template(entity, "value_template"), words: words, property: property)
        add(property, nil, try Self.stateTopic(entity), .other(reader))
    }

    /// Doors that a motor moves. Blinds and valves give nothing.
    mutating func cover(_ entity: DiscoveryEntity) throws(DiscoveryRefusal) {
        guard let quantity = Quantity("opening"), let deviceClass = entity.deviceClass, ["door", "garage", "gate", "window"].contains(deviceClass),
            entity.topic("state_topic") != nil
        else { return }
        var property = Property(label: "cover", quantity: quantity)
        property.channel = entity.channel(["cover", deviceClass])
        let words: [(text: [UInt8], meaning: Property.Meaning)] = [
            (try Self.word(entity.text("state_open"), "open"), Self.means(quantity, true)),
            (try Self.word(entity.text("state_closed"), "closed"), Self.means(quantity, false)),
            (try Self.word(entity.text("state_opening"), "opening"), .nothing),
            (try Self.word(entity.text("state_closing"), "closing"), .nothing),
            (try Self.word(entity.text("state_stopped"), "stopped"), .nothing),
        ]
        let reader = WordReader(template: try Self.template(entity, "value_template"), words: words, property: property)
        add(property, nil, try Self.stateTopic(entity), .other(reader))
    }

    /// Somebody's telephone or tag. Every place that has a name and is not home is away.
    mutating func tracker(_ entity: DiscoveryEntity) throws(DiscoveryRefusal) {
        guard let quantity = Quantity("presence"), entity.topic("state_topic") != nil else { return }
        var property = Property(label: "device_tracker", quantity: quantity)
        property.channel = entity.channel(["presence", "device_tracker"])
        let words: [(text: [UInt8], meaning: Property.Meaning)] = [
            (try Self.word(entity.text("payload_home"), "home"), Self.means(quantity, true)),
            (try Self.word(entity.text("payload_not_home"), "not_home"), Self.means(quantity, false)),
            // Then the place is to be told from coordinates, which we do not do.
            (try Self.word(entity.text("payload_reset"), "None"), .nothing),
        ]
        let reader = WordReader(
            template: try Self.template(entity, "value_template"), words: words, otherwise: Self.means(quantity, false), property: property)
        add(property, nil, try Self.stateTopic(entity), .other(reader))
    }
}
