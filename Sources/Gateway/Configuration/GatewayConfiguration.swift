import Care
import Foundation

/// All that the daemon has to be told, checked. `config/gateway.yaml` explains each key.
public struct GatewayConfiguration: Sendable, Hashable {
    /// Files for TLS to the broker, PEM.
    public struct TLS: Sendable, Hashable {
        /// The authority that signed the broker's certificate.
        public var caFile: String
        /// The gateway's own certificate and key: both or neither.
        public var certificateFile: String?
        public var keyFile: String?
        /// Nothing older is spoken with the broker.
        public var minimumVersion = TLSVersion.v1_2
    }

    public enum TLSVersion: String, CaseIterable, Sendable {
        case v1_2 = "tlsv1.2"
        case v1_3 = "tlsv1.3"
    }

    /// Where something listens.
    public struct Listener: Sendable, Hashable {
        public var host: String
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    public enum LogLevel: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// Where the database and everything else is that the gateway keeps.
    public var dataFolder = "var"
    public var mqttHost = "127.0.0.1"
    public var mqttPort = 1_883
    public var mqttUser = "gateway"
    /// Nil: the one in `loginFile`.
    public var mqttPassword: String?
    /// Subscription filters whose messages are taken as telemetry.
    public var topics = ["homes/#"]
    /// Nil: searched, see `SharedFiles`.
    public var devicesFolder: String?
    public var rulesFile: String?
    /// What citizens may accept; read from `config/consents/`.
    public var offers: [ConsentOffer] = []
    /// Nil: `mosquitto` in the data folder; see `brokerFolderUsed`.
    public var brokerFolder: String?
    /// Nil: `caring.sock` in the data folder; see `socketPathUsed`.
    public var socketPath: String?
    /// Where the metrics can be fetched over TCP; nil: only from the socket.
    public var metrics: Listener?
    /// Where services can fetch over TCP what is shared with them; nil: only from the socket.
    public var services: Listener?
    /// IANA name of the time zone of homes that name none.
    public var zone = Self.systemZone()
    /// What to call when a life is in danger: the gateway says it and never calls.
    public var emergencyNumber = "112"
    public var logLevel = "info"
    /// Nil: without TLS, which is meant for a broker on the same machine.
    public var tls: TLS?
    public var limits = Limits()
    /// How long readings are kept, where it is not what `limits` says; see `keepBounds`.
    public var retention: [Category: KeepBounds] = [:]

    public init() {}

    /// Holds the gateway's own password at the broker, made at the first start.
    public var loginFile: String { "\(dataFolder)/gateway-login" }
    /// Where the broker's users and rights are written.
    public var brokerFolderUsed: String { brokerFolder ?? "\(dataFolder)/mosquitto" }
    public var brokerPIDFile: String { "\(brokerFolderUsed)/mosquitto.pid" }
    public var socketPathUsed: String { socketPath ?? "\(dataFolder)/caring.sock" }

    /// A file that is used when it is there and no other is named.
    public static let usualFile = "config/gateway.yaml"

    /// Reads the configuration: what the command line says comes before the environment (`CARING_CONFIG`,
    /// `CARING_DATA`, `CARING_MQTT`, and `CARING_` with any other key in capitals, such as
    /// `CARING_LIMITS_HOMES_MAX`), that before the file, and that before the defaults.
    ///
    /// Other variables that begin with `CARING_` are left alone: the command line tool has some of its own.
    ///
    /// - Parameter file: the value of `--config`; likewise `data` and `mqtt`. Nil where not given.
    /// - Parameter workingFolder: what relative paths of the configuration file are relative to.
    /// - Throws: every mistake found, in order of the places.
    public static func load(
        file: String?, environment: [String: String], data: String?, mqtt: String?, workingFolder: String = "."
    ) throws(ConfigurationProblems) -> GatewayConfiguration {
        var reader = YAMLReader()
        var values: [String: YAMLValue] = [:]

        var named = file
        if named == nil, let fromEnvironment = environment["CARING_CONFIG"], !fromEnvironment.isEmpty {
            named = fromEnvironment
        }
        let usual = resolve(usualFile, in: workingFolder)
        if named == nil, FileManager.default.fileExists(atPath: usual) { named = usualFile }
        if let named, let text = reader.text(ofFile: resolve(named, in: workingFolder), shownAs: named) {
            values = ConfigurationKeys.read(yaml: text, file: named, &reader)
        }

        for key in ConfigurationKeys.all {
            let variable = ConfigurationKeys.variable(key)
            // An empty variable is how shells and service units say "not set".
            guard let text = environment[variable], !text.isEmpty else { continue }
            values[key] = ConfigurationKeys.value(key, text: text, source: variable)
        }
        if let data { values["data"] = YAMLValue(text: data, source: "--data") }
        if let mqtt { values["mqtt"] = YAMLValue(text: mqtt, source: "--mqtt") }

        var configuration = GatewayConfiguration()
        configuration.take(values, &reader)
        try reader.check()
        return configuration
    }

    private static func resolve(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") || folder == "." ? path : "\(folder)/\(path)"
    }

    /// The machine's time zone, or UTC where it has none.
    static func systemZone() -> String {
        let name = TimeZone.current.identifier
        // Foundation says GMT where nothing is set.
        return name == "GMT" || !isZoneName(name) ? "UTC" : name
    }

    static func isZoneName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (65...90).contains(first) || (97...122).contains(first),
            name.utf8.count <= 64, !name.contains(".."),
            name.unicodeScalars.allSatisfy({
                $0.isASCII && ($0.properties.isAlphabetic || (48...57).contains($0.value) || "/_+-".unicodeScalars.contains($0))
            })
        else { return false }
        return TimeZone(identifier: name) != nil
    }
}
