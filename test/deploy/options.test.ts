/** What a deployment is at other stages and with other options, and what stops one. */

import { describe, expect, test } from "vitest";
import { evaluate } from "../../tools/deploy/evaluate.ts";
import { capital, Deployment, ROLES, SECRETS } from "../support/deployment.ts";

describe("the application", () => {
  test("is removed whole at a stage for trying", async () => {
    const { app, resources } = (await Deployment.of()).evaluation;
    expect(app).toEqual({
      name: "nearsight",
      version: ">=4.17.1 <5",
      home: "aws",
      removal: "remove",
      protect: false,
      providers: { aws: { defaultTags: { tags: { application: "nearsight", stage: "test" } } } },
      stage: "test",
    });
    expect(resources.filter(({ retained }) => retained)).toEqual([]);
  });

  test("keeps the bucket in production, and is protected", async () => {
    const { app, resources } = (await Deployment.of({}, "production")).evaluation;
    expect(app).toMatchObject({ removal: "retain", protect: true });
    expect(resources.filter(({ retained }) => retained).map(({ name }) => name)).toEqual(["ImagesBucket"]);
  });
});

test("no two resources of a kind have one name", async () => {
  const { resources } = (await Deployment.of({ DEPLOY_DATABASE: "aurora" })).evaluation;
  const names = resources.map(({ type, name }) => `${type} ${name}`);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

describe("instances", () => {
  test("are reserved for each function in production", async () => {
    const deployment = await Deployment.of({}, "production");
    const reserved = ROLES.map((role) => [role, deployment.function(role).reservedConcurrentExecutions]);
    expect(Object.fromEntries(reserved)).toEqual({
      compute: 10,
      query: 20,
      manage: 10,
      reindex: 10,
      build: 10,
      giveUp: 2,
      sync: 1,
    });
  });

  test("are the account's elsewhere", async () => {
    const deployment = await Deployment.of();
    expect(ROLES.map((role) => deployment.function(role).reservedConcurrentExecutions)).toEqual(
      ROLES.map(() => undefined),
    );
  });
});

describe("alarms", () => {
  test("watch dead letters, waiting messages, errors and throttles of every function, and the gateway", async () => {
    const deployment = await Deployment.of({ DEPLOY_ALARM_EMAIL: "someone@example.org" });
    const alarms = deployment.all("cloudwatch/metricAlarm:MetricAlarm");
    const watched = alarms.map(({ inputs }) => {
      const dimensions = Object.values(inputs["dimensions"] as object).join();
      return `${inputs["namespace"]} ${inputs["metricName"]} of ${dimensions} > ${inputs["threshold"]}`;
    });
    const names = ROLES.map((role) => `${capital(role)}Function`);
    expect(watched.toSorted()).toEqual(
      [
        "AWS/SQS ApproximateAgeOfOldestMessage of ReindexMessagesQueue > 21600",
        "AWS/SQS ApproximateAgeOfOldestMessage of BuildMessagesQueue > 21600",
        "AWS/SQS ApproximateNumberOfMessagesVisible of ReindexDeadLettersQueue > 0",
        "AWS/Lambda Invocations of GiveUpFunction > 0",
        ...names.flatMap((name) => [
          `AWS/Lambda Errors of ${name} > 0`,
          `AWS/Lambda Throttles of ${name} > 0`,
        ]),
        "AWS/ApiGateway 5xx of ApiApi-id > 0",
      ].toSorted(),
    );
  });

  test("are told to a topic, and by mail where somebody is named", async () => {
    const deployment = await Deployment.of({ DEPLOY_ALARM_EMAIL: "someone@example.org" });
    const actions = deployment
      .all("cloudwatch/metricAlarm:MetricAlarm")
      .map(({ inputs }) => inputs["alarmActions"]);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions).toEqual(actions.map(() => [expect.stringMatching(/^arn:aws:sns:.*:Alarms$/)]));
    const mails = deployment.all("sns/topicSubscription:TopicSubscription").map(({ inputs }) => inputs);
    expect(mails).toMatchObject([{ protocol: "email", endpoint: "someone@example.org" }]);
    expect((await Deployment.of()).all("sns/topicSubscription:TopicSubscription")).toEqual([]);
  });
});

describe("Aurora", () => {
  test("keeps the store in a network, and the functions reach it with its certificate checked", async () => {
    const deployment = await Deployment.of({ DEPLOY_DATABASE: "aurora" });
    expect(deployment.inputs("rds/cluster:Cluster", "StoreCluster")).toMatchObject({
      engine: "aurora-postgresql",
      storageEncrypted: true,
      serverlessv2ScalingConfiguration: { minCapacity: 0, maxCapacity: 4 },
      deletionProtection: false,
    });
    for (const role of ROLES) {
      const { value } = deployment.build(role).links["NearsightStoreUrl"] ?? {};
      expect(value).toBe(
        "postgresql://postgres:password-of-StorePassword@storecluster.cluster.rds.amazonaws.com:5432/nearsight?sslmode=verify-full",
      );
      const { environment, vpcConfig } = deployment.function(role);
      expect(environment.variables.NODE_EXTRA_CA_CERTS).toBe("/var/runtime/ca-cert.pem");
      expect(vpcConfig.subnetIds).toHaveLength(2);
    }
  });

  test("is kept in production, with backups, and never asleep", async () => {
    const deployment = await Deployment.of({ DEPLOY_DATABASE: "aurora" }, "production");
    expect(deployment.inputs("rds/cluster:Cluster", "StoreCluster")).toMatchObject({
      serverlessv2ScalingConfiguration: { minCapacity: 0.5, maxCapacity: 4 },
      deletionProtection: true,
      skipFinalSnapshot: false,
      finalSnapshotIdentifier: "nearsight-production-final",
      backupRetentionPeriod: 14,
    });
    const kept = deployment.evaluation.resources.filter(({ retained }) => retained).map(({ name }) => name);
    expect(kept).toEqual(expect.arrayContaining(["ImagesBucket", "StoreCluster"]));
  });

  test("lets nobody of the internet into its network", async () => {
    const deployment = await Deployment.of({ DEPLOY_DATABASE: "aurora" });
    const groups = [
      ...deployment.all("ec2/securityGroup:SecurityGroup"),
      ...deployment.all("ec2/defaultSecurityGroup:DefaultSecurityGroup"),
    ];
    const open = groups.flatMap(({ inputs }) => (inputs["ingress"] ?? []) as { cidrBlocks: string[] }[]);
    expect(open.length).toBeGreaterThan(0);
    expect(open.filter(({ cidrBlocks }) => cidrBlocks.includes("0.0.0.0/0"))).toEqual([]);
  });

  test("is not made where there is a database", async () => {
    const deployment = await Deployment.of();
    expect(deployment.evaluation.resources.filter(({ type }) => /^aws:(rds|ec2)\//.test(type))).toEqual([]);
  });
});

describe("a deployment fails", () => {
  test.each(["NearsightApiKeys", "NearsightApiSecret", "NearsightStoreUrl", "ZillizUri", "ZillizToken"])(
    "without the secret %s, with the command that sets it",
    async (name) => {
      const secrets = Object.fromEntries(Object.entries(SECRETS).filter(([secret]) => secret !== name));
      await expect(evaluate({ secrets })).rejects.toThrow(`sst secret set ${name} <value>`);
    },
  );

  test("for a setting that is wrong, by its name", async () => {
    await expect(evaluate({ secrets: SECRETS, environment: { DEPLOY_BACKEND: "pinecone" } })).rejects.toThrow(
      'Expected zilliz or elastic in DEPLOY_BACKEND but found "pinecone"',
    );
  });

  test("not for secrets of a backend that it does not have", async () => {
    const { ElasticAddress: _address, ElasticApiKey: _key, ...secrets } = SECRETS;
    await expect(evaluate({ secrets })).resolves.toMatchObject({ app: { stage: "test" } });
  });
});
