import Foundation

/// A program on a terminal of its own, as somebody sits before it: what it shows is read, what they type is written.
final class Terminal {
    private let process = Process()
    private let own: Int32
    private var shown = ""

    init(_ program: URL, _ arguments: [String], folder: URL) throws {
        own = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // What `unlockpt` and `ptsname` do, which Swift does not see: TIOCSPTLCK and TIOCGPTN.
        var (locked, number): (CInt, CUnsignedInt) = (0, 0)
        guard own >= 0, ioctl(own, 0x4004_5431, &locked) == 0, ioctl(own, 0x8004_5430, &number) == 0 else {
            throw Failure(description: "There is no terminal to be had: \(String(cString: strerror(errno))).")
        }
        let theirs = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard theirs >= 0 else { throw Failure(description: "The terminal cannot be opened: \(String(cString: strerror(errno))).") }
        let end = FileHandle(fileDescriptor: theirs, closeOnDealloc: true)
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARING_") }
        process.standardInput = end
        process.standardOutput = end
        process.standardError = end
        try process.run()
        try end.close()
        _ = fcntl(own, F_SETFL, O_NONBLOCK)
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        close(own)
    }

    private func read() {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        while case let count = Foundation.read(own, &bytes, bytes.count), count > 0 { shown += String(decoding: bytes[..<count], as: UTF8.self) }
    }

    /// Waits until it shows this, and gives back all that it has shown since the last answer.
    @discardableResult
    func wait(for text: String) throws -> String {
        do {
            try eventually("\u{201C}\(text)\u{201D} on the terminal") {
                read()
                return shown.contains(text)
            }
        } catch {
            throw Failure(description: "\(error) It shows: \(shown)")
        }
        return shown
    }

    /// Types a line.
    func type(_ line: String) {
        shown = ""
        let bytes = Array((line + "\n").utf8)
        _ = Foundation.write(own, bytes, bytes.count)
    }

    /// What it has shown at the end, and its exit code.
    func ended() throws -> (shown: String, code: Int32) {
        try eventually("the program to end") {
            read()
            return !process.isRunning
        }
        read()
        return (shown, process.terminationStatus)
    }
}
