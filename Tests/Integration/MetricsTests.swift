import Care
import CareTesting
import Foundation
import Store
import Testing

extension RealProcesses {
    /// Where an ingest is held up can be seen from outside.
    @Suite struct Metrics {
        @Test func thereIsWhatWasTakenInAndNobodysName() throws {
            let port = try TestBroker.freePort()
            let street = try Street(gatewayRuns: false)
            defer { street.close() }
            try street.startGateway(environment: ["CARING_METRICS": "127.0.0.1:\(port)"], untilConnected: false)
            try street.startBroker()
            try street.waitUntilConnected()
            try street.addAda(devices: ["vitals/heart-rate", "zigbee2mqtt/SOS button"])
            try street.addHelpers()
            try street.adaPermits()
            let home = try Client(street, "oak-1")
            for number in 0..<200 { #expect(try home.publish("homes/oak-1/vitals/heart-rate", "\(60 + number % 40)")) }
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "not a number"))
            func scrape() throws -> (text: String, read: PrometheusText) {
                let answer = try get("/metrics", port: port)
                #expect(answer.head.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(answer.head.lowercased().contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"))
                return (answer.body, try PrometheusText(answer.body))
            }
            // Figures are at most a second old.
            try eventually("the figures") { try scrape().read.value("caring_undecodable_total") == 1 }
            let (text, read) = try scrape()
            let stored = try Double(street.ask("reading", "list", "--as", "ada", "--limit", "1000").count)
            #expect(stored > 200)
            #expect(try read.value("caring_readings_total") == stored)
            // The gateway's own marker is a message, too, and helpers' cards that lie there.
            let messages = try #require(try read.value("caring_messages_total"))
            #expect((202...220).contains(messages), "\(messages)")
            #expect(try read.value("caring_burst_messages_sum") == messages)
            let bursts = try #require(try read.value("caring_burst_messages_count"))
            #expect(bursts > 1 && bursts <= messages)
            for name in ["caring_turn_seconds", "caring_commit_seconds"] {
                #expect(try read.value(name + "_count") == bursts)
                #expect((try read.value(name + "_sum") ?? 0) > 0)
            }
            #expect(try read.value("caring_connected") == 1)
            #expect(try read.value("caring_backlog") == 0)
            #expect(try read.value("caring_acknowledgements_withheld") == 0)
            #expect(try read.value("caring_open_alerts") == 1)
            #expect(try read.value("caring_homes") == 1)
            #expect((try read.value("caring_database_bytes") ?? 0) > 4_096)
            #expect((try read.value("process_resident_memory_bytes") ?? 0) > 1_000_000)
            #expect(abs(Date().timeIntervalSince1970 - (try read.value("process_start_time_seconds") ?? 0)) < 120)

            let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n")
            for name in ["oak", "ada", "Ada", "maria", "Maria", "tom", "carla", "vitals", "heart", "zigbee", "SOS", "homes/", street.data] {
                #expect(!samples.contains(name), "\(name)")
            }

            // The same without a port, and without curl.
            let said = street.caring("metrics")
            #expect(said.code == 0 && said.err.isEmpty)
            #expect(try PrometheusText(said.out).value("caring_readings_total") == stored)
            #expect(street.caring("metrics", "--json").code == 64)
            // Nothing but the metrics is reached over TCP.
            #expect(try get("/v1/status", port: port).head.hasPrefix("HTTP/1.1 404 "))

            let before = try street.sentences("status")
            #expect(!before.contains("reconnect") && !before.contains("acknowledged"), "\(before)")
            street.broker.stop()
            try eventually("the loss to be seen") { try scrape().read.value("caring_connected") == 0 }
            #expect(try scrape().read.value("caring_reconnects_total") == 0)
            try street.startBroker()
            try eventually("the return to be seen") {
                let read = try scrape().read
                return try read.value("caring_connected") == 1 && read.value("caring_reconnects_total") == 1
            }
            #expect(try street.sentences("status").contains("1 reconnect since the start."))
            #expect(try street.status("reconnects") == .int(1))
            // A connection that is kept open, as a Prometheus does, does not hold up the stop.
            let open = try connection(port)
            defer { close(open) }
            let stopped = try street.stopGateway()
            #expect(stopped.code == 0 && stopped.seconds < 5, "\(stopped) \(street.log)")
            #expect(street.caring("metrics").code == 1)
        }

        @Test func whereThePortIsTakenNothingIsBegun() throws {
            let port = try TestBroker.freePort()
            let street = try Street(gatewayRuns: false)
            defer { street.close() }
            let taken = try listener(port)
            defer { close(taken) }
            let ran = try Running(
                Places.program("caringd"), ["--data", street.data, "--mqtt", "127.0.0.1:\(street.broker.port)"],
                environment: ["CARING_METRICS": "127.0.0.1:\(port)"], folder: street.folder, name: "taken"
            ).ended()
            #expect(ran.code == 1 && ran.out.isEmpty)
            let lines = ran.err.split(separator: "\n")
            #expect(
                lines.last
                    == "The metrics belong on 127.0.0.1:\(port) and something else listens there: stop it, or set “metrics” in the configuration to another port.")
            #expect(!ran.err.contains("The gateway is running."))
            for name in ["caring.sqlite", "caring.sock"] { #expect(!FileManager.default.fileExists(atPath: "\(street.data)/\(name)"), "\(name)") }
        }

        /// The thread of the turns is not asked: what hangs is seen from outside.
        @Test func aHangingTurnIsSeen() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            let home = try Client(street, "oak-1")
            func value(_ name: String) throws -> Double? { try PrometheusText(street.caring("metrics").out).value(name) }
            // Whoever else writes to the database keeps the gateway's turns waiting, as a slow disk would.
            let store = try Store(folder: street.data)
            defer { try? store.close() }
            try store.turn { _ in
                #expect(try home.publish(Street.sosTopic, Street.sosPayload))
                try eventually("the age to grow") { try (value("caring_pass_age_seconds") ?? 0) > 2.5 }
                try eventually("the acknowledgement to be withheld") { try value("caring_acknowledgements_withheld") == 1 }
                #expect((try value("caring_turns_failed_total") ?? 0) >= 1)
            }
            try eventually("all to be well") { try value("caring_acknowledgements_withheld") == 0 && value("caring_connected") == 1 }
            try eventually("the alert") { try !street.ask("alert", "list", "--as", "ada").isEmpty }
        }

        // MARK: A small client

        private func address(_ port: Int) -> sockaddr_in {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            return address
        }

        private func socket(_ port: Int, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool) throws -> Int32 {
            let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = address(port)
            let worked = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { use(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            guard worked else {
                close(descriptor)
                throw Failure(description: "Port \(port): errno \(errno)")
            }
            return descriptor
        }

        private func connection(_ port: Int) throws -> Int32 { try socket(port) { connect($0, $1, $2) == 0 } }
        private func listener(_ port: Int) throws -> Int32 { try socket(port) { bind($0, $1, $2) == 0 && listen($0, 1) == 0 } }

        /// As curl does it.
        private func get(_ path: String, port: Int) throws -> (head: String, body: String) {
            let descriptor = try connection(port)
            defer { close(descriptor) }
            let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n".utf8)
            guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { throw Failure(description: "send: errno \(errno)") }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count >= 0 else { throw Failure(description: "recv: errno \(errno)") }
                if count == 0 { break }
                bytes += buffer[..<count]
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let cut = text.range(of: "\r\n\r\n") else { throw Failure(description: "This is no answer: \(text)") }
            return (String(text[..<cut.lowerBound]) + "\r\n", String(text[cut.upperBound...]))
        }
    }
}
