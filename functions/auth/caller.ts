/** Who calls, and what they may do. */

/** `read` searches, `write` changes samples and indexes, `manage` deletes and renames. Each includes those before it. */
export const SCOPES = ["read", "write", "manage"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Caller {
  /** Name of the key, the token's subject or the role, for logs and limits; never a key or token itself. */
  readonly id: string;
  /** Null for those who have shown who they are, and may do nothing. */
  readonly scope: Scope | null;
}

/**
 * Finds out who calls; null where the request carries no valid proof. `platform` is what the server beneath hono
 * knows of the request: callers cannot write to it.
 */
export type Authenticate = (request: Request, platform: unknown) => Promise<Caller | null>;

export function allows({ scope }: Caller, needed: Scope): boolean {
  return scope !== null && SCOPES.indexOf(scope) >= SCOPES.indexOf(needed);
}

/** The scope that includes all the others given; null for none. */
export function widest(scopes: readonly string[]): Scope | null {
  return SCOPES.findLast((scope) => scopes.includes(scope)) ?? null;
}

/** The first that knows the caller. */
export function anyOf(...ways: readonly Authenticate[]): Authenticate {
  return async (request, platform) => {
    for (const authenticate of ways) {
      const caller = await authenticate(request, platform);
      if (caller !== null) return caller;
    }
    return null;
  };
}
