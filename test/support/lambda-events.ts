/** Events as AWS hands them to a function: function URL and API Gateway's two kinds, SQS, EventBridge. */

import { randomUUID } from "node:crypto";

export interface HttpCall {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON of it is sent; bytes are sent as they are. */
  readonly body?: unknown;
}

/** A function URL's event, which is also that of an HTTP API (payload format 2.0). */
export function urlEvent({ method = "GET", path, query = "", headers = {}, body }: HttpCall) {
  const sent = bodyOf(body);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: query,
    headers: { host: "abc.lambda-url.us-east-1.on.aws", ...sent.headers, ...headers },
    requestContext: {
      accountId: "anonymous",
      apiId: "abc",
      domainName: "abc.lambda-url.us-east-1.on.aws",
      domainPrefix: "abc",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "test" },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: "21/Nov/2026:12:00:00 +0000",
      timeEpoch: 1_795_262_400_000,
    },
    ...sent.event,
  };
}

/** The event of a REST API (payload format 1.0). */
export function restEvent({ method = "GET", path, query = "", headers = {}, body }: HttpCall) {
  const sent = bodyOf(body);
  const all = { Host: "abc.execute-api.us-east-1.amazonaws.com", ...sent.headers, ...headers };
  const values = new URLSearchParams(query);
  return {
    resource: "/{proxy+}",
    path,
    httpMethod: method,
    headers: all,
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    queryStringParameters: query === "" ? null : Object.fromEntries(values),
    multiValueQueryStringParameters:
      query === "" ? null : Object.fromEntries([...values.keys()].map((name) => [name, values.getAll(name)])),
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      accountId: "000000000000",
      apiId: "abc",
      domainName: "abc.execute-api.us-east-1.amazonaws.com",
      httpMethod: method,
      path: `/prod${path}`,
      stage: "prod",
      requestId: randomUUID(),
      identity: { sourceIp: "203.0.113.7", userAgent: "test" },
    },
    body: null,
    isBase64Encoded: false,
    ...sent.event,
  };
}

function bodyOf(body: unknown): { headers: Record<string, string>; event: Record<string, unknown> } {
  if (body === undefined) return { headers: {}, event: {} };
  if (body instanceof Uint8Array) {
    const event = { body: Buffer.from(body).toString("base64"), isBase64Encoded: true };
    return { headers: { "content-type": "application/octet-stream" }, event };
  }
  const event = { body: JSON.stringify(body), isBase64Encoded: false };
  return { headers: { "content-type": "application/json" }, event };
}

/** Messages of a queue, as an event source mapping hands them over. */
export function sqsEvent(bodies: readonly string[], { receiveCount = 1 } = {}) {
  return {
    Records: bodies.map((body, at) => ({
      messageId: `message-${at}`,
      receiptHandle: `handle-${at}`,
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        SentTimestamp: "1795262400000",
        SenderId: "000000000000",
        ApproximateFirstReceiveTimestamp: "1795262400001",
      },
      messageAttributes: {},
      md5OfBody: "",
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:builds",
      awsRegion: "us-east-1",
    })),
  };
}
