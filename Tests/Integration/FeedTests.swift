import Care
import CareTesting
import Foundation
import MQTT
import Testing

extension RealProcesses {
    /// What a citizen shares flows through the real broker to whom it is for, and can be fetched with a token.
    @Suite struct Feeds {
        private func place() throws -> Street {
            let street = try Street()
            try street.addAda(devices: ["vitals/heart-rate"])
            try street.add("service", "add", "clinic", "--name", "Elm Clinic")
            try street.add("service", "add", "council", "--name", "The Council")
            try street.ask(
                "consent", "grant", "--as", "ada", "--to", "service:clinic", "--about", "heart_rate", "--purpose", "daily-support", "--detail", "readings")
            return street
        }

        @Test func aServiceReceivesWhatIsSharedWithItAndNothingElse() throws {
            let street = try place()
            defer { street.close() }
            let home = try Client(street, "oak-1")
            let clinic = try Client(street, "clinic", subscribe: ["shared/clinic/#", "shared/#"])
            let council = try Client(street, "council", subscribe: ["shared/#", "shared/clinic/#", "shared/council/#"])
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "72"))
            let message = try clinic.receive("the reading") { $0.topic == "shared/clinic/ada/heart_rate" }
            #expect(message.json?["value"] == .int(72))
            #expect(!message.isRetained)
            #expect(try !clinic.publish("shared/clinic/ada/heart_rate", "1"))
            #expect(try !home.publish("shared/clinic/ada/heart_rate", "1"))
            #expect(try !clinic.publish("homes/oak-1/vitals/heart-rate", "99"))
            let record = try #require(try street.ask("consent", "list", "--as", "ada").first?["consent"]?.string)
            try street.ask("consent", "withdraw", record, "--as", "ada")
            let began = ContinuousClock.now
            try clinic.receive("that it is over") { $0.topic == "shared/clinic/ada/ended" }
            #expect(ContinuousClock.now - began < .seconds(1))
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "73"))
            try eventually("the reading to be kept") { try street.ask("reading", "list", "--as", "ada").count == 2 }
            clinic.pass(300)
            council.pass(300)
            #expect(clinic.messages.filter { $0.topic.hasSuffix("heart_rate") }.allSatisfy { $0.json?["value"] == .int(72) })
            #expect(council.messages.isEmpty)
            #expect(try street.sentences("who-saw", "--as", "ada").contains("Elm Clinic received 1 heart rate reading"))
        }

        @Test func aTokenFetchesAndAnotherDoesNot() throws {
            let street = try place()
            defer { street.close() }
            let token = try #require(try street.ask("service", "token", "clinic").first?["token"]?.string)
            let other = try #require(try street.ask("service", "token", "council").first?["token"]?.string)
            let home = try Client(street, "oak-1")
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "72"))
            try eventually("the reading") { try !street.ask("reading", "list", "--as", "ada").isEmpty }
            let right = try fetch(street, "/services/clinic/ada/heart_rate?limit=10", token)
            #expect(right.status == 200 && right.lines.first?["value"] == .int(72) && right.lines.last?["next"] == .string("1"))
            for (address, token) in [
                ("/services/clinic/ada/heart_rate", other), ("/services/clinic/ada/heart_rate", nil), ("/services/council/ada/heart_rate", token),
                ("/services/nobody/ada/heart_rate", token),
            ] {
                let wrong = try fetch(street, address, token)
                #expect(wrong.status == 401 && !wrong.text.contains("72"))
            }
            let none = try fetch(street, "/services/council/ada/heart_rate", other)
            #expect(none.status == 200 && none.lines.count == 1)
        }

        /// As a service does it, with curl.
        private func fetch(_ street: Street, _ address: String, _ token: String?) throws -> (status: Int, text: String, lines: [JSON]) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            process.arguments =
                ["-s", "-w", "\n%{http_code}", "--max-time", "10", "--unix-socket", street.data + "/caring.sock"] + (token.map { ["-H", "Authorization: Bearer \($0)"] } ?? [])
                + ["http://gateway" + address]
            let out = Pipe()
            process.standardOutput = out
            try process.run()
            let said = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            var lines = said.split(separator: "\n")
            let status = lines.popLast().flatMap { Int($0) } ?? 0
            let text = lines.joined(separator: "\n")
            return (status, text, status == 200 ? try lines.map { try JSONDecoder().decode(JSON.self, from: Data($0.utf8)) } : [])
        }
    }
}
