/** The name the pages use, with ViT-B/32 in full: downloaded from the hub's paths, loaded, pictures and prompts embedded. */

import { describe, expect, it } from "vitest";
import { startHubServer } from "../support/hub-server.ts";
import { temporaryNearsight } from "../support/temporary.ts";
import { fullClip, REPOSITORY } from "./clip.ts";

describe("clip-vit-base32-torch", { timeout: 300_000 }, () => {
  it("resolves to ViT-B/32 on the hub and embeds pictures and prompts into 512 numbers", async () => {
    const hub = await startHubServer(await fullClip(), REPOSITORY);
    const ns = await temporaryNearsight({ config: { hubEndpoint: hub.endpoint } });
    try {
      const model = await ns.loadZooModel("clip-vit-base32-torch");
      expect(model).toMatchObject({ name: "clip-vit-base32-torch", dimension: 512 });
      expect(model.input).toMatchObject({ width: 224, height: 224, resample: "bicubic" });
      expect(hub.requests).toContain(`GET /${REPOSITORY}/resolve/main/onnx/vision_model.onnx`);
      expect(hub.requests).toContain("GET /storage/onnx/text_model.onnx");

      const dataset = await ns.loadZooDataset("quickstart");
      const computed = await dataset.computeEmbeddings(model);
      const { embeddings } = computed;
      expect(embeddings.shape).toEqual([200, 512]);
      expect(embeddings.data.every(Number.isFinite)).toBe(true);
      const prompts = await model.embedPrompts?.(["a photo of a dog", "a red bus"]);
      expect(prompts?.shape).toEqual([2, 512]);
      expect(prompts?.row(0)).not.toEqual(prompts?.row(1));

      const few = dataset.limit(4);
      const index = await ns.computeSimilarity(few, { model: "clip-vit-base32-torch", brainKey: "clip" });
      const indexed = await index.getEmbeddings({ sampleIds: computed.sampleIds.slice(0, 4) });
      expect(indexed.embeddings.shape).toEqual([4, 512]);
      const query = computed.sampleIds[2] ?? "";
      expect((await index.sortBySimilarity(query, { k: 4 }).values("id"))[0]).toBe(query);
      expect(await index.sortBySimilarity("a photo of a dog", { k: 4 }).values("id")).toHaveLength(4);

      // Another process finds the files in the cache and asks the hub for nothing.
      const before = hub.requests.length;
      const later = await temporaryNearsight({ config: { home: ns.home, hubEndpoint: hub.endpoint } });
      expect((await later.loadZooModel("clip-vit-base32-torch")).fingerprint).toBe(model.fingerprint);
      expect(hub.requests.length).toBe(before);
    } finally {
      await hub.close();
    }
  });
});
