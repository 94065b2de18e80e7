/// The kind of life a quantity is about. Every quantity is in exactly one.
public enum Category: String, CaseIterable, Codable, Sendable, Comparable {
    case health, mindfulness, safety, security, family

    public static func < (a: Category, b: Category) -> Bool { a.rawValue < b.rawValue }
}

/// What is measured. All that a reading needs to know about its meaning; a row of `Quantity.table`.
///
/// Equal when the rows are the same. Names are Home Assistant's device classes where one exists, else
/// LOINC's usual short name in snake_case; units are UCUM.
public struct Quantity: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Codable, Sendable {
        /// `true` is the alarming, open, occupied or moving state.
        case boolean
        case number
        /// Something happened at an instant; a reading of it is always `true`.
        case event
    }

    /// The row's index in `Quantity.table`. It may differ between versions: the name is what is stored.
    public let code: UInt8

    public var row: Row { Self.table[Int(code)] }
    public var name: String { row.name }
    public var kind: Kind { row.kind }
    public var category: Category { row.category }
    /// UCUM; empty for booleans and events.
    public var unit: String { row.unit }
    /// For people: "heart rate".
    public var words: String { row.words }
    public var description: String { name }

    public struct Row: Sendable {
        public let name: String
        public let kind: Kind
        public let category: Category
        public let unit: String
        public let words: String
        /// True where a reading shows that a person is up and about: what absence rules look at.
        public let showsActivity: Bool
    }

    /// Nil for a name that the table does not have.
    public init?(_ name: some StringProtocol) {
        guard let code = Self.codes[String(name)] else { return nil }
        self.code = code
    }

    init(code: UInt8) { self.code = code }

    private static let codes: [String: UInt8] = {
        var codes: [String: UInt8] = [:]
        for (index, row) in table.enumerated() { codes[row.name] = UInt8(index) }
        return codes
    }()

    public static var all: [Quantity] { table.indices.map { Quantity(code: UInt8($0)) } }

    /// The one table. Sources: Home Assistant binary_sensor and sensor device classes; LOINC common names
    /// (8867-4 heart rate, 59408-5 oxygen saturation, 8480-6 and 8462-4 blood pressure, 8310-5 body
    /// temperature, 29463-7 body weight, 9279-1 respiratory rate, 2339-0 glucose); UCUM for the units.
    public static let table: [Row] = [
        // Safety
        event("sos", .safety, "SOS"),
        event("fall", .safety, "fall"),
        state("smoke", .safety, "smoke"),
        state("carbon_monoxide", .safety, "carbon monoxide"),
        state("gas", .safety, "gas"),
        state("moisture", .safety, "water on the floor"),
        state("heat", .safety, "heat"),
        state("problem", .safety, "problem"),
        number("temperature", .safety, "Cel", "temperature"),
        number("humidity", .safety, "%", "humidity"),
        number("carbon_dioxide", .safety, "[ppm]", "carbon dioxide"),
        number("carbon_monoxide_level", .safety, "[ppm]", "carbon monoxide level"),
        number("volatile_organic_compounds_parts", .safety, "[ppm]", "volatile organic compounds"),
        number("volatile_organic_compounds", .safety, "ug/m3", "volatile organic compounds"),
        number("formaldehyde", .safety, "mg/m3", "formaldehyde"),
        number("pm1", .safety, "ug/m3", "fine dust PM1"),
        number("pm25", .safety, "ug/m3", "fine dust PM2.5"),
        number("pm10", .safety, "ug/m3", "fine dust PM10"),
        number("atmospheric_pressure", .safety, "hPa", "air pressure"),
        number("illuminance", .safety, "lx", "light"),
        number("power", .safety, "W", "power"),
        number("energy", .safety, "kW.h", "energy"),
        number("voltage", .safety, "V", "voltage"),
        number("current", .safety, "A", "current"),
        number("apparent_power", .safety, "V.A", "apparent power"),
        number("power_factor", .safety, "%", "power factor"),
        number("frequency", .safety, "Hz", "mains frequency"),
        number("water", .safety, "L", "water used"),
        number("gas_volume", .safety, "m3", "gas used"),
        number("soil_moisture", .safety, "%", "moisture of the soil"),
        number("distance", .safety, "m", "distance"),
        number("sound_pressure", .safety, "dB", "loudness"),
        number("wind_speed", .safety, "m/s", "wind"),
        number("precipitation", .safety, "mm", "rain"),
        number("uv_index", .safety, "{index}", "UV index"),
        number("aqi", .safety, "{index}", "air quality index"),
        number("nitrogen_dioxide", .safety, "ug/m3", "nitrogen dioxide"),
        number("ozone", .safety, "ug/m3", "ozone"),
        number("radon", .safety, "Bq/m3", "radon"),
        number("device_temperature", .safety, "Cel", "temperature of the device itself"),
        state("cold", .safety, "cold"),
        state("light", .safety, "light seen"),
        number("battery", .safety, "%", "battery"),
        state("battery_low", .safety, "battery low"),
        // Family: being up and about
        activity("motion", .family, "movement"),
        activity("occupancy", .family, "somebody in the room"),
        state("presence", .family, "somebody at home"),
        state("bed_occupied", .family, "in bed"),
        state("power_on", .family, "switched on"),
        event("button_single", .family, "button pressed", active: true),
        event("button_double", .family, "button pressed twice", active: true),
        event("button_hold", .family, "button held", active: true),
        event("button_other", .family, "button used", active: true),
        event("check_in", .family, "\u{201C}I'm OK\u{201D}", active: true),
        number("steps", .family, "{steps}", "steps"),
        number("distance_walked", .family, "m", "distance walked"),
        number("latitude", .family, "deg", "latitude"),
        number("longitude", .family, "deg", "longitude"),
        number("location_accuracy", .family, "m", "accuracy of the place"),
        number("speed", .family, "m/s", "speed"),
        event("enter", .family, "arrived"),
        event("leave", .family, "left"),
        state("person_seen", .family, "somebody seen"),
        // Security
        activity("opening", .security, "open door or window"),
        activity("door", .security, "open door"),
        activity("window", .security, "open window"),
        state("lock", .security, "unlocked"),
        state("tamper", .security, "tampering"),
        state("vibration", .security, "vibration"),
        state("sound", .security, "sound"),
        state("siren", .security, "siren"),
        event("doorbell", .security, "doorbell"),
        // Health
        number("heart_rate", .health, "/min", "heart rate"),
        number("oxygen_saturation", .health, "%", "oxygen saturation"),
        number("blood_pressure_systolic", .health, "mm[Hg]", "systolic blood pressure"),
        number("blood_pressure_diastolic", .health, "mm[Hg]", "diastolic blood pressure"),
        number("respiratory_rate", .health, "/min", "breathing rate"),
        number("body_temperature", .health, "Cel", "body temperature"),
        number("skin_temperature", .health, "Cel", "skin temperature"),
        number("body_weight", .health, "kg", "weight"),
        number("body_water", .health, "%", "body water"),
        number("muscle_mass", .health, "kg", "muscle mass"),
        number("body_fat", .health, "%", "body fat"),
        number("glucose", .health, "mg/dL", "glucose"),
        number("blood_pressure_mean", .health, "mm[Hg]", "mean blood pressure"),
        number("rr_interval", .health, "ms", "time between heartbeats"),
        number("heart_rate_variability", .health, "ms", "heart rate variability"),
        number("inhaled_oxygen_flow", .health, "L/min", "inhaled oxygen flow"),
        number("peak_flow", .health, "L/min", "peak flow"),
        number("body_height", .health, "cm", "height"),
        number("body_mass_index", .health, "kg/m2", "body mass index"),
        number("bone_mass", .health, "kg", "bone mass"),
        number("body_impedance", .health, "Ohm", "body impedance"),
        number("basal_metabolic_rate", .health, "kcal/d", "basal metabolic rate"),
        number("active_energy", .health, "kcal", "energy burned"),
        number("exercise_duration", .health, "min", "exercise"),
        // Mindfulness
        number("sleep_duration", .mindfulness, "h", "sleep"),
        state("sleeping", .mindfulness, "asleep"),
        event("snoring", .mindfulness, "snoring"),
        number("meditation_duration", .mindfulness, "min", "meditation"),
        number("mood", .mindfulness, "{score}", "mood"),
        number("stress", .mindfulness, "{score}", "stress"),
    ]

    private static func state(_ n: String, _ c: Category, _ w: String) -> Row {
        Row(name: n, kind: .boolean, category: c, unit: "", words: w, showsActivity: false)
    }
    private static func activity(_ n: String, _ c: Category, _ w: String) -> Row {
        Row(name: n, kind: .boolean, category: c, unit: "", words: w, showsActivity: true)
    }
    private static func event(_ n: String, _ c: Category, _ w: String, active: Bool = false) -> Row {
        Row(name: n, kind: .event, category: c, unit: "", words: w, showsActivity: active)
    }
    private static func number(_ n: String, _ c: Category, _ u: String, _ w: String) -> Row {
        Row(name: n, kind: .number, category: c, unit: u, words: w, showsActivity: false)
    }
}

extension Quantity: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let quantity = Quantity(name) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "no quantity is called \u{201C}\(name)\u{201D}")
        }
        self = quantity
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// What was observed, in the unit of its quantity.
public enum Value: Hashable, Sendable {
    case boolean(Bool)
    case number(Double)

    /// 1 and 0 for booleans, so that one comparison serves thresholds on both.
    public var asNumber: Double {
        switch self {
        case .boolean(let b): b ? 1 : 0
        case .number(let n): n
        }
    }
}

/// Which clock gave a reading its time.
public enum TimeSource: UInt8, Codable, Sendable {
    /// When the message reached the gateway.
    case arrival = 0
    /// The device's own clock, corrected by its usual skew.
    case device = 1
    /// When the message reached the gateway, which was after it had waited at the broker: it was observed some time
    /// between the last contact and then.
    case queued = 2
}

/// One observation of one series.
public struct Reading: Hashable, Sendable {
    public var series: SeriesID
    public var at: Instant
    public var source: TimeSource
    public var value: Value

    public init(series: SeriesID, at: Instant, source: TimeSource, value: Value) {
        self.series = series
        self.at = at
        self.source = source
        self.value = value
    }
}
