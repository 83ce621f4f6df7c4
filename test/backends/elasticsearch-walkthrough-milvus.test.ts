/** FiftyOne's page on Milvus, block by block, on Elasticsearch. */

import "../walkthrough/fiftyone-milvus.test.ts";
