import Care

// What a record means, once it is read.

extension SenMLPack {
    /// Base fields applied (§4.1), then name, time and unit understood.
    mutating func resolve(_ record: Record, into readings: inout [DecodedReading]) {
        var record = record
        // "If only one of the base value and value is present, the missing one is zero", likewise for sums.
        if let number = record.number {
            record.number = number + (base.value ?? 0)
        } else if record.valueCount == 0 {
            record.number = base.value
        }
        if record.sum != nil || base.sum != nil { record.sum = (record.sum ?? 0) + (base.sum ?? 0) }
        record.unit = record.unit ?? base.unit
        // Base fields alone, for the records that follow.
        if record.valueCount == 0, record.sum == nil { return }

        // Looked at before they are put together: a long base name would be copied for each of thousands of records.
        guard base.name.utf8.count + (record.name?.utf8.count ?? 0) <= Self.nameBytesMax else {
            return note("has a name of more than \(Self.nameBytesMax) bytes")
        }
        let name = base.name + (record.name ?? "")
        guard !name.isEmpty else { return note("has no name") }
        guard name.utf8.allSatisfy(Self.mayBeInName) else {
            return note("has a name with forbidden characters")
        }
        if record.hasData { return }
        guard let (quantity, channel) = meaning(ofName: name, record) else {
            let isKnown = record.text != nil || record.unit.map(vocabulary.isNothing) ?? false
            return isKnown ? () : note("has a name that ends in no quantity that we know")
        }
        let time: Instant?
        switch self.time(of: record) {
        case .some(let resolved): time = resolved
        case nil: return note("has a time that cannot be resolved")
        }
        emit(record, quantity, channel, time, into: &readings)
    }

    /// `a-z A-Z 0-9 - : . / _` (§4.5.1).
    private static func mayBeInName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x2D...0x3A, 0x5F: true
        default: false
        }
    }

    /// After the last `:` come the channel, if any, and behind the last `/` the quantity. A text that is the
    /// name of an event is that event, whatever the record is called.
    private func meaning(ofName name: String, _ record: Record) -> (Quantity, channel: String)? {
        let local = name[(name.lastIndex(of: ":").map { name.index(after: $0) } ?? name.startIndex)...]
        let cut = local.lastIndex(of: "/")
        let last = local[(cut.map { local.index(after: $0) } ?? local.startIndex)...]
        let channel = cut.map { String(local[..<$0]) } ?? ""
        if let text = record.text, let event = Quantity(SenMLVocabulary.normal(text)), event.kind == .event {
            return (event, channel)
        }
        if let quantity = vocabulary.quantity(named: last) { return (quantity, channel) }
        // The name says who measures, the unit what: the whole name keeps two of them apart.
        if let quantity = record.unit.flatMap(vocabulary.quantity(ofUnit:)) {
            return (quantity, String(local))
        }
        return nil
    }

    /// The outer optional is nil when the time cannot be resolved, the inner one when none is given.
    private func time(of record: Record) -> Instant?? {
        guard base.time != nil || record.time != nil else { return .some(nil) }
        let seconds = (base.time ?? 0) + (record.time ?? 0)
        // "Now" is when the message arrives, which is what the caller takes when there is no time.
        if seconds == 0 { return .some(nil) }
        let milliseconds = (seconds * 1_000).rounded()
        guard abs(milliseconds) < Double(Instant.distantFuture.milliseconds) else { return nil }
        let resolved =
            seconds < Self.relativeSecondsMax
            ? arrivedAt + .milliseconds(Int64(milliseconds)) : Instant(milliseconds: Int64(milliseconds))
        guard resolved >= .distantPast, resolved <= .distantFuture else { return nil }
        return .some(resolved)
    }

    private mutating func emit(
        _ record: Record, _ quantity: Quantity, _ channel: String, _ time: Instant?,
        into readings: inout [DecodedReading]
    ) {
        func append(_ quantity: Quantity, _ value: Value) {
            readings.append(
                DecodedReading(quantity: quantity, channel: channel, value: value, deviceTime: time))
        }
        switch quantity.kind {
        case .boolean, .event:
            let flag: Bool
            switch (record.flag, record.number, record.text) {
            case (let given?, _, _): flag = given
            case (_, let number?, _) where number == 0 || number == 1: flag = number == 1
            case (_, _?, _): return note("should be true or false, or 1 or 0")
            case (_, _, let text?):
                guard quantity.kind == .event else { return }
                // The event by its name was told apart above: any other word could mean that it is over.
                guard Quantity(SenMLVocabulary.normal(text))?.kind == .event else {
                    return note("is an event whose text names none")
                }
                flag = true
            default: return
            }
            if quantity.kind == .boolean || flag { append(quantity, .boolean(flag)) }
        case .number:
            if record.flag != nil { return note("is true or false where a number was expected") }
            guard record.number != nil || record.sum != nil else { return }
            let isCount = quantity.unit.hasPrefix("{")
            guard let unit = record.unit ?? (isCount ? quantity.unit : nil) else {
                return note("has no unit")
            }
            guard let conversion = Conversion(from: unit, to: quantity) else {
                return note("is in a unit from which its quantity cannot be had")
            }
            if let number = record.number {
                let converted = conversion == .none ? number : conversion(number)
                guard converted.isFinite else { return note("has a number that is too large") }
                append(quantity, .number(converted))
            }
            // A sum is the value integrated over seconds (§4.2). Of ours only power has a quantity for that.
            if let sum = record.sum, quantity.name == "power", let energy = Quantity("energy"),
                let joules = Conversion(from: "J", to: energy)
            {
                let converted = joules(conversion(sum))
                guard converted.isFinite else { return note("has a sum that is too large") }
                append(energy, .number(converted))
            }
        }
    }
}
