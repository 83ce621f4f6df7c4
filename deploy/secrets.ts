/**
 * What only the owner knows: set once a stage with `npx sst secret set NAME VALUE`, kept encrypted by SST, and
 * linked: a function finds them in an encrypted file of its own, where they may be longer than variables.
 */

import type { DeploySettings } from "./settings.ts";

/** Those that are set by hand, by what needs them; docs/deploy.md says where each comes from. */
export const SECRETS = {
  always: ["NearsightApiKeys", "NearsightApiSecret"],
  zilliz: ["ZillizUri", "ZillizToken"],
  elastic: ["ElasticAddress", "ElasticApiKey"],
  url: ["NearsightStoreUrl"],
  aurora: [],
} as const;

/** A secret as `Resource.NAME.value` of a function; a deployment without its value fails with the command that sets it. */
export type Linked = sst.Secret | sst.Linkable<{ value: $util.Output<string> }>;

export interface Secrets {
  readonly apiKeys: Linked;
  /** What cursors and links to images are signed with. */
  readonly apiSecret: Linked;
  /** Where the backend is and who asks: options of the driver, as JSON. */
  readonly backend: Linked;
}

export function createSecrets({ backend }: DeploySettings): Secrets {
  const [apiKeys, apiSecret] = SECRETS.always;
  return {
    apiKeys: new sst.Secret(apiKeys),
    apiSecret: new sst.Secret(apiSecret),
    backend: linked("NearsightBackend", backend === "zilliz" ? zilliz() : elastic()),
  };
}

/** A value that follows from others, linked like a secret. */
export function linked(name: string, value: $util.Output<string>): Linked {
  return new sst.Linkable(name, { properties: { value: $util.secret(value) } });
}

function zilliz(): $util.Output<string> {
  const [uri, token] = SECRETS.zilliz.map((name) => new sst.Secret(name).value);
  return $jsonStringify({ uri, token });
}

/** A deployment has a Cloud ID, a serverless project an address. */
function elastic(): $util.Output<string> {
  const [address, apiKey] = SECRETS.elastic.map((name) => new sst.Secret(name).value);
  return $resolve([address, apiKey]).apply(([place = "", key = ""]) =>
    JSON.stringify(
      place.startsWith("https://") ? { hosts: [place], apiKey: key } : { cloudId: place, apiKey: key },
    ),
  );
}
