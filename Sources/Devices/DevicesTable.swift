import Care

/// docs/devices.md: which conventions are spoken, and what each of them gives. Made from the samples in the profiles, each of
/// which is a test, so that it claims nothing that is not shown.
extension Catalogue {
    public var table: String {
        var text = """
            # What devices can tell

            Made by `scripts/devices-doc` from the sample messages in `devices/`; each of them is a test. Do not edit it by hand.
            How a device of your own is described stands in `devices/README.md`.

            | convention | folder | sample messages | quantities |
            |---|---|---|---|

            """
        for (name, samples) in samplesByConvention {
            text += "| \(name) | `devices/\(name)/` | \(samples.count) | \(Self.quantities(samples).count) |\n"
        }
        for (name, samples) in samplesByConvention {
            let quantities = Self.quantities(samples)
            if quantities.isEmpty { continue }
            text += "\n## \(name)\n\n| quantity | unit | category | useful for |\n|---|---|---|---|\n"
            for quantity in quantities {
                text += "| \(quantity.name) (\(quantity.words)) | \(quantity.unit.isEmpty ? "–" : "`\(quantity.unit)`") | \(quantity.category.rawValue) | \(quantity.usefulFor) |\n"
            }
        }
        return text
    }

    /// What samples give or announce, in the order of the table of quantities.
    private static func quantities(_ samples: [Sample]) -> [Quantity] {
        var found: Set<Quantity> = []
        for sample in samples {
            switch sample.gives {
            case .readings(let readings), .announces(let readings): found.formUnion(readings.map(\.quantity))
            case .availability, .nothing, .undecodable: break
            }
        }
        return Quantity.all.filter(found.contains)
    }
}

extension Quantity {
    /// Whom it helps, in a few words.
    var usefulFor: String {
        switch name {
        case "sos", "fall": "helpers who come"
        case "smoke", "carbon_monoxide", "gas", "heat", "moisture", "cold": "helpers who come, the household"
        case "battery", "battery_low", "device_temperature": "whoever looks after the devices"
        case "power", "energy", "voltage", "current", "apparent_power", "power_factor", "frequency", "water", "gas_volume", "power_on":
            "family: the kettle was used"
        case "latitude", "longitude", "location_accuracy", "speed", "enter", "leave", "presence":
            "family, and helpers who look for somebody"
        default:
            switch category {
            case .safety: "the household: a home that is fit to live in"
            case .family: "family: somebody is up and about"
            case .security: "the household: doors, locks, strangers"
            case .health: "the citizen and their clinic"
            case .mindfulness: "the citizen"
            }
        }
    }
}
