import GRDB

/// The tables, as numbered migrations. A migration that has shipped is never changed; the next is added.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 the main path") { db in
            try db.execute(sql: firstTables)
        }
        migrator.registerMigration("2 bad days") { db in
            try db.execute(sql: badDayTables)
        }
        migrator.registerMigration("3 what devices announce") { db in
            try db.execute(sql: announcementTables)
        }
        migrator.registerMigration("4 consent records and emergencies") { db in
            try db.execute(sql: consentTables)
        }
        migrator.registerMigration("5 pauses") { db in
            try db.execute(sql: pauseTable)
        }
        migrator.registerMigration("6 what exports brought") { db in
            try db.execute(sql: ImportSchema.tables)
        }
        migrator.registerMigration("7 hash chains") { db in
            try db.execute(sql: chainTables)
        }
        migrator.registerMigration("8 erasing") { db in
            try db.execute(sql: ErasureSchema.table)
        }
        migrator.registerMigration("9 feeds for services") { db in
            try db.execute(sql: FeedSchema.tables)
        }
        migrator.registerMigration("10 delegates") { db in
            try db.execute(sql: DelegateSchema.tables)
        }
        migrator.registerMigration("11 how long readings are kept") { db in
            try db.execute(sql: keepingTables)
        }
        migrator.registerMigration("12 what has to be taken away at the broker") { db in
            try db.execute(sql: ClearingSchema.table)
        }
        migrator.registerMigration("13 what services were given counts once") { db in
            try db.execute(sql: FeedSchema.countedOnce)
        }
        return migrator
    }

    /// Bodies are JSON of the domain's own values with sorted keys; columns beside them are there for the
    /// queries that need them. Instants are milliseconds since 1970.
    private static let firstTables = """
        -- Counters that identifiers come from. A number that was given out is never given out again.
        CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE circle (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE home (name TEXT PRIMARY KEY, body TEXT NOT NULL, removedAt INTEGER) STRICT;
        CREATE TABLE person (name TEXT PRIMARY KEY, body TEXT NOT NULL, removedAt INTEGER) STRICT;
        -- Logins of the broker: the hash as Mosquitto writes it, never the password.
        CREATE TABLE login (name TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE device (
            id INTEGER PRIMARY KEY, home TEXT NOT NULL REFERENCES home(name), address TEXT NOT NULL,
            body TEXT NOT NULL, lastHeardAt INTEGER, UNIQUE (home, address)) STRICT;
        CREATE TABLE claim (
            n INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES device(id), citizen TEXT NOT NULL,
            by TEXT NOT NULL, at INTEGER NOT NULL, releasedAt INTEGER) STRICT;
        CREATE TABLE series (
            id INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES device(id), quantity TEXT NOT NULL,
            channel TEXT NOT NULL, addedAt INTEGER NOT NULL, UNIQUE (device, quantity, channel)) STRICT;
        -- The one large table. `at` is milliseconds · 64 + ordinal · 2 + time source (see ReadingKey); the
        -- value is an integer where it is a whole number, which takes one byte instead of eight, so the table
        -- is not STRICT. No foreign key: it would be looked up for every reading.
        CREATE TABLE reading (series INTEGER NOT NULL, at INTEGER NOT NULL, value NOT NULL,
            PRIMARY KEY (series, at)) WITHOUT ROWID;

        CREATE TABLE stranger (
            home TEXT NOT NULL, address TEXT NOT NULL, convention TEXT NOT NULL, messages INTEGER NOT NULL,
            firstSeenAt INTEGER NOT NULL, lastSeenAt INTEGER NOT NULL, PRIMARY KEY (home, address))
            STRICT, WITHOUT ROWID;
        CREATE TABLE undecodable (
            n INTEGER PRIMARY KEY, home TEXT NOT NULL, address TEXT NOT NULL, convention TEXT NOT NULL,
            reason TEXT NOT NULL, at INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
        CREATE TABLE undecodableCount (
            home TEXT NOT NULL, convention TEXT NOT NULL, reason TEXT NOT NULL, messages INTEGER NOT NULL,
            lastAt INTEGER NOT NULL, PRIMARY KEY (home, convention, reason)) STRICT, WITHOUT ROWID;

        CREATE TABLE consent (
            id INTEGER PRIMARY KEY, citizen TEXT NOT NULL REFERENCES person(name), body TEXT NOT NULL,
            givenAt INTEGER NOT NULL, givenBy TEXT NOT NULL, withdrawnAt INTEGER, withdrawnBy TEXT) STRICT;

        CREATE TABLE detector (key TEXT PRIMARY KEY, phase TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE deadline (key TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE alert (
            id INTEGER PRIMARY KEY, home TEXT NOT NULL, rule TEXT NOT NULL, raisedAt INTEGER NOT NULL,
            endedAt INTEGER, body TEXT NOT NULL) STRICT;
        CREATE INDEX alertOpen ON alert (id) WHERE endedAt IS NULL;
        CREATE TABLE history (
            n INTEGER PRIMARY KEY, alert INTEGER NOT NULL REFERENCES alert(id), at INTEGER NOT NULL,
            body TEXT NOT NULL) STRICT;
        CREATE INDEX historyOfAlert ON history (alert);

        CREATE TABLE decision (
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, citizens TEXT NOT NULL, request TEXT NOT NULL,
            outcome TEXT NOT NULL) STRICT;
        CREATE TABLE notice (
            id INTEGER PRIMARY KEY, alert INTEGER NOT NULL REFERENCES alert(id), state TEXT NOT NULL,
            body TEXT NOT NULL) STRICT;
        CREATE INDEX noticePending ON notice (id) WHERE state IN ('queued', 'attempted');
        CREATE INDEX noticeOfAlert ON notice (alert);
        -- Appended to, never changed: what was told stays told.
        CREATE TABLE disclosure (
            n INTEGER PRIMARY KEY, at INTEGER NOT NULL, citizen TEXT NOT NULL, recipient TEXT NOT NULL,
            alert INTEGER, notice INTEGER, decision INTEGER, data TEXT NOT NULL, detail TEXT NOT NULL,
            stage TEXT, state TEXT NOT NULL) STRICT;
        CREATE INDEX disclosureOfCitizen ON disclosure (citizen, n);
        CREATE INDEX disclosureOfNotice ON disclosure (notice);
        CREATE INDEX disclosureOfAlert ON disclosure (alert);

        CREATE TABLE operatorLog (
            n INTEGER PRIMARY KEY, at INTEGER NOT NULL, uid INTEGER NOT NULL, actingFor TEXT,
            command TEXT NOT NULL, outcome TEXT NOT NULL) STRICT;
        CREATE INDEX operatorLogOfPerson ON operatorLog (actingFor, n);
        -- What was acknowledged last, a row a turn: see `Ledger`. `upTo` counts all entries there ever were.
        CREATE TABLE acknowledged (upTo INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
        CREATE TABLE subscription (filter TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
        """

    /// What the gateway has to know of its bad days, and what retention needs to find old rows without a scan. No
    /// index is on `reading`, where nearly all writing is done.
    private static let badDayTables = """
        -- Each connection that a backlog came with: what was published between the last contact and its marker.
        CREATE TABLE backlog (
            connectedAt INTEGER PRIMARY KEY, lastContactAt INTEGER NOT NULL, caughtUpAt INTEGER) STRICT;
        -- Messages that no turn could take, as they came.
        CREATE TABLE quarantine (
            n INTEGER PRIMARY KEY, at INTEGER NOT NULL, home TEXT, topic TEXT NOT NULL, payload BLOB NOT NULL,
            hash INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;
        -- What took effect before it was acknowledged, and so comes again.
        CREATE TABLE early (n INTEGER PRIMARY KEY, packetID INTEGER NOT NULL, hash INTEGER NOT NULL) STRICT;
        CREATE TABLE thinned (
            home TEXT PRIMARY KEY, readings INTEGER NOT NULL, firstAt INTEGER NOT NULL, lastAt INTEGER NOT NULL)
            STRICT, WITHOUT ROWID;

        CREATE INDEX decisionAt ON decision (at);
        CREATE INDEX disclosureAt ON disclosure (at);
        CREATE INDEX disclosureOfDecision ON disclosure (decision) WHERE decision IS NOT NULL;
        CREATE INDEX operatorLogAt ON operatorLog (at);
        CREATE INDEX alertEnded ON alert (endedAt) WHERE endedAt IS NOT NULL;
        """

    private static let announcementTables = """
        -- What devices said of themselves, as it came: a new version reads it anew. `topic` is below the home.
        CREATE TABLE announcement (
            home TEXT NOT NULL, topic TEXT NOT NULL, at INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (home, topic)) STRICT;
        -- Bridges that are gone, and since when.
        CREATE TABLE bridge (
            home TEXT NOT NULL, address TEXT NOT NULL, goneSince INTEGER NOT NULL, PRIMARY KEY (home, address))
            STRICT, WITHOUT ROWID;
        """

    private static let consentTables = """
        -- Each record at each of its versions, appended to and never changed. `by`: who, in words. A record that is only
        -- requested or deferred stands here and not in `consent`; `asker` is who asked, in its first version. A withdrawal of before this table is version 2.
        CREATE TABLE consentVersion (
            id INTEGER NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL,
            reason TEXT, body TEXT NOT NULL, asker TEXT, PRIMARY KEY (id, version)) STRICT, WITHOUT ROWID;
        CREATE INDEX consentAsked ON consentVersion (asker) WHERE asker IS NOT NULL;
        CREATE INDEX consentOfCitizen ON consent (citizen);
        INSERT INTO consentVersion (id, version, state, at, by, body)
            SELECT id, 1, CASE WHEN json_valid(body) AND json_extract(body, '$.effect') = 'refuse' THEN 'refused' ELSE 'given' END,
                givenAt, givenBy, body FROM consent;
        INSERT INTO consentVersion (id, version, state, at, by, body)
            SELECT id, 2, 'withdrawn', withdrawnAt, ifnull(withdrawnBy, ''), body FROM consent WHERE withdrawnAt IS NOT NULL;

        -- Words to citizens that belong to no alert's asking, until the broker has them.
        CREATE TABLE citizenWord (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;

        -- What was told only because of what was decided beforehand for emergencies.
        ALTER TABLE disclosure ADD COLUMN emergency INTEGER NOT NULL DEFAULT 0;
        """

    private static let pauseTable = """
        -- When a citizen said that nothing was to be recorded. Those that are over stay for a while: what waited may tell of them.
        CREATE TABLE pause (
            id INTEGER PRIMARY KEY, citizen TEXT NOT NULL REFERENCES person(name), body TEXT NOT NULL, givenBy TEXT NOT NULL,
            endAt INTEGER NOT NULL, endedBy TEXT) STRICT;
        """
}
