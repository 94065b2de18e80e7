/// A profile that cannot be used, and the place in the file that says why.
public struct ProfileError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; 0 when the file as a whole is meant.
    public var line: Int
    /// From 1; 0 when the file as a whole is meant.
    public var column: Int
    /// A plain sentence for the person who wrote the file.
    public var message: String

    public init(file: String, line: Int, column: Int, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }

    /// For the log: `devices/plain/vitals.yaml:12:5: …`
    public var description: String {
        line > 0 ? "\(file):\(line):\(column): \(message)" : "\(file): \(message)"
    }
}
