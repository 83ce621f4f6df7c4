/** The tables of the metadata store as the query builder sees them. */

import type { Generated } from "kysely";

export interface Tables {
  datasets: DatasetsTable;
  fields: FieldsTable;
  samples: SamplesTable;
  labels: LabelsTable;
  sample_tags: SampleTagsTable;
  sample_vectors: SampleVectorsTable;
  saved_views: SavedViewsTable;
  runs: RunsTable;
  run_entries: RunEntriesTable;
  key_leases: KeyLeasesTable;
}

interface DatasetsTable {
  id: string;
  name: string;
  created_at: string;
  /** JSON object. */
  info: string;
  /** Samples ever added: the position the next one gets its `rand` from. */
  added: Generated<number>;
}

interface FieldsTable {
  seq: Generated<number>;
  dataset_id: string;
  name: string;
  type: string;
}

export interface SamplesTable {
  /** Rises with each sample: the order of the data set. */
  seq: Generated<number>;
  dataset_id: string;
  id: string;
  filepath: string;
  uri: string | null;
  media_type: string;
  /** From 0 to 2^31 - 2, derived from the position in the data set. */
  rand: number;
  /** JSON array, a copy of the sample's rows in sample_tags. */
  tags: string;
  /** JSON object without nulls. */
  fields: string;
  /** JSON object: label field to its kind. */
  label_fields: string;
  created_at: string;
  updated_at: string;
}

export interface LabelsTable {
  seq: Generated<number>;
  dataset_id: string;
  sample_seq: number;
  id: string;
  field: string;
  kind: string;
  /** Place in the sample's list, from 0. */
  position: number;
  label: string;
  confidence: number | null;
  /** JSON array of 4 numbers. */
  bounding_box: string | null;
  tags: string;
  attributes: string;
}

interface SampleTagsTable {
  sample_seq: number;
  dataset_id: string;
  tag: string;
  position: number;
}

interface SampleVectorsTable {
  dataset_id: string;
  field: string;
  owner_id: string;
  dimension: number;
  /** Float32, little endian. */
  vector: Uint8Array;
}

interface SavedViewsTable {
  dataset_id: string;
  name: string;
  version: number;
  stages: string;
}

export interface RunsTable {
  id: string;
  dataset_id: string;
  key: string;
  type: string;
  version: string;
  config: string;
  spec_hash: string;
  state: string;
  epoch: number;
  lease_owner: string | null;
  lease_until: number | null;
  reason: string | null;
  created_at: string;
  updated_at: string;
  /** Rises with each write that makes entries searchable. */
  revision: number;
}

export interface RunEntriesTable {
  sequence: Generated<number>;
  run_id: string;
  entry_id: string;
  sample_id: string;
  source_version: string | null;
  state: string;
  reason: string | null;
  attempts: number;
  /** The run's revision when the entry last became searchable; 0 if it never was. */
  revision: number;
  /** Writes to the sample's filter fields since their values were last written beside the vector. */
  field_changes: Generated<number>;
}

interface KeyLeasesTable {
  dataset_id: string;
  uri: string;
  /** Null once it was let go of. */
  token: string | null;
  /** Milliseconds since 1970. */
  held_until: number;
  /** 0, or until when somebody who lost the lease may still write vectors. */
  unsettled_until: number;
}
