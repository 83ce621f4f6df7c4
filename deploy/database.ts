/** Where samples and runs are kept: a PostgreSQL that is there already, or an Aurora in a network of its own. */

import { type Linked, linked, SECRETS } from "./secrets.ts";
import type { DeploySettings } from "./settings.ts";

export interface Database {
  readonly url: Linked;
  /** The network that functions have to be in to reach it. */
  readonly vpc: sst.aws.Vpc | undefined;
  /** What functions need to know to trust it. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The authorities of RDS, which Node does not know, as Lambda's own runtime has them. */
const RDS_AUTHORITIES = "/var/runtime/ca-cert.pem";
const [STORE_URL] = SECRETS.url;

export function createDatabase({ database }: DeploySettings): Database {
  if (database === "aurora") return createAurora();
  return { url: new sst.Secret(STORE_URL), vpc: undefined, variables: {} };
}

function createAurora(): Database {
  const vpc = createNetwork();
  const production = $app.stage === "production";
  const aurora = new sst.aws.Aurora("Store", {
    engine: "postgres",
    vpc,
    // At 0 it sleeps when nobody asks, and the first to ask waits some 15 seconds.
    scaling: { min: production ? "0.5 ACU" : "0 ACU", max: "4 ACU" },
    transform: {
      cluster: {
        deletionProtection: production,
        skipFinalSnapshot: !production,
        finalSnapshotIdentifier: `nearsight-${$app.stage}-final`,
        backupRetentionPeriod: production ? 14 : 1,
      },
    },
  });
  const { username, password, host, port, database } = aurora;
  const url = $interpolate`postgresql://${username}:${password}@${host}:${port}/${database}?sslmode=verify-full`;
  return { url: linked(STORE_URL, url), vpc, variables: { NODE_EXTRA_CA_CERTS: RDS_AUTHORITIES } };
}

/** Functions in a network reach Zilliz or Elastic through an instance that translates addresses, S3 directly. */
function createNetwork(): sst.aws.Vpc {
  const vpc = new sst.aws.Vpc("Network", {
    nat: "ec2",
    transform: {
      // SST lets the internet in, which such an instance does not need.
      natSecurityGroup: (group) => {
        group.ingress = [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["10.0.0.0/16"] }];
      },
    },
  });
  new aws.ec2.VpcEndpoint("NetworkToS3", {
    vpcId: vpc.id,
    vpcEndpointType: "Gateway",
    serviceName: $interpolate`com.amazonaws.${aws.getRegionOutput().region}.s3`,
    routeTableIds: vpc.nodes.privateRouteTables.apply((tables) => tables.map(({ id }) => id)),
  });
  return vpc;
}
