import Care
import CareTesting
import Gateway
import Testing

/// What devices say of themselves: which there are, whose each is, whatever it is called, and whether it is there.
@Suite struct AnnouncementTests {
    private let list = "homes/elm-3/zigbee2mqtt/bridge/devices"
    private let state = "homes/elm-3/zigbee2mqtt/bridge/state"

    /// As Zigbee2MQTT announces it.
    private func device(_ identity: String, _ name: String, unit: String = "°C", extra: String = "") -> String {
        """
        {"ieee_address":"\(identity)","type":"EndDevice","friendly_name":"\(name)","interview_completed":true,"supported":true,
         "definition":{"vendor":"Aqara","model":"WSDCGQ11LM","description":"sensor","exposes":[
          {"type":"numeric","name":"temperature","property":"temperature","unit":"\(unit)","access":1},
          {"type":"binary","name":"occupancy","property":"occupancy","value_on":true,"value_off":false,"access":1}\(extra)]}}
        """
    }
    private func announce(_ street: Street, _ devices: [String]) throws { try street.gateway.publish(list, "[\(devices.joined(separator: ","))]") }

    private func devices(_ street: Street, _ person: String = "ada") throws -> [JSON] { try street.gateway.say(.deviceList(home: nil), as: person).items }
    private func shown(_ street: Street, _ address: String) throws -> JSON? { try devices(street).first { $0["device"] == .string(address) } }
    private func temperatures(_ street: Street, _ person: String = "ada") throws -> [String] {
        try street.gateway.say(.readingList(citizen: nil, home: nil, quantity: "temperature", since: nil, limit: 100, purpose: nil), as: person).items
            .compactMap { $0["value"]?.text }
    }
    private func claim(_ street: Street, _ device: String, title: String? = nil) throws {
        let reply = try street.gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil, title: title), as: "ada")
        #expect(reply.outcome == .done, "\(reply.say)")
    }

    @Test func `what has announced itself is shown with what it measures, before it has said anything`() throws {
        let street = try Street()
        try announce(street, [device("0x00158d0001", "kitchen")])
        let words = try street.gateway.say(.deviceList(home: nil, unclaimed: true), as: "ada").say.joined()
        #expect(words.contains("zigbee2mqtt/kitchen: not claimed, Aqara WSDCGQ11LM, tells of somebody in the room, temperature"), "\(words)")
        #expect(words.contains("not heard from since it was announced"))
        // A coordinator sees nothing of it.
        #expect(try !street.gateway.say(.deviceList(home: nil), as: "carla").say.joined().contains("kitchen"))
    }

    @Test func `a device that is renamed stays the same device`() throws {
        let street = try Street()
        try announce(street, [device("0x00158d0001", "kitchen")])
        try claim(street, "zigbee2mqtt/kitchen", title: "Kitchen")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"temperature": 20}"#)
        try announce(street, [device("0x00158d0001", "bathroom")])
        try street.gateway.advance(.minutes(1))
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/bathroom", #"{"temperature": 21}"#)
        #expect(try temperatures(street).sorted() == ["20", "21"])
        #expect(try shown(street, "zigbee2mqtt/kitchen") == nil)
        #expect(try shown(street, "zigbee2mqtt/bathroom")?["identity"] == "0x00158d0001")
        // So it is after a restart.
        try street.gateway.restart()
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/bathroom", #"{"temperature": 22}"#)
        #expect(try temperatures(street).sorted() == ["20", "21", "22"])
    }

    @Test func `two devices that change names are not mixed up`() throws {
        let street = try Street()
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try announce(street, [device("0x01", "left"), device("0x02", "right")])
        try claim(street, "zigbee2mqtt/left")
        try street.gateway.say(.deviceClaim(home: nil, device: "0x02", citizens: [], expected: nil), as: "bob")
        try announce(street, [device("0x01", "right"), device("0x02", "left")])
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/right", #"{"temperature": 10}"#)
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/left", #"{"temperature": 30}"#)
        #expect(try temperatures(street, "ada") == ["10"])
        #expect(try temperatures(street, "bob") == ["30"])
        try street.gateway.restart()
        try street.gateway.advance(.minutes(1))
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/right", #"{"temperature": 11}"#)
        #expect(try temperatures(street, "ada").sorted() == ["10", "11"])
    }

    @Test func `a new thing with an old name is nobody's`() throws {
        let street = try Street()
        try announce(street, [device("0x01", "kitchen")])
        try claim(street, "zigbee2mqtt/kitchen")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"temperature": 20}"#)
        try announce(street, [device("0x99", "kitchen")])
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"temperature": 55}"#)
        #expect(try temperatures(street) == ["20"], "Nobody has claimed the new one.")
        try claim(street, "0x99")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"temperature": 56}"#)
        #expect(try temperatures(street).sorted() == ["20", "56"])
        #expect(try Set(devices(street).compactMap { $0["device"]?.string }).isSuperset(of: ["zigbee2mqtt/kitchen", "zigbee2mqtt/kitchen (0x01)"]))
    }

    @Test func `what was claimed by its name is known by its identity from then on`() throws {
        let street = try Street()
        try announce(street, [device("0x01", "hall button", extra: #",{"type":"enum","name":"action","property":"action","values":["emergency"],"access":1}"#)])
        #expect(try shown(street, "zigbee2mqtt/hall button")?["identity"] == "0x01")
        try street.press()
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 1)
        try announce(street, [device("0x01", "attic", extra: #",{"type":"enum","name":"action","property":"action","values":["emergency"],"access":1}"#)])
        try street.answer("maria", "accept")
        try street.answer("maria", "resolve")
        try street.gateway.advance(.minutes(1))
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/attic", #"{"action":"emergency"}"#)
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 2)
    }

    @Test func `the announcement decides the unit`() throws {
        let street = try Street()
        try announce(street, [device("0x01", "kitchen", unit: "°F")])
        try claim(street, "0x01")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"temperature": 68}"#)
        try announce(street, [device("0x01", "kitchen", unit: "°C")])
        try street.gateway.advance(.minutes(1))
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"temperature": 21}"#)
        #expect(try temperatures(street).sorted() == ["20", "21"])
    }

    @Test func `whoever said so has what announces itself`() throws {
        let street = try Street()
        try announce(street, [device("0x01", "kitchen")])
        let reply = try street.gateway.say(.deviceClaimAnnounced(on: true), as: "ada")
        #expect(reply.say.joined().contains("1 device of those that have announced themselves was claimed now"), "\(reply.say)")
        try announce(street, [device("0x01", "kitchen"), device("0x02", "bathroom")])
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/bathroom", #"{"temperature": 23}"#)
        #expect(try temperatures(street) == ["23"])
        try street.gateway.say(.deviceClaimAnnounced(on: false), as: "ada")
        try announce(street, [device("0x01", "kitchen"), device("0x02", "bathroom"), device("0x03", "attic")])
        #expect(try shown(street, "zigbee2mqtt/attic")?["citizens"] == [])
        // What was released stays released.
        try street.gateway.say(.deviceClaimAnnounced(on: true), as: "ada")
        try street.gateway.say(.deviceRelease(home: nil, device: "0x02"), as: "ada")
        try announce(street, [device("0x01", "kitchen"), device("0x02", "bathroom"), device("0x04", "cellar")])
        #expect(try shown(street, "zigbee2mqtt/bathroom")?["citizens"] == [])
        #expect(try shown(street, "zigbee2mqtt/cellar")?["citizens"] == ["ada"])
    }

    @Test func `a bridge that is gone cuts its devices off, and that is no silence of theirs`() throws {
        let street = try Street()
        try announce(street, [device("0x01", "kitchen")])
        try claim(street, "0x01")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen", #"{"temperature": 20}"#)
        func standing() throws -> JSON? { try shown(street, "zigbee2mqtt/kitchen")?["standing"] }
        #expect(try standing() == "well")
        try street.gateway.publish(state, #"{"state":"offline"}"#)
        #expect(try standing() == "cut-off")
        try street.gateway.restart()
        #expect(try standing() == "cut-off")
        try street.gateway.publish(state, #"{"state":"online"}"#)
        #expect(try standing() != "cut-off")
        try street.gateway.publish("homes/elm-3/zigbee2mqtt/kitchen/availability", #"{"state":"offline"}"#)
        #expect(try standing() == "offline")
    }

    /// It repeats what it remembers of every device when it comes back.
    @Test func `a bridge's memory keeps nobody alive and wakes nobody, but an alarm counts`() throws {
        let street = try Street()
        try announce(street, [device("0x01", "kitchen", extra: #",{"type":"binary","name":"smoke","property":"smoke","value_on":true,"value_off":false,"access":1}"#)])
        try claim(street, "0x01")
        let kitchen = "homes/elm-3/zigbee2mqtt/kitchen"
        try street.gateway.publish(kitchen, #"{"temperature": 20, "occupancy": true, "smoke": false}"#)
        let heard = try shown(street, "zigbee2mqtt/kitchen")?["lastHeardAt"]
        try street.gateway.advance(.hours(5))
        try street.gateway.publish(state, #"{"state":"offline"}"#)
        try street.gateway.advance(.minutes(1))
        try street.gateway.publish(state, #"{"state":"online"}"#)
        try street.gateway.publish(kitchen, #"{"temperature": 20, "occupancy": true, "smoke": false}"#)
        #expect(try shown(street, "zigbee2mqtt/kitchen")?["lastHeardAt"] == heard)
        #expect(try temperatures(street) == ["20"])
        // Nobody was seen: twelve hours after the real sign it is still.
        try street.gateway.advance(.hours(7))
        #expect(try street.gateway.read { try $0.allAlerts() }.map(\.matter.rule.name) == ["still"])
        // What differs from its memory is news.
        try street.gateway.publish(state, #"{"state":"offline"}"#)
        try street.gateway.publish(state, #"{"state":"online"}"#)
        try street.gateway.publish(kitchen, #"{"temperature": 21, "occupancy": true, "smoke": false}"#)
        #expect(try temperatures(street).sorted() == ["20", "21"])
        #expect(try shown(street, "zigbee2mqtt/kitchen")?["lastHeardAt"] != heard)
    }

    @Test func `one press is one event, however often it is sent`() throws {
        let street = try Street()
        for _ in 0..<5 { try street.press() }
        #expect(try street.alert().occurrences == 1)
        try street.gateway.advance(.minutes(1))
        try street.press()
        #expect(try street.alert().occurrences == 2)
    }

    @Test func `who presses again after their call was ended calls again, however soon`() throws {
        let street = try Street()
        try street.press()
        try street.gateway.publish("homes/elm-3/caring/answers", #"{"alert":"a1","answer":"cancel"}"#)
        try street.gateway.settle()
        #expect(street.showing == [])
        try street.press()
        try street.gateway.settle()
        #expect(street.showing == ["maria", "tom"])
        #expect(try street.alert(2).occurrences == 1)
    }

    @Test func `an announcement that cannot be read is said, and what it said before is gone`() throws {
        let street = try Street()
        try announce(street, [device("0x01", "kitchen")])
        try street.gateway.publish(list, #"[{"ieee_address": "#)
        #expect(try street.gateway.say(.deviceProblems(home: nil), as: "ada").say.joined().contains("zigbee2mqtt could not be decoded"))
        #expect(try shown(street, "zigbee2mqtt/kitchen") == nil)
    }

    @Test func `what is heard through another device is cut off with it`() throws {
        let street = try Street()
        let description = #"{"homie":"5.0","version":1,"root":"hub","parent":"hub","nodes":{"climate":{"properties":{"temperature":{"datatype":"float","unit":"°C"}}}}}"#
        try street.gateway.publish("homes/elm-3/homie/5/kitchen/$description", description)
        try claim(street, "homie/5/kitchen")
        try street.gateway.publish("homes/elm-3/homie/5/kitchen/climate/temperature", "21.5")
        #expect(try temperatures(street) == ["21.5"])
        #expect(try shown(street, "homie/5/kitchen")?["standing"] == "well")
        try street.gateway.publish("homes/elm-3/homie/5/hub/$state", "lost")
        #expect(try shown(street, "homie/5/kitchen")?["standing"] == "cut-off")
        try street.gateway.publish("homes/elm-3/homie/5/hub/$state", "ready")
        #expect(try shown(street, "homie/5/kitchen")?["standing"] == "well")
    }

    @Test func `what a device says itself is better evidence than what was said of it`() throws {
        let street = try Street()
        try claim(street, "owntracks/ada/phone")
        let place = #"{"_type":"location","lat":51.5,"lon":-0.1,"acc":12,"inregions":["home"],"batt":80}"#
        func standing() throws -> JSON? { try shown(street, "owntracks/ada/phone")?["standing"] }
        for _ in 0..<2 {
            try street.gateway.publish("homes/elm-3/owntracks/ada/phone", place)
            #expect(try standing() == "well")
            // OwnTracks never says that it is back.
            try street.gateway.publish("homes/elm-3/owntracks/ada/phone/lwt", #"{"_type":"lwt","tst":1767225600}"#)
            #expect(try standing() == "offline")
        }
        try street.gateway.publish("homes/elm-3/owntracks/ada/phone", place)
        #expect(try standing() == "well")
    }

    @Test func `a payload says which device it is about`() throws {
        let street = try Street()
        func say(_ id: Int, _ temperature: Double) throws {
            try street.gateway.publish("homes/elm-3/rtl_433/pi/events", #"{"model":"Acurite-Tower","id":\#(id),"channel":"A","battery_ok":1,"temperature_C":\#(temperature),"humidity":40}"#)
        }
        try say(1234, 20)
        try say(99, 30)
        let words = try street.gateway.say(.deviceList(home: nil, unclaimed: true), as: "ada").say.joined(separator: "\n")
        #expect(words.contains("rtl_433/Acurite-Tower/A/1234: not claimed, rtl_433, 1 message") && words.contains("rtl_433/Acurite-Tower/A/99"), "\(words)")
        try claim(street, "rtl_433/Acurite-Tower/A/1234")
        try say(1234, 21)
        try say(99, 31)
        #expect(try temperatures(street) == ["21"])
        try street.gateway.advance(.minutes(1))
        try street.gateway.say(.deviceRelease(home: nil, device: "rtl_433/Acurite-Tower/A/1234"), as: "ada")
        try say(1234, 22)
        let after = try temperatures(street)
        #expect(after == ["21"], "\(after)")
    }

    @Test func `an announcement is not taken from another home, and is forgotten with its own`() throws {
        let street = try Street()
        let config = #"{"stat_t":"homes/oak-1/x","dev_cla":"temperature","unit_of_meas":"°C","uniq_id":"x1"}"#
        try street.gateway.publish("homes/elm-3/homeassistant/sensor/x/t/config", config)
        #expect(try street.gateway.say(.deviceProblems(home: nil), as: "ada").say.joined().contains("names a topic that is not in this home"))
        try street.gateway.publish("homes/elm-3/homeassistant/sensor/x/t/config", config.replacing("oak-1", with: "elm-3"))
        #expect(try shown(street, "homeassistant/x1") != nil || devices(street).contains { $0["convention"] == "homeassistant" })
        try street.gateway.publish("homes/elm-3/homeassistant/sensor/x/t/config", "")
        #expect(try !devices(street).contains { $0["convention"] == "homeassistant" })
    }

    // MARK: What a review found

    @Test func `a button that is replaced under its old name is claimed by that name`() throws {
        let street = try Street()
        let action = #",{"type":"enum","name":"action","property":"action","values":["emergency"],"access":1}"#
        try announce(street, [device("0x01", "hall button", extra: action)])
        try street.gateway.say(.deviceRetire(home: nil, device: "zigbee2mqtt/hall button"), as: "ada")
        try announce(street, [device("0x99", "hall button", extra: action)])
        #expect(try street.gateway.say(.deviceList(home: nil, unclaimed: true), as: "ada").say.joined().contains("zigbee2mqtt/hall button: not claimed"))
        try claim(street, "zigbee2mqtt/hall button")
        try street.press()
        #expect(try street.gateway.read { try $0.allAlerts() }.count == 1)
    }

    @Test func `one device is not alive because another speaks on the same topic`() throws {
        let street = try Street()
        for n in 1...2 {
            let config = #"{"stat_t":"homes/elm-3/gw/state","dev_cla":"temperature","unit_of_meas":"°C","val_tpl":"{{ value_json.d\#(n).t }}","exp_aft":3600,"uniq_id":"d\#(n)","dev":{"ids":["d\#(n)"]}}"#
            try street.gateway.publish("homes/elm-3/homeassistant/sensor/d\(n)/t/config", config)
            try claim(street, "homeassistant/d\(n)")
        }
        try street.gateway.publish("homes/elm-3/gw/state", #"{"d1":{"t":20},"d2":{"t":21}}"#)
        #expect(try temperatures(street).sorted() == ["20", "21"])
        for _ in 0..<5 {
            try street.gateway.advance(.minutes(20))
            try street.gateway.publish("homes/elm-3/gw/state", #"{"d2":{"t":21}}"#)
        }
        // `expire_after` is an hour.
        #expect(try shown(street, "homeassistant/d1")?["standing"] == "silent")
        #expect(try shown(street, "homeassistant/d2")?["standing"] == "well")
        #expect(try shown(street, "homeassistant/d1")?["expectedSeconds"] == .int(3_600))
    }

    @Test func `what was learned of a device watches it after a restart, too`() throws {
        let street = try Street()
        let topic = "homes/elm-3/rtl_433/pi/events"
        func say() throws { try street.gateway.publish(topic, #"{"model":"Acurite-Tower","id":1,"channel":"A","temperature_C":20}"#) }
        try say()
        try claim(street, "rtl_433/Acurite-Tower/A/1")
        for _ in 0..<(5 * 24) {
            try say()
            try street.gateway.advance(.hours(1))
        }
        func expected() throws -> JSON? { try shown(street, "rtl_433/Acurite-Tower/A/1")?["expectedSeconds"] }
        let learned = try expected()
        #expect(learned == .int(5_400), "An hour, and half as much again.")
        try street.gateway.restart()
        #expect(try expected() == learned)
        try street.gateway.advance(.hours(3))
        #expect(try shown(street, "rtl_433/Acurite-Tower/A/1")?["standing"] == "silent")
    }

    @Test func `who looks at a home does not see what somebody else's device said that was not understood`() throws {
        let street = try Street()
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/body-weight", citizens: [], expected: nil), as: "bob")
        _ = try street.gateway.say(.deviceWatch(home: nil, after: -1), as: "ada")
        try street.gateway.publish("homes/elm-3/vitals/body-weight", "eighty one")
        let seen = try street.gateway.say(.deviceWatch(home: nil, after: 0), as: "ada")
        #expect(seen.say.count == 1 && !seen.say.joined().contains("eighty"), "\(seen.say)")
        // Bob has not begun: then nothing is shown, and beginning is written down.
        #expect(try street.gateway.say(.deviceWatch(home: nil, after: 0), as: "bob").next == -1)
        _ = try street.gateway.say(.deviceWatch(home: nil, after: -1), as: "bob")
        let own = try street.gateway.say(.deviceWatch(home: nil, after: 0), as: "bob")
        #expect(own.say.joined().contains("eighty one"))
        // Whoever has not asked for a while has to begin anew.
        try street.gateway.advance(.minutes(5))
        try street.gateway.publish("homes/elm-3/vitals/body-weight", "81")
        #expect(try street.gateway.say(.deviceWatch(home: nil, after: 1), as: "bob").next == -1)
    }

    @Test func `somebody else's consent does not open a past`() throws {
        let street = try Street()
        try street.gateway.say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        try street.gateway.say(.serviceAdd(service: "clinic", name: "Clinic", uid: nil))
        try street.gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: [], expected: nil), as: "ada")
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "71")
        try street.gateway.advance(.hours(1))
        try street.gateway.say(.deviceMove(home: nil, device: "vitals/heart-rate", to: "bob"), as: "ada")
        try street.gateway.say(
            .consentGrant(
                ConsentDraft(
                    citizen: nil, to: ["service:clinic"], purposes: ["research"], data: ["health"], detail: "readings", stage: nil, hours: [], from: nil, until: nil)),
            as: "bob")
        try street.gateway.publish("homes/elm-3/vitals/heart-rate", "64")
        func asked(_ citizen: String) throws -> Reply {
            try street.gateway.say(.readingList(citizen: citizen, home: nil, quantity: "heart_rate", since: nil, limit: 10, purpose: "research"), as: "clinic")
        }
        #expect(try asked("ada").outcome == .refused)
        #expect(try asked("bob").items.count == 1)
    }
}
