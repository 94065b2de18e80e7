import Care
import CareTesting
import Foundation
import Testing

extension RealProcesses {
    /// How the daemon starts, how it refuses to, and how it ends.
    @Suite struct StartAndStop {
        @Test func sigtermEndsItInTimeWhileSomebodyWatches() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.add("coordinator", "add", "carla", "--name", "Carla Stone")
            let watch = try street.start(["alert", "watch", "--as", "carla", "--after", "0"])
            try street.ask("alert", "test", "oak-1")
            // Having printed the first entry it waits for the next.
            try eventually("the watch to see the alert") { watch.out.contains("a1") }
            let stopped = try street.stopGateway()
            #expect(stopped.code == 0 && stopped.seconds < 5, "\(stopped) \(street.log)")
            try eventually("the watch to say so") { watch.err.contains("The gateway is gone") }
            // It goes on where it was when the gateway is back.
            try street.startGateway()
            try eventually("the watch to see it") { watch.err.contains("The gateway is back.") }
            try street.ask("alert", "cancel", "a1", "--as", "ada")
            try eventually("the watch to see the end") { watch.out.contains("cancelled") }
            watch.signal(SIGTERM)
            try watch.waitForEnd()
        }

        @Test(arguments: ["away", "hanging", "never there"])
        func sigtermEndsItInTimeWhileTheBrokerIs(_ how: String) throws {
            let street = try Street(brokerRuns: how != "never there")
            defer { street.close() }
            switch how {
            case "away":
                street.broker.kill()
                try eventually("the loss to be noticed") { try street.status("connected") == .bool(false) }
            case "hanging": street.broker.suspend()
            default: break
            }
            let stopped = try street.stopGateway()
            #expect(stopped.code == 0 && stopped.seconds < 5, "\(stopped) \(street.log)")
            street.broker.resume()
        }

        @Test func aSecondOneOnTheSameFolderSaysSo() throws {
            let street = try Street(brokerRuns: false)
            defer { street.close() }
            let second = try Running(
                Places.program("caringd"), ["--data", street.data, "--mqtt", "127.0.0.1:\(street.broker.port)"],
                folder: street.folder, name: "second"
            ).ended()
            #expect(second.code == 1 && second.out.isEmpty)
            #expect(
                second.err
                    == "Another gateway is running on the data folder \(street.data). Stop it first, or choose another folder with --data.\n")
            #expect(street.caring("status").code == 0)
            // However the first one ended, the folder is free again.
            try street.killGateway()
            try street.startGateway(untilConnected: false)
        }

        @Test func checkConfigSaysWhereEachMistakeIs() throws {
            let folder = try Places.newFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let file = folder.appendingPathComponent("gateway.yaml")
            func check() throws -> Ran {
                try Running(
                    Places.program("caringd"), ["--check-config", "--config", "gateway.yaml", "--data", "data"],
                    folder: folder, name: "check"
                ).ended()
            }
            try """
            mqtt: nowhere:99999
            zone: Europe/Atlantis
            colour: blue
            limits:
              homes_max: many
            """.write(to: file, atomically: true, encoding: .utf8)
            let bad = try check()
            #expect(bad.code == 1 && bad.out.isEmpty)
            let lines = bad.err.split(separator: "\n").map(String.init)
            #expect(lines.count == 4, "\(lines)")
            for (line, place) in zip(lines, ["1:7", "2:7", "3:1", "5:14"]) {
                #expect(line.hasPrefix("gateway.yaml:\(place): "), "\(line)")
            }
            try "mqtt: 127.0.0.1:1883\nzone: Europe/London\n".write(to: file, atomically: true, encoding: .utf8)
            let good = try check()
            #expect(good.code == 0 && good.err.isEmpty && good.out.contains("The configuration is good"))
            // Nothing was started and nothing made.
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("data").path))
            try "rules: [".write(to: file, atomically: true, encoding: .utf8)
            let broken = try check()
            #expect(broken.code == 1 && broken.err.hasPrefix("gateway.yaml:"))
        }

        @Test func theCommandLineComesBeforeTheEnvironmentAndThatBeforeTheFile() throws {
            let folder = try Places.newFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let port = try TestBroker.freePort()
            try "data: from-file\nmqtt: 127.0.0.1:\(port)\n".write(
                to: folder.appendingPathComponent("gateway.yaml"), atomically: true, encoding: .utf8)
            func folderUsed(_ arguments: [String], _ environment: [String: String]) throws -> [String] {
                let gateway = try Running(
                    Places.program("caringd"), arguments, environment: environment, folder: folder, name: "caringd")
                defer {
                    gateway.signal(SIGKILL)
                    _ = try? gateway.waitForEnd()
                }
                func used() -> [String] {
                    ["from-file", "from-environment", "from-option", "var"].filter {
                        FileManager.default.fileExists(atPath: folder.appendingPathComponent("\($0)/caring.sock").path)
                    }
                }
                try eventually("the gateway to start") { gateway.err.contains("The gateway listens.") || !gateway.isRunning }
                #expect(gateway.isRunning, "\(gateway.err)")
                defer { for name in used() { try? FileManager.default.removeItem(at: folder.appendingPathComponent(name)) } }
                return used()
            }
            let file = ["CARING_CONFIG": "gateway.yaml"]
            let both = ["CARING_CONFIG": "gateway.yaml", "CARING_DATA": "from-environment"]
            #expect(try folderUsed(["--data", "from-option"], both) == ["from-option"])
            #expect(try folderUsed([], both) == ["from-environment"])
            #expect(try folderUsed([], file) == ["from-file"])
            #expect(try folderUsed(["--config", "gateway.yaml"], [:]) == ["from-file"])
        }

        @Test func itStartsOnAnEmptyFolderWithNothingElseGiven() throws {
            let folder = try Places.newFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let gateway = try Running(Places.program("caringd"), [], folder: folder, name: "caringd")
            defer { gateway.signal(SIGKILL) }
            try eventually("the gateway to start") { gateway.err.contains("The gateway listens.") || !gateway.isRunning }
            let asked = try Running(Places.program("caring"), ["status"], folder: folder, name: "caring").ended()
            #expect(asked.code == 0, "\(asked.err) \(gateway.err)")
            gateway.signal(SIGTERM)
            #expect(try gateway.ended().code == 0)
            for name in ["caring.sqlite", "gateway-login", "mosquitto/passwords", "mosquitto/acl"] {
                let path = folder.appendingPathComponent("var/\(name)").path
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                #expect(mode == 0o600, "\(name)")
            }
        }
    }
}
