import Foundation
import Testing

@testable import Zip

/// Writes a ZIP file of these members and gives its place.
func write(_ members: [(name: String, bytes: [UInt8])], large: Bool = false) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("zip-\(UUID().uuidString).zip").path
    var all: [UInt8] = []
    let zip = ZipWriter(date: (2026, 11, 21, 9, 30, 0)) { all += $0 }
    for member in members {
        try zip.begin(member.name, mayBeLarge: large)
        for start in stride(from: 0, to: member.bytes.count, by: 10_000) { try zip.write(Array(member.bytes[start..<min(start + 10_000, member.bytes.count)])) }
        try zip.end()
    }
    try zip.finish()
    #expect(zip.bytesWritten == UInt64(all.count))
    try Data(all).write(to: URL(fileURLWithPath: path))
    return path
}

func bytes(of name: String, in path: String, _ limits: ZipLimits = ZipLimits()) throws -> [UInt8] {
    let zip = try ZipReader(path: path, limits: limits)
    var bytes: [UInt8] = []
    try zip.read(try #require(zip.member(name))) { bytes += $0 }
    return bytes
}

func run(_ program: String, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}

@Suite struct ZipTests {
    static let text = Array(String(repeating: "2026-11-21T09:30:00Z,heart_rate,72,/min\n", count: 20_000).utf8)
    static let noise: [UInt8] = (0..<200_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }

    @Test(arguments: [false, true]) func `what is written is read, by us and by others`(large: Bool) throws {
        let path = try write([("README.txt", Array("Grüße".utf8)), ("a/long.csv", Self.text), ("noise", Self.noise), ("empty", [])], large: large)
        defer { unlink(path) }
        #expect(try bytes(of: "README.txt", in: path) == Array("Grüße".utf8))
        #expect(try bytes(of: "a/long.csv", in: path) == Self.text)
        #expect(try bytes(of: "noise", in: path) == Self.noise)
        #expect(try bytes(of: "empty", in: path) == [])
        if FileManager.default.isExecutableFile(atPath: "/usr/bin/unzip") { #expect(try run("/usr/bin/unzip", ["-t", path]) == 0) }
        let python = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; assert z.read('README.txt').decode()=='Gr\\u00fc\\u00dfe'"
        #expect(try run("/usr/bin/python3", ["-c", python, path]) == 0)
    }

    @Test func `more members than sixteen bits count need ZIP64, which others read`() throws {
        let path = try write((0..<66_000).map { ("\($0)", []) })
        defer { unlink(path) }
        var limits = ZipLimits()
        limits.membersMax = 70_000
        #expect(try ZipReader(path: path, limits: limits).members.count == 66_000)
        #expect(try run("/usr/bin/python3", ["-c", "import sys,zipfile; assert len(zipfile.ZipFile(sys.argv[1]).namelist())==66000", path]) == 0)
        #expect(throws: ZipProblem.self) { try ZipReader(path: path) }
    }

    @Test func `a file that was cut off or changed anywhere is never taken for whole`() throws {
        let path = try write([("one", Array(Self.noise.prefix(3_000))), ("two", Array("hello".utf8))])
        defer { unlink(path) }
        let good = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        func passesForAnother(_ bytes: [UInt8]) throws -> Bool {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            guard let zip = try? ZipReader(path: path), zip.members.map(\.name) == ["one", "two"] else { return false }
            var contents: [[UInt8]] = []
            for member in zip.members {
                var bytes: [UInt8] = []
                do { try zip.read(member) { bytes += $0 } } catch { return false }
                contents.append(bytes)
            }
            // Dates, modes and versions may change; what is in it may not.
            return contents != [Array(Self.noise.prefix(3_000)), Array("hello".utf8)]
        }
        for length in stride(from: 0, to: good.count, by: 97) { #expect(try !passesForAnother(Array(good[..<length])), "cut off at \(length)") }
        for place in good.indices where place % 13 == 0 || place > good.count - 200 {
            var bad = good
            bad[place] ^= 0x41
            #expect(try !passesForAnother(bad), "changed at \(place)")
        }
    }

    @Test func `bombs and names that lead out of it are refused before anything is read`() throws {
        let bomb = try write([("bomb", [UInt8](repeating: 0, count: 8 << 20))])
        defer { unlink(bomb) }
        #expect(throws: ZipProblem.self) { try ZipReader(path: bomb) }
        for name in ["../x", "/etc/passwd", "a/../../b", "a\\b", "a//b", "", ".", "x\u{1}", String(repeating: "x", count: 300)] {
            let path = try write([(name, [1])])
            defer { unlink(path) }
            #expect(throws: ZipProblem.self, "\(name)") { try ZipReader(path: path) }
        }
        let twice = try write([("x", [1]), ("x", [2])])
        defer { unlink(twice) }
        #expect(throws: ZipProblem.self) { try ZipReader(path: twice) }
    }

    /// Two entries of the list that mean the same bytes: how a small file becomes a huge one without any ratio.
    @Test func `members that share bytes are refused`() throws {
        let path = try write([("aa", Array(Self.noise.prefix(500))), ("bb", Array(Self.noise.prefix(500)))])
        defer { unlink(path) }
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let second = try #require((0..<bytes.count - 4).last { Array(bytes[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2] })
        for i in 42..<46 { bytes[second + i] = 0 }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(throws: ZipProblem.self) { try ZipReader(path: path) }
    }
}
