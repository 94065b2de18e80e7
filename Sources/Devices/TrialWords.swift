import Care

/// What a message became, for people and for programs.
extension Trial.Result {
    /// All devices that it is about, each once, in their order.
    public var devices: [String] {
        var found: [String] = []
        for device in readings.map(\.device) + announces.map(\.device) + [availabilityOf].compactMap({ $0 }) where !found.contains(device) {
            found.append(device)
        }
        return found
    }

    /// "kitchen: temperature 21.5 Cel, humidity 40 %", or the reason why nothing.
    public var words: String {
        var parts: [String] = []
        for device in devices {
            let told = readings.filter { $0.device == device }.map { Self.words($0.reading) }
            let said = announces.filter { $0.device == device }.map { one in
                "will tell \(one.declared.quantity.name)\(one.declared.channel.isEmpty ? "" : "/\(one.declared.channel)")"
            }
            var all = told + said
            if availabilityOf == device, let availability { all.append(availability ? "can be reached" : "cannot be reached") }
            parts.append("\(safeText(device)): \(all.map { safeText($0) }.joined(separator: ", "))")
        }
        if let reason { parts.append(safeText(reason, charactersMax: 500)) }
        return parts.isEmpty ? "nothing" : parts.joined(separator: "; ")
    }

    private static func words(_ reading: DecodedReading) -> String {
        let name = reading.quantity.name + (reading.channel.isEmpty ? "" : "/\(reading.channel)")
        switch reading.value {
        case .boolean(let flag): return reading.quantity.kind == .event ? name : "\(name) \(flag ? "yes" : "no")"
        case .number(let number): return "\(name) \(number) \(reading.quantity.unit)"
        }
    }

    /// `{"convention", "readings": [{"device", "quantity", "channel"?, "value", "unit", "observedAt"}], "announces": [{"device",
    /// "quantity", "channel"?, "unit", "declaredUnit"?}], "availability", "reason"}`. `unit` is UCUM, the quantity's own, and null for what is yes or
    /// no; `observedAt` is the device's own time, null where it gives none.
    public var json: JSON { .object(members) }

    /// The same of a message that was seen: with when, where and what.
    public func json(topic: String, at: Instant, payload: String) -> JSON {
        .object([.init("at", .string(at.iso)), .init("topic", .string(topic)), .init("payload", .string(payload))] + members)
    }

    private var members: [JSON.Member] {
        [
            .init("convention", .optional(convention)),
            .init("readings", .array(readings.map { device, reading in
                var value: JSON
                switch reading.value {
                case .boolean(let flag): value = .bool(flag)
                case .number(let number): value = Int64(exactly: number).map(JSON.int) ?? .double(number)
                }
                return .object(Self.what(device, reading.quantity, reading.channel) + [
                    .init("value", value), .init("unit", Self.unit(reading.quantity)), .init("observedAt", .optional(reading.deviceTime?.iso)),
                ])
            })),
            .init("announces", .array(announces.map { device, declared in
                .object(Self.what(device, declared.quantity, declared.channel) + [
                    .init("unit", Self.unit(declared.quantity)), .init("declaredUnit", .optional(declared.unit)),
                ])
            })),
            .init("availability", availability.map(JSON.bool) ?? .null),
            .init("reason", .optional(reason)),
        ]
    }

    private static func what(_ device: String, _ quantity: Quantity, _ channel: String) -> [JSON.Member] {
        let first: [JSON.Member] = [.init("device", .string(device)), .init("quantity", .string(quantity.name))]
        return channel.isEmpty ? first : first + [.init("channel", .string(channel))]
    }

    private static func unit(_ quantity: Quantity) -> JSON { quantity.unit.isEmpty ? .null : .string(quantity.unit) }
}
