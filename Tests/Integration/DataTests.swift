import Care
import CareTesting
import Foundation
import Store
import Testing
import Zip

extension RealProcesses {
    /// Data taken along with the real programs: whole or not at all, readable elsewhere, the same on another gateway.
    @Suite struct DataTakenAlong {
        private func unpack(_ path: String) throws -> [String: [UInt8]] {
            let zip = try ZipReader(path: path)
            var files: [String: [UInt8]] = [:]
            for member in zip.members {
                files[member.name] = []
                try zip.read(member) { files[member.name, default: []] += $0 }
            }
            return files
        }

        /// Ada with some readings of her own, put into the database beside the gateway that is stopped.
        private func lived(readings: Int) throws -> Street {
            let street = try Street()
            try street.addAda(devices: ["vitals/heart-rate", "zigbee2mqtt/hall motion"])
            let own = try Client(street, "oak-1")
            try own.publish("homes/oak-1/vitals/heart-rate", "72")
            try own.publish("homes/oak-1/zigbee2mqtt/hall motion", #"{"occupancy":true}"#)
            try eventually("both readings") { try street.ask("reading", "list", "--as", "ada").count == 2 }
            guard readings > 0 else { return street }
            _ = try street.stopGateway()
            let store = try Store(folder: street.data)
            let series = try store.read { try $0.series() }
            let start = try #require(try store.read { try $0.lastReadings(series) }.first).at
            for first in stride(from: 0, to: readings, by: 20_000) {
                try store.turn { tx in
                    for i in first..<min(first + 20_000, readings) {
                        let one = series[i % series.count]
                        // Several of a series in each millisecond, and none in the future.
                        let at = start + .milliseconds(Int64(i / 32) + 1)
                        try tx.append(Reading(series: one.id, at: at, source: .arrival, value: one.quantity.kind == .number ? .number(60 + Double(i % 400) / 10) : .boolean(i % 3 == 0)))
                    }
                }
            }
            // As if a day of each had been made into figures.
            try store.turn { tx in
                for one in series {
                    var figure = DailyFigure(from: start + .milliseconds(1), day: Day(number: start.milliseconds / 86_400_000))
                    for value in one.quantity.kind == .boolean ? [0, 1, 1] : [70.125, 1e-7, 66] { figure.take(value, at: start + .milliseconds(2)) }
                    (figure.times, figure.lasted) = (2, .milliseconds(81_234))
                    try tx.save(figure, one.id)
                }
            }
            try store.close()
            try street.startGateway()
            return street
        }

        @Test func takenAlongTakenInAndTakenAlongAgain() throws {
            let there = try lived(readings: 30_000)
            defer { there.close() }
            // Nothing is old enough to go by it, so nothing is asked.
            let decided = there.caring("data", "keep", "--category", "health", "--for", "30d", "--then", "daily", "--as", "ada")
            #expect(decided.code == 0 && decided.out.contains("Health: readings are kept 30 days, then made into daily figures."), "\(decided.out)\(decided.err)")
            #expect(there.caring("data", "keep", "--as", "ada").out.contains("You decided this on"))
            #expect(there.caring("data", "keep", "--category", "health", "--for", "3d", "--yes", "--as", "ada").code == 1)
            let file = there.folder.appendingPathComponent("ada.zip").path
            let wrote = there.caring("data", "export", "--out", file, "--as", "ada")
            #expect(wrote.code == 0, "\(wrote.err)")
            #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
            let first = try unpack(file)
            #expect(first["readings.csv"]?.count { $0 == 10 } == 30_003)
            if FileManager.default.isExecutableFile(atPath: "/usr/bin/unzip") {
                #expect(try Running(URL(fileURLWithPath: "/usr/bin/unzip"), ["-t", file], folder: there.folder, name: "unzip").ended().code == 0)
            }
            let python = """
                import sys,zipfile,hashlib,csv,io,json
                z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None
                for line in z.read('SHA256SUMS').decode().splitlines():
                    s,n=line.split('  '); assert hashlib.sha256(z.read(n)).hexdigest()==s,n
                rows=list(csv.DictReader(io.TextIOWrapper(z.open('readings.csv'),'utf-8'))); assert len(rows)==30002
                assert json.load(z.open('fhir-observations.json'))['resourceType']=='Bundle'
                json.load(z.open('manifest.json')); json.load(z.open('devices.json')); json.load(z.open('consent-receipts.jsonld'))
                """
            let read = try Running(Places.tool("python3"), ["-c", python, file], folder: there.folder, name: "python").ended()
            #expect(read.code == 0, "\(read.err)")

            // Nothing is replaced unless it was said, and nobody else gets it.
            let before = try Data(contentsOf: URL(fileURLWithPath: file))
            let again = there.caring("data", "export", "--out", file, "--as", "ada")
            #expect(again.code == 1 && again.err.contains("is there already"))
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
            let operatorAlone = there.caring("data", "export", "--citizen", "ada", "--out", file + "2")
            #expect(operatorAlone.code == 1 && !FileManager.default.fileExists(atPath: file + "2"))

            let here = try Street()
            defer { here.close() }
            try here.add("home", "add", "elm-7", "--zone", "Europe/Berlin")
            try here.ask("citizen", "add", "ada-b", "--home", "elm-7", "--name", "Ada Brown")
            let looked = here.caring("data", "import", file, "--as", "ada-b", "--check")
            #expect(looked.code == 0 && looked.out.contains("Would be taken in: 30002 readings"), "\(looked.out)\(looked.err)")
            #expect(try here.ask("reading", "list", "--as", "ada-b", "--since", "365d").isEmpty)
            let took = here.caring("data", "import", file, "--as", "ada-b")
            #expect(took.code == 0 && took.out.contains("not in force"), "\(took.out)\(took.err)")
            let twice = here.caring("data", "import", file, "--as", "ada-b")
            #expect(twice.out.contains("Taken in: 0 readings"), "\(twice.out)\(twice.err)")
            let other = here.folder.appendingPathComponent("again.zip").path
            #expect(here.caring("data", "export", "--out", other, "--as", "ada-b").code == 0)
            let second = try unpack(other)
            #expect(first["daily-figures.csv"]?.count { $0 == 10 } == 3)
            for name in ["readings.csv", "readings.jsonl", "daily-figures.csv", "daily-figures.jsonl", "retention.jsonl", "fhir-observations.json", "devices.json"] {
                let isSame = second[name] == first[name]
                #expect(isSame, "\(name) is not the same: \(second[name]?.count ?? 0) bytes and not \(first[name]?.count ?? 0)")
            }
            try refusesWhatIsNone(here, file)
        }

        /// Altered, cut off, another ZIP file: a sentence, and nothing is changed.
        private func refusesWhatIsNone(_ street: Street, _ file: String) throws {
            let good = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
            let bad = street.folder.appendingPathComponent("bad.zip").path
            func refused(_ bytes: [UInt8]) throws -> String {
                try Data(bytes).write(to: URL(fileURLWithPath: bad))
                let ran = street.caring("data", "import", bad, "--as", "ada-b")
                #expect(ran.code == 1 && ran.out.isEmpty, "\(ran.out)")
                return ran.err
            }
            #expect(try refused(Array(good.prefix(good.count / 2))).contains("cut off"))
            var altered = good
            altered[good.count / 2] ^= 1
            #expect(try refused(altered).contains("damaged or was changed"))
            func zip(_ files: [(String, [UInt8])]) throws -> [UInt8] {
                var bytes: [UInt8] = []
                let writer = ZipWriter { bytes += $0 }
                for (name, content) in files {
                    try writer.begin(name)
                    try writer.write(content)
                    try writer.end()
                }
                try writer.finish()
                return bytes
            }
            #expect(try refused(zip([("holiday.jpg", [1, 2, 3])])).contains("another kind of ZIP file"))
            // With a new list of members, so that only the sums tell.
            var files = try unpack(file)
            files["readings.csv"] = files["readings.csv"].map { $0 + Array("2026-11-21T00:00:00Z,,x,y,heart_rate,,1,/min,8867-4,arrival,,0\n".utf8) }
            let summed = try refused(zip(files.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
            #expect(summed.contains("SHA256SUMS"), "\(summed)")
            files["readings.csv"] = [UInt8](repeating: 0, count: 40 << 20)
            #expect(try refused(zip(files.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })).contains("nothing that is real does that"))
        }

        @Test func killedInTheMiddleItLeavesNothingOrAll() throws {
            let street = try lived(readings: 60_000)
            defer { street.close() }
            let file = street.folder.appendingPathComponent("ada.zip").path
            var killed = 0
            for n in 0..<8 {
                let writing = try street.start(["data", "export", "--out", file, "--as", "ada"])
                usleep(UInt32(40_000 + n * 90_000))
                writing.signal(SIGKILL)
                try writing.waitForEnd()
                guard FileManager.default.fileExists(atPath: file) else {
                    killed += 1
                    continue
                }
                #expect(try unpack(file)["readings.csv"]?.count { $0 == 10 } == 60_003)
                unlink(file)
            }
            #expect(killed > 0)
            // Whoever went away holds nothing: all can be taken along, several times over.
            for _ in 0..<3 { #expect(street.caring("data", "export", "--out", file, "--force", "--as", "ada").code == 0) }
            #expect(try unpack(file)["readings.csv"]?.count { $0 == 10 } == 60_003)
            #expect(try FileManager.default.contentsOfDirectory(atPath: street.folder.path).allSatisfy { !$0.hasSuffix(".part") })
        }

        /// Whole or not at all: a wish that was not acknowledged changed nothing or all, and one that was is carried out to its end,
        /// however often the gateway is killed meanwhile.
        @Test func anErasureIsWholeThoughTheGatewayIsKilledInTheMiddle() throws {
            let street = try lived(readings: 60_000)
            defer { street.close() }
            // An erasure takes what was before it was said; the last of these are two seconds after the first.
            usleep(2_000_000)
            func readings() throws -> Int {
                let store = try Store(folder: street.data)
                defer { try? store.close() }
                let series = try store.read { try $0.series() }
                return try store.read { try $0.readings(series, since: .distantPast, limit: 100_000) }.count
            }
            // Killed while it is being said.
            var isBegun = false
            for n in 0..<3 where !isBegun {
                let saying = try street.start(["data", "erase", "--all", "--yes", "--as", "ada"])
                usleep(UInt32(15_000 + n * 40_000))
                try street.killGateway()
                _ = try saying.ended()
                if try readings() == 60_002 { try street.startGateway() } else { isBegun = true }
                if !isBegun { isBegun = try street.sentences("data", "erase", "--status", "--as", "ada").contains("What you wanted") }
            }
            if street.gateway?.isRunning != true { try street.startGateway() }
            if !isBegun {
                let said = street.caring("data", "erase", "--all", "--yes", "--as", "ada")
                #expect(said.code == 0, "\(said.out)\(said.err)")
            }
            // Each run does a part of it: a step each 50 milliseconds.
            var kills = 0
            while kills < 6 {
                usleep(UInt32(200_000 + kills * 50_000))
                try street.killGateway()
                kills += 1
                try street.startGateway()
            }
            try eventually("the database to hold nothing of it", secondsMax: 60) {
                let said = try street.sentences("data", "erase", "--status", "--as", "ada")
                return said.contains("Nothing is being erased") || said.contains("holds nothing of it any more")
            }
            _ = try street.stopGateway()
            let left = try readings()
            #expect(left == 0)
            // What is in force is still there, and the chain says what happened.
            try street.startGateway()
            #expect(street.caring("audit", "verify", "--as", "ada").code == 0)
            #expect(try street.ask("device", "list", "--as", "ada").count == 2)
        }

        @Test func aFullDiskIsSaidInASentenceAndLeavesNothing() throws {
            let street = try lived(readings: 20_000)
            defer { street.close() }
            let full = street.folder.appendingPathComponent("full").path
            try FileManager.default.createDirectory(atPath: full, withIntermediateDirectories: true)
            guard mount("tmpfs", full, "tmpfs", 0, "size=64k,mode=700") == 0 else { return }
            defer { umount2(full, Int32(MNT_DETACH)) }
            let ran = street.caring("data", "export", "--out", full + "/ada.zip", "--as", "ada")
            #expect(ran.code == 1 && ran.err.contains("The disk is full"), "\(ran.err)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: full).isEmpty)
        }
    }
}
