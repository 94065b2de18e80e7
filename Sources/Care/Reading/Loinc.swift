/// What LOINC calls a quantity, for data that leave for places where only that is understood.
public struct LoincCode: Hashable, Sendable {
    public var code: String
    /// LOINC's own words.
    public var display: String

    /// Systolic and diastolic pressure of one measurement.
    public static let bloodPressurePanel = LoincCode(code: "85354-9", display: "Blood pressure panel with all children optional")
    public static let systolicPressure = LoincCode(code: "8480-6", display: "Systolic blood pressure")
    public static let diastolicPressure = LoincCode(code: "8462-4", display: "Diastolic blood pressure")
}

extension Quantity {
    /// Nil where LOINC has no code that says just this: a code that says something else is worse than none. The codes
    /// are those by which `devices/health/fhir.yaml` takes in the same quantities.
    public var loinc: LoincCode? { Self.loincCodes[name] }

    private static let loincCodes: [String: LoincCode] = [
        "heart_rate": .init(code: "8867-4", display: "Heart rate"),
        "oxygen_saturation": .init(code: "59408-5", display: "Oxygen saturation in Arterial blood by Pulse oximetry"),
        "blood_pressure_systolic": .systolicPressure,
        "blood_pressure_diastolic": .diastolicPressure,
        "blood_pressure_mean": .init(code: "8478-0", display: "Mean blood pressure"),
        "respiratory_rate": .init(code: "9279-1", display: "Respiratory rate"),
        "body_temperature": .init(code: "8310-5", display: "Body temperature"),
        "skin_temperature": .init(code: "39106-0", display: "Temperature of Skin"),
        "body_weight": .init(code: "29463-7", display: "Body weight"),
        "body_height": .init(code: "8302-2", display: "Body height"),
        "body_mass_index": .init(code: "39156-5", display: "Body mass index (BMI) [Ratio]"),
        "glucose": .init(code: "2339-0", display: "Glucose [Mass/volume] in Blood"),
        "heart_rate_variability": .init(code: "80404-7", display: "R-R interval.standard deviation (Heart rate variability)"),
        "inhaled_oxygen_flow": .init(code: "3151-8", display: "Inhaled oxygen flow rate"),
        "body_fat": .init(code: "41982-0", display: "Percentage of body fat Measured"),
    ]
}
