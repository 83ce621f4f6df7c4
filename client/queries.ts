/** Queries as requests carry them: images as data URLs, and bare strings as what they may mean. */

import { isNearsightError, type NearsightError } from "../core/errors.ts";
import { toBase64 } from "../core/packed-vectors.ts";
import type { BareQuery, ImageQuery, QueryTerm, SimilarityQuery, SimpleQuery } from "../core/stages.ts";

/** Reads a picture of this machine by its path. */
export type ReadMedia = (path: string) => Promise<Uint8Array>;

/** A query with its images as data; addresses are left to the server, which may allow them. */
export async function wireQuery(query: SimilarityQuery, read: ReadMedia): Promise<SimilarityQuery> {
  if (!("combine" in query)) return withData(query, read);
  const combine = await Promise.all(
    query.combine.map(async (term): Promise<QueryTerm> => {
      if ("not" in term) return { ...term, not: await withData(term.not, read) };
      return withData(term, read);
    }),
  );
  return { ...query, combine };
}

async function withData<Query extends SimpleQuery>(query: Query, read: ReadMedia): Promise<Query> {
  if (!("image" in query)) return query;
  return { ...query, image: await dataUrl(query.image, read) };
}

async function dataUrl(image: ImageQuery, read: ReadMedia): Promise<string> {
  if (typeof image === "string" && /^(data|https?):/i.test(image)) return image;
  const bytes = typeof image === "string" ? await read(image) : image;
  // Pictures are recognised by their first bytes.
  return `data:image/any;base64,${toBase64(bytes)}`;
}

/** Asks for one query, in one run or in the one that fits. */
type Ask<Answer> = (query: SimilarityQuery, run: { brainKey?: string }) => Promise<Answer>;

/**
 * Asks with bare strings: as ids and, where the index has none of them, as prompts. ID_NOT_FOUND where they are
 * neither.
 */
export async function askBare<Answer>({ bare }: BareQuery, ask: Ask<Answer>): Promise<Answer> {
  const strings = [bare].flat();
  try {
    return await ask({ ids: strings }, {});
  } catch (error) {
    const brainKey = runWithoutThem(error);
    if (brainKey === null) throw error;
    return await ask({ prompts: strings }, { brainKey }).catch((refused: unknown) => {
      throw isNearsightError(refused, "PROMPTS_UNSUPPORTED") ? error : refused;
    });
  }
}

/** The run that has none of the ids asked for; null for other errors. */
function runWithoutThem(error: unknown): string | null {
  if (!isNearsightError(error, "ID_NOT_FOUND")) return null;
  const { brainKey, known } = (error as NearsightError).details;
  return typeof brainKey === "string" && known === 0 ? brainKey : null;
}
