import Care
import Foundation
import Store

extension Exporter {
    /// Each daily figure, device by device and series by series, in order of time.
    private func eachFigure(_ body: (DeviceOfExport, Series, DailyFigure) throws -> Void) throws {
        let reader = disk.reader
        for device in devices {
            for series in device.series {
                for time in device.times {
                    for figure in try reader.figures(series.id.number, from: time.lowerBound, until: time.upperBound) { try body(device, series, figure) }
                }
            }
        }
    }

    func writeFiguresCSV() throws {
        add(ExportFormat.figuresHeader + "\n")
        var written: Int64 = 0
        try eachFigure { device, series, figure in
            let of = device.exported
            try line { text in
                text.add(utc: figure.from)
                text.add(",\(figure.day.iso),\([of.home, of.address, series.quantity.name, series.channel].map(csvField).joined(separator: ",")),")
                text.add(int: figure.count)
                for value in [figure.mean, figure.least, figure.most, figure.first, figure.last, figure.sum] {
                    text.add(",")
                    if figure.count > 0 { text.add(number: value) }
                }
                text.add(",")
                text.add(int: figure.times)
                text.add(",")
                if series.quantity.kind == .boolean { text.add(number: Double(figure.lasted.milliseconds) / 1_000) }
                text.add(",\(csvField(series.quantity.unit)),\(series.quantity.loinc?.code ?? "")")
                for at in [figure.firstAt, figure.lastAt, figure.upTo] {
                    text.add(",")
                    if let at { text.add(utc: at) }
                }
            }
            written += 1
        }
        count("dailyFigures", written)
    }

    func writeFiguresLines() throws {
        try eachFigure { device, series, figure in
            let of = device.exported
            func number(_ value: Double) -> JSON { figure.count > 0 ? .double(value) : .null }
            let object = JSON.object([
                "from": .string(figure.from.iso), "day": .string(figure.day.iso), "home": .string(of.home), "device": .string(of.address),
                "quantity": .string(series.quantity.name), "channel": .string(series.channel), "count": .int(figure.count), "mean": number(figure.mean),
                "least": number(figure.least), "most": number(figure.most), "first": number(figure.first), "last": number(figure.last), "sum": number(figure.sum),
                "times": .int(figure.times), "secondsTrue": series.quantity.kind == .boolean ? .double(Double(figure.lasted.milliseconds) / 1_000) : .null,
                "unit": .string(series.quantity.unit), "loinc": .optional(series.quantity.loinc?.code), "firstAt": .optional(figure.firstAt?.iso),
                "lastAt": .optional(figure.lastAt?.iso), "upTo": .optional(figure.upTo?.iso),
            ])
            try line { $0.add(object.text) }
        }
    }

    /// What was taken in from elsewhere, and what the citizen decided here, in order.
    func writeRetention() throws {
        var written: Int64 = 0
        try disk.imported(person.id, "keeping") { text in
            try line { $0.add(text) }
            written += 1
        }
        for choice in try disk.reader.keepChoices(of: person.id, all: true) {
            let say = "\(Engine.named(choice.category)): \(choice.setting.map(Engine.words) ?? "as the scheme says")"
            let object = JSON.object([
                "origin": .string(order.instance), "id": .string("k\(choice.id)"), "at": .string(choice.at.iso), "by": .string(choice.by), "say": .string(say),
                "category": .string(choice.category.rawValue), "days": choice.setting.map { .int(Int64($0.days)) } ?? .null, "then": .optional(choice.setting?.then.rawValue),
            ])
            try line { $0.add(object.text) }
            written += 1
        }
        count("retention", written)
    }
}
