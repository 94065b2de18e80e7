import Care
import Devices
import Foundation

/// Many devices that have announced themselves, in whatever way the catalogue takes: Zigbee2MQTT's own list, where it is read, and
/// else one announcement for Home Assistant each, of which a home may have so many that the devices live in several.
struct DecodeAnnounced {
    private let catalogue: Catalogue

    init(_ catalogue: Catalogue) { self.catalogue = catalogue }

    /// 90 bytes, as a climate sensor sends them.
    static let message = #"{"battery":97,"humidity":48.25,"linkquality":120,"pressure":1009.25,"temperature":21.5641}"#
    /// Those that every one of the announcements speaks of.
    static let quantities = 2

    /// Each with its topic below all homes. Nil: so many cannot be announced.
    func devices(_ count: Int) -> (devices: [(topic: String, routes: [Route])], how: String)? {
        if let devices = listed(count) { return (devices, "in zigbee2mqtt/bridge/devices") }
        if let devices = told(count) { return (devices, "for Home Assistant") }
        return nil
    }

    private func name(_ number: Int) -> String { "room \(number) climate" }

    private func listed(_ count: Int) -> [(topic: String, routes: [Route])]? {
        let topic = "zigbee2mqtt/bridge/devices"
        guard let list = catalogue.route(topicBelowHome: topic), list.role == .announcement else { return nil }
        let exposes = [("temperature", "°C"), ("humidity", "%")].map { #"{"type":"numeric","name":"\#($0)","property":"\#($0)","unit":"\#($1)","access":1}"# }
        let devices = (0..<count).map { number in
            #"{"ieee_address":"0x\#(String(0x0015_8d00_0000_0000 + number, radix: 16))","type":"EndDevice","friendly_name":"\#(name(number))","supported":true,"#
                + #""definition":{"vendor":"Maker","model":"TH-1","exposes":[\#(exposes.joined(separator: ","))]}}"#
        }
        var announced = Announced()
        let text = Array("[\(devices.joined(separator: ","))]".utf8)
        _ = text.withUnsafeBytes { announced.take(list, topic: topic, payload: $0, catalogue, topics: HomeTopics(home: nil)) }
        guard announced.devices.count == count else { return nil }
        return (0..<count).map { number in
            let topic = "zigbee2mqtt/\(name(number))"
            return (topic, catalogue.routes(topicBelowHome: topic, announced))
        }
    }

    private func told(_ count: Int) -> [(topic: String, routes: [Route])]? {
        let homes = (count + Announced.announcementsMax - 1) / Announced.announcementsMax
        var found: [(topic: String, routes: [Route])] = []
        for home in 0..<homes {
            var announced = Announced()
            let numbers = (count * home / homes)..<(count * (home + 1) / homes)
            for number in numbers {
                let topic = "homeassistant/device/room\(number)/config"
                guard let route = catalogue.route(topicBelowHome: topic), route.role == .announcement else { return nil }
                let components = [("temperature", "°C"), ("humidity", "%")].map {
                    #""\#($0)":{"p":"sensor","dev_cla":"\#($0)","unit_of_meas":"\#($1)","uniq_id":"\#(number)_\#($0)","val_tpl":"{{ value_json.\#($0) }}"}"#
                }
                let text = #"{"dev":{"ids":"room\#(number)"},"o":{"name":"bench"},"stat_t":"climate/room \#(number)","cmps":{\#(components.joined(separator: ","))}}"#
                _ = Array(text.utf8).withUnsafeBytes { announced.take(route, topic: topic, payload: $0, catalogue, topics: HomeTopics(home: nil)) }
            }
            guard announced.devices.count == numbers.count else { return nil }
            for number in numbers {
                let topic = "climate/room \(number)"
                found.append((topic, catalogue.routes(topicBelowHome: topic, announced)))
            }
        }
        return found
    }
}
