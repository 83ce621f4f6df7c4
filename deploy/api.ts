/** How requests reach the functions: one HTTP API for all of them, or an address for each. */

import { nameOf } from "./functions.ts";
import type { ApiRole } from "./roles.ts";
import { ROUTES } from "./routes.ts";
import type { DeploySettings } from "./settings.ts";

export type ApiFunctions = Readonly<Record<ApiRole, sst.aws.Function>>;

/** Requests per second that are let in, and at once: what an API open to the internet may cost at most. */
const RATE = 100;
const BURST = 200;

/** One address; what is in no table of routes goes to `manage`. */
export function createGateway(functions: ApiFunctions, { iam }: DeploySettings): sst.aws.ApiGatewayV2 {
  const gateway = new sst.aws.ApiGatewayV2("Api", {
    // The application answers for itself which origins may call.
    cors: false,
    accessLog: { retention: "1 month" },
    transform: {
      stage: { defaultRouteSettings: { throttlingRateLimit: RATE, throttlingBurstLimit: BURST } },
    },
  });
  const { api } = gateway.nodes;
  const routes = { ...ROUTES, manage: ["$default"] };
  for (const [role, handler] of Object.entries(functions) as [ApiRole, sst.aws.Function][]) {
    const target = connect(api, nameOf(role), handler);
    for (const routeKey of routes[role]) {
      new aws.apigatewayv2.Route(routeName(routeKey), {
        apiId: api.id,
        routeKey,
        target: $interpolate`integrations/${target.id}`,
        authorizationType: iam ? "AWS_IAM" : "NONE",
      });
    }
  }
  return gateway;
}

/** One integration and one permission for a function, where `gateway.route` makes them for each route. */
function connect(
  api: aws.apigatewayv2.Api,
  name: string,
  handler: sst.aws.Function,
): aws.apigatewayv2.Integration {
  const permission = new aws.lambda.Permission(`Api${name}Permission`, {
    action: "lambda:InvokeFunction",
    function: handler.arn,
    principal: "apigateway.amazonaws.com",
    sourceArn: $interpolate`${api.executionArn}/*`,
  });
  return new aws.apigatewayv2.Integration(
    `Api${name}`,
    {
      apiId: api.id,
      integrationType: "AWS_PROXY",
      integrationUri: handler.arn,
      payloadFormatVersion: "2.0",
    },
    { dependsOn: permission },
  );
}

/** `POST /datasets/{dataset}/search` as `ApiRoutePostDatasetsDatasetSearch`. */
function routeName(routeKey: string): string {
  const words = routeKey.split(/[^A-Za-z]+/).filter((word) => word !== "");
  return `ApiRoute${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()).join("")}`;
}

/**
 * What a user or role needs to call, where AWS checks signatures. A function's address takes both permissions since
 * October 2025: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
 */
export function createCallerPolicy(
  functions: ApiFunctions,
  gateway: sst.aws.ApiGatewayV2 | null,
): aws.iam.Policy {
  const arns = Object.values(functions).map(({ arn }) => arn);
  const statements =
    gateway === null
      ? [
          statement(
            "lambda:InvokeFunctionUrl",
            arns,
            "lambda:FunctionUrlAuthType",
            "AWS_IAM",
            "StringEquals",
          ),
          statement("lambda:InvokeFunction", arns, "lambda:InvokedViaFunctionUrl", "true", "Bool"),
        ]
      : [{ actions: ["execute-api:Invoke"], resources: [$interpolate`${gateway.nodes.api.executionArn}/*`] }];
  return new aws.iam.Policy("Callers", {
    description: "May call the API of nearsight",
    policy: aws.iam.getPolicyDocumentOutput({ statements }).json,
  });
}

function statement(
  action: string,
  resources: $util.Input<string>[],
  variable: string,
  value: string,
  test: string,
) {
  return { actions: [action], resources, conditions: [{ test, variable, values: [value] }] };
}
