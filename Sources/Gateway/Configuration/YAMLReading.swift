import Care
import Foundation
import Yams

/// A piece of configuration and where it stands: in a file, an environment variable or an option.
struct YAMLValue {
    var node: Node
    /// As in `ConfigurationProblem.file`.
    var source: String

    /// What stands in an environment variable or an option: text without a line.
    init(text: String, source: String) {
        node = .scalar(Node.Scalar(text))
        self.source = source
    }

    init(node: Node, source: String) {
        self.node = node
        self.source = source
    }
}

/// Reads YAML into values and keeps every mistake with its line and column.
///
/// Scalars are taken as the text they are written as, never as the type YAML 1.1 would make of them:
/// `11:00` is a time of day here and not the number 660, and `off` is not `false`.
struct YAMLReader {
    private(set) var problems: [ConfigurationProblem] = []

    static let fileBytesMax = 1_048_576
    static let listItemsMax = 500

    mutating func note(_ value: YAMLValue, _ sentence: String) {
        guard problems.count < ConfigurationProblems.countMax else { return }
        let mark = value.node.mark
        problems.append(
            ConfigurationProblem(file: value.source, line: mark?.line, column: mark?.column, sentence: sentence))
    }

    mutating func note(file: String, mark: Mark? = nil, _ sentence: String) {
        guard problems.count < ConfigurationProblems.countMax else { return }
        problems.append(
            ConfigurationProblem(file: file, line: mark?.line, column: mark?.column, sentence: sentence))
    }

    /// - Throws: what was noted, if anything was, in order of the places.
    func check() throws(ConfigurationProblems) {
        guard !problems.isEmpty else { return }
        let ordered = problems.enumerated().sorted { a, b in
            // Without a line comes first: environment and options have been read before the file's values.
            (a.element.line ?? 0, a.element.column ?? 0, a.offset)
                < (b.element.line ?? 0, b.element.column ?? 0, b.offset)
        }
        throw ConfigurationProblems(ordered.map(\.element))
    }

    /// The text of a file, at most `fileBytesMax` of UTF-8; nil, with a problem noted, when it cannot be read.
    mutating func text(ofFile path: String, shownAs shown: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            note(file: shown, "This file cannot be opened; check the path and who may read it.")
            return nil
        }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: Self.fileBytesMax + 1) ?? Data() else {
            note(file: shown, "This file cannot be read; check that it is a file and not a folder.")
            return nil
        }
        guard data.count <= Self.fileBytesMax else {
            note(file: shown, "This file is larger than 1 MiB, which no configuration needs; check the path.")
            return nil
        }
        guard let text = String(validatingUTF8: data) else {
            note(file: shown, "This file is not UTF-8 text; save it as UTF-8.")
            return nil
        }
        return text
    }

    /// The document's only node; nil for an empty document, or when it is no YAML, which is noted.
    mutating func root(of yaml: String, file: String) -> YAMLValue? {
        do {
            guard let node = try Parser(yaml: yaml, encoding: .utf8).singleRoot() else { return nil }
            return YAMLValue(node: node, source: file)
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
                note(file: file, mark: mark, "This is not YAML: \(problem); check indentation and quotes.")
            case .composer(_, let problem, let mark, _):
                note(file: file, mark: mark, "This is not YAML that can be used: \(problem).")
            case .duplicatedKeysInMapping(let keys, let context):
                let named = keys.sorted().map { "\u{201C}\(safeText($0, charactersMax: 60))\u{201D}" }
                note(
                    file: file, mark: context.mark,
                    "In what begins here \(named.joined(separator: ", ")) is there twice; keep one.")
            case .reader(let problem, _, _, _):
                note(file: file, "This is not YAML text: \(problem).")
            default:
                note(file: file, "This file cannot be read as YAML; check its syntax.")
            }
        } catch {
            note(file: file, "This file cannot be read as YAML; check its syntax.")
        }
        return nil
    }

    /// A mapping's entries in the order of the file. Anything else is noted and empty.
    mutating func entries(_ value: YAMLValue, what: String) -> [(key: String, keyValue: YAMLValue, value: YAMLValue)] {
        guard case .mapping(let mapping) = value.node else {
            note(value, "Expected \(what) as lines of the form \u{201C}key: value\u{201D}.")
            return []
        }
        guard mapping.count <= Self.listItemsMax else {
            note(value, "There are more than \(Self.listItemsMax) entries here; leave some out.")
            return []
        }
        var entries: [(key: String, keyValue: YAMLValue, value: YAMLValue)] = []
        for (key, node) in mapping {
            let keyValue = YAMLValue(node: key, source: value.source)
            guard case .scalar(let scalar) = key else {
                note(keyValue, "A key must be a plain word.")
                continue
            }
            entries.append((scalar.string, keyValue, YAMLValue(node: node, source: value.source)))
        }
        return entries
    }

    /// A mapping whose keys are known: others are noted, with the one that was probably meant.
    mutating func mapping(_ value: YAMLValue, what: String, keys: [String]) -> [String: YAMLValue] {
        var found: [String: YAMLValue] = [:]
        for entry in entries(value, what: what) {
            if keys.contains(entry.key) {
                found[entry.key] = entry.value
            } else {
                note(entry.keyValue, unknown(entry.key, "key of \(what)", among: keys))
            }
        }
        return found
    }

    /// A list; a single scalar stands for a list of one.
    mutating func list(_ value: YAMLValue, what: String) -> [YAMLValue] {
        switch value.node {
        case .sequence(let sequence):
            guard sequence.count <= Self.listItemsMax else {
                note(value, "There are more than \(Self.listItemsMax) items here; leave some out.")
                return []
            }
            return sequence.map { YAMLValue(node: $0, source: value.source) }
        case .scalar(let scalar) where !scalar.string.isEmpty: return [value]
        default:
            note(value, "Expected \(what) as a list, such as [a, b].")
            return []
        }
    }

    /// Text that is there and could not disturb a terminal.
    mutating func text(_ value: YAMLValue, _ what: String, charactersMax: Int = 1_000) -> String? {
        guard case .scalar(let scalar) = value.node, !scalar.string.isEmpty else {
            note(value, "Expected \(what) here.")
            return nil
        }
        guard scalar.string.unicodeScalars.count <= charactersMax else {
            note(value, "This is longer than \(charactersMax) characters; shorten it.")
            return nil
        }
        guard safeText(scalar.string, charactersMax: charactersMax) == scalar.string else {
            note(value, "There is a control character in this text; remove it.")
            return nil
        }
        return scalar.string
    }
}

extension String {
    /// Nil when the bytes are not UTF-8, where `String(decoding:)` would repair silently.
    fileprivate init?(validatingUTF8 data: Data) { self.init(data: data, encoding: .utf8) }
}
