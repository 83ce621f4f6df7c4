/** Makes a function of a packed bundle, with the rights and variables that are named and no others. */

import type { Database } from "./database.ts";
import { API_ROLES, ROLES, type RoleName } from "./roles.ts";
import type { Linked } from "./secrets.ts";
import type { DeploySettings } from "./settings.ts";

export type Variables = Readonly<Record<string, $util.Input<string>>>;
export type Permission = sst.aws.FunctionPermissionArgs;

/** What one function is given. */
export interface Given {
  readonly variables: Variables;
  readonly links: readonly Linked[];
  readonly permissions: readonly Permission[];
}

/** X-Ray knows no resources: AWS takes nothing but `*` here. */
const TRACING: Permission = {
  actions: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
  resources: ["*"],
};

/** `before` is one that runs the same bundle: SST writes the links into its folder, so that they are made in turn. */
export function createFunction(
  role: RoleName,
  settings: DeploySettings,
  { vpc }: Pick<Database, "vpc">,
  { variables, links, permissions }: Given,
  before?: sst.aws.Function,
): sst.aws.Function {
  const { seconds, megabytes, instances, about, code = { bundle: role, entry: "handler" } } = ROLES[role];
  const streams = hasUrl(role, settings);
  const folder = folderOf(code.bundle, settings);
  return new sst.aws.Function(nameOf(role), {
    description: about,
    bundle: before === undefined ? folder : before.arn.apply(() => folder),
    handler: `index.${streams ? "stream" : code.entry}`,
    runtime: "nodejs24.x",
    architecture: settings.architecture,
    timeout: `${seconds} seconds`,
    memory: `${megabytes} MB`,
    environment: { ...variables },
    link: [...links],
    permissions: [...permissions, TRACING],
    logging: { retention: "1 month", format: "json" },
    transform: {
      function: { tracingConfig: { mode: "Active" } },
      // SST 4.17 lets whoever may in the account take the role on, which is meant for its live development alone.
      role: { assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }) },
    },
    ...(streams ? { url: urlOf(settings), streaming: true } : {}),
    ...(settings.reserve ? { concurrency: { reserved: instances } } : {}),
    ...(vpc === undefined ? {} : { vpc }),
  });
}

/** Where `npm run pack` puts a bundle, for a kind of processor and a backend. */
function folderOf(bundle: string, { backend, architecture }: DeploySettings): string {
  const driver = backend === "zilliz" ? "milvus" : "elasticsearch";
  return `.cache/pack/${architecture === "arm64" ? "arm64" : "x64"}/${bundle}-${driver}`;
}

/** `query` as `Query`: SST makes names of resources of it. */
export function nameOf(role: RoleName): string {
  return role.charAt(0).toUpperCase() + role.slice(1);
}

function hasUrl(role: RoleName, { api }: DeploySettings): boolean {
  return api === "urls" && role in API_ROLES;
}

/** The application answers for itself which origins may call. */
function urlOf({ iam }: DeploySettings) {
  return { authorization: iam ? "iam" : "none", cors: false } as const;
}
