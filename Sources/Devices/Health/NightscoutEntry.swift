import Care

// Entries of Nightscout (https://github.com/nightscout/cgm-remote-monitor), as uploaders of continuous glucose monitors send
// them. Treatments, calibrations and the state of pumps and phones come the same way and are nothing.

extension HealthReader {
    /// At an object.
    mutating func nightscout(depth: Int) throws(JSONError) {
        var (type, units): (String?, String?)
        var (sgv, mbg): (Double?, Double?)
        var (hasSgv, hasMbg) = (false, false)
        var (date, text): (Instant?, Instant?)
        guard try open(depth: depth) else { return }
        var isFirst = true
        while let key = try json.nextKey(&isFirst) {
            switch key.string {
            case "type": type = try self.text(depth: depth + 1)?.string
            case "units": units = try self.text(depth: depth + 1)?.string
            case "sgv":
                hasSgv = true
                sgv = try number(depth: depth + 1)
            case "mbg":
                hasMbg = true
                mbg = try number(depth: depth + 1)
            case "date", "mills":
                if let number = try number(depth: depth + 1) { date = deviceTime(number: number) }
            case "dateString", "sysTime": text = try time(depth: depth + 1) ?? text
            default: try json.skip(depth: depth + 1)
            }
        }
        // Where the type is not said, the field that is there says it.
        switch type ?? (hasSgv ? "sgv" : hasMbg ? "mbg" : "") {
        case "sgv": if hasSgv { glucose(sgv, table.sgv, units, date ?? text) }
        case "mbg": if hasMbg { glucose(mbg, table.mbg, units, date ?? text) }
        default: break
        }
    }

    private mutating func glucose(_ number: Double?, _ property: Property?, _ units: String?, _ time: Instant?) {
        guard let property else { return }
        guard let number else { return note(property.reason(.notANumber)) }
        var milligrams = number
        switch units?.lowercased() {
        case nil, "mg/dl", "mgdl", "mg": break
        case "mmol", "mmol/l":
            guard let conversion = Conversion(from: "mmol/L", to: property.quantity) else { return }
            milligrams = conversion(number)
        default: return note("The Nightscout entry has units that are neither mg/dl nor mmol.")
        }
        switch property.meaning(of: milligrams) {
        case .nothing: break
        case .unusable(let problem): note(property.reason(problem))
        case .reading(let quantity, let value):
            append(DecodedReading(quantity: quantity, channel: property.channel, value: value, deviceTime: time))
        }
    }
}
