import Care
import Foundation
import Testing

@testable import Devices

/// A home in which something is announced, and what is heard there.
private struct TestHome {
    let catalogue: Catalogue
    var announced = Announced()
    let topics: HomeTopics

    init(home: HomeID? = nil) throws {
        catalogue = try shipped()
        topics = HomeTopics(home: home)
    }

    mutating func announce(_ topic: String, _ payload: String) throws -> Announced.News {
        let route = try #require(catalogue.route(topicBelowHome: topic), "no route for \(topic)")
        #expect(route.role == .announcement && route.convention == "homeassistant")
        return Array(payload.utf8).withUnsafeBytes { announced.take(route, topic: topic, payload: $0, catalogue, topics: topics) }
    }

    /// `device quantity/channel value`, availability as `device online`, a fault as `!`.
    func hear(_ topic: String, _ payload: String) -> [String] {
        var heard: [String] = []
        for route in catalogue.routes(topicBelowHome: topic, announced) {
            var readings: [DecodedReading] = []
            let outcome = Array(payload.utf8).withUnsafeBytes { catalogue.decode(route, payload: $0, arrivedAt: arrival, into: &readings) }
            for reading in readings {
                let value = reading.value.asNumber
                heard.append("\(route.device) \(reading.quantity)\(reading.channel.isEmpty ? "" : "/" + reading.channel) \(value == value.rounded() ? "\(Int(value))" : "\(value)")")
            }
            switch outcome {
            case .availability(let isOnline): heard.append("\(route.device) \(isOnline ? "online" : "offline") \(route.availabilityMode)")
            case .undecodable: heard.append("!")
            default: break
            }
        }
        return heard
    }
}

extension Announced.News {
    fileprivate var declared: [String] {
        declares.map { "\($0.declared.quantity)\($0.declared.channel.isEmpty ? "" : "/" + $0.declared.channel) \($0.declared.unit ?? "-")" }
    }
}

@Suite struct HomeAssistantTests {
    // MARK: Keys

    static let long = """
        {"name": "Temperature", "unique_id": "u1", "state_topic": "base/state", "value_template": "{{ value_json.t }}", "device_class": "temperature", \
        "unit_of_measurement": "°C", "expire_after": 600, "availability": [{"topic": "base/lwt", "payload_available": "up", "payload_not_available": "down"}], \
        "availability_mode": "all", "device": {"identifiers": ["d1"], "name": "Sensor", "manufacturer": "Maker", "model": "M1", "via_device": "b1"}}
        """
    static let short = """
        {"name": "Temperature", "uniq_id": "u1", "~": "base/", "stat_t": "~state", "val_tpl": "{{ value_json.t }}", "dev_cla": "temperature", \
        "unit_of_meas": "°C", "exp_aft": 600, "avty": [{"t": "~lwt", "pl_avail": "up", "pl_not_avail": "down"}], \
        "avty_mode": "all", "dev": {"ids": "d1", "name": "Sensor", "mf": "Maker", "mdl": "M1", "via_device": "b1"}}
        """

    @Test(arguments: [long, short]) func longAndShortKeysMeanTheSame(payload: String) throws {
        var home = try TestHome()
        let news = try home.announce("homeassistant/sensor/n/temperature/config", payload)
        #expect(news.declared == ["temperature °C"] && news.reason == nil && news.isKept && news.isChanged)
        let device = try #require(news.devices.first)
        #expect(device.address == "homeassistant/d1" && device.title == "Sensor" && device.model == "Maker M1" && device.bridge == "homeassistant/b1")
        #expect(home.hear("base/state", #"{"t": 21.5}"#) == ["homeassistant/d1 temperature 21.5"])
        #expect(home.hear("base/lwt", "up") == ["homeassistant/d1 online all"])
        #expect(home.hear("base/lwt", "down") == ["homeassistant/d1 offline all"])
        #expect(home.hear("base/lwt", "online") == ["!"])
        let route = try #require(home.catalogue.routes(topicBelowHome: "base/state", home.announced).first)
        #expect(route.expected == .minutes(10))
    }

    @Test(arguments: [
        (#""dev":{"ids":["a","b"]}"#, "homeassistant/a"), (#""dev":{"ids":["x/+#%y"]}"#, "homeassistant/x%2F%2B%23%25y"), (#""dev":{"cns":[["mac","02:00"]]}"#, "homeassistant/02:00"),
        (#""dev":{"ids":[],"cns":[["mac","02:00"]]}"#, "homeassistant/02:00"), (#""uniq_id":"u 1""#, "homeassistant/u 1"), (#""qos":0"#, "homeassistant/node/object"), (#""dev":{"ids":[17]}"#, "homeassistant/17"),
    ])
    func identityIsTheFirstThatIsNamed(field: String, address: String) throws {
        var home = try TestHome()
        let news = try home.announce("homeassistant/sensor/node/object/config", #"{"stat_t":"s","dev_cla":"humidity",\#(field)}"#)
        #expect(news.devices.map(\.address) == [address])
    }

    @Test func aLongIdentifierIsCutAndStaysItself() throws {
        var home = try TestHome()
        let ids = ["a", "b"].map { String(repeating: "x", count: 300) + $0 }
        var addresses: Set<String> = []
        for (n, id) in ids.enumerated() {
            let news = try home.announce("homeassistant/sensor/s\(n)/config", #"{"stat_t":"s","dev_cla":"humidity","dev":{"ids":["\#(id)"]}}"#)
            for device in news.devices { addresses.insert(device.address) }
        }
        #expect(addresses.count == 2 && addresses.allSatisfy { $0.utf8.count < 100 })
    }

    /// The object id without what it says of the device; nothing where it is what is measured.
    static let channels: [(topic: String, deviceClass: String, id: String, name: String, wanted: String)] = [
        ("sensor/0xa1/temperature", "temperature", "d", "", "temperature"), ("sensor/plug-aabbccddeeff-0-power", "power", "aa:bb:cc:dd:ee:ff", "Relay 0 Power", "power/0_power"),
        ("sensor/plug-aabbccddeeff-power", "power", "aa:bb:cc:dd:ee:ff", "", "power"), ("sensor/temperature_aabbccddeeff", "temperature", "AABBCCDDEEFF", "", "temperature"),
        ("sensor/living-room/living_room_temperature", "temperature", "esp", "Living Room Temperature", "temperature"), ("sensor/s/T-1", "temperature", "d", "", "temperature/t_1"),
        ("sensor/s/T-1", "temperature", "d", "Temperature", "temperature"), ("binary_sensor/s/contact", "door", "d", "Door", "door"), ("binary_sensor/s/contact", "door", "d", "", "door/contact"),
    ]

    @Test(arguments: channels)
    func channelsComeFromTheEntity(topic: String, deviceClass: String, id: String, name: String, wanted: String) throws {
        var home = try TestHome()
        let unit = topic.hasPrefix("sensor") ? #","unit_of_meas":"\#(deviceClass == "power" ? "W" : "°C")""# : ""
        let news = try home.announce("homeassistant/\(topic)/config", #"{"stat_t":"s","dev_cla":"\#(deviceClass)","name":"\#(name)","dev":{"ids":["\#(id)"]}\#(unit)}"#)
        #expect(news.declared.map { String($0.prefix { $0 != " " }) } == [wanted])
    }

    // MARK: Homes

    @Test func topicsOutsideTheHomeAreRefused() throws {
        let home: HomeID = "rose"
        for field in [#""stat_t":"homes/lily/s""#, #""stat_t":"s""#, #""stat_t":"homes/rose/s","cmd_t":"homes/lily/c""#, #""stat_t":"homes/rose/s","avty":[{"t":"homes/lily/a"}]"#,
            #""~":"homes/lily","stat_t":"~/s""#, #""stat_t":"homes/rose/s","json_attr_t":"homes/lily/j""#, #""~":"homes/lily/","stat_t":"homes/rose/s","avty_t":"~lwt""#, #""stat_t":"s~","~":"homes/rose/""#,
        ] {
            var home = try TestHome(home: home)
            let news = try home.announce("homeassistant/sensor/a/config", #"{"dev_cla":"humidity",\#(field)}"#)
            let reason = try #require(news.reason, "\(field)")
            #expect(reason.contains("not in this home") && !reason.contains("lily") && !news.isKept && home.announced.isEmpty)
        }
        for field in [#""stat_t":"homes/rose/s""#, #""~":"homes/rose","stat_t":"~/s""#, #""~":"/s","stat_t":"homes/rose~""#] {
            var home = try TestHome(home: home)
            #expect(try home.announce("homeassistant/sensor/a/config", #"{"dev_cla":"humidity",\#(field)}"#).reason == nil)
            #expect(home.hear(field.contains("rose~") ? "/s" : "s", "44").count == (field.contains("rose~") ? 0 : 1), "\(field)")
        }
        // One component of a device is enough.
        var rose = try TestHome(home: home)
        let news = try rose.announce("homeassistant/device/d/config", #"{"cmps":{"a":{"p":"sensor","dev_cla":"humidity","stat_t":"homes/rose/s"},"b":{"p":"button","cmd_t":"homes/lily/c"}}}"#)
        #expect(news.reason != nil && rose.announced.isEmpty)
    }

    @Test func whatIsTakenBackIsHeardNoMore() throws {
        var home = try TestHome()
        _ = try home.announce("homeassistant/sensor/a/config", #"{"stat_t":"s","dev_cla":"humidity"}"#)
        #expect(home.hear("s", "44") == ["homeassistant/a humidity/a 44"])
        let news = try home.announce("homeassistant/sensor/a/config", "")
        #expect(news.isChanged && home.announced.isEmpty && home.hear("s", "44") == [])
    }

    @Test func anAnnouncementCanBeSaidAnew() throws {
        var home = try TestHome()
        let topic = "homeassistant/sensor/a/config"
        func payload(_ unit: String) -> String { #"{"stat_t":"s","dev_cla":"temperature","unit_of_meas":"\#(unit)","dev":{"ids":"d"}}"# }
        #expect(try home.announce(topic, payload("°C")).isChanged)
        #expect(home.hear("s", "50") == ["homeassistant/d temperature/a 50"])
        // The same again changes nothing; another unit changes the value, and the series stays what it is.
        #expect(try !home.announce(topic, payload("°C")).isChanged)
        let news = try home.announce(topic, payload("°F"))
        #expect(news.isChanged && news.declared == ["temperature/a °F"])
        #expect(home.hear("s", "50") == ["homeassistant/d temperature/a 10"])
        // What cannot be understood takes the place of what could.
        let fault = try home.announce(topic, payload("lx"))
        #expect(fault.declared == [] && fault.notUnderstood.map(\.name) == ["sensor/a"] && home.hear("s", "50") == [])
    }

    // MARK: Devices

    @Test func aDeviceAnnouncesAllOfItsEntities() throws {
        var home = try TestHome()
        let news = try home.announce(
            "homeassistant/device/d1/config",
            #"{"device":{"identifiers":["d1"]},"origin":{"name":"o"},"~":"b","state_topic":"~/s","availability_topic":"~/a","components":{"t1":{"platform":"sensor","device_class":"temperature","unit_of_measurement":"°C","value_template":"{{ value_json.t[0] }}"},"t2":{"p":"sensor","dev_cla":"temperature","unit_of_meas":"°C","val_tpl":"{{ value_json.t[1] }}"},"door":{"p":"binary_sensor","dev_cla":"door","stat_t":"~/door","pl_on":"1","pl_off":"0"},"go":{"p":"button","cmd_t":"~/go"},"gone":{"p":"sensor"},"odd":{"dev_cla":"humidity"}}}"#)
        #expect(news.declared == ["temperature/t1 °C", "temperature/t2 °C", "door -"])
        #expect(news.notUnderstood.isEmpty && news.devices.count == 1)
        #expect(home.hear("b/s", #"{"t":[20,21]}"#) == ["homeassistant/d1 temperature/t1 20", "homeassistant/d1 temperature/t2 21"])
        #expect(home.hear("b/door", "1") == ["homeassistant/d1 door 1"] && home.hear("b/door", "ON") == ["!"])
        #expect(home.hear("b/a", "online") == ["homeassistant/d1 online latest"])
    }

    @Test func twoEntitiesMayReadOneMember() throws {
        var home = try TestHome()
        for name in ["a", "b"] {
            _ = try home.announce("homeassistant/sensor/n/\(name)/config", #"{"stat_t":"s","dev_cla":"temperature","unit_of_meas":"°C","val_tpl":"{{ value_json.t }}","dev":{"ids":"d"}}"#)
        }
        _ = try home.announce("homeassistant/sensor/n/c/config", #"{"stat_t":"s","dev_cla":"humidity","val_tpl":"{{ value_json.t.h }}","dev":{"ids":"d"}}"#)
        #expect(home.hear("s", #"{"t":20}"#) == ["homeassistant/d temperature/a 20", "homeassistant/d temperature/b 20"])
    }

    @Test func availabilityIsReadAsItIsAnnounced() throws {
        var home = try TestHome()
        _ = try home.announce(
            "homeassistant/sensor/a/config",
            #"{"stat_t":"s","dev_cla":"humidity","dev":{"ids":"d"},"avty":[{"pl_avail":"true","pl_not_avail":"false","t":"online"},{"t":"rpc","val_tpl":"{%if value_json.mqtt.connected%}online{%else%}offline{%endif%}"},{"t":"any","val_tpl":"{{ now() }}"}],"avty_mode":"any"}"#)
        #expect(home.announced.notUnderstood.map(\.name) == ["sensor/a availability"])
        #expect(home.hear("online", "true") == ["homeassistant/d online any"] && home.hear("online", "false") == ["homeassistant/d offline any"])
        #expect(home.hear("rpc", #"{"mqtt":{"connected":false}}"#) == ["homeassistant/d offline any"])
        // A message about something else says nothing of it, and is no fault.
        #expect(home.hear("rpc", #"{"wifi":{}}"#) == [] && home.hear("rpc", "x") == ["!"])
        #expect(home.hear("s", "44") == ["homeassistant/d humidity/a 44"])
    }

    // MARK: Components

    static let components: [(component: String, fields: String, message: String, wanted: String)] = [
        ("binary_sensor", #""dev_cla":"lock""#, "ON", "lock/x 1"), ("binary_sensor", #""dev_cla":"lock""#, "OFF", "lock/x 0"), ("binary_sensor", #""dev_cla":"battery""#, "ON", "battery_low/x 1"),
        ("binary_sensor", #""dev_cla":"safety""#, "ON", "problem/x 1"), ("binary_sensor", #""dev_cla":"connectivity""#, "ON", ""), ("binary_sensor", #""dev_cla":"door""#, "on", "!"),
        ("binary_sensor", #""dev_cla":"door""#, "None", ""), ("binary_sensor", #""dev_cla":"door""#, "unavailable", ""), ("binary_sensor", #""dev_cla":"door""#, "", ""),
        ("binary_sensor", #""dev_cla":"door","val_tpl":"{{ value_json.c }}","pl_on":false,"pl_off":true"#, #"{"c":false}"#, "door/x 1"),
        ("binary_sensor", #""dev_cla":"door","val_tpl":"{{ value_json.c }}","pl_on":"False","pl_off":"True""#, #"{"c":true}"#, "door/x 0"),
        ("binary_sensor", #""name":"Fall detected""#, "ON", "fall 1"), ("binary_sensor", #""name":"Fall detected""#, "OFF", ""), ("binary_sensor", #""name":"Input 0""#, "ON", ""),
        ("sensor", #""dev_cla":"battery""#, "88", "battery/x 88"), ("sensor", #""dev_cla":"battery""#, "unknown", ""), ("sensor", #""dev_cla":"battery""#, "full", "!"), ("sensor", #""dev_cla":"battery""#, "140", ""),
        ("sensor", #""dev_cla":"temperature","unit_of_meas":"°C","ent_cat":"diagnostic""#, "40", "device_temperature/x 40"), ("sensor", #""dev_cla":"temperature","unit_of_meas":"°C","ent_cat":"config""#, "40", ""),
        ("sensor", #""dev_cla":"temperature","unit_of_meas":"°C","name":"Target temperature""#, "40", ""), ("sensor", #""dev_cla":"signal_strength","unit_of_meas":"dBm""#, "-60", ""),
        ("sensor", #""dev_cla":"power_factor""#, "0.5", "power_factor/x 50"), ("sensor", #""dev_cla":"power_factor","unit_of_meas":"%","val_tpl":"{{value_json.pf*100}}""#, #"{"pf":0.25}"#, "power_factor/x 25"),
        ("sensor", #""dev_cla":"pressure","unit_of_meas":"hPa""#, "1013", "atmospheric_pressure/x 1013"), ("sensor", #""dev_cla":"pressure","unit_of_meas":"bar""#, "1.5", ""),
        ("sensor", #""dev_cla":"pressure","unit_of_meas":"mmHg","name":"Systolic""#, "120", "blood_pressure_systolic 120"), ("sensor", #""name":"SpO2","unit_of_meas":"%""#, "97", "oxygen_saturation 97"),
        ("sensor", #""name":"Heart Rate","unit_of_meas":"bpm""#, "61", "heart_rate 61"), ("sensor", #""name":"Weight","unit_of_meas":"kg""#, "71", "body_weight 71"), ("sensor", #""dev_cla":"weight","unit_of_meas":"g""#, "71", ""),
        ("sensor", #""name":"Steps","unit_of_meas":"steps""#, "7000", "steps 7000"), ("sensor", #""name":"Boiler","unit_of_meas":"°C""#, "60", ""), ("sensor", #""name":"Room temperature 2","unit_of_meas":"°C""#, "20", "temperature/x 20"),
        ("switch", #""cmd_t":"c""#, "ON", "power_on/x 1"), ("switch", #""stat_on":"on","stat_off":"off","pl_on":"{}""#, "off", "power_on/x 0"), ("switch", #""ent_cat":"config""#, "ON", ""), ("switch", #""name":"Child lock""#, "ON", ""),
        ("light", #""schema":"json""#, #"{"state":"ON","brightness":7}"#, "power_on/x 1"), ("light", #""bri_stat_t":"b""#, "OFF", "power_on/x 0"), ("light", #""schema":"template","state_template":"{{ value_json.s }}""#, #"{"s":"on"}"#, "power_on/x 1"),
        ("fan", #""cmd_t":"c""#, "ON", "power_on/x 1"), ("siren", #""cmd_t":"c""#, "OFF", "siren/x 0"), ("siren", #""stat_val_tpl":"{{ value_json.a }}","stat_on":"1","stat_off":"0""#, #"{"a":1}"#, "siren/x 1"),
        ("lock", #""cmd_t":"c""#, "LOCKED", "lock/x 0"), ("lock", #""cmd_t":"c""#, "UNLOCKED", "lock/x 1"), ("lock", #""cmd_t":"c""#, "JAMMED", ""), ("lock", #""stat_locked":"1","stat_unlocked":"0""#, "0", "lock/x 1"), ("lock", #""cmd_t":"c""#, "?", "!"),
        ("cover", #""dev_cla":"garage""#, "open", "opening/x 1"), ("cover", #""dev_cla":"window","stat_clsd":"shut""#, "shut", "opening/x 0"), ("cover", #""dev_cla":"blind""#, "open", ""), ("cover", #""dev_cla":"garage""#, "stopped", ""), ("valve", #""dev_cla":"water""#, "open", ""),
        ("device_tracker", #""src_type":"router""#, "home", "presence/x 1"), ("device_tracker", #""pl_home":"1","pl_not_home":"0""#, "0", "presence/x 0"), ("device_tracker", #""src_type":"gps""#, "garden", "presence/x 0"), ("device_tracker", #""src_type":"gps""#, "None", ""),
        ("event", #""evt_typ":["single","double_left","hold","wheel_up","doorbell"]"#, #"{"event_type":"double_left"}"#, "button_double/x 1"), ("event", #""evt_typ":["press"],"dev_cla":"doorbell""#, #"{"event_type":"press"}"#, "doorbell/x 1"),
        ("event", #""evt_typ":["single"]"#, #"{"event_type":"double"}"#, "!"), ("event", #""evt_typ":["single"]"#, "single", "!"), ("event", #""evt_typ":["single"]"#, "{}", ""), ("event", #""evt_typ":["odd"],"dev_cla":"button""#, #"{"event_type":"odd"}"#, "button_other/x 1"),
        ("event", #""evt_typ":["odd"]"#, #"{"event_type":"odd"}"#, ""), ("event", #""evt_typ":["motion"],"dev_cla":"motion""#, #"{"event_type":"motion"}"#, ""), ("event", #""evt_typ":["button_up","btn_up"],"dev_cla":"button""#, #"{"event_type":"btn_up"}"#, ""),
        ("number", #""cmd_t":"c","dev_cla":"temperature""#, "20", ""), ("select", #""cmd_t":"c","ops":[]"#, "a", ""), ("text", #""cmd_t":"c""#, "a", ""), ("update", #""l_ver_t":"v""#, "1", ""), ("vacuum", #""cmd_t":"c""#, "{}", ""), ("unheard_of", #""a":1"#, "x", ""),
    ]

    @Test(arguments: components)
    func componentsGive(component: String, fields: String, message: String, wanted: String) throws {
        var home = try TestHome()
        let news = try home.announce("homeassistant/\(component)/x/config", #"{"stat_t":"s","dev":{"ids":"d"},\#(fields)}"#)
        #expect(news.reason == nil && news.notUnderstood.isEmpty, "\(component) \(fields)")
        let heard = home.hear("s", message).map { $0.replacingOccurrences(of: "homeassistant/d ", with: "") }
        #expect(heard == (wanted.isEmpty ? [] : [wanted]), "\(component) \(fields) \(message)")
    }

    @Test func thermostatsSayWhatTheyMeasure() throws {
        var home = try TestHome()
        let news = try home.announce("homeassistant/climate/x/config", #"{"curr_temp_t":"s","curr_temp_tpl":"{{ value_json.t }}","curr_hum_t":"s","curr_hum_tpl":"{{ value_json.h }}","temp_unit":"F","mode_stat_t":"m","dev":{"ids":"d"}}"#)
        #expect(news.declared == ["temperature/x °F", "humidity/x %"])
        #expect(home.hear("s", #"{"t":50,"h":44}"#) == ["homeassistant/d temperature/x 10", "homeassistant/d humidity/x 44"])
        for (limits, unit) in [(#""max_temp":30"#, "°C"), (#""max_temp":95,"min_temp":45"#, "°F"), (#""min_temp":5"#, "°C")] {
            #expect(try home.announce("homeassistant/climate/x/config", #"{"curr_temp_t":"s",\#(limits)}"#).declared == ["temperature/x \(unit)"])
        }
        #expect(try home.announce("homeassistant/climate/x/config", #"{"curr_temp_t":"s"}"#).notUnderstood.count == 1)
    }

    static let triggers: [(fields: String, message: String, wanted: String)] = [
        (#""type":"button_short_press","stype":"button_1","pl":"1""#, "1", "button_single/button_1 1"), (#""type":"button_short_press","stype":"button_1","pl":"1""#, "2", ""), (#""type":"button_long_press","stype":"turn_on""#, "anything", "button_hold/turn_on 1"),
        (#""type":"button_long_release","stype":"button_1","pl":"1""#, "1", ""), (#""type":"action","stype":"double","pl":"double""#, "double", "button_double 1"), (#""type":"action","stype":"wheel","pl":"wheel""#, "wheel", "button_other 1"),
        (#""type":"button_triple_press","stype":"button_2""#, "x", "button_other/button_2 1"), (#""type":"action","stype":"emergency","pl":"e""#, "e", "sos 1"), (#""type":"weather","stype":"rain""#, "x", ""),
        (#""type":"button_short_press","stype":"b","pl":"a_0_single_push","val_tpl":"{{value_json.e.0.c}}_{{value_json.e.0.i}}_{{value_json.e.0.v}}""#, #"{"e":[{"c":"a","i":0,"v":"single_push"}]}"#, "button_single/b 1"),
        (#""type":"button_short_press","stype":"b","pl":"a_0_single_push","val_tpl":"{{value_json.e.0.c}}_{{value_json.e.0.i}}_{{value_json.e.0.v}}""#, #"{"e":[{"c":"a","v":"single_push"}]}"#, ""),
    ]

    @Test(arguments: triggers)
    func triggersHappen(fields: String, message: String, wanted: String) throws {
        var home = try TestHome()
        let news = try home.announce("homeassistant/device_automation/x/config", #"{"atype":"trigger","t":"s","dev":{"ids":"d"},\#(fields)}"#)
        #expect(news.reason == nil && news.notUnderstood.isEmpty)
        #expect(home.hear("s", message) == (wanted.isEmpty ? [] : ["homeassistant/d " + wanted]), "\(fields)")
    }

    // MARK: What is not understood

    @Test(arguments: [
        ("sensor", #"{"stat_t":"s","dev_cla":"temperature","unit_of_meas":"°C","val_tpl":"{{ states('x') }}"}"#, "states('x')"), ("sensor", #"{"stat_t":"s","dev_cla":"temperature"}"#, "unit"),
        ("sensor", #"{"stat_t":"s","dev_cla":"temperature","unit_of_meas":"lx"}"#, "unit"), ("sensor", #"{"dev_cla":"humidity"}"#, "state_topic"), ("sensor", #"{"stat_t":"a/+/b","dev_cla":"humidity"}"#, "wildcards"),
        ("binary_sensor", #"{"stat_t":"s","dev_cla":"door","val_tpl":"{{ is_state('x') }}"}"#, "is_state"), ("event", #"{"stat_t":"s"}"#, "event_types"), ("device_automation", #"{"atype":"trigger","t":"s"}"#, "type"),
    ])
    func whatIsNotUnderstoodIsSaid(component: String, payload: String, part: String) throws {
        var home = try TestHome()
        let news = try home.announce("homeassistant/\(component)/x/config", payload)
        let said = try #require(news.notUnderstood.first)
        #expect(said.name == "\(component)/x" && said.reason.contains(part) && said.reason.hasSuffix("."))
        #expect(news.declared == [] && home.hear("s", "{}") == [] && home.hear("s", "1") == [])
    }

    @Test(arguments: ["ON", "[]", "{", #"{"a":1}x"#, "\u{1}", #"{"a":"# + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}"])
    func whatIsNoAnnouncementIsRefused(payload: String) throws {
        var home = try TestHome()
        let news = try home.announce("homeassistant/sensor/x/config", payload)
        #expect(news.reason != nil && !news.isKept && home.announced.isEmpty)
    }

    @Test func topicsOfOthersAreNotOurs() throws {
        let catalogue = try shipped()
        for topic in ["homeassistant", "homeassistant/sensor/config", "homeassistant/a/b/c/d/config", "homeassistant/sensor/x/state", "homeassistant//x/config", "homeassistantx/sensor/x/config"] {
            #expect(catalogue.route(topicBelowHome: topic)?.convention != "homeassistant", "\(topic)")
        }
        #expect(catalogue.route(topicBelowHome: "homeassistant/status")?.role == .ignored)
        #expect(catalogue.usualTopic(ofConvention: "ha-discovery") == HomeAssistant.usualTopic)
    }

    /// A short announcement must not become much: what is said once for a thousand components is kept once.
    @Test func announcementsHaveLimits() throws {
        var home = try TestHome()
        let long = String(repeating: "x", count: 100_000)
        for field in [#""stat_t":"\#(long)""#, #""stat_t":"s","avty":[\#(Array(repeating: #"{"t":"a"}"#, count: 17).joined(separator: ","))]"#] {
            #expect(try home.announce("homeassistant/sensor/a/config", #"{"dev_cla":"humidity",\#(field)}"#).reason != nil)
        }
        for field in [#""pl_on":"\#(long)""#, #""val_tpl":"\#(long)""#] {
            #expect(try home.announce("homeassistant/binary_sensor/a/config", #"{"stat_t":"s","dev_cla":"door",\#(field)}"#).notUnderstood.count == 1)
        }
        #expect(try home.announce("homeassistant/binary_sensor/a/config", #"{"stat_t":"s","dev_cla":"door","avty_t":"a","pl_avail":"\#(long)"}"#).notUnderstood.count == 1)
        let many = (0..<DiscoveryEntity.entitiesMax).map { #""c\#($0)":{"p":"sensor","dev_cla":"humidity"}"# }.joined(separator: ",")
        let news = try home.announce("homeassistant/device/d/config", #"{"dev":{"ids":["\#(long)","\#(long)y"],"name":"\#(long)"},"stat_t":"s","val_tpl":"\#(long)","avty_t":"a","cmps":{\#(many)}}"#)
        #expect(news.declares.count == DiscoveryEntity.entitiesMax && news.reason == nil && news.notUnderstood.isEmpty)
        #expect(home.hear("a", "online").count == 1)
        let more = try home.announce("homeassistant/device/e/config", #"{"stat_t":"s","cmps":{\#(many),"x":{"p":"sensor","dev_cla":"humidity"}}}"#)
        #expect(more.reason != nil)
    }

    @Test func movingToTheOtherFormIsNoFault() throws {
        var home = try TestHome()
        let news = try home.announce("homeassistant/sensor/x/config", #"{"migrate_discovery":true}"#)
        #expect(news.reason == nil && news.notUnderstood.isEmpty && news.declared == [])
    }

    // MARK: Any bytes

    /// Damaged announcements, and damaged messages on what they announced: nothing crashes.
    @Test func noAnnouncementCrashes() throws {
        let seed: UInt64 = 20_261_123
        print("announcement fuzz: seed \(seed)")
        let catalogue = try shipped()
        let samples = catalogue.samples.filter { $0.topic.hasPrefix("homeassistant/") && $0.topic.hasSuffix("/config") }.map { ($0.topic, $0.message) }
            + catalogue.samples.flatMap(\.after).map { ($0.topic, Array($0.message.utf8)) }
        let messages = catalogue.samples.map(\.message)
        var generator = SeededGenerator(seed: seed)
        let joints = Array("{}[]\",:\\u0eE+-.truefalsn~/ \u{0}".utf8)
        var (kept, heard) = (0, 0)
        for _ in 0..<4_000 {
            var trial = Announced()
            let sample = try #require(samples.randomElement(using: &generator))
            var bytes = sample.1
            for _ in 0..<Int.random(in: 0..<3, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = Bool.random(using: &generator) ? joints.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...255, using: &generator)
            }
            let route = try #require(catalogue.route(topicBelowHome: sample.0))
            let news = bytes.withUnsafeBytes { trial.take(route, topic: sample.0, payload: $0, catalogue, topics: HomeTopics(home: nil)) }
            if news.isKept { kept += 1 }
            for topic in ["bedroom/state", "pendant/event", "door/lock", "gate/state", "hall/siren", "phone/where", "room/t", "shellyfloodsg4-aabbccddeeff/status/flood:0"] {
                for route in trial.routes(topicBelowHome: topic, native: nil) {
                    var message = try #require(messages.randomElement(using: &generator))
                    if !message.isEmpty, Bool.random(using: &generator) { message[Int.random(in: 0..<message.count, using: &generator)] = joints.randomElement(using: &generator) ?? 0 }
                    var readings: [DecodedReading] = []
                    _ = message.withUnsafeBytes { catalogue.decode(route, payload: $0, arrivedAt: arrival, into: &readings) }
                    heard += readings.count
                    for reading in readings { if case .number(let number) = reading.value { #expect(number.isFinite) } }
                }
            }
        }
        print("announcement fuzz: \(kept) of 4000 were kept, \(heard) readings")
        #expect(kept > 1_200 && heard > 40)
    }
}

@Suite struct HomeAssistantProfileTests {
    /// A typing error in a profile is said, with its place.
    @Test(arguments: [
        ("topic: homeassistant/#\nsensors: {}", "has no"), ("topic: homeassistant/#\nsensor:\n  temperature: {quantity: temprature, category: safety}", "no quantity"),
        ("topic: homeassistant/#\nsensor:\n  temperature: {quantity: temperature, category: health}", "category"), ("topic: homeassistant/#\nsensor:\n  temperature: {quantity: temperature, category: safety, unit: lx}", "cannot be had"),
        ("topic: homeassistant/#\nsensor:\n  temperature: {quantity: temperature, category: safety, invert: true}", "has no"), ("topic: homeassistant/x", "begin with"), ("sensor: {}", "needs"),
        ("topic: homeassistant/#\nnames:\n  x: {quantity: temperature, category: safety, component: light}", "component"), ("topic: homeassistant/#\nevents: {quantity: temperature, category: safety, unit: Cel}", "events"),
        ("topic: homeassistant/#\nbinary_sensor:\n  door: {quantity: door, category: security, unit: Cel}", "cannot be had"),
    ] as [(text: String, part: String)])
    func typingErrorsAreSaid(text: String, part: String) throws {
        let files = try TemporaryProfiles([("homeassistant/x.yaml", text)])
        do {
            _ = try Catalogue.load(folder: files.folder)
            Issue.record("no error")
        } catch {
            #expect(error.message.contains(part) && error.line > 0, "\(error)")
        }
    }

    @Test func ownersMayUseAnotherPrefixAndAddNames() throws {
        let files = try TemporaryProfiles([("homeassistant/own.yaml", "topic: my/discovery/#\nsensor:\n  duration: {quantity: sleep_duration, category: mindfulness}")])
        let catalogue = try Catalogue.load(folders: [packageRoot + "/devices", files.folder])
        let route = try #require(catalogue.route(topicBelowHome: "my/discovery/sensor/n/x/config"))
        #expect(route.role == .announcement)
        var trial = Trial(catalogue)
        let payload = Array(#"{"stat_t":"s","dev_cla":"duration","unit_of_meas":"min","dev":{"ids":"d"}}"#.utf8)
        let result = payload.withUnsafeBytes { trial.take(topic: "my/discovery/sensor/n/x/config", payload: $0, arrivedAt: arrival) }
        #expect(result.announces.map(\.declared) == [Declared(quantity: try #require(Quantity("sleep_duration")), channel: "x", unit: "min")])
        // Without a topic the usual one is taken, and the announcement says by its fields what it is.
        let untold = payload.withUnsafeBytes { trial.take(topic: nil, convention: "esphome", payload: $0, arrivedAt: arrival) }
        #expect(untold.announces.count == 1)
    }
}
