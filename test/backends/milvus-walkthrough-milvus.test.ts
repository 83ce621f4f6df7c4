/** FiftyOne's page on Milvus, block by block, on Milvus. */

import "../walkthrough/fiftyone-milvus.test.ts";
