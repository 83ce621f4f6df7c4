/** `nearsight embeddings`: writes the vectors of an index to a file that other tools read. */

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { NearsightError, writeNpy } from "../../core/index.ts";
import { loadCompared } from "../comparing.ts";
import { paint, plural, shortPath } from "../output.ts";
import { type Session, withSession } from "../session.ts";

interface GetOptions {
  readonly brainKey?: string;
  readonly out?: string;
}

export function addEmbeddingsCommand(program: Command): void {
  program
    .command("embeddings")
    .description("vectors of an index")
    .command("get")
    .description("write vectors as .npy with their ids beside, or as JSON lines")
    .argument("<dataset>")
    .argument("[ids...]", "samples, or objects where objects are indexed; default: all")
    .option("--brain-key <key>", "default: the only index that fits")
    .option("--out <file>", "file.npy, with file.ids.json beside it; default: JSON lines to standard output")
    .action((dataset: string, ids: string[], options: GetOptions, command: Command) =>
      withSession(command, (session) => get(session, dataset, ids, options)),
    );
}

async function get(
  session: Session,
  name: string,
  ids: readonly string[],
  options: GetOptions,
): Promise<void> {
  const { ns, output } = session;
  const index = await loadCompared(await ns.loadDataset(name), options.brainKey);
  const ofObjects = index.config.patchesField !== null;
  const wanted = ids.length === 0 ? {} : ofObjects ? { labelIds: ids } : { sampleIds: ids };
  const { embeddings, sampleIds, labelIds } = await index.getEmbeddings({ ...wanted, allowMissing: false });
  const rowIds = labelIds ?? sampleIds;
  if (options.out === undefined) {
    for (const [i, id] of rowIds.entries()) {
      const sample = labelIds === null ? {} : { sampleId: sampleIds[i] };
      process.stdout.write(
        `${JSON.stringify({ id, ...sample, embedding: Array.from(embeddings.row(i)) })}\n`,
      );
    }
    return;
  }
  const target = resolve(options.out);
  const idsTarget = `${target.replace(/\.npy$/, "")}.ids.json`;
  await write(target, writeNpy(embeddings));
  await write(idsTarget, `${JSON.stringify(rowIds)}\n`);
  output.line(
    `Wrote ${plural(embeddings.rows, "vector")} of ${embeddings.dimension} numbers of ${paint("bold", `${name}/${index.key}`)} to ${shortPath(target)}, their ids to ${shortPath(idsTarget)}`,
  );
  output.result({
    ...{ dataset: name, brainKey: index.key, rows: embeddings.rows, dimension: embeddings.dimension },
    ...{ file: target, ids: idsTarget },
  });
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, content);
  } catch (error) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `The file ${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`,
      hint: "Give --out a file in a folder you may write to",
      cause: error,
    });
  }
}
