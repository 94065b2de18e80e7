import Care
import Devices
import Store

/// Everything the gateway knows and decides with, as one value.
///
/// A turn changes a copy that becomes the truth only when the turn's transaction is on disk; the large
/// parts are paged or copy-on-write, so the copy costs little.
struct World: Sendable {
    var circles: [CircleID: Circle] = [:]
    var homes: [HomeID: Home] = [:]
    var people = People()
    /// Names that homes or people have or had.
    var namesTaken: Set<String> = []
    var zones = Zones()
    /// Which number to call when a life is in danger.
    var emergencyNumber = "112"
    /// By whose clocks alerts about the gateway itself are told.
    var gatewayZone = "UTC"

    /// By device number; released devices stay, with no citizens.
    var devices = Pages<DeviceState?>()
    var deviceNumbers: [HomeID: [String: DeviceID]] = [:]
    /// The same by what their conventions know them by.
    var identities: [HomeID: [String: DeviceID]] = [:]
    /// What devices said of themselves.
    var announced: [HomeID: Announced] = [:]
    /// By address below the home.
    var bridges: [HomeID: [String: Bridge]] = [:]
    /// When any of them came back last, since the start.
    var bridgeBackAt: Instant?
    var deviceCount = 0
    /// By series number.
    var series = Pages<Series?>()

    /// In order of id.
    var consents: [PersonID: [StoredConsent]] = [:]
    /// What citizens are asked for and have not answered; no decision looks here. In order of id.
    var asked: [PersonID: [AskedConsent]] = [:]
    /// Those that hold and those that are remembered, in order of id. A home nobody of which ever paused has none.
    var pauses: [HomeID: [Pause]] = [:]
    /// Those whose end has not been written down, by citizen, in order of id.
    var mandates: [PersonID: [Mandate]] = [:]
    /// What delegates want to do and a second person has not confirmed, by citizen, in order of id.
    var proposed: [PersonID: [DelegateAct]] = [:]
    /// How long citizens want their readings to be kept, where they decided it themselves.
    var keeping: [PersonID: [Category: KeepChoice]] = [:]
    var detectors: Detectors
    var rules: [RuleID: Rule]
    var plans: [String: Plan]

    /// Open ones, in order of id.
    var alerts: [Alert] = []
    /// Queued and attempted ones, in order of id.
    var notices: [Notice] = []
    /// Words to citizens that the broker does not have yet, in order of id.
    var words: [CitizenWord] = []
    /// Topics that have to be taken away at the broker, in order of id.
    var clearings: [OwedClearing] = []
    var feeds = Feeds()

    init(rules book: RuleBook) {
        detectors = Detectors(rules: book.rules)
        rules = Dictionary(book.rules.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
        plans = Dictionary(book.plans.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    }

    // MARK: Devices

    func device(_ id: DeviceID) -> DeviceState? {
        let index = Int(id.number)
        return index < devices.count ? devices[index] : nil
    }
    func device(_ home: HomeID, _ address: String) -> DeviceState? {
        deviceNumbers[home]?[address].flatMap { device($0) }
    }
    /// Of one home, by address.
    func devices(of home: HomeID) -> [DeviceState] {
        (deviceNumbers[home] ?? [:]).values.sorted().compactMap { device($0) }
    }
    func seriesInfo(_ id: SeriesID) -> Series? {
        let index = Int(id.number)
        return index < series.count ? series[index] : nil
    }
    mutating func put(_ device: Device) {
        let index = Int(device.id.number)
        devices.ensure(count: index + 1, default: nil)
        if let old = devices[index] {
            devices[index] = old
            devices[index]?.device = device
        } else {
            devices[index] = DeviceState(device: device, slots: [], skew: Skew(usual: device.skew ?? .zero))
            deviceCount += 1
        }
        deviceNumbers[device.home, default: [:]][device.address] = device.id
        if let identity = device.identity { identities[device.home, default: [:]][identity] = device.id }
    }
    /// Devices that have other addresses now; of one home.
    mutating func readdress(_ devices: [Device]) {
        for device in devices {
            guard let old = self.device(device.id)?.device.address, deviceNumbers[device.home]?[old] == device.id else { continue }
            deviceNumbers[device.home]?[old] = nil
        }
        for device in devices { put(device) }
    }
    func device(_ home: HomeID, identity: String) -> DeviceState? { identities[home]?[identity].flatMap { device($0) } }
    /// The device that a topic is about: by its identity, and by its address where one of the two has none.
    func device(_ home: HomeID, _ route: Route) -> DeviceState? {
        if let identity = route.identity, let known = device(home, identity: identity) { return known }
        guard let state = device(home, route.device) else { return nil }
        return state.device.identity == nil || route.identity == nil || state.device.identity == route.identity ? state : nil
    }
    /// On how many topics it is said whether a device can be reached.
    func availabilityTopics(of device: Device) -> Int {
        max(1, announced[device.home]?.availabilityTopics(of: device.identity ?? device.address) ?? 1)
    }

    // MARK: Alerts

    func alertIndex(_ id: AlertID) -> Int? {
        // Few are open at a time, and they are in order.
        alerts.firstIndex { $0.id == id }
    }
    func alert(_ id: AlertID) -> Alert? { alertIndex(id).map { alerts[$0] } }

    func plan(_ name: String) -> Plan {
        plans[name] ?? (name == Plan.infrastructure.name ? .infrastructure : plans["standard"] ?? .standard)
    }

    // MARK: People

    func zone(of home: HomeID) -> Zone { zones.of(homes[home]?.zone ?? (home == .gateway ? gatewayZone : "UTC")) }
    func name(_ person: PersonID) -> String { people[person]?.name ?? person.name }
    func circleTitle(_ circle: CircleID) -> String { circles[circle]?.title ?? circle.name }

    /// Whose data this home's shared signs are (an absence, say): all who claimed a device there, or, when
    /// nobody did, all who live there.
    func citizens(of home: HomeID) -> [PersonID] {
        let claiming = Set(devices(of: home).flatMap(\.device.citizens))
        if !claiming.isEmpty { return claiming.sorted() }
        return people.values.filter { $0.kind == .citizen && $0.home == home }.map(\.id).sorted()
    }

    /// Everybody who may be asked, for an alert of this severity: who holds a lesser one may leave it for this.
    func responders(for severity: Severity) -> [Responder] {
        var holding: [PersonID: Int] = [:]
        for alert in alerts where !alert.isTest && alert.matter.severity >= severity {
            for holder in alert.holders { holding[holder.person, default: 0] += 1 }
        }
        return people.responders.compactMap { people[$0] }.map { person in
            Responder(
                person: person.id, role: person.kind == .coordinator ? .coordinator : .helper,
                circles: person.circles, position: person.position, isOnDuty: person.isOnDuty,
                hours: person.hours, holding: holding[person.id] ?? 0)
        }
    }
}

/// Everybody, and who of them may be asked to come: an alert looks at those alone, however many citizens there are.
struct People: Sendable {
    private var all: [PersonID: Person] = [:]
    /// Helpers and coordinators, in order.
    private(set) var responders: [PersonID] = []
    /// In order.
    private(set) var services: [PersonID] = []

    var values: Dictionary<PersonID, Person>.Values { all.values }

    subscript(id: PersonID) -> Person? {
        get { all[id] }
        set {
            all[id] = newValue
            responders.removeAll { $0 == id }
            services.removeAll { $0 == id }
            if newValue?.kind == .service { services.insert(id, at: services.firstIndex { id < $0 } ?? services.count) }
            guard let newValue, newValue.kind == .helper || newValue.kind == .coordinator else { return }
            responders.insert(id, at: responders.firstIndex { id < $0 } ?? responders.count)
        }
    }
}

/// A device and what is remembered beside it.
///
/// A turn that changes one copies its page. What seldom changes stands behind one reference, so that this is a copy of few.
struct DeviceState: Sendable {
    private final class Kept: Sendable {
        let device: Device
        init(_ device: Device) { self.device = device }
    }
    private var kept: Kept
    var device: Device {
        get { kept.device }
        set { kept = Kept(newValue) }
    }
    /// Which series its quantities go to. A handful: searched from the front.
    var slots: [SeriesSlot]
    var skew: Skew
    /// The sign of life that stands on disk; the one in memory is newer.
    var savedHeardAt: Instant?
    /// The newest time that it gave itself: what comes with the same again is no sign of life.
    var newestDeviceTime: Instant?
    /// Since it was claimed, or since the start: whether anything of it was understood, and whether anything was not.
    var wasUnderstood = false
    var wasNotUnderstood = false

    init(device: Device, slots: [SeriesSlot], skew: Skew) {
        kept = Kept(device)
        self.slots = slots
        self.skew = skew
    }
}

struct SeriesSlot: Sendable {
    var quantity: Quantity
    var channel: String
    var series: SeriesID
    /// Of an event: when it was taken last. What comes soon after it may be one more telegram of it.
    var lastEventAt: Instant?
}
