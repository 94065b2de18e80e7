import Care
import Foundation
import Store
import Testing

@Suite struct BackupTests {
    private func names(_ path: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    private func mode(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }
    /// Night of 21 November 2026, 03:15.
    private let night = Instant(milliseconds: 1_795_230_900_500)

    @Test func `a backup is a whole database that nobody else may read`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx in for n in 0..<5_000 { try tx.append(number(Double(n), start + .seconds(Int64(n)))) } }
        let backups = Backups(folder: folder.path, keep: 3)
        #expect(backups.list().isEmpty)
        let path = try backups.make(store.backupSource, at: night)
        #expect(path == folder.path + "/backups/caring-20261121T031500Z.sqlite")
        #expect(try mode(path) == 0o600)
        #expect(try mode(folder.path + "/backups") == 0o700)
        #expect(backups.list().map(\.path) == [path])
        #expect(backups.list().map(\.at) == [Instant(milliseconds: 1_795_230_900_000)])
        try store.turn { _ = try $0.append(number(-1, start + .days(1))) }
        try store.close()
        let copy = Folder()
        try FileManager.default.createDirectory(atPath: copy.path, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: path, toPath: copy.file)
        let other = try copy.open()
        #expect(try other.values() == (0..<5_000).map(Double.init))
        #expect(try other.read { try $0.people() }.map(\.id) == ["ada"])
        try other.close()
    }

    @Test func `the newest stay, and what a kill has left goes`() throws {
        let folder = Folder()
        let store = try folder.open()
        let backups = Backups(folder: folder.path, keep: 2)
        for n: Int64 in [2, 1, 3, 0] {
            try backups.make(store.backupSource, at: night + .hours(n))
            try Data("half".utf8).write(to: URL(fileURLWithPath: folder.path + "/backups/unfinished.sqlite"))
        }
        try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path + "/backups/notes.txt"))
        try backups.make(store.backupSource, at: night + .hours(4))
        #expect(
            try names(folder.path + "/backups") == ["caring-20261121T061500Z.sqlite", "caring-20261121T071500Z.sqlite", "notes.txt"])
        #expect(backups.list().map(\.at) == [4, 3].map { Instant(milliseconds: 1_795_230_900_000) + .hours($0) })
        try store.close()
    }

    /// The writer must not wait for a copy: everybody's messages would.
    @Test func `turns go on while a backup is made on another thread`() throws {
        final class Outcome: @unchecked Sendable {  // Written before `done` is signalled, read after it was waited for.
            var error: (any Error)?
            let done = DispatchSemaphore(value: 0)
        }
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        for burst in 0..<10 {
            try store.turn { tx in for n in 0..<20_000 { try tx.append(number(0.5, start + .seconds(Int64(burst * 20_000 + n)))) } }
        }
        let backups = Backups(folder: folder.path, keep: 1)
        var during = 0
        var value = 0.0
        // One copy can be over before the first turn is; not ten of them.
        for attempt in 0..<10 where during == 0 {
            let outcome = Outcome()
            let source = store.backupSource
            let at = night + .minutes(Int64(attempt))
            let started = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                started.signal()
                do { try backups.make(source, at: at) } catch { outcome.error = error }
                outcome.done.signal()
            }
            started.wait()
            while true {
                value += 1
                try store.turn { _ = try $0.append(number(value, start + .days(400) + .seconds(Int64(value)))) }
                if outcome.done.wait(timeout: .now()) == .success { break }
                during += 1
            }
            #expect(outcome.error == nil)
        }
        #expect(during > 0)
        print("BackupTests: \(during) turns while a backup was made")
        // The copy is of one moment: all that was there before, then some of the later ones without a gap.
        try store.close()
        let copy = Folder()
        try FileManager.default.createDirectory(atPath: copy.path, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: try #require(backups.list().first).path, toPath: copy.file)
        let other = try copy.open()
        #expect(try other.read { try $0.count("reading") } >= 200_000)
        let later = try other.read { try $0.readings([temperature()], since: start + .days(399), limit: 100_000) }.map(\.value.asNumber)
        #expect(later.reversed() == (0..<later.count).map { Double($0 + 1) })
        try other.close()
    }

    @Test func `without room there is no backup, and the older ones stay`() throws {
        guard let disk = SmallDisk(mebibytes: 4) else { return }
        let store = try Store(folder: disk.path)
        try settle(store)
        let backups = Backups(folder: disk.path, keep: 1)
        let first = try backups.make(store.backupSource, at: night)
        disk.fill()
        let error = thrown { try backups.make(store.backupSource, at: night + .hours(1)) } as? StoreError
        #expect(error?.problem == .diskFull)
        #expect(error?.description.contains("make room") == true)
        #expect(try names(disk.path + "/backups") == [(first as NSString).lastPathComponent])
        try store.close()
    }

    @Test func `a damaged database gives no backup`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx in for n in 0..<20_000 { try tx.append(number(Double(n), start + .seconds(Int64(n)))) } }
        try store.checkpoint()
        let backups = Backups(folder: folder.path, keep: 1)
        let good = try backups.make(store.backupSource, at: night)
        try store.close()
        try folder.damage()
        let again = try folder.open()
        let error = thrown { try backups.make(again.backupSource, at: night + .hours(1)) } as? StoreError
        #expect(error?.problem == .corrupt)
        #expect(backups.list().map(\.path) == [good])
        #expect(try names(folder.path + "/backups").count == 1)
        try again.close()
    }
}
