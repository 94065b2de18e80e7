/// The tables of what flows to services; see docs/feeds.md.
enum FeedSchema {
    static let tables = """
        -- What waits for a service, or can be fetched by it: a value as it came, or a summary. `n` is never given again. `sources`: numbers of
        -- the series that it is from; `others`: who else it was about. `state`: 0 waits for the broker, 1 the broker has it, 2 only to be fetched.
        CREATE TABLE feed (
            n INTEGER PRIMARY KEY, service TEXT NOT NULL, citizen TEXT NOT NULL, quantity TEXT NOT NULL, detail TEXT NOT NULL,
            sources TEXT NOT NULL, others TEXT NOT NULL, at INTEGER NOT NULL, observedAt INTEGER NOT NULL, value REAL, summary TEXT,
            purpose TEXT NOT NULL, record INTEGER, told INTEGER NOT NULL, state INTEGER NOT NULL) STRICT;
        CREATE INDEX feedOfCitizen ON feed (citizen, service, quantity, n);
        CREATE INDEX feedOfService ON feed (service, n);
        CREATE INDEX feedWaiting ON feed (n) WHERE state = 0;
        -- Between whom something flows; `endedAt`: that it is over is still to be said.
        CREATE TABLE feedStream (service TEXT NOT NULL, citizen TEXT NOT NULL, endedAt INTEGER, PRIMARY KEY (service, citizen)) STRICT, WITHOUT ROWID;
        -- Hours and days of which a summary is or was due. `version`: of the last one that was made; 0: none yet.
        CREATE TABLE feedPeriod (
            service TEXT NOT NULL, citizen TEXT NOT NULL, quantity TEXT NOT NULL, fromAt INTEGER NOT NULL, toAt INTEGER NOT NULL,
            version INTEGER NOT NULL, summary TEXT, due INTEGER, PRIMARY KEY (citizen, service, quantity, fromAt, toAt)) STRICT, WITHOUT ROWID;
        CREATE INDEX feedDue ON feedPeriod (due) WHERE due IS NOT NULL;
        -- What was dropped, added up; `overLimit`: of these, because there was no more room; `unsentUpTo`: the last that the broker was never given.
        CREATE TABLE feedGap (
            service TEXT NOT NULL, citizen TEXT NOT NULL, quantity TEXT NOT NULL, droppedRows INTEGER NOT NULL, overLimit INTEGER NOT NULL,
            upTo INTEGER NOT NULL, unsentUpTo INTEGER, observedFrom INTEGER NOT NULL, observedUntil INTEGER NOT NULL, PRIMARY KEY (service, citizen, quantity)) STRICT, WITHOUT ROWID;
        -- How much of what one disclosure says: one a service, citizen, quantity, day, record and detail. `record` 0: none. `inFigure`: counted in a
        -- figure over many, and given to nobody by itself.
        CREATE TABLE feedDay (
            id INTEGER PRIMARY KEY, service TEXT NOT NULL, citizen TEXT NOT NULL, quantity TEXT NOT NULL, day TEXT NOT NULL, detail TEXT NOT NULL,
            record INTEGER NOT NULL, inFigure INTEGER NOT NULL, decision INTEGER NOT NULL, queued INTEGER NOT NULL, sent INTEGER NOT NULL, fetched INTEGER NOT NULL,
            firstAt INTEGER NOT NULL, lastAt INTEGER NOT NULL, UNIQUE (citizen, service, quantity, day, record, detail, inFigure)) STRICT;
        CREATE INDEX feedDayCounted ON feedDay (day, service) WHERE inFigure;
        -- Figures over many citizens, as a service is given them: nothing about one. `state`: 0 waits for the broker, 1 it has it.
        CREATE TABLE figure (
            id INTEGER PRIMARY KEY, service TEXT NOT NULL, quantity TEXT NOT NULL, day TEXT NOT NULL, purpose TEXT NOT NULL, body TEXT NOT NULL, state INTEGER NOT NULL,
            UNIQUE (service, quantity, day)) STRICT;
        -- How a service is known over HTTP (never the token itself), and what it wants. A service that said nothing has no row.
        CREATE TABLE serviceAccess (service TEXT PRIMARY KEY, tokenHash BLOB, hourly INTEGER NOT NULL DEFAULT 0, purpose TEXT) STRICT, WITHOUT ROWID;
        """

    /// What was both sent and fetched, or fetched twice, is one row that was given.
    static let countedOnce = """
        ALTER TABLE feed ADD COLUMN fetched INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE feedDay ADD COLUMN given INTEGER NOT NULL DEFAULT 0;
        UPDATE feedDay SET given = max(sent, fetched) WHERE NOT inFigure;
        """
}
