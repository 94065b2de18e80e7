import Care
import Testing

@testable import Devices

/// What one message becomes, the device of a shared topic looked up.
func tried(_ topic: String?, _ payload: String, convention: String? = nil, _ catalogue: Catalogue) -> Trial.Result {
    var trial = Trial(catalogue)
    return Array(payload.utf8).withUnsafeBytes { trial.take(topic: topic, convention: convention, payload: $0, arrivedAt: arrival) }
}

extension Trial.Result {
    /// As in `Decoded`.
    var values: [String: Value] {
        Dictionary(
            readings.map { ($1.channel.isEmpty ? $1.quantity.name : "\($1.quantity.name)/\($1.channel)", $1.value) }
        ) { $1 }
    }
}

/// Messages that are shown without a topic, by the names that conventions go by.
@Suite struct TopiclessPlugTests {
    static let shown: [(String, String, String, Double)] = [
        ("tasmota", #"{"StatusSNS":{"SHT3X":{"Temperature":20}}}"#, "temperature/SHT3X", 20), ("tasmota", #"{"POWER":"ON"}"#, "power_on", 1),
        ("shelly", #"{"method":"NotifyStatus","params":{"temperature:0":{"tC":20}}}"#, "temperature", 20),
        ("shelly-gen2", #"{"switch:0":{"apower":20}}"#, "power", 20), ("rtl_433", #"{"model":"m","id":1,"humidity":20}"#, "humidity", 20),
        ("theengs", #"{"id":"A4:C1:38:0A:1B:2C","model_id":"m","hum":20}"#, "humidity", 20), ("openmqttgateway", #"{"model_id":"m","hum":20}"#, "humidity", 20),
        ("omg", #"{"id":"C4:C1:38:0A:1B:2C","mac_type":1,"model_id":"m","hum":20}"#, "humidity", 20),
    ]

    @Test(arguments: shown)
    func theyAreUnderstood(convention: String, payload: String, name: String, value: Double) throws {
        let result = tried(nil, payload, convention: convention, try shipped())
        #expect(result.isUnderstood && result.values.mapValues(\.asNumber) == [name: value])
    }

    @Test func aPhoneIsNoDeviceHereEither() throws {
        let result = tried(nil, #"{"id":"44:C1:38:0A:1B:2C","mac_type":1,"model_id":"m","hum":20}"#, convention: "theengs", try shipped())
        #expect(result.isUnderstood && result.readings.isEmpty)
    }
}
