/** A deployment as it would be asked of AWS, and ways to look into it. */

import { type Evaluation, evaluate } from "../../tools/deploy/evaluate.ts";
import type { AskedBuild, AskedResource } from "../../tools/deploy/program.ts";

/** Values of all secrets that any deployment has. */
export const SECRETS = {
  NearsightApiKeys: "[]",
  NearsightApiSecret: "api-secret",
  NearsightStoreUrl: "postgresql://user:pass@db.example.org/nearsight",
  ZillizUri: "https://in01-0123456789.zillizcloud.com",
  ZillizToken: "zilliz-token",
  ElasticAddress: "deployment:ZXhhbXBsZS5vcmckYWJj",
  ElasticApiKey: "elastic-key",
};

export const ROLES = ["compute", "query", "manage", "reindex", "build", "giveUp", "sync"] as const;
export type RoleName = (typeof ROLES)[number];

// biome-ignore lint/suspicious/noExplicitAny: inputs of any resource.
type Inputs = any;

export class Deployment {
  readonly evaluation: Evaluation;

  constructor(evaluation: Evaluation) {
    this.evaluation = evaluation;
  }

  static readonly #known = new Map<string, Promise<Deployment>>();

  /** The deployment with these variables, evaluated once. */
  static of(
    environment: Readonly<Record<string, string>> = {},
    stage = "test",
    secrets: Readonly<Record<string, string>> = {},
  ): Promise<Deployment> {
    const request = { environment, stage, secrets: { ...SECRETS, ...secrets } };
    const key = JSON.stringify(request);
    const known = Deployment.#known.get(key) ?? evaluate(request).then((found) => new Deployment(found));
    Deployment.#known.set(key, known);
    return known;
  }

  /** Resources of a type such as `sqs/queue:Queue`, by name. */
  all(type: string): readonly AskedResource[] {
    const found = this.evaluation.resources.filter((resource) => resource.type === `aws:${type}`);
    // Pulumi makes them as soon as it can, in any order.
    return found.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Inputs of the one resource of a type with this name. */
  inputs(type: string, name: string): Inputs {
    const found = this.all(type).filter((resource) => resource.name === name);
    if (found.length !== 1) {
      const names = this.all(type).map((resource) => resource.name);
      throw new Error(`Expected one ${type} named ${name} but found ${names.join(", ")}`);
    }
    return found[0]?.inputs;
  }

  function(role: RoleName): Inputs {
    return this.inputs("lambda/function:Function", `${capital(role)}Function`);
  }

  /** What SST is asked to pack and to link for a function. */
  build(role: RoleName): AskedBuild {
    const found = this.evaluation.builds.find(({ functionID }) => functionID === capital(role));
    if (found === undefined) throw new Error(`Expected a build of ${role} but found none`);
    return found;
  }

  /** Statements of the function's own policy. */
  statements(role: RoleName): readonly Statement[] {
    const { inlinePolicies } = this.inputs("iam/role:Role", `${capital(role)}Role`);
    return (inlinePolicies as { policy: string }[]).flatMap(({ policy }) => statementsOf(policy));
  }
}

/** A statement of a policy, as AWS writes it. */
export interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource?: readonly string[];
  readonly Principal?: Readonly<Record<string, readonly string[]>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export function statementsOf(policy: string): Statement[] {
  return (JSON.parse(policy) as { Statement: Statement[] }).Statement;
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
