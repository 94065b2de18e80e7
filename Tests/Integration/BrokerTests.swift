import Care
import Foundation
import MQTT
import Testing

extension RealProcesses {
    /// The gateway and a broker that comes, goes and refuses.
    @Suite struct ABroker {
        @Test func thatComesLaterOrIsRestartedIsFoundAgain() throws {
            let street = try Street(brokerRuns: false)
            defer { street.close() }
            // People can be added, and alerts answered, while there is no broker.
            try street.addAda()
            try street.addHelpers()
            try street.adaPermits()
            #expect(try street.status("connected") == .bool(false))
            #expect(try street.sentences("status").contains("The broker is away"))
            #expect(street.log.contains("check that it is running and can be reached"))
            try street.startBroker()
            try street.waitUntilConnected()
            try publishSOS(street)
            #expect(try Client.retained(street, "maria", "helpers/maria/alerts/+").count == 1)

            // The broker writes down what it holds, comes again, and the offer still lies there.
            try street.startBroker()
            try street.waitUntilConnected()
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            let offer = try maria.receive("the offer") { !$0.payload.isEmpty }
            let alert = try #require(offer.json?["alert"]?.string)
            #expect(try maria.publish("helpers/maria/answers", #"{"alert":"\#(alert)","answer":"accept"}"#))
            try maria.receive("the address") { $0.json?["stage"]?.string == "accepted" }
        }

        private func publishSOS(_ street: Street) throws {
            let home = try Client(street, "oak-1")
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            try eventually("the outbox to be done") {
                try street.status("openAlerts") == .int(1) && street.status("waiting") == .int(0)
            }
            home.leave()
        }

        @Test func thatRefusesThePasswordIsSaidAndTriedAgain() throws {
            let street = try Street(brokerRuns: false)
            defer { street.close() }
            // The broker is started with users who are somebody else's.
            try Data().write(to: URL(fileURLWithPath: street.data + "/mosquitto/passwords"))
            try street.startBroker()
            let sentence = "The broker refused the gateway: check its user name, password and access list."
            try eventually("the refusal to be said twice") { street.log.components(separatedBy: sentence).count > 2 }
            let password = try String(contentsOfFile: street.data + "/gateway-login", encoding: .utf8)
            #expect(!street.log.contains(password.trimmingCharacters(in: .whitespacesAndNewlines)))
            // Whatever changes a user writes them all again and tells the broker.
            try street.add("home", "add", "oak-1")
            try street.waitUntilConnected()
        }

        @Test func tellsWhetherTheGatewayIsThere() throws {
            let street = try Street()
            defer { street.close() }
            let watcher = try Client(street, "gateway", subscribe: ["gateway/status"])
            try watcher.receive("online") { $0.payload == "online" }
            watcher.forget()
            // The last will.
            try street.killGateway()
            try watcher.receive("offline") { $0.payload == "offline" }
            #expect(try Client.retained(street, "gateway", "gateway/status") == ["gateway/status": "offline"])
            watcher.forget()
            try street.startGateway()
            try watcher.receive("online again") { $0.payload == "online" }
            watcher.forget()
            // A goodbye.
            let stopped = try street.stopGateway()
            #expect(stopped.code == 0 && stopped.seconds < 5)
            try watcher.receive("offline again") { $0.payload == "offline" }
            #expect(try Client.retained(street, "gateway", "gateway/status") == ["gateway/status": "offline"])
        }

        @Test func aTopicFilterThatIsTakenOutIsNotHeardAnyMore() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["vitals/heart-rate", "motion/hall"])
            let home = try Client(street, "oak-1")
            #expect(try home.publish("homes/oak-1/motion/hall", "1"))
            try eventually("movement") { try movements(street) == 1 }
            #expect(try street.stopGateway().code == 0)
            try street.startGateway(environment: ["CARING_TOPICS": "homes/+/vitals/#"])
            // Being connected comes a moment before the broker has read what is wanted.
            try eventually("the filter to be gone") {
                let before = try (movements(street), heartRates(street))
                #expect(try home.publish("homes/oak-1/motion/hall", "1"))
                #expect(try home.publish("homes/oak-1/vitals/heart-rate", "70"))
                try eventually("the heart rate") { try heartRates(street) > before.1 }
                return try movements(street) == before.0
            }
            // What is taken in again is heard again.
            let before = try movements(street)
            #expect(try street.stopGateway().code == 0)
            try street.startGateway(environment: ["CARING_TOPICS": "homes/+/vitals/#,homes/+/motion/#"])
            try eventually("movement to be heard again") {
                #expect(try home.publish("homes/oak-1/motion/hall", "1"))
                return try movements(street) > before
            }
        }

        private func movements(_ street: Street) throws -> Int { try count(street, "motion") }
        private func heartRates(_ street: Street) throws -> Int { try count(street, "heart_rate") }
        private func count(_ street: Street, _ quantity: String) throws -> Int {
            try street.ask("reading", "list", "--as", "ada", "--quantity", quantity).count
        }

        /// What lies retained for helpers is looked at on each start. One stray comes from another client, one from
        /// the gateway's own client id, as after a crash between two versions: no-local must not hide it.
        @Test func onStartWhatShouldNotLieThereIsCleared() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            try street.adaPermits()
            try publishSOS(street)
            let offers = try Client.retained(street, "gateway", "helpers/+/alerts/+")
            #expect(Set(offers.keys) == ["helpers/maria/alerts/a1", "helpers/tom/alerts/a1"])
            try street.killGateway()
            let other = try Client(street, "gateway")
            for topic in ["helpers/maria/alerts/a999", "helpers/maria/alerts/nonsense", "helpers/nobody/alerts/a1"] {
                #expect(try other.publish(topic, #"{"alert":"a999","say":"old"}"#, retain: true))
            }
            other.leave()
            let same = try Client(street, "gateway", clientID: "caring-gateway")
            #expect(try same.publish("helpers/tom/alerts/a998", #"{"alert":"a998","say":"old"}"#, retain: true))
            same.leave()
            try street.startGateway()
            try eventually("the strays to be gone") {
                try Set(Client.retained(street, "gateway", "helpers/+/alerts/+").keys) == Set(offers.keys)
            }
        }
    }
}
