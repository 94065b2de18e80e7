import Care
import Devices
import Foundation
import Gateway
import Testing

/// Real homes: the first 60 000 messages of TIHM's 452 575, all with `CARING_LONG=1`. The recording is no part of the
/// repository; where it is absent this is skipped.
@Suite struct TIHMReplayTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let recording = root.appendingPathComponent("../shared/data/tihm/replay-dev.csv.gz").standardizedFileURL.path

    @Test(.enabled(if: FileManager.default.fileExists(atPath: recording), "../shared/data/tihm/replay-dev.csv.gz is not here."))
    func `fifty-five days of real homes give the same alerts with bursts of one and of 4 096`() throws {
        let isLong = ProcessInfo.processInfo.environment["CARING_LONG"] == "1"
        let messages = try messages(limit: isLong ? .max : 60_000)
        let own = Self.root.appendingPathComponent("Tests/Recordings/tihm").path
        let rules = try RuleBook.load(file: own + "/rules.yaml")
        let catalogue = try Catalogue.load(folders: [try SharedFiles().devicesFolder(GatewayConfiguration()), own + "/profiles"])
        let one = try replayed(messages, burst: 1, rules: rules, catalogue: catalogue)
        let many = try replayed(messages, burst: 4_096, rules: rules, catalogue: catalogue)
        let difference = difference(one, many)
        #expect(difference == nil, "\(difference ?? "")")
        #expect(one.count > 20, "The rules see something.")
        let sums = try #require(one.last)
        #expect(sums.contains("messages: \(messages.count),"))
        #expect(sums.contains("undecodable: 0,") && sums.contains("strangers: 0,"), "Every message of the recording is understood.")
        print("TIHMReplayTests: \(messages.count) messages, \(one.count - 1) alerts")
    }

    private func messages(limit: Int) throws -> [ReplayedMessage] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", Self.recording]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try data.split(separator: 10).dropFirst().prefix(limit).map { line in
            let fields = String(decoding: line, as: UTF8.self).split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
            try #require(fields.count == 3)
            return ReplayedMessage(at: try #require(Instant(iso: fields[0])), topic: String(fields[1]), payload: String(fields[2]))
        }
    }
}
