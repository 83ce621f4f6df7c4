/** Compares the bucket with the data set now and then, so that an event that was lost does no lasting harm. */

import type { DeploySettings } from "./settings.ts";

export function createSchedule(handler: sst.aws.Function, { schedule }: DeploySettings): sst.aws.CronV2 {
  return new sst.aws.CronV2("SyncTimer", { schedule, function: handler.arn, timezone: "UTC", retries: 2 });
}
