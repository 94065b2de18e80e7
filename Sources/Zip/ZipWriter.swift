import CZlib

/// Writes a ZIP file from beginning to end, without going back: what it is written to may be a socket.
///
/// Not `Sendable`: it belongs to whoever writes. Large members and files are ZIP64, and only those, so that the tools
/// that cannot read it are troubled by no ordinary file.
public final class ZipWriter {
    private struct Written {
        var name: [UInt8]
        var flags: UInt16
        var crc: UInt32
        var compressed: UInt64
        var size: UInt64
        var offset: UInt64
    }

    /// Compressed bytes are handed on in pieces of this size.
    static let pieceBytes = 1 << 16

    private let sink: ([UInt8]) throws -> Void
    private let date: (day: UInt16, time: UInt16)
    private let level: Int32
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var piece = [UInt8](repeating: 0, count: ZipWriter.pieceBytes)
    private var isDeflating = false
    private var open: Written?
    private var isOpenLarge = false
    private var members: [Written] = []
    /// How many bytes have gone to the sink.
    public private(set) var bytesWritten: UInt64 = 0

    /// - Parameters:
    ///   - date: what the members' date says, as year from 1980, month, day, hour, minute and second.
    ///   - level: zlib's, from 1 (fast) to 9 (small).
    ///   - sink: takes the bytes, in order.
    public init(
        date: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) = (1980, 1, 1, 0, 0, 0), level: Int = 1,
        sink: @escaping ([UInt8]) throws -> Void
    ) {
        self.sink = sink
        self.level = Int32(level)
        let year = min(max(date.year, 1980), 2107)
        self.date = (
            UInt16(truncatingIfNeeded: (year - 1980) << 9 | date.month << 5 | date.day),
            UInt16(truncatingIfNeeded: date.hour << 11 | date.minute << 5 | date.second / 2)
        )
        stream.initialize(to: z_stream())
    }

    deinit {
        if isDeflating { deflateEnd(stream) }
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Begins a member.
    ///
    /// - Parameter mayBeLarge: it may have 4 GiB or more; only then it is written as ZIP64, which has to be said before
    ///   its size is known.
    public func begin(_ name: String, mayBeLarge: Bool = false) throws {
        guard open == nil else { throw ZipProblem("A member of the ZIP file was begun within another.") }
        let bytes = Array(name.utf8)
        guard bytes.count < Int(UInt16.max) else { throw ZipProblem("A name in the ZIP file is too long.") }
        let flags = ZipFormat.hasDescriptor | ZipFormat.isUTF8
        var head: [UInt8] = []
        head.little(ZipFormat.localHeader)
        head.little(mayBeLarge ? UInt16(45) : UInt16(20))
        head.little(flags)
        head.little(ZipFormat.deflated)
        head.little(date.time)
        head.little(date.day)
        head.little(UInt32(0))
        head.little(mayBeLarge ? ZipFormat.full32 : UInt32(0))
        head.little(mayBeLarge ? ZipFormat.full32 : UInt32(0))
        head.little(UInt16(bytes.count))
        head.little(mayBeLarge ? UInt16(20) : UInt16(0))
        head += bytes
        if mayBeLarge {
            head.little(ZipFormat.extra64)
            head.little(UInt16(16))
            head.little(UInt64(0))
            head.little(UInt64(0))
        }
        stream.pointee = z_stream()
        guard deflateInit2_(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw ZipProblem("There is not enough memory to write the ZIP file.")
        }
        isDeflating = true
        open = Written(name: bytes, flags: flags, crc: 0, compressed: 0, size: 0, offset: bytesWritten)
        isOpenLarge = mayBeLarge
        try put(head)
    }

    /// Appends to the member that was begun.
    public func write(_ bytes: [UInt8]) throws {
        guard open != nil else { throw ZipProblem("Nothing was begun in the ZIP file.") }
        if bytes.isEmpty { return }
        try bytes.withUnsafeBufferPointer { buffer in
            let before = UInt(open?.crc ?? 0)
            open?.crc = UInt32(truncatingIfNeeded: crc32(before, buffer.baseAddress, UInt32(buffer.count)))
            open?.size += UInt64(buffer.count)
            stream.pointee.next_in = UnsafeMutablePointer(mutating: buffer.baseAddress)
            stream.pointee.avail_in = UInt32(buffer.count)
            try pump(Z_NO_FLUSH)
        }
    }

    /// Ends the member that was begun.
    public func end() throws {
        guard open != nil else { throw ZipProblem("Nothing was begun in the ZIP file.") }
        stream.pointee.next_in = nil
        stream.pointee.avail_in = 0
        try pump(Z_FINISH)
        deflateEnd(stream)
        isDeflating = false
        guard let done = open else { return }
        open = nil
        guard isOpenLarge || max(done.size, done.compressed) < UInt64(ZipFormat.full32) else {
            throw ZipProblem("A member of the ZIP file has become larger than was said.")
        }
        var tail: [UInt8] = []
        tail.little(ZipFormat.dataDescriptor)
        tail.little(done.crc)
        if isOpenLarge {
            tail.little(done.compressed)
            tail.little(done.size)
        } else {
            tail.little(UInt32(done.compressed))
            tail.little(UInt32(done.size))
        }
        members.append(done)
        try put(tail)
    }

    /// Writes the list of members, which is what makes it a ZIP file.
    public func finish() throws {
        guard open == nil else { throw ZipProblem("A member of the ZIP file was not ended.") }
        let start = bytesWritten
        for member in members {
            let isLarge = max(member.size, member.compressed, member.offset) >= UInt64(ZipFormat.full32)
            var head: [UInt8] = []
            head.little(ZipFormat.centralHeader)
            // Made on a Unix, where modes mean something.
            head.little(UInt16(3 << 8 | 45))
            head.little(isLarge ? UInt16(45) : UInt16(20))
            head.little(member.flags)
            head.little(ZipFormat.deflated)
            head.little(date.time)
            head.little(date.day)
            head.little(member.crc)
            head.little(isLarge ? ZipFormat.full32 : UInt32(member.compressed))
            head.little(isLarge ? ZipFormat.full32 : UInt32(member.size))
            head.little(UInt16(member.name.count))
            head.little(isLarge ? UInt16(28) : UInt16(0))
            for _ in 0..<3 { head.little(UInt16(0)) }
            // A plain file that only its owner may read: unpacked it is as private as it was.
            head.little(UInt32(0o100600) << 16)
            head.little(isLarge ? ZipFormat.full32 : UInt32(member.offset))
            head += member.name
            if isLarge {
                head.little(ZipFormat.extra64)
                head.little(UInt16(24))
                head.little(member.size)
                head.little(member.compressed)
                head.little(member.offset)
            }
            try put(head)
        }
        try put(endRecords(start: start, bytes: bytesWritten - start))
    }

    private func endRecords(start: UInt64, bytes: UInt64) -> [UInt8] {
        let isLarge = members.count >= Int(ZipFormat.full16) || max(start, bytes) >= UInt64(ZipFormat.full32)
        var tail: [UInt8] = []
        if isLarge {
            tail.little(ZipFormat.end64)
            tail.little(UInt64(44))
            tail.little(UInt16(3 << 8 | 45))
            tail.little(UInt16(45))
            tail.little(UInt32(0))
            tail.little(UInt32(0))
            for _ in 0..<2 { tail.little(UInt64(members.count)) }
            tail.little(bytes)
            tail.little(start)
            tail.little(ZipFormat.end64Locator)
            tail.little(UInt32(0))
            tail.little(start + bytes)
            tail.little(UInt32(1))
        }
        tail.little(ZipFormat.end)
        tail.little(UInt16(0))
        tail.little(UInt16(0))
        for _ in 0..<2 { tail.little(isLarge ? ZipFormat.full16 : UInt16(members.count)) }
        tail.little(isLarge ? ZipFormat.full32 : UInt32(bytes))
        tail.little(isLarge ? ZipFormat.full32 : UInt32(start))
        tail.little(UInt16(0))
        return tail
    }

    private func pump(_ flush: Int32) throws {
        while true {
            let (result, left) = piece.withUnsafeMutableBufferPointer { buffer in
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(buffer.count)
                return (deflate(stream, flush), Int(stream.pointee.avail_out))
            }
            guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
                throw ZipProblem("The ZIP file could not be compressed.")
            }
            let count = piece.count - left
            if count > 0 {
                open?.compressed += UInt64(count)
                try put(Array(piece[..<count]))
            }
            // Room was left: everything that was given is taken in.
            if result == Z_STREAM_END || (flush == Z_NO_FLUSH && left > 0) { return }
        }
    }

    private func put(_ bytes: [UInt8]) throws {
        bytesWritten += UInt64(bytes.count)
        try sink(bytes)
    }
}
