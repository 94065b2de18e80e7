import Care
import Crypto
import Foundation
import Logging

/// What a home is called in the metrics: not its name, and nothing that a list of names could be matched with.
public struct HomeHash: Sendable {
    static let fileName = "metrics-key"
    private static let keyBytes = 32
    private let key: SymmetricKey

    /// With a key of its own, for this run only.
    public init() { key = SymmetricKey(size: .bits256) }

    /// With the key in `folder`, made at the first start (mode 0600). Where it can be neither read nor written the
    /// names change with each start, which the log says.
    public init(folder: String, log: Logger) {
        let file = "\(folder)/\(Self.fileName)"
        if let kept = try? String(contentsOfFile: file, encoding: .utf8), let bytes = Self.bytes(kept) {
            key = SymmetricKey(data: bytes)
            return
        }
        key = SymmetricKey(size: .bits256)
        do {
            let text = key.withUnsafeBytes { bytes in bytes.map(Self.hex).joined() }
            try AtomicFile.write(text + "\n", to: file)
        } catch {
            log.warning("The key for the homes in the metrics could not be kept; they are called something else after a restart.", metadata: ["error": "\(error)"])
        }
    }

    /// Twelve hexadecimal digits.
    public func callAsFunction(_ home: HomeID) -> String {
        HMAC<SHA256>.authenticationCode(for: Data(home.name.utf8), using: key).prefix(6).map(Self.hex).joined()
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }

    /// Nil unless it is what was written.
    private static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.trimmingCharacters(in: .whitespacesAndNewlines).utf8)
        guard digits.count == 2 * keyBytes else { return nil }
        var bytes: [UInt8] = []
        for i in stride(from: 0, to: digits.count, by: 2) {
            guard digits[i] != UInt8(ascii: "+"), let byte = UInt8(String(decoding: digits[i...i + 1], as: UTF8.self), radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
