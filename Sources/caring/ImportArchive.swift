import Care
import Crypto
import Foundation
import Gateway
import Zip

/// An export that somebody gives us. Nothing of it is believed before it was verified.
final class ImportArchive {
    struct Manifest {
        var origin: String
        var exportedAt: String
        var readings: Int64
    }

    private let zip: ZipReader

    init(path: String) throws {
        var limits = ZipLimits()
        limits.membersMax = ExportFormat.File.allCases.count
        do { zip = try ZipReader(path: path, limits: limits) } catch let error as ZipProblem { throw problem(error.description) }
        for member in zip.members where ExportFormat.File(rawValue: member.name) == nil {
            throw problem("\(safeText(member.name, charactersMax: 60)) does not belong into an export: this is another kind of ZIP file.")
        }
        for file in ExportFormat.File.allCases where !file.isNew && zip.member(file.rawValue) == nil {
            throw problem("\(file.rawValue) is missing: this is no export of a Caring gateway, or not all of one.")
        }
    }

    /// Compares every file with its sum, and reads what the whole says of itself.
    func verify(_ progress: (Int64, Int64) -> Void) throws -> Manifest {
        var sums: [String: String] = [:]
        for line in String(decoding: try whole(.sums, bytesMax: 1 << 16), as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].utf8.count == 64 else { throw problem("SHA256SUMS in the ZIP file cannot be read: it was changed.") }
            sums[parts[1].trimmingCharacters(in: .whitespaces)] = String(parts[0])
        }
        let all = zip.members.reduce(Int64(0)) { $0 + Int64(clamping: $1.sizeBytes) }
        var done: Int64 = 0
        for member in zip.members where member.name != ExportFormat.File.sums.rawValue {
            var hash = SHA256()
            try read(member) { bytes in
                hash.update(data: bytes)
                done += Int64(bytes.count)
                progress(done, all)
            }
            let sum = hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            guard sums.removeValue(forKey: member.name) == sum else {
                throw problem("\(member.name) is not what SHA256SUMS says: it was changed after the export. Nothing was taken in.")
            }
        }
        return try manifest()
    }

    private func manifest() throws -> Manifest {
        let bytes = try whole(.manifest, bytesMax: 1 << 20)
        guard let json = try? JSONDecoder().decode(JSON.self, from: Data(bytes)), json["format"]?.string == ExportFormat.name,
            let version = json["formatVersion"]?.int, let origin = json["gateway"]?["instance"]?.string, let at = json["exportedAt"]?.string,
            let readings = json["counts"]?["readings"]?.int
        else { throw problem("manifest.json is not that of an export: this is another kind of ZIP file.") }
        guard version <= ExportFormat.version else {
            throw problem("The export was written by a newer gateway (format \(version)); this one understands up to \(ExportFormat.version). Bring this one up to date first.")
        }
        return Manifest(origin: origin, exportedAt: at, readings: readings)
    }

    func whole(_ file: ExportFormat.File, bytesMax: UInt64) throws -> [UInt8] {
        guard let member = zip.member(file.rawValue) else { return [] }
        guard member.sizeBytes <= bytesMax else { throw problem("\(file.rawValue) is larger than the \(bytesMax >> 10) KiB that are taken in.") }
        var bytes: [UInt8] = []
        try read(member) { bytes += $0 }
        return bytes
    }

    private func read(_ member: ZipMember, _ body: ([UInt8]) throws -> Void) throws {
        do { try zip.read(member, body) } catch let error as ZipProblem { throw problem(error.description) }
    }

    /// Exports of before some file was invented do not have it.
    func has(_ file: ExportFormat.File) -> Bool { zip.member(file.rawValue) != nil }

    /// The lines of a file, some at a time.
    func lines(_ file: ExportFormat.File) throws -> ImportLines {
        guard let member = zip.member(file.rawValue) else { throw problem("\(file.rawValue) is missing.") }
        do { return ImportLines(reader: try zip.open(member), name: file.rawValue) } catch let error as ZipProblem { throw problem(error.description) }
    }
}

/// Lines of one file, without their ends. No line is longer than a gateway writes them.
struct ImportLines {
    fileprivate let reader: ZipMemberReader
    fileprivate let name: String
    private var rest: [UInt8] = []

    fileprivate init(reader: ZipMemberReader, name: String) {
        self.reader = reader
        self.name = name
    }

    /// The next lines; nil at the end.
    mutating func next() throws -> [[UInt8]]? {
        while let piece = try pull() {
            rest += piece
            var lines: [[UInt8]] = []
            var start = 0
            while let end = rest[start...].firstIndex(of: 10) {
                lines.append(Array(rest[start..<end]))
                start = end + 1
            }
            rest.removeFirst(start)
            guard rest.count <= ExportFormat.lineBytesMax, !lines.contains(where: { $0.count > ExportFormat.lineBytesMax }) else {
                throw problem("A line of \(name) is longer than \(ExportFormat.lineBytesMax >> 10) KiB: it was not written by a gateway.")
            }
            if !lines.isEmpty { return lines }
        }
        guard rest.isEmpty else { throw problem("\(name) ends in the middle of a line.") }
        return nil
    }

    private func pull() throws -> [UInt8]? {
        do { return try reader.next() } catch let error as ZipProblem { throw problem(error.description) }
    }
}

func problem(_ sentence: String) -> GatewayProblem { GatewayProblem(sentence: sentence, mayPass: false) }
