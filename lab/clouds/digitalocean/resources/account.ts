/** The account, its regions and the sizes on offer. */
import type { FastifyInstance } from "fastify";
import { regions, regionSlugs } from "../catalog/regions.js";
import { sizes, sizeView } from "../catalog/sizes.js";
import type { Context } from "../context.js";
import { listOf } from "../paging.js";

/** Droplets that the account may have: what the lab's public network has room for, beside load balancers. */
const dropletLimit = 200;
export const volumeLimit = 500;

/** Whether a region has a size now. */
export const offers = ({ scarcity }: Pick<Context, "scarcity">, size: string, region: string): boolean =>
  scarcity().withdrawn?.[size]?.includes(region) !== true;

/** Droplets that the account may have. */
export const limitOf = ({ scarcity }: Pick<Context, "scarcity">): number => scarcity().droplets ?? dropletLimit;

export function accountRoutes(app: FastifyInstance, context: Context): void {
  const { state } = context;
  app.get("/v2/account", () => ({
    account: {
      droplet_limit: limitOf(context),
      floating_ip_limit: 0,
      reserved_ip_limit: 0,
      volume_limit: volumeLimit,
      email: "lab@example.com",
      name: "Lab",
      uuid: state.account.uuid,
      email_verified: true,
      status: "active",
      status_message: "",
      team: { uuid: state.account.team, name: "Lab" },
    },
  }));
  app.get("/v2/regions", (request) =>
    listOf(request, "regions", regions, (region) => ({
      ...region,
      sizes: region.sizes.filter((size) => offers(context, size, region.slug)),
    })),
  );
  app.get("/v2/sizes", (request) =>
    listOf(request, "sizes", sizes, (size) =>
      sizeView(
        size,
        regionSlugs.filter((region) => offers(context, size.slug, region)),
      ),
    ),
  );
}
