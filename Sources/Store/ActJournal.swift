import Care
import Foundation

/// Acts that must outlive the database they were written to: `acts.log` in the data folder, one line an act.
///
/// It exists so that withdrawals of consent survive a restore. A backup is older than what was withdrawn since it was
/// made; without this file, putting it in the database's place would give back what a citizen had taken away.
///
/// Each line is the time, the body and a checksum, and is on disk when `append` returns. Not `Sendable`: it belongs to
/// the thread that runs the turns.
public final class ActJournal {
    /// Beyond that the oldest acts go, down to three quarters: they are the ones that every backup holds.
    public static let bytesMax: Int64 = 64 << 20

    private let folder: String
    private let path: String
    private let bytesMax: Int64
    private var descriptor: Int32
    private var bytes: Int64

    /// Opens or makes the file, mode 0600. A last line that a kill has cut off goes: nobody was told that it was kept.
    ///
    /// - Throws: `StoreError` with a sentence for the user.
    public init(folder: String, bytesMax: Int64 = ActJournal.bytesMax) throws {
        self.folder = folder
        self.bytesMax = bytesMax
        path = folder + "/acts.log"
        descriptor = try Disk.create(path, O_APPEND)
        bytes = Disk.bytes(path)
        do {
            let text = try contents()
            try cut(to: Int64((text.lastIndex(of: Self.newline) ?? -1) + 1))
            try Disk.sync(folder)
        } catch {
            Foundation.close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Adds an act. It is on disk when this returns, and not in the file when this throws, as far as the disk lets it.
    ///
    /// - Parameter body: any bytes; what they mean is the caller's.
    /// - Throws: `StoreError`, its `problem` saying what is wrong with the disk.
    public func append(_ body: [UInt8], at: Instant) throws {
        let line = Self.line(body, at)
        if bytes + Int64(line.count) > bytesMax { try makeRoom(Int64(line.count)) }
        do {
            try Disk.write(needsNewline ? [Self.newline] + line : line, descriptor, path)
            guard fdatasync(descriptor) == 0 else { throw Disk.error("flushing", path) }
        } catch {
            // Half a line would spoil the next one. Where it cannot be cut off, the next one begins a line of its own.
            do { try cut(to: bytes) } catch { needsNewline = true }
            throw error
        }
        bytes = needsNewline ? Disk.bytes(path) : bytes + Int64(line.count)
        needsNewline = false
    }

    /// The acts at or after `since`, in the order in which they were appended, and how many lines were damaged.
    ///
    /// A damaged last line is what a kill or a full disk leaves of an act that was not kept; it is passed over.
    ///
    /// - Throws: `StoreError` when the file cannot be read; with `isStrict` also when a line before the last is damaged.
    public func acts(since: Instant, isStrict: Bool = false) throws -> (acts: [(at: Instant, body: [UInt8])], damaged: Int) {
        var acts: [(at: Instant, body: [UInt8])] = []
        var damaged = 0
        let lines = try lines()
        for (n, line) in lines.enumerated() {
            if let act = Self.act(line) {
                if act.at >= since { acts.append(act) }
            } else if n < lines.count - 1 {
                damaged += 1
            }
        }
        if isStrict, damaged > 0 {
            throw StoreError(
                "The journal of acts \(path) is damaged; compare what it still holds with a copy of it.", detail: "\(damaged) lines", problem: .corrupt)
        }
        return (acts, damaged)
    }

    /// Drops what is older, once every backup that is kept holds it. Damaged lines go as well.
    public func trim(before: Instant) throws {
        try rewrite(try lines().filter { Self.act($0).map { $0.at >= before } ?? false })
    }

    // MARK: Lines

    /// Something is in the file that should not be there and could not be cut off.
    private var needsNewline = false
    private static let newline = UInt8(ascii: "\n")
    private static let space = UInt8(ascii: " ")

    /// `1795046400000 aGVsbG8= 9c3f…`: milliseconds, the body in base64, the checksum of both.
    private static func line(_ body: [UInt8], _ at: Instant) -> [UInt8] {
        let said = Array("\(at.milliseconds) \(Data(body).base64EncodedString())".utf8)
        return said + [space] + Array(checksum(said[...]).utf8) + [newline]
    }

    /// Nil where a line is not what was written.
    private static func act(_ line: ArraySlice<UInt8>) -> (at: Instant, body: [UInt8])? {
        let parts = line.split(separator: space, omittingEmptySubsequences: false)
        guard parts.count == 3, let at = Int64(String(decoding: parts[0], as: UTF8.self)),
            let body = Data(base64Encoded: Data(parts[1])),
            Array(checksum(line[..<parts[1].endIndex]).utf8) == Array(parts[2])
        else { return nil }
        return (Instant(milliseconds: at), Array(body))
    }

    /// Fowler-Noll-Vo 1a, 64 bits: against accidents, not against people.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> String {
        var h: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { h = (h ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(h, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private func contents() throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw StoreError("The journal of acts \(path) cannot be read; check its permissions and the disk.", detail: "\(error)", problem: .inputOutput)
        }
    }

    private func lines() throws -> [ArraySlice<UInt8>] { try contents().split(separator: Self.newline) }

    private func cut(to length: Int64) throws {
        guard ftruncate(descriptor, off_t(length)) == 0, fsync(descriptor) == 0 else { throw Disk.error("cutting", path) }
        bytes = length
    }

    private func makeRoom(_ needed: Int64) throws {
        var left = bytesMax / 4 * 3 - needed
        var kept: [ArraySlice<UInt8>] = []
        for line in try lines().reversed() where left > 0 {
            left -= Int64(line.count + 1)
            if left >= 0 { kept.append(line) }
        }
        try rewrite(kept.reversed())
    }

    /// The new file takes the old one's place at once: a kill leaves one or the other, whole.
    private func rewrite(_ lines: [ArraySlice<UInt8>]) throws {
        let beside = path + ".new"
        do {
            var text: [UInt8] = []
            for line in lines {
                text += line
                text.append(Self.newline)
            }
            let new = try Disk.create(beside, O_TRUNC | O_APPEND)
            do {
                try Disk.write(text, new, beside)
                guard fsync(new) == 0 else { throw Disk.error("flushing", beside) }
                try Disk.rename(beside, path)
            } catch {
                Foundation.close(new)
                throw error
            }
            Foundation.close(descriptor)
            descriptor = new
            bytes = Int64(text.count)
            needsNewline = false
        } catch {
            unlink(beside)
            throw error
        }
        try Disk.sync(folder)
    }
}
