import Care
import Crypto
import Foundation
import Store
import Zip

/// Writes one export, member by member, from one snapshot. It holds no more in memory than a line and a piece.
final class Exporter {
    let order: ExportOrder
    let disk: ExportReader
    private let emit: (ExportFrame) throws -> Void
    private let zip: ZipWriter

    let person: Person
    let people: [PersonID: Person]
    let circles: [CircleID: Circle]
    let zone: Zone
    private(set) var devices: [DeviceOfExport] = []
    /// How many readings there are in all, and how many of them are about health.
    private(set) var readings: (all: Int64, health: Int64) = (0, 0)

    private var sums: [(name: String, bytes: UInt64, sum: String)] = []
    private var done: Int64 = 0
    private var counts: [(String, Int64)] = []
    private var text = ByteText()
    private var hash = SHA256()
    private var memberBytes: UInt64 = 0
    private var saidAt = ContinuousClock.now

    /// Text is handed on in pieces of this size.
    private static let pieceBytes = 1 << 16
    /// At least so many bytes of text in all come of one reading, at most.
    private static let readingBytesMax: Int64 = 1_500

    init(order: ExportOrder, disk: ExportReader, emit: @escaping (ExportFrame) throws -> Void) throws {
        self.order = order
        self.disk = disk
        self.emit = emit
        let reader = disk.reader
        people = Dictionary(try reader.people().map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
        circles = Dictionary(try reader.circles().map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
        guard let person = people[order.citizen] else { throw CommandProblem.failed("There is no citizen called \(order.citizen).") }
        self.person = person
        var zones = Zones()
        let homes = try reader.homes()
        zone = homes.first { $0.id == person.home }.flatMap { zones.zone($0.zone) } ?? .utc
        let civil = Day(number: order.at.milliseconds / 86_400_000).civil
        let second = Int(order.at.milliseconds / 1_000 % 86_400)
        zip = ZipWriter(date: (civil.year, civil.month, civil.day, second / 3_600, second / 60 % 60, second % 60)) { try emit(.bytes($0)) }
        devices = try DeviceOfExport.all(of: person.id, homes, disk)
        for device in devices {
            for one in device.series {
                let count = try disk.count(one.id, device.times)
                readings.all += count
                if one.quantity.category == .health { readings.health += count }
            }
        }
    }

    func write() throws {
        try say()
        try member(.readme) { add(readme()) }
        // Only what may have 4 GiB has to say so; the tools that cannot read that are troubled by nothing else.
        let isLarge = readings.all > (4 << 30) / Self.readingBytesMax
        try member(.readingsCSV, mayBeLarge: isLarge) { try writeReadingsCSV() }
        try member(.readingsLines, mayBeLarge: isLarge) { try writeReadingsLines() }
        try member(.dailyFiguresCSV) { try writeFiguresCSV() }
        try member(.dailyFiguresLines) { try writeFiguresLines() }
        try member(.retention) { try writeRetention() }
        try member(.devices) { try writeDevices() }
        try member(.consents) { try writeConsents() }
        try member(.receipts) { try writeReceipts() }
        try member(.whoSaw) { try writeWhoSaw() }
        try member(.whoSawCSV) { try writeWhoSawCSV() }
        try member(.decisions) { try writeDecisions() }
        try member(.alerts) { try writeAlerts() }
        try member(.delegates) { try writeDelegates() }
        try member(.observations, mayBeLarge: isLarge) { try writeObservations() }
        try member(.audit) { try writeAudit() }
        try member(.manifest) { add(manifest().text + "\n") }
        let lines = sums.map { "\($0.sum)  \($0.name)\n" }.joined()
        try member(.sums) { add(lines) }
        try zip.finish()
        try emit(.end(bytes: zip.bytesWritten, sentences: sentences()))
    }

    // MARK: What the members are written with

    func add(_ more: String) { text.add(more) }

    /// One line; hands on what has become a piece.
    func line(_ write: (inout ByteText) -> Void) throws {
        write(&text)
        text.bytes.append(10)
        if text.bytes.count >= Self.pieceBytes { try handOn() }
    }

    /// Text that is no line of its own.
    func piece(_ write: (inout ByteText) -> Void) throws {
        write(&text)
        if text.bytes.count >= Self.pieceBytes { try handOn() }
    }

    /// So many readings have been written once more.
    func progress(_ count: Int64) throws {
        done += count
        if ContinuousClock.now - saidAt > .milliseconds(200) { try say() }
    }

    func count(_ what: String, _ number: Int64) { counts.append((what, number)) }

    private func say() throws {
        saidAt = .now
        try emit(.progress(done: done, of: readings.all * 2 + readings.health))
    }

    private func member(_ file: ExportFormat.File, mayBeLarge: Bool = false, _ body: () throws -> Void) throws {
        try zip.begin(file.rawValue, mayBeLarge: mayBeLarge)
        hash = SHA256()
        memberBytes = 0
        try body()
        try handOn()
        try zip.end()
        let sum = hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        sums.append((file.rawValue, memberBytes, sum))
    }

    private func handOn() throws {
        if text.bytes.isEmpty { return }
        hash.update(data: text.bytes)
        memberBytes += UInt64(text.bytes.count)
        try zip.write(text.bytes)
        text.bytes.removeAll(keepingCapacity: true)
    }

    func name(_ person: PersonID) -> String { people[person]?.name ?? person.name }

    private func manifest() -> JSON {
        .object([
            "format": .string(ExportFormat.name), "formatVersion": .int(ExportFormat.version), "exportedAt": .string(order.at.iso),
            "gateway": .object(["version": .string(GatewayVersion.text), "instance": .string(order.instance)]),
            "citizen": .object(["id": .string(person.id.name), "name": .string(person.name), "zone": .string(zone.name)]),
            "counts": .object([JSON.Member("readings", .int(readings.all)), .init("devices", .int(Int64(devices.count)))] + counts.map { .init($0.0, .int($0.1)) }),
            "files": .array(sums.map { .object(["name": .string($0.name), "bytes": .int(Int64($0.bytes)), "sha256": .string($0.sum)]) }),
        ])
    }

    private func sentences() -> [String] {
        let numbers = Dictionary(counts, uniquingKeysWith: { a, _ in a })
        var say = [
            "\(counted(Int(readings.all), "reading")) of \(counted(devices.count, "device")), \(counted(Int(numbers["consents"] ?? 0), "consent record")), "
                + "\(counted(Int(numbers["alerts"] ?? 0), "alert")) and \(counted(Int(numbers["disclosures"] ?? 0), "line")) of who saw what. README.txt in it says what each file is."
        ]
        let shared = devices.filter(\.exported.shared).map { safeText($0.exported.title ?? $0.exported.address) }
        if !shared.isEmpty {
            say.append(
                "Shared with others at the same time, so also about them: \(shared.prefix(10).joined(separator: ", "))\(shared.count > 10 ? " and \(shared.count - 10) more" : ""). Think of that before you pass it on.")
        }
        return say
    }
}
