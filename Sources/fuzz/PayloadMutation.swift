/// Ways of damaging one payload.
struct PayloadMutation {
    /// Names and values that stand in samples.
    let words: [[UInt8]]
    /// Of another message.
    let another: [UInt8]

    private static let numbers = [
        "0", "-0", "1", "-1", "1e308", "-1e999", "1e-400", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
        "4294967296", "2147483648", "65536", "99999999999999999999", "0.1e+1000000000000000000000", "1e22", "1e23", "NaN", "Infinity", "-inf", "01", "1.", ".5",
        "253402300799999", "253402300800", "1e11", "2000000000", "268435456", "268435455", "0x7f", "1_000", "true", "false", "null", "\"\"", "[]", "{}",
    ].map { Array($0.utf8) }

    private static let notUTF8: [[UInt8]] = [
        [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xFF], [0xFE, 0xFF], [0xF8, 0x88, 0x80, 0x80, 0x80], [0x80], [0xE2, 0x82], [0xF4, 0x90, 0x80, 0x80], [0xEF, 0xBB, 0xBF],
        Array("\\ud800".utf8), Array("\\udc00\\ud800".utf8), Array("\\u0000".utf8), Array("\\u2028".utf8), Array("e\u{301}\u{202E}".utf8), [0x00], [0x1B, 0x5B],
    ]

    /// Heads of CBOR items (RFC 8949): lengths without end or without measure, tags, halves, simple values, breaks.
    private static let cbor: [[UInt8]] = [
        [0x9B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0xBB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x5A, 0xFF, 0xFF, 0xFF, 0xFF],
        [0x7B, 0x80, 0, 0, 0, 0, 0, 0, 0], [0x1B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x3B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        [0x9F], [0xBF], [0x5F], [0x7F], [0xFF], [0xC4, 0x82, 0x20, 0x19], [0xC2, 0x49], [0xDB, 0, 0, 0, 0, 0, 0, 0, 1], [0xF9, 0x7E, 0x00], [0xF9, 0x7C, 0x00], [0xF9, 0x00, 0x01],
        [0xFA, 0x7F, 0x80, 0, 0], [0xFB, 0x7F, 0xEF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0xF8, 0x18], [0xF7], [0x1C], [0x81], [0xA1], [0x20], [0x21],
    ]

    func mutate(_ old: [UInt8], _ chance: inout Chance) -> [UInt8] {
        var bytes = old
        switch chance.below(16) {
        case 0 where !bytes.isEmpty:
            for _ in 0...chance.below(4) { bytes[chance.below(bytes.count)] ^= 1 << UInt8(chance.below(8)) }
        case 1 where !bytes.isEmpty: bytes[chance.below(bytes.count)] = chance.byte()
        case 2: bytes.removeLast(chance.below(bytes.count + 1))
        case 3:
            let start = chance.below(bytes.count)
            bytes.removeSubrange(start..<min(bytes.count, start + chance.length(max: 64)))
        case 4: splice(&bytes, &chance)
        case 5: repeatChunk(&bytes, &chance)
        case 6: replaceToken(&bytes, chance.pick(Self.numbers) ?? [], &chance)
        case 7: replaceToken(&bytes, digits(&chance), &chance)
        case 8: replaceToken(&bytes, chance.pick(words) ?? [], &chance)
        case 9: nest(&bytes, &chance)
        case 10: replaceToken(&bytes, longText(&chance), &chance)
        case 11: insert(chance.pick(Self.notUTF8) ?? [], &bytes, &chance)
        case 12: doubleMember(&bytes, &chance)
        case 13: insert(chance.pick(Self.cbor) ?? [], &bytes, &chance)
        case 14 where !bytes.isEmpty:
            let place = chance.below(bytes.count)
            let head = chance.pick(Self.cbor) ?? []
            bytes.replaceSubrange(place..<min(bytes.count, place + chance.below(head.count + 1)), with: head)
        default: insert(chance.pick(words) ?? [], &bytes, &chance)
        }
        return bytes
    }

    /// How often something is repeated. Mostly some hundred bytes, because large cases cost the time of many small ones.
    private func times(_ chance: inout Chance, ofBytes count: Int) -> Int {
        chance.length(max: max(1, (chance.below(32) == 0 ? Case.bytesMax / 2 : 512) / max(1, count)))
    }

    private func repeated(_ part: [UInt8], _ times: Int) -> [UInt8] {
        var all: [UInt8] = []
        all.reserveCapacity(part.count * times)
        for _ in 0..<times { all.append(contentsOf: part) }
        return all
    }

    private func insert(_ part: [UInt8], _ bytes: inout [UInt8], _ chance: inout Chance) {
        bytes.insert(contentsOf: part, at: chance.below(bytes.count + 1))
    }

    private func splice(_ bytes: inout [UInt8], _ chance: inout Chance) {
        let start = chance.below(another.count)
        let end = start + chance.below(another.count - start + 1)
        let place = chance.below(bytes.count + 1)
        let until = chance.below(2) == 0 ? place : place + chance.below(bytes.count - place + 1)
        bytes.replaceSubrange(place..<until, with: another[start..<end])
    }

    private func repeatChunk(_ bytes: inout [UInt8], _ chance: inout Chance) {
        guard !bytes.isEmpty else { return }
        let start = chance.below(bytes.count)
        let chunk = Array(bytes[start..<min(bytes.count, start + chance.length(max: 256))])
        bytes.insert(contentsOf: repeated(chunk, times(&chance, ofBytes: chunk.count)), at: start)
    }

    /// What stands between two of JSON's separators.
    private func replaceToken(_ bytes: inout [UInt8], _ token: [UInt8], _ chance: inout Chance) {
        guard !bytes.isEmpty else { return bytes = token }
        func separates(_ byte: UInt8) -> Bool { ",:{}[]\"".utf8.contains(byte) }
        var start = chance.below(bytes.count)
        var end = start
        while start > 0, !separates(bytes[start - 1]) { start -= 1 }
        while end < bytes.count, !separates(bytes[end]) { end += 1 }
        bytes.replaceSubrange(start..<max(start, end), with: token)
    }

    private func digits(_ chance: inout Chance) -> [UInt8] {
        var text: [UInt8] = chance.below(2) == 0 ? [UInt8(ascii: "-")] : []
        for _ in 0..<chance.length(max: 400) { text.append(0x30 + UInt8(chance.below(10))) }
        if chance.below(2) == 0 { text.insert(UInt8(ascii: "."), at: chance.below(text.count + 1)) }
        if chance.below(3) == 0 { text += Array("e\(chance.below(800) - 400)".utf8) }
        return text
    }

    private static let units = ["a", "_", " ", "\\n", "/", "-", ".", "0", "ä", "\\u00e4", ",1", "{}", "[],", "\"a\":1,", "\"a\",", "{\"n\":1},"].map { Array($0.utf8) }

    private func longText(_ chance: inout Chance) -> [UInt8] {
        let unit = chance.pick(Self.units) ?? [0x61]
        return repeated(unit, times(&chance, ofBytes: unit.count))
    }

    /// One token, a member, or what stands between two places, as often as there is room for.
    func swell(_ old: [UInt8], to bytesMax: Int, _ chance: inout Chance) -> [UInt8] {
        var bytes = old
        let room = max(1, bytesMax)
        if chance.below(4) > 0 {
            let unit = chance.pick(Self.units) ?? [0x61]
            replaceToken(&bytes, repeated(unit, room / unit.count), &chance)
        } else {
            let start = chance.below(bytes.count)
            let chunk = Array(bytes[start..<min(bytes.count, start + 1 + chance.below(64))])
            if !chunk.isEmpty { bytes.insert(contentsOf: repeated(chunk, room / chunk.count), at: start) }
        }
        return bytes
    }

    private func nest(_ bytes: inout [UInt8], _ chance: inout Chance) {
        let name = String(decoding: chance.pick(words) ?? [0x61], as: UTF8.self)
        let pairs: [(open: [UInt8], close: [UInt8])] = [
            ([0x5B], [0x5D]), (Array("{\"a\":".utf8), [0x7D]), (Array("{\"\(name)\":".utf8), [0x7D]), ([0x28], [0x29]), (Array("not ".utf8), []),
            ([0x2D], []), ([0x81], []), ([0xA1, 0x61, 0x61], []), ([0x9F], [0xFF]), ([0xC1], []),
        ]
        let (open, close) = pairs[chance.below(pairs.count)]
        let start = chance.below(bytes.count + 1)
        let end = start + chance.below(bytes.count - start + 1)
        let inner = Array(bytes[start..<end])
        let times = times(&chance, ofBytes: open.count) / 2 + 1
        let closed = chance.below(8) == 0 ? times / 2 : times
        let before = repeated(open, times)
        let after = repeated(close, closed)
        bytes.replaceSubrange(start..<end, with: before + inner + after)
    }

    /// `"a":1` becomes `"a":1,"a":2` or so.
    private func doubleMember(_ bytes: inout [UInt8], _ chance: inout Chance) {
        let colons = bytes.indices.filter { bytes[$0] == UInt8(ascii: ":") }
        guard let colon = chance.pick(colons) else { return }
        var start = colon
        while start > 0, bytes[start - 1] != UInt8(ascii: ","), bytes[start - 1] != UInt8(ascii: "{") { start -= 1 }
        var end = colon
        while end < bytes.count, bytes[end] != UInt8(ascii: ","), bytes[end] != UInt8(ascii: "}") { end += 1 }
        let member = chance.below(3) == 0 ? Array(bytes[start...colon]) + (chance.pick(words) ?? []) : Array(bytes[start..<end])
        let more = chance.below(8) == 0 ? times(&chance, ofBytes: member.count) : 1
        bytes.insert(contentsOf: repeated(member + [UInt8(ascii: ",")], more), at: start)
    }
}
