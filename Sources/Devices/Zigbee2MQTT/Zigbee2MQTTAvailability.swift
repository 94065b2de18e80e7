import Care

/// `{"state":"online"}`, and `online` alone as before version 1.30 or with `availability_payload`. The same for a device
/// and for the bridge.
struct Zigbee2MQTTAvailability: AvailabilityReader {
    func isAvailable(_ payload: UnsafeRawBufferPointer) -> Bool? {
        if case .availability(let isOnline) = outcome(payload) { isOnline } else { nil }
    }

    func outcome(_ payload: UnsafeRawBufferPointer) -> Outcome {
        let text = trimmed(payload)
        guard let first = text.first else { return .nothing }
        guard first == UInt8(ascii: "{") else { return Self.state(text) }
        var scanner = JSONScanner(text)
        var found: Outcome?
        do throws(JSONError) {
            scanner.open()
            var isFirst = true
            while let key = try scanner.nextKey(&isFirst) {
                if key.bytes.elementsEqual("state".utf8), try scanner.peek() == .string {
                    found = try scanner.string().withBytes(Self.state)
                } else {
                    try scanner.skip(depth: 1)
                }
            }
            try scanner.end()
        } catch {
            return .undecodable(reason: error.reason)
        }
        return found ?? .undecodable(reason: "The availability has no state.")
    }

    private static func state(_ text: UnsafeRawBufferPointer) -> Outcome {
        if text.elementsEqual("online".utf8) { return .availability(true) }
        if text.elementsEqual("offline".utf8) { return .availability(false) }
        return .undecodable(reason: "The availability is neither online nor offline.")
    }
}
