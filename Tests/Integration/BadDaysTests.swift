import Care
import Foundation
import MQTT
import Testing

extension RealProcesses {
    /// Full disks, deadly messages, damaged files: with the real gateway, the real broker, and real faults.
    @Suite struct BadDays {
        private let heart = "homes/oak-1/vitals/heart-rate"

        private func values(_ street: Street) throws -> [Int64] {
            try street.ask("reading", "list", "--as", "ada", "--quantity", "heart_rate", "--limit", "10000").compactMap { $0["value"]?.int }.reversed()
        }

        private func gatewayStatus(_ street: Street) throws -> String? {
            try Client.retained(street, "gateway", "gateway/status")["gateway/status"]
        }

        // MARK: A full disk

        /// Only root can mount a disk of its own; elsewhere this says so instead of passing.
        @Test(.enabled(if: geteuid() == 0, "A small disk can only be mounted by root."))
        func onAFullDiskNothingIsAcknowledgedAlarmsGoOnAndAllIsKeptLater() throws {
            let street = try Street(environment: ["CARING_LIMITS_RESERVE_MEBIBYTES": "16"], diskMebibytes: 64)
            defer { street.close() }
            try street.addAda(devices: ["vitals/heart-rate", "zigbee2mqtt/SOS button"])
            try street.addHelpers()
            try street.adaPermits()
            let home = try Client(street, "oak-1")
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            for n in 60..<70 { #expect(try home.publish(heart, "\(n)")) }
            try eventually("ten readings") { try values(street).count == 10 }
            #expect(try gatewayStatus(street) == "online")

            // Somebody fills the disk to the last byte.
            let filler = street.data + "/filler"
            try fill(filler)
            for n in 70..<100 { #expect(try home.publish(heart, "\(n)")) }
            try eventually("the status to be said") { try gatewayStatus(street) == "degraded: disk full" }
            // The words of whoever asks say it too.
            let status = try street.sentences("status")
            #expect(status.contains("disk is full"), "\(status)")
            #expect(street.log.contains("The disk is full: make room on the disk that holds the data folder."))
            // The room that was kept for it is used: an alarm goes all its way.
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            let offer = try maria.receive("the offer on a full disk") { !$0.payload.isEmpty }
            let alert = try #require(offer.json?["alert"]?.string)
            #expect(try maria.publish("helpers/maria/answers", #"{"alert":"\#(alert)","answer":"accept"}"#))
            try maria.receive("the address on a full disk") { $0.json?["stage"]?.string == "accepted" }
            try fill(filler + "2")  // What the reserve left free is not somebody else's to take for granted.

            // There is room again: what waited is kept, each once, and the alarm is not raised anew.
            try FileManager.default.removeItem(atPath: filler)
            try? FileManager.default.removeItem(atPath: filler + "2")
            try eventually("the gateway to go on") { try gatewayStatus(street) == "online" }
            try eventually("all readings") { try values(street).count == 40 }
            #expect(try values(street) == (60..<100).map { Int64($0) })
            #expect(try street.ask("alert", "list", "--all", "--as", "ada").count == 1)
            #expect(try street.ask("alert", "list", "--all", "--as", "ada").first?["occurrences"] == .int(1))
            #expect(FileManager.default.fileExists(atPath: street.data + "/reserve"))
        }

        private func fill(_ path: String) throws {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            let block = [UInt8](repeating: 1, count: 4_096)
            while write(descriptor, block, block.count) > 0 {}
        }

        // MARK: A message that ends the process

        @Test func aMessageThatEndsTheGatewayTwiceIsSetAsideAtTheThirdStart() throws {
            let library = try deadlyLibrary()
            defer { try? FileManager.default.removeItem(at: library.deletingLastPathComponent()) }
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["vitals/heart-rate", "zigbee2mqtt/SOS button"])
            try street.add("coordinator", "add", "carla", "--name", "Carla Stone")
            let home = try Client(street, "oak-1")
            #expect(try home.publish(heart, "60"))
            try eventually("the first reading") { try values(street).count == 1 }
            _ = try street.stopGateway()
            // While it is away: good, deadly, good.
            #expect(try home.publish(heart, "61"))
            #expect(try home.publish(heart, "this is poison-kill"))
            #expect(try home.publish(heart, "62"))
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            let environment = ["LD_PRELOAD": library.path]
            for start in 1...2 {
                try? street.startGateway(environment: environment, untilConnected: false)
                try eventually("start \(start) to die of the message") { street.gateway?.isRunning != true }
            }
            try street.startGateway(environment: environment)
            try eventually("what came around it") { try values(street).count == 3 }
            #expect(try values(street) == [60, 61, 62])
            try eventually("the alarm") { try street.ask("alert", "list", "--as", "ada").count == 1 }
            let problems = try street.sentences("device", "problems", "--as", "ada")
            #expect(problems.contains("the gateway ended twice while taking it") && problems.contains("poison-kill"), "\(problems)")
            #expect(try street.ask("alert", "list", "--as", "carla").contains { $0["rule"]?.string == "quarantine" })
            // The same bytes again end nothing any more; and in the usual course nothing is set aside.
            #expect(try home.publish(heart, "this is poison-kill"))
            #expect(try home.publish(heart, "63"))
            try eventually("the next reading") { try values(street).count == 4 }
            #expect(street.gateway?.isRunning == true)
        }

        /// Makes the process end when the text of a message is about to be written down as not understood: a fault in the
        /// middle of a turn, without any help from the gateway itself.
        private func deadlyLibrary() throws -> URL {
            let folder = try Places.newFolder()
            let source = folder.appendingPathComponent("deadly.c")
            let library = folder.appendingPathComponent("deadly.so")
            try """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <stdlib.h>
            #include <string.h>
            struct sqlite3_stmt;
            typedef int (*bind)(struct sqlite3_stmt *, int, const void *, int, void (*)(void *));
            typedef const char *(*text)(struct sqlite3_stmt *);
            int sqlite3_bind_blob(struct sqlite3_stmt *s, int i, const void *p, int n, void (*d)(void *)) {
                text sql = (text)dlsym(RTLD_NEXT, "sqlite3_sql");
                const char *words = sql ? sql(s) : 0;
                if (p && n > 0 && words && strstr(words, "INTO undecodable ") && memmem(p, n, "poison-kill", 11)) abort();
                return ((bind)dlsym(RTLD_NEXT, "sqlite3_bind_blob"))(s, i, p, n, d);
            }
            """.write(to: source, atomically: true, encoding: .utf8)
            let process = Process()
            process.executableURL = try Places.onPath("clang", "cc", "gcc")
            process.arguments = ["-shared", "-fPIC", "-o", library.path, source.path, "-ldl"]
            try process.run()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { throw Failure(description: "The library could not be compiled.") }
            return library
        }

        // MARK: A damaged database

        private func damage(_ street: Street) throws {
            let path = street.data + "/caring.sqlite"
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            // Every page but the first: whatever is read, it is not what was written.
            let size = try file.seekToEnd()
            try file.seek(toOffset: 4_096)
            try file.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4_096))
            try file.close()
        }

        @Test func withoutABackupADamagedDatabaseIsSaidAndNothingIsChanged() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            #expect(try street.stopGateway().code == 0)
            try damage(street)
            let before = try Data(contentsOf: URL(fileURLWithPath: street.data + "/caring.sqlite"))
            for _ in 0..<2 {
                let run = try Running(
                    Places.program("caringd"), ["--data", street.data, "--mqtt", "127.0.0.1:\(street.broker.port)"], folder: street.folder,
                    name: "damaged-\(UUID().uuidString.prefix(4))")
                let ended = try run.ended()
                #expect(ended.code == 1)
                #expect(ended.err.contains("damaged"), "\(ended.err)")
                #expect(try Data(contentsOf: URL(fileURLWithPath: street.data + "/caring.sqlite")) == before)
            }
        }

        @Test func fromABackupItGoesOnAndWhatWasForbiddenSinceStaysForbidden() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["vitals/heart-rate", "zigbee2mqtt/SOS button"])
            try street.addHelpers()
            let permits = try street.adaPermits()
            let home = try Client(street, "oak-1")
            #expect(try home.publish(heart, "60"))
            try eventually("the first reading") { try values(street).count == 1 }
            #expect(try street.stopGateway().code == 0)
            // A copy as the gateway makes them, of this moment.
            let backups = street.data + "/backups"
            try? FileManager.default.createDirectory(atPath: backups, withIntermediateDirectories: true)
            let name = ISO8601DateFormatter.string(
                from: Date(), timeZone: TimeZone(identifier: "UTC") ?? .current, formatOptions: [.withYear, .withMonth, .withDay, .withTime])
            try FileManager.default.copyItem(atPath: street.data + "/caring.sqlite", toPath: "\(backups)/caring-\(name)Z.sqlite".replacingOccurrences(of: "ZZ", with: "Z"))
            // The names of backups have seconds: what follows is later than it.
            usleep(1_100_000)
            try street.startGateway()
            // After it Ada withdraws what she had permitted, and says something more.
            try street.ask("consent", "withdraw", permits.what, "--as", "ada")
            #expect(try home.publish(heart, "61"))
            try eventually("the second reading") { try values(street).count == 2 }
            #expect(try street.stopGateway().code == 0)
            try damage(street)

            try street.startGateway()
            #expect(street.log.contains("The database was damaged; the gateway goes on from a backup."))
            let files = try FileManager.default.contentsOfDirectory(atPath: street.data)
            #expect(files.contains { $0.hasPrefix("caring.sqlite.broken-") }, "\(files)")
            #expect(try values(street) == [60])
            // Coordinators are told.
            let carlas = try street.ask("alert", "list", "--as", "carla")
            #expect(carlas.contains { $0["rule"]?.string == "restored" })
            // And what she withdrew stays withdrawn: no helper is asked.
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            try eventually("the alarm") { try street.ask("alert", "list", "--as", "ada").count == 1 }
            try eventually("the outbox to be done") { try street.status("waiting") == .int(0) }
            #expect(try Client.retained(street, "maria", "helpers/maria/alerts/+").isEmpty)
        }
    }
}
