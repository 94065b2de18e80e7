import Care
import Foundation
import GRDB
import Store

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
