import Care

/// What this gateway calls itself where it says who wrote something.
public enum GatewayVersion {
    public static let text = "0.1.0"
}

/// The form of an export, described in docs/export.md. The names are read by `caring data import`, too.
public enum ExportFormat {
    public static let name = "caring-export"
    /// Raised when an older gateway could misread it.
    public static let version: Int64 = 2

    public enum File: String, CaseIterable, Sendable {
        case readme = "README.txt"
        case readingsCSV = "readings.csv"
        case readingsLines = "readings.jsonl"
        case devices = "devices.json"
        case consents = "consents.jsonl"
        case receipts = "consent-receipts.jsonld"
        case whoSaw = "who-saw.jsonl"
        case whoSawCSV = "who-saw.csv"
        case decisions = "decisions.jsonl"
        case alerts = "alerts.jsonl"
        case delegates = "delegates.jsonl"
        case observations = "fhir-observations.json"
        /// For `caring audit verify --file`, which needs no gateway.
        case audit = "audit.jsonl"
        case dailyFiguresCSV = "daily-figures.csv"
        case dailyFiguresLines = "daily-figures.jsonl"
        case retention = "retention.jsonl"
        case manifest = "manifest.json"
        case sums = "SHA256SUMS"

        /// Exports of version 1 do not have it.
        public var isNew: Bool { [.dailyFiguresCSV, .dailyFiguresLines, .retention, .delegates].contains(self) }
    }

    public static let csvHeader = "at_utc,at_home,home,device,quantity,channel,value,unit,loinc,time_source,earliest_utc,place"
    public static let figuresHeader =
        "from_utc,day,home,device,quantity,channel,count,mean,least,most,first,last,sum,times,seconds_true,unit,loinc,first_utc,last_utc,up_to_utc"
    public static let whoSawHeader = "at_utc,entry,recipient,name,data,detail,stage,state,alert,decision,command"

    /// A line of any of the JSON Lines, and a field of the CSV.
    public static let lineBytesMax = 64 * 1024
    /// Devices of one export.
    public static let devicesMax = 10_000
    /// `devices.json` and `manifest.json`.
    public static let jsonBytesMax: UInt64 = 64 << 20
}

/// One entry of `devices.json`: a device, when it was this citizen's, and what it measured.
public struct ExportedDevice: Codable, Hashable, Sendable {
    public struct Claim: Codable, Hashable, Sendable {
        public var from: String
        /// Nil: it still was when the export was made.
        public var until: String?
    }
    public struct SeriesOfIt: Codable, Hashable, Sendable {
        public var quantity: String
        public var channel: String
        public var category: String
        /// For people: "heart rate".
        public var words: String
        /// UCUM.
        public var unit: String
        public var loinc: String?
        public var addedAt: String
    }

    public var home: String
    public var zone: String
    public var address: String
    public var title: String?
    public var convention: String
    public var model: String?
    public var identity: String?
    public var expectedSeconds: Int64?
    /// It was others' at the same time, too: what it says is about them as well.
    public var shared: Bool
    public var claims: [Claim]
    public var series: [SeriesOfIt]

    /// What tells it from the others of an export.
    public var key: String { "\(home)\u{1F}\(address)" }
}
