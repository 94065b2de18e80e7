import Care
import Foundation
import MQTT
import Testing

extension RealProcesses {
    /// Acknowledged means kept, as the kernel sees it: strace writes down what the real daemon asks for, and in which order.
    @Suite struct AcknowledgementOrder {
        @Test(.disabled(if: ProcessInfo.processInfo.environment["CARING_NO_STRACE"] == "1", "CARING_NO_STRACE is set."))
        func noAcknowledgementLeavesBeforeTheDiskHasItsTurn() throws {
            let street = try Street(gatewayRuns: false)
            defer { street.close() }
            let traced = try Traced(street)
            defer { traced.close() }
            try street.startBroker()
            try street.waitUntilConnected()
            try street.addAda(devices: ["motion/hall", "zigbee2mqtt/SOS button"])
            let home = try Client(street, "oak-1")
            // One at a time, and many at once: turns of one message, and of several.
            for i in 1...5 {
                #expect(try home.publish("homes/oak-1/motion/hall", "1"))
                try eventually("the reading to be kept") { try street.status("readings") == .int(Int64(i)) }
            }
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            let many = 300
            for _ in 0..<many { try home.client.publish(topic: Topic("homes/oak-1/motion/hall"), payload: "1", qos: 1) }
            try home.wait("the broker to take them all") {
                home.events.count { if case .published = $0 { true } else { false } } == many
            }
            let readings = 5 + 2 + many
            try eventually("every reading to be kept") { try street.status("readings") == .int(Int64(readings)) }
            #expect(try traced.stop() == 0)

            let trace = try Trace(String(contentsOf: traced.file, encoding: .utf8), brokerPort: street.broker.port)
            let found = trace.check()
            // The gateway's own marker is acknowledged like any other message.
            #expect(found.acknowledged == 5 + 1 + many + 1)
            #expect(found.turns >= 7, "\(found.turns) turns")
            #expect(found.violations.isEmpty, "\(found.violations.prefix(3))")

            // The same trace, as it would be if we were wrong: the check has to see it.
            let first = try #require(trace.calls.firstIndex { trace.acknowledges($0) })
            let sync = try #require(trace.calls[..<first].lastIndex { trace.isSync($0) })
            var early = trace
            early.swap(sync, first)
            #expect(!early.check().violations.isEmpty)
            var unsynced = trace
            unsynced.calls.removeAll { trace.isSync($0) }
            #expect(unsynced.check().violations.count == found.acknowledged)
            var refused = trace
            for i in refused.calls.indices where trace.isSync(refused.calls[i]) { refused.calls[i].result = -1 }
            #expect(refused.check().violations.count == found.acknowledged)
            var unwritten = trace
            unwritten.calls.removeAll { trace.isLogWrite($0) }
            #expect(unwritten.check().violations.count == found.acknowledged)
        }
    }
}

/// The daemon under strace.
private final class Traced {
    let file: URL
    private let strace: Running

    init(_ street: Street) throws {
        file = street.folder.appendingPathComponent("trace")
        strace = try Running(
            Places.tool("strace"),
            [
                "-f", "-yy", "-xx", "-s", "65536", "-e", "trace=fdatasync,fsync,read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64",
                "-o", file.path, try Places.program("caringd").path, "--data", street.data, "--mqtt", "127.0.0.1:\(street.broker.port)",
            ], folder: street.folder, name: "strace")
        do {
            try eventually("the gateway to answer") { [strace] in
                guard strace.isRunning else {
                    throw Failure(
                        description: "strace may not look at a process here, so the order of disk and acknowledgement cannot be shown: "
                            + "allow ptrace, or set CARING_NO_STRACE=1 to do without. It said: \(strace.err.prefix(300))")
                }
                return FileManager.default.fileExists(atPath: street.data + "/mosquitto/passwords") && street.caring("status").code == 0
            }
        } catch {
            close()
            throw error
        }
    }

    /// The daemon is what strace has started.
    private var daemon: Int32? {
        let children = try? String(contentsOfFile: "/proc/\(strace.processID)/task/\(strace.processID)/children", encoding: .utf8)
        return children?.split(separator: " ").first.flatMap { Int32($0) }
    }

    /// SIGTERM to the daemon. - Returns: its exit code, which strace passes on.
    func stop() throws -> Int32 {
        if let daemon { kill(daemon, SIGTERM) }
        try strace.waitForEnd()
        return strace.process.terminationStatus
    }

    func close() {
        guard strace.isRunning else { return }
        if let daemon { kill(daemon, SIGKILL) }
        strace.signal(SIGKILL)
    }
}

/// What strace wrote: the calls in order, each with the moments at which it began and returned.
private struct Trace {
    struct Call {
        var name: String
        /// What the descriptor is: a path, or the two ends of a connection.
        var of: String
        var bytes: [UInt8]
        var result: Int
        /// Lines of the trace. What returned in an earlier line than another began was over before it.
        var began: Int
        var returned: Int
    }
    /// In the order in which they began.
    var calls: [Call] = []
    private let broker: String

    init(_ text: String, brokerPort: Int) throws {
        broker = "->127.0.0.1:\(brokerPort)]"
        var unfinished: [Substring: (text: String, began: Int)] = [:]
        for (number, line) in text.split(separator: "\n").enumerated() {
            guard let space = line.firstIndex(of: " ") else { continue }
            let thread = line[..<space]
            var said = String(line[space...].drop { $0 == " " })
            var began = number
            if let cut = said.range(of: " <unfinished ...>") {
                unfinished[thread] = (String(said[..<cut.lowerBound]), number)
                continue
            }
            if said.hasPrefix("<... "), let cut = said.range(of: " resumed>"), let first = unfinished.removeValue(forKey: thread) {
                said = first.text + said[cut.upperBound...]
                began = first.began
            }
            if let call = Self.call(said, began: began, returned: number) { calls.append(call) }
        }
        calls.sort { $0.began < $1.began }
    }

    /// `write(26<TCP:[127.0.0.1:1->127.0.0.1:2]>, "\x40\x02\x00\x01", 4) = 4`
    private static func call(_ text: String, began: Int, returned: Int) -> Call? {
        guard let open = text.firstIndex(of: "("), let equals = text.range(of: " = ", options: .backwards) else { return nil }
        var annotation = ""
        if let from = text.range(of: "<"), let to = text.range(of: ">,") ?? text.range(of: ">)") { annotation = String(text[from.upperBound..<to.lowerBound]) }
        var bytes: [UInt8] = []
        // Several pieces, where a call takes them together.
        for (i, piece) in text[open..<equals.lowerBound].split(separator: "\"", omittingEmptySubsequences: false).enumerated() where i % 2 == 1 {
            bytes += unhexed(piece)
        }
        return Call(
            name: String(text[..<open]), of: String(decoding: annotation.contains("\\x") ? unhexed(annotation[...]) : Array(annotation.utf8), as: UTF8.self),
            bytes: bytes, result: Int(text[equals.upperBound...].prefix { $0 == "-" || $0.isNumber }) ?? -1, began: began, returned: returned)
    }

    private static func unhexed(_ text: Substring) -> [UInt8] {
        text.split(separator: "\\").compactMap { $0.first == "x" ? UInt8($0.dropFirst(), radix: 16) : nil }
    }

    // MARK: What a call is

    func isSync(_ call: Call) -> Bool { ["fdatasync", "fsync"].contains(call.name) && call.of.hasSuffix("caring.sqlite-wal") }
    func isLogWrite(_ call: Call) -> Bool { call.name == "pwrite64" && call.of.hasSuffix("caring.sqlite-wal") }
    private func isSend(_ call: Call) -> Bool { ["write", "writev", "sendto", "sendmsg"].contains(call.name) && call.of.contains(broker) }
    private func isReceive(_ call: Call) -> Bool { ["read", "recvfrom", "recvmsg"].contains(call.name) && call.of.contains(broker) && call.result > 0 }
    func acknowledges(_ call: Call) -> Bool {
        var packets = Packets()
        return isSend(call) && packets.take(call.bytes).contains { $0.header >> 4 == 4 }
    }

    /// Puts the call at `b` where that at `a` stands, and the other way round.
    mutating func swap(_ a: Int, _ b: Int) {
        let moments = (calls[a].began, calls[a].returned)
        (calls[a].began, calls[a].returned) = (calls[b].began, calls[b].returned)
        (calls[b].began, calls[b].returned) = moments
        calls.swapAt(a, b)
    }

    // MARK: The check

    struct Found {
        var acknowledged = 0
        /// Syncs that acknowledgements waited for.
        var turns = 0
        var violations: [String] = []
    }

    /// Every message that is acknowledged was read; after that its turn was written into the log; and a sync of the log that
    /// began after the last of these writes returned before the acknowledgement was handed to the socket.
    func check() -> Found {
        var found = Found()
        var incoming: [String: Packets] = [:]
        var outgoing: [String: Packets] = [:]
        /// When the message with this id came, by connection.
        var readAt: [String: [UInt16: Int]] = [:]
        var writes: [Call] = []
        var syncs: [Call] = []
        var waitedFor: Set<Int> = []
        for call in calls {
            if isLogWrite(call) { writes.append(call) }
            if isSync(call) { syncs.append(call) }
            if isReceive(call) {
                for packet in incoming[call.of, default: Packets()].take(call.bytes) where packet.header >> 4 == 3 && packet.header & 6 == 2 {
                    readAt[call.of, default: [:]][packet.publishID] = call.returned
                }
            }
            guard isSend(call) else { continue }
            for packet in outgoing[call.of, default: Packets()].take(call.bytes) where packet.header >> 4 == 4 {
                found.acknowledged += 1
                guard let read = readAt[call.of]?[packet.firstShort] else {
                    found.violations.append("line \(call.began): an acknowledgement of nothing that was read")
                    continue
                }
                guard let written = writes.last(where: { $0.began < call.began }), written.began > read else {
                    found.violations.append("line \(call.began): acknowledged, and nothing was written since line \(read)")
                    continue
                }
                guard let sync = syncs.last(where: { $0.result == 0 && $0.began > written.returned && $0.returned < call.began }) else {
                    found.violations.append("line \(call.began): acknowledged before what was written in line \(written.began) was on disk")
                    continue
                }
                waitedFor.insert(sync.began)
            }
        }
        found.turns = waitedFor.count
        return found
    }
}

/// The packets of one direction of one connection.
private struct Packets {
    struct Packet {
        var header: UInt8
        var body: ArraySlice<UInt8>
        var firstShort: UInt16 { short(body.startIndex) }
        /// The id of a message with QoS 1: behind its topic.
        var publishID: UInt16 { short(body.startIndex + 2 + Int(firstShort)) }
        private func short(_ i: Int) -> UInt16 { i + 1 < body.endIndex ? UInt16(body[i]) << 8 | UInt16(body[i + 1]) : 0 }
    }
    private var bytes: [UInt8] = []

    mutating func take(_ new: [UInt8]) -> [Packet] {
        bytes += new
        var packets: [Packet] = []
        while bytes.count >= 2 {
            var length = 0
            var size = 1
            while size < bytes.count && size <= 4 {
                length |= Int(bytes[size] & 0x7F) << (7 * (size - 1))
                size += 1
                if bytes[size - 1] < 0x80 { break }
            }
            guard bytes[size - 1] < 0x80, bytes.count >= size + length else { break }
            packets.append(Packet(header: bytes[0], body: bytes[size..<(size + length)]))
            bytes.removeFirst(size + length)
        }
        return packets
    }
}
