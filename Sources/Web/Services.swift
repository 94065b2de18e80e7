import Care
import Gateway
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// `GET /services/<service>/<citizen>/<quantity>?since=…&after=…&limit=…`: what is shared with a service, known by its token
/// (`Authorization: Bearer …`) and not by where it calls from.
func addServices<Context: RequestContext>(to router: Router<Context>, _ answering: Answering) {
    router.get("/services/:service/:citizen/:quantity") { request, context in
        let asked = request.uri.queryParameters
        func text(_ key: Substring) -> String? { asked[key].map { String($0) } }
        let query = FeedQuery(
            service: context.parameters.get("service") ?? "", citizen: context.parameters.get("citizen") ?? "", quantity: context.parameters.get("quantity") ?? "",
            since: text("since"), after: text("after"), limit: text("limit"), token: token(request))
        // Nobody of this machine: the token decides.
        return lines(await answering.answer(.service(.fetch(query)), by: Caller(uid: .max)))
    }
    // Figures over many: ?quantity=…&by=day&area=circle&since=DAY
    router.get("/services/:service/figures") { request, context in
        let asked = request.uri.queryParameters
        guard asked["by"].map({ $0 == "day" }) ?? true else { return response(.failed("Figures are by day: leave \u{201C}by\u{201D} out, or write by=day.")) }
        guard asked["area"].map({ $0 == "circle" }) ?? true else { return response(.failed("The only area is area=circle.")) }
        let query = FiguresQuery(
            service: context.parameters.get("service") ?? "", quantity: asked["quantity"].map { String($0) }, byCircle: asked["area"] != nil,
            since: asked["since"].map { String($0) }, token: token(request))
        return lines(await answering.answer(.service(.figures(query)), by: Caller(uid: .max)))
    }
}

/// Each item on a line; refused is 401 here, as nobody is known but by their token.
private func lines(_ reply: Reply) -> Response {
    guard reply.outcome == .done else {
        var refusal = response(reply, reply.outcome == .refused ? .unauthorized : nil)
        if reply.outcome == .refused { refusal.headers[.wwwAuthenticate] = "Bearer" }
        return refusal
    }
    return Response(
        status: .ok, headers: [.contentType: "application/jsonl", .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: reply.items.map { $0.text + "\n" }.joined())))
}

private func token(_ request: Request) -> String {
    let parts = (request.headers[.authorization] ?? "").split(separator: " ")
    return parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : ""
}

/// What is shared with services over TCP, without TLS: on this machine, or behind something that adds it. Nothing else is served here.
public struct ServicesServer: Service {
    /// Connections at the same time.
    static let connectionsMax = 64
    static let idleSecondsMax: Int64 = 60

    let listener: GatewayConfiguration.Listener
    let performer: any CommandPerformer
    let logger: Logger
    let onListening: @Sendable (_ port: Int) async -> Void

    /// - Parameter onListening: called once, with the port.
    public init(
        listener: GatewayConfiguration.Listener, performer: any CommandPerformer, logger: Logger, onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.listener = listener
        self.performer = performer
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: `WebServerError` with a sentence to show when the port cannot be had.
    public func run() async throws {
        let router = Router(context: BasicRequestContext.self)
        addServices(to: router, Answering(performer: performer))
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        let application = Application(
            router: router, server: .http1(configuration: .init(idleTimeout: .seconds(Self.idleSecondsMax))),
            configuration: ApplicationConfiguration(
                address: .hostname(listener.host, port: listener.port), availableConnectionsDelegate: .maximum(Self.connectionsMax, logger: quiet)),
            onServerRunning: { channel in
                logger.info("Services can fetch what is shared with them.", metadata: ["at": "\(listener.shown)"])
                await onListening(channel.localAddress?.port ?? listener.port)
            },
            logger: quiet)
        do {
            try await serve(application)
        } catch let error as IOError {
            throw listener.problem(error.errnoCode, what: "Services", key: "services")
        } catch is SocketAddressError.UnknownHost {
            throw listener.unknownHost(what: "services", key: "services")
        }
    }
}
