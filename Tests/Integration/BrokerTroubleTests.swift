import Care
import Foundation
import MQTT
import Testing

extension RealProcesses {
    /// What goes wrong between a gateway and its broker, as the one who runs them sees it.
    @Suite struct BrokerTrouble {
        @Test func anExpiredCertificateIsSaidAndARenewedOneFound() throws {
            let street = try Street(brokerRuns: false)
            defer { street.close() }
            let authority = street.folder.appendingPathComponent("broker.crt").path
            try openssl("req -new -newkey rsa:2048 -nodes -subj /CN=broker -addext subjectAltName=IP:127.0.0.1 -keyout broker.key -out broker.csr", street)
            func sign(days: Int) throws {
                try openssl("x509 -req -in broker.csr -signkey broker.key -days \(days) -copy_extensions copy -out broker.crt", street)
            }
            let file = street.broker.folder.appending(path: "mosquitto.conf")
            // What follows the listener belongs to it.
            let text = try String(contentsOf: file, encoding: .utf8).replacingOccurrences(
                of: #"(?m)^(listener .*)$"#, with: "$1\ncertfile \(authority)\nkeyfile \(street.folder.path)/broker.key",
                options: .regularExpression)
            try text.write(to: file, atomically: true, encoding: .utf8)

            try sign(days: -1)
            try street.startBroker()
            #expect(try street.stopGateway().code == 0)
            try street.startGateway(
                environment: ["CARING_TLS_CA_FILE": authority, "CARING_TLS_MINIMUM_VERSION": "tlsv1.3"], untilConnected: false)
            try eventually("the trouble to be said") {
                street.log.contains("The broker's certificate has expired: renew it, or check the clock of this machine.")
            }
            #expect(try street.status("connected") == .bool(false))
            try sign(days: 2)
            try street.startBroker()
            try street.waitUntilConnected()
        }

        private func openssl(_ arguments: String, _ street: Street) throws {
            let ran = try Running(
                Places.tool("openssl"), arguments.split(separator: " ").map(String.init), environment: [:], folder: street.folder,
                name: "openssl-\(UUID().uuidString)"
            ).ended()
            if ran.code != 0 { throw Failure(description: "openssl: \(ran.err)") }
        }

        /// Each of the two would throw the other out as often as it connects.
        @Test func aSecondClientOfTheSameIdIsSaidOnceAndThereIsNoPingPong() throws {
            let street = try Street()
            defer { street.close() }
            let second = try Client(street, "gateway", clientID: "caring-gateway")
            let sentence = "Another gateway connected to the broker with the same client id. Stop one of them."
            try second.wait("the gateway to give way") { street.log.contains(sentence) }
            func connections() -> Int { street.broker.log.components(separatedBy: " as caring-gateway ").count - 1 }
            // The other one is left alone for as long as the longest delay lasts, 30 s at least.
            try second.wait("the other one to be in") { second.client.isConnected }
            let before = connections()
            let ends = Date().addingTimeInterval(5)
            while Date() < ends { second.pass() }
            #expect(connections() == before)
            #expect(before <= 10, "\(before) connections of two clients.")
            #expect(street.log.components(separatedBy: sentence).count == 2)
            #expect(second.client.isConnected)
        }

        @Test func anEmptyBrokerInItsPlaceIsToldEverythingAgain() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["zigbee2mqtt/SOS button", "vitals/heart-rate"])
            try street.addHelpers()
            try street.adaPermits()
            let home = try Client(street, "oak-1")
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            try eventually("the outbox to be done") {
                try street.status("openAlerts") == .int(1) && street.status("waiting") == .int(0)
            }
            let offers = try Client.retained(street, "gateway", "helpers/+/alerts/+")
            #expect(Set(offers.keys) == ["helpers/maria/alerts/a1", "helpers/tom/alerts/a1"])

            street.broker.stop()
            try FileManager.default.removeItem(atPath: street.data + "/mosquitto/mosquitto.db")
            try street.startBroker()
            try street.waitUntilConnected()
            #expect(street.log.contains("The broker has lost the gateway's session"))
            // What waited is lost, which is an alert of its own, to the coordinator.
            let trouble = "helpers/carla/alerts/a2"
            try eventually("the offers to lie there again") {
                try Set(Client.retained(street, "gateway", "helpers/+/alerts/+").keys) == Set(offers.keys).union([trouble])
            }
            let told = try #require(try Client.retained(street, "carla", trouble)[trouble])
            #expect(told.contains("The broker has lost what waited for the gateway") && told.contains("It is about the time from"), "\(told)")
            #expect(try Client.retained(street, "gateway", "gateway/status") == ["gateway/status": "online"])
            // It listens again, too.
            let back = try Client(street, "oak-1")
            #expect(try back.publish("homes/oak-1/vitals/heart-rate", "71"))
            try eventually("the reading") { try street.ask("reading", "list", "--as", "ada", "--quantity", "heart_rate").count == 1 }
            // And answers reach it.
            let maria = try Client(street, "maria")
            #expect(try maria.publish("helpers/maria/answers", #"{"alert":"a1","answer":"accept"}"#))
            try eventually("the acceptance") {
                try Client.retained(street, "gateway", "helpers/+/alerts/+").keys.sorted() == [trouble, "helpers/maria/alerts/a1"]
            }
        }

        /// It comes back with what it had saved, and gives packet ids again that it gave since. The devices of this home
        /// say nothing but equal bytes, so only the broker's DUP tells what is new.
        @Test func aKilledBrokerThatGivesPacketIdsAgainLosesNothingAndDoublesNothing() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["motion/hallway", "vitals/heart-rate"])
            func say(_ times: Int) throws {
                let home = try Client(street, "oak-1")
                for _ in 0..<times { #expect(try home.publish("homes/oak-1/motion/hallway", "1")) }
            }
            func stored(_ count: Int) throws {
                func readings() throws -> Int { try street.ask("reading", "list", "--as", "ada", "--quantity", "motion").count }
                try eventually("\(count) readings") { try readings() >= count }
                // Whatever is doubled comes before what is said now.
                let marker = try Client(street, "oak-1")
                #expect(try marker.publish("homes/oak-1/vitals/heart-rate", "\(40 + count)"))
                try eventually("what was said last") {
                    try street.ask("reading", "list", "--as", "ada", "--quantity", "heart_rate").contains { $0["value"] == .int(Int64(40 + count)) }
                }
                #expect(try readings() == count)
            }
            func redelivered() throws -> Int64 { try street.status("redelivered")?.int ?? 0 }
            func save() throws { try street.broker.save(to: street.data + "/mosquitto/mosquitto.db") }
            /// New messages are there before the gateway is.
            func killBroker(thenSay times: Int) throws {
                street.broker.kill()
                street.gateway?.signal(SIGSTOP)
                try street.startBroker()
                try say(times)
                street.gateway?.signal(SIGCONT)
                try street.waitUntilConnected()
            }

            try say(1)
            try stored(1)
            try save()
            // The broker forgets these; what comes then has their ids and their bytes.
            try say(3)
            try stored(4)
            try killBroker(thenSay: 2)
            try stored(6)

            // On their way when it saved: these come again, with DUP, and what follows them is new.
            street.gateway?.signal(SIGSTOP)
            try say(3)
            try save()
            street.gateway?.signal(SIGCONT)
            try stored(9)
            let again = try redelivered()
            try killBroker(thenSay: 2)
            try stored(11)
            #expect(try redelivered() >= again + 3)

            // They waited when it saved: they come again without DUP, and what is not like the others shows that they do.
            _ = try street.stopGateway()
            try say(3)
            let pulse = try Client(street, "oak-1")
            #expect(try pulse.publish("homes/oak-1/vitals/heart-rate", "99"))
            try save()
            try street.startGateway()
            try stored(14)
            let before = try redelivered()
            try killBroker(thenSay: 2)
            try eventually("what waited to come again") { try redelivered() >= before + 4 }
            try stored(16)
        }

        /// What the broker has promised to a publisher and not yet delivered it may lose when it is killed; what the
        /// gateway has taken stays, and it goes on by itself.
        @Test func aBrokerThatIsKilledWhileMessagesFlowTakesNothingThatWasKept() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["vitals/heart-rate"])
            let topic = "homes/oak-1/vitals/heart-rate"
            let home = try Client(street, "oak-1")
            var numberOfMid: [Int32: Int] = [:]
            var confirmed: Set<Int> = []
            var next = 1_000
            /// Publishes as fast as the broker confirms, until that many are confirmed.
            func flow(_ client: Client, until count: Int) throws {
                var seen = client.events.count
                try client.wait("the broker to confirm \(count)") {
                    while client.client.isConnected, numberOfMid.count < 200, next < 60_000 {
                        guard let mid = try? client.client.publish(topic: Topic(topic), payload: "\(next)", qos: 1, retain: false) else { break }
                        numberOfMid[mid] = next
                        next += 1
                    }
                    for event in client.events[seen...] {
                        if case .published(let mid) = event, let number = numberOfMid.removeValue(forKey: mid) { confirmed.insert(number) }
                    }
                    seen = client.events.count
                    return confirmed.count >= count
                }
            }
            func stored() throws -> Int { try street.status("readings")?.int.map(Int.init) ?? 0 }

            try flow(home, until: 3_000)
            // In the middle of the stream: what is under way is lost with it.
            let before = try stored()
            #expect(before > 0)
            street.broker.kill()
            let kept = try stored()
            try street.startBroker()
            try street.waitUntilConnected()
            #expect(try stored() >= kept)

            let again = try Client(street, "oak-1")
            numberOfMid = [:]
            confirmed = []
            let first = next
            try flow(again, until: 2_000)
            try again.wait("the rest to be confirmed") {
                for event in again.events { if case .published(let mid) = event, let number = numberOfMid.removeValue(forKey: mid) { confirmed.insert(number) } }
                return numberOfMid.isEmpty
            }
            // Everything after it is back is there, once: nothing was lost or doubled on this connection.
            try eventually("all of them to be stored") {
                let values = try street.ask("reading", "list", "--as", "ada", "--quantity", "heart_rate", "--limit", "10000")
                    .compactMap { item -> Int? in
                        switch item["value"] {
                        case .int(let value): Int(value)
                        case .double(let value): Int(value)
                        default: nil
                        }
                    }.filter { $0 >= first }
                return values.sorted() == confirmed.sorted()
            }
            #expect(!street.log.contains("could not be written down"))
        }
    }
}
