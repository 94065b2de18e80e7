import Care
import Foundation
import Testing

@testable import Devices

private let recordings = packageRoot + "/../shared/data/messages/open.jsonl"
private var areRecordingsHere: Bool { FileManager.default.fileExists(atPath: recordings) }

/// The real messages of OwnTracks, Frigate and The Things Stack.
@Suite(.enabled(if: areRecordingsHere, "needs ../shared/data/messages/open.jsonl"))
struct AwayRecordedMessagesTests {
    struct Message {
        var convention: String
        var topic: String?
        var payload: String
        /// The end of the path that it is from, and its payload, name it in the lists below.
        var source: String
        var expected: [[String: Any]]?
    }

    func messages(_ conventions: [String]) throws -> [Message] {
        try String(contentsOfFile: recordings, encoding: .utf8).split(separator: "\n").compactMap { line in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard let convention = object["convention"] as? String, conventions.contains(convention) else { return nil }
            return Message(
                convention: convention, topic: object["topic"] as? String, payload: object["payload"] as? String ?? "",
                source: object["source"] as? String ?? "", expected: object["expect"] as? [[String: Any]])
        }
    }

    func take(_ message: Message) throws -> Trial.Result {
        var trial = Trial(try shipped())
        return Array(message.payload.utf8).withUnsafeBytes {
            trial.take(topic: message.topic, convention: message.convention, payload: $0, arrivedAt: arrival)
        }
    }

    /// Names of the sources → our quantity, and our value for theirs.
    static let quantities: [String: (name: String, factor: Double)] = [
        "latitude": ("latitude", 1), "longitude": ("longitude", 1), "accuracy": ("location_accuracy", 1), "battery": ("battery", 1),
        "pressure": ("atmospheric_pressure", 10),
    ]

    /// Nobody is cared for with it; or it is how a phone's own configuration calls a place.
    static let notOurs: Set = ["altitude", "battery_status", "bearing", "vertical_accuracy", "waypoint_timestamp", "zone"]

    @Test func whatTheSourcesSayIsWhatWeSay() throws {
        let all = try messages(["owntracks", "frigate", "ttn-v3"])
        #expect(all.count == 31)
        var (agreed, left) = (0, 0)
        for message in all {
            let result = try take(message)
            let values = Dictionary(result.readings.map { ("\($0.reading.quantity.name)/\($0.reading.channel)", $0.reading) }) { $1 }
            for expected in message.expected ?? [] {
                let name = try #require(expected["quantity"] as? String)
                agreed += 1
                switch name {
                case "accepted":
                    #expect(expected["value"] as? Bool == false)
                    #expect(result.readings.isEmpty && result.availability == nil, "\(message.payload)")
                case "availability": #expect(result.availability == (expected["value"] as? Bool))
                case "timestamp":
                    let seconds = try #require(expected["value"] as? Double)
                    #expect(!result.readings.isEmpty)
                    for (_, reading) in result.readings { #expect(reading.deviceTime?.milliseconds == Int64(seconds * 1_000)) }
                case "transition": #expect(values[expected["value"] as? Int == 1 ? "enter/myregion" : "leave/myregion"] != nil)
                case "region": #expect(values.keys.contains { $0.hasSuffix("/" + (expected["value"] as? String ?? "?")) })
                case _ where Self.notOurs.contains(name):
                    agreed -= 1
                    left += 1
                default:
                    let (ours, factor) = try #require(Self.quantities[name], "\(name)")
                    guard case .number(let got)? = values["\(ours)/"]?.value else {
                        Issue.record("no \(ours) in \(message.payload)")
                        continue
                    }
                    let wanted = try #require(expected["value"] as? Double) * factor
                    #expect(abs(got - wanted) <= 1e-9 * max(1, abs(wanted)), "\(name) in \(message.payload)")
                }
            }
        }
        print("away: \(all.count) messages, \(agreed) values agree, \(left) are no quantity of ours")
        #expect(agreed == 19 && left == 6)
    }

    /// Messages of which their sources do not say what they mean: all of them, by a part of their source and payload.
    static let unsaid: [(source: String, part: String, wanted: String)] = [
        // Who somebody is: not ours to know.
        ("card_message_with_face", "card", "nothing"),
        // The app wants a tracker id, which its documentation asks for with HTTP only: on MQTT the topic says who it is.
        ("missing_tid_and_topic", "location", "latitude,location_accuracy,longitude"),
        ("zero_timestamp", "location", "undecodable"),
        ("location_encrypted_decrypted", "location", "battery,latitude,location_accuracy,longitude,speed"),
        // A list is what a server answers an app with: positions of several people.
        ("location_multiple_messages", "location", "undecodable"),
        ("unknown_message", "invalid message", "undecodable"),
        ("valid_location_message.json", "batt", "battery,latitude,location_accuracy,longitude,speed"),
        ("valid_location_message_with_topic", "location", "latitude,location_accuracy,longitude"),
        ("ContactsAndMapTests", "location", "battery,latitude,location_accuracy,longitude,speed"),
        ("test_device_tracker", "88.1", "atmospheric_pressure,battery,latitude,location_accuracy,longitude,speed"),
        ("test_device_tracker", "keys", "enter/keys"),
        ("test_device_tracker", "\"lwt\"", "offline"),
        // Whose face and number plate it was, and a summary of what the counts say.
        ("mqtt.md", "\"face\"", "nothing"),
        ("mqtt.md", "\"lpr\"", "nothing"),
        ("mqtt.md", "\"severity\"", "nothing"),
        ("mqtt.md", "OFF", "motion"),
        ("mqtt.md", "1", "person_seen"),
        ("mqtt.md", "offline", "offline"),
        ("data-formats", "join_accept", "nothing"),
        ("data-formats", "downlink_failed", "nothing"),
        ("other-integrations/mqtt", "join_accept", "nothing"),
        // Bytes that nobody has decoded.
        ("other-integrations/mqtt", "VGVtcGVyYXR1cmU", "undecodable"),
        ("other-integrations/mqtt", "downlink_ack", "nothing"),
        // A parking space is occupied by a car.
        ("storage/retrieve", "parking status", "nothing"),
    ]

    @Test func whatTheSourcesDoNotSayIsListed() throws {
        var listed = Self.unsaid
        for message in try messages(["owntracks", "frigate", "ttn-v3"]) where message.expected == nil {
            let index = listed.firstIndex { message.source.contains($0.source) && message.payload.contains($0.part) }
            let wanted = listed.remove(at: try #require(index, "\(message.source)")).wanted
            let result = try take(message)
            let names = result.readings.map { $0.reading.quantity.name + ($0.reading.channel.isEmpty ? "" : "/\($0.reading.channel)") }
            let got =
                !names.isEmpty
                ? names.sorted().joined(separator: ",")
                : result.availability.map { $0 ? "online" : "offline" } ?? (result.isUnderstood ? "nothing" : "undecodable")
            #expect(got == wanted, "\(message.source)")
        }
        #expect(listed.map(\.source) == [])
    }
}
