/// The tables of those who act for citizens.
enum DelegateSchema {
    static let tables = """
        -- As it stands; `endedAt`: ended before its time, or its end has been written down.
        CREATE TABLE mandate (id INTEGER PRIMARY KEY, citizen TEXT NOT NULL, delegate TEXT NOT NULL, body TEXT NOT NULL, endedAt INTEGER) STRICT;
        CREATE INDEX mandateOfCitizen ON mandate (citizen);
        CREATE INDEX mandateOfDelegate ON mandate (delegate);
        -- What delegates did, as it stands.
        CREATE TABLE delegateAct (
            id INTEGER PRIMARY KEY, citizen TEXT NOT NULL, mandate INTEGER NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
        CREATE INDEX delegateActOfCitizen ON delegateAct (citizen, id);
        CREATE INDEX delegateActAt ON delegateAct (at);
        -- Each thing that happened to a mandate or an act, appended to and never changed; `entry`: in the citizen's chain.
        CREATE TABLE delegateEntry (
            n INTEGER PRIMARY KEY, at INTEGER NOT NULL, citizen TEXT NOT NULL, event TEXT NOT NULL, mandate INTEGER NOT NULL, act INTEGER,
            by TEXT NOT NULL, body TEXT NOT NULL, entry INTEGER) STRICT;
        CREATE INDEX delegateEntryOfCitizen ON delegateEntry (citizen, n);
        CREATE INDEX delegateEntryAt ON delegateEntry (at);
        -- What let a delegate see it, and what for.
        ALTER TABLE disclosure ADD COLUMN mandate INTEGER;
        ALTER TABLE disclosure ADD COLUMN purpose TEXT;
        """
}
