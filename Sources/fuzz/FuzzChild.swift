import Foundation

/// This program once more, as the process that may die.
struct FuzzChild {
    enum Ending: Equatable {
        case done
        /// Stopped in the middle of a case that did not end.
        case endless
        /// "signal 4", or "exit code 1".
        case died(String)
    }

    private let process = Process()

    /// - Parameter log: where its output goes; nil: nowhere.
    init(_ arguments: [String], log: String?) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        // The same seed runs the same cases; a backtrace says where it went wrong.
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWIFT_DETERMINISTIC_HASHING": "1", "SWIFT_BACKTRACE": log == nil ? "enable=no" : "enable=yes,color=no,interactive=no"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        if let log {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            guard let file = FileHandle(forWritingAtPath: log) else { throw FuzzProblem("The file \(log) cannot be written.") }
            process.standardOutput = file
            process.standardError = file
        } else {
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
        }
        try process.run()
    }

    /// Looks often enough to see a case that does not end; ends a child that does not end itself.
    func wait(watching page: Page?, caseSecondsMax: Double, secondsMax: Double) -> Ending {
        let began = Date()
        var (cases, since) = (-1, began)
        while process.isRunning {
            usleep(page == nil ? 2_000 : 50_000)
            let figures = page?.figures ?? .init()
            if figures.cases != cases || page != nil && figures.isRunning == 0 { (cases, since) = (figures.cases, Date()) }
            if Date().timeIntervalSince(since) > caseSecondsMax || Date().timeIntervalSince(began) > secondsMax {
                let isCase = page == nil || figures.isRunning == 1
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                return isCase ? .endless : .died("no end")
            }
        }
        process.waitUntilExit()
        if process.terminationReason == .uncaughtSignal { return .died("signal \(process.terminationStatus)") }
        return process.terminationStatus == 0 ? .done : .died("exit code \(process.terminationStatus)")
    }
}
