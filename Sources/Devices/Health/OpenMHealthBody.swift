import Care

// Open mHealth data points (https://www.openmhealth.org/documentation/), with a header or the body alone, and IEEE 1752's,
// which grew out of them.

/// A figure of a body before it is known when and of what kind it is: the fields come in any order.
private struct Figure {
    var row: HealthTable.Row
    var number: Double?
    var unit: String?
}

private struct DataPoint {
    var figures: [Figure] = []
    var time: Instant?
    /// The channel of a figure that is an average, a maximum, …
    var statistic: String?
    var denominator: String?
    /// False for a spread or a number of measurements, which are not of the quantity.
    var isOfQuantity = true
    var fault: String?
    var activity: String?
}

extension HealthReader {
    /// Of one body.
    private static let figuresMax = 64

    /// At an object: a data point, or a body alone.
    mutating func dataPoint(depth: Int) throws(JSONError) { try dataPoint(depth: depth, mayHaveBody: true) }

    private mutating func dataPoint(depth: Int, mayHaveBody: Bool) throws(JSONError) {
        var point = DataPoint()
        guard try open(depth: depth) else { return }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "body" where mayHaveBody:
                // IEEE 1752 sends a series as several bodies under one header.
                if try json.peek() == .array {
                    json.open()
                    var isFirstBody = true
                    while try json.nextElement(&isFirstBody) { try dataPoint(depth: depth + 2, mayHaveBody: false) }
                } else {
                    try dataPoint(depth: depth + 1, mayHaveBody: false)
                }
            case "effective_time_frame": point.time = try timeFrame(depth: depth + 1)
            case "descriptive_statistic", "numeric_descriptor": try statistic(&point, depth: depth + 1)
            case "descriptive_statistic_denominator", "statistic_time_denominator": try denominator(&point, depth: depth + 1)
            case "activity_name": point.activity = try text(depth: depth + 1)?.string.lowercased()
            default:
                if let row = table.measures.find(key), point.figures.count < Self.figuresMax {
                    point.figures.append(try figure(row, depth: depth + 1))
                } else {
                    try json.skip(depth: depth + 1)
                }
            }
        }
        take(point)
    }

    /// `{"value": 95, "unit": "%"}`, or a number alone.
    private mutating func figure(_ row: HealthTable.Row, depth: Int) throws(JSONError) -> Figure {
        var figure = Figure(row: row)
        if try json.peek() == .number {
            figure.number = try json.number()
            return figure
        }
        guard try open(depth: depth) else { return figure }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "value": figure.number = try number(depth: depth + 1)
            case "unit": figure.unit = try text(depth: depth + 1)?.string
            default: try json.skip(depth: depth + 1)
            }
        }
        return figure
    }

    private mutating func statistic(_ point: inout DataPoint, depth: Int) throws(JSONError) {
        guard let name = try text(depth: depth)?.string, let known = table.statistics[name] else {
            point.fault = "The Open mHealth body has a descriptive_statistic that is not known."
            return
        }
        point.statistic = known
        point.isOfQuantity = known != nil
    }

    /// `"d"`, or as a duration: `{"value": 1, "unit": "d"}`.
    private mutating func denominator(_ point: inout DataPoint, depth: Int) throws(JSONError) {
        var unit: String?
        var count = 1.0
        if try json.peek() == .object {
            json.open()
            var isFirst = true
            while let key = try json.nextKey(&isFirst) {
                switch key.string {
                case "value": count = try number(depth: depth + 1) ?? 0
                case "unit": unit = try text(depth: depth + 1)?.string
                default: try json.skip(depth: depth + 1)
                }
            }
        } else {
            unit = try text(depth: depth)?.string
        }
        guard let unit, table.denominators.contains(unit), count == 1 else {
            point.fault = "The Open mHealth body has a descriptive_statistic_denominator that is not known."
            return
        }
        point.denominator = unit
    }

    private mutating func take(_ point: DataPoint) {
        guard point.isOfQuantity, !point.figures.isEmpty else { return }
        if let fault = point.fault { return note(fault) }
        for figure in point.figures {
            if !figure.row.activities.isEmpty {
                guard let activity = point.activity, figure.row.activities.contains(where: { activity.contains($0) }) else { continue }
            }
            guard let number = figure.number else {
                note("The value of \u{201C}\(figure.row.label)\u{201D} is not a number.")
                continue
            }
            // An average is not a reading at an instant: it has a series of its own.
            var channel = figure.row.channel
            if let statistic = point.statistic {
                let whole = point.denominator.map { "\(statistic)/\($0)" } ?? statistic
                channel = channel.isEmpty ? whole : "\(channel)/\(whole)"
            }
            append(figure.row, number, unit: figure.unit, channel: channel, at: point.time)
        }
    }

    // MARK: Time

    /// Of an interval the end: a night's sleep, a count or an average is not true before it. The start would date a night
    /// before it was slept.
    private mutating func timeFrame(depth: Int) throws(JSONError) -> Instant? {
        var (instant, start, end): (Instant?, Instant?, Instant?)
        var duration: Span?
        guard try open(depth: depth) else { return nil }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "date_time": instant = try time(depth: depth + 1)
            case "time_interval":
                guard try open(depth: depth + 1) else { continue }
                var isFirstMember = true
                while let member = try json.nextKey(&isFirstMember) {
                    switch member.string {
                    case "start_date_time": start = try time(depth: depth + 2)
                    case "end_date_time": end = try time(depth: depth + 2)
                    case "duration": duration = try self.duration(depth: depth + 2)
                    default: try json.skip(depth: depth + 2)
                    }
                }
            default: try json.skip(depth: depth + 1)
            }
        }
        if let known = instant ?? end { return known }
        guard let start, let duration else { return start }
        let computed = start + duration
        return computed <= .distantFuture ? computed : start
    }

    /// At most a year: what is longer, and months, which have no length, is taken for none.
    private mutating func duration(depth: Int) throws(JSONError) -> Span? {
        var (count, unit): (Double?, String?)
        guard try open(depth: depth) else { return nil }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "value": count = try number(depth: depth + 1)
            case "unit": unit = try text(depth: depth + 1)?.string
            default: try json.skip(depth: depth + 1)
            }
        }
        let seconds: Double
        switch unit {
        case "ms": seconds = 0.001
        case "sec", "s": seconds = 1
        case "min": seconds = 60
        case "h": seconds = 3_600
        case "d": seconds = 86_400
        case "wk": seconds = 604_800
        default: return nil
        }
        guard let count, count >= 0, count * seconds <= 366 * 86_400 else { return nil }
        return .milliseconds(Int64((count * seconds * 1_000).rounded()))
    }
}
