/** FiftyOne's page on Elasticsearch, block by block, on Elasticsearch. */

import "../walkthrough/fiftyone-elasticsearch.test.ts";
