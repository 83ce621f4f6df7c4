/** What AWS would answer to a deployment: made-up names and addresses, in the form that AWS gives them. */

export const ACCOUNT = "123456789012";
export const REGION = "eu-central-1";

type Values = Readonly<Record<string, unknown>>;

interface Statement {
  readonly effect?: string;
  readonly actions: readonly string[];
  readonly resources?: readonly string[];
  readonly principals?: readonly { readonly type: string; readonly identifiers: readonly string[] }[];
  readonly conditions?: readonly {
    readonly test: string;
    readonly variable: string;
    readonly values: readonly string[];
  }[];
}

/** What a resource is known by once it is made, beside what it was made with. */
export function created(type: string, name: string): Values {
  const [, module = "", kind = ""] = /^([^:]+:[^/:]+)\/?[^:]*:(\w+)$/.exec(type) ?? [];
  const service = module.split(":")[1] ?? "";
  const arn = (resource: string, of = service) => `arn:aws:${of}:${REGION}:${ACCOUNT}:${resource}`;
  switch (`${service}.${kind}`) {
    case "s3.Bucket":
      return { arn: `arn:aws:s3:::${name.toLowerCase()}`, bucket: name.toLowerCase() };
    case "sqs.Queue":
      return { arn: arn(name), name, url: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}` };
    case "lambda.Function":
      return { arn: arn(`function:${name}`), name, publish: false, invokeArn: `invoke:${name}` };
    case "lambda.FunctionUrl":
      return { functionUrl: `https://${name.toLowerCase()}.lambda-url.${REGION}.on.aws/` };
    case "apigatewayv2.Api":
      return {
        arn: arn(`/apis/${name}`, "apigateway"),
        executionArn: arn(name, "execute-api"),
        apiEndpoint: `https://${name.toLowerCase()}.execute-api.${REGION}.amazonaws.com`,
      };
    case "iam.Role":
    case "iam.Policy":
      return { arn: `arn:aws:iam::${ACCOUNT}:${kind.toLowerCase()}/${name}`, name };
    case "rds.Cluster":
      return {
        arn: arn(`cluster:${name}`),
        endpoint: `${name.toLowerCase()}.cluster.rds.amazonaws.com`,
        readerEndpoint: `${name.toLowerCase()}.cluster-ro.rds.amazonaws.com`,
      };
    case "rds.ClusterInstance":
      return { arn: arn(`db:${name}`), port: 5432 };
    case "index.RandomBytes":
      return { base64: Buffer.alloc(32, name).toString("base64") };
    case "index.RandomPassword":
      return { result: `password-of-${name}` };
    default:
      return { arn: arn(name), name };
  }
}

/** What AWS answers to a question; an error for one that is new. */
export function answered(token: string, asked: Values): Values {
  switch (token) {
    case "aws:index/getRegion:getRegion":
      return { region: REGION, name: REGION, id: REGION };
    case "aws:index/getPartition:getPartition":
      return { partition: "aws" };
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: ACCOUNT };
    case "aws:index/getAvailabilityZones:getAvailabilityZones":
      return { names: [`${REGION}a`, `${REGION}b`, `${REGION}c`] };
    case "aws:ec2/getAmi:getAmi":
      return { id: "ami-0123456789abcdef0" };
    case "aws:iam/getPolicyDocument:getPolicyDocument":
      // SST reads the statements too: without them roles look empty.
      return { ...asked, json: policyOf((asked["statements"] ?? []) as readonly Statement[]) };
    default:
      throw new Error(`Expected a question that tools/deploy/cloud.ts can answer but found ${token}`);
  }
}

/** A policy as AWS writes it. */
function policyOf(statements: readonly Statement[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map(({ effect, actions, resources, principals, conditions }) => ({
      Effect: effect ?? "Allow",
      Action: actions,
      ...(resources === undefined ? {} : { Resource: resources }),
      ...(principals === undefined
        ? {}
        : { Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers])) }),
      ...(conditions === undefined ? {} : { Condition: conditionsOf(conditions) }),
    })),
  });
}

function conditionsOf(conditions: NonNullable<Statement["conditions"]>) {
  const tests: Record<string, Record<string, readonly string[]>> = {};
  for (const { test, variable, values } of conditions) tests[test] = { ...tests[test], [variable]: values };
  return tests;
}
