import Care
import Foundation
import Store

extension Engine {
    /// Makes room for a device's past: with a device that this citizen has here already, or as one that is out of use.
    func importDevice(_ importing: Importing, _ text: String, _ tx: StoreTurn) throws -> Reply {
        guard text.utf8.count <= ImportPart.entryBytesMax, let described = try? JSONDecoder().decode(ExportedDevice.self, from: Data(text.utf8)),
            isUsable(described)
        else { throw Self.noExport }
        let claims = try described.claims.map { claim in
            guard let from = Instant(iso: claim.from), let until = claim.until.map({ Instant(iso: $0) }) ?? now, from < until else { throw Self.noExport }
            return (from: from, until: min(until, now))
        }
        var device: Device
        let place: Place
        if let known = try tx.reader.importedDevice(importing.person.id, key: described.key), let state = world.device(known.device) {
            (device, place) = (state.device, .known)
            guard try isTheirsAlone(device.id, importing, tx) else {
                return Reply(
                    say: ["\(safeText(device.address)) has become somebody else's here: what the export has of it stays out, except for what was taken in before."],
                    items: [checked(described, device)])
            }
            if !importing.isCheck, known.original != text {
                try tx.updateImported(importing.person.id, key: described.key, original: try Self.together(known.original, described))
            }
        } else {
            (device, place) = try self.place(described, importing, from: claims.map(\.from).min() ?? now, tx)
            if importing.isCheck { return Reply(say: place.sentence(described.address, device.address).map { [$0] } ?? [], items: [checked(described, device)]) }
            if place != .own {
                device = Device(
                    id: DeviceID(Int32(truncatingIfNeeded: try tx.next("device"))), home: device.home, address: device.address, convention: device.convention,
                    expected: nil, citizens: [], claimedAt: device.claimedAt)
                (device.identity, device.title, device.model) = (freeIdentity(described, importing.home), described.title, described.model)
                // Out of use: not shown and not waited for, until somebody claims it here.
                device.retiredAt = now
                try tx.save(device)
                world.put(device)
                forgetTopics(of: importing.home)
            }
            try tx.saveImported(device.id, citizen: importing.person.id, key: described.key, original: text, isOwn: place == .own)
        }
        if !importing.isCheck {
            for claim in claims where claim.from < claim.until {
                try tx.claimPast(device.id, citizen: importing.person.id, by: "import: \(importing.by)", from: claim.from, until: claim.until)
            }
            for one in described.series { try importSeries(one, device, tx) }
        }
        return Reply(say: place.sentence(described.address, device.address).map { [$0] } ?? [], items: [checked(described, device)])
    }

    /// How a device is described by two exports together; the newer one's words, and what only the older one has.
    private static func together(_ older: String, _ newer: ExportedDevice) throws -> String {
        var both = newer
        if let older = try? JSONDecoder().decode(ExportedDevice.self, from: Data(older.utf8)) {
            both.shared = both.shared || older.shared
            // One that has ended has not begun again.
            both.claims = newer.claims.map { claim in claim.until != nil ? claim : older.claims.first { $0.from == claim.from && $0.until != nil } ?? claim }
            both.claims += older.claims.filter { claim in !newer.claims.contains { $0.from == claim.from } }
            both.series += older.series.filter { one in !newer.series.contains { $0.quantity == one.quantity && $0.channel == one.channel } }
            both.claims.sort { $0.from < $1.from }
            both.series.sort { ($0.quantity, $0.channel) < ($1.quantity, $1.channel) }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(both), as: UTF8.self)
    }

    private enum Place {
        /// This import, or an earlier one, made it.
        case known
        /// This citizen has it here, and nobody else ever had.
        case own
        case new
        /// Somebody else has or had something of this name here.
        case renamed

        func sentence(_ address: String, _ here: String) -> String? {
            switch self {
            case .known, .new: nil
            case .own: "\(safeText(address)) is here already: its past is added to it."
            case .renamed: "\(safeText(address)) is the name of something else here: its past is kept as \(safeText(here))."
            }
        }
    }

    private func checked(_ described: ExportedDevice, _ device: Device) -> JSON {
        .object(["device": .string(described.address), "here": .string(device.address), "shared": .bool(described.shared)])
    }

    /// Never with a device that was ever somebody else's: what is added to it would be read as theirs.
    private func place(_ described: ExportedDevice, _ importing: Importing, from: Instant, _ tx: StoreTurn) throws -> (Device, Place) {
        func mayAdd(_ device: Device) throws -> Bool {
            try device.convention == described.convention && isTheirsAlone(device.id, importing, tx) && tx.reader.wasClaimedHere(device.id)
        }
        let same = described.identity.flatMap { world.device(importing.home, identity: $0)?.device } ?? world.device(importing.home, described.address)?.device
        if let same, try mayAdd(same), same.identity == nil || described.identity == nil || same.identity == described.identity { return (same, .own) }
        guard world.devices(of: importing.home).count < configuration.limits.devicesPerHomeMax else {
            throw CommandProblem.failed("\(importing.home) has as many devices as a home may have (devicesPerHomeMax, \(configuration.limits.devicesPerHomeMax)).")
        }
        var address = described.address
        var n = 1
        while world.device(importing.home, address) != nil {
            address = n == 1 ? "imported/\(described.address)" : "imported/\(n)/\(described.address)"
            n += 1
        }
        let device = Device(
            id: DeviceID(0), home: importing.home, address: address, convention: described.convention, expected: nil, citizens: [], claimedAt: from)
        return (device, n == 1 ? .new : .renamed)
    }

    /// What is added to a device is read by everybody whose it is at that time.
    func isTheirsAlone(_ device: DeviceID, _ importing: Importing, _ tx: StoreTurn) throws -> Bool {
        try tx.reader.everClaimed(device).allSatisfy { $0 == importing.person.id }
    }

    private func freeIdentity(_ described: ExportedDevice, _ home: HomeID) -> String? {
        described.identity.flatMap { world.device(home, identity: $0) == nil ? $0 : nil }
    }

    /// A quantity that this version does not know has no place; what is of it stays in the file.
    private func importSeries(_ one: ExportedDevice.SeriesOfIt, _ device: Device, _ tx: StoreTurn) throws {
        guard let quantity = Quantity(one.quantity), let addedAt = Instant(iso: one.addedAt) else { return }
        let index = Int(device.id.number)
        let slots = world.devices[index]?.slots ?? []
        if slots.contains(where: { $0.quantity == quantity && $0.channel == one.channel }) { return }
        guard slots.count < configuration.limits.seriesPerDeviceMax else {
            throw CommandProblem.failed("\(safeText(device.address)) has more quantities than a device may have (seriesPerDeviceMax, \(configuration.limits.seriesPerDeviceMax)).")
        }
        let series = Series(
            id: SeriesID(Int32(truncatingIfNeeded: try tx.next("series"))), device: device.id, quantity: quantity, channel: one.channel, addedAt: addedAt)
        try tx.save(series)
        world.devices[index]?.slots.append(SeriesSlot(quantity: quantity, channel: one.channel, series: series.id))
        world.series.ensure(count: Int(series.id.number) + 1, default: nil)
        world.series[Int(series.id.number)] = series
        // One that nobody has is watched by nothing.
        guard !device.citizens.isEmpty else { return }
        world.detectors.addSeries(series.id, device: device.id, quantity: quantity, at: now, into: &output)
        try takeOver(tx)
    }

    private func isUsable(_ device: ExportedDevice) -> Bool {
        func fits(_ text: String, _ bytesMax: Int) -> Bool { !text.isEmpty && text.utf8.count <= bytesMax && !text.unicodeScalars.contains { $0.value < 0x20 } }
        return isUsableName(device.home) && fits(device.zone, 64) && fits(device.address, 512) && fits(device.convention, 100)
            && (device.title.map { fits($0, Self.titleBytesMax) } ?? true) && (device.model.map { fits($0, 512) } ?? true)
            && (device.identity.map { fits($0, 512) } ?? true) && device.claims.count <= 1_000 && device.series.count <= 1_000
            && device.series.allSatisfy { fits($0.quantity, 100) && $0.channel.utf8.count <= 512 }
    }
}
