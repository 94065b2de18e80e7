import Devices
import Foundation

/// Sends damaged messages through everything in Devices and reports what crashes, takes long, takes much or breaks a rule.
/// `scripts/fuzz` builds it and calls it, in the folder of the repository.
@main
struct Fuzz {
    static let usage = "scripts/fuzz [seconds] [--seed N], or scripts/fuzz --replay FILE"
    static let devices = "devices"

    static func main() {
        do {
            exit(try run(Array(CommandLine.arguments.dropFirst())))
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(2)
        }
    }

    private static func run(_ arguments: [String]) throws -> Int32 {
        switch arguments.first {
        case "child" where arguments.count == 7:
            let runner = Runner(try catalogue(arguments[3]), try Page(arguments[1], makes: false), try FindingFolder(arguments[2]))
            Engine.run(runner, corpus: arguments[4], seed: UInt64(arguments[5]) ?? 1, seconds: Int(arguments[6]) ?? 1)
            return 0
        case "replay" where arguments.count == 4:
            try replay(arguments[1], FindingFolder(arguments[2]), arguments[3])
            return 0
        case "--replay" where arguments.count == 2:
            let folder = try temporary()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let kind = try Shrinker(devices: devices, place: folder).kind(of: Case(file: arguments[1]))
            print(kind.map { "\(arguments[1]): still a finding (\($0.rawValue))." } ?? "\(arguments[1]): nothing is wrong with it.")
            return kind == nil ? 0 : 1
        default: return try fuzz(arguments)
        }
    }

    private static func temporary() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-fuzz-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func replay(_ file: String, _ findings: FindingFolder, _ devices: String) throws {
        let page = findings.path + "/page"
        let runner = Runner(try catalogue(devices), try Page(page, makes: true), findings)
        try Case(file: file).bytes.withUnsafeBytes { _ = runner.run($0) }
    }

    private static func fuzz(_ arguments: [String]) throws -> Int32 {
        var seconds = 60
        var seed = UInt64.random(in: 1...999_999_999)
        var left = arguments[...]
        while let argument = left.popFirst() {
            if argument == "--seed", let number = left.popFirst().flatMap({ UInt64($0) }) {
                seed = number
            } else if let number = Int(argument), (1...86_400).contains(number) {
                seconds = number
            } else {
                FileHandle.standardError.write(Data("fuzz does not know \(argument): \(usage).\n".utf8))
                return 64
            }
        }
        let findings = try FindingFolder("var/fuzz/\(seed)")
        for old in findings.all {
            for file in [old.file, old.file.dropLast(5) + ".txt"] { try? FileManager.default.removeItem(atPath: file) }
        }
        let sums = try Supervisor(devices: devices, findings: findings, seed: seed, seconds: seconds).run()
        guard sums.cases > 0 else { throw FuzzProblem("No case was run.") }
        let folder = try temporary()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for finding in findings.all { try Shrinker(devices: devices, place: folder).shrink(finding) }
        let all = findings.all
        print(
            "fuzz: \(sums.cases) cases in \(Int(sums.seconds.rounded())) s (\(Int(Double(sums.cases) / max(sums.seconds, 0.001))) a second, \(Engine.words); "
                + "\(sums.understood * 100 / sums.cases) % gave something\(sums.kinds > 0 ? ", \(sums.kinds) reached something new" : "")), seed \(seed), "
                + "at most \(sums.peakKiB / 1_024) MiB: \(all.isEmpty ? "nothing found." : "\(all.count) finding\(all.count == 1 ? "" : "s").")")
        for finding in all { print("  \(finding.sentence) Kept in \(finding.file)") }
        if all.isEmpty {
            rmdir(findings.path)
        } else {
            print("Copy a file to Tests/DevicesTests/Findings/ and it is a test.")
        }
        return all.isEmpty ? 0 : 1
    }
}
