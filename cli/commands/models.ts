/** `nearsight models`: lists embedding models by name, and downloads one ahead of time. */

import type { Command } from "commander";
import { bytes, duration, paint } from "../output.ts";
import { createProgress } from "../progress.ts";
import { type Session, withSession } from "../session.ts";

export function addModelsCommand(program: Command): void {
  const models = program.command("models").description("list embedding models, or download one");
  models
    .command("list", { isDefault: true })
    .description("models that have a name")
    .action((_, command: Command) => withSession(command, list));
  models
    .command("fetch")
    .description("download a model, so that it is there without a network")
    .argument("<model>", "a name of the list, or hub:owner/name")
    .action((name: string, _, command: Command) =>
      withSession(command, (session) => fetchModel(session, name), { stoppable: true }),
    );
}

async function list({ ns, output }: Session): Promise<void> {
  const models = ns.listZooModels();
  output.table(
    [
      { name: "model" },
      { name: "numbers", align: "right" },
      { name: "prompts" },
      { name: "size", align: "right" },
      { name: "licence" },
      { name: "good for" },
    ],
    models.map((model) => [
      ...[model.name, String(model.dimension), model.prompts ? "yes" : "no", bytes(model.size)],
      ...[model.license, model.kind],
    ]),
  );
  output.line(paint("dim", "\n  Any model directory, and hub:owner/name, works as well."));
  output.result({ models });
}

async function fetchModel({ ns, output, signal }: Session, name: string): Promise<void> {
  const start = performance.now();
  const progress = await createProgress({ label: name, unit: "", show: bytes, quiet: output.json });
  const received = new Map<string, { done: number; total: number }>();
  try {
    const model = await ns.loadZooModel(name, {
      signal,
      onProgress({ file, received: done, total }) {
        received.set(file, { done, total: total ?? done });
        const files = [...received.values()];
        progress.update({
          done: files.reduce((sum, one) => sum + one.done, 0),
          total: files.reduce((sum, one) => sum + one.total, 0),
        });
      },
    });
    progress.stop();
    const { dimension, fingerprint } = model;
    const loaded = [...received.values()].reduce((sum, one) => sum + one.done, 0);
    const how =
      loaded === 0 ? "is here already" : `${bytes(loaded)} in ${duration(performance.now() - start)}`;
    output.line(`${paint("bold", model.name)}: ${how}; ${dimension} numbers per vector`);
    output.result({
      name: model.name,
      dimension,
      fingerprint,
      prompts: model.embedPrompts !== undefined,
      bytes: loaded,
    });
  } finally {
    progress.stop();
  }
}
