/** `nearsight datasets`: lists data sets, describes one, renames and deletes them. */

import type { Command } from "commander";
import type { Dataset } from "../../core/index.ts";
import { plural, shortPath } from "../output.ts";
import { type Session, withSession } from "../session.ts";
import { collectionOf } from "./runs.ts";

export function addDatasetsCommand(program: Command): void {
  const datasets = program.command("datasets").description("list data sets, or describe, rename, delete one");
  datasets
    .command("list", { isDefault: true })
    .description("list data sets")
    .action((_, command: Command) => withSession(command, list));
  datasets
    .command("info")
    .description("fields, labels and indexes of a data set")
    .argument("<dataset>")
    .action((name: string, _, command: Command) => withSession(command, (session) => info(session, name)));
  datasets
    .command("rename")
    .description("give a data set another name")
    .argument("<dataset>")
    .argument("<new-name>")
    .action((name: string, newName: string, _, command: Command) =>
      withSession(command, (session) => rename(session, name, newName)),
    );
  datasets
    .command("delete")
    .description("delete a data set; its media files stay")
    .argument("<dataset>")
    .option("--cleanup", "delete its indexes from their backends too")
    .action((name: string, options: { cleanup?: boolean }, command: Command) =>
      withSession(command, (session) => remove(session, name, options.cleanup ?? false)),
    );
}

async function list({ ns, output }: Session): Promise<void> {
  const rows = [];
  for (const name of await ns.listDatasets()) {
    const dataset = await ns.loadDataset(name);
    rows.push({ name, samples: await dataset.count(), brainRuns: await dataset.listBrainRuns() });
  }
  if (rows.length === 0) {
    output.line("There are no data sets yet. Make one: npx nearsight quickstart, or npx nearsight index DIR");
  } else {
    output.table(
      [{ name: "data set" }, { name: "samples", align: "right" }, { name: "indexes" }],
      rows.map(({ name, samples, brainRuns }) => [name, String(samples), brainRuns.join(", ") || "–"]),
    );
  }
  output.result({ datasets: rows });
}

async function info({ ns, output }: Session, name: string): Promise<void> {
  const dataset = await ns.loadDataset(name);
  const samples = await dataset.count();
  const fields = (await dataset.fields()).map(({ name, type }) => ({ name, type }));
  const tags = Object.fromEntries(await dataset.countValues<string>("tags"));
  const brainRuns = await dataset.listBrainRuns();
  const [first] = await dataset.head(1);
  output.heading(name);
  output.table(
    [{ name: "" }, { name: "" }],
    [
      ["samples", samples.toLocaleString("en-US")],
      ["first", first === undefined ? "–" : shortPath(first.filepath)],
      [
        "tags",
        Object.entries(tags)
          .map(([tag, count]) => `${tag} (${count})`)
          .join(", ") || "–",
      ],
      ["fields", fields.map((field) => `${field.name}: ${field.type}`).join(", ") || "–"],
      ["indexes", brainRuns.join(", ") || "–"],
    ],
  );
  output.result({ name, id: dataset.id, samples, tags, fields, brainRuns });
}

async function rename({ ns, output }: Session, name: string, newName: string): Promise<void> {
  await ns.renameDataset(name, newName);
  output.line(`Data set ${name} is now ${newName}`);
  output.result({ name: newName, oldName: name });
}

async function remove({ ns, output }: Session, name: string, cleanup: boolean): Promise<void> {
  const dataset = await ns.loadDataset(name);
  const samples = await dataset.count();
  const left = await letGo(dataset, cleanup);
  await dataset.delete();
  output.line(`Deleted data set ${name} (${plural(samples, "sample")}); its media files stay where they are`);
  if (left.length > 0)
    output.note(`Its indexes stay in their backends: ${left.join(", ")}; --cleanup would have deleted them`);
  output.result({ deleted: name, samples, collectionsLeft: left });
}

/** Deletes the collections of all runs, or names them. */
async function letGo(dataset: Dataset, cleanup: boolean): Promise<string[]> {
  const left: string[] = [];
  for (const key of await dataset.listBrainRuns()) {
    const collection = collectionOf((await dataset.getBrainInfo(key)).config);
    if (collection === null) continue;
    if (cleanup) await (await dataset.loadBrainResults(key)).delete();
    else left.push(collection);
  }
  return left;
}
