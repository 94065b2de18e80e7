import Care
import Foundation
import Gateway
import Hummingbird
import NIOCore

/// The body of `POST /v1/commands`.
struct Said: Decodable {
    var command: Command
    var actingAs: PersonID?
    var delegate: PersonID?

    enum CodingKeys: String, CodingKey {
        case command
        case actingAs = "as"
        case delegate = "by"
    }
}

/// Far above any command; what is longer is a mistake.
let commandBytesMax = 256 * 1024

/// Everything that can be asked for over HTTP.
func makeRouter(_ answering: Answering, _ metrics: @escaping MetricsText, exporter: (any DataExporter)? = nil) -> Router<PeerContext> {
    let router = Router(context: PeerContext.self)
    router.add(middleware: ErrorsAsReplies())
    router.post("/v1/commands") { request, context in
        // Who calls comes before what they say: a stranger's text is not even read.
        guard let uid = await context.peerUID() else { return strangerResponse }
        let said: Said
        switch await read(request) {
        case .success(let value): said = value
        case .failure(let problem): return response(.failed(problem.sentence), problem.status)
        }
        return response(await answering.answer(said.command, by: Caller(uid: uid, actingAs: said.actingAs, delegate: said.delegate)))
    }
    // The same as the command `status`, for a person with curl.
    router.get("/v1/status") { _, context in
        guard let uid = await context.peerUID() else { return strangerResponse }
        return response(await answering.answer(.status, by: Caller(uid: uid)))
    }
    if let exporter { addExport(to: router, answering, exporter) }
    addMetrics(to: router, metrics)
    addServices(to: router, answering)
    return router
}

struct ReadingProblem: Error {
    var status: HTTPResponse.Status
    var sentence: String
}

func read(_ request: Request) async -> Result<Said, ReadingProblem> {
    let body: ByteBuffer
    do {
        body = try await request.body.collect(upTo: commandBytesMax)
    } catch is NIOTooManyBytesError {
        return .failure(
            ReadingProblem(
                status: .contentTooLarge,
                sentence: "A command may have \(commandBytesMax / 1024) KiB and this one has more: shorten it."))
    } catch {
        return .failure(
            ReadingProblem(status: .badRequest, sentence: "The command did not arrive whole: send it again."))
    }
    do {
        let said = try JSONDecoder().decode(Said.self, from: Data(body.readableBytesView))
        for person in [said.actingAs, said.delegate].compactMap({ $0 }) where !isUsableName(person.name) {
            return .failure(
                ReadingProblem(
                    status: .badRequest,
                    sentence: "\"\(safeText(person.name, charactersMax: 60))\" cannot be anybody's name: "
                        + "after \"as\" belongs a name of a-z, 0-9 and -."))
        }
        return .success(said)
    } catch {
        return .failure(
            ReadingProblem(
                status: .badRequest,
                sentence: "This is no command that the gateway knows (\(safeText(explain(error)))): "
                    + "send {\"command\": {\"status\": {}}} or another one in this form."))
    }
}

/// Where in the text it went wrong, without quoting the text.
private func explain(_ error: any Error) -> String {
    func at(_ path: [any CodingKey]) -> String {
        path.isEmpty ? "at the beginning" : "at " + path.map(\.stringValue).joined(separator: ".")
    }
    return switch error as? DecodingError {
    case .keyNotFound(let key, let context): "\"\(key.stringValue)\" is missing \(at(context.codingPath))"
    case .typeMismatch(_, let context): "a value of another kind belongs \(at(context.codingPath))"
    case .valueNotFound(_, let context): "a value is missing \(at(context.codingPath))"
    case .dataCorrupted(let context) where context.codingPath.isEmpty: "it is not JSON"
    case .dataCorrupted(let context): "nothing that is known stands \(at(context.codingPath))"
    case nil: "it cannot be read"
    @unknown default: "it cannot be read"
    }
}

var strangerResponse: Response {
    response(
        .refused(
            "The gateway cannot tell which user of this machine you are: call it from this machine, "
                + "outside of containers with users of their own."))
}

func response(_ reply: Reply, _ status: HTTPResponse.Status? = nil) -> Response {
    let statusOfOutcome: HTTPResponse.Status =
        switch reply.outcome {
        case .done: .ok
        case .refused: .forbidden
        case .failed: .unprocessableContent
        }
    return Response(
        status: status ?? statusOfOutcome,
        // What it says is about people: nothing on the way may keep it.
        headers: [.contentType: "application/json", .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: reply.json.text + "\n")))
}

extension Reply {
    /// The reply as it goes over the wire. By hand, so that the keys keep their order and the same reply is
    /// the same text.
    var json: JSON {
        var members: [JSON.Member] = [
            .init("outcome", .string(outcome.rawValue)), .init("say", .strings(say)),
            .init("items", .array(items)),
        ]
        if let next { members.append(.init("next", .int(next))) }
        return .object(members)
    }
}

/// What Hummingbird answers by itself, e.g. to an unknown address, in the form of everything else.
private struct ErrorsAsReplies: RouterMiddleware {
    func handle(
        _ request: Request, context: PeerContext,
        next: (Request, PeerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            return response(
                .failed("There is nothing here: use POST /v1/commands, POST /v1/export, GET /v1/status, GET /metrics or GET /services/…."), error.status)
        }
    }
}
