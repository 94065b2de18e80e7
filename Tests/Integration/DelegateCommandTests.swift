import Foundation
import Testing

extension RealProcesses {
    /// Somebody acts for a citizen, each by their own user of the machine.
    @Suite struct Delegates {
        @Test(.enabled(if: getuid() == 0)) func appointedActingSeenAndUndone() throws {
            let street = try Street(brokerRuns: false)
            defer { street.close() }
            try street.addAda()
            try street.ask("service", "add", "clinic", "--name", "the clinic")
            try street.ask("delegate", "add", "anna", "--name", "Anna Hill", "--uid", "12345")
            for path in [street.folder.path, street.data] {
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
            func anna(_ arguments: String...) throws -> Ran {
                try Running(
                    Places.tool("setpriv"),
                    ["--reuid=12345", "--regid=0", "--clear-groups", Places.program("caring").path] + arguments + ["--data", street.data], folder: street.folder, name: "anna"
                ).ended()
            }
            let refuse = ["consent", "refuse", "--to", "service:clinic", "--about", "health", "--purpose", "daily-support", "--as", "ada"]
            func refused() throws -> Ran { try Running(Places.tool("setpriv"), ["--reuid=12345", "--regid=0", "--clear-groups", Places.program("caring").path] + refuse + ["--data", street.data], folder: street.folder, name: "anna").ended() }
            let before = try refused()
            #expect(before.code == 1 && before.err == "Only an operator may use --as.\n", "\(before)")
            let appoint = street.caring(
                "delegate", "appoint", "anna", "--category", "health", "--purpose", "daily-support", "--until", "30d", "--authority", "I asked her to", "--as", "ada")
            #expect(appoint.code == 0 && appoint.out.contains("m1  Anna Hill may act for Ada Brown about health, for daily-support"), "\(appoint)")
            let done = try refused()
            #expect(done.code == 0 && done.out.contains("Anna Hill for Ada Brown (mandate m1): this is x1."), "\(done)")
            let beyond = try anna("consent", "refuse", "--to", "service:clinic", "--about", "safety", "--purpose", "daily-support", "--as", "ada")
            #expect(beyond.code == 1 && beyond.err.contains("mandate m1 covers health"), "\(beyond)")
            let export = try anna("data", "export", "--as", "ada", "--out", NSTemporaryDirectory() + "delegates-\(UUID().uuidString).zip")
            #expect(export.code == 1 && export.err.contains("ada's alone"), "\(export)")
            #expect(try street.sentences("consent", "history", "c1", "--as", "ada").contains("anna for ada (mandate m1) refused it"))
            try street.killGateway()
            try street.startGateway(untilConnected: false)
            #expect(try street.sentences("delegate", "acts", "--as", "ada").contains("Anna Hill for Ada Brown (mandate m1) refuses: "))
            #expect(try street.sentences("delegate", "undo", "x1", "--as", "ada").contains("x1 is undone"))
            let byHand = street.run(refuse + ["--by", "anna"])
            #expect(byHand.code == 0 && byHand.out.contains("Anna Hill for Ada Brown (mandate m1): this is x2."), "\(byHand)")
            #expect(street.caring("audit", "verify", "--as", "ada", "--by", "anna").code == 1)
            #expect(street.caring("status", "--by", "anna").code == 64)
            #expect(try street.sentences("delegate", "undo", "x2", "--as", "ada").contains("x2 is undone"))
            #expect(try street.sentences("consent", "list", "--as", "ada") == "There is no consent record: nobody is told anything.\n")
            #expect(try street.sentences("audit", "verify", "--as", "ada").hasPrefix("The chain of ada is whole and as it was written:"))
            #expect(try street.ask("delegate", "end", "m1", "--as", "ada").first?["state"]?.string == "ended")
            #expect(try refused().code == 1)
        }
    }
}
