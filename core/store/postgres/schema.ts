/**
 * The PostgreSQL schema of the metadata store, step by step; its versions are numbered as SQLite's are. Text collates
 * by bytes, as there. What is only ever handed back as it was written is `json`, what is asked about `jsonb`.
 */

/** One step of the schema, run once, in order, inside a transaction. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

const VERSION_4 = `
CREATE TABLE datasets (
  id text COLLATE "C" PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  created_at text COLLATE "C" NOT NULL,
  info json NOT NULL,
  added bigint NOT NULL DEFAULT 0
);

CREATE TABLE fields (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dataset_id text COLLATE "C" NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  UNIQUE (dataset_id, name)
);

CREATE TABLE samples (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dataset_id text COLLATE "C" NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  id text COLLATE "C" NOT NULL,
  filepath text COLLATE "C" NOT NULL,
  uri text COLLATE "C",
  media_type text COLLATE "C" NOT NULL,
  rand bigint NOT NULL,
  tags jsonb NOT NULL,
  fields jsonb NOT NULL,
  label_fields jsonb NOT NULL,
  created_at text COLLATE "C" NOT NULL,
  updated_at text COLLATE "C" NOT NULL,
  UNIQUE (dataset_id, id)
);
CREATE INDEX samples_in_order ON samples (dataset_id, seq);
CREATE UNIQUE INDEX samples_by_uri ON samples (dataset_id, uri) WHERE uri IS NOT NULL;

CREATE TABLE labels (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dataset_id text COLLATE "C" NOT NULL,
  sample_seq bigint NOT NULL REFERENCES samples(seq) ON DELETE CASCADE,
  id text COLLATE "C" NOT NULL,
  field text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  label text COLLATE "C" NOT NULL,
  confidence double precision,
  bounding_box jsonb,
  tags jsonb NOT NULL,
  attributes jsonb NOT NULL,
  UNIQUE (dataset_id, id)
);
CREATE INDEX labels_of_sample ON labels (sample_seq, field, position);
CREATE INDEX labels_by_name ON labels (dataset_id, field, label);

CREATE TABLE sample_tags (
  sample_seq bigint NOT NULL REFERENCES samples(seq) ON DELETE CASCADE,
  dataset_id text COLLATE "C" NOT NULL,
  tag text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (sample_seq, tag)
);
CREATE INDEX sample_tags_by_tag ON sample_tags (dataset_id, tag, sample_seq);

CREATE TABLE sample_vectors (
  dataset_id text COLLATE "C" NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  field text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  dimension integer NOT NULL,
  vector bytea NOT NULL,
  UNIQUE (dataset_id, owner_id, field)
);
CREATE INDEX sample_vectors_by_field ON sample_vectors (dataset_id, field, dimension);

CREATE TABLE saved_views (
  dataset_id text COLLATE "C" NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  stages json NOT NULL,
  PRIMARY KEY (dataset_id, name)
);

CREATE TABLE runs (
  id text COLLATE "C" PRIMARY KEY,
  dataset_id text COLLATE "C" NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL,
  config json NOT NULL,
  spec_hash text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  lease_owner text COLLATE "C",
  lease_until bigint,
  reason text COLLATE "C",
  created_at text COLLATE "C" NOT NULL,
  updated_at text COLLATE "C" NOT NULL,
  revision bigint NOT NULL DEFAULT 0,
  UNIQUE (dataset_id, key)
);

CREATE TABLE run_entries (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  entry_id text COLLATE "C" NOT NULL,
  sample_id text COLLATE "C" NOT NULL,
  source_version text COLLATE "C",
  state text COLLATE "C" NOT NULL,
  reason text COLLATE "C",
  attempts integer NOT NULL DEFAULT 0,
  revision bigint NOT NULL DEFAULT 0,
  field_changes bigint NOT NULL DEFAULT 0,
  UNIQUE (run_id, entry_id)
);
CREATE INDEX run_entries_in_order ON run_entries (run_id, sequence);
CREATE INDEX run_entries_by_state ON run_entries (run_id, state, sequence);
CREATE INDEX run_entries_by_sample ON run_entries (run_id, sample_id);
CREATE INDEX run_entries_by_revision ON run_entries (run_id, revision, sequence) WHERE revision > 0;
CREATE INDEX run_entries_outdated ON run_entries (run_id, sequence) WHERE field_changes <> 0;

CREATE TABLE run_points (
  run_id text COLLATE "C" NOT NULL,
  entry_id text COLLATE "C" NOT NULL,
  point bytea NOT NULL,
  PRIMARY KEY (run_id, entry_id),
  FOREIGN KEY (run_id, entry_id) REFERENCES run_entries (run_id, entry_id) ON DELETE CASCADE
);
`;

/** Keys of media that a worker is busy with, and those whose vectors are not certain. */
const VERSION_5 = `
CREATE TABLE key_leases (
  dataset_id text COLLATE "C" NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
  uri text COLLATE "C" NOT NULL,
  token text COLLATE "C",
  held_until bigint NOT NULL,
  unsettled_until bigint NOT NULL,
  PRIMARY KEY (dataset_id, uri)
);
`;

export const MIGRATIONS: readonly Migration[] = [
  { version: 4, sql: VERSION_4 },
  { version: 5, sql: VERSION_5 },
];

/** Collations that fold the case of all of Unicode, best first: ICU's agrees with JavaScript. */
const FOLDING_COLLATIONS = ["und-x-icu", "pg_unicode_fast", "pg_c_utf8"];

/** Makes `fold`, which takes differences of case away, with the best collation the server has. */
export const CREATE_FOLD = `
DO $body$
DECLARE found name;
BEGIN
  SELECT collname INTO found FROM pg_collation
    WHERE collname IN (${FOLDING_COLLATIONS.map((name) => `'${name}'`).join(", ")})
      AND collnamespace = 'pg_catalog'::regnamespace
      AND collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))
    ORDER BY array_position(ARRAY[${FOLDING_COLLATIONS.map((name) => `'${name}'`).join(", ")}]::name[], collname) LIMIT 1;
  EXECUTE format('CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower($1 COLLATE pg_catalog.%I)', coalesce(found, 'default'));
END $body$;
`;
