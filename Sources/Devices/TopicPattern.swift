/// Topics below `homes/<home>/` that a profile is for, in MQTT's own notation: `+` is any one level, and `#`
/// at the end one or more levels.
struct TopicPattern: Hashable, Sendable, CustomStringConvertible {
    let description: String
    private let levels: [Substring]

    /// Nil unless every level is a name, `+`, or `#` at the end.
    init?(_ text: String) {
        let levels = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !levels.contains(where: \.isEmpty), text.utf8.count <= Route.deviceBytesMax else { return nil }
        for (index, level) in levels.enumerated() where level.contains("+") || level.contains("#") {
            guard level == "+" || level == "#" && index == levels.count - 1 else { return nil }
        }
        description = text
        self.levels = levels
    }

    var hasWildcard: Bool { description.contains("+") || description.contains("#") }

    /// For `zigbee2mqtt/#` the levels before `#`, else nil.
    var prefix: String? { levels.last == "#" ? String(description.dropLast(2)) : nil }

    func matches(_ topic: String) -> Bool {
        let names = topic.split(separator: "/", omittingEmptySubsequences: false)
        for (index, level) in levels.enumerated() {
            guard index < names.count, !names[index].isEmpty else { return false }
            if level == "#" { return true }
            guard level == "+" || level == names[index] else { return false }
        }
        return names.count == levels.count
    }

    /// Whether this one is asked first: the one that names a level where the other has a wildcard.
    func isMoreExact(than other: TopicPattern) -> Bool {
        func rank(_ level: Substring) -> Int { level == "#" ? 2 : level == "+" ? 1 : 0 }
        for (a, b) in zip(levels, other.levels) where rank(a) != rank(b) { return rank(a) < rank(b) }
        return levels.count > other.levels.count
    }
}
