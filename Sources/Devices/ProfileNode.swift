import Care
import Yams

/// A place in a profile file. Every complaint about it carries its line and column.
///
/// Scalars are read as the text that stands in the file, never as YAML's types: `ON`, `no` and `null` are
/// words that devices send, and YAML 1.1 would turn them into something else.
struct ProfileNode {
    let file: String
    let node: Node

    /// Larger files are refused: a profile is short.
    static let fileBytesMax = 256 * 1_024

    private init(file: String, node: Node) {
        self.file = file
        self.node = node
    }

    /// The one document of a file. Nil when there is nothing but comments.
    static func parse(_ text: String, file: String) throws(ProfileError) -> ProfileNode? {
        do {
            guard let node = try Yams.compose(yaml: text) else { return nil }
            return ProfileNode(file: file, node: node)
        } catch let error as YamlError {
            throw ProfileError(error, file: file)
        } catch {
            throw ProfileError(file: file, line: 0, column: 0, message: "This is not YAML.")
        }
    }

    func error(_ message: String) -> ProfileError {
        ProfileError(file: file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, message: message)
    }

    /// The text of a scalar. `what` names it in the complaint.
    func text(_ what: String) throws(ProfileError) -> String {
        guard let scalar = node.scalar else { throw error("\(what) should be a single value.") }
        return scalar.string
    }

    func number(_ what: String) throws(ProfileError) -> Double {
        guard let number = Double(try text(what)), number.isFinite else {
            throw error("\(what) should be a number.")
        }
        return number
    }

    func flag(_ what: String) throws(ProfileError) -> Bool {
        switch try text(what) {
        case "true": return true
        case "false": return false
        default: throw error("\(what) should be true or false.")
        }
    }

    var isMapping: Bool { node.mapping != nil }

    /// The items of a list; one item that is no list counts as a list of one.
    var items: [ProfileNode] {
        guard let sequence = node.sequence else { return [self] }
        return sequence.map { ProfileNode(file: file, node: $0) }
    }

    /// Keys and values in the order of the file.
    func pairs(_ what: String) throws(ProfileError) -> [(key: ProfileNode, name: String, value: ProfileNode)]
    {
        guard let mapping = node.mapping else {
            throw error("\(what) should be a list of \u{201C}name: value\u{201D} lines.")
        }
        var pairs: [(key: ProfileNode, name: String, value: ProfileNode)] = []
        for (key, value) in mapping {
            let keyNode = ProfileNode(file: file, node: key)
            pairs.append((keyNode, try keyNode.text("A name"), ProfileNode(file: file, node: value)))
        }
        return pairs
    }

    /// A mapping of which every key is known: a typing error must not silently mean nothing.
    func fields(_ what: String, known: [String]) throws(ProfileError) -> Fields {
        var values: [String: ProfileNode] = [:]
        for (key, name, value) in try pairs(what) {
            guard known.contains(name) else {
                throw key.error(
                    "\(what) has no \u{201C}\(safeText(name, charactersMax: 40))\u{201D}. "
                        + "Known: \(known.joined(separator: ", ")).")
            }
            values[name] = value
        }
        return Fields(what: what, place: self, values: values)
    }

    struct Fields {
        let what: String
        let place: ProfileNode
        let values: [String: ProfileNode]

        subscript(name: String) -> ProfileNode? { values[name] }

        func required(_ name: String) throws(ProfileError) -> ProfileNode {
            guard let value = values[name] else {
                throw place.error("\(what) needs \u{201C}\(name)\u{201D}.")
            }
            return value
        }
    }
}

extension ProfileError {
    /// What the YAML parser says, with its place.
    init(_ error: YamlError, file: String) {
        let (line, column): (Int, Int)
        let message: String
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (line, column) = (mark.line, mark.column)
            message = "This is not YAML: \(problem)."
        case .duplicatedKeysInMapping(let duplicates, let context):
            (line, column) = (context.mark.line, context.mark.column)
            let names = duplicates.sorted().joined(separator: ", ")
            message = "The same name is used twice: \(safeText(names))."
        default:
            (line, column) = (0, 0)
            message = "This is not YAML."
        }
        self.init(file: file, line: line, column: column, message: message)
    }
}
