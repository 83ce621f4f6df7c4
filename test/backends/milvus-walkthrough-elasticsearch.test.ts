/** FiftyOne's page on Elasticsearch, block by block, on Milvus. */

import "../walkthrough/fiftyone-elasticsearch.test.ts";
