import Care
import Foundation
import Store
import Testing

@Suite struct ActJournalTests {
    private func place() throws -> Folder {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        return folder
    }
    private func text(_ folder: Folder) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/acts.log"))) }
    private func write(_ bytes: [UInt8], _ folder: Folder) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/acts.log"))
    }
    private func body(_ n: Int) -> [UInt8] { Array("act \(n)\n\u{0} of somebody".utf8) }
    private func filled(_ count: Int) throws -> Folder {
        let folder = try place()
        let journal = try ActJournal(folder: folder.path)
        for n in 0..<count { try journal.append(body(n), at: start + .minutes(Int64(n))) }
        return folder
    }

    @Test func `acts are there after a restart, in order and as they were`() throws {
        let folder = try filled(5)
        let journal = try ActJournal(folder: folder.path)
        try journal.append([], at: start - .days(1))
        let all = try journal.acts(since: .distantPast)
        #expect(all.acts.map(\.body) == (0..<5).map(body) + [[]])
        #expect(all.acts.map(\.at) == (0..<5).map { start + .minutes(Int64($0)) } + [start - .days(1)])
        #expect(all.damaged == 0)
        #expect(try journal.acts(since: start + .minutes(3)).acts.map(\.body) == [body(3), body(4)])
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/acts.log")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }

    /// Wherever a kill cuts the last line off, the others stay and the next one is whole.
    @Test func `a last line that was cut off is passed over`() throws {
        let whole = try text(try filled(3))
        let second = try #require(whole.dropLast().lastIndex(of: 10)) + 1
        for length in second..<whole.count {
            let folder = try place()
            try write(Array(whole[..<length]), folder)
            let journal = try ActJournal(folder: folder.path)
            #expect(try journal.acts(since: .distantPast).acts.map(\.body) == [body(0), body(1)])
            try journal.append(body(9), at: start)
            let after = try journal.acts(since: .distantPast, isStrict: true)
            #expect(after.acts.map(\.body) == [body(0), body(1), body(9)])
        }
    }

    @Test func `any byte that is not as it was is noticed`() throws {
        let whole = try text(try filled(3))
        let first = try #require(whole.firstIndex(of: 10)) + 1
        let second = try #require(whole[first...].firstIndex(of: 10))
        for at in first..<second {
            let folder = try place()
            var bytes = whole
            bytes[at] ^= 1
            try write(bytes, folder)
            let journal = try ActJournal(folder: folder.path)
            let found = try journal.acts(since: .distantPast)
            #expect(found.acts.map(\.body) == [body(0), body(2)], "byte \(at)")
            #expect(found.damaged >= 1)
            let error = thrown { try journal.acts(since: .distantPast, isStrict: true) } as? StoreError
            #expect(error?.problem == .corrupt)
        }
        // The last line is one that nobody was told of.
        let folder = try place()
        var bytes = whole
        bytes[whole.count - 3] ^= 1
        try write(bytes, folder)
        let found = try ActJournal(folder: folder.path).acts(since: .distantPast, isStrict: true)
        #expect(found.acts.map(\.body) == [body(0), body(1)])
        #expect(found.damaged == 0)
    }

    @Test func `what is old goes, and the journal goes on`() throws {
        let folder = try filled(10)
        let journal = try ActJournal(folder: folder.path)
        try journal.trim(before: start + .minutes(7))
        try journal.append(body(10), at: start + .minutes(10))
        #expect(try journal.acts(since: .distantPast, isStrict: true).acts.map(\.body) == [7, 8, 9, 10].map(body))
        #expect(try ActJournal(folder: folder.path).acts(since: .distantPast).acts.map(\.body) == [7, 8, 9, 10].map(body))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["acts.log"])
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/acts.log")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }

    @Test func `at its limit the oldest acts make room`() throws {
        let folder = try place()
        let journal = try ActJournal(folder: folder.path, bytesMax: 4_096)
        for n in 0..<500 {
            try journal.append(body(n), at: start)
            #expect(try text(folder).count <= 4_096)
        }
        let kept = try journal.acts(since: .distantPast, isStrict: true).acts.map(\.body)
        #expect(kept.count > 30)
        #expect(kept == (500 - kept.count..<500).map(body))
    }

    @Test func `a full disk is said and leaves no half act`() throws {
        guard let disk = SmallDisk(mebibytes: 1) else { return }
        let journal = try ActJournal(folder: disk.path)
        try journal.append(body(1), at: start)
        disk.fill()
        let error = thrown { try journal.append([UInt8](repeating: 7, count: 100_000), at: start) } as? StoreError
        #expect(error?.problem == .diskFull)
        disk.empty()
        try journal.append(body(2), at: start)
        #expect(try journal.acts(since: .distantPast, isStrict: true).acts.map(\.body) == [body(1), body(2)])
    }
}
