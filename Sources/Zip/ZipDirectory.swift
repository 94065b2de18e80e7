/// The list at the end of a ZIP file.
struct ZipDirectory {
    let file: Int32
    let bytes: UInt64
    let limits: ZipLimits

    /// A list of the members that are allowed is never longer.
    private var directoryBytesMax: UInt64 { UInt64(limits.membersMax) * UInt64(ZipFormat.centralHeaderBytes + limits.nameBytesMax + 1_024) }

    private static let noZIP = ZipProblem("This is no ZIP file, or its end is missing because it was cut off. Fetch it again.")
    private static let damaged = ZipProblem("The ZIP file is damaged: its list of files cannot be read. Fetch it again.")

    func members() throws -> [ZipMember] {
        let (count, start, length) = try place()
        guard count <= UInt64(limits.membersMax) else { throw ZipProblem("There are \(count) files in the ZIP file; an export has fewer than \(limits.membersMax).") }
        guard length <= directoryBytesMax, start <= bytes, length <= bytes - start else { throw Self.damaged }
        var list = LittleReader(try readBytes(file, at: start, count: Int(length)))
        var members: [ZipMember] = []
        for _ in 0..<count { members.append(try member(&list)) }
        try check(members, listStart: start)
        return members
    }

    /// How many members, and where their list begins and how long it is.
    private func place() throws -> (count: UInt64, start: UInt64, length: UInt64) {
        let endBytes = UInt64(ZipFormat.endBytes)
        guard bytes >= endBytes else { throw Self.noZIP }
        // A comment of up to 64 KiB may come behind it.
        let look = min(bytes, endBytes + 65_535)
        let tail = try readBytes(file, at: bytes - look, count: Int(look))
        var position = tail.count - ZipFormat.endBytes
        while position >= 0 {
            var record = LittleReader(tail, at: position)
            if record.word() == ZipFormat.end, tail.count - position >= ZipFormat.endBytes {
                var comment = LittleReader(tail, at: position + 20)
                if comment.half().map({ Int($0) == tail.count - position - ZipFormat.endBytes }) == true { break }
            }
            position -= 1
        }
        guard position >= 0 else { throw Self.noZIP }
        var record = LittleReader(tail, at: position + 10)
        guard let count = record.half(), let length = record.word(), let start = record.word() else { throw Self.damaged }
        guard count == ZipFormat.full16 || length == ZipFormat.full32 || start == ZipFormat.full32 else {
            return (UInt64(count), UInt64(start), UInt64(length))
        }
        let endAt = bytes - look + UInt64(position)
        guard endAt >= 20 else { throw Self.damaged }
        var locator = LittleReader(try readBytes(file, at: endAt - 20, count: 20))
        guard locator.word() == ZipFormat.end64Locator, locator.word() != nil, let at = locator.double(), at <= endAt, endAt - at >= 56 else { throw Self.damaged }
        var end64 = LittleReader(try readBytes(file, at: at, count: 56))
        guard end64.word() == ZipFormat.end64 else { throw Self.damaged }
        end64.position = 32
        guard let count64 = end64.double(), let length64 = end64.double(), let start64 = end64.double() else { throw Self.damaged }
        return (count64, start64, length64)
    }

    private func member(_ list: inout LittleReader) throws -> ZipMember {
        guard list.word() == ZipFormat.centralHeader, list.word() != nil, let flags = list.half(), let method = list.half(), list.word() != nil,
            let crc = list.word(), let compressed = list.word(), let size = list.word(), let nameLength = list.half(), let extraLength = list.half(),
            let commentLength = list.half(), list.double() != nil, let offset = list.word(), let name = list.text(Int(nameLength)),
            let extra = list.text(Int(extraLength)), list.text(Int(commentLength)) != nil
        else { throw Self.damaged }
        guard flags & ZipFormat.isEncrypted == 0 else { throw ZipProblem("The ZIP file is encrypted; an export is not.") }
        guard method == ZipFormat.stored || method == ZipFormat.deflated else { throw ZipProblem("The ZIP file is compressed in a way that an export is not.") }
        guard let text = String(validating: name, as: UTF8.self), isHarmless(text) else {
            throw ZipProblem("A name in the ZIP file leads out of it or cannot be read: it is no export.")
        }
        var member = ZipMember(
            name: text, sizeBytes: UInt64(size), compressedBytes: UInt64(compressed), crc: crc, method: method, offset: UInt64(offset))
        if size == ZipFormat.full32 || compressed == ZipFormat.full32 || offset == ZipFormat.full32 { try widen(&member, extra) }
        return member
    }

    /// Numbers that had no room in the list stand in an extra field, in this order.
    private func widen(_ member: inout ZipMember, _ extra: [UInt8]) throws {
        var fields = LittleReader(extra)
        while let kind = fields.half(), let length = fields.half() {
            guard kind == ZipFormat.extra64 else {
                fields.position += Int(length)
                continue
            }
            let full = UInt64(ZipFormat.full32)
            for path in [\ZipMember.sizeBytes, \ZipMember.compressedBytes, \ZipMember.offset] where member[keyPath: path] == full {
                guard let number = fields.double() else { throw Self.damaged }
                member[keyPath: path] = number
            }
            return
        }
        throw Self.damaged
    }

    private func isHarmless(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= limits.nameBytesMax, !name.hasPrefix("/"), !name.contains("\\") else { return false }
        guard !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return false }
        return !name.split(separator: "/", omittingEmptySubsequences: false).contains { $0 == ".." || $0 == "." || $0.isEmpty }
    }

    private func check(_ members: [ZipMember], listStart: UInt64) throws {
        guard Set(members.map(\.name)).count == members.count else { throw ZipProblem("Two files in the ZIP file have the same name: it is no export.") }
        var free: UInt64 = 0
        for member in members.sorted(by: { $0.offset < $1.offset }) {
            guard member.sizeBytes <= limits.memberBytesMax else { throw ZipProblem("\(member.name) in the ZIP file is larger than is taken in.") }
            let (most, isOver) = member.compressedBytes.multipliedReportingOverflow(by: limits.ratioMax)
            guard isOver || member.sizeBytes <= max(most, limits.ratioFreeBytes) else {
                throw ZipProblem("\(member.name) would become more than \(limits.ratioMax) times as large as it is in the ZIP file; nothing that is real does that.")
            }
            // Members that share bytes are how a small file becomes a huge one.
            let (end, wraps) = member.offset.addingReportingOverflow(UInt64(ZipFormat.localHeaderBytes + member.name.utf8.count))
            let (last, wrapsToo) = end.addingReportingOverflow(member.compressedBytes)
            guard !wraps, !wrapsToo, member.offset >= free, last <= listStart else { throw Self.damaged }
            free = last
        }
    }
}
