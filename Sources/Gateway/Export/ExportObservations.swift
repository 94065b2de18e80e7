import Care
import Crypto
import Store

/// FHIR R4: a Bundle of the type collection with an Observation for each reading about health.
///
/// A bundle's timestamp is left out on purpose: the same readings give the same bytes.
extension Exporter {
    func writeObservations() throws {
        add("{\"resourceType\":\"Bundle\",\"type\":\"collection\"")
        var written: Int64 = 0
        for device in devices {
            for series in device.series where series.quantity.category == .health && series.quantity.kind == .number {
                let partner = partner(of: series, device)
                switch series.quantity.name {
                // Told together with its other half.
                case "blood_pressure_systolic" where partner != nil: continue
                case "blood_pressure_diastolic" where partner != nil:
                    guard let systolic = partner else { continue }
                    try pressures(device, systolic: systolic, diastolic: series, &written)
                default:
                    let cursor = try disk.readings(series.id, device.times)
                    let words = ObservationWords(device.exported, series.quantity, series.channel)
                    while let one = try cursor.next() {
                        try entry(&written) { words.write(one, device.zone, into: &$0) }
                        try progress(1)
                    }
                }
            }
        }
        add(written > 0 ? "\n]}\n" : "}\n")
        count("observations", written)
    }

    private func partner(of series: Series, _ device: DeviceOfExport) -> Series? {
        let other = series.quantity.name == "blood_pressure_systolic" ? "blood_pressure_diastolic" : "blood_pressure_systolic"
        return device.series.first { $0.quantity.name == other && $0.channel == series.channel }
    }

    private func entry(_ written: inout Int64, _ write: (inout ByteText) -> Void) throws {
        if written == 0 { add(",\"entry\":[\n") } else { add(",\n") }
        written += 1
        // The line break comes with the comma of the next one.
        try piece(write)
    }

    /// Two cursors side by side: what both have of one instant is one measurement.
    private func pressures(_ device: DeviceOfExport, systolic: Series, diastolic: Series, _ written: inout Int64) throws {
        let (high, low) = (try disk.readings(systolic.id, device.times), try disk.readings(diastolic.id, device.times))
        let highWords = ObservationWords(device.exported, systolic.quantity, systolic.channel)
        let lowWords = ObservationWords(device.exported, diastolic.quantity, diastolic.channel)
        let panel = ObservationWords(panelOf: device.exported, channel: systolic.channel)
        var (a, b) = (try high.next(), try low.next())
        while a != nil || b != nil {
            if let upper = a, let lower = b, upper.key == lower.key {
                try entry(&written) { panel.write(upper, diastolic: lower.value, device.zone, into: &$0) }
                try progress(2)
                (a, b) = (try high.next(), try low.next())
            } else if let upper = a, b.map({ upper.key < $0.key }) ?? true {
                try entry(&written) { highWords.write(upper, device.zone, into: &$0) }
                try progress(1)
                a = try high.next()
            } else if let lower = b {
                try entry(&written) { lowWords.write(lower, device.zone, into: &$0) }
                try progress(1)
                b = try low.next()
            }
        }
    }
}

/// The parts of an Observation that are the same for a whole series, and those that are not.
struct ObservationWords {
    private let identity: SeriesIdentity
    private let before: [UInt8]
    private let unitTail: [UInt8]
    private let ending: [UInt8]

    init(_ device: ExportedDevice, _ quantity: Quantity, _ channel: String) {
        identity = SeriesIdentity(device, quantity.name, channel)
        before = Array(Self.beginning(quantity.loinc, quantity.words, category: Self.category(quantity)).utf8)
        unitTail = Array(",\(Self.unit(quantity.unit))}".utf8)
        ending = Self.end(device, channel)
    }

    init(panelOf device: ExportedDevice, channel: String) {
        identity = SeriesIdentity(device, "blood_pressure_panel", channel)
        before = Array(Self.beginning(.bloodPressurePanel, "blood pressure", category: "vital-signs").utf8)
        unitTail = Array(",\(Self.unit("mm[Hg]"))}".utf8)
        ending = Self.end(device, channel)
    }

    private static func unit(_ unit: String) -> String {
        "\"unit\":\(JSON.string(unit).text),\"system\":\"http://unitsofmeasure.org\",\"code\":\(JSON.string(unit).text)"
    }

    private static func code(_ loinc: LoincCode?, _ words: String) -> String {
        let coding = loinc.map { "\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"\($0.code)\",\"display\":\(JSON.string($0.display).text)}]," } ?? ""
        return "\"code\":{\(coding)\"text\":\(JSON.string(words).text)}"
    }

    private static func beginning(_ loinc: LoincCode?, _ words: String, category: String?) -> String {
        let kind = category.map {
            "\"category\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/observation-category\",\"code\":\"\($0)\"}]}],"
        } ?? ""
        return "\",\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\(kind)\(code(loinc, words)),"
            + "\"subject\":{\"display\":\"The person whose export this is\"},\"effectiveDateTime\":\""
    }

    private static func end(_ device: ExportedDevice, _ channel: String) -> [UInt8] {
        let part = channel.isEmpty ? "" : " (\(channel))"
        return Array(",\"device\":{\"display\":\(JSON.string(device.address + part).text)}}}".utf8)
    }

    private static func category(_ quantity: Quantity) -> String? {
        switch quantity.name {
        case "heart_rate", "oxygen_saturation", "blood_pressure_systolic", "blood_pressure_diastolic", "blood_pressure_mean", "respiratory_rate",
            "body_temperature", "body_weight", "body_height", "body_mass_index":
            "vital-signs"
        case "glucose": "laboratory"
        case "active_energy", "exercise_duration": "activity"
        default: nil
        }
    }

    private func begin(_ key: ReadingKey, _ zone: Zone, into text: inout ByteText) {
        text.add("{\"fullUrl\":\"urn:uuid:")
        identity.add(key, to: &text)
        text.add(before)
        if let offset = zone.offsetSeconds(at: key.at) { text.add(key.at, offsetSeconds: offset) } else { text.add(utc: key.at) }
        text.add("\",")
    }

    func write(_ one: ReadingCursor.One, _ zone: Zone, into text: inout ByteText) {
        begin(one.key, zone, into: &text)
        text.add("\"valueQuantity\":{\"value\":")
        text.add(number: one.value)
        text.add(unitTail)
        text.add(ending)
    }

    /// - Parameter one: the systolic pressure.
    func write(_ one: ReadingCursor.One, diastolic: Double, _ zone: Zone, into text: inout ByteText) {
        begin(one.key, zone, into: &text)
        text.add("\"component\":[")
        for (n, (loinc, words, value)) in [
            (LoincCode.systolicPressure, "systolic blood pressure", one.value),
            (LoincCode.diastolicPressure, "diastolic blood pressure", diastolic),
        ].enumerated() {
            if n > 0 { text.add(",") }
            text.add("{\(Self.code(loinc, words)),\"valueQuantity\":{\"value\":")
            text.add(number: value)
            text.add(unitTail)
            text.add("}")
        }
        text.add("]")
        text.add(ending)
    }
}

/// A name for each reading that is the same whoever writes it: a UUID of version 8 whose first half says which series and
/// whose second half says which place in it.
struct SeriesIdentity {
    private let front: [UInt8]
    private static let digits = Array("0123456789abcdef".utf8)

    init(_ device: ExportedDevice, _ quantity: String, _ channel: String) {
        let sum = Array(SHA256.hash(data: Array("\(device.key)\u{1F}\(quantity)\u{1F}\(channel)".utf8)))
        var bytes = Array(sum.prefix(8))
        bytes[6] = 0x80 | bytes[6] & 0x0F
        front = bytes.flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }
    }

    func add(_ key: ReadingKey, to text: inout ByteText) {
        text.add(Array(front[0..<8]))
        text.add("-")
        text.add(Array(front[8..<12]))
        text.add("-")
        text.add(Array(front[12..<16]))
        text.add("-")
        let rest = UInt64(bitPattern: key.raw) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        for n in 0..<16 {
            if n == 4 { text.add("-") }
            text.bytes.append(Self.digits[Int(rest >> UInt64(60 - 4 * n) & 15)])
        }
    }
}
