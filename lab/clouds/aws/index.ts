/** AWS in the lab. */
import { createRequire } from "node:module";
import { closed } from "../../region/metadataServer.js";
import type { LabCloud } from "../cloud.js";
import { createApi } from "./api.js";
import type * as Client from "./client.js";
import { startMetadata, tokensOf } from "./metadata.js";
import { awsRegion, ensureMoto, motoLost, awsPackages, motoStatus, startMoto } from "./moto.js";
import { readState } from "./readState.js";

const load = createRequire(__filename);

export const aws: LabCloud = {
  name: "aws",
  packages: awsPackages,
  prepare: ensureMoto,
  probe: "/corekube/state",
  // The daemon has no use for AWS's clients, which take long to load.
  client: (config) => new (load("./client.js") as typeof Client).AwsClient(config),
  // The lab's AWS takes any credentials.
  environment: () => ({
    AWS_ACCESS_KEY_ID: "corekube-lab",
    AWS_SECRET_ACCESS_KEY: "corekube-lab",
    AWS_EC2_METADATA_DISABLED: "true",
  }),
  balancerDomain: `.elb.${awsRegion}.amazonaws.com`,
  conflictingVariables: ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"],
  resourceTypes: {
    "aws:ec2/instance:Instance": "machines",
    "aws:ec2/vpc:Vpc": "vpcs",
    "aws:ec2/subnet:Subnet": "subnets",
    "aws:ec2/securityGroup:SecurityGroup": "firewalls",
    "aws:ebs/volume:Volume": "volumes",
    "aws:lb/loadBalancer:LoadBalancer": "load_balancers",
    "aws:lb/targetGroup:TargetGroup": "target_groups",
    "aws:ec2/keyPair:KeyPair": "ssh_keys",
  },
  addressOutputs: { public: "publicIp", private: "privateIp" },
  lost: (config) => (motoStatus(config) === "lost" ? motoLost(config) : undefined),
  status: (config) =>
    ({ running: `moto, region ${awsRegion}`, stopped: "moto does not run", lost: motoLost(config) })[
      motoStatus(config)
    ],
  left: async (config) => (await readState(config)).kinds,

  async serve(config, driver, logger) {
    const moto = await startMoto(config);
    const { app, region, source } = createApi({
      config,
      moto,
      driver,
      logger,
      lost: () => (motoStatus(config) === "running" ? undefined : motoLost(config)),
    });
    const metadata = await startMetadata((address) => source.byAddress(address), tokensOf(config));
    const { hostname, port } = new URL(config.apiUrl);
    await app.listen({ host: hostname, port: Number(port) });
    // Machines that are taken over may take their time; requests are answered meanwhile.
    region.start();
    return [
      { name: "metadata", close: () => closed(metadata) },
      { name: "API", close: () => app.close() },
      { name: "region", close: async () => region.stop() },
    ];
  },
};
