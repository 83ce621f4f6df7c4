// Adds up vitest's JSON reports in the folder given: prints passed, failed and skipped tests as three numbers.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

let passed = 0;
let failed = 0;
let skipped = 0;
const folder = process.argv[2] ?? "";
for (const name of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(join(folder, name), "utf8"));
  passed += report.numPassedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  // A file that cannot be loaded has no failed test of its own.
  const broken = report.testResults.filter((file) => file.status === "failed");
  failed += Math.max(report.numFailedTests, broken.length);
}
console.log(passed, failed, skipped);
