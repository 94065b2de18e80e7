import Care
import Foundation
import GRDB
import Store
import Testing

@Suite struct RecoveryTests {
    private let now = start + .days(30)

    /// A folder with readings 0…19 999 and a backup at `start` that has them, and reading -1 that came after it.
    private func settled(backups keep: Int = 3) throws -> (Folder, Backups) {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx in
            for n in 0..<20_000 { try tx.append(number(Double(n), start + .seconds(Int64(n)))) }
            try tx.appendAcknowledged(upTo: 3, entries: [1, 2, 3], keep: 100)
            try tx.noteEarly(packetID: 1, hash: 2)
            for counter in ["alert", "device"] { try tx.setCounter(counter, 7) }
        }
        let backups = Backups(folder: folder.path, keep: keep)
        try backups.make(store.backupSource, at: start)
        try store.turn { _ = try $0.append(number(-1, start + .days(1))) }
        try store.checkpoint()
        try store.close()
        return (folder, backups)
    }
    private func open(_ folder: Folder, _ backups: Backups) throws -> (store: Store, recovered: Recovered?) {
        try Store.openRecovering(folder: folder.path, backups: backups, now: now) { store in
            #expect(try store.read { try $0.homes() }.count <= 1)
            _ = try store.values()
        }
    }
    private func names(_ folder: Folder) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    /// Without the log and its index, which SQLite leaves or removes as it likes.
    private func mainNames(_ folder: Folder) throws -> [String] { try names(folder).filter { !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") } }
    private func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
    private func move(_ from: String, _ to: String) throws { try FileManager.default.moveItem(atPath: from, toPath: to) }

    @Test func `a new folder becomes a database, a sound one stays as it is`() throws {
        let empty = Folder()
        let made = try open(empty, Backups(folder: empty.path, keep: 1))
        #expect(made.recovered == nil)
        try settle(made.store)
        try made.store.close()
        let (folder, backups) = try settled()
        let sound = try open(folder, backups)
        #expect(sound.recovered == nil)
        #expect(try sound.store.values().last == -1)
        #expect(try sound.store.read { try $0.acknowledged() }.upTo == 3)
        try sound.store.close()
        #expect(try mainNames(folder) == ["backups", "caring.sqlite"])
    }

    @Test func `a damaged database is set aside and the newest backup takes its place`() throws {
        let (folder, backups) = try settled()
        try folder.damage()
        let damaged = try contents(folder.file)
        var seen: [String] = []
        let (store, recovered) = try Store.openRecovering(folder: folder.path, backups: backups, now: now) {
            _ = try $0.values()
            seen.append($0.path)
        }
        #expect(seen == [folder.file], "What the caller loads is of the store that it gets.")
        #expect(recovered?.backupAt == start)
        #expect(recovered?.brokenFile == folder.file + ".broken-20261219T000000Z")
        #expect(recovered?.detail.contains("malformed") == true)
        #expect(try contents(try #require(recovered?.brokenFile)) == damaged)
        #expect(try store.values() == (0..<20_000).map(Double.init))
        #expect(try store.writerSettings().journal == "wal")
        #expect((try FileManager.default.attributesOfItem(atPath: folder.file)[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        // What was acknowledged since the backup is not known any more, so nothing may pass for it.
        #expect(try store.read { try $0.acknowledged() }.entries.isEmpty)
        #expect(try store.read { try $0.early() }.isEmpty)
        // An alert's number that was given out since the backup is not given again.
        #expect(try store.read { try $0.counter("alert") } == 10_007)
        #expect(try store.read { try $0.counter("device") } == 7)
        try store.close()
        // A kill before the caller has dealt with it: the next start says it again, until it is dealt with.
        let again = try open(folder, backups)
        #expect(again.recovered == recovered)
        try again.store.turn { try $0.forgetRecovered() }
        try again.store.close()
        let last = try open(folder, backups)
        #expect(last.recovered == nil)
        try last.store.close()
    }

    @Test func `a backup that is damaged itself is passed over`() throws {
        let (folder, backups) = try settled()
        let good = try #require(backups.list().first).path
        func beside(_ hour: Int) -> String { folder.path + "/backups/caring-20261120T0\(hour)0000Z.sqlite" }
        try FileManager.default.copyItem(atPath: good, toPath: beside(1))
        try FileManager.default.copyItem(atPath: good, toPath: beside(2))
        try folder.damage()
        try Data(repeating: 0x5A, count: 9_000).write(to: URL(fileURLWithPath: beside(2)))
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: beside(1)))
        try handle.seek(toOffset: 262_144)
        try handle.write(contentsOf: Data(repeating: 0x5A, count: 65_536))
        try handle.close()
        // Another program's database, and one with nothing in it.
        let other = try DatabaseQueue(path: beside(3))
        try other.write { try $0.execute(sql: "CREATE TABLE cat (x)") }
        try other.close()
        try Data().write(to: URL(fileURLWithPath: beside(4)))
        #expect(backups.list().count == 5)
        let (store, recovered) = try open(folder, backups)
        #expect(recovered?.backupAt == start)
        #expect(try store.values().count == 20_000)
        try store.close()
    }

    @Test(arguments: [false, true])
    func `without a good backup nothing is changed, and a sentence says what to do`(hasBadBackup: Bool) throws {
        let (folder, backups) = try settled()
        let backup = try #require(backups.list().first).path
        if hasBadBackup {
            try Data(repeating: 0x5A, count: 9_000).write(to: URL(fileURLWithPath: backup))
        } else {
            try FileManager.default.removeItem(atPath: backup)
        }
        try folder.damage()
        let before = try names(folder)
        let damaged = try contents(folder.file)
        for _ in 0..<2 {
            let error = thrown { try open(folder, backups) } as? StoreError
            #expect(error?.problem == .corrupt)
            #expect(error?.description.contains("is damaged and there is no good backup of it; nothing was changed.") == true)
            #expect(error?.description.contains("to start empty") == true)
            #expect(try names(folder) == before)
            #expect(try contents(folder.file) == damaged)
        }
    }

    @Test func `what a run met is looked for at the next start`() throws {
        let (folder, backups) = try settled()
        Store.markBroken(folder: folder.path)
        // Nothing is damaged after all.
        let sound = try open(folder, backups)
        #expect(sound.recovered == nil)
        try sound.store.close()
        #expect(try mainNames(folder) == ["backups", "caring.sqlite"])
        try folder.damage()
        // This start reads nothing of what is damaged.
        let unaware = try Store.openRecovering(folder: folder.path, backups: backups, now: now) { _ in }
        #expect(unaware.recovered == nil)
        try unaware.store.close()
        Store.markBroken(folder: folder.path)
        let (store, recovered) = try Store.openRecovering(folder: folder.path, backups: backups, now: now) { _ in }
        #expect(recovered?.backupAt == start)
        #expect(try store.values().count == 20_000)
        try store.close()
        #expect(try !names(folder).contains("broken"))
    }

    @Test func `a database that is gone is never taken for a new one`() throws {
        // Beside a backup: it takes the place, also of a file of no bytes.
        for isEmpty in [false, true] {
            let (folder, backups) = try settled()
            try FileManager.default.removeItem(atPath: folder.file)
            if isEmpty { #expect(FileManager.default.createFile(atPath: folder.file, contents: nil)) }
            let (store, recovered) = try open(folder, backups)
            #expect(recovered?.backupAt == start)
            #expect(recovered?.brokenFile.isEmpty == !isEmpty)
            #expect(try store.values().count == 20_000)
            try store.close()
        }
        // Beside a broken file alone, and beside a log alone: refused.
        for name in ["caring.sqlite.broken-20261218T000000Z", "caring.sqlite-wal"] {
            let folder = Folder()
            try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
            try Data("something".utf8).write(to: URL(fileURLWithPath: folder.path + "/" + name))
            let error = thrown { try open(folder, Backups(folder: folder.path, keep: 1)) } as? StoreError
            #expect(error?.problem == .corrupt)
            #expect(try names(folder) == [name])
        }
    }

    /// The states in which a kill can leave the folder, one after the other.
    @Test func `a recovery that was cut off is gone on with`() throws {
        let aside = ".broken-20261218T000000Z"
        for step in 0..<3 {
            let (folder, backups) = try settled()
            try folder.damage()
            let damaged = try contents(folder.file)
            try Data("log".utf8).write(to: URL(fileURLWithPath: folder.file + "-wal"))
            try Data("half".utf8).write(to: URL(fileURLWithPath: folder.file + ".restoring"))
            if step > 0 { try move(folder.file, folder.file + aside) }
            if step > 1 { try move(folder.file + "-wal", folder.file + aside + "-wal") }
            let (store, recovered) = try open(folder, backups)
            #expect(recovered?.backupAt == start, "step \(step)")
            #expect(try store.values().count == 20_000, "step \(step)")
            try store.close()
            let broken = try #require(recovered?.brokenFile)
            #expect(try contents(broken) == damaged, "step \(step)")
            if step > 0 {
                #expect(broken == folder.file + aside)
                #expect(try contents(broken + "-wal") == Data("log".utf8), "The log stays with the file that it belongs to.")
            }
            #expect(try !names(folder).contains { $0.hasSuffix(".restoring") })
        }
    }

    @Test func `what is wrong for another reason is passed on and changes nothing`() throws {
        struct Stop: Error {}
        let (folder, backups) = try settled()
        #expect(thrown { try Store.openRecovering(folder: folder.path, backups: backups, now: now) { _ in throw Stop() } } is Stop)
        #expect(try mainNames(folder) == ["backups", "caring.sqlite"])
        // And corruption that only the caller's own reading meets counts.
        var calls = 0
        let (store, recovered) = try Store.openRecovering(folder: folder.path, backups: backups, now: now) { _ in
            calls += 1
            if calls == 1 { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        }
        #expect(recovered != nil)
        #expect(calls == 2)
        try store.close()
    }

    @Test func `where the backup finds no room, nothing is changed`() throws {
        guard let disk = SmallDisk(mebibytes: 5) else { return }
        let (folder, _) = try settled()
        for name in ["backups", "caring.sqlite"] { try FileManager.default.copyItem(atPath: folder.path + "/" + name, toPath: disk.path + "/" + name) }
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: disk.path + "/caring.sqlite"))
        try handle.write(contentsOf: Data(repeating: 0x5A, count: 65_536))
        try handle.close()
        disk.fill()
        let before = try FileManager.default.contentsOfDirectory(atPath: disk.path).sorted()
        func open() throws -> (store: Store, recovered: Recovered?) {
            try Store.openRecovering(folder: disk.path, backups: Backups(folder: disk.path, keep: 3), now: now) { _ in }
        }
        let error = thrown { try open() } as? StoreError
        #expect(error?.problem == .diskFull)
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).sorted() == before)
        disk.empty()
        let (store, recovered) = try open()
        #expect(recovered?.backupAt == start)
        try store.close()
    }

    @Test func `only so many broken files are kept`() throws {
        let (folder, backups) = try settled()
        for n in 0..<5 {
            try folder.damage(from: 0)
            let (store, _) = try Store.openRecovering(folder: folder.path, backups: backups, now: now + .hours(Int64(n / 2))) { _ in }
            try store.close()
        }
        #expect(
            try names(folder).filter { $0.contains("broken") } == [
                "caring.sqlite.broken-20261219T010000Z", "caring.sqlite.broken-20261219T010000Z-2", "caring.sqlite.broken-20261219T020000Z",
            ])
    }

    @Test func `no number is given twice, whatever counters the backup knows, and however often it is taken up`() throws {
        let (folder, backups) = try settled()
        var given: Set<Int64> = []
        var told: Set<Int64> = []
        for n in 1...3 {
            try folder.damage()
            let (store, recovered) = try open(folder, backups)
            #expect(recovered != nil)
            try store.turn { tx in
                // `alert` has a row in the backup, the others have none.
                for counter in ["alert", "pseudonym", "pause", "consent", "notice", "a counter of a later version"] {
                    #expect(try tx.next(counter) > 10_000 * Int64(n))
                }
                #expect(try given.insert(tx.next("pause")).inserted)
                #expect(try tx.reader.counter("offer") == 1_000_000 * Int64(n))
                let device = try tx.next("device")
                #expect(device < 100, "Memory is laid out by these.")
                try tx.append(
                    Disclosure(
                        at: start, citizen: "ada", recipient: "tom", alert: nil, notice: nil, decision: nil, data: "x", detail: .alert, stage: nil, state: .sent))
            }
            let rows = try folder.numbers("SELECT n FROM disclosure")
            #expect(rows.allSatisfy { told.insert($0).inserted }, "\(rows)")
            try store.close()
        }
        #expect(try contents(folder.path + "/restores") == Data("3\n".utf8))
        // What stands there by mistake stops nothing.
        try Data("many".utf8).write(to: URL(fileURLWithPath: folder.path + "/restores"))
        try folder.damage()
        try open(folder, backups).store.close()
    }
}
