import Care

/// How a value in the unit that a device sends becomes one in the unit of the quantity:
/// `(value + add) × multiply ÷ divide`. Two factors, because dividing by 1000 is exact where multiplying by
/// 0.001 is not.
struct Conversion: Hashable, Sendable {
    var add = 0.0
    var multiply = 1.0
    var divide = 1.0

    static let none = Conversion()

    /// Converted results are rounded to this many significant digits: no device is that precise, and
    /// 98.6 °F should be 37 °C rather than 36.99999999999999.
    private static let digits = 12

    func callAsFunction(_ value: Double) -> Double {
        let exact = (value + add) * multiply / divide
        var (ten, scaled) = (1.0, abs(exact))
        guard scaled > 1e-9, scaled < 1e9 else { return exact }
        while scaled < 1e11 {
            scaled *= 10
            ten *= 10
        }
        return (exact * ten).rounded() / ten
    }

    /// From a unit as a device owner, UCUM or SenML writes it. Nil when it does not measure this quantity.
    init?(from sent: String, to quantity: Quantity) {
        let row = Self.table.first {
            $0.to == quantity.unit && $0.sent.contains(sent)
                && ($0.only.isEmpty || $0.only.contains(quantity.name))
        }
        guard let row else { return nil }
        self = row.conversion
    }

    private init(add: Double = 0, multiply: Double = 1, divide: Double = 1) {
        (self.add, self.multiply, self.divide) = (add, multiply, divide)
    }

    /// What may be written for this quantity, for complaints.
    static func known(for quantity: Quantity) -> [String] {
        table.filter { $0.to == quantity.unit && ($0.only.isEmpty || $0.only.contains(quantity.name)) }
            .flatMap(\.sent)
    }

    private struct Row: Sendable {
        let to: String
        let sent: [String]
        let conversion: Conversion
        /// Names of the only quantities it holds for; empty for all with that unit.
        let only: [String]
    }

    private static func row(
        _ to: String, _ sent: [String], add: Double = 0, multiply: Double = 1, divide: Double = 1,
        only: [String] = []
    ) -> Row {
        Row(
            to: to, sent: sent, conversion: Conversion(add: add, multiply: multiply, divide: divide),
            only: only)
    }

    /// The one table of conversions.
    ///
    /// Sources: symbols from UCUM 2.1 and from IANA's SenML Units and Secondary Units (RFC 8428 §12.1,
    /// RFC 8798); factors from NIST SP 811 (2008) appendix B: pound 0.453 592 37 kg, stone 14 pounds,
    /// mmHg 133.322 4 Pa, inHg 3386.389 Pa, foot 0.3048 m, mile 1609.344 m, US gallon
    /// 3.785 411 784 L, knot 1852 m/h, curie 3.7e10 Bq, thermochemical calorie 4.184 J. Glucose has 180.156 g/mol (PubChem CID 5793).
    private static let table: [Row] = [
        row("Cel", ["Cel", "degC", "°C", "C"]),
        row("Cel", ["K"], add: -273.15),
        row("Cel", ["[degF]", "degF", "°F", "F"], add: -32, multiply: 5, divide: 9),
        row("%", ["%", "percent", "/100"]),
        row("%", ["%RH"], only: ["humidity"]),
        row("%", ["%EL"], only: ["battery"]),
        row("%", ["/", "1"], multiply: 100),
        row("%", ["/1000"], divide: 10),
        row("[ppm]", ["[ppm]", "ppm"]),
        row("[ppm]", ["[ppb]", "ppb"], divide: 1_000),
        row("[ppm]", ["/"], multiply: 1_000_000),
        row("ug/m3", ["ug/m3", "µg/m³", "μg/m³", "µg/m3"]),
        row("ug/m3", ["mg/m3", "mg/m³"], multiply: 1_000),
        row("ug/m3", ["kg/m3"], multiply: 1_000_000_000),
        row("mg/m3", ["mg/m3", "mg/m³"]),
        row("mg/m3", ["ug/m3", "µg/m³", "μg/m³", "µg/m3"], divide: 1_000),
        row("mg/m3", ["kg/m3"], multiply: 1_000_000),
        row("hPa", ["hPa", "mbar"]),
        row("hPa", ["Pa"], divide: 100),
        row("hPa", ["kPa"], multiply: 10),
        row("hPa", ["mm[Hg]", "mmHg"], multiply: 1.333224),
        row("hPa", ["[in_i'Hg]", "inHg"], multiply: 33.86389),
        row("lx", ["lx", "lux"]),
        row("W", ["W"]),
        row("W", ["kW"], multiply: 1_000),
        row("W", ["mW"], divide: 1_000),
        row("kW.h", ["kW.h", "kWh"]),
        row("kW.h", ["W.h", "Wh"], divide: 1_000),
        row("kW.h", ["J", "Ws", "W.s"], divide: 3_600_000),
        row("kW.h", ["W.min", "Wmin"], divide: 60_000),
        row("kW.h", ["kJ"], divide: 3_600),
        row("kW.h", ["MJ"], divide: 3.6),
        row("V", ["V"]),
        row("V", ["mV"], divide: 1_000),
        row("A", ["A"]),
        row("A", ["mA"], divide: 1_000),
        row("V.A", ["V.A", "VA"]),
        row("V.A", ["kVA"], multiply: 1_000),
        row("Hz", ["Hz"]),
        row("L", ["L", "l"]),
        row("L", ["m3", "m³"], multiply: 1_000),
        row("L", ["mL", "ml"], divide: 1_000),
        row("L", ["[gal_us]", "gal"], multiply: 3.785411784),
        row("L", ["[cft_i]", "ft³"], multiply: 28.316846592),
        row("m3", ["m3", "m³"]),
        row("m3", ["L", "l"], divide: 1_000),
        row("m3", ["[cft_i]", "ft³"], multiply: 0.028316846592),
        row("m", ["m"]),
        row("m", ["cm"], divide: 100),
        row("m", ["mm"], divide: 1_000),
        row("m", ["km"], multiply: 1_000),
        row("m", ["[ft_i]", "ft"], multiply: 0.3048),
        row("m", ["[in_i]", "in"], multiply: 0.0254),
        row("m", ["[mi_i]", "mi"], multiply: 1_609.344),
        row("m", ["[yd_i]", "yd"], multiply: 0.9144),
        row("dB", ["dB", "dB(A)", "dBA", "dB[SPL]"]),
        row("m/s", ["m/s"]),
        row("m/s", ["km/h", "kph"], divide: 3.6),
        row("m/s", ["[mi_i]/h", "mph"], multiply: 0.44704),
        row("m/s", ["[kn_i]", "kn"], multiply: 1_852, divide: 3_600),
        row("m/s", ["[ft_i]/s", "ft/s"], multiply: 0.3048),
        row("m/s", ["[yd_i]/s", "yd/s"], multiply: 0.9144),
        row("mm", ["mm"]),
        row("mm", ["cm"], multiply: 10),
        row("mm", ["[in_i]", "in"], multiply: 25.4),
        row("{index}", ["{index}", "1", "UV index", "AQI"]),
        row("Bq/m3", ["Bq/m3", "Bq/m³"]),
        row("Bq/m3", ["pCi/L"], multiply: 37),
        row("deg", ["deg", "°", "lat", "lon"]),
        row("ms", ["ms"]),
        row("ms", ["s"], multiply: 1_000),
        row("L/min", ["L/min", "l/min"]),
        row("L/min", ["L/s", "l/s"], multiply: 60),
        row("cm", ["cm"]),
        row("cm", ["m"], multiply: 100),
        row("cm", ["mm"], divide: 10),
        row("cm", ["[in_i]", "in"], multiply: 2.54),
        row("cm", ["[ft_i]", "ft"], multiply: 30.48),
        row("kg/m2", ["kg/m2", "kg/m²"]),
        row("Ohm", ["Ohm", "ohm", "Ω"]),
        row("kcal/d", ["kcal/d", "kcal"]),
        row("kcal", ["kcal", "Cal"]),
        row("kcal", ["kJ"], divide: 4.184),
        row("min", ["min/d"], only: ["exercise_duration"]),
        row("/min", ["/min", "1/min"]),
        row("/min", ["bpm", "beat/min", "{beats}/min"], only: ["heart_rate"]),
        row("/min", ["{breaths}/min", "breath/min"], only: ["respiratory_rate"]),
        row("/min", ["Hz", "1/s", "/s"], multiply: 60),
        row("mm[Hg]", ["mm[Hg]", "mmHg"]),
        row("mm[Hg]", ["kPa"], multiply: 1_000, divide: 133.3224),
        row("mm[Hg]", ["hPa", "mbar"], multiply: 100, divide: 133.3224),
        row("mm[Hg]", ["Pa"], divide: 133.3224),
        row("kg", ["kg"]),
        row("kg", ["g"], divide: 1_000),
        row("kg", ["[lb_av]", "lb", "lbs"], multiply: 0.45359237),
        row("kg", ["[stone_av]", "st"], multiply: 6.35029318),
        row("kg", ["[oz_av]", "oz"], multiply: 0.028349523125),
        row("mg/dL", ["mg/dL", "mg/dl"]),
        row("mg/dL", ["mmol/L", "mmol/l", "mol/m3"], multiply: 18.0156, only: ["glucose"]),
        row("h", ["h"]),
        row("h", ["min"], divide: 60),
        row("h", ["s"], divide: 3_600),
        row("h", ["ms"], divide: 3_600_000),
        row("min", ["min"]),
        row("min", ["h"], multiply: 60),
        row("min", ["s"], divide: 60),
        row("min", ["ms"], divide: 60_000),
        row("{steps}", ["{steps}", "steps", "count", "1"]),
        row("{score}", ["{score}", "score", "1"]),
    ]
}
