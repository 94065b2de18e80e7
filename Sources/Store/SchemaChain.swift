/// The tables of what each citizen can verify; see docs/architecture.md.
extension Schema {
    static let chainTables = """
        -- Numbers that stand for people in chains. An erased name leaves its number, which is never given again.
        CREATE TABLE pseudonym (n INTEGER PRIMARY KEY, person TEXT UNIQUE) STRICT;
        -- One chain a citizen. An entry has salt and body, or, erased, the inner hash. `row`: what it records, by its kind.
        CREATE TABLE chain (
            citizen INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, row INTEGER, salt BLOB, body TEXT, inner BLOB,
            hash BLOB NOT NULL, PRIMARY KEY (citizen, n)) STRICT, WITHOUT ROWID;
        -- The entry that records a row, so that erasing finds it; NULL: entered later, or not yet.
        ALTER TABLE consentVersion ADD COLUMN entry INTEGER;
        ALTER TABLE disclosure ADD COLUMN entry INTEGER;
        -- An alert may be about several citizens: `3:17 4:2` is entry 17 of citizen 3 and entry 2 of citizen 4.
        ALTER TABLE alert ADD COLUMN raisedEntries TEXT;
        ALTER TABLE alert ADD COLUMN endedEntries TEXT;

        CREATE TABLE signedDay (
            day TEXT PRIMARY KEY, root BLOB NOT NULL, leaves INTEGER NOT NULL, signature BLOB NOT NULL, key BLOB NOT NULL)
            STRICT, WITHOUT ROWID;
        -- In the order of the citizens' numbers, which is that of the tree. `leaf` stays when the rest is erased: the proofs of
        -- others need it, and it tells nothing without its blinding.
        CREATE TABLE dayLeaf (
            day TEXT NOT NULL, citizen INTEGER NOT NULL, n INTEGER NOT NULL, head BLOB NOT NULL, blinding BLOB, leaf BLOB NOT NULL,
            PRIMARY KEY (day, citizen)) STRICT, WITHOUT ROWID;
        """
}
