import Foundation
import Synchronization

/// An HTTP server of a few lines on a free port of 127.0.0.1: answers each request with the same bytes,
/// or never, and remembers what it was sent.
final class TinyServer: Sendable {
    private struct State {
        var requests: [String] = []
        var open = 0
        var openMost = 0
        var held: [Int32] = []
    }
    let port: UInt16
    private let socket: Int32
    private let state = Mutex(State())

    var requests: [String] { state.withLock(\.requests) }
    /// The most requests that were in work at the same time.
    var openMost: Int { state.withLock(\.openMost) }
    var address: String { "http://127.0.0.1:\(port)/topic" }

    /// - Parameter answer: nil: hangs.
    init(answer: String?, after milliseconds: UInt32 = 0) throws {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 64) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard socket >= 0, bound else { throw POSIXError(.EADDRNOTAVAIL) }
        self.socket = socket
        port = UInt16(bigEndian: place.sin_port)
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { self.serve(connection, answer, milliseconds) }
            }
        }
    }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
        for connection in state.withLock({ $0.held }) { close(connection) }
    }

    private func serve(_ connection: Int32, _ answer: String?, _ milliseconds: UInt32) {
        state.withLock {
            $0.open += 1
            $0.openMost = max($0.openMost, $0.open)
        }
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isWhole(text) {
            let n = recv(connection, &buffer, buffer.count, 0)
            guard n > 0 else { break }
            text += String(decoding: buffer[..<n], as: UTF8.self)
        }
        usleep(milliseconds * 1_000)
        state.withLock {
            $0.requests.append(text)
            $0.open -= 1
            if answer == nil { $0.held.append(connection) }
        }
        guard let answer else { return }
        _ = send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
        close(connection)
    }

    private func isWhole(_ text: String) -> Bool {
        guard let end = text.range(of: "\r\n\r\n") else { return false }
        let lengths = text[..<end.lowerBound].components(separatedBy: "\r\n").compactMap { line -> Int? in
            line.lowercased().hasPrefix("content-length:") ? Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) : nil
        }
        return text[end.upperBound...].utf8.count >= (lengths.first ?? 0)
    }
}
