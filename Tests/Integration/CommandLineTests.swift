import Care
import Foundation
import Testing

extension RealProcesses {
    /// The command line as people and programs use it.
    @Suite struct CommandLine {
        @Test func withoutAGatewayItSaysHowToStartOne() throws {
            let street = try Street(gatewayRuns: false)
            defer { street.close() }
            let ran = street.caring("status")
            #expect(ran.code == 1 && ran.out.isEmpty)
            #expect(ran.err.hasPrefix("The gateway is not running here") && ran.err.contains("./scripts/run"))
            let json = street.caring("status", "--json")
            let said = try JSONDecoder().decode(JSON.self, from: Data(json.err.utf8))
            #expect(json.code == 1 && json.out.isEmpty && said["outcome"]?.string == "failed")
        }

        @Test func exitCodesAndRefusals() throws {
            let street = try Street(brokerRuns: false)
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            #expect(street.caring("status").code == 0)
            #expect(street.caring("alert", "list", "--as", "maria").code == 0)
            for usage in [["dance"], ["home", "add"], ["status", "--colour"], ["reading", "list", "--limit", "0"], ["status", "--as", "No One"]] {
                let ran = street.run(usage)
                #expect(ran.code == 64 && ran.out.isEmpty && !ran.err.isEmpty, "\(usage) \(ran)")
            }
            let refusals: [([String], String)] = [
                (["alert", "list", "--as", "nobody"], "There is nobody called \u{201C}nobody\u{201D} here."),
                (["home", "add", "oak-1"], "is taken"),
                (["citizen", "erase", "ada"], "caring citizen remove ada --erase"),
                (["citizen", "erase", "maria"], "There is no citizen"),
                (["home", "list", "--as", "ada"], "Only a coordinator or an operator may do this."),
                (["alert", "accept", "a7", "--as", "maria"], "There is no alert \u{201C}a7\u{201D}"),
                (["why", "z1", "--as", "ada"], "is nothing that can be asked"),
                (["consent", "withdraw", "c9", "--as", "ada"], "no consent record"),
                (["device", "claim", "nonsense", "--as", "ada"], "No convention understands"),
                (["consent", "grant", "--as", "ada", "--to", "helper:nobody", "--purpose", "research", "--about", "safety"], "no helper called"),
            ]
            for (arguments, sentence) in refusals {
                let ran = street.run(arguments)
                #expect(ran.code == 1 && ran.out.isEmpty && ran.err.contains(sentence) && !ran.err.isEmpty, "\(arguments) \(ran)")
            }
            // With --json the reason is an object, too.
            let json = street.caring("home", "add", "oak-1", "--json")
            let said = try JSONDecoder().decode(JSON.self, from: Data(json.err.utf8))
            #expect(json.code == 1 && said["outcome"]?.string == "failed")
            #expect(try socketMode(street) == 0o660)
            // An operator who speaks for somebody is written down, and the citizen sees it.
            #expect(street.log.contains("command=device claim uid=\(getuid())") && !street.log.contains("ada"))
            #expect(try street.sentences("who-saw", "--as", "ada").contains("Operator \(getuid()) acted for you: device claim"))
            #expect(try street.sentences("citizen", "remove", "ada", "--erase").contains("is being erased"))
        }

        private func socketMode(_ street: Street) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: street.data + "/caring.sock")[.posixPermissions] as? Int
        }

        @Test func linesOfJSONHaveTheirKeys() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            try street.adaPermits()
            let home = try Client(street, "oak-1")
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            try home.publish(Street.sosTopic, Street.sosPayload)
            try maria.receive("the offer") { !$0.payload.isEmpty }
            try eventually("the outbox to be empty") { try street.status("waiting") == .int(0) }
            // Who has no permission is refused, now that there is something to read.
            for more in [[], ["--as", "maria", "--purpose", "research"], ["--as", "carla", "--purpose", "emergency-response"]] {
                let refused = street.run(["reading", "list", "--citizen", "ada"] + more)
                #expect(refused.code == 1 && refused.out.isEmpty && !refused.err.isEmpty, "\(more) \(refused)")
            }
            let expected: [([String], [String])] = [
                (["home", "list"], ["home", "circle", "zone"]),
                (["citizen", "list"], ["citizen", "home"]),
                (["helper", "list"], ["helper", "name", "circles", "onDuty"]),
                (["device", "list"], ["home", "claimed"]),
                (
                    ["device", "list", "--as", "ada"],
                    [
                        "home", "device", "name", "convention", "citizens", "expectedSeconds", "standing", "lastHeardAt", "offline", "quantities", "identity", "model",
                    ]
                ),
                (
                    ["reading", "list", "--as", "ada"],
                    ["at", "home", "device", "quantity", "channel", "value", "unit", "timeSource", "earliest"]
                ),
                (
                    ["who-saw", "--as", "ada"],
                    ["entry", "at", "citizen", "recipient", "alert", "notice", "decision", "data", "detail", "stage", "state", "emergency"]
                ),
                (
                    ["alert", "list", "--as", "carla"],
                    ["alert", "state", "raisedAt", "endedAt", "ended", "circle", "test", "uncovered", "asked"]
                ),
                (
                    ["alert", "list", "--as", "ada"],
                    [
                        "alert", "state", "raisedAt", "endedAt", "ended", "circle", "test", "uncovered", "home", "rule", "severity",
                        "category", "kind", "say", "since", "earliest", "occurrences", "holders", "asked",
                    ]
                ),
                (
                    ["status"],
                    [
                        "connected", "homes", "devices", "strangers", "messages", "readings", "undecodable", "redelivered",
                        "sessionLostAt", "waiting", "at", "openAlerts", "uncovered",
                        "degraded", "withheld", "oldestUnacknowledgedAt", "takingBacklog", "backlogMessages", "lastBurstMessages",
                        "lastBurstMilliseconds", "lastCommitMilliseconds", "deadlinesLateMilliseconds", "turnsFailed", "reconnects",
                        "sessionsLost", "quarantined", "thinned",
                    ]
                ),
            ]
            for (arguments, wanted) in expected {
                let ran = street.run(arguments + ["--json"])
                #expect(ran.code == 0 && !ran.out.isEmpty, "\(arguments) \(ran)")
                _ = try ran.items()
                for line in ran.out.split(separator: "\n") where !line.contains("\"operator\":") {
                    #expect(keys(of: String(line)) == wanted, "\(arguments)")
                }
            }
            // As sentences, a consent reads as it was meant.
            let consents = try street.sentences("consent", "list", "--as", "ada")
            #expect(consents.contains("Oak Street's helpers may know that something happened"))
            #expect(consents.contains("(safety), to come and help, at any hour"))
        }

        @Test func controlCharactersNeverReachATerminal() throws {
            let street = try Street()
            defer { street.close() }
            // The broker takes no topic with a control character; characters that turn the direction of writing it does.
            let evil = "zigbee2mqtt/\u{202E}evil\u{2028}button"
            try street.addAda(devices: [evil])
            try street.addHelpers()
            try street.adaPermits()
            let escape = "zigbee2mqtt/\u{1B}[2Jgone\u{7}"
            _ = street.caring("device", "claim", escape, "--as", "ada")
            let home = try Client(street, "oak-1")
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            try home.publish("homes/oak-1/zigbee2mqtt/\u{202E}unclaimed", "{}")
            try home.publish("homes/oak-1/" + evil, Street.sosPayload)
            try home.publish("homes/oak-1/" + evil, "{\u{1B}[31m")
            let offer = try maria.receive("the offer") { !$0.payload.isEmpty }
            let alert = try #require(offer.json?["alert"]?.string)
            let note = #"\u001b[31mred\u0007 \u202egnp.exe"#
            try maria.publish("helpers/maria/answers", #"{"alert":"\#(alert)","answer":"accept","note":"\#(note)"}"#)
            try maria.receive("the address") { $0.json?["stage"]?.string == "accepted" }
            try eventually("the message that cannot be decoded") { try street.status("undecodable") == .int(1) }
            let asked = [
                ["device", "list", "--as", "ada"], ["device", "list"], ["device", "problems"], ["reading", "list", "--as", "ada"],
                ["alert", "show", alert, "--as", "ada"], ["why", alert, "--as", "ada"], ["alert", "list", "--as", "\u{1B}[31m"],
                ["who-saw", "--as", "ada"], ["consent", "withdraw", "\u{1B}[31m", "--as", "ada"],
            ]
            for arguments in asked {
                for ran in [street.run(arguments), street.run(arguments + ["--json"])] {
                    #expect(!hasControls(ran.out) && !hasControls(ran.err), "\(arguments)")
                }
            }
            #expect(!hasControls(street.log))
            let shown = try street.sentences("alert", "show", alert, "--as", "ada")
            #expect(shown.contains("red") && shown.contains("\u{FFFD}"))
        }

        private func hasControls(_ text: String) -> Bool {
            text.unicodeScalars.contains { scalar in
                switch scalar.value {
                case 0x0A: false
                case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
                default: false
                }
            }
        }

        /// Only root can become somebody else.
        @Test(.enabled(if: getuid() == 0, "this needs root, to become somebody else"))
        func whoCallsIsKnownFromTheSystem() throws {
            let street = try Street(brokerRuns: false)
            defer { street.close() }
            try street.addAda()
            try street.add("helper", "add", "nora", "--name", "Nora North", "--circle", "oak-street", "--uid", "12345")
            for path in [street.folder.path, street.data] {
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
            func asNobody(group: String, _ arguments: [String]) throws -> Ran {
                try Running(
                    Places.tool("setpriv"),
                    ["--reuid=12345", "--regid=\(group)", "--clear-groups", Places.program("caring").path] + arguments
                        + ["--data", street.data],
                    folder: street.folder, name: "nobody"
                ).ended()
            }
            // Of the socket's group, and known as Nora.
            let own = try asNobody(group: "0", ["alert", "list"])
            #expect(own.code == 0, "\(own)")
            for person in ["ada", "nora"] {
                let other = try asNobody(group: "0", ["alert", "list", "--as", person])
                #expect(other.code == (person == "nora" ? 0 : 1), "\(other)")
                if person == "ada" { #expect(other.err == "Only an operator may use --as.\n") }
            }
            #expect(try asNobody(group: "0", ["home", "add", "elm-1"]).code == 1)
            #expect(try asNobody(group: "0", ["home", "list"]).code == 1)
            // Not of the group.
            let outside = try asNobody(group: "12345", ["alert", "list"])
            #expect(outside.code == 1 && outside.err.hasPrefix("You may not speak with the gateway"), "\(outside)")
        }

        @Test func simulateSpeaksWithAHomesLogin() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["zigbee2mqtt/SOS button", "vitals/heart-rate", "motion/hallway"])
            let broker = "127.0.0.1:\(street.broker.port)"
            func simulate(_ more: String...) -> Ran {
                street.run(["simulate", "--mqtt", broker, "--logins", street.loginsFile.path] + more)
            }
            let sos = simulate("--event", "sos", "--home", "oak-1")
            #expect(sos.code == 0 && sos.out == "oak-1: sos published.\n", "\(sos)")
            try eventually("the alert") { try street.ask("alert", "list", "--as", "ada").map { $0["rule"]?.string } == ["sos"] }
            let rounds = simulate("--rounds", "8", "--every", "10ms")
            #expect(rounds.code == 0, "\(rounds)")
            try eventually("everyday readings") { try street.ask("reading", "list", "--as", "ada", "--quantity", "heart_rate").count == 2 }
            #expect(simulate("--event", "sos", "--home", "elm-9").code == 1)
            #expect(simulate("--event", "sos").code == 64)
            #expect(street.caring("simulate", "--logins", "/nowhere").code == 1)
        }
    }
}
