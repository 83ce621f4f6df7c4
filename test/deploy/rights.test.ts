/** What each part may do: named actions on named things, and where AWS knows no names the reason is here. */

import { beforeAll, describe, expect, test } from "vitest";
import {
  capital,
  Deployment,
  ROLES,
  type RoleName,
  type Statement,
  statementsOf,
} from "../support/deployment.ts";

const BUCKET = "arn:aws:s3:::imagesbucket";
const [IMAGES, UPLOADS] = [`${BUCKET}/images/*`, `${BUCKET}/uploads/*`];
/** X-Ray has no resources: its actions take `*` alone. */
const TRACING = {
  Effect: "Allow",
  Action: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
  Resource: ["*"],
};
const FOLLOW = { Effect: "Allow", Action: ["s3:GetObject"], Resource: [IMAGES] };
const READ = { Effect: "Allow", Action: ["s3:GetObject"], Resource: [IMAGES, UPLOADS] };
const SEE = { Effect: "Allow", Action: ["s3:ListBucket"], Resource: [BUCKET] };
const ADD = { Effect: "Allow", Action: ["s3:PutObject"], Resource: [UPLOADS] };
const queue = (name: string) => expect.stringMatching(new RegExp(`^arn:aws:sqs:.*:${name}Queue$`));
const RECEIVE = (name: string) => ({
  Effect: "Allow",
  Action: [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
  ],
  Resource: [queue(name)],
});
const SEND = { Effect: "Allow", Action: ["sqs:SendMessage"], Resource: [queue("BuildMessages")] };

const RIGHTS: Readonly<Record<RoleName, readonly unknown[]>> = {
  compute: [READ, ADD, SEND, TRACING],
  query: [READ, TRACING],
  manage: [TRACING],
  reindex: [FOLLOW, SEE, RECEIVE("ReindexMessages"), TRACING],
  build: [READ, SEE, RECEIVE("BuildMessages"), TRACING],
  giveUp: [RECEIVE("BuildDeadLetters"), TRACING],
  sync: [FOLLOW, SEE, TRACING],
};

let deployment: Deployment;

beforeAll(async () => {
  deployment = await Deployment.of();
});

describe("a function", () => {
  test.each(ROLES)("%s may do what it needs and nothing more", (role) => {
    expect(deployment.statements(role)).toEqual(RIGHTS[role]);
  });

  test.each(ROLES)("%s is Lambda's alone, and writes its log with AWS's own policy", (role) => {
    const { assumeRolePolicy, managedPolicyArns } = deployment.inputs(
      "iam/role:Role",
      `${capital(role)}Role`,
    );
    expect(assumeRolePolicy.Statement).toEqual([
      {
        Sid: "AllowAssumeRole",
        Effect: "Allow",
        Principal: { Service: "lambda.amazonaws.com" },
        Action: "sts:AssumeRole",
      },
    ]);
    expect(managedPolicyArns).toEqual(["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]);
  });
});

test("the schedule may call the function it is for", () => {
  const { inlinePolicies } = deployment.inputs("iam/role:Role", "SyncTimerRole");
  expect((inlinePolicies as { policy: string }[]).flatMap(({ policy }) => statementsOf(policy))).toEqual([
    {
      Effect: "Allow",
      Action: ["lambda:InvokeFunction"],
      Resource: [expect.stringMatching(/:SyncFunction$/)],
    },
  ]);
});

test("a model's bucket may be read below the model's folder", async () => {
  const withModel = await Deployment.of({
    DEPLOY_MODEL: "s3://models/clip",
    DEPLOY_MODEL_SHA256: "0123456789abcdef".repeat(4),
  });
  const readers = ROLES.filter((role) =>
    withModel.statements(role).some(({ Resource }) => Resource?.includes("arn:aws:s3:::models/clip/*")),
  );
  expect(readers).toEqual(["compute", "query", "reindex", "build", "sync"]);
});

describe.each([
  ["a gateway", {}],
  [
    "addresses of functions, signed",
    { DEPLOY_API: "urls", NEARSIGHT_API_IAM: '[{"arn":"arn:aws:iam::1:user/a","scope":"read"}]' },
  ],
  ["Aurora", { DEPLOY_DATABASE: "aurora" }],
])("every policy of a deployment with %s", (_name, environment) => {
  test("allows no action by a wildcard, and nothing on everything but traces", async () => {
    const allowed = policies(await Deployment.of(environment)).filter(({ Effect }) => Effect === "Allow");
    expect(allowed.length).toBeGreaterThan(6);
    const wide = allowed.filter(
      ({ Action, Resource = [] }) =>
        Action.some((action) => action.includes("*")) ||
        Resource.some(
          (resource) => resource === "*" && !Action.every((action) => action.startsWith("xray:Put")),
        ),
    );
    expect(wide).toEqual([]);
  });
});

/** Every statement of roles, policies, queues and buckets. */
function policies(all: Deployment): Statement[] {
  return all.evaluation.resources.flatMap(({ inputs }) => {
    const { inlinePolicies = [], policy } = inputs as {
      inlinePolicies?: { policy: string }[];
      policy?: unknown;
    };
    const texts = [
      ...inlinePolicies.map((one) => one.policy),
      ...(typeof policy === "string" ? [policy] : []),
    ];
    return texts.flatMap(statementsOf);
  });
}
