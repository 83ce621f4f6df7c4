/** ElasticMQ, a queue that speaks SQS, for the tests of builds by way of a queue: one process a test file, in memory. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { installOnce } from "./install.ts";
import { needJava } from "./java.ts";
import { needCommand, run } from "./needs.ts";
import { choosePort, takesConnections } from "./ports.ts";

const VERSION = "1.7.1";
const PORT = 9324;
const POLL_MS = 100;
const READY_TRIES = 1_200;
const JAVA = 17;

export interface ElasticMq {
  readonly endpoint: string;
  urlOf(queue: string): string;
  stop(): Promise<void>;
}

/** Queues in ElasticMQ's own words, such as `builds { defaultVisibilityTimeout = 3 seconds }`. */
export async function startElasticMq(queues: string): Promise<ElasticMq> {
  const libraries = await install();
  const port = await choosePort(PORT, []);
  const folder = mkdtempSync(join(tmpdir(), "nearsight-elasticmq-"));
  const file = join(folder, "elasticmq.conf");
  writeFileSync(file, configuration(port, queues));
  const java = join(needJava(JAVA), "bin/java");
  const words = ["-Xmx256m", `-Dconfig.file=${file}`, "-cp", `${libraries}/*`, "org.elasticmq.server.Main"];
  const child = spawn(java, words, { stdio: "ignore" });
  const ended = once(child, "exit");
  const endpoint = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await takesConnections(port)); tries++) {
    if (child.exitCode !== null || tries > READY_TRIES) throw new Error("Expected ElasticMQ to start");
    await pause(POLL_MS);
  }
  return {
    endpoint,
    urlOf: (queue) => `${endpoint}/000000000000/${queue}`,
    async stop() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function install(): Promise<string> {
  return installOnce(`elasticmq-${VERSION}`, async (staging) => {
    const maven = needCommand("mvn", "fetch ElasticMQ", ["maven"]);
    const pom = `<project><modelVersion>4.0.0</modelVersion><groupId>nearsight</groupId><artifactId>queue</artifactId>
<version>1</version><dependencies><dependency><groupId>org.elasticmq</groupId>
<artifactId>elasticmq-server_2.13</artifactId><version>${VERSION}</version></dependency></dependencies></project>`;
    const file = join(staging, "pom.xml");
    writeFileSync(file, pom);
    const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${staging}`];
    await run(maven, ["--quiet", "--batch-mode", "--strict-checksums", "-f", file, ...goal], {
      cwd: staging,
    });
  });
}

function configuration(port: number, queues: string): string {
  return `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${port}, context-path = "" }
rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = ${port}, sqs-limits = strict }
rest-stats { enabled = false }
aws { region = us-east-1, accountId = 000000000000 }
queues { ${queues} }
`;
}
