import Care
import Foundation
import Store

/// A device of an export, with where its readings are.
struct DeviceOfExport {
    var exported: ExportedDevice
    var zone: Zone
    /// In order of quantity and channel.
    var series: [Series]
    /// When it was this citizen's, in order, without overlaps: no reading of another time is theirs.
    var times: [Range<Instant>]
    /// It came from elsewhere, so this gateway's own times away say nothing about it.
    var isImported: Bool

    /// In an order that depends on nothing but what they are called, so that another gateway writes the same.
    static func all(of citizen: PersonID, _ homes: [Home], _ disk: ExportReader) throws -> [DeviceOfExport] {
        var zones = Zones()
        let zoneNames = Dictionary(homes.map { ($0.id, $0.zone) }, uniquingKeysWith: { a, _ in a })
        var all: [DeviceOfExport] = []
        for claimed in try disk.devicesEverOf(citizen) {
            let device = claimed.device
            let claims = try disk.reader.claims(device.id, citizen)
            let series = try disk.series(of: device.id).sorted { ($0.quantity.name, $0.channel) < ($1.quantity.name, $1.channel) }
            var exported: ExportedDevice
            if let original = claimed.original {
                exported = try JSONDecoder().decode(ExportedDevice.self, from: Data(original.utf8))
            } else {
                exported = ExportedDevice(
                    home: device.home.name, zone: zoneNames[device.home] ?? "UTC", address: device.address, title: device.title,
                    convention: device.convention, model: device.model, identity: device.identity, expectedSeconds: device.expected?.secondsRoundedUp,
                    shared: try disk.isShared(device.id, citizen),
                    claims: claims.map { .init(from: $0.from.iso, until: $0.until == .distantFuture ? nil : $0.until.iso) },
                    series: series.map {
                        .init(
                            quantity: $0.quantity.name, channel: $0.channel, category: $0.quantity.category.rawValue, words: $0.quantity.words,
                            unit: $0.quantity.unit, loinc: $0.quantity.loinc?.code, addedAt: $0.addedAt.iso)
                    })
            }
            all.append(
                DeviceOfExport(
                    exported: exported, zone: zones.zone(exported.zone) ?? .utc, series: series, times: union(claims),
                    isImported: claimed.original != nil))
        }
        all.sort { ($0.exported.home, $0.exported.address) < ($1.exported.home, $1.exported.address) }
        // Two gateways may have had a device of the same name: a line of an export has to mean one of them.
        var taken: Set<String> = []
        for i in all.indices {
            let address = all[i].exported.address
            var n = 2
            while !taken.insert(all[i].exported.key).inserted {
                all[i].exported.address = "\(address) (\(n))"
                n += 1
            }
        }
        return all
    }

    static func union(_ claims: [(from: Instant, until: Instant)]) -> [Range<Instant>] {
        var times: [Range<Instant>] = []
        for claim in claims.sorted(by: { $0.from < $1.from }) where claim.from < claim.until {
            if let last = times.last, claim.from <= last.upperBound {
                times[times.count - 1] = last.lowerBound..<max(last.upperBound, claim.until)
            } else {
                times.append(claim.from..<claim.until)
            }
        }
        return times
    }
}

/// When what the gateway dated itself had waited at the broker, as `reading list` says it.
struct QueuedTimes {
    private let backlogs: [(from: Instant, until: Instant, earliest: Instant)]
    /// The latest end of each and all before it.
    private var latest: [Instant] = []

    init(_ reader: StoreReader) throws {
        backlogs = try reader.backlogs(since: .distantPast)
            .filter { $0.connectedAt - $0.lastContactAt >= Line.queuedAfter }
            .map { ($0.connectedAt, $0.caughtUpAt ?? .distantFuture, $0.lastContactAt) }
        for one in backlogs { latest.append(max(latest.last ?? one.until, one.until)) }
    }

    /// When it was observed at the earliest; nil: it came as it happened.
    func earliest(_ at: Instant) -> Instant? {
        var (low, high) = (0, backlogs.count)
        while low < high {
            let middle = (low + high) / 2
            if backlogs[middle].from <= at { low = middle + 1 } else { high = middle }
        }
        var i = low - 1
        while i >= 0, at <= latest[i] {
            if at <= backlogs[i].until { return backlogs[i].earliest }
            i -= 1
        }
        return nil
    }
}

extension Exporter {
    func writeDevices() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        add("[\n")
        for (n, device) in devices.enumerated() {
            let entry = String(decoding: try encoder.encode(device.exported), as: UTF8.self)
            try line { $0.add(entry + (n + 1 < devices.count ? "," : "")) }
        }
        add("]\n")
    }
}
