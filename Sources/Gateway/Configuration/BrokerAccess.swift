import Care
import Crypto
import CryptoExtras
import Foundation

/// Why the broker's users could not be written.
public struct BrokerAccessProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// One plain sentence; it holds no password and no hash.
    public var sentence: String
    public var description: String { sentence }
}

/// The broker's users and what each may publish and read: two files that Mosquitto reads at its start and
/// when it is told to (`reload`).
///
/// They hold no password, only hashes, and are readable by nobody but the user who runs gateway and broker.
public struct BrokerAccess: Sendable {
    public var folder: String
    public var gatewayUser: String

    public var passwordFile: String { "\(folder)/passwords" }
    public var accessFile: String { "\(folder)/acl" }
    public var pidFile: String { "\(folder)/mosquitto.pid" }

    public init(folder: String, gatewayUser: String) {
        self.folder = folder
        self.gatewayUser = gatewayUser
    }

    // MARK: Passwords

    /// A password to be read from a screen and typed: six groups of four characters, such as
    /// `k7mq-x2dh-…`, none of which looks like another. 24 characters of 31 are 118 bits.
    public static func newPassword() -> String {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
        var source = SystemRandomNumberGenerator()
        let groups = (0..<6).map { _ in
            String((0..<4).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &source)] })
        }
        return groups.joined(separator: "-")
    }

    /// What Mosquitto 2 writes for a password: `$7$101$salt$hash`, PBKDF2 with SHA-512 and a new salt of
    /// 12 bytes, both in Base64.
    ///
    /// 101 rounds, Mosquitto's own default, are few; the passwords of `newPassword` cannot be guessed at
    /// any number of them, and the broker repeats the work at every login.
    public static func hash(_ password: String) throws(BrokerAccessProblem) -> String {
        var source = SystemRandomNumberGenerator()
        return try hash(password, salt: (0..<12).map { _ in UInt8.random(in: .min ... .max, using: &source) }, rounds: 101)
    }

    static func hash(_ password: String, salt: [UInt8], rounds: Int) throws(BrokerAccessProblem) -> String {
        do {
            let key = try KDF.Insecure.PBKDF2.deriveKey(
                from: Array(password.utf8), salt: salt, using: .sha512, outputByteCount: 64,
                unsafeUncheckedRounds: rounds)
            let bytes = key.withUnsafeBytes { Data($0) }
            return "$7$\(rounds)$\(Data(salt).base64EncodedString())$\(bytes.base64EncodedString())"
        } catch {
            throw BrokerAccessProblem(sentence: "A password could not be hashed; there may not be enough memory.")
        }
    }

    // MARK: Files

    /// Replaces both files. A crash leaves each of them as it was or as it will be, never half of it.
    ///
    /// - Parameter homes: names and hashes, in any order; likewise `helpers`, coordinators among them, and `services`.
    /// - Throws: before anything is changed where a name or a hash cannot be used.
    public func write(
        homes: [(name: String, hash: String)], helpers: [(name: String, hash: String)], services: [(name: String, hash: String)] = [], gatewayHash: String
    ) throws(BrokerAccessProblem) {
        let users = [(name: gatewayUser, hash: gatewayHash)] + homes + helpers + services
        var seen: Set<String> = []
        for user in users {
            // A name with `:` or a line's end would make users of its own, one with `+` or `#` rights.
            guard isUsableName(user.name) else {
                throw BrokerAccessProblem(
                    sentence: "\(quoted(user.name)) cannot be a user at the broker; use 1 to 40 of a-z, 0-9 and -.")
            }
            guard seen.insert(user.name).inserted else {
                throw BrokerAccessProblem(
                    sentence: "\(quoted(user.name)) is the name of two users at the broker; rename one of them.")
            }
            guard Self.isHash(user.hash) else {
                throw BrokerAccessProblem(
                    sentence: "The password of \(quoted(user.name)) is not kept as the broker needs it; give out a new one.")
            }
        }
        try makeFolder()
        // Rights first: a user who is new has them when the broker first lets them in.
        let rights = accessText(homes: homes.map(\.name), helpers: helpers.map(\.name), services: services.map(\.name))
        let passwords = users.sorted { $0.name < $1.name }.map { "\($0.name):\($0.hash)\n" }.joined()
        try AtomicFile.write(rights, to: accessFile)
        try AtomicFile.write(passwords, to: passwordFile)
    }

    /// Everybody writes and reads below their own name and nowhere else; who has no login has no rights.
    func accessText(homes: [String], helpers: [String], services: [String] = []) -> String {
        var text = """
            # Written by caringd; what is changed by hand is lost.

            user \(gatewayUser)
            topic readwrite homes/#
            topic readwrite helpers/#
            topic readwrite gateway/#
            topic write shared/#

            """
        for home in homes.sorted() { text += "\nuser \(home)\ntopic readwrite homes/\(home)/#\n" }
        for helper in helpers.sorted() {
            text += "\nuser \(helper)\ntopic read helpers/\(helper)/alerts/#\ntopic write helpers/\(helper)/answers\n"
        }
        for service in services.sorted() { text += "\nuser \(service)\ntopic read shared/\(service)/#\n" }
        return text
    }

    private static func isHash(_ hash: String) -> Bool {
        let parts = hash.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "7", let rounds = Int(parts[2]), rounds > 0,
            hash.utf8.allSatisfy({ (33...126).contains($0) })
        else { return false }
        return Data(base64Encoded: String(parts[3]))?.count == 12 && Data(base64Encoded: String(parts[4]))?.count == 64
    }

    private func makeFolder() throws(BrokerAccessProblem) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw BrokerAccessProblem(sentence: "The folder \(folder) cannot be made; check who may write there.")
        }
    }

    // MARK: The broker

    /// Tells the broker to read the files again, which also ends the sessions of users who are gone.
    ///
    /// - Returns: whether a broker was told. False where there is no `mosquitto.pid`, or where the process
    ///   of that number is none: its number may long have been given to another.
    @discardableResult
    public func reload() -> Bool {
        guard let text = try? String(contentsOfFile: pidFile, encoding: .utf8),
            let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), pid > 1,
            let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8),
            name.trimmingCharacters(in: .newlines) == "mosquitto"
        else { return false }
        return kill(pid, SIGHUP) == 0
    }
}
