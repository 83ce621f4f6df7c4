/** Errors that several parts of the store throw. */

import { NearsightError } from "../errors.ts";

export function datasetNotFound(id: string): NearsightError {
  return new NearsightError({
    code: "DATASET_NOT_FOUND",
    message: `The store has no data set with id ${id}`,
    hint: "It may have been deleted; see listDatasets()",
    details: { id },
  });
}

export function datasetExists(name: string): NearsightError {
  return new NearsightError({
    code: "DATASET_EXISTS",
    message: `The store has a data set named ${JSON.stringify(name)} already`,
    hint: "Choose another name, load it with loadDataset(), or pass overwrite: true",
    details: { name },
  });
}

export function idNotFound(what: string, id: unknown): NearsightError {
  return new NearsightError({
    code: "ID_NOT_FOUND",
    message: `The data set has no ${what} ${JSON.stringify(id)}`,
    hint: "Take ids from the data set, such as with values('id')",
    details: { ids: [id] },
  });
}

export function idExists(what: string, value: unknown): NearsightError {
  return new NearsightError({
    code: "ID_EXISTS",
    message: `The ${what} ${JSON.stringify(value)} is taken already; nothing was written`,
    hint: "Leave ids out to have new ones made, or update the sample that is there",
    details: { ids: [value] },
  });
}

export function fieldTypeMismatch(field: string, expected: string, found: string): NearsightError {
  return new NearsightError({
    code: "FIELD_TYPE_MISMATCH",
    message: `Expected values of type ${expected} for field ${JSON.stringify(field)}, as it has them already, but found ${found}`,
    hint: "Give the values another field name, or the type the field has",
    details: { field, expected, found },
  });
}
