/** Who may call, as settings have it. */

import type { Settings } from "../settings.ts";
import { type ApiKeyRecord, byApiKey } from "./api-keys.ts";
import { type Authenticate, anyOf } from "./caller.ts";
import { everyone } from "./everyone.ts";
import { byIam } from "./iam.ts";
import { byJwt } from "./jwt.ts";

/** All ways that settings name, keys first: they need no one else to be checked. CONFIG_INVALID */
export function authentication(
  { apiKeys, jwt, iam, publicScope }: Pick<Settings, "apiKeys" | "jwt" | "iam" | "publicScope">,
  ...moreKeys: readonly ApiKeyRecord[]
): Authenticate {
  return anyOf(
    byApiKey([...apiKeys, ...moreKeys]),
    ...(jwt === null ? [] : [byJwt(jwt)]),
    ...(iam.length === 0 ? [] : [byIam(iam)]),
    ...(publicScope === null ? [] : [everyone(publicScope)]),
  );
}
