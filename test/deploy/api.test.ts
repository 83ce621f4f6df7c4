/** How requests come in: through one gateway or an address of each function, with and without AWS's signatures. */

import { beforeAll, describe, expect, test } from "vitest";
import { ROUTES } from "../../deploy/routes.ts";
import { capital, Deployment, statementsOf } from "../support/deployment.ts";

const API = ["compute", "manage", "query"] as const;
const SIGNED = { NEARSIGHT_API_IAM: '[{"arn":"arn:aws:iam::123456789012:user/ann","scope":"read"}]' };

describe("a gateway", () => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await Deployment.of();
  });

  /** Route and the function behind it. */
  const routes = () => {
    const integrations = new Map(
      deployment
        .all("apigatewayv2/integration:Integration")
        .map(({ name, inputs }) => [
          `integrations/${name}-id`,
          String(inputs["integrationUri"]).split(":").at(-1),
        ]),
    );
    return deployment
      .all("apigatewayv2/route:Route")
      .map(({ inputs }) => [inputs["routeKey"], integrations.get(String(inputs["target"]))]);
  };

  test("sends each route to its function, and the rest to manage", () => {
    expect(routes().toSorted()).toEqual(
      [
        ...ROUTES.compute.map((route) => [route, "ComputeFunction"]),
        ...ROUTES.query.map((route) => [route, "QueryFunction"]),
        ["$default", "ManageFunction"],
      ].toSorted(),
    );
  });

  test("hands over events of version 2.0, and may call each function once", () => {
    const all = deployment.all("apigatewayv2/integration:Integration").map(({ inputs }) => inputs);
    expect(all).toHaveLength(3);
    expect(all).toEqual(
      all.map(() => expect.objectContaining({ integrationType: "AWS_PROXY", payloadFormatVersion: "2.0" })),
    );
    expect(permissions(deployment)).toEqual(
      API.map((role) => ({
        action: "lambda:InvokeFunction",
        function: expect.stringMatching(new RegExp(`:${capital(role)}Function$`)),
        principal: "apigateway.amazonaws.com",
        sourceArn: expect.stringMatching(/^arn:aws:execute-api:.*:ApiApi\/\*$/),
      })),
    );
  });

  test("leaves keys and origins to the application", () => {
    const types = deployment.all("apigatewayv2/route:Route").map(({ inputs }) => inputs["authorizationType"]);
    expect(new Set(types)).toEqual(new Set(["NONE"]));
    expect(deployment.inputs("apigatewayv2/api:Api", "ApiApi").corsConfiguration ?? {}).toEqual({});
  });

  test("lets in so many requests a second, and notes them for a month", () => {
    const { defaultRouteSettings, accessLogSettings } = deployment.inputs(
      "apigatewayv2/stage:Stage",
      "ApiStage",
    );
    expect(defaultRouteSettings).toEqual({ throttlingRateLimit: 100, throttlingBurstLimit: 200 });
    expect(accessLogSettings.format).not.toMatch(/authorization|api-key|querystring/i);
    expect(deployment.inputs("cloudwatch/logGroup:LogGroup", "ApiAccessLog").retentionInDays).toBe(30);
  });

  test("gives no function an address of its own", () => {
    expect(deployment.all("lambda/functionUrl:FunctionUrl")).toEqual([]);
  });

  test("tells its owner where it is", () => {
    expect(deployment.evaluation.outputs).toMatchObject({
      url: expect.stringMatching(/^https:\/\/apiapi\.execute-api\./),
      bucket: "imagesbucket",
      images: "s3://imagesbucket/images/",
      alarms: expect.stringMatching(/^arn:aws:sns:/),
    });
  });
});

describe("a gateway with signatures", () => {
  test("has AWS check every route, and says what a caller needs", async () => {
    const deployment = await Deployment.of(SIGNED);
    const types = deployment.all("apigatewayv2/route:Route").map(({ inputs }) => inputs["authorizationType"]);
    expect(new Set(types)).toEqual(new Set(["AWS_IAM"]));
    expect(statementsOf(deployment.inputs("iam/policy:Policy", "Callers").policy)).toEqual([
      {
        Effect: "Allow",
        Action: ["execute-api:Invoke"],
        Resource: [expect.stringMatching(/^arn:aws:execute-api:.*:ApiApi\/\*$/)],
      },
    ]);
    expect(deployment.evaluation.outputs["callers"]).toMatch(/^arn:aws:iam::.*Callers$/);
  });
});

describe("addresses of functions", () => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await Deployment.of({ DEPLOY_API: "urls" });
  });

  test("stream, and leave keys and origins to the application", () => {
    const urls = deployment.all("lambda/functionUrl:FunctionUrl");
    expect(
      urls.map(({ name, inputs }) => [
        name,
        inputs["authorizationType"],
        inputs["invokeMode"],
        inputs["cors"],
      ]),
    ).toEqual(API.map((role) => [`${capital(role)}Url`, "NONE", "RESPONSE_STREAM", undefined]));
    expect(API.map((role) => deployment.function(role).handler)).toEqual(API.map(() => "index.stream"));
    expect(deployment.function("reindex").handler).toBe("index.handler");
  });

  test("are open by both permissions that AWS asks for since October 2025", () => {
    const expected = API.flatMap((role) => [
      {
        action: "lambda:InvokeFunction",
        function: `${capital(role)}Function`,
        principal: "*",
        invokedViaFunctionUrl: true,
      },
      {
        action: "lambda:InvokeFunctionUrl",
        function: `${capital(role)}Function`,
        principal: "*",
        functionUrlAuthType: "NONE",
      },
    ]);
    expect(sorted(permissions(deployment))).toEqual(sorted(expected));
  });

  test("make no gateway, and are told to their owner", () => {
    expect(deployment.all("apigatewayv2/api:Api")).toEqual([]);
    const { outputs } = deployment.evaluation;
    expect(API.map((role) => outputs[role])).toEqual(
      API.map((role) => expect.stringMatching(new RegExp(`^https://${role}url\\.lambda-url\\.`))),
    );
  });
});

describe("addresses of functions with signatures", () => {
  test("are open to nobody, and a caller needs both permissions", async () => {
    const deployment = await Deployment.of({ ...SIGNED, DEPLOY_API: "urls" });
    const types = deployment
      .all("lambda/functionUrl:FunctionUrl")
      .map(({ inputs }) => inputs["authorizationType"]);
    expect(types).toEqual(["AWS_IAM", "AWS_IAM", "AWS_IAM"]);
    expect(permissions(deployment)).toEqual([]);
    const arns = ["compute", "query", "manage"].map((role) =>
      expect.stringMatching(new RegExp(`:${capital(role)}Function$`)),
    );
    expect(statementsOf(deployment.inputs("iam/policy:Policy", "Callers").policy)).toEqual([
      {
        Effect: "Allow",
        Action: ["lambda:InvokeFunctionUrl"],
        Resource: arns,
        Condition: { StringEquals: { "lambda:FunctionUrlAuthType": ["AWS_IAM"] } },
      },
      {
        Effect: "Allow",
        Action: ["lambda:InvokeFunction"],
        Resource: arns,
        Condition: { Bool: { "lambda:InvokedViaFunctionUrl": ["true"] } },
      },
    ]);
  });
});

function permissions(deployment: Deployment): unknown[] {
  return deployment.all("lambda/permission:Permission").map(({ inputs }) => inputs);
}

function sorted(values: readonly unknown[]): string[] {
  return values.map((value) => JSON.stringify(Object.entries(value as object).toSorted())).toSorted();
}
