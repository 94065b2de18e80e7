import Care
import Foundation
import Store
import Testing

@Suite struct WriterTests {
    /// 2 is FULL: a commit is on disk before a message is acknowledged. GRDB sets NORMAL while it turns WAL on.
    @Test func `every commit of the writer is flushed`() throws {
        let folder = Folder()
        let store = try folder.open()
        var settings = try store.writerSettings()
        #expect(settings.synchronous == 2)
        #expect(settings.journal == "wal")
        #expect(settings.foreignKeys)
        // Also after turns, and in a folder that is there already.
        try settle(store)
        try store.close()
        let again = try folder.open()
        settings = try again.writerSettings()
        #expect(settings.synchronous == 2)
        try again.close()
    }

    @Test func `nobody else may read the files`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + name)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
        }
        try store.close()
    }

    @Test func `a turn that fails leaves nothing, and the next one is sound`() throws {
        struct Stop: Error {}
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        let reading = Reading(series: SeriesID(1), at: start, source: .arrival, value: .boolean(true))
        try store.turn { _ = try $0.append(reading) }
        #expect(throws: Stop.self) {
            try store.turn { tx in
                _ = try tx.next("alert")
                _ = try tx.append(reading)
                _ = try tx.append(Reading(series: SeriesID(1), at: start + .hours(1), source: .device, value: .boolean(true)))
                try tx.setMeta("heartbeat", "1")
                throw Stop()
            }
        }
        #expect(try store.read { try $0.count("reading") } == 1)
        #expect(try store.read { try $0.counter("alert") } == 0)
        #expect(try store.read { try $0.meta("heartbeat") } == nil)
        // What the store remembered of the turn that failed is forgotten, too: this one was never kept.
        let isNew = try store.turn { try $0.append(Reading(series: SeriesID(1), at: start + .hours(1), source: .device, value: .boolean(true))) }
        #expect(isNew)
        #expect(try store.turn { try $0.next("alert") } == 1)
        try store.close()
    }

    /// The constraint is looked at only when the transaction is committed: it is the commit itself that fails.
    @Test func `a commit that fails leaves nothing`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try folder.run(
            """
            CREATE TABLE parent (id INTEGER PRIMARY KEY);
            CREATE TABLE poison (x INTEGER REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER poisoned AFTER INSERT ON meta BEGIN INSERT INTO poison VALUES (1); END;
            """)
        #expect(throws: (any Error).self) { try store.turn { try $0.setMeta("heartbeat", "1") } }
        #expect(try store.read { try $0.meta("heartbeat") } == nil)
        try folder.run("DROP TRIGGER poisoned")
        try store.turn { try $0.setMeta("heartbeat", "2") }
        #expect(try store.read { try $0.meta("heartbeat") } == "2")
        try store.close()
    }

    @Test func `a row that refers to nothing is refused`() throws {
        let folder = Folder()
        let store = try folder.open()
        #expect(throws: (any Error).self) {
            try store.turn { try $0.append(HistoryEntry(at: start, what: .raised, person: nil, text: nil), to: AlertID(9)) }
        }
        try store.close()
    }

    @Test func `a file that is no database is refused with a sentence`() throws {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        try Data(repeating: 120, count: 8_192).write(to: URL(fileURLWithPath: folder.file))
        let error = #expect(throws: StoreError.self) { try folder.open() }
        #expect(error?.description.contains("cannot be opened") == true)
    }
}
