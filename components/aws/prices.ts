/**
 * List prices in dollars of us-east-1, as in `sizes.ts`: https://aws.amazon.com/ebs/pricing/, https://aws.amazon.com/vpc/pricing/,
 * https://aws.amazon.com/elasticloadbalancing/pricing/
 */
import { type CloudPrices, hoursPerMonth } from "../cloud/prices.js";
import { bastionDisk, spreadOver } from "./profile.js";
import { awsOf } from "./settings.js";
import { awsSizes } from "./sizes.js";

const gp3Month = 0.08;
const natHour = 0.045;
const balancerHour = 0.0225;
const addressHour = 0.005;

export const awsPrices: CloudPrices = ({ spec, pools, volumes }) => {
  const { machines, nat, vpcId, bastionSize } = awsOf(spec);
  const isPrivate = machines === "private";
  const gateways = isPrivate && vpcId === undefined ? { zone: spreadOver, single: 1, none: 0 }[nat] : 0;
  const balancers = spec.apiLoadBalancers ? 2 : 0;
  const count = pools.reduce((sum, pool) => sum + pool.count, 0);
  const disks = pools.reduce((sum, pool) => sum + pool.count * pool.disk, isPrivate ? bastionDisk : 0);
  // One for each NAT gateway, for each zone of the external load balancer, and for each machine with a public address.
  const addresses = gateways + (balancers > 0 ? spreadOver : 0) + (isPrivate ? 1 : count);
  const hours = (amount: number, price: number): number => amount * price * hoursPerMonth;
  const bastion = awsSizes.find(({ name }) => name === bastionSize)!;
  return [
    { what: `1 × ${bastionSize} (bastion)`, monthly: isPrivate ? bastion.monthly : 0 },
    { what: `${disks} GB of disks, ${volumes} GB of etcd volumes (gp3)`, monthly: (disks + volumes) * gp3Month },
    { what: `${gateways} NAT gateway${gateways === 1 ? "" : "s"}`, monthly: hours(gateways, natHour) },
    { what: `${balancers} network load balancers`, monthly: hours(balancers, balancerHour) },
    { what: `${addresses} public addresses`, monthly: hours(addresses, addressHour) },
  ];
};
