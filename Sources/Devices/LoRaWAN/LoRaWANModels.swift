import Care

/// What devices' decoders call things, by model.
struct LoRaWANModels: Sendable {
    struct Model: Sendable {
        /// In lower case, letters and digits only.
        var words: [[UInt8]]
        var members: Profile.Members
        var table: PropertyTable
    }

    private var models: [Model] = []

    /// Shorter words would be found in names that mean something else.
    static let wordBytesMin = 3

    mutating func add(_ node: ProfileNode, _ members: Profile.Members) throws(ProfileError) {
        var words: [[UInt8]] = []
        for item in node.items {
            let word = Self.normal(try item.text("A model"))
            guard word.count >= Self.wordBytesMin else { throw item.error("A model's name has at least \(Self.wordBytesMin) letters or digits.") }
            words.append(word)
        }
        models.append(Model(words: words, members: members, table: members.table))
    }

    /// With the names that hold for all devices beside those of each model.
    mutating func complete(with general: Profile.Members) {
        for index in models.indices {
            models[index].members = models[index].members.over(general)
            models[index].table = models[index].members.table
        }
    }

    /// The model that these names are of, the first name counting most: the one with the longest word in it, and of two
    /// the later file, which is the owner's.
    func index(for names: JSONText?...) -> Int? {
        for name in names {
            if let name, let index = name.withBytes(index(inName:)) { return index }
        }
        return nil
    }

    func index(inName name: UnsafeRawBufferPointer) -> Int? {
        var best: (length: Int, index: Int)?
        for (index, model) in models.enumerated() {
            for word in model.words where word.count >= best?.length ?? 0 && Self.holds(name, word) { best = (word.count, index) }
        }
        return best?.index
    }

    /// Nil for an index that another catalogue gave.
    func table(_ index: Int) -> PropertyTable? { models.indices.contains(index) ? models[index].table : nil }

    private static func normal(_ text: String) -> [UInt8] { text.utf8.compactMap { normal($0) } }

    /// Nil for what separates the parts of a name.
    private static func normal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte | 0x20
        case 0x61...0x7A, 0x30...0x39: byte
        default: nil
        }
    }

    /// Whether the word stands in the text, whatever separates its parts, and no digit follows: `ws20` is not in `WS202`.
    private static func holds(_ text: UnsafeRawBufferPointer, _ word: [UInt8]) -> Bool {
        guard text.count >= word.count, text.count <= Route.deviceBytesMax else { return false }
        for start in 0...(text.count - word.count) where normal(text[start]) == word.first {
            var at = start
            var matched = 0
            while at < text.count, matched < word.count {
                if let byte = normal(text[at]) {
                    guard byte == word[matched] else { break }
                    matched += 1
                }
                at += 1
            }
            if matched == word.count, at == text.count || text[at] < 0x30 || text[at] > 0x39 { return true }
        }
        return false
    }
}
