/// A property as a Homie 5 device describes it.
struct HomieProperty: Sendable {
    var datatype = ""
    var format: String?
    var unit: String?
    var isSettable = false
}

/// Homie 5's `$description`: what a device says of its nodes and their properties.
struct HomieDescription {
    /// Of one device.
    static let propertiesMax = 2_000

    struct Node: Sendable {
        var id: String
        var type: String?
        var properties: [(id: String, property: HomieProperty)] = []
    }

    private(set) var name: String?
    /// The device at the top of the tree that this one is in.
    private(set) var root: String?
    private(set) var nodes: [Node] = []
    private var version = ""
    private var propertyCount = 0
    private var json: JSONScanner

    enum Fault: Error {
        case malformed(JSONError)
        case noDescription
        case tooLarge

        var reason: String {
            switch self {
            case .malformed(let error): error.reason
            case .noDescription: "The description is not one of Homie 5."
            case .tooLarge: "The description has more than \(HomieDescription.propertiesMax) properties."
            }
        }
    }

    init(_ payload: UnsafeRawBufferPointer) throws(Fault) {
        json = JSONScanner(payload)
        do throws(JSONError) {
            if try open(depth: 0) { try readDevice() }
            try json.end()
        } catch {
            throw .malformed(error)
        }
        guard version == "5" || version.hasPrefix("5.") else { throw .noDescription }
        guard propertyCount <= Self.propertiesMax else { throw .tooLarge }
    }

    /// `a` to `z`, digits and `-`. What has another name is to be ignored, says the convention.
    static func isID(_ id: some StringProtocol) -> Bool {
        !id.isEmpty && id.utf8.count <= 128 && id.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    private mutating func readDevice() throws(JSONError) {
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "homie": version = try text(depth: 1) ?? ""
            case "name": name = try text(depth: 1)
            case "root": root = try text(depth: 1)
            case "nodes": try readNodes()
            default: try json.skip(depth: 1)
            }
        }
    }

    private mutating func readNodes() throws(JSONError) {
        nodes.removeAll()
        guard try open(depth: 1) else { return }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            var node = Node(id: key.string)
            guard try open(depth: 2) else { continue }
            var isFirstMember = true
            while let member = try json.nextKey(&isFirstMember) {
                switch member.string {
                case "type": node.type = try text(depth: 3)
                case "properties": node.properties = try properties()
                default: try json.skip(depth: 3)
                }
            }
            if Self.isID(node.id) { nodes.append(node) }
        }
    }

    private mutating func properties() throws(JSONError) -> [(id: String, property: HomieProperty)] {
        var properties: [(id: String, property: HomieProperty)] = []
        guard try open(depth: 3) else { return [] }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            let id = key.string
            var property = HomieProperty()
            guard try open(depth: 4) else { continue }
            var isFirstMember = true
            while let member = try json.nextKey(&isFirstMember) {
                switch member.string {
                case "datatype": property.datatype = try text(depth: 5) ?? ""
                case "format": property.format = try text(depth: 5)
                case "unit": property.unit = try text(depth: 5)
                case "settable":
                    property.isSettable = try json.peek() == .yes
                    try json.skip(depth: 5)
                default: try json.skip(depth: 5)
                }
            }
            propertyCount += 1
            if Self.isID(id), propertyCount <= Self.propertiesMax { properties.append((id, property)) }
        }
        return properties
    }

    private mutating func text(depth: Int) throws(JSONError) -> String? {
        if try json.peek() == .string { return try json.string().string }
        try json.skip(depth: depth)
        return nil
    }

    private mutating func open(depth: Int) throws(JSONError) -> Bool {
        guard try json.peek() == .object else {
            try json.skip(depth: depth)
            return false
        }
        json.open()
        return true
    }
}
