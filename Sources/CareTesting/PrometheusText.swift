/// Prometheus' text exposition format, version 0.0.4, read strictly: what a lenient reader would pass over is an
/// error here.
public struct PrometheusText {
    public struct Sample: Hashable, Sendable {
        public var name: String
        public var labels: [String: String]
        public var value: Double
    }

    public struct Mistake: Error, CustomStringConvertible {
        public var description: String
    }

    public private(set) var samples: [Sample] = []
    /// By the name of the metric.
    public private(set) var types: [String: String] = [:]
    public private(set) var helps: [String: String] = [:]

    /// - Throws: `Mistake` with the line.
    public init(_ text: String) throws {
        guard text.unicodeScalars.last == "\n" else { throw Mistake(description: "The last line does not end.") }
        var family = ""
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            do {
                try take(line, &family)
            } catch let mistake as Mistake {
                throw Mistake(description: "\(mistake.description) In: \(line)")
            }
        }
        for (name, type) in types where type == "histogram" { try checkHistogram(name) }
    }

    /// The value of the only sample with this name and at least these labels; nil where there is none.
    public func value(_ name: String, _ labels: [String: String] = [:]) throws -> Double? {
        let found = samples.filter { $0.name == name && $0.labels.merging(labels) { $1 } == $0.labels }
        guard found.count <= 1 else { throw Mistake(description: "\(name) is there \(found.count) times.") }
        return found.first?.value
    }

    private mutating func take(_ line: Substring, _ family: inout String) throws {
        if line.hasPrefix("#") {
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
            guard words.count == 4, words[0] == "#" else { throw Mistake(description: "This is no HELP and no TYPE.") }
            let name = String(words[2])
            try check(name: name)
            // In order of their names, so that no metric comes twice.
            if name != family {
                guard family < name else { throw Mistake(description: "\(name) does not come after \(family).") }
                family = name
            }
            switch words[1] {
            case "HELP":
                guard helps[name] == nil, types[name] == nil else { throw Mistake(description: "HELP comes once, before TYPE.") }
                helps[name] = try Self.unescaped(words[3], quotes: false)
            case "TYPE":
                guard types[name] == nil else { throw Mistake(description: "TYPE comes once.") }
                guard ["counter", "gauge", "histogram", "summary", "untyped"].contains(words[3]) else { throw Mistake(description: "This is no type.") }
                types[name] = String(words[3])
            default: throw Mistake(description: "This is no HELP and no TYPE.")
            }
            return
        }
        let sample = try Self.sample(line)
        try check(name: sample.name)
        let isHistogram = types[family] == "histogram"
        let names = isHistogram ? ["_bucket", "_sum", "_count"].map { family + $0 } : [family]
        guard types[family] != nil, names.contains(sample.name) else { throw Mistake(description: "It does not belong to \(family).") }
        guard !samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) else { throw Mistake(description: "It is there twice.") }
        if types[family] == "counter", !(sample.value >= 0) { throw Mistake(description: "A counter is not below 0.") }
        samples.append(sample)
    }

    private func check(name: String) throws {
        let isFine = name.utf8.enumerated().allSatisfy { index, byte in
            (97...122).contains(byte) || (65...90).contains(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":")
                || (index > 0 && (48...57).contains(byte))
        }
        guard isFine, !name.isEmpty else { throw Mistake(description: "\(name) is no name.") }
    }

    private static func sample(_ line: Substring) throws -> Sample {
        guard let end = line.firstIndex(where: { $0 == "{" || $0 == " " }) else { throw Mistake(description: "There is no value.") }
        var labels: [String: String] = [:]
        var rest = line[end...]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                if !labels.isEmpty {
                    guard rest.first == "," else { throw Mistake(description: "There is no comma between labels.") }
                    rest = rest.dropFirst()
                }
                let name = rest.prefix { $0 != "=" }
                rest = rest.dropFirst(name.count)
                let isFine = name.utf8.enumerated().allSatisfy { index, byte in
                    (97...122).contains(byte) || (65...90).contains(byte) || byte == UInt8(ascii: "_") || (index > 0 && (48...57).contains(byte))
                }
                guard isFine, !name.isEmpty, rest.hasPrefix("=\""), labels[String(name)] == nil else { throw Mistake(description: "\(name) is no label.") }
                rest = rest.dropFirst(2)
                var value = Substring()
                var isEscaped = false
                while let c = rest.first, isEscaped || c != "\"" {
                    value.append(c)
                    isEscaped = !isEscaped && c == "\\"
                    rest = rest.dropFirst()
                }
                guard rest.first == "\"" else { throw Mistake(description: "A label does not end.") }
                rest = rest.dropFirst()
                labels[String(name)] = try unescaped(value, quotes: true)
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " " else { throw Mistake(description: "There is no value.") }
        return Sample(name: String(line[..<end]), labels: labels, value: try number(rest.dropFirst()))
    }

    private static func number(_ text: Substring) throws -> Double {
        switch text {
        case "+Inf": return .infinity
        case "-Inf": return -.infinity
        case "NaN": return .nan
        default:
            guard text.utf8.allSatisfy({ (48...57).contains($0) || "+-.e".utf8.contains($0) }), let value = Double(text) else {
                throw Mistake(description: "\(text) is no number.")
            }
            return value
        }
    }

    private static func unescaped(_ text: Substring, quotes: Bool) throws -> String {
        var out = ""
        var rest = text.unicodeScalars[...]
        while let c = rest.popFirst() {
            guard c == "\\" else {
                out.unicodeScalars.append(c)
                continue
            }
            switch rest.popFirst() {
            case "\\": out += "\\"
            case "n": out += "\n"
            case "\"" where quotes: out += "\""
            default: throw Mistake(description: "There is a backslash that escapes nothing.")
            }
        }
        return out
    }

    /// Each bucket holds those before it, the last one is +Inf and holds all, and there is one sum and one count.
    private func checkHistogram(_ name: String) throws {
        var buckets: [[String: String]: [(bound: Double, count: Double)]] = [:]
        for sample in samples where sample.name == name + "_bucket" {
            var labels = sample.labels
            guard let bound = labels.removeValue(forKey: "le") else { throw Mistake(description: "\(name) has a bucket without le.") }
            buckets[labels, default: []].append((try Self.number(bound[...]), sample.value))
        }
        let counts = samples.filter { $0.name == name + "_count" }
        let sums = samples.filter { $0.name == name + "_sum" }
        guard counts.count == buckets.count, sums.count == buckets.count else { throw Mistake(description: "\(name) lacks a sum or a count.") }
        for (labels, buckets) in buckets {
            let isAscending = zip(buckets, buckets.dropFirst()).allSatisfy { $0.bound < $1.bound && $0.count <= $1.count }
            guard isAscending, let last = buckets.last, last.bound == .infinity, last.count == counts.first(where: { $0.labels == labels })?.value,
                sums.contains(where: { $0.labels == labels })
            else { throw Mistake(description: "The buckets of \(name) do not add up.") }
        }
    }
}
