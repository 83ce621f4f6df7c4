/** What the environment says to the servers; nothing else in this folder reads it. */

import { readFileSync } from "node:fs";
import { z } from "@hono/zod-openapi";
import { NearsightError } from "../core/index.ts";
import type { AllowListOptions } from "./access/allow-list.ts";
import { type ApiKeyRecord, apiKeyRecordSchema } from "./auth/api-keys.ts";
import { SCOPES, type Scope } from "./auth/caller.ts";
import { type IamCaller, iamCallerSchema } from "./auth/iam.ts";
import type { JwtOptions } from "./auth/jwt.ts";
import type { FollowedSource } from "./events/reindex.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits/limits.ts";
import { newSecret } from "./signing.ts";

export interface Settings {
  /** `PORT` of the development server. Default 8787; 0 for any free one. */
  readonly port: number;
  /** What callers may name: `NEARSIGHT_API_MODELS` and `NEARSIGHT_API_MEDIA`, lists with commas. */
  readonly allow: Required<AllowListOptions>;
  /** `NEARSIGHT_API_MEDIA_NETWORKS`: networks of one's own in which hosts of that list may lie. */
  readonly mediaNetworks: readonly string[];
  /** `NEARSIGHT_API_ORIGINS`: pages that may call, such as `https://app.example.org`. */
  readonly origins: readonly string[];
  /** `NEARSIGHT_API_KEYS`: records of keys as JSON, or the path of a file that has them. */
  readonly apiKeys: readonly ApiKeyRecord[];
  /** `NEARSIGHT_API_JWT_ISSUER`, `…_AUDIENCE` and `…_JWKS`: all three, or none. */
  readonly jwt: JwtOptions | null;
  /** `NEARSIGHT_API_IAM`: users and roles of AWS with their scopes, as JSON. */
  readonly iam: readonly IamCaller[];
  /** `NEARSIGHT_API_PUBLIC`: what everybody may do. Default: nothing. */
  readonly publicScope: Scope | null;
  /** `NEARSIGHT_API_SECRET`: what cursors and links are signed with. Default: a new one for each process. */
  readonly secret: string;
  /** `NEARSIGHT_SOURCES`: what data sets follow, as JSON. */
  readonly sources: readonly FollowedSource[];
  /** `NEARSIGHT_API_REQUESTS_PER_MINUTE`, `…_BODY_BYTES`, `…_UPLOAD_BYTES`, `…_IN_FLIGHT`, `…_TIMEOUT_MS`. */
  readonly limits: Limits;
}

const list = z
  .string()
  .default("")
  .transform((text) => text.split(",").map((one) => one.trim()))
  .transform((parts) => parts.filter((one) => one !== ""));

/** JSON, or the path of a file with it: what is neither is not shown, since it may be a secret. */
function json<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .default("[]")
    .transform((text, context) => {
      try {
        return JSON.parse(text.trimStart().startsWith("[") ? text : readFileSync(text, "utf8")) as unknown;
      } catch {
        context.addIssue("Expected JSON, or the path of a file with JSON");
        return z.NEVER;
      }
    })
    .pipe(schema);
}

const count = z.coerce.number().int().min(1);

const origin = z.string().refine((text) => URL.parse(text)?.origin === text, "Expected https://HOST[:PORT]");

const sourceSchema = z.object({ address: z.string().min(1), dataset: z.string().min(1) });

const environmentSchema = z
  .object({
    PORT: z.coerce.number().int().min(0).max(65_535).default(8787),
    NEARSIGHT_API_MODELS: list,
    NEARSIGHT_API_MEDIA: list,
    NEARSIGHT_API_MEDIA_NETWORKS: list,
    NEARSIGHT_API_ORIGINS: list.pipe(z.array(origin)),
    NEARSIGHT_API_KEYS: json(z.array(apiKeyRecordSchema)),
    NEARSIGHT_API_JWT_ISSUER: z.string().optional(),
    NEARSIGHT_API_JWT_AUDIENCE: z.string().optional(),
    NEARSIGHT_API_JWT_JWKS: z.url().optional(),
    NEARSIGHT_API_IAM: json(z.array(iamCallerSchema)),
    NEARSIGHT_API_PUBLIC: z.enum(SCOPES).optional(),
    NEARSIGHT_API_SECRET: z.string().min(32, "Expected 32 characters or more").default(newSecret),
    NEARSIGHT_SOURCES: json(z.array(sourceSchema)),
    NEARSIGHT_API_REQUESTS_PER_MINUTE: count.default(DEFAULT_LIMITS.requestsPerMinute),
    NEARSIGHT_API_BODY_BYTES: count.default(DEFAULT_LIMITS.bodyBytes),
    NEARSIGHT_API_UPLOAD_BYTES: count.default(DEFAULT_LIMITS.uploadBytes),
    NEARSIGHT_API_IN_FLIGHT: count.default(DEFAULT_LIMITS.inFlight),
    NEARSIGHT_API_TIMEOUT_MS: count.default(DEFAULT_LIMITS.timeoutMs),
  })
  .transform((found) => ({
    port: found.PORT,
    allow: { models: found.NEARSIGHT_API_MODELS, media: found.NEARSIGHT_API_MEDIA },
    mediaNetworks: found.NEARSIGHT_API_MEDIA_NETWORKS,
    origins: found.NEARSIGHT_API_ORIGINS,
    apiKeys: found.NEARSIGHT_API_KEYS,
    jwt: jwtOf(found),
    iam: found.NEARSIGHT_API_IAM,
    publicScope: found.NEARSIGHT_API_PUBLIC ?? null,
    secret: found.NEARSIGHT_API_SECRET,
    sources: found.NEARSIGHT_SOURCES,
    limits: {
      requestsPerMinute: found.NEARSIGHT_API_REQUESTS_PER_MINUTE,
      bodyBytes: found.NEARSIGHT_API_BODY_BYTES,
      uploadBytes: found.NEARSIGHT_API_UPLOAD_BYTES,
      inFlight: found.NEARSIGHT_API_IN_FLIGHT,
      timeoutMs: found.NEARSIGHT_API_TIMEOUT_MS,
    },
  }));

/** CONFIG_INVALID, naming the variable and not its value. */
export function settings(environment: Readonly<Record<string, string | undefined>> = process.env): Settings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const { data, error } = environmentSchema.safeParse(given);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw invalid(String(issue?.path[0]), issue?.message ?? "invalid");
}

function jwtOf({
  NEARSIGHT_API_JWT_ISSUER: issuer,
  NEARSIGHT_API_JWT_AUDIENCE: audience,
  NEARSIGHT_API_JWT_JWKS: jwksUrl,
}: Partial<
  Record<`NEARSIGHT_API_JWT_${"ISSUER" | "AUDIENCE" | "JWKS"}`, string | undefined>
>): JwtOptions | null {
  if (issuer !== undefined && audience !== undefined && jwksUrl !== undefined)
    return { issuer, audience, jwksUrl };
  if (issuer === undefined && audience === undefined && jwksUrl === undefined) return null;
  throw invalid("NEARSIGHT_API_JWT_ISSUER", "Expected issuer, audience and JWKS together");
}

function invalid(variable: string, message: string): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message: `The variable ${variable} is wrong: ${message}`,
    hint: `Correct ${variable}, or leave it out; docs/security.md lists all`,
    details: { variable },
  });
}
