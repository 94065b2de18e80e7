/// The tables of how long citizens keep their readings, and of what stays of old ones.
extension Schema {
    static let keepingTables = """
        -- What citizens decided of how long readings of a category are kept, appended to and never changed; the newest holds.
        -- `days` and `after` NULL: as the scheme says. `entry`: in the citizen's chain.
        CREATE TABLE keeping (
            id INTEGER PRIMARY KEY, citizen TEXT NOT NULL, category TEXT NOT NULL, days INTEGER, after TEXT, at INTEGER NOT NULL,
            by TEXT NOT NULL, entry INTEGER) STRICT;
        CREATE INDEX keepingOfCitizen ON keeping (citizen, category, id);
        -- What old readings became. `at`: where the day begins at the home, or the part of it that was about the same people.
        -- Times are milliseconds since 1970; `upTo`: taken in so far; `trueUntil`: a state was counted as true until then.
        CREATE TABLE dailyFigure (
            series INTEGER NOT NULL, at INTEGER NOT NULL, day INTEGER NOT NULL, count INTEGER NOT NULL, sum REAL NOT NULL,
            least REAL NOT NULL, most REAL NOT NULL, first REAL NOT NULL, last REAL NOT NULL, firstAt INTEGER, lastAt INTEGER,
            upTo INTEGER, trueUntil INTEGER, lasted INTEGER NOT NULL, times INTEGER NOT NULL, PRIMARY KEY (series, at)) STRICT, WITHOUT ROWID;
        -- When readings were observed that a device dated itself and that have become figures: told again, they count once.
        CREATE TABLE foldedTime (series INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (series, at)) STRICT, WITHOUT ROWID;

        -- Of readings that went before these went with them.
        DELETE FROM importedEarliest WHERE NOT EXISTS (SELECT 1 FROM reading WHERE reading.series = importedEarliest.series AND reading.at = importedEarliest.at);
        -- When it was taken in; 0: before this column, which the next round of retention sets right.
        ALTER TABLE importedEntry ADD COLUMN takenInAt INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX importedEntryAt ON importedEntry (takenInAt);
        CREATE INDEX importedEntryOfKind ON importedEntry (citizen, kind);
        -- How many a citizen has, so that nobody has to count them.
        CREATE TABLE importedTally (citizen TEXT PRIMARY KEY, entries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO importedTally SELECT citizen, count(*) FROM importedEntry GROUP BY citizen;
        CREATE TRIGGER importedEntryCame AFTER INSERT ON importedEntry BEGIN
            INSERT INTO importedTally VALUES (NEW.citizen, 1) ON CONFLICT (citizen) DO UPDATE SET entries = entries + 1;
        END;
        CREATE TRIGGER importedEntryWent AFTER DELETE ON importedEntry BEGIN
            UPDATE importedTally SET entries = entries - 1 WHERE citizen = OLD.citizen;
            DELETE FROM importedTally WHERE citizen = OLD.citizen AND entries < 1;
        END;
        """
}
