/** Queues that feed a function each, and where their messages go that nobody could handle. */

import { ROLES, type RoleName } from "./roles.ts";

/** AWS: at least six times the function's time-out, so that a message is not handed out while it is worked on. */
const VISIBILITY_FACTOR = 6;
/** AWS: at least five, so that throttling alone sends nothing to the dead letters. */
const MOST_RECEIVES = 5;
const FOURTEEN_DAYS = 14 * 24 * 60 * 60;

export interface Feed {
  readonly queue: sst.aws.Queue;
  readonly deadLetters: sst.aws.Queue;
}

/** A queue for a role, and its dead letters, which another role may take in turn; both are encrypted by SQS. */
export function createFeed(name: string, role: RoleName, ofDeadLetters?: RoleName): Feed {
  const transform = { queue: { messageRetentionSeconds: FOURTEEN_DAYS, sqsManagedSseEnabled: true } };
  const deadLetters = new sst.aws.Queue(`${name}DeadLetters`, {
    ...(ofDeadLetters === undefined ? {} : { visibilityTimeout: hiddenFor(ofDeadLetters) }),
    transform,
  });
  const queue = new sst.aws.Queue(`${name}Messages`, {
    visibilityTimeout: hiddenFor(role),
    dlq: { queue: deadLetters.arn, retry: MOST_RECEIVES },
    transform,
  });
  new aws.sqs.RedriveAllowPolicy(`${name}Redrive`, {
    queueUrl: deadLetters.url,
    redriveAllowPolicy: $jsonStringify({ redrivePermission: "byQueue", sourceQueueArns: [queue.arn] }),
  });
  return { queue, deadLetters };
}

function hiddenFor(role: RoleName): `${number} seconds` {
  return `${ROLES[role].seconds * VISIBILITY_FACTOR} seconds`;
}

/** What a function may do with the queue that feeds it. */
export function receiving({ arn }: sst.aws.Queue): sst.aws.FunctionPermissionArgs {
  return {
    actions: [
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:ChangeMessageVisibility",
      "sqs:GetQueueAttributes",
    ],
    resources: [arn],
  };
}

/** Lambda calls the function with messages of the queue; those it names as failed come again, the others do not. */
export function feed(
  queue: sst.aws.Queue,
  handler: sst.aws.Function,
  { size, window, instances }: { size: number; window: `${number} seconds`; instances: number },
): void {
  queue.subscribe(handler.arn, {
    batch: { size, window, partialResponses: true },
    transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: instances } } },
  });
}
