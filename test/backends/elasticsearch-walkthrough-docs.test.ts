/** The Milvus documentation's page on FiftyOne, block by block, on Elasticsearch. */

import "../walkthrough/milvus-docs.test.ts";
