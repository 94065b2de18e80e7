import Care
import Gateway
import Glibc
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// Makes the text of the metrics as they are at that moment. Called from any thread.
public typealias MetricsText = @Sendable () -> String

/// `GET /metrics`. Whoever reaches it may read it: it names nobody. It does not ask the thread of the turns, so that
/// it also answers while that hangs.
func addMetrics<Context: RequestContext>(to router: Router<Context>, _ metrics: @escaping MetricsText) {
    router.get("/metrics") { _, _ in
        Response(
            status: .ok, headers: [.contentType: PrometheusRegistry.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: metrics())))
    }
}

/// `/metrics` over TCP, for a Prometheus that fetches it. Nothing else is served here.
public struct MetricsServer: Service {
    /// Connections at the same time; a Prometheus keeps one.
    static let connectionsMax = 16
    static let idleSecondsMax: Int64 = 120

    let listener: GatewayConfiguration.Listener
    let metrics: MetricsText
    let logger: Logger
    let onListening: @Sendable (_ port: Int) async -> Void

    /// - Parameter onListening: called once, with the port.
    public init(
        listener: GatewayConfiguration.Listener, metrics: @escaping MetricsText, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.listener = listener
        self.metrics = metrics
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: `WebServerError` with a sentence to show when the port cannot be had.
    public func run() async throws {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        addMetrics(to: router, metrics)
        // Hummingbird announces the port in a sentence of its own.
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        let application = Application(
            router: router,
            server: .http1(configuration: .init(idleTimeout: .seconds(Self.idleSecondsMax))),
            configuration: ApplicationConfiguration(
                address: .hostname(listener.host, port: listener.port),
                availableConnectionsDelegate: .maximum(Self.connectionsMax, logger: quiet)),
            onServerRunning: { channel in
                logger.info("The metrics can be fetched.", metadata: ["at": "\(shown)"])
                await onListening(channel.localAddress?.port ?? listener.port)
            },
            logger: quiet)
        do {
            try await serve(application)
        } catch let error as IOError {
            throw listener.problem(error.errnoCode, what: "The metrics", key: "metrics")
        } catch is SocketAddressError.UnknownHost {
            throw listener.unknownHost(what: "the metrics", key: "metrics")
        }
    }

    private var shown: String { listener.shown }
}

extension GatewayConfiguration.Listener {
    var shown: String { safeText(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)") }

    /// Why it cannot be listened there.
    ///
    /// - Parameter key: in the configuration.
    func problem(_ code: Int32, what: String, key: String) -> WebServerError {
        switch code {
        case EADDRINUSE:
            WebServerError("\(what) belong on \(shown) and something else listens there: stop it, or set \u{201C}\(key)\u{201D} in the configuration to another port.")
        case EADDRNOTAVAIL:
            WebServerError("\(what) belong on \(shown), which is no address of this machine: correct \u{201C}\(key)\u{201D} in the configuration.")
        case EACCES:
            WebServerError("The gateway may not listen on \(shown): set \u{201C}\(key)\u{201D} in the configuration to a port from 1024 on.")
        default:
            WebServerError("\(what) cannot be served on \(shown) (\(String(cString: strerror(code)))): correct \u{201C}\(key)\u{201D} in the configuration.")
        }
    }

    func unknownHost(what: String, key: String) -> WebServerError {
        WebServerError("There is no host \(safeText(host)) on which \(what) could be served: correct \u{201C}\(key)\u{201D} in the configuration.")
    }
}
