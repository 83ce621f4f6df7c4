// Adds up vitest's JSON reports given as arguments: prints passed, failed and skipped tests as three numbers.

import { readFileSync } from "node:fs";

let passed = 0;
let failed = 0;
let skipped = 0;
for (const path of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(path, "utf8"));
  passed += report.numPassedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  // A file that cannot be loaded has no failed test of its own.
  const broken = report.testResults.filter((file) => file.status === "failed");
  failed += Math.max(report.numFailedTests, broken.length);
}
console.log(passed, failed, skipped);
