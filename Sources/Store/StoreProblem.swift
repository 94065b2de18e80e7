import GRDB

/// What is wrong with the place where everything is kept, as far as somebody can do something about it.
///
/// Only these withhold acknowledgements. Whatever else fails is the fault of the message that was being taken.
public enum StoreProblem: String, Sendable, Hashable {
    case diskFull, readOnly, inputOutput, corrupt, busy, other

    /// Nil when the error is not the storage's but the message's: a constraint, a value that does not fit, a
    /// statement that is wrong, anything that does not come from SQLite.
    public init?(_ error: any Error) {
        if let error = error as? StoreError {
            guard let problem = error.problem else { return nil }
            self = problem
            return
        }
        guard let error = error as? DatabaseError else { return nil }
        switch error.resultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG, .SQLITE_RANGE, .SQLITE_ERROR, .SQLITE_MISUSE: return nil
        case .SQLITE_FULL: self = .diskFull
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN, .SQLITE_AUTH: self = .readOnly
        case .SQLITE_IOERR: self = error.extendedResultCode == .SQLITE_IOERR_NOMEM ? .other : .inputOutput
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL: self = .busy
        // NOMEM, INTERRUPT, SCHEMA, FORMAT, NOLFS; ABORT is a transaction that an earlier error has ended.
        default: self = .other
        }
    }

    /// What to do, in one sentence.
    public var sentence: String {
        switch self {
        case .diskFull: "The disk is full: make room on the disk that holds the data folder."
        case .readOnly: "The data folder cannot be written to: check its permissions and whether its disk is mounted read-only."
        case .inputOutput: "The disk reports errors: check the disk that holds the data folder, and its cable, and copy the data folder to a sound one."
        case .corrupt: "The database is damaged: start the gateway again, which puts the newest good backup in its place."
        case .busy: "Another program holds the database: end whatever else has opened it."
        case .other: "The database cannot be used at the moment: look into the gateway's log for what it says."
        }
    }

    /// Two to four words, for a status line.
    public var words: String {
        switch self {
        case .diskFull: "disk full"
        case .readOnly: "data folder read-only"
        case .inputOutput: "disk reports errors"
        case .corrupt: "database damaged"
        case .busy: "database held elsewhere"
        case .other: "database not usable"
        }
    }
}
