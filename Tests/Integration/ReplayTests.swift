import Care
import Foundation
import Testing

extension RealProcesses {
    /// The same file gives the same result, byte for byte.
    @Suite struct Replaying {
        /// Two homes over two days. In between, deadlines come due with no message near: nobody moves for twelve hours.
        private static let messages: [(at: String, topic: String, payload: String)] = [
            ("2026-01-05T07:00:00Z", "homes/elm-1/motion/kitchen", "1"),
            ("2026-01-05T07:00:00.500Z", "homes/elm-2/motion/hall, upstairs", "1"),
            ("2026-01-05T07:05:00Z", "homes/elm-1/zigbee2mqtt/SOS button", #"{"action":"emergency","battery":97}"#),
            ("2026-01-05T07:05:00Z", "homes/elm-1/zigbee2mqtt/SOS button", #"{"action":"emergency","battery":97}"#),
            ("2026-01-05T07:06:00Z", "homes/elm-2/vitals/heart-rate", "72,5"),
            ("2026-01-05T08:00:00Z", "homes/elm-2/vitals/heart-rate", "71"),
            ("2026-01-05T23:30:00Z", "homes/elm-1/motion/kitchen", "1"),
            ("2026-01-06T09:00:00Z", "homes/elm-2/zigbee2mqtt/Hall smoke detector", #"{"smoke":true,"battery_low":false}"#),
            ("2026-01-07T07:00:00Z", "homes/elm-1/motion/kitchen", "1"),
        ]

        private static func csv() -> String {
            "at,topic,payload\n"
                + messages.map { message in
                    let topic = message.topic.contains(",") ? "\"\(message.topic)\"" : message.topic
                    return "\(message.at),\(topic),\(message.payload)\n"
                }.joined()
        }

        private static func jsonLines() -> String {
            messages.map { message in
                JSON.object(["at": .string(message.at), "topic": .string(message.topic), "payload": .string(message.payload)]).text + "\n"
            }.joined()
        }

        private func withFolder(_ body: (URL) throws -> Void) throws {
            let folder = try Places.newFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            try body(folder)
        }

        private func replay(_ folder: URL, _ arguments: String...) throws -> Ran {
            try Running(Places.program("caring"), ["replay"] + arguments, folder: folder, name: "replay").ended()
        }

        @Test func isTheSameWhateverTheFormTheProcessAndTheBurst() throws {
            try withFolder { folder in
                for (name, text) in [("a.csv", Self.csv()), ("a.jsonl", Self.jsonLines())] {
                    try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
                    let zipped = try Running(Places.tool("gzip"), ["-k", name], folder: folder, name: "gzip").ended()
                    try #require(zipped.code == 0, "\(zipped)")
                }
                let first = try replay(folder, "a.csv", "--json")
                try #require(first.code == 0, "\(first)")
                #expect(first.err.isEmpty)
                for file in ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz"] {
                    for burst in ["1", "2", "4096"] {
                        let again = try replay(folder, file, "--json", "--burst", burst)
                        #expect(again.out == first.out && again.code == 0, "\(file) in bursts of \(burst): \(again)")
                    }
                }
                let items = try first.items()
                let sums = try #require(items.last)
                #expect(sums["messages"] == .int(Int64(Self.messages.count)) && sums["undecodable"] == .int(1))
                #expect(sums["homes"] == .int(2) && sums["alerts"] == .int(Int64(items.count - 1)))
                let alerts = items.dropLast()
                #expect(
                    keys(of: String(first.out.prefix { $0 != "\n" })) == [
                        "alert", "home", "rule", "raisedAt", "endedAt", "ended", "since", "occurrences",
                    ])
                let sos = try #require(alerts.first { $0["rule"]?.string == "sos" })
                // Two telegrams at once are one press.
                #expect(sos["home"]?.string == "elm-1" && sos["occurrences"] == .int(1))
                #expect(sos["endedAt"]?.string == "2026-01-05T08:05:00.000Z" || sos["endedAt"]?.string == "2026-01-05T08:05:00Z")
                #expect(alerts.contains { $0["rule"]?.string == "smoke" && $0["home"]?.string == "elm-2" })
                #expect(alerts.contains { $0["rule"]?.string == "no-movement" })
                // Nothing is left of a replay that was not asked to keep its data.
                let sentences = try replay(folder, "a.csv")
                #expect(sentences.code == 0 && sentences.out.contains("Alerts by rule:"))
                #expect(sentences.out.contains("Alerts per home and day:"))
            }
        }

        @Test func mistakesAreSaid() throws {
            try withFolder { folder in
                func save(_ name: String, _ text: String) throws {
                    try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
                }
                let missing = try replay(folder, "missing.csv")
                #expect(missing.code == 1 && missing.err.contains("missing.csv cannot be read") && missing.out.isEmpty)
                try save("time.csv", "at,topic,payload\n2026-01-05T07:00:00Z,homes/a/motion/k,1\nyesterday,homes/a/motion/k,1\n")
                let time = try replay(folder, "time.csv", "--json")
                #expect(time.code == 1 && time.err.hasPrefix("time.csv:3: ") && time.out.isEmpty, "\(time)")
                try save("short.csv", "at,topic,payload\n2026-01-05T07:00:00Z\n")
                #expect(try replay(folder, "short.csv").err.hasPrefix("short.csv:2: "))
                try save("head.csv", "when,what\n")
                #expect(try replay(folder, "head.csv").err.hasPrefix("head.csv:1: "))
                try save("line.jsonl", #"{"at":"2026-01-05T07:00:00Z","topic":"homes/a/motion/k","payload":"1"}"# + "\n{\"at\":\n")
                #expect(try replay(folder, "line.jsonl").err.hasPrefix("line.jsonl:2: "))
                try save("empty.csv", "at,topic,payload\n")
                #expect(try replay(folder, "empty.csv").code == 1)
                // A replay never runs on a folder that holds something, such as the gateway's.
                try save("good.csv", Self.csv())
                try write("kept/caring.sqlite-of-somebody", "x", in: folder)
                let kept = try replay(folder, "good.csv", "--data", "kept")
                #expect(kept.code == 1 && kept.err.contains("kept is not empty"), "\(kept)")
                let new = try replay(folder, "good.csv", "--data", "new")
                #expect(new.code == 0, "\(new)")
                #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("new/caring.sqlite").path))
                #expect(try replay(folder, "good.csv", "--burst", "0").code == 64)
                #expect(try replay(folder, "good.csv", "--zone", "Moon/Base").code == 64)
                // A compressed file that was cut off is not taken for a whole one.
                let zipped = try Running(Places.tool("gzip"), ["-k", "good.csv"], folder: folder, name: "gzip").ended()
                try #require(zipped.code == 0)
                let whole = try Data(contentsOf: folder.appendingPathComponent("good.csv.gz"))
                try whole.prefix(whole.count / 2).write(to: folder.appendingPathComponent("cut.csv.gz"))
                let cut = try replay(folder, "cut.csv.gz")
                #expect(cut.code == 1 && cut.err.contains("cut.csv.gz"), "\(cut)")
            }
        }

        private func write(_ name: String, _ text: String, in folder: URL) throws {
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
    }
}
