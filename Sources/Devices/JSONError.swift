/// Why bytes are not JSON, or not JSON that we take. Holds a place, never contents.
struct JSONError: Error, Hashable, Sendable {
    enum Problem: String, Sendable {
        case ended = "it ends too early"
        case unexpected = "an unexpected character"
        case number = "a number is malformed"
        case numberTooLong = "a number has too many digits"
        case numberTooLarge = "a number is too large"
        case escape = "an escape in a string is malformed"
        case control = "a control character in a string"
        case notUTF8 = "a string is not UTF-8"
        case tooDeep = "it is nested too deeply"
        case trailing = "something follows the end"
    }

    var problem: Problem
    /// From 0.
    var byte: Int

    var reason: String { "The message is not valid JSON: \(problem.rawValue) (at byte \(byte))." }
}
