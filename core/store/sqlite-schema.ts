/** The SQLite schema of the metadata store, step by step. Text collates by bytes (BINARY, SQLite's default). */

import type { Migration } from "../sqlite.ts";

const VERSION_1 = `
CREATE TABLE datasets (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  info TEXT NOT NULL,
  added INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE fields (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id TEXT NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  UNIQUE (dataset_id, name)
);

CREATE TABLE samples (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id TEXT NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  filepath TEXT NOT NULL,
  uri TEXT,
  media_type TEXT NOT NULL,
  rand INTEGER NOT NULL,
  tags TEXT NOT NULL,
  fields TEXT NOT NULL,
  label_fields TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (dataset_id, id)
);
CREATE INDEX samples_in_order ON samples (dataset_id);
CREATE UNIQUE INDEX samples_by_uri ON samples (dataset_id, uri) WHERE uri IS NOT NULL;

CREATE TABLE labels (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id TEXT NOT NULL,
  sample_seq INTEGER NOT NULL REFERENCES samples(seq) ON DELETE CASCADE,
  id TEXT NOT NULL,
  field TEXT NOT NULL,
  kind TEXT NOT NULL,
  position INTEGER NOT NULL,
  label TEXT NOT NULL,
  confidence REAL,
  bounding_box TEXT,
  tags TEXT NOT NULL,
  attributes TEXT NOT NULL,
  UNIQUE (dataset_id, id)
);
CREATE INDEX labels_of_sample ON labels (sample_seq, field, position);
CREATE INDEX labels_by_name ON labels (dataset_id, field, label);

CREATE TABLE sample_tags (
  sample_seq INTEGER NOT NULL REFERENCES samples(seq) ON DELETE CASCADE,
  dataset_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (sample_seq, tag)
) WITHOUT ROWID;
CREATE INDEX sample_tags_by_tag ON sample_tags (dataset_id, tag);

CREATE TABLE sample_vectors (
  dataset_id TEXT NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  field TEXT NOT NULL,
  owner_id TEXT NOT NULL,
  dimension INTEGER NOT NULL,
  vector BLOB NOT NULL,
  UNIQUE (dataset_id, owner_id, field)
);

CREATE INDEX sample_vectors_by_field ON sample_vectors (dataset_id, field, dimension);

CREATE TABLE saved_views (
  dataset_id TEXT NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  stages TEXT NOT NULL,
  PRIMARY KEY (dataset_id, name)
) WITHOUT ROWID;

CREATE TABLE runs (
  id TEXT PRIMARY KEY NOT NULL,
  dataset_id TEXT NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  type TEXT NOT NULL,
  version TEXT NOT NULL,
  config TEXT NOT NULL,
  spec_hash TEXT NOT NULL,
  state TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  lease_owner TEXT,
  lease_until INTEGER,
  reason TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (dataset_id, key)
);

CREATE TABLE run_entries (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  entry_id TEXT NOT NULL,
  sample_id TEXT NOT NULL,
  source_version TEXT,
  state TEXT NOT NULL,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  UNIQUE (run_id, entry_id)
);
CREATE INDEX run_entries_in_order ON run_entries (run_id);
CREATE INDEX run_entries_by_state ON run_entries (run_id, state);
CREATE INDEX run_entries_by_sample ON run_entries (run_id, sample_id);
`;

/** Revisions number what became searchable: a run's counter, and for each entry when it last was. 0 is never. */
const VERSION_2 = `
ALTER TABLE runs ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_entries ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET revision = 1;
UPDATE run_entries SET revision = 1 WHERE state IN ('indexed', 'deleting');
CREATE INDEX run_entries_by_revision ON run_entries (run_id, revision) WHERE revision > 0;
`;

/** Where a visualization has its entries: float32 numbers, little endian. */
const VERSION_3 = `
CREATE TABLE run_points (
  run_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  point BLOB NOT NULL,
  PRIMARY KEY (run_id, entry_id),
  FOREIGN KEY (run_id, entry_id) REFERENCES run_entries (run_id, entry_id) ON DELETE CASCADE
) WITHOUT ROWID;
`;

/** Counts for each entry what became of its sample's filter fields since their values were written beside its vector. */
const VERSION_4 = `
ALTER TABLE run_entries ADD COLUMN field_changes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX run_entries_outdated ON run_entries (run_id, sequence) WHERE field_changes <> 0;
`;

/** Keys of media that a worker is busy with, and those whose vectors are not certain. */
const VERSION_5 = `
CREATE TABLE key_leases (
  dataset_id TEXT NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  uri TEXT NOT NULL,
  token TEXT,
  held_until INTEGER NOT NULL,
  unsettled_until INTEGER NOT NULL,
  PRIMARY KEY (dataset_id, uri)
) WITHOUT ROWID;
`;

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: VERSION_1 },
  { version: 2, sql: VERSION_2 },
  { version: 3, sql: VERSION_3 },
  { version: 4, sql: VERSION_4 },
  { version: 5, sql: VERSION_5 },
];
