import Care
import Testing

@testable import Devices

@Suite struct OwnTracksTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    func location(_ more: String) throws -> Decoded {
        try catalogue.decode("owntracks/rose/phone", #"{"_type":"location","lat":52.5,"lon":13.4,"tst":1767225540\#(more)}"#)
    }

    @Test func allTopicsOfAPhoneAreOneDevice() throws {
        for rest in ["", "/event", "/step", "/lwt", "/waypoint", "/waypoints", "/status", "/dump", "/beacon", "/something new"] {
            let route = try #require(catalogue.route(topicBelowHome: "owntracks/rose's/old phone" + rest))
            #expect(route.device == "owntracks/rose's/old phone")
            #expect(route.expected == .hours(25))
            #expect(route.isDevice)
        }
        // Others write there, so it is no sign of life.
        for rest in ["/cmd", "/info"] { #expect(catalogue.route(topicBelowHome: "owntracks/rose/phone" + rest)?.role == .ignored) }
        for topic in ["owntracks", "owntracks/", "owntracks/rose", "owntracks/rose/", "owntracks//phone", "owntracksx/a/b"] {
            #expect(catalogue.route(topicBelowHome: topic) == nil)
        }
    }

    /// No regions, none that is home, and home written in other ways.
    @Test(arguments: [
        ("", nil), (#","inregions":[]"#, false), (#","inregions":["Office"]"#, false), (#","inregions":["Office","HOME"]"#, true),
        (#","inregions":["À LA MAISON"]"#, true), (#","inregions":["-home"]"#, true), (#","inregions":[" home "]"#, true),
        (#","inregions":["\u0048ome"]"#, true), (#","inregions":["homestead"]"#, false), (#","inregions":"home""#, nil),
        (#","inregions":null"#, nil), (#","inregions":[1,null,{"home":1}]"#, false), (#","inregions":["home"],"inregions":[]"#, false),
    ])
    func presenceIsWhatTheRegionsSay(regions: String, isHome: Bool?) throws {
        let decoded = try location(regions)
        #expect(decoded.values["presence"] == isHome.map { .boolean($0) })
        #expect(decoded.values["latitude"] == .number(52.5))
        #expect(decoded.readings.allSatisfy { $0.deviceTime?.milliseconds == 1_767_225_540_000 })
    }

    /// Each message would be a place where the phone is not, or a time that nobody knows.
    @Test(arguments: [
        #"{"_type":"location","lat":0,"lon":0,"acc":0,"tst":1}"#, #"{"_type":"location","lat":0,"lon":0,"tst":1}"#,
        #"{"_type":"location","lat":52.5,"lon":13.4,"acc":-1,"tst":1}"#, #"{"_type":"location","lat":52.5,"tst":1}"#,
        #"{"_type":"location","lat":91,"lon":13.4,"tst":1}"#, #"{"_type":"location","lat":52.5,"lon":-181,"tst":1}"#,
        #"{"_type":"location","lat":"NaN","lon":13.4,"tst":1}"#, #"{"_type":"location","lat":52.5,"lon":13.4,"tst":0}"#,
        #"{"_type":"location","lat":52.5,"lon":13.4,"tst":-5}"#, #"{"_type":"location","lat":52.5,"lon":13.4,"tst":true}"#,
        #"{"_type":"Location","lat":52.5,"lon":13.4,"tst":1}"#, #"{"lat":52.5,"lon":13.4,"tst":1}"#, #"{"_type":7}"#, "[]", "1", "{",
        #"{"_type":"location","lat":52.5,"lon":13.4,"tst":1}}"#, #"{"_type":"transition","desc":"home","tst":1}"#,
        #"{"_type":"transition","desc":"home","event":"inside","tst":1}"#, #"{"_type":"encrypted","data":"x"}"#,
    ])
    func theseAreRefused(payload: String) throws {
        let decoded = try catalogue.decode("owntracks/rose/phone", payload)
        #expect(decoded.reason != nil)
        #expect(decoded.readings.isEmpty)
    }

    @Test func numbersMayBeTextsAsOldAppsSendThem() throws {
        let decoded = try catalogue.decode("owntracks/r/p", #"{"tst":"1767225540","lat":"52.5","lon":"13.4","acc":"10","batt":"80","_type":"location"}"#)
        #expect(decoded.values == ["latitude": .number(52.5), "longitude": .number(13.4), "location_accuracy": .number(10), "battery": .number(80)])
    }

    /// A tracker without a clock sends no time: it means now.
    @Test func withoutATimeItIsNow() throws {
        let decoded = try catalogue.decode("owntracks/r/p", #"{"_type":"location","lat":52.5,"lon":13.4,"inregions":["home"]}"#)
        #expect(decoded.values.count == 3)
        #expect(decoded.readings.allSatisfy { $0.deviceTime == nil })
    }

    @Test func sentinelsAreNoReadings() throws {
        #expect(try location(#","batt":-1,"vel":-1,"p":0,"steps":-1"#).values.count == 2)
        #expect(try location(#","vel":0,"batt":0"#).values["speed"] == .number(0))
        #expect(try location(#","batt":101"#).values["battery"] == nil)
    }

    @Test func comingHomeIsAnEventAndAState() throws {
        func transition(_ more: String) throws -> [String: Value] {
            try catalogue.decode("owntracks/r/p/event", #"{"_type":"transition","tst":1767225540\#(more)}"#).values
        }
        let yes = Value.boolean(true)
        #expect(try transition(#","event":"enter","desc":"Home""#) == ["enter/home": yes, "presence": yes])
        #expect(try transition(#","event":"leave","desc":"Home","t":"b""#) == ["leave/home": yes, "presence": .boolean(false)])
        #expect(try transition(#","event":"leave","desc":"Shop","t":"l""#) == ["leave/Shop": yes])
        #expect(try transition(#","event":"enter""#) == ["enter": yes])
        // A beacon that is no place of ours: no place either, although the message has one.
        #expect(try transition(#","event":"enter","desc":"keys","t":"b","lat":1,"lon":1,"acc":5"#) == ["enter/keys": yes])
        // One that is the home does not move.
        #expect(try transition(#","event":"enter","desc":"home","t":"b","lat":1,"lon":1,"acc":5"#).keys.contains("latitude"))
        #expect(try transition(#","event":"enter","desc":"Shop","t":"c","lat":1,"lon":1,"acc":5"#).count == 4)
        let long = try transition(#","event":"enter","desc":"a\u202eb\#(String(repeating: "x", count: 1_000_000))""#)
        let channel = try #require(long.keys.first)
        #expect(channel.count <= 50 && !channel.contains("\u{202E}"))
    }

    @Test func stepsAreOfTheEndOfTheirTime() throws {
        let decoded = try catalogue.decode("owntracks/r/p/step", #"{"_type":"steps","tst":1767225600,"steps":12,"from":1767200000,"to":1767225540}"#)
        #expect(decoded.values == ["steps": .number(12)])
        #expect(decoded.readings.first?.deviceTime?.milliseconds == 1_767_225_540_000)
        #expect(try catalogue.decode("owntracks/r/p/step", #"{"_type":"steps","tst":1767225600,"steps":12}"#).readings.first?.deviceTime?.milliseconds == 1_767_225_600_000)
    }

    @Test func othersPlacesAreChannels() throws {
        let files = try TemporaryProfiles([
            ("owntracks/a.yaml", "topic: owntracks/#\nexpected: 25h\ntime: tst\nproperties: {batt: {quantity: battery, category: safety, unit: \"%\"}}\nplaces: {home: [home]}"),
            ("owntracks/b.yaml", "topic: owntracks/rose/+\nplaces:\n  home: [Rose's house]\n  day centre: [Day Centre, Tagespflege]"),
        ])
        let catalogue = try Catalogue.load(folder: files.folder)
        let message = #"{"_type":"location","lat":1,"lon":1,"batt":5,"tst":1,"inregions":["tagespflege"]}"#
        #expect(try catalogue.decode("owntracks/rose/phone", message).values == ["battery": .number(5), "presence": .boolean(false), "presence/day centre": .boolean(true)])
        #expect(try catalogue.decode("owntracks/max/phone", message).values == ["battery": .number(5), "presence": .boolean(false)])
        #expect(catalogue.route(topicBelowHome: "owntracks/rose/phone")?.expected == .hours(25))
        let enter = #"{"_type":"transition","event":"leave","desc":"Tagespflege","tst":1}"#
        #expect(try catalogue.decode("owntracks/rose/phone/event", enter).values == ["leave/day centre": .boolean(true), "presence/day centre": .boolean(false)])
    }

    @Test func typingErrorsAreErrors() throws {
        for text in ["topic: owntracks/#\nplace: {home: [home]}", "topic: owntracks/#\nplaces: [home]", "topic: owntracks/#\nproperties: {lat: {quantity: latitude, category: safety, unit: deg}}"] {
            let files = try TemporaryProfiles([("owntracks/a.yaml", text)])
            #expect(throws: ProfileError.self) { try Catalogue.load(folder: files.folder) }
        }
    }
}
