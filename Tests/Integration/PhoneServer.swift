import Foundation
import Synchronization

/// The server of a phone: answers every POST with 200 and remembers it.
final class PhoneServer: Sendable {
    let port: UInt16
    private let socket: Int32
    private let heard = Mutex<[String]>([])
    var requests: [String] { heard.withLock { $0 } }
    var address: String { "http://127.0.0.1:\(port)/maria" }

    init() throws {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 16) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard socket >= 0, isBound else { throw Failure(description: "No port for a phone's server.") }
        self.socket = socket
        port = UInt16(bigEndian: place.sin_port)
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { return }
                serve(connection)
            }
        }
    }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while !isWhole(text) {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        heard.withLock { $0.append(text) }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        _ = send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
    }

    private func isWhole(_ text: String) -> Bool {
        guard let end = text.range(of: "\r\n\r\n") else { return false }
        let length = text[..<end.lowerBound].components(separatedBy: "\r\n").lazy
            .filter { $0.lowercased().hasPrefix("content-length:") }
            .compactMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }.first
        return text[end.upperBound...].utf8.count >= length ?? 0
    }
}
