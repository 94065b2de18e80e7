import Care

/// What one device exposes ([format](https://www.zigbee2mqtt.io/guide/usage/exposes.html)), as properties: the profile says
/// which name is which quantity, the device says unit, values, end point, and what is published at all.
struct Zigbee2MQTTExposes {
    let base: Zigbee2MQTTProfile
    /// What the owner's file for this device names, which beats the device's word.
    let own: Profile.Members?

    private(set) var declares: [Declared] = []
    private(set) var notUnderstood: [(name: String, reason: String)] = []
    private var found: [(order: Int, path: [String], property: Property)] = []
    /// Everything that was named, also settings and what nobody understands.
    private var named: Set<String> = []
    private var described: [Zigbee2MQTTProfile.Described] = []

    /// Of one device. The largest in the wild have about a hundred.
    private static let exposesMax = 1_000

    init(base: Zigbee2MQTTProfile, own: Profile.Members?) {
        self.base = base
        self.own = own
    }

    /// Of two that give the same quantity the one that the profile prefers comes first.
    var properties: [(path: [String], property: Property)] {
        found.sorted { $0.order < $1.order }.map { ($0.path, $0.property) }
    }

    mutating func read(_ definition: JSONTree) {
        for name in own?.ignored ?? [] { named.insert(name) }
        for (index, entry) in (own?.properties ?? []).enumerated() where named.insert(entry.path).inserted {
            found.append((index - (own?.properties.count ?? 0), entry.path.split(separator: ".").map { String($0) }, entry.property))
            declare(Declared(quantity: entry.property.quantity, channel: entry.property.channel))
        }
        let words = Self.words([definition["model"]?.text, definition["description"]?.text])
        described = base.described.filter { entry in entry.words.contains { words.contains($0) } }
        walk(definition["exposes"]?.elements ?? [], Around(), depth: 0)
        // A call for help is not lost because somebody forgot to write it into a list.
        for (name, template) in base.events where !named.contains(name) {
            found.append((template.order, template.path, template.property))
        }
    }

    /// In lower case, as far as letters and digits go: of `TS0215A_sos` these are `ts0215a` and `sos`.
    private static func words(_ texts: [String?]) -> Set<String> {
        var words: Set<String> = []
        for text in texts {
            for word in (text ?? "").lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber }) { words.insert(String(word)) }
        }
        return words
    }

    private mutating func declare(_ one: Declared) {
        if !declares.contains(one) { declares.append(one) }
    }

    // MARK: Walking

    /// What a feature has from the light, switch or composite around it.
    private struct Around {
        var path: [String] = []
        var endpoint: String?
        var isSetting = false
        var isPublished = true
    }

    private mutating func walk(_ list: [JSONTree], _ around: Around, depth: Int) {
        guard depth < JSONScanner.depthMax else { return }
        for expose in list {
            guard named.count < Self.exposesMax else { return }
            var here = around
            here.endpoint = expose["endpoint"]?.text ?? expose["endpoint"]?.number.flatMap { Int(exactly: $0) }.map { "\($0)" } ?? around.endpoint
            here.isSetting = around.isSetting || expose["category"]?.text == "config"
            if let access = expose["access"]?.number { here.isPublished = Int(exactly: access).map { $0 & 1 == 1 } ?? false }
            let own = expose["property"]?.text ?? ""
            if let features = expose["features"]?.elements {
                if !own.isEmpty { here.path.append(own) }
                walk(features, here, depth: depth + 1)
                continue
            }
            guard !own.isEmpty else { continue }
            here.path.append(own)
            let name = here.path.joined(separator: ".")
            // What is named twice, as the colours of a lamp are, is the same property both times.
            guard named.insert(name).inserted else { continue }
            guard here.isPublished, !here.isSetting, expose["type"]?.text != "list" else { continue }
            take(expose, name, here)
        }
    }

    private mutating func take(_ expose: JSONTree, _ name: String, _ here: Around) {
        // `state_l1` on end point `l1` is `state` with a channel, whether or not the profile knows this end point.
        var shortened = name
        if let endpoint = here.endpoint, name.hasSuffix("_\(endpoint)") { shortened.removeLast(endpoint.count + 1) }
        let unit = expose["unit"]?.text.map { String($0.filter { !$0.isWhitespace }) }.flatMap { $0.isEmpty ? nil : $0 }
        for candidate in shortened == name ? [name] : [name, shortened] {
            let channel = candidate == name ? nil : here.endpoint
            if let alternatives = base.withUnit[candidate] {
                guard let unit else { return refuse(name, "Zigbee2MQTT names no unit for it.") }
                guard let property = alternatives.first(where: { Conversion(from: unit, to: $0.quantity) != nil }) else {
                    return refuse(name, "It cannot be had from the unit that Zigbee2MQTT names.")
                }
                return add(expose, name, property, order: base.members.properties.count, here.path, channel, unit)
            }
            let special = described.lazy.compactMap { $0.properties[candidate] }.first
            guard let template = special ?? base.templates[candidate] else { continue }
            if unit == nil, template.property.kind == .number, base.needsUnit.contains(candidate) {
                return refuse(name, "Zigbee2MQTT names no unit for it: it is a raw figure.")
            }
            return add(expose, name, template.property, order: template.order, here.path, channel, unit)
        }
    }

    private mutating func refuse(_ name: String, _ reason: String) {
        notUnderstood.append((safeText(name, charactersMax: 80), reason))
    }

    // MARK: What it means

    private mutating func add(
        _ expose: JSONTree, _ name: String, _ template: Property, order: Int, _ path: [String], _ channel: String?, _ unit: String?
    ) {
        var property = template
        if let channel { property.channel = channel }
        let type = expose["type"]?.text ?? ""
        switch property.kind {
        case .number:
            guard type != "enum", type != "binary" else { return refuse(name, "It is no number, where one was expected.") }
            if let unit {
                guard let conversion = Conversion(from: unit, to: property.quantity) else {
                    return refuse(name, "It cannot be had from the unit that Zigbee2MQTT names.")
                }
                property.lowest = conversion.sent(property.lowest, in: property.conversion)
                property.highest = conversion.sent(property.highest, in: property.conversion)
                property.conversion = conversion == .none ? nil : conversion
            }
            declare(Declared(quantity: property.quantity, channel: property.channel, unit: unit))
        case .boolean, .event:
            guard type != "numeric" else { return refuse(name, "It is a number, where yes or no was expected.") }
            if type == "binary", let on = expose["value_on"], let off = expose["value_off"] { property.learn(on: on, off: off) }
            let values = type == "binary" ? [expose["value_on"], expose["value_off"]].compactMap { $0 } : expose["values"]?.elements ?? []
            var meant: [Quantity] = values.isEmpty ? [property.quantity] : []
            var isUnderstood = values.isEmpty
            for value in values {
                switch property.meaning(of: value) {
                case .reading(let quantity, _): if !meant.contains(quantity) { meant.append(quantity) }
                case .nothing: break
                case .unusable: continue
                }
                isUnderstood = true
            }
            guard isUnderstood else { return refuse(name, "None of its values is one that the profile knows.") }
            // A shutter's state, for example: known, and nothing to be stored.
            if meant.isEmpty { return }
            for quantity in meant { declare(Declared(quantity: quantity, channel: property.channel)) }
        }
        found.append((order, path, property))
    }
}

extension Property {
    fileprivate func meaning(of value: JSONTree) -> Meaning {
        switch value {
        case .flag(let flag): meaning(of: flag)
        case .number(let number): meaning(of: number)
        case .text(let text): Array(text.utf8).withUnsafeBytes { meaning(ofText: $0) }
        case .null: .nothing
        case .object, .array: .unusable(.notAValue)
        }
    }

    /// Takes over how a device writes the two values of something that is on or off.
    ///
    /// Words that the profile has stay as they are: `LOCK` is a lock's *on*, and is no open door. What the profile inverts
    /// stays inverted: `contact` says by its name that true is a closed door, and Zigbee2MQTT calls its false *on*.
    fileprivate mutating func learn(on: JSONTree, off: JSONTree) {
        var plain = self
        plain.isInverted = false
        if plain.meaning(of: on) == (kind == .event ? .nothing : .reading(quantity, .boolean(false))),
            plain.meaning(of: off) == .reading(quantity, .boolean(true)) {
            isInverted = true
            return
        }
        for (value, isOn) in [(on, true), (off, false)] {
            guard let text = value.text, !text.isEmpty, otherwise == nil, case .unusable = meaning(of: value) else { continue }
            let said: Meaning = kind == .event && !isOn ? .nothing : .reading(quantity, .boolean(isOn))
            words.append(Word(text: Array(text.lowercased().utf8), meaning: said))
        }
    }
}

extension Conversion {
    /// A limit that stands in another unit, in the unit that is sent.
    fileprivate func sent(_ limit: Double, in other: Conversion?) -> Double {
        guard limit.isFinite else { return limit }
        return (other?(limit) ?? limit) * divide / multiply - add
    }
}
