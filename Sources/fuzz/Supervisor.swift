import Devices
import Foundation

/// Starts children that run cases, takes from a dead one what it died of, and reports.
struct Supervisor {
    /// A case that takes longer has no end.
    static let caseSecondsMax = 10.0
    /// Deaths of children in one run; after that the fault is too common to look for others behind it.
    static let deathsMax = 200

    let devices: String
    let findings: FindingFolder
    let seed: UInt64
    let seconds: Int

    struct Sums {
        var cases = 0
        var understood = 0
        var peakKiB = 0
        var kinds = 0
        var seconds = 0.0
    }

    func run() throws -> Sums {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("caring-fuzz-\(UUID().uuidString)").path
        let corpus = place + "/corpus"
        try FileManager.default.createDirectory(atPath: corpus, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let samples = try catalogue(devices).sampleMessages.map { Case($0) }
        for (index, sample) in samples.enumerated() { try Data(sample.bytes).write(to: URL(fileURLWithPath: "\(corpus)/sample-\(index)")) }

        var sums = Sums()
        let began = Date()
        for death in 0..<UInt64(Self.deathsMax) {
            let left = seconds - Int(Date().timeIntervalSince(began))
            guard left > 0, findings.all.count < FindingFolder.findingsMax else { break }
            let page = try Page(place + "/page", makes: true)
            let child = try FuzzChild(
                ["child", place + "/page", findings.path, devices, corpus, "\(seed &+ death)", "\(left)"], log: place + "/log")
            let ending = child.wait(watching: page, caseSecondsMax: Self.caseSecondsMax, secondsMax: Double(left) + 30)
            let figures = page.figures
            sums.cases += figures.cases
            sums.understood += figures.understood
            sums.peakKiB = max(sums.peakKiB, figures.peakKiB)
            switch ending {
            case .done: break
            case .endless: findings.keep(page.current, .endless, "A case has no end.", key: "\(death)")
            case .died(let how):
                let log = (try? String(contentsOfFile: place + "/log", encoding: .utf8)) ?? ""
                guard figures.isRunning == 1 else { throw FuzzProblem("The fuzzer itself ended with \(how): \(log.suffix(2_000))") }
                let fault = Self.place(inLog: log)
                findings.keep(page.current, .crash, "A case ends the process with \(how)\(fault.map { ", \($0)" } ?? "").", key: fault ?? how, details: log)
                continue
            }
            if ending == .done { break }
        }
        sums.seconds = Date().timeIntervalSince(began)
        sums.kinds = max(0, ((try? FileManager.default.contentsOfDirectory(atPath: corpus))?.count ?? 0) - samples.count)
        return sums
    }

    /// The first line of ours in a backtrace: "at /…/Sources/Devices/Trial.swift:12:3".
    private static func place(inLog log: String) -> String? {
        for line in log.split(separator: "\n") {
            guard let at = line.range(of: "/Sources/", options: .backwards), line.contains(" at /"), !line.contains("/Sources/fuzz/") else { continue }
            return "at " + line[at.lowerBound...].dropFirst("/Sources/".count)
        }
        return nil
    }
}

func catalogue(_ folder: String) throws -> Catalogue { try Catalogue.load(folder: folder) }
