/** Alarms for what needs a person, told to a topic and, where there is one, to an e-mail address. */

import { nameOf } from "./functions.ts";
import type { Feed } from "./queues.ts";
import type { RoleName } from "./roles.ts";
import type { DeploySettings } from "./settings.ts";

const FIVE_MINUTES = 300;
/** A message this old was tried again and again, or nobody takes messages. In seconds. */
const OLD = 6 * 60 * 60;

export interface Watched {
  readonly functions: Readonly<Record<RoleName, sst.aws.Function>>;
  readonly feeds: Readonly<Record<"reindex" | "build", Feed>>;
  readonly gateway: sst.aws.ApiGatewayV2 | null;
}

/** One number of CloudWatch, and from where on it is alarming. */
interface Watch {
  readonly name: string;
  readonly about: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, $util.Input<string>>>;
  readonly statistic: "Sum" | "Maximum";
  readonly above: number;
}

export function createAlarms(
  { functions, feeds, gateway }: Watched,
  { alarmEmail }: DeploySettings,
): aws.sns.Topic {
  // Not encrypted with a key of AWS, with which CloudWatch may not write. An alarm names no picture and no person.
  const topic = new aws.sns.Topic("Alarms", {});
  if (alarmEmail !== null) {
    new aws.sns.TopicSubscription("AlarmsByMail", {
      topic: topic.arn,
      protocol: "email",
      endpoint: alarmEmail,
    });
  }
  const watches = [
    ...Object.entries(feeds).map(([role, { queue }]) => watchAge(nameOf(role as RoleName), queue)),
    watchDeadLetters(feeds.reindex),
    watchGivenUp(functions.giveUp),
    ...Object.entries(functions).flatMap(([role, handler]) => watchFunction(role as RoleName, handler)),
    ...(gateway === null ? [] : [watchGateway(gateway)]),
  ];
  for (const watch of watches) createAlarm(watch, topic);
  return topic;
}

function watchAge(name: string, queue: sst.aws.Queue): Watch {
  return {
    name: `${name}Behind`,
    about: "Messages wait for hours: the function is too slow for them, fails, or does not run.",
    namespace: "AWS/SQS",
    metric: "ApproximateAgeOfOldestMessage",
    dimensions: { QueueName: queue.nodes.queue.name },
    statistic: "Maximum",
    above: OLD,
  };
}

function watchDeadLetters({ deadLetters }: Feed): Watch {
  return {
    name: "ReindexDeadLetters",
    about: "Images could not be indexed; the log says why. When that is mended, redrive the queue.",
    namespace: "AWS/SQS",
    metric: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: deadLetters.nodes.queue.name },
    statistic: "Maximum",
    above: 0,
  };
}

/** Its queue is emptied by a function: that it was called says that there was something in it. */
function watchGivenUp(giveUp: sst.aws.Function): Watch {
  return {
    name: "BuildDeadLetters",
    about:
      "Batches of a build were given up; the run is partial and has the reasons. Resume it when they are mended.",
    namespace: "AWS/Lambda",
    metric: "Invocations",
    dimensions: { FunctionName: giveUp.name },
    statistic: "Sum",
    above: 0,
  };
}

function watchFunction(role: RoleName, handler: sst.aws.Function): Watch[] {
  const shared = {
    namespace: "AWS/Lambda",
    dimensions: { FunctionName: handler.name },
    statistic: "Sum",
    above: 0,
  } as const;
  return [
    {
      ...shared,
      name: `${nameOf(role)}Errors`,
      about: "The function ended in an error, ran out of time or out of memory.",
      metric: "Errors",
    },
    {
      ...shared,
      name: `${nameOf(role)}Throttles`,
      about: "Calls were turned away: more at once than the function or the account may have.",
      metric: "Throttles",
    },
  ];
}

function watchGateway(gateway: sst.aws.ApiGatewayV2): Watch {
  return {
    name: "ApiFailures",
    about: "Requests were answered with 5xx.",
    namespace: "AWS/ApiGateway",
    metric: "5xx",
    dimensions: { ApiId: gateway.nodes.api.id },
    statistic: "Sum",
    above: 0,
  };
}

function createAlarm(watch: Watch, topic: aws.sns.Topic): void {
  new aws.cloudwatch.MetricAlarm(watch.name, {
    alarmDescription: watch.about,
    namespace: watch.namespace,
    metricName: watch.metric,
    dimensions: watch.dimensions,
    statistic: watch.statistic,
    comparisonOperator: "GreaterThanThreshold",
    threshold: watch.above,
    period: FIVE_MINUTES,
    evaluationPeriods: 1,
    // A queue or function that nobody uses has no numbers.
    treatMissingData: "notBreaching",
    alarmActions: [topic.arn],
  });
}
