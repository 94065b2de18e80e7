import AsyncHTTPClient
import Care
import Foundation
import Gateway

extension Connection {
    enum Exported {
        case done(bytes: UInt64, sentences: [String])
        /// It was not allowed or could not begin.
        case reply(Reply)
    }

    private struct SaidExport: Encodable {
        var command: Command
        var `as`: String?
        var by: String?
    }

    /// Gateways that stand still for longer are given up.
    static let exportSecondsMax: Int64 = 1_800

    /// Asks for one's data and hands on each frame of them as it comes.
    func export(_ citizen: String?, as person: String?, by delegate: String?, _ take: (ExportFrame) throws -> Void) async throws -> Exported {
        try refuseIfNobodyListens()
        guard let url = URL(httpURLWithSocketPath: socketPath, uri: "/v1/export"),
            let said = try? JSONEncoder().encode(SaidExport(command: .dataExport(citizen: citizen), as: person, by: delegate))
        else { throw lost("it cannot be asked this") }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(said)
        var frames = FrameReader()
        do {
            let response = try await Connection.client.execute(request, timeout: .seconds(Self.exportSecondsMax))
            guard response.headers.first(name: "content-type") == "application/vnd.caring.export" else {
                let body = try await response.body.collect(upTo: 1 << 20)
                guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(body.readableBytesView)) else {
                    throw GatewayProblem(sentence: "The gateway does not know how to export data: see that both are of the same version.", mayPass: false)
                }
                return .reply(reply)
            }
            for try await buffer in response.body {
                frames.append(Array(buffer.readableBytesView))
                while let frame = try frames.next() {
                    try take(frame)
                    if case .end(let bytes, let sentences) = frame { return .done(bytes: bytes, sentences: sentences) }
                }
            }
        } catch let problem as GatewayProblem {
            throw problem
        } catch {
            throw lost("\(error)")
        }
        throw lost("the export broke off; nothing was kept")
    }
}

/// Puts frames together again.
struct FrameReader {
    private var bytes: [UInt8] = []
    private var position = 0

    mutating func append(_ more: [UInt8]) {
        bytes.removeFirst(position)
        position = 0
        bytes += more
    }

    /// Nil until another one is there whole.
    mutating func next() throws -> ExportFrame? {
        guard bytes.count - position >= ExportFrame.headBytes else { return nil }
        let length = bytes[position + 1...position + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= ExportFrame.bytesMax else { throw Self.noFrame }
        let start = position + ExportFrame.headBytes
        guard bytes.count - start >= length else { return nil }
        guard let frame = ExportFrame(letter: bytes[position], body: Array(bytes[start..<start + length])) else { throw Self.noFrame }
        position = start + length
        return frame
    }

    private static let noFrame = GatewayProblem(
        sentence: "What the gateway sent is no export: see that both are of the same version.", mayPass: false)
}
