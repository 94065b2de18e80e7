import Care
import Store

extension Engine {
    /// Daily figures come before the readings of their series, so that those find what was made of their days already.
    func importFigures(_ importing: Importing, key: String, _ quantityName: String, _ channel: String, _ rows: String, _ tx: StoreTurn) throws -> Reply {
        guard let quantity = Quantity(quantityName) else { return Reply(items: [.object(["new": 0, "known": 0])]) }
        let figures = try Self.figures(rows, quantity, now: now)
        if importing.isCheck { return Reply(items: [.object(["new": .int(Int64(figures.count)), "known": 0])]) }
        guard let device = try tx.reader.importedDevice(importing.person.id, key: key)?.device,
            let series = world.device(device)?.slots.first(where: { $0.quantity == quantity && $0.channel == channel })?.series
        else { throw CommandProblem.failed("A daily figure is of a device that the export does not describe: it is damaged.") }
        guard try isTheirsAlone(device, importing, tx) else { return Reply(items: [.object(["new": 0, "known": 0])]) }
        self.importing.note(now)
        var new: Int64 = 0
        for figure in figures where try tx.save(figure, series, replaces: false) { new += 1 }
        return Reply(items: [.object(["new": .int(new), "known": .int(Int64(figures.count) - new)])])
    }

    /// - Throws: a sentence when any of it cannot be.
    static func figures(_ rows: String, _ quantity: Quantity, now: Instant) throws -> [DailyFigure] {
        let dayMilliseconds: Int64 = 86_400_000
        var figures: [DailyFigure] = []
        for row in rows.utf8.split(separator: 10) {
            let fields = row.split(separator: 32).map { String(Substring($0)) }
            guard figures.count < ImportPart.readingsMax, fields.count == 13, let from = Int64(fields[0]), let day = Int64(fields[1]), let count = Int64(fields[2]),
                let times = Int64(fields[3]), let lasted = Int64(fields[4]), (0..<now.milliseconds).contains(from),
                // Nothing of a file from outside is reckoned with before its size is known.
                (0...now.milliseconds).contains(day), abs(from / dayMilliseconds - day) <= 2, (0...DailyFigure.countMax).contains(count), times >= 0, times <= count, (0...2 * dayMilliseconds).contains(lasted)
            else { throw noExport }
            var figure = DailyFigure(from: Instant(milliseconds: from), day: Day(number: day))
            (figure.count, figure.times, figure.lasted) = (count, times, Span(milliseconds: lasted))
            /// Within this day.
            func instant(_ text: String) throws -> Instant? {
                if text == "-" { return nil }
                guard let at = Int64(text), (from..<from + 2 * dayMilliseconds).contains(at), at < now.milliseconds else { throw noExport }
                return Instant(milliseconds: at)
            }
            figure.upTo = try instant(fields[5])
            if count > 0 {
                let numbers = fields[6...10].compactMap { Double($0) }.filter(\.isFinite)
                guard numbers.count == 5, abs(numbers[0]) <= DayFolding.valueMax * Double(count), numbers[1...].allSatisfy({ abs($0) <= DayFolding.valueMax }) else { throw noExport }
                (figure.sum, figure.least, figure.most, figure.first, figure.last) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
                guard quantity.kind == .number || numbers[1...].allSatisfy({ $0 == 0 || $0 == 1 }), figure.least <= figure.most else { throw noExport }
                (figure.firstAt, figure.lastAt) = (try instant(fields[11]), try instant(fields[12]))
                guard let first = figure.firstAt, let last = figure.lastAt, first <= last else { throw noExport }
            }
            figures.append(figure)
        }
        return figures
    }
}
