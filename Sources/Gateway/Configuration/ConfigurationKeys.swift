import Care
import Foundation

/// The keys of `config/gateway.yaml`, flat: `tls.ca_file` is `ca_file` under `tls`.
enum ConfigurationKeys {
    static let plain = [
        "data", "mqtt", "mqtt_user", "mqtt_password", "topics", "devices", "rules", "broker", "socket", "metrics", "services",
        "zone", "emergency_number", "log_level",
    ]
    static let tls = ["ca_file", "certificate_file", "key_file", "minimum_version"]
    static let limits = Limits.table.map(\.key)
    static let retention = ["default", "least", "most", "then"]
    static let all = plain + tls.map { "tls.\($0)" } + limits.map { "limits.\($0)" }
        + Category.allCases.flatMap { category in retention.map { "retention.\(category.rawValue).\($0)" } }

    /// `tls.ca_file`: `CARING_TLS_CA_FILE`.
    static func variable(_ key: String) -> String {
        "CARING_" + key.uppercased().replacing(".", with: "_")
    }

    /// In a variable a list is separated by commas.
    static func value(_ key: String, text: String, source: String) -> YAMLValue {
        guard key == "topics" else { return YAMLValue(text: text, source: source) }
        let items = text.split(separator: ",").map { YAMLValue(text: $0.trimmingCharacters(in: .whitespaces), source: source).node }
        return YAMLValue(node: .sequence(.init(items)), source: source)
    }

    /// The file's values by flat key. A key without a value keeps its default, as in a file in which the
    /// text after the colon was deleted.
    static func read(yaml: String, file: String, _ reader: inout YAMLReader) -> [String: YAMLValue] {
        guard let root = reader.root(of: yaml, file: file) else { return [:] }
        if root.isEmpty { return [:] }
        var values = reader.mapping(root, what: "this file", keys: plain + ["tls", "limits", "retention"]).filter { !$0.value.isEmpty }
        for (group, keys) in [("tls", tls), ("limits", limits)] {
            guard let value = values.removeValue(forKey: group) else { continue }
            for (key, value) in reader.mapping(value, what: "\u{201C}\(group)\u{201D}", keys: keys) where !value.isEmpty {
                values["\(group).\(key)"] = value
            }
        }
        if let value = values.removeValue(forKey: "retention") {
            for (category, value) in reader.mapping(value, what: "\u{201C}retention\u{201D}", keys: Category.allCases.map(\.rawValue)) where !value.isEmpty {
                for (key, value) in reader.mapping(value, what: "\u{201C}retention.\(category)\u{201D}", keys: retention) where !value.isEmpty {
                    values["retention.\(category).\(key)"] = value
                }
            }
        }
        return values
    }
}

extension YAMLValue {
    /// Nothing but a key or a comment.
    var isEmpty: Bool {
        if case .scalar(let scalar) = node { scalar.style == .plain && ["", "~", "null"].contains(scalar.string) } else { false }
    }
}

extension GatewayConfiguration {
    /// Takes over the values that are well, and notes the others.
    mutating func take(_ values: [String: YAMLValue], _ reader: inout YAMLReader) {
        func path(_ key: String, _ what: String) -> String? {
            values[key].flatMap { reader.path($0, what) }
        }
        dataFolder = path("data", "a folder") ?? dataFolder
        devicesFolder = path("devices", "a folder")
        rulesFile = path("rules", "a file")
        brokerFolder = path("broker", "a folder")
        socketPath = path("socket", "a path")
        if let value = values["mqtt"], let (host, port) = reader.hostAndPort(value, usualPort: 1_883) { (mqttHost, mqttPort) = (host, port) }
        metrics = values["metrics"].flatMap { reader.hostAndPort($0, usualPort: 9_464) }.map { Listener(host: $0.0, port: $0.1) }
        services = values["services"].flatMap { reader.hostAndPort($0, usualPort: 9_465) }.map { Listener(host: $0.0, port: $0.1) }
        if let value = values["mqtt_user"], let user = reader.name(value, "the gateway's user at the broker") {
            mqttUser = user
        }
        if let value = values["mqtt_password"] { mqttPassword = reader.text(value, "a password", charactersMax: 200) }
        if let value = values["topics"] {
            let items = reader.list(value, what: "subscription filters")
            if items.isEmpty { reader.note(value, "Name at least one subscription filter, such as homes/#.") }
            topics = items.compactMap { reader.filter($0) }
        }
        if let value = values["zone"], let name = reader.text(value, "a time zone", charactersMax: 64) {
            if Self.isZoneName(name) {
                zone = name
            } else {
                reader.note(value, "\(quoted(name)) is not a time zone known here; write one like Europe/London.")
            }
        }
        if let value = values["emergency_number"], let number = reader.text(value, "a telephone number") {
            let digits = number.unicodeScalars.filter { (48...57).contains($0.value) }.count
            if (2...20).contains(digits), number.unicodeScalars.allSatisfy({ "0123456789 +-()".unicodeScalars.contains($0) }) {
                emergencyNumber = number
            } else {
                reader.note(value, "\(quoted(number)) is not a telephone number; write one like 112.")
            }
        }
        if let value = values["log_level"], let level: LogLevel = reader.choice(value, "log level") {
            logLevel = level.rawValue
        }
        takeTLS(values, &reader)
        for limit in Limits.table {
            guard let value = values["limits.\(limit.key)"] else { continue }
            if let n = reader.integer(value, in: limit.range, unit: limit.unit) { limits[keyPath: limit.path] = n }
        }
        takeRetention(values, &reader)

        // Unix allows 107 bytes and a NUL in a socket's path; beyond, binding fails with a riddle.
        if socketPathUsed.utf8.count > 107 {
            let cause = values["socket"] ?? values["data"] ?? YAMLValue(text: "", source: "socket")
            reader.note(
                cause, "The socket's path would have \(socketPathUsed.utf8.count) bytes and may have 107; set \u{201C}socket\u{201D} to a shorter one.")
        }
    }

    private mutating func takeTLS(_ values: [String: YAMLValue], _ reader: inout YAMLReader) {
        let given = ConfigurationKeys.tls.compactMap { values["tls.\($0)"] }
        guard let first = given.first else { return }
        let certificate = values["tls.certificate_file"].flatMap { reader.path($0, "a file") }
        let key = values["tls.key_file"].flatMap { reader.path($0, "a file") }
        guard let authority = values["tls.ca_file"] else {
            reader.note(first, "TLS needs \u{201C}ca_file\u{201D}: the authority that signed the broker's certificate.")
            return
        }
        if (values["tls.certificate_file"] == nil) != (values["tls.key_file"] == nil) {
            reader.note(first, "TLS needs both \u{201C}certificate_file\u{201D} and \u{201C}key_file\u{201D}, or neither.")
        }
        guard let caFile = reader.path(authority, "a file") else { return }
        tls = TLS(caFile: caFile, certificateFile: certificate, keyFile: key)
        if let value = values["tls.minimum_version"], let version: TLSVersion = reader.choice(value, "TLS version") {
            tls?.minimumVersion = version
        }
    }
}

extension YAMLReader {
    /// A path, without a slash at its end.
    mutating func path(_ value: YAMLValue, _ what: String) -> String? {
        guard var path = text(value, what) else { return nil }
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// `host`, `host:port` or `[IPv6]:port`.
    fileprivate mutating func hostAndPort(_ value: YAMLValue, usualPort: Int) -> (String, Int)? {
        guard let text = text(value, "host:port, such as 127.0.0.1:\(usualPort)", charactersMax: 260) else { return nil }
        func refused() -> (String, Int)? {
            note(value, "\(quoted(text)) is not host:port; write it like 127.0.0.1:\(usualPort) or [::1]:\(usualPort), with a port from 1 to 65535.")
            return nil
        }
        var host = text[...]
        var rest = text[...]
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return refused() }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.utf8.allSatisfy({ "0123456789abcdefABCDEF:.%".utf8.contains($0) }) else { return refused() }
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<end]
            rest = text[end...]
            guard host.unicodeScalars.allSatisfy({
                $0.isASCII && ($0.properties.isAlphabetic || (48...57).contains($0.value) || ".-_".unicodeScalars.contains($0))
            }) else { return refused() }
        }
        // Whoever writes only a port means one.
        guard !host.isEmpty, !host.utf8.allSatisfy({ (48...57).contains($0) }) else { return refused() }
        if rest.isEmpty { return (String(host), usualPort) }
        let digits = rest.dropFirst()
        guard rest.first == ":", digits.utf8.count <= 5, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = Int(digits), (1...65_535).contains(port)
        else { return refused() }
        return (String(host), port)
    }

    /// A subscription filter as MQTT 5 has it, and not a shared one: see `MQTT.TopicFilter`.
    fileprivate mutating func filter(_ value: YAMLValue) -> String? {
        guard let filter = text(value, "a subscription filter") else { return nil }
        let levels = filter.split(separator: "/", omittingEmptySubsequences: false)
        let isWell = levels.enumerated().allSatisfy { index, level in
            level == "+" || (level == "#" && index == levels.count - 1) || !level.contains { $0 == "+" || $0 == "#" }
        }
        guard isWell, !filter.hasPrefix("$") else {
            note(value, "\(quoted(filter)) is not a subscription filter; write one like homes/# or homes/+/zigbee2mqtt/#.")
            return nil
        }
        return filter
    }
}
