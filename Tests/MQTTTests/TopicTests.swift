import MQTT
import Testing

@Suite struct TopicTests {
    @Test(arguments: ["a", "/", "a//b", "homes/one/door", "$SYS/broker", "ä/ö", String(repeating: "x", count: 65_535)])
    func isATopic(_ text: String) throws {
        #expect(try Topic(text).text == text)
        #expect(try TopicFilter(text).text == text)
    }

    @Test(arguments: [
        ("", TopicError.empty), ("a\0b", .containsNUL), ("a/+", .wildcardInTopic), ("#", .wildcardInTopic),
        ("a+b", .wildcardInTopic), (String(repeating: "ä", count: 32_768), .tooLong(bytes: 65_536)),
    ])
    func isNoTopic(_ text: String, _ error: TopicError) {
        #expect(throws: error) { try Topic(text) }
        #expect(!error.description.isEmpty && !error.debugDescription.isEmpty)
    }

    @Test(arguments: ["#", "+", "+/+", "a/#", "a/+/b", "+/#", "/+", "+/", "/#", "$SYS/#"])
    func isAFilter(_ text: String) throws {
        #expect(try TopicFilter(text).description == text)
    }

    @Test(arguments: [
        ("", TopicError.empty), ("\0", .containsNUL), ("a+", .misplacedPlus), ("+a", .misplacedPlus),
        ("a/b+/c", .misplacedPlus), ("++", .misplacedPlus), ("#/a", .misplacedHash), ("a#", .misplacedHash),
        ("a/#/", .misplacedHash), ("##", .misplacedHash), ("$share/g/a", .sharedSubscription),
        (String(repeating: "x", count: 65_536), .tooLong(bytes: 65_536)),
    ])
    func isNoFilter(_ text: String, _ error: TopicError) {
        #expect(throws: error) { try TopicFilter(text) }
    }

    @Test(arguments: [
        ("a", "a", true), ("a", "b", false), ("a", "ab", false), ("ab", "a", false), ("a", "a/", false),
        ("a/b", "a/b", true), ("a/b", "a", false), ("a/b", "a/b/c", false), ("a//b", "a//b", true),
        ("a/+/b", "a/x/b", true), ("a/+/b", "a//b", true), ("a/+/b", "a/x/y/b", false), ("a/+", "a", false),
        ("a/+", "a/", true), ("a/+", "a/b", true), ("a/+", "a/b/c", false), ("+", "a", true), ("+", "/a", false),
        ("+/+", "/a", true), ("/+", "/a", true), ("+", "a/b", false), ("+/a", "a", false),
        ("#", "a", true), ("#", "a/b/c", true), ("#", "/", true), ("a/#", "a", true), ("a/#", "a/", true),
        ("a/#", "a/b/c", true), ("a/#", "ab", false), ("a/#", "b", false), ("a/+/#", "a", false),
        ("a/+/#", "a/b", true), ("+/#", "a", true), ("/#", "/a", true), ("/#", "a", false),
        ("#", "$SYS/x", false), ("+/x", "$SYS/x", false), ("$SYS/#", "$SYS/x", true), ("$SYS/+", "$SYS/x", true),
        ("a/#", "a/$b", true), ("homes/+/ä", "homes/one/ä", true),
    ])
    func matches(_ filter: String, _ topic: String, _ expected: Bool) throws {
        #expect(try TopicFilter(filter).matches(Topic(topic)) == expected)
    }

    @Test func anEmptyTopicMatchesNothing() throws {
        #expect(try !TopicFilter("#").matches(UnsafeRawBufferPointer(start: nil, count: 0)))
    }
}
