import Care
import Gateway
import Hummingbird
import NIOCore

/// `POST /v1/export`: the data of whoever asks, as frames (`ExportFrame`). Said like a command, allowed like one, and
/// written down like one; only the answer is streamed.
func addExport(to router: Router<PeerContext>, _ answering: Answering, _ exporter: any DataExporter) {
    router.post("/v1/export") { request, context in
        guard let uid = await context.peerUID() else { return strangerResponse }
        let said: Said
        switch await read(request) {
        case .success(let value): said = value
        case .failure(let problem): return response(.failed(problem.sentence), problem.status)
        }
        guard case .dataExport = said.command else {
            return response(.failed("Only data are exported here: send {\"command\": {\"dataExport\": {}}}."), .badRequest)
        }
        let reply = await answering.answer(said.command, by: Caller(uid: uid, actingAs: said.actingAs, delegate: said.delegate))
        guard reply.outcome == .done else { return response(reply) }
        guard let order = ExportOrder(reply), let stream = exporter.export(order) else {
            return response(.failed("Others take their data along at this moment, or the gateway is stopping: try again in a few minutes."), .serviceUnavailable)
        }
        let body = ResponseBody { writer in
            // Whoever goes away in between must not hold the snapshot.
            defer { stream.abandon() }
            try await withTaskCancellationHandler {
                while let frame = await stream.next() { try await writer.write(ByteBuffer(bytes: frame.encoded)) }
            } onCancel: {
                stream.abandon()
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/vnd.caring.export", .cacheControl: "no-store"], body: body)
    }
}
