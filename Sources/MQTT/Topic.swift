/// The name a message is published under, known to be one that MQTT 5 allows.
///
/// A topic has 1 to 65 535 bytes of UTF-8, no NUL and no wildcard. Empty levels (`a//b`) are legal.
public struct Topic: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    /// - Throws: `TopicError`, when a publisher could not use `text`.
    public init(_ text: String) throws(TopicError) {
        try TopicError.checkCommonRules(text)
        if text.utf8.contains(where: { $0 == Byte.plus || $0 == Byte.hash }) {
            throw .wildcardInTopic
        }
        self.text = text
    }

    public var description: String { text }
}

/// What a subscription asks for: a topic in which `+` stands for one level and a last `#` for all that follow.
///
/// Shared subscriptions (`$share/…`) are refused: they spread one session's messages over several
/// clients, and then no single transaction could say what has been kept.
public struct TopicFilter: Sendable, Hashable, CustomStringConvertible {
    public let text: String
    private let bytes: [UInt8]

    /// - Throws: `TopicError`, when a broker would refuse the filter.
    public init(_ text: String) throws(TopicError) {
        try TopicError.checkCommonRules(text)
        let bytes = Array(text.utf8)
        if text.hasPrefix("$share/") { throw .sharedSubscription }
        for (index, byte) in bytes.enumerated() where byte == Byte.plus || byte == Byte.hash {
            let isFirstInLevel = index == 0 || bytes[index - 1] == Byte.slash
            let isLast = index + 1 == bytes.count
            if byte == Byte.hash && !(isFirstInLevel && isLast) { throw .misplacedHash }
            if byte == Byte.plus && !(isFirstInLevel && (isLast || bytes[index + 1] == Byte.slash)) {
                throw .misplacedPlus
            }
        }
        self.text = text
        self.bytes = bytes
    }

    public var description: String { text }

    public func matches(_ topic: Topic) -> Bool {
        var text = topic.text
        return text.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
    }

    /// Whether the filter covers this topic, given as the UTF-8 of a burst's arena.
    ///
    /// A wildcard in the first level does not cover topics that begin with `$`: those are the broker's own.
    public func matches(_ topic: UnsafeRawBufferPointer) -> Bool {
        bytes.withUnsafeBytes { Self.matches(filter: $0, topic: topic) }
    }

    private static func matches(filter: UnsafeRawBufferPointer, topic: UnsafeRawBufferPointer) -> Bool {
        guard let firstOfFilter = filter.first, let firstOfTopic = topic.first else { return false }
        if firstOfTopic == Byte.dollar && (firstOfFilter == Byte.plus || firstOfFilter == Byte.hash) {
            return false
        }
        var inFilter = 0
        var inTopic = 0
        while inFilter < filter.count {
            switch filter[inFilter] {
            case Byte.hash:
                return true
            case Byte.plus:
                while inTopic < topic.count && topic[inTopic] != Byte.slash { inTopic += 1 }
                inFilter += 1
            case let byte:
                if inTopic < topic.count && topic[inTopic] == byte {
                    inTopic += 1
                    inFilter += 1
                } else {
                    // `a/#` covers `a` itself: what is left of the filter is exactly `/#`.
                    return inTopic == topic.count && byte == Byte.slash
                        && inFilter + 2 == filter.count && filter[inFilter + 1] == Byte.hash
                }
            }
        }
        return inTopic == topic.count
    }
}

/// Why a text is no topic or no filter. Says nothing of the text itself, which may name a person.
public enum TopicError: Error, Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    case empty
    case tooLong(bytes: Int)
    case containsNUL
    case wildcardInTopic
    case misplacedPlus
    case misplacedHash
    case sharedSubscription

    /// The longest topic or filter that MQTT can carry, in bytes of UTF-8.
    public static let topicBytesMax = 65_535

    /// One sentence for the one who wrote the topic.
    public var description: String {
        switch self {
        case .empty: "The topic is empty: write at least one character."
        case .tooLong: "The topic is too long: use at most \(Self.topicBytesMax) bytes."
        case .containsNUL: "The topic contains a NUL character: remove it."
        case .wildcardInTopic: "A topic to publish to cannot contain + or #: name one topic."
        case .misplacedPlus: "In a filter, + must be a level of its own, as in homes/+/door."
        case .misplacedHash: "In a filter, # must be the last level, as in homes/one/#."
        case .sharedSubscription: "Shared subscriptions ($share/…) are not supported: subscribe to the filter itself."
        }
    }

    public var debugDescription: String {
        switch self {
        case .tooLong(let bytes): "TopicError.tooLong(\(bytes) bytes)"
        case .empty: "TopicError.empty"
        case .containsNUL: "TopicError.containsNUL"
        case .wildcardInTopic: "TopicError.wildcardInTopic"
        case .misplacedPlus: "TopicError.misplacedPlus"
        case .misplacedHash: "TopicError.misplacedHash"
        case .sharedSubscription: "TopicError.sharedSubscription"
        }
    }

    fileprivate static func checkCommonRules(_ text: String) throws(TopicError) {
        let count = text.utf8.count
        if count == 0 { throw .empty }
        if count > topicBytesMax { throw .tooLong(bytes: count) }
        if text.utf8.contains(0) { throw .containsNUL }
    }
}

private enum Byte {
    static let hash = UInt8(ascii: "#")
    static let plus = UInt8(ascii: "+")
    static let slash = UInt8(ascii: "/")
    static let dollar = UInt8(ascii: "$")
}
