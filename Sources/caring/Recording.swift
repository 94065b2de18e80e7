import CZlib
import Care
import Foundation

/// Reads a recording line by line: CSV with the header `at,topic,payload`, or JSON Lines with those keys;
/// plain or gzip, which zlib tells apart by itself.
final class Recording {
    struct Message {
        var at: Instant
        var topic: String
        var payload: [UInt8]
    }

    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    /// Longer lines are refused.
    static let lineBytesMax = 1 << 20

    private let path: String
    private let file: gzFile
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private var filled = 0
    private var position = 0
    private(set) var lineNumber = 0
    private var isCSV: Bool?
    private let sizeBytes: Int64

    init(path: String) throws {
        self.path = path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue, let file = gzopen(path, "rb") else {
            throw Problem(description: "The recording \(path) cannot be read; check its path.")
        }
        self.file = file
        gzbuffer(file, 1 << 18)
        sizeBytes = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64) ?? 0
    }

    deinit { gzclose(file) }

    /// How much of the file has been read, 0 … 1.
    var progress: Double { sizeBytes > 0 ? min(1, Double(gzoffset(file)) / Double(sizeBytes)) : 1 }

    /// The next message; nil at the end.
    func next() throws -> Message? {
        while let line = try nextLine() {
            if line.isEmpty { continue }
            if isCSV == nil {
                isCSV = line.first != UInt8(ascii: "{")
                if isCSV == true {
                    guard String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces) == "at,topic,payload" else {
                        throw Problem(description: "\(path):1: A recording begins with the line at,topic,payload, or holds one JSON object a line.")
                    }
                    continue
                }
            }
            return isCSV == true ? try csv(line) : try json(line)
        }
        return nil
    }

    private func nextLine() throws -> [UInt8]? {
        var line: [UInt8] = []
        while true {
            if position == filled {
                let read = buffer.withUnsafeMutableBytes { gzread(file, $0.baseAddress, UInt32($0.count)) }
                guard read >= 0 else { throw Problem(description: "\(path): The file is damaged after line \(lineNumber).") }
                (filled, position) = (Int(read), 0)
                if read == 0 {
                    if line.isEmpty { return nil }
                    lineNumber += 1
                    return line
                }
            }
            let rest = buffer[position..<filled]
            if let end = rest.firstIndex(of: 10) {
                line.append(contentsOf: buffer[position..<end])
                position = end + 1
                lineNumber += 1
                if line.last == 13 { line.removeLast() }
                return line
            }
            line.append(contentsOf: rest)
            position = filled
            guard line.count <= Self.lineBytesMax else { throw problem("is longer than \(Self.lineBytesMax) bytes") }
        }
    }

    private func problem(_ what: String) -> Problem { Problem(description: "\(path):\(lineNumber): This line \(what).") }

    /// `at,topic,payload` with RFC 4180 quotes. The payload is the rest of the line where it is not quoted, so
    /// that JSON may stand there as it is.
    private func csv(_ line: [UInt8]) throws -> Message {
        var position = 0
        let at = try field(line, &position, isLast: false)
        let topic = try field(line, &position, isLast: false)
        let payload = try field(line, &position, isLast: true)
        return try message(String(decoding: at, as: UTF8.self), String(decoding: topic, as: UTF8.self), payload)
    }

    private func field(_ line: [UInt8], _ position: inout Int, isLast: Bool) throws -> [UInt8] {
        guard position <= line.count else { throw problem("has fewer than three fields") }
        if position < line.count, line[position] == 34 {
            var value: [UInt8] = []
            var i = position + 1
            while i < line.count {
                if line[i] == 34 {
                    if i + 1 < line.count, line[i + 1] == 34 {
                        value.append(34)
                        i += 2
                        continue
                    }
                    position = i + 2
                    return value
                }
                value.append(line[i])
                i += 1
            }
            throw problem("has a quote that does not end")
        }
        let end = isLast ? line.count : line[position...].firstIndex(of: 44) ?? line.count
        guard isLast || end < line.count else { throw problem("has fewer than three fields") }
        defer { position = end + 1 }
        return Array(line[position..<end])
    }

    private struct JSONLine: Decodable {
        var at: String
        var topic: String
        var payload: JSON
    }

    private func json(_ line: [UInt8]) throws -> Message {
        guard let one = try? JSONDecoder().decode(JSONLine.self, from: Data(line)) else {
            throw problem("is no JSON object with at, topic and payload")
        }
        // A payload that is no text is taken as the JSON that it was.
        let payload = one.payload.string ?? one.payload.text
        return try message(one.at, one.topic, Array(payload.utf8))
    }

    private func message(_ at: String, _ topic: String, _ payload: [UInt8]) throws -> Message {
        guard let instant = Instant(iso: at) else { throw problem("has no time like 2026-11-21T03:00:00Z") }
        guard !topic.isEmpty else { throw problem("has no topic") }
        return Message(at: instant, topic: topic, payload: payload)
    }
}
