import CZlib
import Glibc

/// One file within a ZIP file.
public struct ZipMember: Hashable, Sendable {
    public var name: String
    /// Not compressed.
    public var sizeBytes: UInt64
    public var compressedBytes: UInt64
    var crc: UInt32
    var method: UInt16
    var offset: UInt64
}

/// What a ZIP file from somebody else may be at most.
public struct ZipLimits: Sendable {
    public var fileBytesMax: UInt64 = 8 << 30
    public var membersMax = 64
    public var nameBytesMax = 200
    public var memberBytesMax: UInt64 = 64 << 30
    /// How many times as large as in the file a member may become; more is a bomb. Small members are exempt.
    public var ratioMax: UInt64 = 200
    public var ratioFreeBytes: UInt64 = 1 << 20
    public init() {}
}

/// Reads a ZIP file that may come from anybody: everything in it is checked before it is believed.
///
/// Not `Sendable`: it owns the open file.
public final class ZipReader {
    public let members: [ZipMember]
    private let file: Int32
    private let limits: ZipLimits
    private let fileBytes: UInt64

    public init(path: String, limits: ZipLimits = ZipLimits()) throws {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ZipProblem("\(path) cannot be read (\(String(cString: strerror(errno)))): check its path.") }
        do {
            var facts = stat()
            guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { throw ZipProblem("\(path) is no file.") }
            let bytes = UInt64(facts.st_size)
            guard bytes <= limits.fileBytesMax else { throw ZipProblem("\(path) has more than \(limits.fileBytesMax >> 20) MiB, which is more than is taken in.") }
            members = try ZipDirectory(file: descriptor, bytes: bytes, limits: limits).members()
            fileBytes = bytes
        } catch {
            close(descriptor)
            throw error
        }
        file = descriptor
        self.limits = limits
    }

    deinit { close(file) }

    public func member(_ name: String) -> ZipMember? { members.first { $0.name == name } }

    /// Reads a member from its beginning.
    public func open(_ member: ZipMember) throws -> ZipMemberReader {
        ZipMemberReader(member, of: self, file: file, start: try dataStart(of: member), damaged: damaged(member))
    }

    /// Hands a member's bytes over, piece by piece, and checks at the end that they are what the file says.
    public func read(_ member: ZipMember, _ body: ([UInt8]) throws -> Void) throws {
        let reader = try open(member)
        while let bytes = try reader.next() { try body(bytes) }
    }

    private func damaged(_ member: ZipMember) -> ZipProblem {
        ZipProblem("The ZIP file is damaged or was changed: \(member.name) is not what it should be. Fetch it again.")
    }

    private func dataStart(of member: ZipMember) throws -> UInt64 {
        var head = LittleReader(try readBytes(file, at: member.offset, count: ZipFormat.localHeaderBytes))
        guard head.word() == ZipFormat.localHeader else { throw damaged(member) }
        head.position = 26
        guard let name = head.half(), let extra = head.half() else { throw damaged(member) }
        let start = member.offset + UInt64(ZipFormat.localHeaderBytes) + UInt64(name) + UInt64(extra)
        guard start <= fileBytes, member.compressedBytes <= fileBytes - start else { throw damaged(member) }
        // What two lists say must be the same: some programs read the one, some the other.
        let text = try readBytes(file, at: member.offset + UInt64(ZipFormat.localHeaderBytes), count: Int(name))
        guard text.elementsEqual(member.name.utf8) else { throw damaged(member) }
        return start
    }
}

/// Exactly so many bytes from there.
func readBytes(_ file: Int32, at offset: UInt64, count: Int) throws -> [UInt8] {
    guard offset <= UInt64(Int64.max) else { throw ZipProblem("The ZIP file is damaged.") }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
        let n = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress?.advanced(by: done), count - done, off_t(offset) + off_t(done)) }
        if n < 0, errno == EINTR { continue }
        guard n > 0 else { throw ZipProblem("The ZIP file ends too early: it was cut off. Fetch it again.") }
        done += n
    }
    return bytes
}
