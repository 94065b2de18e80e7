import Care
import Store

extension Exporter {
    /// Each reading, device by device and series by series, in order of time.
    private func eachReading(_ body: (DeviceOfExport, Series, ReadingCursor.One, _ earliest: Instant?) throws -> Void) throws {
        let queued = try QueuedTimes(disk.reader)
        for device in devices {
            for series in device.series {
                let cursor = try disk.readings(series.id, device.times)
                var written: Int64 = 0
                while let one = try cursor.next() {
                    let earliest = one.key.source == .device ? nil : one.earliest ?? (device.isImported ? nil : queued.earliest(one.key.at))
                    try body(device, series, one, earliest)
                    written += 1
                    if written == 4_096 {
                        try progress(written)
                        written = 0
                    }
                }
                try progress(written)
            }
        }
    }

    func writeReadingsCSV() throws {
        add(ExportFormat.csvHeader + "\n")
        var (before, behind): ([UInt8], [UInt8]) = ([], [])
        var last: SeriesID?
        try eachReading { device, series, one, earliest in
            if last != series.id {
                last = series.id
                let of = device.exported
                before = Array(",\([of.home, of.address, series.quantity.name, series.channel].map(csvField).joined(separator: ",")),".utf8)
                behind = Array(",\(csvField(series.quantity.unit)),\(series.quantity.loinc?.code ?? ""),".utf8)
            }
            try line { text in
                text.add(utc: one.key.at)
                text.add(",")
                if let offset = device.zone.offsetSeconds(at: one.key.at) { text.add(one.key.at, offsetSeconds: offset) }
                text.add(before)
                switch series.quantity.kind {
                case .number: text.add(number: one.value)
                case .boolean: text.add(one.value != 0 ? "yes" : "no")
                case .event: text.add("happened")
                }
                text.add(behind)
                text.add(one.key.source == .device ? "device" : earliest == nil ? "arrival" : "queued")
                text.add(",")
                if let earliest { text.add(utc: earliest) }
                text.add(",")
                text.add(int: one.key.ordinal)
            }
        }
    }

    func writeReadingsLines() throws {
        var (before, behind): ([UInt8], [UInt8]) = ([], [])
        var last: SeriesID?
        try eachReading { device, series, one, earliest in
            if last != series.id {
                last = series.id
                let of = device.exported
                before = Array(
                    ",\"home\":\(JSON.string(of.home).text),\"device\":\(JSON.string(of.address).text),\"quantity\":\"\(series.quantity.name)\",\"channel\":\(JSON.string(series.channel).text),\"value\":"
                        .utf8)
                behind = Array(
                    ",\"unit\":\(JSON.string(series.quantity.unit).text)\(series.quantity.loinc.map { ",\"loinc\":\"\($0.code)\"" } ?? ""),\"timeSource\":\"".utf8)
            }
            try line { text in
                text.add("{\"at\":\"")
                text.add(utc: one.key.at)
                if let offset = device.zone.offsetSeconds(at: one.key.at) {
                    text.add("\",\"atHome\":\"")
                    text.add(one.key.at, offsetSeconds: offset)
                }
                text.add("\"")
                text.add(before)
                if series.quantity.kind == .number { text.add(number: one.value) } else { text.add(one.value != 0 ? "true" : "false") }
                text.add(behind)
                text.add(one.key.source == .device ? "device\"" : earliest == nil ? "arrival\"" : "queued\"")
                if let earliest {
                    text.add(",\"earliest\":\"")
                    text.add(utc: earliest)
                    text.add("\"")
                }
                if one.key.ordinal > 0 {
                    text.add(",\"place\":")
                    text.add(int: one.key.ordinal)
                }
                text.add("}")
            }
        }
    }
}
