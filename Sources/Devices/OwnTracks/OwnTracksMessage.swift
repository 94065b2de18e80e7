import Care

/// What decides how a message of OwnTracks is to be read; the rest is in its profile's table.
struct OwnTracksMessage {
    enum Kind { case location, transition, steps, lastWill, encrypted, other }

    /// Nil: it does not say, or of a kind that OwnTracks does not have.
    var kind: Kind?
    var latitude: Double?
    var longitude: Double?
    var accuracy: Double?
    var hasTime = false
    var time: Instant?
    /// The end of the time that steps were counted in.
    var end: Instant?
    var isEntering: Bool?
    /// As the phone calls it. Must not outlive the message.
    var region: JSONText?
    var isBeacon = false
    /// Whether it says at all which regions the phone is in.
    var saysRegions = false
    /// A bit for each of the profile's places that it is in.
    var inside: UInt64 = 0

    /// More regions in one message are not looked at; phones can watch 20 (iOS) or 100 (Android).
    private static let regionsMax = 256

    init(_ payload: UnsafeRawBufferPointer, places: OwnTracksPlaces) throws(JSONError) {
        var scanner = JSONScanner(payload)
        guard try scanner.peek() == .object else { throw scanner.failure(.unexpected) }
        scanner.open()
        var first = true
        while let key = try scanner.nextKey(&first) {
            if key.reads("_type") {
                kind = try scanner.looseText(depth: 1).flatMap(Self.kind)
            } else if key.reads("lat") {
                latitude = try scanner.looseNumber(depth: 1)
            } else if key.reads("lon") {
                longitude = try scanner.looseNumber(depth: 1)
            } else if key.reads("acc") {
                accuracy = try scanner.looseNumber(depth: 1)
            } else if key.reads("tst") {
                hasTime = true
                time = try scanner.looseTime(depth: 1)
            } else if key.reads("to") {
                end = try scanner.looseTime(depth: 1)
            } else if key.reads("event") {
                let event = try scanner.looseText(depth: 1)
                isEntering = event.flatMap { $0.reads("enter") ? true : $0.reads("leave") ? false : nil }
            } else if key.reads("desc") {
                region = try scanner.looseText(depth: 1)
            } else if key.reads("t") {
                isBeacon = try scanner.looseText(depth: 1)?.reads("b") ?? false
            } else if key.reads("inregions") {
                try readRegions(&scanner, places)
            } else {
                try scanner.skip(depth: 1)
            }
        }
        try scanner.end()
    }

    private mutating func readRegions(_ scanner: inout JSONScanner, _ places: OwnTracksPlaces) throws(JSONError) {
        guard try scanner.peek() == .array else { return try scanner.skip(depth: 1) }
        saysRegions = true
        inside = 0
        scanner.open()
        var first = true
        var count = 0
        while try scanner.nextElement(&first) {
            let region = try scanner.looseText(depth: 2)
            count += 1
            guard count <= Self.regionsMax, let region, let index = places.index(ofRegion: region) else { continue }
            inside |= 1 << UInt64(index)
        }
    }

    private static func kind(_ text: JSONText) -> Kind? {
        if text.reads("location") { return .location }
        if text.reads("transition") { return .transition }
        if text.reads("steps") { return .steps }
        if text.reads("lwt") { return .lastWill }
        if text.reads("encrypted") { return .encrypted }
        for other: StaticString in ["waypoint", "waypoints", "card", "cmd", "configuration", "beacon", "status", "request", "dump", "msg"]
        where text.reads(other) { return .other }
        return nil
    }

    /// A position on the earth that the phone itself believes in.
    ///
    /// An accuracy of 0 or less is what phones say when they do not know where they are; 0° N 0° E is a place in the sea
    /// that trackers send before they have found out, and is believed only with an accuracy.
    var knowsPlace: Bool {
        guard let latitude, let longitude, abs(latitude) <= 90, abs(longitude) <= 180 else { return false }
        if let accuracy { return accuracy > 0 }
        return latitude != 0 || longitude != 0
    }
}
