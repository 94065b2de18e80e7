import CZlib

/// Pulls the bytes of one member, piece by piece. The last pull says whether all of them are what the file says.
///
/// Not `Sendable`: it belongs to whoever reads.
public final class ZipMemberReader {
    private let member: ZipMember
    /// Keeps the file open.
    private let archive: ZipReader
    private let file: Int32
    private let start: UInt64
    private let damaged: ZipProblem
    private let stream: UnsafeMutablePointer<z_stream>?
    private var piece: [UInt8] = []
    private var taken = 0
    /// Of the compressed bytes, how many were read from the file.
    private var readBytesSoFar: UInt64 = 0
    private var size: UInt64 = 0
    private var crc: UInt = 0
    private var isAtEnd = false
    private var out = [UInt8](repeating: 0, count: ZipWriter.pieceBytes)

    init(_ member: ZipMember, of archive: ZipReader, file: Int32, start: UInt64, damaged: ZipProblem) {
        self.member = member
        self.archive = archive
        self.file = file
        self.start = start
        self.damaged = damaged
        if member.method == ZipFormat.stored {
            stream = nil
        } else {
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            self.stream = stream
            isBroken = inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) != Z_OK
        }
    }
    private var isBroken = false

    deinit {
        if let stream {
            if !isBroken { inflateEnd(stream) }
            stream.deinitialize(count: 1)
            stream.deallocate()
        }
    }

    /// Nil at the end. - Throws: `ZipProblem` when what is there is not what the file says.
    public func next() throws -> [UInt8]? {
        if isBroken { throw ZipProblem("There is not enough memory to read the ZIP file.") }
        if isAtEnd { return nil }
        guard let bytes = try stream == nil ? stored() : inflated() else {
            isAtEnd = true
            guard size == member.sizeBytes, UInt32(truncatingIfNeeded: crc) == member.crc else { throw damaged }
            return nil
        }
        size += UInt64(bytes.count)
        guard size <= member.sizeBytes else { throw damaged }
        crc = bytes.withUnsafeBufferPointer { crc32(crc, $0.baseAddress, UInt32($0.count)) }
        return bytes
    }

    private func stored() throws -> [UInt8]? { try nextPiece() ? piece : nil }

    private func nextPiece() throws -> Bool {
        let left = member.compressedBytes - readBytesSoFar
        guard left > 0 else { return false }
        piece = try readBytes(file, at: start + readBytesSoFar, count: Int(min(left, UInt64(ZipWriter.pieceBytes))))
        readBytesSoFar += UInt64(piece.count)
        taken = 0
        return true
    }

    private var hasEnded = false

    private func inflated() throws -> [UInt8]? {
        guard let stream else { return nil }
        while !hasEnded {
            if taken == piece.count, try !nextPiece() { throw damaged }
            let (result, count, used) = piece.withUnsafeBufferPointer { input in
                out.withUnsafeMutableBufferPointer { output -> (Int32, Int, Int) in
                    stream.pointee.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + taken) }
                    stream.pointee.avail_in = UInt32(input.count - taken)
                    stream.pointee.next_out = output.baseAddress
                    stream.pointee.avail_out = UInt32(output.count)
                    let result = inflate(stream, Z_NO_FLUSH)
                    return (result, output.count - Int(stream.pointee.avail_out), input.count - taken - Int(stream.pointee.avail_in))
                }
            }
            taken += used
            switch result {
            case Z_STREAM_END:
                hasEnded = true
                // Something behind the end of the data.
                guard taken == piece.count, readBytesSoFar == member.compressedBytes else { throw damaged }
            case Z_OK: break
            default: throw damaged
            }
            if count > 0 { return Array(out[..<count]) }
        }
        return nil
    }
}
