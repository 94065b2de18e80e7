import Care

extension DiscoveryEntity {
    /// The device that the entity is a part of.
    ///
    /// Its identity is the first of: its first identifier, its first connection, the entity's `unique_id`, the topic. All
    /// entities of one device name the same identifiers, so that they come together here.
    func device() -> AnnouncedDevice {
        let said = said
        let address =
            if let id = said.identifiers.first ?? said.connections.first ?? text("unique_id").flatMap({ $0.isEmpty ? nil : $0 }) {
                Self.safe(id)
            } else if let node {
                Self.safe(node) + "/" + Self.safe(object)
            } else {
                Self.safe(object)
            }
        let model = [said.text["manufacturer"], said.text["model"]].compactMap(\.self).joined(separator: " ")
        return AnnouncedDevice(
            convention: HomeAssistant.name, address: "\(HomeAssistant.name)/\(address)",
            title: (said.text["name"] ?? (said.isEmpty ? text("name") : nil)).map { safeText($0, charactersMax: 100) },
            model: model.isEmpty ? nil : safeText(model, charactersMax: 100),
            bridge: said.text["via_device"].map { "\(HomeAssistant.name)/\(Self.safe($0))" })
    }

    /// Fields of a device, and identifiers in one list; of what comes after them nothing is known.
    private static let deviceFieldsMax = 64
    private static let idsMax = 16

    private struct Said {
        var identifiers: [String] = []
        var connections: [String] = []
        var text: [String: String] = [:]
        var isEmpty: Bool { identifiers.isEmpty && connections.isEmpty }
    }

    private var said: Said {
        var said = Said()
        for member in self["device"]?.members?.prefix(Self.deviceFieldsMax) ?? [] {
            switch DiscoveryAbbreviations.device[member.key] ?? member.key {
            case "identifiers": said.identifiers = member.value.items.prefix(Self.idsMax).compactMap(\.asText).filter { !$0.isEmpty }
            case "connections":
                // [["mac", "02:5b:26:a8:dc:12"], …]
                said.connections = member.value.items.prefix(Self.idsMax).compactMap { pair in
                    pair.items.count == 2 ? pair.items[1].asText.flatMap { $0.isEmpty ? nil : $0 } : nil
                }
            case let name: if let text = member.value.asText, !text.isEmpty { said.text[name] = text }
            }
        }
        return said
    }

    /// Longer identifiers are cut, and told apart by a hash of the whole.
    private static let idBytesMax = 100

    /// Fit to be a level of a topic: what may not stand there is written as `%2F`.
    private static func safe(_ id: String) -> String {
        var out = ""
        for scalar in id.unicodeScalars.prefix(1_000) {
            if "/+#%".unicodeScalars.contains(scalar) || scalar.value < 0x20 || scalar.value == 0x7F {
                out += "%" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16, uppercase: true)
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        guard out.utf8.count > idBytesMax else { return out }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in out.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(safeText(out, charactersMax: 20).unicodeScalars.filter { $0 != "\u{2026}" }) + "~" + String(hash, radix: 16)
    }

    // MARK: Channels

    /// What tells this entity from the device's others: what its topic calls it, without what that says of the device.
    ///
    /// Never what people call it: that may change, and the same sensor would go on as another series. Nor does it hang on
    /// what else was announced, which comes one by one and in any order. Empty only when the entity is called as what it
    /// measures, in its topic or by its name: two of these in one device are one to Home Assistant's users, too.
    func channel(_ names: [String]) -> String {
        let label = label
        if names.contains(label) { return "" }
        if let name = text("name"), names.contains(Self.normalised(name)) { return "" }
        return label
    }

    private static let channelCharactersMax = 64

    /// `shellyplugmg3-aabbccddeeff-0-power` of the device `aa:bb:cc:dd:ee:ff` is `0_power`.
    var label: String {
        let label = Self.normalised(object)
        let said = said
        // The longest first: one identifier may be a part of another.
        var ids = (said.identifiers + said.connections).filter { $0.utf8.count <= Self.idBytesMax }.map(Self.compact)
        if let node { ids.append(Self.compact(node)) }
        ids = ids.filter { $0.count >= 4 }.sorted { $0.count > $1.count }
        // Where in the label each letter of its compact form stands.
        let letters = Array(label)
        let places = letters.indices.filter { letters[$0] != "_" }
        let compact = places.map { letters[$0] }
        for id in ids {
            guard id.count <= compact.count, let start = (0...(compact.count - id.count)).first(where: { compact[$0..<$0 + id.count].elementsEqual(id) })
            else { continue }
            let after = start + id.count
            if after < compact.count { return String(letters[places[after]...].prefix(Self.channelCharactersMax)) }
            if start > 0 { return String(letters[...places[start - 1]].prefix(Self.channelCharactersMax)) }
        }
        return String(letters.prefix(Self.channelCharactersMax))
    }

    private static func compact(_ text: String) -> [Character] { normalised(text).filter { $0 != "_" } }

    /// Letters and figures in lower case, one `_` between what other signs part.
    static func normalised(_ text: String) -> String {
        var out = ""
        for character in text.prefix(256).lowercased() {
            if character.isLetter || character.isNumber { out.append(character) } else if !out.isEmpty, out.last != "_" { out.append("_") }
        }
        while out.last == "_" { out.removeLast() }
        return out
    }
}
