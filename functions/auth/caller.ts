/** Who calls, and what they may do. */

/** `read` searches, `write` changes samples and indexes, `manage` deletes and renames. Each includes those before it. */
export const SCOPES = ["read", "write", "manage"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Caller {
  /** Name of the key, for logs and limits; never the key itself. */
  readonly id: string;
  readonly scope: Scope;
}

/** Finds out who calls; null where the request carries no valid proof. */
export type Authenticate = (request: Request) => Promise<Caller | null>;

export function allows(caller: Caller, scope: Scope): boolean {
  return SCOPES.indexOf(caller.scope) >= SCOPES.indexOf(scope);
}
