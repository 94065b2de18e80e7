import ArgumentParser
import Care
import CoreMetrics
import Devices
import Foundation
import Gateway
import Logging
import ServiceLifecycle
import Store
import Web

/// The daemon: reads its configuration, puts the services together, runs them.
@main
struct Caringd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caringd",
        abstract: "Takes in what connected devices say, asks consent, and calls helpers.",
        discussion: """
            Without options it keeps its data in var/ and looks for the broker on 127.0.0.1:1883. Each option can also \
            be given as an environment variable (CARING_CONFIG, CARING_DATA, CARING_MQTT) and in the configuration file; \
            the command line comes first, then the environment, then the file.
            """)

    @Option(help: "The configuration file; config/gateway.yaml if that is there.")
    var config: String?

    @Option(help: "The folder for everything that is kept.")
    var data: String?

    @Option(help: "The broker, as HOST:PORT.")
    var mqtt: String?

    @Flag(help: "Say what is wrong with the configuration, the rules and the device profiles, and exit.")
    var checkConfig = false

    func run() async throws {
        let (settings, rules, catalogue) = try load()
        if checkConfig {
            print("The configuration is good: \(rules.rules.count) rules.")
            return
        }
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let log = Logger(label: "caringd")
        let lock = try locked(settings.dataFolder)
        defer { withExtendedLifetime(lock) {} }

        // Another back end of swift-metrics could be put in here; then nothing is said on /metrics.
        let registry = PrometheusRegistry(describing: GatewayMetrics.descriptions)
        MetricsSystem.bootstrap(registry)
        let metrics = GatewayMetrics(home: HomeHash(folder: settings.dataFolder, log: log))
        let text: MetricsText = {
            metrics.refresh()
            return registry.text()
        }
        let gateway = GatewayService(configuration: settings, rules: rules, catalogue: catalogue, metrics: metrics, log: log)
        let web = WebServer(path: settings.socketPathUsed, performer: gateway, exporter: gateway, metrics: text, logger: log)
        var running: [any Service] = [gateway, web]
        if let listener = settings.metrics {
            // First the port: where it is taken, nothing else is begun.
            let gate = Gate()
            let server = MetricsServer(listener: listener, metrics: text, logger: log) { _ in gate.open() }
            running = [server] + running.map { AfterGate(gate: gate, service: $0) }
        }
        if let listener = settings.services {
            let gate = Gate()
            let server = ServicesServer(listener: listener, performer: gateway, logger: log) { _ in gate.open() }
            running = [server] + running.map { AfterGate(gate: gate, service: $0) }
        }
        var services = ServiceGroupConfiguration(
            services: running.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup, failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
        // SIGTERM ends the daemon within five seconds, whatever a client still waits for.
        services.maximumGracefulShutdownDuration = .seconds(4)
        do {
            try await ServiceGroup(configuration: services).run()
        } catch {
            if let error = error as? StoreError { log.error("The gateway could not start.", metadata: ["detail": "\(error.detail)"]) }
            throw failure("\(error)")
        }
    }

    private func load() throws -> (GatewayConfiguration, RuleBook, Catalogue) {
        do {
            var settings = try GatewayConfiguration.load(
                file: config, environment: ProcessInfo.processInfo.environment, data: data, mqtt: mqtt)
            let files = SharedFiles()
            let rules = try RuleBook.load(file: try files.rulesFile(settings))
            let catalogue = try Catalogue.load(folder: try files.devicesFolder(settings))
            if let folder = files.consentsFolder() { settings.offers = try ConsentOffers.load(folder: folder) }
            return (settings, rules, catalogue)
        } catch {
            throw failure("\(error)")
        }
    }

    private func locked(_ folder: String) throws -> FolderLock {
        do { return try FolderLock(folder: folder) } catch { throw failure("\(error)") }
    }

    /// One plain sentence on standard error and exit code 1, instead of ArgumentParser's usage text.
    private func failure(_ sentence: String) -> ExitCode {
        FileHandle.standardError.write(Data((sentence + "\n").utf8))
        return ExitCode(1)
    }
}
