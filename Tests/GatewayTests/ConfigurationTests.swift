import Care
import Foundation
import Testing

@testable import Gateway

/// A folder that is gone when the test is over.
final class ScratchFolder {
    let path: String
    init() throws {
        path = NSTemporaryDirectory() + "caring-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: file).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        return file
    }
}

/// The repository that this test is in.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

/// What was wrong, a line each, without the file's name; empty when nothing was.
func problems(_ body: () throws -> Void) -> [String] {
    do {
        try body()
        return []
    } catch let error as ConfigurationProblems {
        return error.problems.map { "\($0.line ?? 0):\($0.column ?? 0) \($0.sentence)" }
    } catch {
        return ["\(error)"]
    }
}

@Suite struct ConfigurationTests {
    private func load(
        _ yaml: String, environment: [String: String] = [:], data: String? = nil, mqtt: String? = nil
    ) throws -> GatewayConfiguration {
        let folder = try ScratchFolder()
        let file = try folder.write(yaml, to: "gateway.yaml")
        return try GatewayConfiguration.load(file: file, environment: environment, data: data, mqtt: mqtt)
    }

    @Test func anEmptyFileGivesTheDefaults() throws {
        for yaml in ["", "# nothing\n", "mqtt:\nlimits:\n", "{}"] {
            #expect(try load(yaml) == GatewayConfiguration())
        }
        let defaults = GatewayConfiguration()
        #expect(defaults.socketPathUsed == "var/caring.sock")
        #expect(defaults.brokerPIDFile == "var/mosquitto/mosquitto.pid")
        #expect(defaults.loginFile == "var/gateway-login")
    }

    @Test func `how long readings are kept is taken by category, and mistakes are told with their places`() throws {
        let c = try load(
            """
            limits: {readings_kept_days: 60}
            retention:
              health: {default: 30d, least: 14d, most: 365d, then: daily}
              security:
                default: 5d
            """)
        #expect(c.keepBounds(.health) == KeepBounds(usual: KeepSetting(days: 30, then: .daily), leastDays: 14, mostDays: 365))
        #expect(c.keepBounds(.security) == KeepBounds(usual: KeepSetting(days: 5, then: .erase), leastDays: 5, mostDays: 1_096))
        #expect(c.keepBounds(.family) == KeepBounds(usual: KeepSetting(days: 60, then: .erase), leastDays: 7, mostDays: 1_096))
        #expect(try load("", environment: ["CARING_RETENTION_FAMILY_MOST": "100d"]).keepBounds(.family).mostDays == 100)
        #expect(
            problems {
                _ = try load(
                    """
                    retention:
                      health: {default: 30d, least: 40d}
                      helth: {default: 30d}
                      safety: {default: 36h, then: burn, longest: 3d}
                      family: {most: 80d}
                      security: 7
                    """)
            } == [
                "2:33 For health least is 40d, default 30d and most 1096d; least may not be longer than default, nor default longer than most.",
                "3:3 \u{201C}helth\u{201D} is not a key of \u{201C}retention\u{201D}; did you mean \u{201C}health\u{201D}?",
                "4:21 \u{201C}36h\u{201D} is not 2d to 36500d, in whole days such as 90d.",
                "4:32 \u{201C}burn\u{201D} is not a way to go on; use one of: erase, daily.",
                "4:38 \u{201C}longest\u{201D} is not a key of \u{201C}retention.safety\u{201D}; use one of: default, least, most, then.",
                "5:18 For family least is 7d, default 90d and most 80d; least may not be longer than default, nor default longer than most.",
                "6:13 Expected \u{201C}retention.security\u{201D} as lines of the form \u{201C}key: value\u{201D}.",
            ])
    }

    @Test func everyKeyIsTaken() throws {
        let c = try load(
            """
            data: /srv/caring/
            mqtt: broker.local:8883
            mqtt_user: hub
            mqtt_password: s3cret
            topics: [homes/#, gateways/+/x/#]
            devices: d
            rules: r.yaml
            broker: b
            socket: s.sock
            metrics: "[::1]:9100"
            zone: Europe/London
            emergency_number: "999"
            log_level: Debug
            tls: {ca_file: ca.pem, certificate_file: c.pem, key_file: k.pem, minimum_version: TLSv1.3}
            limits:
              homes_max: 12
              burst_messages_max: 1_000
            """)
        #expect(c.dataFolder == "/srv/caring" && c.mqttHost == "broker.local" && c.mqttPort == 8883)
        #expect(c.mqttUser == "hub" && c.mqttPassword == "s3cret" && c.topics == ["homes/#", "gateways/+/x/#"])
        #expect(c.devicesFolder == "d" && c.rulesFile == "r.yaml" && c.brokerFolderUsed == "b" && c.socketPathUsed == "s.sock")
        #expect(c.zone == "Europe/London" && c.emergencyNumber == "999" && c.logLevel == "debug")
        #expect(c.tls == .init(caFile: "ca.pem", certificateFile: "c.pem", keyFile: "k.pem", minimumVersion: .v1_3))
        #expect(try load("tls: {ca_file: ca.pem}").tls?.minimumVersion == .v1_2)
        #expect(problems { _ = try load("tls: {ca_file: ca.pem, minimum_version: tlsv1.1}") }.first?.contains("tlsv1.2") == true)
        #expect(c.metrics == .init(host: "::1", port: 9_100))
        #expect(c.limits.homesMax == 12 && c.limits.burstMessagesMax == 1000)
    }

    @Test func commandLineBeforeEnvironmentBeforeFile() throws {
        let yaml = "data: file\nmqtt: file:1\nzone: Europe/London\nlimits: {homes_max: 3}\ntopics: [a/#]\n"
        let environment = [
            "CARING_DATA": "environment", "CARING_MQTT": "environment:2", "CARING_LIMITS_HOMES_MAX": "4",
            "CARING_TOPICS": "b/#, c/+", "CARING_ZONE": "", "CARING_BENCH_SOMETHING": "x",
        ]
        let c = try load(yaml, environment: environment, mqtt: "[::1]:3")
        #expect(c.dataFolder == "environment" && c.mqttHost == "::1" && c.mqttPort == 3)
        #expect(c.limits.homesMax == 4 && c.topics == ["b/#", "c/+"] && c.zone == "Europe/London")
        #expect(try load(yaml, environment: environment, data: "option").dataFolder == "option")
    }

    @Test func theUsualFileIsUsedWhenItIsThere() throws {
        let folder = try ScratchFolder()
        func load(_ file: String?, _ environment: [String: String] = [:]) throws -> GatewayConfiguration {
            try .load(file: file, environment: environment, data: nil, mqtt: nil, workingFolder: folder.path)
        }
        #expect(try load(nil) == GatewayConfiguration())
        try folder.write("data: usual", to: "config/gateway.yaml")
        try folder.write("data: other", to: "other.yaml")
        #expect(try load(nil).dataFolder == "usual")
        #expect(try load(nil, ["CARING_CONFIG": "other.yaml"]).dataFolder == "other")
        #expect(try load("other.yaml", ["CARING_CONFIG": "missing"]).dataFolder == "other")
        let missing = #expect(throws: ConfigurationProblems.self) { try load("missing.yaml") }
        #expect(missing?.description == "missing.yaml: This file cannot be opened; check the path and who may read it.")
    }

    @Test func everyMistakeIsToldWithItsPlace() throws {
        let found = problems {
            _ = try load(
                """
                mqt: 127.0.0.1:1883
                mqtt: 127.0.0.1:99999
                zone: Europe/Lodnon
                log_level: loud
                topics: [homes/#/x]
                emergency_number: help
                tls:
                  key_file: k.pem
                limits:
                  homes_max: many
                  homesMax: 3
                  devices_per_home_max: 0
                unheard_of: 1
                """)
        }
        #expect(
            found == [
                "1:1 “mqt” is not a key of this file; did you mean “mqtt”?",
                "2:7 “127.0.0.1:99999” is not host:port; write it like 127.0.0.1:1883 or [::1]:1883, with a port from 1 to 65535.",
                "3:7 “Europe/Lodnon” is not a time zone known here; write one like Europe/London.",
                "4:12 “loud” is not a log level; use one of: trace, debug, info, notice, warning, error, critical.",
                "5:10 “homes/#/x” is not a subscription filter; write one like homes/# or homes/+/zigbee2mqtt/#.",
                "6:19 “help” is not a telephone number; write one like 112.",
                "8:13 TLS needs “ca_file”: the authority that signed the broker's certificate.",
                "10:14 “many” is not a whole number from 1 to 1000000 (homes).",
                "11:3 “homesMax” is not a key of “limits”; did you mean “homes_max”?",
                "12:25 “0” is not a whole number from 1 to 10000 (devices).",
                "13:1 “unheard_of” is not a key of this file; use one of: data, mqtt, mqtt_user, mqtt_password, topics, devices, rules, broker, socket, metrics, services, zone, emergency_number, log_level, tls, limits, retention.",
            ])
    }

    @Test func mistakesOutsideOfFilesNameTheirSource() throws {
        let error = #expect(throws: ConfigurationProblems.self) {
            try load("", environment: ["CARING_ZONE": "Mars/Olympus"], mqtt: "here:there")
        }
        #expect(error?.problems.map(\.file) == ["--mqtt", "CARING_ZONE"])
        #expect(error?.problems.allSatisfy { $0.line == nil } == true)
    }

    @Test func whatIsNoYAMLIsToldAndNotATrap() throws {
        for yaml in [
            "a: [1", "a: b: c", "\t- x", "- a\n- b", "just text", "data: a\ndata: b\n", "{{}: 1}", "a: *nobody", "---\na: 1\n---\nb: 2\n",
            "data: {a: b}", "limits: [1]", "topics: []", "data: \"a\\u001b[2J\"", "&a [*a]", "mqtt: '['", "mqtt: ':1'",
            "zone: ../../etc/passwd", "zone: /etc/localtime", "socket: " + String(repeating: "x", count: 120),
        ] {
            #expect(!problems { _ = try load(yaml) }.isEmpty, "\(yaml)")
        }
        #expect(problems { _ = try load("data: a\ndata: b\n") } == ["1:1 In what begins here “data” is there twice; keep one."])
        #expect(problems { _ = try load("a: [1\n") }.first?.hasPrefix("2:1 This is not YAML") == true)
        let many = (0..<200).map { "k\($0)x: 1\n" }.joined()
        #expect(problems { _ = try load(many) }.count == 50)
    }

    @Test func hostsWithAndWithoutPort() throws {
        let c = try load("mqtt: localhost\nmetrics: localhost")
        #expect(c.mqttHost == "localhost" && c.mqttPort == 1883 && c.metrics == .init(host: "localhost", port: 9464))
        #expect(try load("").metrics == nil)
        #expect(try load("metrics: 127.0.0.1:1", environment: ["CARING_METRICS": "127.0.0.1:2"]).metrics?.port == 2)
        #expect(problems { _ = try load("metrics: 9464:x") }.first?.contains("write it like 127.0.0.1:9464") == true)
        for bad in ["localhost:", "localhost:0", "a b:1", "::1:1883", "[::1]1883", "user@host:1", "http://x:1"] {
            #expect(!problems { _ = try load("mqtt: \"\(bad)\"") }.isEmpty, "\(bad)")
        }
    }

    @Test func theShippedFileParsesAndShowsTheDefaults() throws {
        let file = "\(repository)/config/gateway.yaml"
        let shipped = try GatewayConfiguration.load(file: file, environment: [:], data: nil, mqtt: nil)
        #expect(shipped == GatewayConfiguration())
        // With every key's comment sign taken away it is still valid and, but for the searched paths, the defaults.
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let keys = text.split(separator: "\n").compactMap { line -> String? in
            let bare = String(line.dropFirst(2))
            let word = bare.drop { $0 == " " }.prefix { $0 != ":" }
            return bare.contains(":") && ConfigurationKeys.all.contains { $0.split(separator: ".").last.map(String.init) == String(word) }
                || (["tls", "limits", "retention"] + Category.allCases.map(\.rawValue)).contains(String(word)) ? bare : nil
        }
        // The categories of `retention` have a line each.
        #expect(keys.count == ConfigurationKeys.all.count { !$0.hasPrefix("retention.") } + 3 + Category.allCases.count)
        let folder = try ScratchFolder()
        let all = try folder.write(keys.joined(separator: "\n"), to: "all.yaml")
        var full = try GatewayConfiguration.load(file: all, environment: [:], data: nil, mqtt: nil)
        #expect(full.socketPathUsed == shipped.socketPathUsed && full.brokerFolderUsed == shipped.brokerFolderUsed)
        (full.devicesFolder, full.rulesFile, full.brokerFolder, full.socketPath, full.tls) = (nil, nil, nil, nil, nil)
        #expect(full.metrics == .init(host: "127.0.0.1", port: 9_464))
        full.metrics = nil
        #expect(full.services == .init(host: "127.0.0.1", port: 9_465))
        full.services = nil
        full.zone = shipped.zone
        #expect(full == shipped)
    }

    @Test func sharedFilesAreFoundAboveTheProgram() throws {
        let folder = try ScratchFolder()
        let elsewhere = try ScratchFolder()
        try folder.write("x", to: "devices/zigbee2mqtt/profile.yaml")
        try folder.write("x", to: "config/rules.yaml")
        try folder.write("x", to: ".build/release/caringd")
        let nowhere = "\(elsewhere.path)/none"
        let files = SharedFiles(workingFolder: elsewhere.path, executable: "\(folder.path)/.build/release/caringd", shared: nowhere)
        var configuration = GatewayConfiguration()
        #expect(try files.devicesFolder(configuration) == "\(folder.path)/devices")
        #expect(try files.rulesFile(configuration) == "\(folder.path)/config/rules.yaml")
        let installed = SharedFiles(workingFolder: elsewhere.path, executable: "/usr/bin/caringd", shared: folder.path)
        #expect(try installed.rulesFile(configuration) == "\(folder.path)/config/rules.yaml")
        let missing = SharedFiles(workingFolder: elsewhere.path, executable: "/usr/bin/caringd", shared: nowhere)
        #expect(throws: ConfigurationProblems.self) { try missing.devicesFolder(configuration) }
        configuration.rulesFile = "mine.yaml"
        let error = #expect(throws: ConfigurationProblems.self) { try files.rulesFile(configuration) }
        #expect(error?.description == "mine.yaml: There is no such file; correct “rules” in the configuration.")
    }
}
