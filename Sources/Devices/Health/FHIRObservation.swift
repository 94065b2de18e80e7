import Care

// FHIR R4's Observation (https://hl7.org/fhir/R4/observation.html), alone or in a Bundle.

/// What was read of an Observation, or of one of its components.
private struct Observed {
    /// The first code that we know.
    var row: HealthTable.Row?
    /// Two codes that we know and that say different things.
    var isAmbiguous = false
    var number: Double?
    var unit: String?
    /// `<`, `>`, …: the number is a limit.
    var isLimit = false
    var isAbsent = false
    /// `modifierExtension`: may turn the meaning round, so it must be understood (FHIR §2.4.0.1). We know none.
    var isModified = false
    /// `valueQuantity.value` is there and no number.
    var isNoNumber = false
}

extension HealthReader {
    /// Of one Observation.
    private static let componentsMax = 256

    /// Only Observations that stand directly in it; a Bundle in a Bundle is stepped over.
    mutating func bundle(depth: Int) throws(JSONError) {
        json.open()
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            guard key.string == "entry", try openArray(depth: depth + 1) else {
                if key.string != "entry" { try json.skip(depth: depth + 1) }
                continue
            }
            var isFirstEntry = true
            while try json.nextElement(&isFirstEntry) { try entry(depth: depth + 2) }
        }
    }

    private mutating func entry(depth: Int) throws(JSONError) {
        guard try open(depth: depth) else { return }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            if key.string == "resource", try json.peek() == .object, try kind(depth: depth + 1) == .observation {
                try observation(depth: depth + 1)
            } else {
                try json.skip(depth: depth + 1)
            }
        }
    }

    /// At an object of the type Observation.
    mutating func observation(depth: Int) throws(JSONError) {
        var main = Observed()
        var components: [Observed] = []
        var counts = true
        var times = Times()
        guard try open(depth: depth) else { return }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "status": counts = try status(depth: depth + 1)
            case "effectiveDateTime": times.dateTime = try time(depth: depth + 1)
            case "effectiveInstant": times.instant = try time(depth: depth + 1)
            case "effectivePeriod": try period(&times, depth: depth + 1)
            case "issued": times.issued = try time(depth: depth + 1)
            case "component":
                components.removeAll()
                guard try openArray(depth: depth + 1) else { continue }
                var isFirstComponent = true
                while try json.nextElement(&isFirstComponent) {
                    guard components.count < Self.componentsMax, try open(depth: depth + 2) else {
                        if components.count >= Self.componentsMax { try json.skip(depth: depth + 2) }
                        continue
                    }
                    var component = Observed()
                    var isFirstMember = true
                    while let member = try json.nextKey(&isFirstMember) { try field(member, of: &component, depth: depth + 3) }
                    components.append(component)
                }
            default: try field(key, of: &main, depth: depth + 1)
            }
        }
        guard counts else { return }
        if main.isModified { return note("The Observation has a modifierExtension, which may change what it means.") }
        for observed in [main] + components { take(observed, at: times.best) }
    }

    private mutating func field(_ key: JSONText, of observed: inout Observed, depth: Int) throws(JSONError) {
        switch key.string {
        case "code": try code(&observed, depth: depth)
        case "valueQuantity": try quantity(&observed, depth: depth)
        case "valueInteger":
            observed.number = try number(depth: depth)
            observed.unit = nil
        case "dataAbsentReason":
            observed.isAbsent = true
            try json.skip(depth: depth)
        case "modifierExtension":
            observed.isModified = true
            try json.skip(depth: depth)
        default: try json.skip(depth: depth)
        }
    }

    /// Whether an Observation of this status is one. What was withdrawn, or never came to be, is nothing.
    private mutating func status(depth: Int) throws(JSONError) -> Bool {
        switch try text(depth: depth)?.string {
        case "preliminary", "final", "amended", "corrected", "appended": return true
        case "registered", "specimen-in-process", "cancelled", "entered-in-error", "unknown", "cannot-be-obtained": return false
        default:
            note("The Observation has a status that FHIR does not have.")
            return false
        }
    }

    /// The first code that we know counts. Codes that we know are to agree: that of the profile and a more exact one.
    private mutating func code(_ observed: inout Observed, depth: Int) throws(JSONError) {
        guard try open(depth: depth) else { return }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            guard key.string == "coding", try openArray(depth: depth + 1) else {
                if key.string != "coding" { try json.skip(depth: depth + 1) }
                continue
            }
            var isFirstCoding = true
            while try json.nextElement(&isFirstCoding) {
                guard let row = try coding(depth: depth + 2) else { continue }
                if let known = observed.row, known.quantity != row.quantity || known.channel != row.channel {
                    observed.isAmbiguous = observed.isAmbiguous || known.quantity != row.quantity
                } else {
                    observed.row = row
                }
            }
        }
    }

    private mutating func coding(depth: Int) throws(JSONError) -> HealthTable.Row? {
        var system: String?
        var code: JSONText?
        guard try open(depth: depth) else { return nil }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "system": system = try text(depth: depth + 1)?.string
            case "code": code = try text(depth: depth + 1)
            default: try json.skip(depth: depth + 1)
            }
        }
        guard let system, let code else { return nil }
        // A slash at the end is a common slip.
        let rows = table.codes[system] ?? (system.hasSuffix("/") ? table.codes[String(system.dropLast())] : nil)
        return rows?.find(code)
    }

    private mutating func quantity(_ observed: inout Observed, depth: Int) throws(JSONError) {
        var (unit, code, system): (String?, String?, String?)
        (observed.number, observed.isLimit, observed.isNoNumber) = (nil, false, false)
        guard try open(depth: depth) else { return }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "value":
                observed.number = try number(depth: depth + 1)
                observed.isNoNumber = observed.number == nil
            case "unit": unit = try text(depth: depth + 1)?.string
            case "code": code = try text(depth: depth + 1)?.string
            case "system": system = try text(depth: depth + 1)?.string
            case "comparator":
                observed.isLimit = true
                try json.skip(depth: depth + 1)
            default: try json.skip(depth: depth + 1)
            }
        }
        // The unit is for people; the code, when it is UCUM's, is what counts.
        observed.unit = code != nil && (system == nil || system == "http://unitsofmeasure.org") ? code : unit
    }

    private mutating func take(_ observed: Observed, at time: Instant?) {
        guard let row = observed.row, !observed.isAbsent else { return }
        if observed.isAmbiguous { return note("The codes of the Observation say different things.") }
        if observed.isModified { return note("A component of the Observation has a modifierExtension, which may change what it means.") }
        if observed.isLimit { return note("The Observation has a comparator: its number is a limit and no measurement.") }
        if observed.isNoNumber { return note("The value of \u{201C}\(row.label)\u{201D} is not a number.") }
        guard let number = observed.number else { return }
        append(row, number, unit: observed.unit, at: time)
    }

    // MARK: Time

    /// Of all that an Observation may say of its time.
    private struct Times {
        var dateTime: Instant?
        var instant: Instant?
        var start: Instant?
        var end: Instant?
        /// When it was made known: after it was measured, but better than when it arrived here.
        var issued: Instant?

        /// A figure about a period is true when the period is over.
        var best: Instant? { dateTime ?? instant ?? end ?? start ?? issued }
    }

    private mutating func period(_ times: inout Times, depth: Int) throws(JSONError) {
        guard try open(depth: depth) else { return }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "start": times.start = try time(depth: depth + 1)
            case "end": times.end = try time(depth: depth + 1)
            default: try json.skip(depth: depth + 1)
            }
        }
    }
}
