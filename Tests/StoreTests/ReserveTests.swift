import Care
import Foundation
import Store
import Testing

@Suite struct ReserveTests {
    private let size: Int64 = 3 << 20

    @Test func `room is really taken, and given back at once`() throws {
        guard let disk = SmallDisk(mebibytes: 8) else { return }
        let free = try #require(Reserve.freeBytes(folder: disk.path))
        let reserve = Reserve(folder: disk.path, bytes: size)
        #expect(!reserve.isHeld)
        #expect(reserve.hold())
        #expect(reserve.isHeld)
        #expect(reserve.hold(), "Again changes nothing.")
        #expect(try #require(Reserve.freeBytes(folder: disk.path)) <= free - size)
        let attributes = try FileManager.default.attributesOfItem(atPath: disk.path + "/reserve")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        // Another start finds it.
        #expect(Reserve(folder: disk.path, bytes: size).isHeld)
        reserve.release()
        #expect(!reserve.isHeld)
        #expect(Reserve.freeBytes(folder: disk.path) == free)
    }

    @Test func `where little room is left, nothing is taken`() throws {
        guard let disk = SmallDisk(mebibytes: 5) else { return }
        #expect(!Reserve(folder: disk.path, bytes: size).hold())
        #expect(!FileManager.default.fileExists(atPath: disk.path + "/reserve"))
    }

    @Test func `on a full disk, its release lets a turn be kept`() throws {
        guard let disk = SmallDisk(mebibytes: 8) else { return }
        let reserve = Reserve(folder: disk.path, bytes: size)
        #expect(reserve.hold())
        let store = try Store(folder: disk.path)
        try settle(store)
        disk.fill()
        func burst(_ n: Int) throws {
            try store.turn { tx in for i in 0..<10_000 { try tx.append(number(Double(i), start + .seconds(Int64(n * 10_000 + i)))) } }
        }
        #expect(thrown { try burst(0) }.flatMap { StoreProblem($0) } == .diskFull)
        reserve.release()
        try burst(0)
        #expect(try store.values().count == 10_000)
        #expect(!reserve.hold(), "It is made again only when there is room.")
        disk.empty()
        #expect(reserve.hold())
        try store.close()
    }

    @Test func `a file that only looks like a reserve is made anew`() throws {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let reserve = Reserve(folder: folder.path, bytes: size)
        // All of its size and nothing of its room, as a copy of the folder may leave it; and one of another size.
        for length in [size, size / 2, size * 2] {
            #expect(FileManager.default.createFile(atPath: folder.path + "/reserve", contents: nil))
            #expect(truncate(folder.path + "/reserve", off_t(length)) == 0)
            #expect(!reserve.isHeld)
            #expect(reserve.hold())
            #expect(reserve.isHeld)
        }
        let none = Reserve(folder: folder.path, bytes: 0)
        #expect(!none.hold())
        #expect(!none.isHeld)
        #expect(Reserve.freeBytes(folder: "/nowhere/at/all") == nil)
    }
}
