import Care
import Foundation
import Testing

extension RealProcesses {
    /// Chains and proofs as people verify them.
    @Suite struct Audit {
        @Test func verifiedWithAGatewayAndWithout() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            _ = try street.adaPermits()
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            let home = try Client(street, "oak-1", subscribe: ["homes/oak-1/caring/audit/#"])
            try home.publish(Street.sosTopic, Street.sosPayload)
            try maria.receive("the offer") { !$0.payload.isEmpty }
            // Killed in the middle of it, the chain has whole entries only; the next start signs the day.
            try street.killGateway()
            try street.startGateway()
            let given = try home.receive("the proof") { !$0.payload.isEmpty }
            #expect(given.topic == "homes/oak-1/caring/audit/ada")
            let proof = street.caring("audit", "proof", "--as", "ada")
            #expect(proof.code == 0 && proof.out.contains(#""blinding""#))
            // All who live there can read it, so it tells nothing of her chain.
            #expect(given.payload.contains(#""seal""#) && !["blinding", "entries", "head"].contains { given.payload.contains(#""\#($0)""#) })
            let mode = try FileManager.default.attributesOfItem(atPath: street.data + "/audit.key")[.posixPermissions] as? Int
            #expect(mode == 0o600)

            func path(_ name: String) -> String { street.folder.appendingPathComponent(name).path }
            try proof.out.write(toFile: path("proof.json"), atomically: true, encoding: .utf8)
            try street.caring("audit", "key").out.write(toFile: path("key"), atomically: true, encoding: .utf8)
            for arguments in [["--as", "ada"], ["--as", "ada", "--proof", path("proof.json"), "--key", path("key")], []] {
                let ran = street.run(["audit", "verify"] + arguments)
                #expect(ran.code == 0 && ran.out.hasPrefix("The chain of ada is whole and as it was written:"), "\(ran)")
            }
            try given.payload.write(toFile: path("sealed.json"), atomically: true, encoding: .utf8)
            let opened = street.caring("audit", "verify", "--as", "ada", "--proof", path("sealed.json"))
            #expect(opened.code == 0 && opened.out.contains("was opened: it is the one that the chain fits"), "\(opened)")
            let refused = street.caring("audit", "verify", "--citizen", "ada", "--as", "maria")
            #expect(refused.code == 1 && refused.out.isEmpty && refused.err.contains("Only ada may do this"), "\(refused)")
            let export = street.caring("audit", "export", "--as", "ada", "--out", path("chain.jsonl"))
            #expect(export.code == 0 && export.out.contains("entries are in"), "\(export)")
            #expect(try FileManager.default.attributesOfItem(atPath: path("chain.jsonl"))[.posixPermissions] as? Int == 0o600)

            _ = try street.stopGateway()
            let whole = street.caring("audit", "verify", "--file", path("chain.jsonl"), "--key", path("key"), "--json")
            #expect(whole.code == 0 && whole.out.contains(#""sound":true"#) && whole.out.contains(#""proofs":1"#), "\(whole)")
            let text = try String(contentsOfFile: path("chain.jsonl"), encoding: .utf8)
            try text.replacingOccurrences(of: #"\"rule\":\"sos\""#, with: #"\"rule\":\"sot\""#).write(toFile: path("changed.jsonl"), atomically: true, encoding: .utf8)
            let changed = street.caring("audit", "verify", "--file", path("changed.jsonl"))
            #expect(changed.code == 1 && changed.out.contains("has been changed: its hash does not fit what it says."), "\(changed)")
            for arguments in [["--file", path("nowhere")], ["--file", path("key")], ["--file", path("chain.jsonl"), "--key", path("proof.json")]] {
                let ran = street.run(["audit", "verify"] + arguments)
                #expect(ran.code == 1 && ran.out.isEmpty && !ran.err.isEmpty, "\(ran)")
            }
        }
    }
}
