/// An identifier that people chose: the name of a home, a person, a circle, a rule.
///
/// Written as itself in JSON, topics and command lines.
public protocol NameIdentifier: Hashable, Comparable, Codable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    var name: String { get }
    init(_ name: String)
}

extension NameIdentifier {
    public init(stringLiteral value: String) { self.init(value) }
    public var description: String { name }
    public static func < (a: Self, b: Self) -> Bool { a.name < b.name }
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

public struct HomeID: NameIdentifier {
    public let name: String
    public init(_ name: String) { self.name = name }
}

/// A citizen, helper, coordinator or service. One name space with homes: a login name says who it is.
public struct PersonID: NameIdentifier {
    public let name: String
    public init(_ name: String) { self.name = name }
}

public struct CircleID: NameIdentifier {
    public let name: String
    public init(_ name: String) { self.name = name }
}

public struct RuleID: NameIdentifier {
    public let name: String
    public init(_ name: String) { self.name = name }
}

/// What a login, home, circle or rule may be called: 1 to 40 of `a-z 0-9 -`, beginning with a letter or
/// digit. No `/`, `+`, `#`, spaces or control characters: names become topics, users and file lines.
public func isUsableName(_ name: String) -> Bool {
    let bytes = name.utf8
    guard (1...40).contains(bytes.count), let first = bytes.first, first != 45 else { return false }
    return bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
}

/// An identifier that came from a counter, and its one-letter prefix: `a17` is the 17th alert.
///
/// In JSON the text with its prefix.
public protocol CounterIdentifier: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    static var prefix: Character { get }
    var number: Int64 { get }
    init(_ number: Int64)
}

extension CounterIdentifier {
    public var description: String { "\(Self.prefix)\(number)" }
    public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
    /// Reads `a17` and, because people leave it out, `17`.
    public init?(text: some StringProtocol) {
        let digits = text.first == Self.prefix ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let n = Int64(digits), n > 0
        else { return nil }
        self.init(n)
    }
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = Self(text: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not an identifier like \(Self.prefix)17")
        }
        self = id
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

public struct AlertID: CounterIdentifier {
    public static let prefix: Character = "a"
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
}

public struct OfferID: CounterIdentifier {
    public static let prefix: Character = "o"
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
}

public struct ConsentID: CounterIdentifier {
    public static let prefix: Character = "c"
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
}

public struct NoticeID: CounterIdentifier {
    public static let prefix: Character = "n"
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
}

public struct DecisionID: CounterIdentifier {
    public static let prefix: Character = "d"
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
}

/// A device's number in this gateway. People see its home and address instead.
public struct DeviceID: Hashable, Comparable, Codable, Sendable {
    public let number: Int32
    public init(_ number: Int32) { self.number = number }
    public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
}

/// A series' number in this gateway.
public struct SeriesID: Hashable, Comparable, Codable, Sendable {
    public let number: Int32
    public init(_ number: Int32) { self.number = number }
    public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
}
