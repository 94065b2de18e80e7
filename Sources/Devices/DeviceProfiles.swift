import Care

/// The profiles of a convention that has one table for all its devices, and others that say what differs for some.
///
/// A profile with `device` (an address) or `models` says only what differs for them. One without either is for all, and the
/// owner's, which is read after ours, says only what differs from that.
struct DeviceProfiles: Sendable {
    static let keys = ["device", "models", "repeats", "sleeps"]

    struct Entry: Sendable {
        var expected: Span?
        var repeatsWithin: Span?
        /// It leaves the broker between its messages, so that being away says nothing.
        var sleeps: Bool
        var members: Profile.Members
        var table: PropertyTable

        init(expected: Span? = nil, repeatsWithin: Span? = nil, sleeps: Bool = false, members: Profile.Members = Profile.Members()) {
            self.expected = expected
            self.repeatsWithin = repeatsWithin
            self.sleeps = sleeps
            self.members = members
            table = members.table
        }
    }

    /// The one for all devices stands first.
    private(set) var entries = [Entry()]
    private(set) var samples: [Sample] = []
    private var byDevice: [String: Int] = [:]
    private var byModel: [String: Int] = [:]

    /// - Parameters:
    ///   - nodes: profiles, in the order of their files.
    ///   - alsoKnown: names that the convention reads itself.
    ///   - adjust: what the convention changes in a property or refuses of it.
    init(
        _ nodes: [ProfileNode], alsoKnown: [String] = [],
        adjust: (inout Property, ProfileNode) throws(ProfileError) -> Void = { _, _ throws(ProfileError) in }
    ) throws(ProfileError) {
        let known = Profile.keys + Self.keys + alsoKnown
        var own: [(fields: ProfileNode.Fields, entry: Entry)] = []
        for node in nodes {
            let fields = try node.fields("A profile", known: known)
            let profile = try Profile(node, alsoKnown: Self.keys + alsoKnown)
            guard case .object(var members) = profile.body else { throw node.error("This profile needs \u{201C}properties\u{201D}.") }
            for index in members.properties.indices { try adjust(&members.properties[index].property, node) }
            samples += profile.samples
            let entry = Entry(
                expected: profile.expected, repeatsWithin: try Self.repeats(fields),
                sleeps: try fields["sleeps"]?.flag("sleeps") ?? false, members: members)
            if fields["device"] != nil || fields["models"] != nil {
                own.append((fields, entry))
            } else {
                entries[0] = Self.over(entry, entries[0])
            }
        }
        for (fields, entry) in own {
            let index = entries.count
            entries.append(Self.over(entry, entries[0]))
            if let node = fields["device"] {
                guard byDevice.updateValue(index, forKey: try node.text("device")) == nil else {
                    throw node.error("Another profile is for this device already.")
                }
            }
            for node in fields["models"]?.items ?? [] {
                guard byModel.updateValue(index, forKey: try node.text("A model")) == nil else {
                    throw node.error("Another profile is for this model already.")
                }
            }
        }
    }

    private static func over(_ own: Entry, _ general: Entry) -> Entry {
        Entry(
            expected: own.expected ?? general.expected, repeatsWithin: own.repeatsWithin ?? general.repeatsWithin,
            sleeps: own.sleeps || general.sleeps, members: own.members.over(general.members))
    }

    private static func repeats(_ fields: ProfileNode.Fields) throws(ProfileError) -> Span? {
        guard let node = fields["repeats"] else { return nil }
        guard let span = Span(try node.text("repeats")), span > .zero else {
            throw node.error("repeats is a length of time such as 2s.")
        }
        return span
    }

    /// The profile of a device; what is said for one device counts before what is said for its model.
    func index(device: String, models: [Substring] = []) -> Int {
        if let index = byDevice[device] { return index }
        if byModel.isEmpty { return 0 }
        for model in models { if let index = byModel[String(model)] { return index } }
        return 0
    }

    func entry(_ index: Int) -> Entry? { entries.indices.contains(index) ? entries[index] : nil }
}
