import Foundation
import Testing

@testable import Gateway

/// What was being taken when a process ended is found by the next one.
@Suite struct UnderwayTests {
    private func folder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-underway-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func `what was noted and not cleared is found once`() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            let first = try #require(Underway(folder: folder))
            #expect(first.found == nil)
            first.note(packetID: 7, hash: 0xFEED)
            first.note(packetID: 65_535, hash: .max)
        }
        do {
            let second = try #require(Underway(folder: folder))
            #expect(second.found?.packetID == 65_535 && second.found?.hash == .max)
        }
        let third = try #require(Underway(folder: folder))
        #expect(third.found == nil)
        third.note(packetID: 7, hash: 1)
        third.clear()
        #expect(try #require(Underway(folder: folder)).found == nil)
        let rights = try FileManager.default.attributesOfItem(atPath: folder + "/underway")[.posixPermissions] as? Int
        #expect(rights == 0o600)
    }

    @Test func `without a folder there is none`() {
        #expect(Underway(folder: "/nonexistent/folder") == nil)
    }
}
