/** List prices in dollars: https://www.digitalocean.com/pricing/volumes, https://www.digitalocean.com/pricing/load-balancers. */
import type { CloudPrices } from "../cloud/prices.js";

const volumeMonth = 0.1;
const balancerNodeMonth = 12;
const balancerNodes = 2;

export const digitaloceanPrices: CloudPrices = ({ spec, volumes }) => {
  const balancers = spec.apiLoadBalancers ? 2 : 0;
  return [
    { what: `${volumes} GB of etcd volumes`, monthly: volumes * volumeMonth },
    {
      what: `${balancers} load balancers of ${balancerNodes} nodes`,
      monthly: balancers * balancerNodes * balancerNodeMonth,
    },
  ];
};
