/** The log, the counts and the traces of a function, by Powertools; what is secret never gets into them. */

import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { Tracer } from "@aws-lambda-powertools/tracer";
import { isNearsightError } from "../../core/index.ts";

const SERVICE = "nearsight";
const MASK = "***";
/** What a signed link or an address with a login has after its path, whoever made it. */
const SIGNED =
  /([?&](?:X-Amz-[\w-]+|Signature|sig|signature|token|key|policy)=)[^&\s"'<>]+|(\/\/)[^/@\s"']+@/gi;
const BEARER = /\b(Bearer|Basic)\s+[\w+/=.~-]+/gi;
const MOST_CAUSES = 5;

/** Facts of one invocation; plain JSON. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  /** With the error's code, message and causes, their stacks included. */
  error(message: string, error: unknown, facts?: Facts): void;
  /** Counts what happened, and its time in milliseconds where it took one. */
  count(name: string, milliseconds?: number): void;
  /** Runs work as a part of the trace; its errors are marked there and thrown on. */
  traced<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** Facts of the invocation in each line until the next begins. */
  begin(context: { readonly awsRequestId: string; readonly functionName: string }): void;
  /** Writes the counts of the invocation. */
  end(): void;
}

/** A log that replaces these texts, and whatever looks like a credential, wherever they turn up. */
export function createLog(role: string, secrets: readonly string[]): Log {
  const logger = new Logger({ serviceName: SERVICE, persistentKeys: { role } });
  const metrics = new Metrics({ namespace: SERVICE, serviceName: SERVICE, defaultDimensions: { role } });
  const tracer = new Tracer({ serviceName: SERVICE, captureHTTPsRequests: false });
  const clean = (text: string) => withoutCredentials(text, secrets);
  const cleaned = (facts: Facts = {}) =>
    Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [name, typeof value === "string" ? clean(value) : value]),
    );
  return {
    info: (message, facts) => logger.info(clean(message), cleaned(facts)),
    warn: (message, facts) => logger.warn(clean(message), cleaned(facts)),
    error: (message, error, facts) =>
      logger.error(clean(message), { ...cleaned(facts), causes: causesOf(error).map(clean) }),
    count(name, milliseconds) {
      metrics.addMetric(name, MetricUnit.Count, 1);
      if (milliseconds !== undefined) metrics.addMetric(`${name}Time`, MetricUnit.Milliseconds, milliseconds);
    },
    async traced(name, work) {
      if (!tracer.isTracingEnabled()) return work();
      const parent = tracer.getSegment();
      const segment = parent?.addNewSubsegment(name);
      try {
        return await work();
      } catch (error) {
        // The message and stack would go along unread.
        segment?.addErrorFlag();
        throw error;
      } finally {
        segment?.close();
      }
    },
    begin: ({ awsRequestId, functionName }) =>
      logger.appendKeys({ function_request_id: awsRequestId, function_name: functionName }),
    end: () => metrics.publishStoredMetrics(),
  };
}

/** The text without these secrets, signatures of links, logins in addresses and authorization headers. */
export function withoutCredentials(text: string, secrets: readonly string[]): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, MASK);
  return shown
    .replaceAll(BEARER, `$1 ${MASK}`)
    .replaceAll(SIGNED, (_, parameter, slashes) =>
      parameter === undefined ? `${slashes}${MASK}@` : `${parameter}${MASK}`,
    );
}

/** An error and what caused it, as text, the outermost first. */
function causesOf(error: unknown): string[] {
  const texts: string[] = [];
  for (let one = error; one !== undefined && texts.length < MOST_CAUSES; one = causeOf(one)) {
    const code = isNearsightError(one) ? `${one.code}: ` : "";
    texts.push(`${code}${one instanceof Error ? (one.stack ?? one.message) : String(one)}`);
  }
  return texts;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
