/** The real FiftyOne and nearsight on one Milvus. */

import { milvus } from "../../core/backends/milvus/milvus.ts";
import { testChanges } from "../support/fiftyone-changes.ts";
import { testAnswers } from "../support/fiftyone-indexes.ts";
import { type SharedServer, sharedDataset } from "../support/fiftyone-on-server.ts";
import { milvusServer } from "../support/servers.ts";

const address = milvusServer();

const exact = { rounding: 0, givesVectors: true };

const server: SharedServer = {
  driver: milvus,
  address,
  // FiftyOne imports a run before it looks at its own settings; pymilvus looks at this one.
  variables: { MILVUS_URI: address.uri },
  nameOption: "collection_name",
  kindThere: "MilvusSimilarityIndex",
  kinds: [
    { name: "dotproduct", metric: "dotproduct", ours: "dotproduct", ...exact },
    { name: "cosine", metric: "cosine", ours: "cosine", ...exact },
    { name: "euclidean", metric: "euclidean", ours: "euclidean", ...exact },
  ],
  // Scores of Milvus: products, cosines and squares of distances.
  fiftyOneDistance: (metric, distance) =>
    metric === "euclidean" ? distance ** 2 : metric === "cosine" ? 1 - distance : -distance,
};

const shared = sharedDataset(server);
testAnswers(server, shared);
testChanges(server, shared);
