/** The AWS SDK's client for S3: loaded and made when it is first used. */

import { readFile } from "node:fs/promises";
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { NearsightError } from "../../errors.ts";
import type { S3Settings } from "../../s3-settings.ts";

export type S3Sdk = typeof import("@aws-sdk/client-s3");

/** Where a server has no regions, any name will do for the signature; this one every server takes. */
const ANY_REGION = "us-east-1";

/** The SDK, and one client of it. */
export interface S3Connection {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
}

/** A connection that is made by its first call; PACKAGE_MISSING, CONFIG_INVALID. */
export function s3Connection(settings: S3Settings) {
  let opened: Promise<S3Connection> | undefined;
  return {
    open(): Promise<S3Connection> {
      opened ??= connect(settings);
      opened.catch(() => {
        opened = undefined;
      });
      return opened;
    },
    async close(): Promise<void> {
      const connection = await opened?.catch(() => undefined);
      connection?.client.destroy();
    },
  };
}

async function connect(settings: S3Settings): Promise<S3Connection> {
  const [sdk, config] = await Promise.all([loadSdk(), clientConfig(settings)]);
  return { sdk, client: new sdk.S3Client(config) };
}

async function loadSdk(): Promise<S3Sdk> {
  try {
    return await import("@aws-sdk/client-s3");
  } catch (cause) {
    throw packageMissing("Media in buckets need", "@aws-sdk/client-s3", cause);
  }
}

/** Signs links; a package of its own, since only links need it. */
export async function loadPresigner(): Promise<typeof import("@aws-sdk/s3-request-presigner")> {
  try {
    return await import("@aws-sdk/s3-request-presigner");
  } catch (cause) {
    throw packageMissing("Links to media in buckets need", "@aws-sdk/s3-request-presigner", cause);
  }
}

function packageMissing(what: string, name: string, cause: unknown): NearsightError {
  return new NearsightError({
    code: "PACKAGE_MISSING",
    message: `${what} the package ${name}, which could not be loaded`,
    hint: `Run: npm install ${name}`,
    cause,
  });
}

async function clientConfig(settings: S3Settings): Promise<S3ClientConfig> {
  const { endpoint, caCerts, accessKeyId, secretAccessKey, sessionToken } = settings;
  const region = settings.region ?? (endpoint === undefined ? undefined : ANY_REGION);
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined;
  return {
    followRegionRedirects: true,
    forcePathStyle: settings.pathStyle ?? endpoint !== undefined,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(caCerts === undefined ? {} : { requestHandler: { httpsAgent: { ca: await authorities(caCerts) } } }),
    ...(hasKeys
      ? {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
        }
      : {}),
  };
}

async function authorities(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new NearsightError({
      code: "CONFIG_INVALID",
      message: `The certificates for S3 at ${path} cannot be read: ${(cause as Error).message}`,
      hint: "Correct AWS_CA_BUNDLE, or the option caCerts",
      cause,
    });
  }
}
