import Care

/// Which of a phone's regions are places that somebody has told us of.
struct OwnTracksPlaces: Sendable {
    /// One bit each.
    static let placesMax = 64
    /// Of a region's name, where it becomes a channel.
    static let nameCharactersMax = 40

    struct Place: Sendable {
        var name: String
        /// What its region may be called, in lower case.
        var words: [String]
        /// Home is what presence without a channel is about.
        var isHome: Bool { name == "home" }
        var channel: String { isHome ? "" : name }
    }

    private(set) var places: [Place] = []

    init() {}

    /// `home: [home, zuhause]`, a line for each place.
    init(_ node: ProfileNode) throws(ProfileError) {
        let pairs = try node.pairs("places")
        guard pairs.count <= Self.placesMax else { throw node.error("There are at most \(Self.placesMax) places.") }
        for (key, name, value) in pairs {
            guard !name.isEmpty, name.count <= Self.nameCharactersMax, safeText(name) == name else {
                throw key.error("The name of a place has at most \(Self.nameCharactersMax) characters, all of them visible.")
            }
            var words: [String] = []
            for item in value.items { words.append(try item.text("A region's name").lowercased()) }
            places.append(Place(name: name, words: words))
        }
    }

    /// These, and of `general` those that are not named here.
    func over(_ general: OwnTracksPlaces) -> OwnTracksPlaces {
        var merged = self
        for place in general.places where merged.places.count < Self.placesMax {
            if !places.contains(where: { $0.name == place.name }) { merged.places.append(place) }
        }
        return merged
    }

    func index(ofRegion raw: JSONText) -> Int? {
        raw.withBytes { bytes in
            let name = Self.bare(bytes)
            // Letters beyond ASCII have their own rules of upper and lower case.
            let lowered = name.contains { $0 >= 0x80 } ? String(decoding: name, as: UTF8.self).lowercased() : nil
            return places.firstIndex { place in
                place.words.contains { word in
                    if let lowered { return word == lowered }
                    return word.utf8.count == name.count
                        && zip(word.utf8, name).allSatisfy { $0 == ($1 >= 0x41 && $1 <= 0x5A ? $1 | 0x20 : $1) }
                }
            }
        }
    }

    /// What a region that is no place of ours is called in a channel.
    static func channel(ofRegion raw: JSONText?) -> String {
        guard let raw else { return "" }
        return raw.withBytes { safeText(String(decoding: bare($0), as: UTF8.self), charactersMax: nameCharactersMax) }
    }

    /// Older apps take a `-` before a name for a setting of the region.
    private static func bare(_ raw: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let text = trimmed(raw)
        let start = text.firstIndex { $0 != UInt8(ascii: "-") } ?? text.endIndex
        return UnsafeRawBufferPointer(rebasing: text[start...])
    }
}
