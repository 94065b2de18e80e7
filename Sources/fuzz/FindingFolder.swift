import Foundation

/// Where findings are kept: a case as JSON, which `Tests/DevicesTests/Findings/` takes, and beside it what is wrong.
struct FindingFolder {
    enum Kind: String, CaseIterable {
        case crash, endless, slow, memory, rule
    }

    /// More of one run are the same few things again.
    static let findingsMax = 20

    let path: String

    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Keeps the first of each kind.
    ///
    /// - Parameters:
    ///   - key: what tells two of a kind apart. Nil: the sentence.
    ///   - details: for whoever looks for the fault.
    func keep(_ one: Case, _ kind: Kind, _ sentence: String, key: String? = nil, details: String = "") {
        let file = "\(path)/\(kind.rawValue)-\(Self.hash(key ?? sentence))"
        guard !FileManager.default.fileExists(atPath: file + ".txt"), all.count < Self.findingsMax else { return }
        do {
            try one.write(file + ".json")
            try Data("\(sentence)\n\(details)".utf8).write(to: URL(fileURLWithPath: file + ".txt"))
        } catch {
            FileHandle.standardError.write(Data("\(file) could not be written: \(error)\n".utf8))
        }
    }

    struct Finding {
        var file: String
        var kind: Kind
        var sentence: String
    }

    /// By name, so that the order is always the same.
    var all: [Finding] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().compactMap { name in
            guard let kind = Kind(rawValue: String(name.prefix { $0 != "-" })), let text = try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
            else { return nil }
            return Finding(file: "\(path)/\(name.dropLast(4)).json", kind: kind, sentence: String(text.prefix { $0 != "\n" }))
        }
    }

    /// FNV-1a. Swift's own hashes differ from process to process.
    private static func hash(_ text: String) -> String {
        var h: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { h = (h ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(h >> 32, radix: 16)
    }
}
