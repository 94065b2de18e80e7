import Care
import Testing

@testable import Devices

@Suite struct HomieTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    /// What a device that describes itself says, message by message.
    func tell(_ nodes: String, _ messages: [(String, String)]) -> [Trial.Result] {
        var trial = Trial(catalogue)
        let description = #"{"nodes":{\#(nodes)},"homie":"5.1","name":"D","version":3}"#
        return ([("$description", description)] + messages).map { topic, payload in
            Array(payload.utf8).withUnsafeBytes { trial.take(topic: "homes/rose/homie/5/d/\(topic)", payload: $0, arrivedAt: arrival) }
        }
    }

    func value(_ property: String, _ payload: String, id: String = "x", node: String = "n", type: String = "") -> Value? {
        tell(#""\#(node)":{"properties":{"\#(id)":{\#(property)}},"type":"\#(type)"}"#, [("\(node)/\(id)", payload)])[1].readings.first?.reading.value
    }

    @Test func rolesFollowTheTopics() {
        func role(_ topic: String) -> Route.Role? { catalogue.route(topicBelowHome: topic)?.role }
        #expect(role("homie/5/d/$state") == .availability)
        #expect(role("homie/5/d/$description") == .announcement)
        for topic in ["homie/5/d/$log/warn", "homie/5/d/$alert/battery", "homie/5/d/n/p/set", "homie/5/d/n/p/$target", "homie/5/$broadcast/a/b", "homie/5/d/n/$x", "homie/5/d/n"] {
            #expect(role(topic) == .ignored, "\(topic)")
        }
        for topic in ["homie/5", "homie/5/", "homie/5/d", "homie/5/d/", "homie/5/d//p", "homie/5/D e/n/p", "homie/d/n/p", "homie/5/Ä/$state"] {
            #expect(role(topic) == nil, "\(topic)")
        }
        #expect(catalogue.route(topicBelowHome: "homie/5/d/n/p")?.device == "homie/5/d")
        #expect(type(of: Homie.announcementRank) == Int.self && Homie.announcementRank == 0)
    }

    @Test func unitsAreThoseOfTheDescription() {
        #expect(value(#""datatype":"float","unit":"°F""#, "98.6", id: "temperature") == .number(37))
        #expect(value(#""datatype":"float","unit":"kW""#, "0.5", id: "power") == .number(500))
        #expect(value(##""datatype":"integer","unit":"#""##, "12", id: "steps") == .number(12))
        #expect(value(#""datatype":"integer""#, "12", id: "steps") == .number(12))
        #expect(value(#""datatype":"float","unit":"lx""#, "12", id: "anything") == .number(12))
        // Without a unit, or with another's, it could be anything.
        #expect(value(#""datatype":"float""#, "21", id: "temperature") == nil)
        #expect(value(#""datatype":"float","unit":"W""#, "21", id: "temperature") == .number(21))  // It is power, as its unit says.
        #expect(value(#""datatype":"float","unit":"%""#, "21", id: "temperature") == nil)
        #expect(value(#""datatype":"string","unit":"°C""#, "21", id: "temperature") == nil)
        // What can be set is a wish; what is about the device itself is nobody's temperature.
        #expect(value(#""settable":true,"datatype":"float","unit":"°C""#, "21", id: "temperature") == nil)
        #expect(value(#""datatype":"float","unit":"°C""#, "61", id: "cpu-temp") == nil)
    }

    @Test func aGeneralNameIsItsNodes() {
        #expect(value(#""datatype":"boolean""#, "true", id: "state", type: "homie-homecontrol/v1/type=motion") == .boolean(true))
        #expect(value(#""datatype":"boolean""#, "true", id: "state", node: "smoke") == .boolean(true))
        #expect(value(#""datatype":"boolean""#, "true", id: "state") == nil)
        // Not so where the property has a name of its own.
        #expect(value(#""datatype":"boolean""#, "true", id: "blink", node: "smoke") == nil)
    }

    @Test func formatsSayWhatTrueMeans() {
        func contact(_ format: String) -> Value? { value(#""datatype":"boolean","format":"\#(format)""#, "true", id: "contact") }
        #expect(contact("closed,open") == .boolean(true))
        #expect(contact("open,closed") == .boolean(false))
        for format in ["", "false,true", "a,b", "open,open", "open", "closed,open,ajar", ","] { #expect(contact(format) == nil, "\(format)") }
        #expect(value(#""datatype":"boolean","format":"motion,clear""#, "true", id: "motion") == .boolean(false))
        #expect(value(#""datatype":"boolean","format":"a,b""#, "true", id: "motion") == .boolean(true))
        #expect(value(#""datatype":"boolean","format":"locked,unlocked""#, "true", id: "lock") == .boolean(true))
        #expect(value(#""datatype":"boolean""#, "true", id: "lock") == nil)
    }

    @Test func wordsAndEvents() {
        #expect(value(#""datatype":"enum","format":"open,closed,ajar""#, "closed", id: "contact") == .boolean(false))
        #expect(value(#""datatype":"enum","format":"open,closed,ajar""#, "ajar", id: "contact") == nil)
        #expect(value(#""datatype":"enum","format":"red,blue""#, "red", id: "contact") == nil)
        #expect(value(#""datatype":"boolean","retained":false"#, "true", id: "doorbell") == .boolean(true))
        #expect(value(#""datatype":"boolean","retained":false"#, "false", id: "doorbell") == nil)
        #expect(value(#""datatype":"boolean""#, "false", id: "sos") == nil)
    }

    @Test func whatIsDeclaredAndUnclearIsTold() throws {
        let results = tell(#""n":{"properties":{"contact":{"datatype":"boolean"},"hue":{"datatype":"integer"},"motion":{"datatype":"boolean"}}}"#, [])
        #expect(results[0].announces.map(\.declared.quantity.name) == ["motion"])
        #expect(results[0].reason?.contains("format") == true)
        #expect(tell(#""n":{"properties":{"contact":{"datatype":"boolean"}}}"#, [])[0].isUnderstood == false)
    }

    @Test func twoOfAQuantityAreKeptApart() {
        let one = #"{"datatype":"boolean"}"#
        func channels(_ nodes: String) -> [String] { tell(nodes, [])[0].announces.map(\.declared.channel) }
        #expect(channels(#""a":{"properties":{"power":\#(one)}}"#) == [""])
        #expect(channels(#""a":{"properties":{"power":\#(one)}},"b":{"properties":{"power":\#(one)}}"#) == ["a", "b"])
        #expect(channels(#""a":{"properties":{"power":\#(one),"switch":\#(one)}},"b":{"properties":{"relay":\#(one)}}"#) == ["a/power", "a/switch", "b"])
    }

    @Test func aChildIsHeardThroughItsRoot() throws {
        var announced = Announced()
        let route = try #require(catalogue.route(topicBelowHome: "homie/5/light1/$description"))
        let payload = #"{"homie":"5.0","name":"Light","version":1,"root":"bridge","parent":"dualrelay","nodes":{"n":{"properties":{"power":{"datatype":"boolean"}}}}}"#
        let news = Array(payload.utf8).withUnsafeBytes {
            announced.take(route, topic: "homie/5/light1/$description", payload: $0, catalogue, topics: HomeTopics(home: nil))
        }
        #expect(news.devices.map(\.bridge) == ["homie/5/bridge"])
        #expect(news.devices.map(\.title) == ["Light"])
        #expect(news.devices.map(\.address) == ["homie/5/light1"])
        #expect(catalogue.routes(topicBelowHome: "homie/5/light1/n/power", announced).map(\.bridge) == ["homie/5/bridge"])
        // The state is read as ever.
        #expect(catalogue.routes(topicBelowHome: "homie/5/light1/$state", announced).map(\.role) == [.availability])
    }

    @Test func withoutADescriptionOnlyPlainYesAndNoCount() throws {
        for payload in ["true", "false"] { #expect(try catalogue.decode("homie/5/d/n/motion", payload).values == ["motion": .boolean(payload == "true")]) }
        for payload in ["", "on", "1", "TRUE", "60", "true ", "\u{0}", "\"true\""] { #expect(try catalogue.decode("homie/5/d/n/power", payload).outcome == .nothing, "\(payload)") }
        for id in ["contact", "door", "lock", "sos", "temperature", "value"] { #expect(try catalogue.decode("homie/5/d/n/\(id)", "true").outcome == .nothing, "\(id)") }
    }

    @Test func descriptionsAreBounded() {
        func refused(_ description: String) -> String? {
            var trial = Trial(catalogue)
            let result = Array(description.utf8).withUnsafeBytes { trial.take(topic: "homie/5/d/$description", payload: $0, arrivedAt: arrival) }
            return result.isUnderstood ? nil : result.reason
        }
        let property = #"{"datatype":"boolean"}"#
        func many(_ count: Int) -> String {
            #"{"homie":"5.0","nodes":{"n":{"properties":{"# + (0..<count).map { "\"p\($0)\":\(property)" }.joined(separator: ",") + "}}}}"
        }
        #expect(refused(many(HomieDescription.propertiesMax)) == nil)
        #expect(refused(many(HomieDescription.propertiesMax + 1))?.contains("properties") == true)
        for wrong in ["{", "5", "[]", "{}", #"{"homie":"4.0"}"#, #"{"homie":5}"#, #"{"homie":"50"}"#, String(repeating: #"{"nodes":"#, count: 100)] { #expect(refused(wrong) != nil, "\(wrong)") }
        // Ids that the convention forbids, and things of other types, are passed over.
        #expect(refused(#"{"homie":"5.0","nodes":{"N x":{"properties":{"motion":{"datatype":"boolean"}}},"a":5,"b":{"properties":[7]},"c":{"properties":{"A":{},"b":7,"/":{"datatype":"boolean"}}}}}"#) == nil)
    }

    @Test func otherBaseTopicsAreAProfilesAffair() throws {
        let files = try TemporaryProfiles([("homie/x.yaml", "topic: ebus/5/#\nnames: {motion: {quantity: motion, category: family, guessed: true}}\n")])
        let other = try Catalogue.load(folder: files.folder)
        #expect(try other.decode("ebus/5/d/n/motion", "true").values == ["motion": .boolean(true)])
        #expect(other.route(topicBelowHome: "homie/5/d/n/motion") == nil)
        for (text, word) in [
            ("topic: homie/#\n", "version"), ("topic: homie/5/#\nnames: {a: {quantity: temperature, category: safety, invert: true}}\n", "invert"),
            ("topic: homie/5/#\nnames: {a: {quantity: sos, category: safety, guessed: true}}\n", "guessed"),
            ("topic: homie/5/#\nunits: {kg: temperature}\n", "temperature"), ("topic: homie/5/#\nnames: {a: {quantity: temperature, category: family}}\n", "safety"),
        ] {
            let wrong = try TemporaryProfiles([("homie/x.yaml", text)])
            do {
                _ = try Catalogue.load(folder: wrong.folder)
                Issue.record("no error: \(text)")
            } catch { #expect(error.message.contains(word) && error.line > 0, "\(error)") }
        }
    }
}
