import Care

/// What a network server wraps around a device's message: The Things Stack v3, ChirpStack v4 or v3.
///
/// The three have no member in common that means two things, so one walk reads all of them, whatever the topic was.
struct LoRaWANEnvelope {
    /// What the device said, decoded by the network server: a JSON object.
    var decoded: UnsafeRawBufferPointer?
    /// The same as a text (ChirpStack v3).
    var decodedText: JSONText?
    /// The Things Stack's common form: an object, or a list of them.
    var normalized: UnsafeRawBufferPointer?
    /// Bytes that the device sent to its application.
    var hasRawPayload = false
    var port: Double?
    /// Names that a model may be known by, the surest first: the device repository's, the device profile's, the device's.
    var model: JSONText?
    var profile: JSONText?
    var device: JSONText?
    /// When the network server heard it, by the network server's clock.
    var receivedAt: Instant?
    var networkReceivedAt: Instant?
    var gatewayTime: Instant?
    var battery: Double?
    var batteryTime: Instant?
    var hasNoBattery = false
    /// Somebody typed it into the network server's console.
    var isSimulated = false
    var latitude: Double?
    var longitude: Double?
    var accuracy: Double?

    var time: Instant? { receivedAt ?? networkReceivedAt ?? gatewayTime }

    private enum Part { case message, device, uplink, version, settings, battery, solved, location }

    private var scanner: JSONScanner

    init(_ payload: UnsafeRawBufferPointer) throws(JSONError) {
        scanner = JSONScanner(payload)
        guard try scanner.peek() == .object else { throw scanner.failure(.unexpected) }
        try walk(.message, depth: 0)
        try scanner.end()
    }

    private mutating func walk(_ part: Part, depth: Int) throws(JSONError) {
        guard try scanner.peek() == .object, depth < JSONScanner.depthMax else { return try scanner.skip(depth: depth) }
        scanner.open()
        var first = true
        while let key = try scanner.nextKey(&first) {
            let inner = depth + 1
            let isTaken: Bool
            switch part {
            case .message: isTaken = try message(key, inner)
            case .device: isTaken = try deviceInfo(key, inner)
            case .uplink: isTaken = try uplink(key, inner)
            case .version:
                isTaken = key.reads("model_id")
                if isTaken { model = try scanner.looseText(depth: inner) }
            case .settings:
                isTaken = key.reads("time")
                if isTaken { gatewayTime = try scanner.looseTime(depth: inner) }
            case .battery: isTaken = try lastBattery(key, inner)
            case .solved:
                isTaken = key.reads("location")
                if isTaken { try walk(.location, depth: inner) }
            case .location: isTaken = try place(key, inner)
            }
            if !isTaken { try scanner.skip(depth: inner) }
        }
    }

    private mutating func message(_ key: JSONText, _ depth: Int) throws(JSONError) -> Bool {
        // The Things Stack; what its storage gives back stands in "result".
        if key.reads("result") {
            try walk(.message, depth: depth)
        } else if key.reads("end_device_ids") || key.reads("deviceInfo") {
            try walk(.device, depth: depth)
        } else if key.reads("received_at") || key.reads("time") || key.reads("publishedAt") {
            receivedAt = try scanner.looseTime(depth: depth)
        } else if key.reads("uplink_message") || key.reads("uplink_normalized") {
            try walk(.uplink, depth: depth)
        } else if key.reads("simulated") {
            isSimulated = try scanner.looseFlag(depth: depth) ?? false
        } else if key.reads("location_solved") {
            try walk(.solved, depth: depth)
        } else if key.reads("location") {
            try walk(.location, depth: depth)
        } else if key.reads("object") {
            decoded = try scanner.place(of: .object, depth: depth)
        } else if key.reads("objectJSON") {
            decodedText = try scanner.looseText(depth: depth)
        } else if key.reads("data") {
            hasRawPayload = try scanner.looseText(depth: depth).map { !$0.bytes.isEmpty } ?? false
        } else if key.reads("fPort") {
            port = try scanner.looseNumber(depth: depth)
        } else if key.reads("batteryLevel") {
            battery = try scanner.looseNumber(depth: depth)
        } else if key.reads("batteryLevelUnavailable") || key.reads("externalPowerSource") {
            if try scanner.looseFlag(depth: depth) == true { hasNoBattery = true }
        } else {
            return try deviceInfo(key, depth)
        }
        return true
    }

    private mutating func deviceInfo(_ key: JSONText, _ depth: Int) throws(JSONError) -> Bool {
        if key.reads("deviceProfileName") {
            profile = try scanner.looseText(depth: depth)
        } else if key.reads("deviceName") || key.reads("device_id") {
            device = try scanner.looseText(depth: depth)
        } else {
            return false
        }
        return true
    }

    private mutating func uplink(_ key: JSONText, _ depth: Int) throws(JSONError) -> Bool {
        if key.reads("decoded_payload") {
            decoded = try scanner.place(of: .object, depth: depth)
        } else if key.reads("normalized_payload") {
            let kind = try scanner.peek()
            normalized = try scanner.place(of: kind == .array ? .array : .object, depth: depth)
        } else if key.reads("frm_payload") {
            hasRawPayload = try scanner.looseText(depth: depth).map { !$0.bytes.isEmpty } ?? false
        } else if key.reads("f_port") {
            port = try scanner.looseNumber(depth: depth)
        } else if key.reads("received_at") {
            networkReceivedAt = try scanner.looseTime(depth: depth)
        } else if key.reads("settings") {
            try walk(.settings, depth: depth)
        } else if key.reads("version_ids") {
            try walk(.version, depth: depth)
        } else if key.reads("last_battery_percentage") {
            try walk(.battery, depth: depth)
        } else {
            return false
        }
        return true
    }

    private mutating func lastBattery(_ key: JSONText, _ depth: Int) throws(JSONError) -> Bool {
        if key.reads("value") {
            battery = try scanner.looseNumber(depth: depth)
        } else if key.reads("received_at") {
            batteryTime = try scanner.looseTime(depth: depth)
        } else {
            return false
        }
        return true
    }

    private mutating func place(_ key: JSONText, _ depth: Int) throws(JSONError) -> Bool {
        if key.reads("latitude") {
            latitude = try scanner.looseNumber(depth: depth)
        } else if key.reads("longitude") {
            longitude = try scanner.looseNumber(depth: depth)
        } else if key.reads("accuracy") {
            accuracy = try scanner.looseNumber(depth: depth)
        } else {
            return false
        }
        return true
    }
}
