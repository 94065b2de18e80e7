import Care
import Foundation
import Testing

extension RealProcesses {
    /// Seeing what devices say, with and without a gateway.
    @Suite struct DeviceCommands {
        @Test func aMessageIsTriedWithoutAGateway() throws {
            let street = try Street(gatewayRuns: false)
            defer { street.close() }
            let one = street.caring("device", "try", "--topic", "zigbee2mqtt/kitchen", "--payload", #"{"temperature": 21.5, "humidity": "40"}"#)
            #expect(one.code == 0 && one.out == "zigbee2mqtt/kitchen: temperature 21.5 Cel, humidity 40.0 %\n", "\(one)")
            let nothing = street.caring("device", "try", "--topic", "attic/gadget", "--payload", "7", "--json")
            #expect(nothing.code == 1)
            #expect(try nothing.items().first?["reason"] == "No convention understands this topic.")
            #expect(street.caring("device", "try").code == 64)
            #expect(street.caring("device", "try", "--file", "x", "--topic", "y").code == 64)
            #expect(street.caring("device", "try", "--file", street.folder.path + "/nowhere").code != 0)
        }

        @Test func aFileIsTriedLineByLineInItsOrder() throws {
            let street = try Street(gatewayRuns: false)
            defer { street.close() }
            let file = street.folder.appendingPathComponent("messages.jsonl")
            let lines = [
                #"{"topic": "homes/elm-3/vitals/heart-rate", "payload": "71"}"#,
                #"{"topic": "zigbee2mqtt/door", "payload": {"contact": false}}"#,
                "no JSON at all",
                #"{"topic": null, "convention": "senml", "payload": "[{\"n\":\"body-weight\",\"u\":\"kg\",\"v\":71.4,\"t\":1767225540}]"}"#,
                #"{"topic": "zigbee2mqtt/door/availability", "payload": "{\"state\":\"offline\"}"}"#,
                #"{"convention": "smoke signals", "payload": "x"}"#,
            ]
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
            let ran = street.caring("device", "try", "--file", file.path, "--json")
            #expect(ran.code == 0)
            let items = try ran.items()
            #expect(items.count == lines.count)
            #expect(items[0]["readings"]?.text == #"[{"device":"vitals/heart-rate","observedAt":null,"quantity":"heart_rate","unit":"/min","value":71}]"#, "\(items[0].text)")
            #expect(items[1]["readings"]?.text == #"[{"device":"zigbee2mqtt/door","observedAt":null,"quantity":"opening","unit":null,"value":true}]"#, "\(items[1].text)")
            #expect(items[2]["reason"] == "Line 3 is not a JSON object with a payload.")
            #expect(items[3].text.contains(#""observedAt":"2025-12-31T23:59:00Z","quantity":"body_weight","unit":"kg","value":71.4"#), "\(items[3].text)")
            #expect(items[4]["availability"] == .bool(false) && items[4]["convention"] == "zigbee2mqtt")
            #expect(items[5]["reason"]?.string?.hasPrefix("There is no convention of this name.") == true)
        }

        @Test func aProfileIsCheckedWithLineAndColumn() throws {
            let street = try Street(gatewayRuns: false)
            defer { street.close() }
            #expect(street.caring("device", "lint").out.hasPrefix("All is well: "))
            let folder = street.folder.appendingPathComponent("mine/plain")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let profile = "topic: attic/scale\nquantity: body_weight\ncategory: health\nunit: lb\nsamples:\n  - {message: \"100\", gives: {body_weight: 100}}\n"
            try Data(profile.utf8).write(to: folder.appendingPathComponent("scale.yaml"))
            let wrong = street.caring("device", "lint", street.folder.path + "/mine")
            #expect(wrong.code == 1 && wrong.out.contains("scale.yaml:6:5") && wrong.out.contains("It should give body_weight 100.0 but gives body_weight 45.359237"), "\(wrong)")
            try Data(profile.replacingOccurrences(of: "unit: lb", with: "unit: miles").utf8).write(to: folder.appendingPathComponent("scale.yaml"))
            let unit = street.caring("device", "lint", street.folder.path + "/mine", "--json")
            #expect(unit.code == 1)
            #expect(try unit.items().first?["line"] == .int(4))
        }

        @Test func whatAHomeSaysIsWatchedAsItSaysIt() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["vitals/heart-rate"])
            let watching = try street.start(["device", "watch", "oak-1", "--as", "ada"])
            defer { watching.signal(SIGKILL) }
            try eventually("it to watch") { watching.err.contains("Watching") }
            let home = try Client(street, "oak-1")
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "71"))
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "seventy"))
            try eventually("both messages") { watching.out.contains("seventy") }
            let lines = watching.out.split(separator: "\n")
            #expect(lines.first?.contains("vitals/heart-rate  71  → vitals/heart-rate: heart_rate 71.0 /min") == true, "\(lines)")
            #expect(lines.last?.contains("seventy  → ") == true && lines.last?.contains("is not a number") == true, "\(lines)")
            // Looking again and again is one entry in what Ada is told of it.
            #expect(try street.sentences("who-saw", "--as", "ada").components(separatedBy: "device watch").count == 2)
        }
    }
}
