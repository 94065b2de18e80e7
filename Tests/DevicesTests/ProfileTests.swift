import Care
import Foundation
import Testing

@testable import Devices

@Suite struct ProfileTests {
    @Test func everySampleOfEveryProfileGivesWhatItMust() throws {
        let catalogue = try Catalogue.load(folders: [
            packageRoot + "/devices", packageRoot + "/Tests/Recordings/tihm/profiles",
        ])
        #expect(catalogue.samples.count >= 40)
        #expect(catalogue.checkSamples().map(\.description) == [])
    }

    @Test(arguments: [
        "back-door", "bathroom", "bedroom", "fridge-door", "front-door", "hallway", "kitchen", "lounge",
    ])
    func motionIsOfARoom(room: String) throws {
        let catalogue = try shipped()
        let route = try #require(catalogue.route(topicBelowHome: "motion/\(room)"))
        #expect(route.device == "motion/\(room)")
        #expect(route.expected == .hours(24))
        #expect(try catalogue.decode("motion/\(room)", "1").values == ["motion": .boolean(true)])
        #expect(catalogue.route(topicBelowHome: "motion/\(room)/x") == nil)
        #expect(catalogue.route(topicBelowHome: "motion/") == nil)
    }

    /// Every block of YAML in the README is a profile, and its JSON the first sample of `senml.yaml`.
    @Test func theExamplesOfTheReadmeWork() throws {
        let readme = try String(contentsOfFile: packageRoot + "/devices/README.md", encoding: .utf8)
        func blocks(_ language: String) -> [String] {
            readme.components(separatedBy: "```\(language)\n").dropFirst().map {
                $0.components(separatedBy: "```").first ?? ""
            }
        }
        let yaml = blocks("yaml")
        try #require(yaml.count == 4)
        let files = try TemporaryProfiles(
            yaml.enumerated().map { index, text in
                let folder = ["zigbee2mqtt", "homeassistant"].first { text.contains("topic: \($0)/") } ?? "plain"
                return ("\(folder)/readme-\(index).yaml", text)
            })
        let catalogue = try Catalogue.load(folders: [packageRoot + "/devices", files.folder])
        #expect(catalogue.checkSamples().map(\.description) == [])
        let json = try #require(blocks("json").first)
        #expect(try shipped().samples.contains { $0.topic == "senml/bathroom/scale" && $0.message == Array(json.utf8) })
    }

    func failure(_ text: String, in path: String = "plain/x.yaml") throws -> ProfileError {
        let files = try TemporaryProfiles([(path, text)])
        do {
            _ = try Catalogue.load(folder: files.folder)
        } catch {
            #expect(error.description.hasPrefix("\(files.folder)/\(path):\(error.line):\(error.column): "))
            return error
        }
        Issue.record("no error")
        throw ProfileError(file: path, line: 0, column: 0, message: "")
    }

    @Test func complaintsSayWhere() throws {
        let wrongCategory = try failure("topic: a/b\nquantity: heart_rate\ncategory: safety\nunit: /min\n")
        #expect((wrongCategory.line, wrongCategory.column) == (3, 11))
        #expect(wrongCategory.message.contains("health"))
        let cases: [(String, Int, Int, String)] = [
            ("topic: a/b\nquantity: hart_rate\ncategory: health\nunit: /min\n", 2, 11, "hart_rate"),
            ("topic: a/b\nquantity: heart_rate\ncategory: health\nunit: kg\n", 4, 7, "bpm"),
            ("topic: a/b\nquantity: heart_rate\ncategory: health\n", 1, 1, "unit"),
            ("topic: a/b\nquantity: motion\ncategory: family\nunit: V\n", 4, 7, "no unit"),
            ("topic: a/b\nquantity: motion\ncategory: familie\n", 3, 11, "family"),
            ("topic: a/#/b\nquantity: motion\ncategory: family\n", 1, 8, "topic"),
            ("topic: a\nexpected: 5\nquantity: motion\ncategory: family\n", 2, 11, "1h"),
            ("topic: a\nquantty: motion\ncategory: family\n", 2, 1, "quantty"),
            ("topic: a\nquantity: motion\ncategory: family\nsamples:\n  - {message: x}\n", 5, 5, "gives"),
            (
                "topic: a\nquantity: motion\ncategory: family\nsamples:\n  - {message: x, gives: {motoin: true}}\n",
                5, 26, "quantity"
            ),
            (
                "topic: a\nquantity: motion\ncategory: family\nsamples:\n  - {topic: b, message: x, gives: nothing}\n",
                5, 13, "a"
            ),
            ("topic: [a\n", 2, 1, "YAML"),
            ("topic: a\nquantity: motion\ncategory: family\ninvert: maybe\n", 4, 9, "true or false"),
            (
                "- {topic: a, quantity: motion, category: family}\n- {topic: a, quantity: motion, category: family}\n",
                2, 3, "already"
            ),
        ]
        for (text, line, column, word) in cases {
            let error = try failure(text)
            #expect((error.line, error.column) == (line, column), "\(error)")
            #expect(error.message.contains(word), "\(error)")
        }
        #expect(try failure("topic: a\ntopic: b\n").message.contains("twice"))
        #expect(
            try failure(
                "topic: zigbee2mqtt/#\nquantity: motion\ncategory: family\n", in: "zigbee2mqtt/x.yaml"
            ).line == 1)
    }

    @Test func foldersMustMeanSomething() throws {
        let files = try TemporaryProfiles([("plane/x.yaml", "topic: a\n")])
        #expect(throws: ProfileError.self) { try Catalogue.load(folder: files.folder) }
        #expect(throws: ProfileError.self) { try Catalogue.load(folder: "/no/such/folder") }
        let others = try TemporaryProfiles([
            ("plain/notes.txt", "?"), ("README.md", "#"), ("plain/empty.yaml", "# nothing\n"),
        ])
        #expect(try Catalogue.load(folder: others.folder).samples.isEmpty)
    }

    @Test func aSampleThatIsWrongIsToldWithItsLine() throws {
        let files = try TemporaryProfiles([
            (
                "plain/x.yaml",
                "topic: a\nquantity: motion\ncategory: family\nsamples:\n  - {message: '1', gives: {motion: false}}\n"
            )
        ])
        let errors = try Catalogue.load(folder: files.folder).checkSamples()
        #expect(errors.map(\.line) == [5])
    }

    @Test func theMoreExactTopicIsAskedFirst() throws {
        let files = try TemporaryProfiles([
            (
                "plain/a.yaml",
                "- {topic: a/#, quantity: motion, category: family}\n- {topic: a/+, quantity: smoke, category: safety}\n"
            ),
            (
                "plain/b.yaml",
                "- {topic: a/b, quantity: gas, category: safety}\n- {topic: +/b/c, quantity: heat, category: safety}\n"
            ),
        ])
        let catalogue = try Catalogue.load(folder: files.folder)
        for (topic, quantity) in [("a/b", "gas"), ("a/c", "smoke"), ("a/b/c", "motion"), ("x/b/c", "heat")] {
            #expect(try catalogue.decode(topic, "1").readings.first?.quantity.name == quantity, "\(topic)")
        }
    }

    @Test func plainValuesAreReadGenerously() throws {
        let catalogue = try shipped()
        for payload in ["72", " 72.0\n", "\"72\"", "7.2e1", "72\0", "+72"] {
            #expect(
                try catalogue.decode("vitals/heart-rate", payload).values == ["heart_rate": .number(72)],
                "\(payload)")
        }
        for payload in ["999", "-1", "999.0", "null", "", "  ", "\"\"", "\"null\""] {
            #expect(try catalogue.decode("vitals/heart-rate", payload).outcome == .nothing, "\(payload)")
        }
        for payload in ["true", "nan", "inf", "1e999", "72 bpm", "{}", "\"72", "0x48", "+-5"] {
            let decoded = try catalogue.decode("vitals/heart-rate", payload)
            #expect(decoded.reason != nil && decoded.readings.isEmpty, "\(payload)")
        }
        #expect(try catalogue.decode("vitals/heart-rate", [0xFF, 0xFE]).reason != nil)
    }

    @Test(arguments: [
        ("body_temperature", "degF", 98.6, 37.0), ("body_weight", "lb", 100, 45.359237),
        ("body_weight", "st", 10, 63.5029318),
        ("glucose", "mmol/L", 5.5, 99.0858), ("blood_pressure_systolic", "kPa", 16, 120.00984080694619),
        ("voltage", "mV", 3_005, 3.005), ("sleep_duration", "min", 450, 7.5),
        ("formaldehyde", "ug/m3", 30, 0.03),
    ])
    func unitsSentAreConverted(quantity: String, unit: String, sent: Double, wanted: Double) throws {
        let known = try #require(Quantity(quantity))
        let conversion = try #require(Conversion(from: unit, to: known))
        #expect(abs(conversion(sent) - wanted) < 1e-9)
    }

    @Test func everyQuantityCanBeHadFromItsOwnUnit() {
        for quantity in Quantity.all where quantity.kind == .number {
            #expect(Conversion(from: quantity.unit, to: quantity) == Conversion.none, "\(quantity)")
        }
    }
}
