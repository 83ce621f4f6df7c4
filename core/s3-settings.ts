/** How S3 and servers that speak its protocol are reached: the settings by declared type, as plain data. */

import type { SettingSpec } from "./backend-settings.ts";

/** Where a bucket's server is and who asks. What is left out is found as the AWS SDK finds it. */
export interface S3Settings {
  /** Address of a server of one's own, such as `http://127.0.0.1:9000`. Default: AWS. */
  readonly endpoint?: string;
  /** Default: as the AWS SDK finds it; `us-east-1` with an endpoint. */
  readonly region?: string;
  /** The bucket's name stands in the path, not in the host. Default: true with an endpoint. */
  readonly pathStyle?: boolean;
  /** Path of a PEM file with the authorities that the server's certificate is checked against. */
  readonly caCerts?: string;
  /** With `secretAccessKey`. Default: the chain of the AWS SDK, from the environment to the function's role. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
}

/** A setting, and the variables it is read from: the first that is set. */
interface S3Setting extends Pick<SettingSpec, "type" | "secret"> {
  readonly variables: readonly string[];
}

/** The variables are those of AWS's own tools, where these have one. */
export const S3_SETTINGS: Readonly<Record<keyof S3Settings, S3Setting>> = {
  endpoint: { type: "string", variables: ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"] },
  region: { type: "string", variables: ["AWS_REGION", "AWS_DEFAULT_REGION"] },
  pathStyle: { type: "boolean", variables: ["NEARSIGHT_S3_PATH_STYLE"] },
  caCerts: { type: "string", variables: ["AWS_CA_BUNDLE"] },
  // The SDK reads these itself, and renews what expires.
  accessKeyId: { type: "string", secret: true, variables: [] },
  secretAccessKey: { type: "string", secret: true, variables: [] },
  sessionToken: { type: "string", secret: true, variables: [] },
};
