import Care
import Foundation
import Gateway

/// Says an export to the gateway, piece by piece.
struct ImportRun {
    let connection: Connection
    let person: String?
    let delegate: String?
    let citizen: String?
    let home: String?
    let isCheck: Bool

    private var sentences: [String] = []
    private var new: (readings: Int64, figures: Int64, entries: Int64) = (0, 0, 0)
    private var known: (readings: Int64, figures: Int64, entries: Int64) = (0, 0, 0)
    private var devices = 0
    /// Rows of one series that have not been said yet.
    private var series: ReadingRow.Series?
    private var rows: [String] = []

    init(connection: Connection, person: String?, delegate: String?, citizen: String?, home: String?, isCheck: Bool) {
        self.connection = connection
        self.person = person
        self.delegate = delegate
        self.citizen = citizen
        self.home = home
        self.isCheck = isCheck
    }

    /// The gateway said no: its reply is the answer to all of it.
    private struct Refused: Error { var reply: Reply }

    private static let entryFiles: [(ExportFormat.File, String)] = [
        (.consents, "consent"), (.decisions, "decision"), (.whoSaw, "told"), (.alerts, "alert"), (.delegates, "delegate"), (.retention, "keeping"),
    ]

    /// - Parameter progress: how many of how many readings.
    mutating func run(_ archive: ImportArchive, _ manifest: ImportArchive.Manifest, _ progress: (Int64, Int64) -> Void) async throws -> Reply {
        do {
            let described = try devices(archive)
            devices = described.count
            try await say(.begin(origin: manifest.origin, exportedAt: manifest.exportedAt, readings: manifest.readings, devices: Int64(devices)))
            for text in described { sentences += try await say(.device(text)).say }
            if archive.has(.dailyFiguresCSV) { try await sayFigures(archive) }
            try await sayReadings(archive) { progress($0, manifest.readings) }
            for (file, kind) in Self.entryFiles where archive.has(file) { try await sayEntries(archive, file, kind) }
            let end = try await say(.end)
            return Reply(say: summary() + sentences + end.say, items: [item])
        } catch let refused as Refused {
            return refused.reply
        }
    }

    @discardableResult
    private func say(_ part: ImportPart) async throws -> Reply {
        let reply = try await connection.say(.dataImport(part: part, citizen: citizen, home: home, isCheck: isCheck), as: person, by: delegate).reply
        guard reply.outcome == .done else { throw Refused(reply: reply) }
        return reply
    }

    /// Each entry of `devices.json` as text.
    private func devices(_ archive: ImportArchive) throws -> [String] {
        let bytes = try archive.whole(.devices, bytesMax: ExportFormat.jsonBytesMax)
        guard let described = try? JSONDecoder().decode([ExportedDevice].self, from: Data(bytes)), described.count <= ExportFormat.devicesMax else {
            throw problem("devices.json in the ZIP file cannot be read.")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try described.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
    }

    // MARK: Readings

    private mutating func sayReadings(_ archive: ImportArchive, _ progress: (Int64) -> Void) async throws {
        var lines = try archive.lines(.readingsCSV)
        var done: Int64 = 0
        var isFirst = true
        while let batch = try lines.next() {
            for line in batch {
                if isFirst {
                    isFirst = false
                    guard line.elementsEqual(ExportFormat.csvHeader.utf8) else { throw problem("readings.csv in the ZIP file has other columns than an export.") }
                    continue
                }
                guard let row = ReadingRow(line) else { throw problem("Line \(done + 2) of readings.csv in the ZIP file cannot be read.") }
                if row.series != series || rows.count == ImportPart.readingsMax { try await sayRows() }
                series = row.series
                rows.append(row.text)
                done += 1
            }
            progress(done)
        }
        try await sayRows()
    }

    private mutating func sayRows() async throws {
        guard let series, !rows.isEmpty else { return }
        let reply = try await say(
            .readings(home: series.home, device: series.device, quantity: series.quantity, channel: series.channel, rows: rows.joined(separator: "\n")))
        rows.removeAll(keepingCapacity: true)
        new.readings += reply.items.first?["new"]?.int ?? 0
        known.readings += reply.items.first?["known"]?.int ?? 0
    }

    // MARK: Daily figures

    private mutating func sayFigures(_ archive: ImportArchive) async throws {
        var lines = try archive.lines(.dailyFiguresCSV)
        var waiting: (series: ReadingRow.Series, rows: [String])?
        var line = 0
        while let batch = try lines.next() {
            for text in batch {
                line += 1
                if line == 1 {
                    guard text.elementsEqual(ExportFormat.figuresHeader.utf8) else { throw problem("daily-figures.csv in the ZIP file has other columns than an export.") }
                    continue
                }
                guard let row = FigureRow(text) else { throw problem("Line \(line) of daily-figures.csv in the ZIP file cannot be read.") }
                if let full = waiting, full.series != row.series || full.rows.count == ImportPart.readingsMax / 2 {
                    try await sayFigures(full.series, full.rows)
                    waiting = nil
                }
                waiting = (row.series, (waiting?.rows ?? []) + [row.text])
            }
        }
        if let waiting { try await sayFigures(waiting.series, waiting.rows) }
    }

    private mutating func sayFigures(_ series: ReadingRow.Series, _ rows: [String]) async throws {
        let reply = try await say(
            .figures(home: series.home, device: series.device, quantity: series.quantity, channel: series.channel, rows: rows.joined(separator: "\n")))
        new.figures += reply.items.first?["new"]?.int ?? 0
        known.figures += reply.items.first?["known"]?.int ?? 0
    }

    // MARK: Entries

    private mutating func sayEntries(_ archive: ImportArchive, _ file: ExportFormat.File, _ kind: String) async throws {
        var lines = try archive.lines(file)
        var waiting: [String] = []
        var bytes = 0
        while let batch = try lines.next() {
            for line in batch {
                if waiting.count == ImportPart.entriesMax || bytes + line.count > ImportPart.entriesBytesMax { try await sayLines(&waiting, &bytes, kind) }
                waiting.append(String(decoding: line, as: UTF8.self))
                // In a command each of its quotation marks takes two bytes.
                bytes += line.count + line.count { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
            }
        }
        try await sayLines(&waiting, &bytes, kind)
    }

    private mutating func sayLines(_ waiting: inout [String], _ bytes: inout Int, _ kind: String) async throws {
        if waiting.isEmpty { return }
        let reply = try await say(.entries(kind: kind, lines: waiting))
        new.entries += reply.items.first?["new"]?.int ?? 0
        known.entries += reply.items.first?["known"]?.int ?? 0
        waiting.removeAll()
        bytes = 0
    }

    // MARK: The end

    private func summary() -> [String] {
        let what = "\(new.readings) readings and \(new.figures) daily figures of \(devices) devices and \(new.entries) entries (consents, decisions, who saw what, alerts)"
        var say = [isCheck ? "Would be taken in: \(what). Nothing was changed." : "Taken in: \(what). Alerts among them are over."]
        if known.readings + known.figures + known.entries > 0 {
            say.append("\(known.readings) readings, \(known.figures) daily figures and \(known.entries) entries were here already, as they are or in a daily figure.")
        }
        return say
    }

    private var item: JSON {
        .object([
            "check": .bool(isCheck), "devices": .int(Int64(devices)), "readings": .int(new.readings), "dailyFigures": .int(new.figures), "entries": .int(new.entries),
            "readingsKnown": .int(known.readings), "dailyFiguresKnown": .int(known.figures), "entriesKnown": .int(known.entries),
        ])
    }
}

/// One line of `readings.csv`, as the gateway wants it.
struct ReadingRow {
    struct Series: Hashable {
        var home: String
        var device: String
        var quantity: String
        var channel: String
    }

    var series: Series
    var text: String

    /// Nil where it is none.
    init?(_ line: [UInt8]) {
        guard let fields = Self.fields(line), fields.count == 12, let at = Instant(iso: fields[0]), let place = Int64(fields[11]) else { return nil }
        series = Series(home: fields[2], device: fields[3], quantity: fields[4], channel: fields[5])
        let value: String
        switch fields[6] {
        case "yes", "happened": value = "1"
        case "no": value = "0"
        default:
            guard let number = Double(fields[6]), number.isFinite else { return nil }
            value = fields[6]
        }
        let source: String
        switch fields[9] {
        case "device": source = "d"
        case "arrival", "queued": source = "a"
        default: return nil
        }
        text = "\(at.milliseconds) \(place) \(source) \(value)"
        if !fields[10].isEmpty {
            guard let earliest = Instant(iso: fields[10]) else { return nil }
            text += " \(earliest.milliseconds)"
        }
    }

    /// RFC 4180, without line breaks in fields; the apostrophe that keeps a spreadsheet from calculating goes.
    static func fields(_ line: [UInt8]) -> [String]? {
        var fields: [String] = []
        var position = 0
        while position <= line.count {
            var field: [UInt8] = []
            if position < line.count, line[position] == UInt8(ascii: "\"") {
                position += 1
                while true {
                    guard position < line.count else { return nil }
                    if line[position] == UInt8(ascii: "\"") {
                        position += 1
                        guard position < line.count, line[position] == UInt8(ascii: "\"") else { break }
                    }
                    field.append(line[position])
                    position += 1
                }
                guard position == line.count || line[position] == UInt8(ascii: ",") else { return nil }
            } else {
                let end = line[position...].firstIndex(of: UInt8(ascii: ",")) ?? line.count
                field = Array(line[position..<end])
                position = end
            }
            position += 1
            fields.append(plain(field))
        }
        return fields
    }

    private static func plain(_ field: [UInt8]) -> String {
        let isGuarded = field.count > 1 && field[0] == UInt8(ascii: "'") && "=+-@'\t\r".utf8.contains(field[1])
        return String(decoding: isGuarded ? field.dropFirst() : field[...], as: UTF8.self)
    }
}

/// One line of `daily-figures.csv`, as the gateway wants it.
struct FigureRow {
    var series: ReadingRow.Series
    var text: String

    /// Nil where it is none.
    init?(_ line: [UInt8]) {
        guard let f = ReadingRow.fields(line), f.count == 20, let from = Instant(iso: f[0]), let day = Day(iso: f[1]), let count = Int64(f[6]), let times = Int64(f[13])
        else { return nil }
        series = ReadingRow.Series(home: f[2], device: f[3], quantity: f[4], channel: f[5])
        var lasted: Int64 = 0
        if !f[14].isEmpty {
            guard let seconds = Double(f[14]), (0...1e6).contains(seconds) else { return nil }
            lasted = Int64((seconds * 1_000).rounded())
        }
        func milliseconds(_ text: String) -> String? {
            if text.isEmpty { return "-" }
            return Instant(iso: text).map { String($0.milliseconds) }
        }
        guard let upTo = milliseconds(f[19]), let first = milliseconds(f[17]), let last = milliseconds(f[18]) else { return nil }
        let numbers = [f[12], f[8], f[9], f[10], f[11]]
        guard count == 0 || numbers.allSatisfy({ Double($0) != nil }) else { return nil }
        text = ([String(from.milliseconds), String(day.number), String(count), String(times), String(lasted), upTo] + (count == 0 ? Array(repeating: "-", count: 5) : numbers) + [first, last])
            .joined(separator: " ")
    }
}
