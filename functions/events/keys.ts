/** Which keys a message tells of, in any of the shapes that events of buckets come in. */

import { z } from "@hono/zod-openapi";
import { decodeS3Key, NearsightError, s3Address } from "../../core/index.ts";

const objectSchema = z.object({
  bucket: z.object({ name: z.string().min(1) }),
  object: z.object({ key: z.string().min(1) }),
});

/** S3 itself, to SQS and SNS; MinIO writes `s3:` before the names of its events, and has the rest alike. */
const notificationSchema = z.object({ Records: z.array(z.object({ s3: objectSchema })) });

/** S3 by way of EventBridge. */
const bridgeSchema = z.object({
  "detail-type": z.string(),
  detail: objectSchema,
});

/** SNS around any of the others. */
const topicSchema = z.object({ Type: z.literal("Notification"), Message: z.string() });

/** What S3 sends when notifications are set up. */
const testSchema = z.object({ Event: z.literal("s3:TestEvent") });

/**
 * The addresses, such as `s3://bucket/key`, that a message may tell of, each once; none for a test event. What happened
 * to them is left aside: whoever hears of a key looks at it. INVALID_ARGUMENT for a message of another kind.
 *
 * @example
 * keysOf('{"Records":[{"s3":{"bucket":{"name":"photos"},"object":{"key":"a.png"}}}]}'); // ["s3://photos/a.png"]
 */
export function keysOf(message: string): string[] {
  const body = parsed(message);
  const topic = topicSchema.safeParse(body).data;
  return [...new Set(addressesIn(topic === undefined ? body : parsed(topic.Message)))];
}

function addressesIn(body: unknown): string[] {
  const notification = notificationSchema.safeParse(body).data;
  if (notification !== undefined) {
    return notification.Records.flatMap(({ s3 }) => addressesOf(s3));
  }
  const event = bridgeSchema.safeParse(body).data;
  if (event !== undefined) return addressesOf(event.detail);
  if (testSchema.safeParse(body).success) return [];
  throw unknown();
}

/**
 * The key decoded, and as it stands: S3 and MinIO encode it, versitygw does not, and of EventBridge AWS does not say.
 * To look at a key too many does no harm.
 */
function addressesOf({ bucket, object }: z.infer<typeof objectSchema>): string[] {
  return [...decoded(object.key), object.key].map((key) => s3Address({ bucket: bucket.name, key }));
}

function decoded(key: string): string[] {
  try {
    return [decodeS3Key(key)];
  } catch {
    return [];
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unknown();
  }
}

function unknown(): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: "Expected an event of a bucket, from S3, SNS or EventBridge, but found another message",
    hint: "Let nothing but the bucket's notifications write to this queue",
  });
}
