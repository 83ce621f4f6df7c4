/** Data sets over the API: their records by name, and their names by id. */

import { isNearsightError, NearsightError } from "../core/errors.ts";
import { assertName } from "../core/store/names.ts";
import type { DatasetRecord, DatasetStore, FieldRecord } from "../core/store/store.ts";
import type { Http } from "./http.ts";

/** A data set as the API gives it. */
export interface DatasetJson extends Pick<DatasetRecord, "id" | "name" | "createdAt"> {
  readonly fields: FieldRecord[];
}

/** The address of what belongs to a data set, such as `/datasets/quickstart/rows`. */
export type DatasetPath = (datasetId: string, ...parts: readonly string[]) => string;

export interface RemoteDatasets extends DatasetStore {
  readonly pathOf: DatasetPath;
  /** Learns the name of a data set. */
  record(json: DatasetJson): DatasetRecord;
}

/** The API knows data sets by name; objects know them by id, which stays when they are renamed. */
export function remoteDatasets(http: Http): RemoteDatasets {
  const names = new Map<string, string>();

  function record({ id, name, createdAt }: DatasetJson): DatasetRecord {
    names.set(id, name);
    return { id, name, createdAt, info: {} };
  }

  const pathOf: DatasetPath = (id, ...parts) => {
    const name = names.get(id);
    if (name === undefined) throw deleted(id);
    return path("datasets", name, ...parts);
  };

  return {
    pathOf,
    record,
    create: async (name) => record(await http("post", "/datasets", { body: { name } })),
    async get(name) {
      const found = await unlessAbsent(http<DatasetJson>("get", path("datasets", name)), "DATASET_NOT_FOUND");
      return found === null ? null : record(found);
    },
    async list() {
      const { datasets } = await http<{ datasets: string[] }>("get", "/datasets");
      return datasets.map((name) => ({ id: "", name, createdAt: "", info: {} }));
    },
    rename: async (id, name) => record(await http("patch", pathOf(id), { body: { name } })),
    async delete(id) {
      await http("delete", pathOf(id));
      names.delete(id);
    },
    fields: async (id) => (await http<DatasetJson>("get", pathOf(id))).fields,
  };
}

/** An address of parts that may hold any characters. */
export function path(...parts: readonly string[]): string {
  return parts.map((part) => `/${segment(part)}`).join("");
}

/** Addresses are shortened by parts that are dots, escaped or not, so that they would mean something else. */
function segment(part: string): string {
  assertName(part, "a name");
  if (part !== "." && part !== "..") return encodeURIComponent(part);
  throw new NearsightError({
    code: "REMOTE_UNSUPPORTED",
    message: `A name such as ${JSON.stringify(part)} has no address over HTTP`,
    hint: "Rename it where the server runs",
  });
}

/** Null where the server answers that there is no such thing. */
export async function unlessAbsent<Answer>(
  answer: Promise<Answer>,
  code: "DATASET_NOT_FOUND" | "ID_NOT_FOUND",
): Promise<Answer | null> {
  try {
    return await answer;
  } catch (error) {
    if (isNearsightError(error, code)) return null;
    throw error;
  }
}

function deleted(id: string): NearsightError {
  return new NearsightError({
    code: "DATASET_NOT_FOUND",
    message: "The data set of this object was deleted",
    hint: "Load or create one",
    details: { id },
  });
}
