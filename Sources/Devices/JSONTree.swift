/// A JSON value as a tree, for what is read seldom and in no fixed order, such as announcements. Messages of devices are
/// read with `JSONScanner` alone, which allocates nothing.
enum JSONTree: Sendable {
    /// Members in the order of the text.
    case object([Member])
    case array([JSONTree])
    case text(String)
    case number(Double)
    case flag(Bool)
    case null

    struct Member: Sendable {
        var name: String
        var value: JSONTree
    }

    /// Values of all kinds in one tree. A list of two hundred devices has about thirty thousand.
    static let nodesMax = 500_000
    /// Bytes of the text.
    static let bytesMax = 4 * 1_024 * 1_024

    /// Why there is no tree.
    enum Failure: Error, Sendable {
        case malformed(JSONError)
        case tooManyNodes
        case tooManyBytes

        /// A sentence that holds nothing of the text.
        var reason: String {
            switch self {
            case .malformed(let error): error.reason
            case .tooManyNodes: "The message has more than \(JSONTree.nodesMax) values."
            case .tooManyBytes: "The message has more than \(JSONTree.bytesMax / 1_048_576) MiB."
            }
        }
    }

    /// Reads a text that is one JSON value, in one walk. It may be nested `JSONScanner.depthMax` deep.
    ///
    /// - Parameter skipped: Members of these names, at any depth, are checked and left out: what is bulky and not needed.
    init(_ bytes: UnsafeRawBufferPointer, skipping skipped: [String] = []) throws(Failure) {
        guard bytes.count <= Self.bytesMax else { throw .tooManyBytes }
        var reader = Reader(scanner: JSONScanner(bytes), skipped: skipped.map { Array($0.utf8) })
        self = try reader.value(depth: 0)
        do throws(JSONError) { try reader.scanner.end() } catch { throw .malformed(error) }
    }

    private struct Reader {
        var scanner: JSONScanner
        let skipped: [[UInt8]]
        var nodes = 0

        mutating func value(depth: Int) throws(Failure) -> JSONTree {
            nodes += 1
            guard nodes <= JSONTree.nodesMax else { throw .tooManyNodes }
            do throws(JSONError) {
                switch try scanner.peek() {
                case .string: return .text(try scanner.string().string)
                case .number: return .number(try scanner.number())
                case .yes:
                    try scanner.literal(.yes)
                    return .flag(true)
                case .no:
                    try scanner.literal(.no)
                    return .flag(false)
                case .null:
                    try scanner.literal(.null)
                    return .null
                case .object, .array:
                    guard depth < JSONScanner.depthMax else { throw scanner.failure(.tooDeep) }
                }
            } catch { throw .malformed(error) }
            return try peekIsObject() ? object(depth: depth) : array(depth: depth)
        }

        private mutating func peekIsObject() throws(Failure) -> Bool {
            do throws(JSONError) { return try scanner.peek() == .object } catch { throw .malformed(error) }
        }

        private mutating func object(depth: Int) throws(Failure) -> JSONTree {
            var members: [Member] = []
            var first = true
            scanner.open()
            while true {
                var name: String?
                do throws(JSONError) {
                    guard let key = try scanner.nextKey(&first) else { return .object(members) }
                    if skipped.contains(where: { key.bytes.elementsEqual($0) }) {
                        try scanner.skip(depth: depth + 1)
                    } else {
                        name = key.string
                    }
                } catch { throw .malformed(error) }
                if let name { members.append(Member(name: name, value: try value(depth: depth + 1))) }
            }
        }

        private mutating func array(depth: Int) throws(Failure) -> JSONTree {
            var elements: [JSONTree] = []
            var first = true
            scanner.open()
            while true {
                do throws(JSONError) {
                    guard try scanner.nextElement(&first) else { return .array(elements) }
                } catch { throw .malformed(error) }
                elements.append(try value(depth: depth + 1))
            }
        }
    }

    /// The member of this name; of several the last, as in most readers. Nil: there is none, or this is no object.
    subscript(name: String) -> JSONTree? { members?.last { $0.name == name }?.value }

    var members: [Member]? { if case .object(let members) = self { members } else { nil } }
    var elements: [JSONTree]? { if case .array(let elements) = self { elements } else { nil } }
    var text: String? { if case .text(let text) = self { text } else { nil } }
    var number: Double? { if case .number(let number) = self { number } else { nil } }
    var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
    var isNull: Bool { if case .null = self { true } else { false } }
}
