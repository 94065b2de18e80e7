import Care
import Foundation
import Store

/// Takes in an export, piece by piece, each in a turn of its own. Nothing is remembered between two pieces, so it may be
/// broken off anywhere and begun again.
extension Engine {
    /// Entries that one citizen may have from elsewhere.
    static var importedEntriesMax: Int64 { 2_000_000 }

    func dataImport(_ part: ImportPart, _ name: String?, _ homeName: String?, isCheck: Bool, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(name, actor)
        guard let home = person.home, world.homes[home] != nil else { throw CommandProblem.failed("\(person.id) lives in no home that is known.") }
        if let homeName, HomeID(homeName) != home { throw CommandProblem.failed("\(person.id) does not live in \(safeText(homeName)).") }
        let importing = Importing(person: person, home: home, isCheck: isCheck, by: actor.inLog)
        switch part {
        case .begin(let origin, let exportedAt, _, _): return try importBegin(importing, origin, exportedAt, tx)
        case .device(let text): return try importDevice(importing, text, tx)
        case .readings(let home, let device, let quantity, let channel, let rows):
            return try importReadings(importing, key: "\(home)\u{1F}\(device)", quantity, channel, rows, tx)
        case .figures(let home, let device, let quantity, let channel, let rows):
            return try importFigures(importing, key: "\(home)\u{1F}\(device)", quantity, channel, rows, tx)
        case .entries(let kind, let lines): return try importEntries(importing, kind, lines, tx)
        case .end:
            if !isCheck {
                self.importing.end()
                (nextSweep, sweepFrom) = (.distantPast, nil)
            }
            return Reply(say: [
                "What is older than it is to be kept here goes at once: \(keepSentence(of: person.id)). caring data keep changes that.",
                "What was permitted and refused there is kept as the past and is not in force: caring data past --kind consent shows it, and each is given again with caring consent grant.",
                "Names of helpers, circles and services from there mean nobody here.",
            ])
        }
    }

    struct Importing {
        var person: Person
        var home: HomeID
        var isCheck: Bool
        var by: String
    }

    private func importBegin(_ importing: Importing, _ origin: String, _ exportedAt: String, _ tx: StoreTurn) throws -> Reply {
        guard isOrigin(origin), let at = Instant(iso: exportedAt) else { throw Self.noExport }
        // A device is theirs until now at the latest: what is dated later would belong to nobody.
        guard at <= now else {
            throw CommandProblem.failed("The export was made later than now, by this gateway's clock: wait until then, or set the clock of this machine right.")
        }
        let own = try instance(tx)
        return Reply(items: [.object(["gateway": .string(own), "isOwn": .bool(own == origin)])])
    }

    static var noExport: CommandProblem { .failed("This is no export that this gateway understands: see that both gateways are of the same version.") }

    private func isOrigin(_ text: String) -> Bool { (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) } }

    // MARK: Readings

    private func importReadings(_ importing: Importing, key: String, _ quantityName: String, _ channel: String, _ rows: String, _ tx: StoreTurn) throws -> Reply {
        guard let quantity = Quantity(quantityName) else { return Reply(items: [.object(["new": 0, "known": 0])]) }
        let readings = try Self.read(rows, quantity, now: now)
        if importing.isCheck { return Reply(items: [.object(["new": .int(Int64(readings.count)), "known": 0])]) }
        guard let device = try tx.reader.importedDevice(importing.person.id, key: key)?.device,
            let series = world.device(device)?.slots.first(where: { $0.quantity == quantity && $0.channel == channel })?.series
        else { throw CommandProblem.failed("A reading is of a device that the export does not describe: it is damaged.") }
        guard try isTheirsAlone(device, importing, tx) else { return Reply(items: [.object(["new": 0, "known": 0])]) }
        self.importing.note(now)
        let new = try tx.insert(imported: readings, series: series)
        return Reply(items: [.object(["new": .int(Int64(new)), "known": .int(Int64(readings.count - new))])])
    }

    /// - Throws: a sentence when any of it cannot be.
    static func read(_ rows: String, _ quantity: Quantity, now: Instant) throws -> [ImportedReading] {
        var readings: [ImportedReading] = []
        for row in rows.utf8.split(separator: 10) {
            let fields = row.split(separator: 32).map { String(Substring($0)) }
            guard readings.count < ImportPart.readingsMax, fields.count == 4 || fields.count == 5, let at = Int64(fields[0]).map(Instant.init(milliseconds:)),
                let place = Int64(fields[1]), (0..<ReadingKey.perMillisecondMax).contains(place), fields[2] == "d" || fields[2] == "a",
                let number = Double(fields[3]), number.isFinite, Instant(milliseconds: 0) <= at, at < now
            else { throw noExport }
            guard quantity.kind == .number || number == 0 || number == 1 else { throw noExport }
            var earliest: Instant?
            if fields.count == 5 {
                guard let milliseconds = Int64(fields[4]), (0...at.milliseconds).contains(milliseconds) else { throw noExport }
                earliest = Instant(milliseconds: milliseconds)
            }
            readings.append(
                ImportedReading(
                    key: ReadingKey(at: at, source: fields[2] == "d" ? .device : .arrival, ordinal: place),
                    value: quantity.kind == .number ? .number(number) : .boolean(number != 0), earliest: earliest))
        }
        return readings
    }

    // MARK: Entries

    private func importEntries(_ importing: Importing, _ kind: String, _ lines: [String], _ tx: StoreTurn) throws -> Reply {
        guard ImportPart.kinds.contains(kind), lines.count <= ImportPart.entriesMax else { throw Self.noExport }
        guard try tx.reader.importedCount(importing.person.id) + Int64(lines.count) <= Self.importedEntriesMax else {
            throw CommandProblem.failed("There are more entries than the \(Self.importedEntriesMax) that one citizen may take in.")
        }
        let own = try instance(tx)
        var (new, known): (Int64, Int64) = (0, 0)
        for text in lines {
            guard text.utf8.count <= ImportPart.entryBytesMax, !text.utf8.contains(10),
                let line = try? JSONDecoder().decode(JSON.self, from: Data(text.utf8)), case .object = line,
                let origin = line["origin"]?.string, isOrigin(origin), let id = line["id"]?.string, let table = Self.table(kind, id)
            else { throw Self.noExport }
            if kind == "told", (try? JSONDecoder().decode(ToldLine.self, from: Data(text.utf8))) == nil { throw Self.noExport }
            // Back where it was written, and still there.
            let isOwn = try origin == own && tx.reader.isOwn(table, Int64(id.dropFirst()) ?? 0, of: importing.person.id)
            if importing.isCheck {
                new += isOwn ? 0 : 1
                known += isOwn ? 1 : 0
                continue
            }
            let isNew = try !isOwn && tx.saveImported(kind, citizen: importing.person.id, origin: origin, id: id, body: text, at: now)
            new += isNew ? 1 : 0
            known += isNew ? 0 : 1
        }
        return Reply(items: [.object(["new": .int(new), "known": .int(known)])])
    }

    /// Where an entry of this kind with this name would stand if it were our own; nil: no entry has such a name.
    private static func table(_ kind: String, _ id: String) -> String? {
        guard let letter = id.first, id.utf8.count <= 20, !id.dropFirst().isEmpty, id.dropFirst().utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        switch (kind, letter) {
        case ("consent", "c"): return "consent"
        case ("decision", "d"): return "decision"
        case ("keeping", "k"): return "keeping"
        case ("told", "t"): return "disclosure"
        case ("told", "o"): return "operator"
        case ("told", "s"): return "feed"
        case ("alert", "a"): return "alert"
        case ("alert", "h"): return "history"
        case ("delegate", "m"): return "mandate"
        case ("delegate", "x"): return "delegateAct"
        default: return nil
        }
    }
}
