import Care
import Foundation
import GRDB
import Store
import Testing

/// A data folder of its own, gone when the test is.
final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("caring-store-\(UUID().uuidString)").path
    var file: String { path + "/caring.sqlite" }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open() throws -> Store { try Store(folder: path) }

    /// SQL from outside, as another program would write it.
    func run(_ sql: String) throws {
        let other = try DatabaseQueue(path: file)
        try other.write { try $0.execute(sql: sql) }
        try other.close()
    }

    func numbers(_ sql: String) throws -> [Int64] {
        let other = try DatabaseQueue(path: file)
        defer { try? other.close() }
        return try other.read { try Int64.fetchAll($0, sql: sql) }
    }

    /// Makes nonsense of every page from there on, as a bad disk would. What a start reads lies before that, unless
    /// `offset` says otherwise.
    func damage(from offset: UInt64 = 589_824) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
        let end = try handle.seekToEnd()
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: Data(repeating: 0x5A, count: Int(end - offset)))
        try handle.close()
    }

    func bytes() throws -> Int64 {
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        return (attributes[.size] as? NSNumber)?.int64Value ?? 0
    }
}

let start = Instant(milliseconds: 1_795_046_400_000)

/// A home, a citizen and a device, which readings and consents refer to.
func settle(_ store: Store) throws {
    try store.turn { tx in
        try tx.save(Home(id: "elm-3", circle: nil, zone: "UTC", address: "3 Elm Road", position: nil, addedAt: start))
        try tx.save(Person(id: "ada", kind: .citizen, name: "Ada Brown", home: "elm-3", addedAt: start))
        try tx.save(
            Device(
                id: DeviceID(1), home: "elm-3", address: "motion/kitchen", convention: "plain", expected: nil, citizens: ["ada"],
                claimedAt: start))
    }
}

/// A series of numbers of the device that `settle` has made.
func temperature(_ id: Int32 = 1) throws -> Series {
    Series(id: SeriesID(id), device: DeviceID(1), quantity: try #require(Quantity("temperature")), channel: "", addedAt: start)
}

func number(_ value: Double, _ at: Instant, _ source: TimeSource = .arrival, series: Int32 = 1) -> Reading {
    Reading(series: SeriesID(series), at: at, source: source, value: .number(value))
}

extension Store {
    /// What is on disk of one series, oldest first.
    func values(_ series: Int32 = 1) throws -> [Double] {
        try read { try $0.readings([temperature(series)], since: .distantPast, limit: 100_000) }.reversed().map(\.value.asNumber)
    }
}

/// A file system of its own, so small that it can be filled; nil where this user may not mount one.
final class SmallDisk {
    let path: String

    init?(mebibytes: Int) {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("caring-small-\(UUID().uuidString)").path
        guard mkdir(path, 0o700) == 0 else { return nil }
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
            print("SmallDisk: skipped, this user may not mount a file system (errno \(errno)).")
            rmdir(path)
            return nil
        }
    }

    /// Writes until nothing more fits.
    func fill() {
        let file = open(path + "/filler", O_WRONLY | O_CREAT, 0o600)
        for size in [65_536, 4_096, 1] {
            let zeros = [UInt8](repeating: 0, count: size)
            while write(file, zeros, size) > 0 {}
        }
        close(file)
    }
    func empty() { unlink(path + "/filler") }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }
}

/// What `body` throws; nil when it does not.
func thrown<T>(_ body: () throws -> T) -> (any Error)? {
    do {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
