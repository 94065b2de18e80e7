import Foundation

/// Finds what comes with the program: the folder `devices/` and `config/rules.yaml`.
///
/// Looked for where the configuration says, else in the working folder, in every folder above the
/// executable (so that `.build/release/caringd` finds its repository), and in `/usr/share/caring`.
public struct SharedFiles: Sendable {
    private var roots: [String]
    private var workingFolder: String

    /// - Parameter executable: the program's own path; nil: asked from Linux.
    /// - Parameter shared: where a package would install them.
    public init(workingFolder: String = ".", executable: String? = nil, shared: String = "/usr/share/caring") {
        let own = executable ?? (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        var roots = [workingFolder]
        var folder = own.map { URL(fileURLWithPath: $0).deletingLastPathComponent().standardizedFileURL.path } ?? "/"
        while folder != "/", !folder.isEmpty {
            roots.append(folder)
            folder = URL(fileURLWithPath: folder).deletingLastPathComponent().path
        }
        self.roots = roots + [shared]
        self.workingFolder = workingFolder
    }

    /// The folder with the device profiles.
    public func devicesFolder(_ configuration: GatewayConfiguration) throws(ConfigurationProblems) -> String {
        try find("devices", isFolder: true, configured: configuration.devicesFolder, key: "devices")
    }

    public func rulesFile(_ configuration: GatewayConfiguration) throws(ConfigurationProblems) -> String {
        try find("config/rules.yaml", isFolder: false, configured: configuration.rulesFile, key: "rules")
    }

    /// The folder with the offers of consent; nil where there is none, as nobody has to offer any.
    public func consentsFolder() -> String? {
        roots.map { at($0, "config/consents") }.first { exists($0, isFolder: true) }
    }

    private func find(
        _ name: String, isFolder: Bool, configured: String?, key: String
    ) throws(ConfigurationProblems) -> String {
        let kind = isFolder ? "folder" : "file"
        if let configured {
            // What somebody named is not silently replaced by what is found elsewhere.
            guard exists(at(workingFolder, configured), isFolder: isFolder) else {
                throw ConfigurationProblems(
                    file: configured,
                    sentence: "There is no such \(kind); correct \u{201C}\(key)\u{201D} in the configuration.")
            }
            return at(workingFolder, configured)
        }
        for root in roots {
            let path = at(root, name)
            if exists(path, isFolder: isFolder) { return path }
        }
        throw ConfigurationProblems(
            file: name,
            sentence: "This \(kind) is neither in the working folder nor beside the program nor in /usr/share/caring; "
                + "set \u{201C}\(key)\u{201D} in the configuration to where it is.")
    }

    private func at(_ folder: String, _ name: String) -> String {
        name.hasPrefix("/") || folder == "." ? name : "\(folder)/\(name)"
    }

    private func exists(_ path: String, isFolder: Bool) -> Bool {
        var found: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &found) && found.boolValue == isFolder
    }
}
