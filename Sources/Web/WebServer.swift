import Care
import Gateway
import Hummingbird
import Logging
import ServiceLifecycle

/// The gateway's front door: HTTP on a Unix domain socket of this machine.
///
/// There is no port. Who calls is known from the kernel (`Peer.swift`), so there is no password to lose,
/// and who may call at all is said by the socket's group.
public struct WebServer: Service {
    /// Connections at the same time; further ones wait in the kernel's queue until one closes.
    static let connectionsMax = 256
    /// A connection without a request, or with one that does not get on, is closed after this long. A
    /// request that has been read is never timed out here: an `alertWatch` may take 30 s.
    static let idleSecondsMax: Int64 = 60
    /// After this the stop waits for no connection any more. With `Answering.stopGraceMilliseconds` before
    /// it, the whole stays below three seconds.
    static let stopMillisecondsMax = 2_200

    let path: String
    let performer: any CommandPerformer
    let exporter: (any DataExporter)?
    let metrics: MetricsText
    let logger: Logger
    let onListening: @Sendable () async -> Void

    /// - Parameters:
    ///   - path: where the socket goes, e.g. `var/caring.sock`. Its folder must exist.
    ///   - performer: answers every command.
    ///   - exporter: writes what people take along; nil: nobody can.
    ///   - metrics: what `/metrics` says.
    ///   - onListening: called once, when the socket is in its place with its final mode.
    public init(
        path: String, performer: any CommandPerformer, exporter: (any DataExporter)? = nil, metrics: @escaping MetricsText, logger: Logger,
        onListening: @escaping @Sendable () async -> Void = {}
    ) {
        self.path = path
        self.performer = performer
        self.exporter = exporter
        self.metrics = metrics
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: `WebServerError` with a sentence to show when the socket cannot be had.
    public func run() async throws {
        let place = try await SocketPlace.claim(path)
        defer { place.leave() }
        let application = makeApplication(place)
        do {
            try await serve(application)
        } catch {
            throw place.problem ?? error
        }
    }

    private func makeApplication(_ place: SocketPlace) -> some ApplicationProtocol {
        // Hummingbird would announce the path at which the socket is born, not the one at which it lives.
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        return Application(
            router: makeRouter(Answering(performer: performer), metrics, exporter: exporter),
            server: .http1(configuration: .init(idleTimeout: .seconds(Self.idleSecondsMax))),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: place.birthPath),
                availableConnectionsDelegate: .maximum(Self.connectionsMax, logger: quiet)),
            onServerRunning: { channel in
                if place.open() {
                    logger.info("The gateway listens.", metadata: ["socket": "\(safeText(place.path))"])
                    await onListening()
                } else {
                    channel.close(promise: nil)
                }
            },
            logger: quiet)
    }
}

/// Runs it until graceful shutdown and not much longer, whatever a client still waits for.
func serve(_ application: some ApplicationProtocol) async throws {
    do {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: .milliseconds(WebServer.stopMillisecondsMax))
            }
            // Whichever ends first: the server, or its time to stop.
            try await group.next()
            group.cancelAll()
        }
    } catch {
        // What is left of a connection when its time is over is no failure of the server.
        if !Task.isShuttingDownGracefully { throw error }
    }
}

/// Why the socket or the port could not be had, as one sentence that says what to do.
public struct WebServerError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
