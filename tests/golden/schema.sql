CREATE TABLE database (
  id TEXT NOT NULL,  -- new with every file whose positions mean something else
  created REAL NOT NULL
) STRICT;

CREATE TABLE runs (
  n INTEGER PRIMARY KEY,  -- order of creation here, whatever the clocks said
  id TEXT NOT NULL UNIQUE,
  root TEXT NOT NULL,
  created REAL NOT NULL,
  parent TEXT REFERENCES runs (id),
  cut INTEGER,
  made_from TEXT,
  caller_run TEXT,
  caller_call TEXT,
  depth INTEGER NOT NULL,
  imported INTEGER NOT NULL,
  CHECK ((parent IS NULL) = (cut IS NULL))
) STRICT;

CREATE INDEX runs_by_caller ON runs (caller_run) WHERE caller_run IS NOT NULL;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,  -- order of commit over all runs: the position that watchers follow
  run TEXT NOT NULL REFERENCES runs (id),
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  call TEXT,
  at REAL NOT NULL,
  elapsed REAL,
  size INTEGER,
  first_line TEXT,  -- as much as a list shows; the head has the rest
  head TEXT NOT NULL  -- JSON of the event without its body
) STRICT;

CREATE UNIQUE INDEX events_by_run ON events (run, seq);

CREATE TABLE blobs (
  hash BLOB PRIMARY KEY,  -- SHA-256 of the content's UTF-8
  content TEXT NOT NULL
) STRICT;

CREATE TABLE bodies (
  event INTEGER PRIMARY KEY REFERENCES events (id),
  inline TEXT,  -- JSON of the result's blocks, or
  blob BLOB REFERENCES blobs (hash),  -- where it is large, its hash
  CHECK ((inline IS NULL) <> (blob IS NULL))
) STRICT;

CREATE TABLE library (
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  kind TEXT NOT NULL,
  call TEXT,
  at REAL NOT NULL,
  head TEXT NOT NULL
) STRICT;

CREATE TABLE summaries (
  run TEXT PRIMARY KEY REFERENCES runs (id),
  as_of_seq INTEGER NOT NULL,
  task TEXT NOT NULL,
  model TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  steps INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost REAL,
  total_tokens INTEGER NOT NULL,
  elapsed REAL NOT NULL,
  answer_line TEXT NOT NULL,
  edited TEXT NOT NULL,
  address TEXT NOT NULL,
  updated REAL NOT NULL
) STRICT;

CREATE TABLE processes (
  owner TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  boot TEXT NOT NULL,
  started TEXT NOT NULL,
  beat INTEGER NOT NULL  -- counts up while the process lives
) STRICT;

CREATE TABLE leases (
  root TEXT PRIMARY KEY,
  owner TEXT,  -- NULL when nobody drives the run; the row stays, so that tokens only grow
  token INTEGER NOT NULL,
  since REAL NOT NULL
) STRICT;

CREATE TRIGGER runs_once BEFORE INSERT ON runs BEGIN
  SELECT RAISE(ABORT, 'this run exists already')
    WHERE EXISTS (SELECT 1 FROM runs WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM runs WHERE n = NEW.n);
  SELECT RAISE(ABORT, 'the cut is no event of the parent')
    WHERE NEW.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM events WHERE run = NEW.parent AND seq = NEW.cut);
END;

CREATE TRIGGER events_once BEFORE INSERT ON events BEGIN
  SELECT RAISE(ABORT, 'this event exists already')
    WHERE EXISTS (SELECT 1 FROM events WHERE run = NEW.run AND seq = NEW.seq)
      OR EXISTS (SELECT 1 FROM events WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'the event does not follow the one before')
    WHERE NEW.seq IS NOT coalesce(
      (SELECT max(seq) + 1 FROM events WHERE run = NEW.run),
      (SELECT coalesce(cut + 1, 0) FROM runs WHERE id = NEW.run)
    );
END;

CREATE TRIGGER bodies_once BEFORE INSERT ON bodies BEGIN
  SELECT RAISE(ABORT, 'this body exists already') WHERE EXISTS (SELECT 1 FROM bodies WHERE event = NEW.event);
END;

CREATE TRIGGER blobs_once BEFORE INSERT ON blobs BEGIN
  SELECT RAISE(ABORT, 'this blob exists already') WHERE EXISTS (SELECT 1 FROM blobs WHERE hash = NEW.hash);
END;

CREATE TRIGGER library_once BEFORE INSERT ON library BEGIN
  SELECT RAISE(ABORT, 'this entry exists already') WHERE EXISTS (SELECT 1 FROM library WHERE id = NEW.id);
END;

CREATE TRIGGER runs_never_update BEFORE UPDATE ON runs BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER runs_never_delete BEFORE DELETE ON runs BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER events_never_update BEFORE UPDATE ON events BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER events_never_delete BEFORE DELETE ON events BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER bodies_never_update BEFORE UPDATE ON bodies BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER bodies_never_delete BEFORE DELETE ON bodies BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER blobs_never_update BEFORE UPDATE ON blobs BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER blobs_never_delete BEFORE DELETE ON blobs BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER library_never_update BEFORE UPDATE ON library BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER library_never_delete BEFORE DELETE ON library BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE INDEX library_by_run ON library (run);
