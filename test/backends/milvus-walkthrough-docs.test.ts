/** The Milvus documentation's page on FiftyOne, block by block, on Milvus. */

import "../walkthrough/milvus-docs.test.ts";
