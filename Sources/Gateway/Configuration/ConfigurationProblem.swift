/// One mistake in a configuration file, an environment variable or an option, said so that it can be corrected.
public struct ConfigurationProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file as it was given, or what stands in for one: `CARING_MQTT`, `--mqtt`.
    public var file: String
    /// Counted from 1; nil where there is no place in a file.
    public var line: Int?
    /// Counted from 1, in Unicode scalars.
    public var column: Int?
    /// One plain sentence that says what to do.
    public var sentence: String

    public init(file: String, line: Int? = nil, column: Int? = nil, sentence: String) {
        self.file = file
        self.line = line
        self.column = column
        self.sentence = sentence
    }

    /// `config/gateway.yaml:12:3: …`, which editors and terminals can jump to.
    public var description: String {
        var place = file
        if let line { place += ":\(line)" }
        if line != nil, let column { place += ":\(column)" }
        return "\(place): \(sentence)"
    }
}

/// All mistakes at once, so that nobody has to find them one start at a time.
public struct ConfigurationProblems: Error, Hashable, Sendable, CustomStringConvertible {
    /// At least one, in order of the places they are at; at most `countMax`.
    public var problems: [ConfigurationProblem]

    public static let countMax = 50

    public init(_ problems: [ConfigurationProblem]) { self.problems = problems }

    public init(file: String, sentence: String) {
        self.init([ConfigurationProblem(file: file, sentence: sentence)])
    }

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
