import Foundation
import Testing

@testable import Gateway

@Suite struct BrokerAccessTests {
    @Test func aKnownVectorOfPBKDF2() throws {
        // Made with Python's hashlib.pbkdf2_hmac("sha512", b"password", b"saltsaltsalt", 101, 64).
        let hash = try BrokerAccess.hash("password", salt: Array("saltsaltsalt".utf8), rounds: 101)
        #expect(hash == "$7$101$c2FsdHNhbHRzYWx0$FCG7EBo8zJik0YXy2GHzSQZMIgRMOw788yO4Bu88kcpfFKpL26d4kQZwYWnUrhm5QP8Ay4tRcegPZigCc1KVBg==")
    }

    @Test func everyHashHasItsOwnSalt() throws {
        let a = try BrokerAccess.hash("p")
        let b = try BrokerAccess.hash("p")
        #expect(a != b && a.hasPrefix("$7$101$"))
    }

    @Test func passwordsCanBeTypedAndDiffer() {
        let passwords = Set((0..<200).map { _ in BrokerAccess.newPassword() })
        #expect(passwords.count == 200)
        for password in passwords {
            #expect(password.split(separator: "-").map(\.count) == [4, 4, 4, 4, 4, 4])
            #expect(password.allSatisfy { $0 == "-" || ($0.isASCII && !"0o1li".contains($0)) })
        }
    }

    @Test func mosquittoPasswdMakesTheSame() throws {
        let tool = "/usr/bin/mosquitto_passwd"
        guard FileManager.default.isExecutableFile(atPath: tool) else { return }
        let folder = try ScratchFolder()
        let file = try folder.write("elm-3:open sesame\n", to: "passwords")
        try start(tool, ["-U", file]).waitUntilExit()
        let line = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
        let made = String(line.dropFirst("elm-3:".count))
        let parts = made.split(separator: "$")
        let salt = try #require(Data(base64Encoded: String(parts[2])))
        #expect(try BrokerAccess.hash("open sesame", salt: Array(salt), rounds: try #require(Int(parts[1]))) == made)
    }

    @Test func filesAreWrittenWholeAndPrivate() throws {
        let folder = try ScratchFolder()
        let access = BrokerAccess(folder: "\(folder.path)/var/mosquitto", gatewayUser: "gateway")
        let hash = try BrokerAccess.hash("x")
        // What a crash may have left.
        try folder.write("half", to: "var/mosquitto/passwords.new")
        try access.write(homes: [("oak-1", hash), ("elm-3", hash)], helpers: [("maria", hash)], gatewayHash: hash)
        for file in [access.passwordFile, access.accessFile] {
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: access.folder).sorted() == ["acl", "passwords"])
        let passwords = try String(contentsOfFile: access.passwordFile, encoding: .utf8)
        #expect(passwords == "elm-3:\(hash)\ngateway:\(hash)\nmaria:\(hash)\noak-1:\(hash)\n")
        #expect(
            try String(contentsOfFile: access.accessFile, encoding: .utf8) == """
                # Written by caringd; what is changed by hand is lost.

                user gateway
                topic readwrite homes/#
                topic readwrite helpers/#
                topic readwrite gateway/#
                topic write shared/#

                user elm-3
                topic readwrite homes/elm-3/#

                user oak-1
                topic readwrite homes/oak-1/#

                user maria
                topic read helpers/maria/alerts/#
                topic write helpers/maria/answers

                """)
    }

    @Test func namesAndHashesThatWouldWriteLinesOfTheirOwnAreRefused() throws {
        let folder = try ScratchFolder()
        let access = BrokerAccess(folder: "\(folder.path)/b", gatewayUser: "gateway")
        let hash = try BrokerAccess.hash("x")
        for name in ["", "a:b", "a\nuser gateway", "#", "+", "a/b", "A", "gateway"] {
            #expect(throws: BrokerAccessProblem.self, "\(name)") {
                try access.write(homes: [(name, hash)], helpers: [], gatewayHash: hash)
            }
        }
        for bad in ["", "secret", hash + "\nmallory:" + hash, "$6$101$a$b"] {
            #expect(throws: BrokerAccessProblem.self) { try access.write(homes: [("elm-3", bad)], helpers: [], gatewayHash: hash) }
        }
        #expect(throws: BrokerAccessProblem.self) {
            try access.write(homes: [("elm-3", hash)], helpers: [("elm-3", hash)], gatewayHash: hash)
        }
        #expect(!FileManager.default.fileExists(atPath: access.folder))
    }

    @Test func onlyAMosquittoIsToldToReload() throws {
        let folder = try ScratchFolder()
        let access = BrokerAccess(folder: folder.path, gatewayUser: "gateway")
        #expect(!access.reload())
        // This process would not survive a SIGHUP; it is no mosquitto.
        for text in ["\(ProcessInfo.processInfo.processIdentifier)\n", "1\n", "0", "-1", "99999999999", "x", ""] {
            try folder.write(text, to: "mosquitto.pid")
            #expect(!access.reload(), "\(text)")
        }
    }

    /// With a real Mosquitto, where there is one: everybody gets in with the password that was hashed, reads
    /// and writes below their own name only, and is out after `reload` when they are taken away.
    @Test func theBrokerUnderstandsTheFiles() throws {
        let broker = "/usr/sbin/mosquitto"
        guard ["\(broker)", "/usr/bin/mosquitto_pub", "/usr/bin/mosquitto_sub"].allSatisfy(FileManager.default.isExecutableFile) else {
            return
        }
        let folder = try ScratchFolder()
        let access = BrokerAccess(folder: folder.path, gatewayUser: "gateway")
        let passwords = Dictionary(
            uniqueKeysWithValues: ["gateway", "elm-3", "oak-1", "maria"].map { ($0, BrokerAccess.newPassword()) })
        func hash(_ name: String) throws -> String { try BrokerAccess.hash(passwords[name] ?? "") }
        try access.write(
            homes: [("elm-3", hash("elm-3")), ("oak-1", hash("oak-1"))], helpers: [("maria", hash("maria"))],
            gatewayHash: hash("gateway"))

        let port = try freePort()
        let configuration = try folder.write(
            """
            listener \(port) 127.0.0.1
            allow_anonymous false
            password_file \(access.passwordFile)
            acl_file \(access.accessFile)
            pid_file \(access.pidFile)
            user \(NSUserName())
            log_type error
            """, to: "mosquitto.conf")
        let process = try start(broker, ["-c", configuration])
        defer {
            process.terminate()
            process.waitUntilExit()
        }

        func run(_ tool: String, _ user: String, _ arguments: [String]) throws -> Bool {
            let client = try start(
                "/usr/bin/mosquitto_\(tool)",
                ["-h", "127.0.0.1", "-p", "\(port)", "-u", user, "-P", passwords[user] ?? "wrong", "-q", "1"] + arguments)
            client.waitUntilExit()
            return client.terminationStatus == 0
        }
        func publish(_ user: String, _ topic: String) throws -> Bool { try run("pub", user, ["-t", topic, "-m", "x", "-r"]) }
        func reads(_ user: String, _ topic: String) throws -> Bool { try run("sub", user, ["-t", topic, "-C", "1", "-W", "1"]) }

        let deadline = Date().addingTimeInterval(5)
        while !(try publish("elm-3", "homes/elm-3/door")), Date() < deadline { usleep(20_000) }
        #expect(try reads("gateway", "homes/+/door"))
        #expect(try !publish("nobody", "homes/elm-3/door"))
        _ = try publish("elm-3", "homes/oak-1/door")
        #expect(try !reads("gateway", "homes/oak-1/door"))
        #expect(try !reads("oak-1", "homes/elm-3/door"))
        _ = try publish("maria", "helpers/maria/answers")
        #expect(try reads("gateway", "helpers/+/answers"))
        _ = try publish("gateway", "helpers/maria/alerts/a1")
        #expect(try reads("maria", "helpers/maria/alerts/#"))

        try access.write(homes: [("elm-3", hash("elm-3"))], helpers: [], gatewayHash: hash("gateway"))
        #expect(access.reload())
        let end = Date().addingTimeInterval(5)
        var isOut = false
        while !isOut, Date() < end { isOut = try !publish("oak-1", "homes/oak-1/door") }
        #expect(isOut)
        #expect(try publish("elm-3", "homes/elm-3/door"))
    }

    private func start(_ tool: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        // Threads of Swift's pool block all signals, and a child inherits that: a Mosquitto started from one
        // would hear neither SIGHUP nor SIGTERM.
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
        return process
    }

    private func freePort() throws -> UInt16 {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        return bound ? UInt16(bigEndian: place.sin_port) : try #require(nil as UInt16?)
    }
}
